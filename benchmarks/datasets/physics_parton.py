"""Drell-Yan and e+ e- -> l+ l- at parton level: cross-sections, shapes, weights and rates."""

import time
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from skjetsim.datasets import generate_drell_yan, generate_lepton_pairs_ee
from skjetsim.datasets._chain._pythia import start
from skjetsim.datasets._drell_yan_weights import GammaZ
from skjetsim.datasets._lepton_pairs import lepton_pairs

WINDOWS = ((50.0, 80.0), (80.0, 100.0), (100.0, 200.0), (200.0, None))
BOSONS = ("both", "photon", "z")
BATCH_SIZE = 10_000
N_BINS = 40
ENERGIES = (80.0, 91.1876, 100.0)
AXES = {
    "mass": ("pair mass [GeV]", np.geomspace(50, 1000, 61)),
    "rapidity": ("pair rapidity", np.linspace(-5.5, 5.5, 56)),
    "forward": ("cos(theta*) towards the pair", np.linspace(-1, 1, 41)),
    "pt": ("muon pT [GeV]", np.linspace(0, 80, 81)),
}


def section(n_events, n_jobs, folder):
    """Print the tables and draw the shapes."""
    options = {"n_samples": n_events, "n_jobs": n_jobs}
    print(f"Drell-Yan, pp -> mumu at 13 TeV, m > 50 GeV, {n_events} events a sample\n")
    weighted = cross_sections(options)
    unweighted = generate_drell_yan(**options, random_state=2)
    second = generate_drell_yan(**options, random_state=3)
    shapes(weighted, unweighted, second)
    flat = unweighting(options)
    rates(n_events)
    annihilation(options, folder)
    draw_shapes(weighted, unweighted, folder / "drell_yan_shapes.png")
    draw_weights(flat, folder / "drell_yan_weights.png")


def cross_sections(options):
    """Print weighted cross-sections and Pythia's own. Return events and weights of both bosons."""
    print(
        "cross-section [pb]          weighted              Pythia             ratio (goal 1 +- .01)"
    )
    events = []
    for boson in BOSONS:
        ours, theirs = [], []
        for low, high in WINDOWS:
            cuts = {"boson": boson, "mass_min": low, "mass_max": high, "random_state": 1}
            pair = [generate_drell_yan(**options, **cuts, weighted=w) for w in (True, False)]
            for totals, sample in zip((ours, theirs), pair, strict=True):
                totals.append((sample.cross_section, sample.cross_section_error))
            print_ratio(f"{boson:6s} {name(low, high):12s}", ours[-1], theirs[-1])
            if boson == "both":
                events.append((quantities(pair[0].data), pair[0].sample_weight))
        print_ratio(f"{boson:6s} {name(50.0, None):12s}", added(ours), added(theirs))
    print()
    values = {key: np.concatenate([one[key] for one, _ in events]) for key in AXES}
    return values, np.concatenate([weight for _, weight in events]) / options["n_samples"]


def name(low, high):
    """Name of a mass window."""
    return f"m > {low:.0f}" if high is None else f"{low:.0f} < m < {high:.0f}"


def added(parts):
    """Sum of cross-sections with their errors."""
    value, error = np.transpose(parts)
    return value.sum(), np.linalg.norm(error)


def print_ratio(label, ours, theirs):
    """One line of the table of cross-sections."""
    error = np.hypot(ours[1] / ours[0], theirs[1] / theirs[0])
    words = "".join(f"{value:12.3f} +- {width:6.3f}" for value, width in (ours, theirs))
    print(f"{label:22s}{words}   {ours[0] / theirs[0]:8.4f} +- {error:.4f}", flush=True)


def quantities(table):
    """Arrays of mass, rapidity, angle and transverse momentum."""
    p = table.to_numpy().reshape(len(table), 2, 4)
    total = p.sum(axis=1)
    mass = np.sqrt(total[:, 3] ** 2 - total[:, 2] ** 2)
    rapidity = np.arctanh(total[:, 2] / total[:, 3])
    along = p[:, 0, 2] * np.cosh(rapidity) - p[:, 0, 3] * np.sinh(rapidity)
    # The pair goes where the quark went, more often than not.
    forward = 2 * along / mass * np.sign(rapidity)
    pt = np.hypot(p[:, 0, 0], p[:, 0, 1])
    return {"mass": mass, "rapidity": rapidity, "forward": forward, "pt": pt}


def shapes(weighted, unweighted, second):
    """Print how well the shapes agree, compared with those of two samples of Pythia."""
    print(
        f"shapes, chi2 per dof in {N_BINS} bins      weighted     second sample of Pythia (floor)"
    )
    values, weight = weighted
    first, other = quantities(unweighted.data), quantities(second.data)
    for key in AXES:
        ours = chi2(values[key], weight, first[key])
        floor = chi2(other[key], np.ones(len(other[key])), first[key])
        print(f"{key:28s}{ours:16.3f}{floor:20.3f}   (one +- {np.sqrt(2 / (N_BINS - 1)):.2f})")
    print()


def chi2(values, weight, reference):
    """Chi-square per degree of freedom of shapes, in bins of as many reference events."""
    bins = np.quantile(reference, np.linspace(0, 1, N_BINS + 1))
    bins[[0, -1]] = -np.inf, np.inf
    weight = weight / weight.sum()
    counts, _ = np.histogram(values, bins, weights=weight)
    squares, _ = np.histogram(values, bins, weights=weight**2)
    expected = np.histogram(reference, bins)[0] / len(reference)
    variance = squares + expected / len(reference)
    return np.sum((counts - expected) ** 2 / variance) / (N_BINS - 1)


def unweighting(options):
    """Print the efficiency: the mean weight over the median of the maxima of batches."""
    flat = generate_drell_yan(**options, random_state=4, weighted=True)
    weight = flat.sample_weight
    n_batches = max(len(weight) // BATCH_SIZE, 1)
    maxima = [part.max() for part in np.array_split(weight, n_batches)]
    efficiency = weight.mean() / np.median(maxima)
    spread = np.std(maxima) / np.median(maxima) / np.sqrt(n_batches)
    print(f"unweighting efficiency, m > 50   {efficiency:.2%} +- {efficiency * spread:.2%}", end="")
    print(f"   (published generator about .2%; {len(weight)} integrand calls)")
    print()
    return weight


def rates(n_events):
    """Print the rate of events of one worker."""
    generators = {
        "Drell-Yan, Pythia": lambda n: generate_drell_yan(n, random_state=0),
        "Drell-Yan, weighted": lambda n: generate_drell_yan(n, random_state=0, weighted=True),
        "e+ e-": lambda n: generate_lepton_pairs_ee(n, random_state=0),
        "e+ e-, radiation": lambda n: generate_lepton_pairs_ee(n, random_state=0, isr=True),
    }
    print("rows a second, one process, with the start of Pythia")
    for label, generate in generators.items():
        begin = time.perf_counter()
        generate(n_events)
        print(f"{label:28s}{n_events / (time.perf_counter() - begin):10.0f}", flush=True)
    print()


def annihilation(options, folder):
    """Print e+ e- compared with the matrix element, and draw the angles."""
    print("e+ e- -> l+ l-      cross-section [pb]      expected     asymmetry           expected")
    figure, axes = plt.subplots(1, len(ENERGIES), figsize=(13, 4), layout="constrained")
    for ax, energy in zip(axes, ENERGIES, strict=True):
        events = generate_lepton_pairs_ee(**options, random_state=6, energy=energy)
        sides = np.sign(events.data["lepton_pz"])
        total, asymmetry, curve = expected_angles(energy)
        error = np.sqrt((1 - asymmetry**2) / len(sides))
        print(
            f"{energy:8.3f} GeV{events.cross_section:18.3f} +- {events.cross_section_error:5.3f}"
            f"{total:14.3f}{sides.mean():12.4f} +- {error:.4f}{asymmetry:13.4f}"
        )
        draw_angles(ax, events, energy, curve)
    figure.savefig(folder / "lepton_pairs_ee_angles.png", dpi=120)
    plt.close(figure)
    peak = generate_lepton_pairs_ee(**options, random_state=7)
    off = np.abs(peak.data["lepton_E"] + peak.data["antilepton_E"] - 91.1876).max()
    print(f"largest |E1 + E2 - sqrt(s)| on the peak {off:.1e} GeV", end="")
    radiative = generate_lepton_pairs_ee(**options, random_state=7, isr=True)
    loss = radiative.cross_section / peak.cross_section
    print(
        f"; with radiation the cross-section is {loss:.3f} times that without (about .73 at LEP)\n"
    )


def expected_angles(energy):
    """Cross-section, asymmetry and density of cos(theta) by the matrix element, two flavours."""
    own = ("23:onMode = off", "23:onIfAny = 11 13")
    pythia = start(lepton_pairs("e+ e-", "lepton_pairs_ee.rst", "both", own, ()).settings, seed=1)
    weak = pythia.coupSM
    element = GammaZ.of(pythia, "both")
    charged = (weak.ef(11), weak.vf(11), weak.af(11))
    element = replace(element, couplings={11: charged, 13: charged}, muon_mass=0.0)

    def density(cosine):
        s = np.full(len(cosine), energy**2)
        # Colours are the quarks'.
        return 2 * 3 * element(s, cosine, 11, weak.alphaEM(energy**2))

    nodes, node_weights = np.polynomial.legendre.leggauss(8)
    forward, backward = (node_weights @ density(side * (nodes + 1) / 2) / 2 for side in (1, -1))
    total = forward + backward
    return total, (forward - backward) / total, lambda cosine: density(cosine) / total


def draw_angles(ax, events, energy, curve):
    """Angles at one energy, and the expected density."""
    momentum = events.data[["lepton_px", "lepton_py", "lepton_pz"]].to_numpy()
    cosine = momentum[:, 2] / np.linalg.norm(momentum, axis=1)
    counts, edges = np.histogram(cosine, bins=40, range=(-1, 1))
    centres, norm = (edges[1:] + edges[:-1]) / 2, len(cosine) * np.diff(edges)
    ax.errorbar(centres, counts / norm, np.sqrt(counts) / norm, fmt="k.", label="events")
    grid = np.linspace(-1, 1, 201)
    ax.plot(grid, curve(grid), label="matrix element")
    ax.set(xlabel="cos(theta)", ylabel="density", title=f"{energy:g} GeV", ylim=(0, None))
    ax.legend()


def draw_shapes(weighted, unweighted, path):
    """Weighted and unweighted shapes, in pb per bin, with ratios."""
    values, weight = weighted
    theirs = quantities(unweighted.data)
    figure, axes = plt.subplots(
        2, len(AXES), figsize=(18, 6), height_ratios=(3, 1), sharex="col", layout="constrained"
    )
    for (top, bottom), (key, (label, bins)) in zip(axes.T, AXES.items(), strict=True):
        ours, errors = histogram(values[key], bins, weight)
        share = unweighted.sample_weight / len(unweighted.sample_weight)
        pythia, widths = histogram(theirs[key], bins, share)
        centres = (bins[1:] + bins[:-1]) / 2
        top.stairs(pythia, bins, label="Pythia")
        top.errorbar(centres, ours, errors, fmt="k.", ms=4, label="weighted")
        top.set(ylabel="pb / bin", yscale="log" if key in ("mass", "pt") else "linear")
        top.legend()
        # Bins with fewer events than this say nothing on the scale of the panel.
        full = widths < 0.1 * pythia
        ratio = ours[full] / pythia[full]
        relative = np.hypot(errors[full] / ours[full], widths[full] / pythia[full])
        bottom.errorbar(centres[full], ratio, ratio * relative, fmt="k.", ms=4)
        bottom.axhline(1, lw=1)
        bottom.set(xlabel=label, ylabel="ratio", ylim=(0.8, 1.2))
        bottom.set_xscale("log" if key == "mass" else "linear")
        if key == "forward":
            bottom.set_xticks([-1, -0.5, 0, 0.5, 1])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def histogram(values, bins, weight):
    """Sums of weights and their errors."""
    sums, _ = np.histogram(values, bins, weights=weight)
    squares, _ = np.histogram(values, bins, weights=weight**2)
    return sums, np.sqrt(squares)


def draw_weights(weight, path):
    """Weights in units of their mean."""
    figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
    relative = weight / weight.mean()
    ax.hist(relative, np.geomspace(1e-6, 1e3, 91), histtype="step")
    ax.set(xscale="log", yscale="log", xlabel="weight / mean weight", ylabel="points")
    figure.savefig(path, dpi=120)
    plt.close(figure)

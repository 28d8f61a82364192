"""Jets: compared with public quark, gluon and top jets, through the detector, and as images."""

import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from matplotlib.colors import LogNorm

from skjetsim.datasets import DetectorCard, generate_jet_images, generate_jets
from skjetsim.datasets._chain._events import selected_events
from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import NEUTRINO_IDS, smallest_by_event
from skjetsim.datasets._chain._record import PARTICLE_ETA_MAX
from skjetsim.datasets._jets._clouds import in_coordinates, jet_frame
from skjetsim.datasets._jets._process import JetCloudProcess, hardest_constituents
from skjetsim.metrics import metric_floor, wasserstein_distance

FILES = Path(__file__).parents[3] / "shared" / "data" / "jets"

# The file's particles decay unless they are stable for metres, and its beams have 14 TeV.
AS_ENERGYFLOW = ("Beams:eCM = 14000.", "ParticleDecays:limitTau0 = off")
# The top-tagging reference, arXiv:1902.09914, section 2: no multiparton interactions.
AS_LANDSCAPE = ("Beams:eCM = 14000.", "PartonLevel:MPI = off")
OBSERVABLES = ("mass / pT", "multiplicity", "girth", "pT spread", "z max", "pT", "eta")
N_BOOTSTRAP = 200


def section(n_events, n_jobs, folder):
    """Print and draw jets of all kinds."""
    if FILES.is_dir():
        beside_energyflow(n_events // 2, n_jobs, folder)
        beside_landscape(n_events // 5, n_jobs, folder)
    kinds_and_response(n_events // 10, n_jobs, folder)
    images(n_events // 10, n_jobs, folder)


def observables(cloud, jets):
    """The columns OBSERVABLES, for massless particles."""
    eta_rel, phi_rel, part = np.moveaxis(cloud, 2, 0)
    pt, eta = jets["pt"], jets["eta"]
    angle = np.hypot(eta_rel, phi_rel)
    px, py = (part * f(phi_rel) for f in (np.cos, np.sin))
    here = np.where(part > 0, eta_rel + np.asarray(eta)[:, None], 0.0)
    pz, energy = part * np.sinh(here), part * np.cosh(here)
    squares = [p.sum(axis=1) ** 2 for p in (energy, px, py, pz)]
    mass = np.sqrt(np.maximum(squares[0] - squares[1] - squares[2] - squares[3], 0))
    multiplicity = (part > 0).sum(axis=1)
    spread = np.sqrt((part**2).sum(axis=1)) / part.sum(axis=1)
    girth = (part * angle).sum(axis=1)
    return np.column_stack([mass, multiplicity, girth, spread, part.max(axis=1), pt, eta])


def load(name, label):
    """Observables of the jets with one label in a file."""
    file = np.load(FILES / name)
    chosen = file["label"] == list(file["label_names"]).index(label)
    jets = dict(zip(("pt", "eta"), file["jets"][chosen, :2].T.astype(float), strict=True))
    return observables(file["particles"][chosen].astype(float), jets)


def generated(bunch, level="", eta_max=np.inf):
    """Observables of generated jets of one level."""
    jets = bunch[f"{level}jets"]
    cloud = bunch.target if level else bunch.data
    kept = (jets["eta"].abs() < eta_max) & (bunch.accepted if level else True)
    return observables(cloud[kept], jets[kept])


def medians(values, seed=0):
    """Medians of columns and their bootstrap errors."""
    rng = np.random.default_rng(seed)
    draws = [
        np.median(values[rng.integers(0, len(values), len(values))], axis=0)
        for _ in range(N_BOOTSTRAP)
    ]
    return np.median(values, axis=0), np.std(draws, axis=0)


def compare(title, ours, theirs):
    """Print medians and distances."""
    n_floor = min(len(theirs), len(ours) // 2)
    distance = wasserstein_distance(theirs, ours[: len(theirs)], scale="std")
    floor = metric_floor(
        wasserstein_distance,
        ours,
        n_samples=n_floor,
        n_repeats=200,
        random_state=0,
        metric_params={"scale": "std"},
    )
    print(f"{title}: {len(ours)} generated, {len(theirs)} in the file")
    print(f"{'median of':14s}{'generated':>20s}{'file':>20s}{'ratio':>17s}  W1/std  floor (95%)")
    (own, own_error), (other, other_error) = medians(ours), medians(theirs)
    for j, name in enumerate(OBSERVABLES):
        ratio = own[j] / other[j]
        error = abs(ratio) * np.hypot(own_error[j] / own[j], other_error[j] / other[j])
        shown = f"{ratio:9.3f} +- {error:.3f}" if name != "eta" else ""
        sides = f"{own[j]:11.4f} +- {own_error[j]:.4f}{other[j]:11.4f} +- {other_error[j]:.4f}"
        print(f"{name:14s}{sides}{shown:>17s}  {distance[j]:6.3f}  {floor.quantiles[-1][j]:6.3f}")
    print()


def beside_energyflow(n_jets, n_jobs, folder):
    """Z + quark and Z + gluon, anti-kT R = 0.4, compared with the EnergyFlow sample."""
    print(
        "Particle level, R = 0.4, 500 < pT < 550 GeV, abs(eta) < 1.7   (goal: medians of mass / pT"
    )
    print(
        "and multiplicity within 5%). The file has rapidities where clouds have pseudorapidities,"
    )
    print("and so have the jets beside it; it is of Pythia 8.226.\n")
    figure, axes = plt.subplots(2, 4, figsize=(15, 7))
    for kind, colour in (("quark", "C0"), ("gluon", "C1")):
        ours, theirs = in_rapidities(kind, n_jets, n_jobs), load("quark_gluon_2000.npz", kind)
        compare(kind, ours, theirs)
        overlay(axes.flat, ours, theirs, kind, colour)
    finish(figure, axes, folder / "jets_quark_gluon.png")


def in_rapidities(kind, n_jets, n_jobs):
    """Observables of jets from `generate_jets`, with rapidities instead of pseudorapidities."""
    process = JetCloudProcess(kind, radius=0.4, pt_range=(500.0, 550.0), n_constituents=200)
    # A number of parts that does not depend on n_jobs, nor do the jets then.
    work = (delayed(_rapidity_part)(process, n_jets // 4, seed) for seed in range(1, 5))
    return np.concatenate(Parallel(n_jobs=n_jobs)(work))


def _rapidity_part(process, n_jets, seed):
    parts, n_made = [], 0
    for events in selected_events(process, seed, AS_ENERGYFLOW):
        visible = ~np.isin(np.abs(events.particles.pdg_id), NEUTRINO_IDS)
        visible &= np.abs(events.particles.eta) < PARTICLE_ETA_MAX
        particles = events.particles.select(visible)
        jets, owner = cluster(particles, events.n_events, process.radius)
        generated_pt = events.jets.pt[jets.event]
        chosen = smallest_by_event(jets.event, np.abs(jets.pt - generated_pt), events.n_events)
        # What has this pz has the particle's rapidity as its pseudorapidity.
        rapidity = np.arctanh(particles.pz / particles.energy)
        turned = replace(particles, pz=particles.pt * np.sinh(rapidity))
        momenta = hardest_constituents(turned, owner, chosen, process.n_constituents)
        table = events.columns["jets"]
        kept = np.abs(table[:, 1]) < 1.7
        cloud = in_coordinates(momenta, table, "relative")
        parts.append(observables(cloud[kept], jet_frame(table[kept])))
        n_made += kept.sum()
        if n_made >= n_jets:
            return np.concatenate(parts)


def beside_landscape(n_jets, n_jobs, folder):
    """Top jets, anti-kT R = 0.8, after the detector, compared with the top-tagging sample."""
    print(
        "Detector level, R = 0.8, 550 < pT < 650 GeV, all quarks of the decay within 0.8; both with"
    )
    print("an ATLAS detector, the file's of Delphes\n")
    figure, axes = plt.subplots(2, 4, figsize=(15, 7))
    bunch = generate_jets(
        n_jets,
        "top",
        # Jets that leave or enter the range in the detector are there, too.
        pt_range=(500.0, 750.0),
        n_constituents=200,
        detector=DetectorCard.atlas(),
        settings=AS_LANDSCAPE,
        random_state=1,
        n_jobs=n_jobs,
    )
    ours = generated(bunch, "target_")
    pt = OBSERVABLES.index("pT")
    whole = bunch.parton_delta_r[bunch.accepted] < 0.8
    ours = ours[whole & (ours[:, pt] > 550) & (ours[:, pt] < 650)]
    theirs = load("top_landscape_2000.npz", "top")
    compare("top", ours, theirs)
    overlay(axes.flat, ours, theirs, "top", "C3")
    finish(figure, axes, folder / "jets_top.png")


def kinds_and_response(n_jets, n_jobs, folder):
    """Masses, truncation and detector response of every kind at 1 TeV."""
    print("R = 0.8, 900 < pT < 1100 GeV, medians; pT response: mean +- error, width; speed")
    print(f"{'kind':8s}{'mass':>8s}{'of cloud':>10s}{'n':>6s}{'pT beyond 30':>14s}", end="")
    print(f"{'response':>20s}{'width':>8s}{'mass resp.':>12s}{'accepted':>10s}{'jets/s':>8s}")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4))
    for kind in ("gluon", "quark", "top", "w", "z"):
        start = time.perf_counter()
        bunch = generate_jets(n_jets, kind, n_constituents=300, random_state=2, n_jobs=n_jobs)
        rate = n_jets / (time.perf_counter() - start)
        jets, both = bunch.jets, bunch.accepted
        lost = 1 - bunch.data[:, :30, 2].sum(axis=1) / bunch.data[..., 2].sum(axis=1)
        cloud = observables(bunch.data, jets)[:, 0] * jets["pt"]
        response = bunch.target_jets["pt"][both] / jets["pt"][both]
        mass_response = bunch.target_jets["mass"][both] / jets["mass"][both]
        print(
            f"{kind:8s}{jets['mass'].median():8.1f}{cloud.median():10.1f}"
            f"{jets['multiplicity'].median():6.0f}{np.median(lost):14.3f}"
            f"{response.mean():12.4f} +- {response.std() / np.sqrt(both.sum()):.4f}"
            f"{response.std():8.4f}{mass_response.median():12.3f}{both.mean():10.4f}{rate:8.0f}"
        )
        axes[0].hist(jets["mass"], np.linspace(0, 300, 61), histtype="step", label=kind)
        axes[1].hist(response, np.linspace(0.8, 1.2, 51), histtype="step", label=kind)
    print()
    axes[0].set(xlabel="jet mass / GeV", ylabel="jets")
    axes[1].set(xlabel="reconstructed / generated pT", ylabel="jets")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(folder / "jets_kinds.png", dpi=100)
    plt.close(figure)


def images(n_images, n_jobs, folder):
    """Mean images, masses and tau21 of W and QCD."""
    print("Images: trimmed jets, 250 < pT < 300 GeV, 65 < mass < 95 GeV, medians; speed")
    figure, axes = plt.subplots(2, 3, figsize=(13, 8))
    for line, kind in zip(axes, ("w", "qcd"), strict=True):
        start = time.perf_counter()
        bunch = generate_jet_images(n_images, kind, random_state=3, n_jobs=n_jobs)
        rate = n_images / (time.perf_counter() - start)
        jets = bunch.jets
        share = bunch.data.sum(axis=(1, 2)) / (bunch.data.sum(axis=(1, 2)) + jets["outside_pt"])
        print(
            f"{kind:4s} mass {jets['mass'].median():.1f} GeV, tau21 {jets['tau21'].median():.3f}, "
            f"sum of pixels / pT {(bunch.data.sum(axis=(1, 2)) / jets['pt']).median():.4f}, "
            f"inside {share.mean():.4f}, detector: mass x "
            f"{(bunch.target_jets['mass'] / jets['mass'])[bunch.accepted].median():.3f}, "
            f"{rate:.1f} images/s"
        )
        for ax, mean, name in (
            (line[0], bunch.data.mean(axis=0), "generated"),
            (line[1], bunch.target[bunch.accepted].mean(axis=0), "detector"),
        ):
            shown = ax.imshow(
                mean.T, origin="lower", extent=[-1.25, 1.25] * 2, norm=LogNorm(1e-3, 100)
            )
            ax.set_title(f"{kind}, {name}: mean pT / GeV")
            figure.colorbar(shown, ax=ax)
        for column, style in (("mass", "-"), ("tau21", "--")):
            values = jets[column] / (1 if column == "tau21" else 100)
            line[2].hist(values, np.linspace(0, 1, 41), histtype="step", ls=style, label=column)
        line[2].set_xlabel("tau21, mass / 100 GeV")
        line[2].legend()
    figure.tight_layout()
    figure.savefig(folder / "jets_images.png", dpi=100)
    plt.close(figure)


def overlay(axes, ours, theirs, kind, colour):
    """Histograms: lines for generated jets, points for jets of the file."""
    for ax, name, own, other in zip(axes, OBSERVABLES, ours.T, theirs.T, strict=False):
        low, high = np.quantile(np.concatenate([own, other]), [0.002, 0.998])
        counts, edges = np.histogram(other, 25, (low, high))
        width = np.diff(edges) * len(other)
        centres = (edges[1:] + edges[:-1]) / 2
        ax.hist(own, edges, density=True, histtype="step", color=colour, label=f"{kind}, generated")
        error = np.sqrt(counts) / width
        ax.errorbar(
            centres, counts / width, error, fmt=".", color=colour, ms=4, label=f"{kind}, file"
        )
        ax.set_xlabel(name)


def finish(figure, axes, path):
    """Legend in the last panel, which shows no observable."""
    axes.flat[-1].axis("off")
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)

"""The parametric detector compared with its card: jets, leptons, tracks, pile-up, variations."""

from functools import partial
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed

from skjetsim.datasets import DetectorCard
from skjetsim.datasets._chain._calorimeter import ecal_fraction, make_ecal, make_hcal
from skjetsim.datasets._chain._events import selected_events
from skjetsim.datasets._chain._particles import NEUTRINO_IDS, delta_r, momenta_by_event
from skjetsim.datasets._chain._pileup import PileupOverlay, transverse_density
from skjetsim.datasets._chain._process import OTHER
from skjetsim.datasets._chain._reconstruction import energy_flow, find_leptons, jet_energy_scale
from skjetsim.datasets._chain._tracker import find_tracks, smear_tracks
from skjetsim.datasets._dilepton import ZEE, ZMUMU
from skjetsim.datasets._wjet import WJET

CARDS = {"CMS": DetectorCard.cms(), "ATLAS": DetectorCard.atlas()}
JET_PT_EDGES = (10, 15, 20, 30, 50, 80, 500)
JET_ETA_EDGES = (0.0, 1.5, 2.5, 3.0)
LEPTON_PT_EDGES = (15, 30, 40, 50, 200)
KINDS = ("hadron", "electron", "muon")
PILEUP = (0.0, 20.0, 40.0)
# Pile-up takes as long as twenty events each, variations sixteen detectors.
PILEUP_SHARE, VARIATION_SHARE = 1 / 20, 1 / 4


def section(n_events, n_jobs, folder):
    """Print the tables and draw jet response and lepton resolution."""
    run = partial(detect, n_jobs=n_jobs)
    jets = run(WJET, CARDS, n_events, look_at_jets)
    print(f"W + jet at 13 TeV, {len(next(iter(jets.values()))['accepted'])} events\n")
    jet_response(jets)
    jet_resolution(jets)
    draw_response(jets, folder / "detector_jet_response.png")
    pairs = {
        "electron": run(ZEE, CARDS, n_events, partial(look_at_pairs, leptons=ZEE.leptons)),
        "muon": run(ZMUMU, CARDS, n_events, partial(look_at_pairs, leptons=ZMUMU.leptons)),
    }
    for kind, found in pairs.items():
        lepton_resolution(kind, found)
    radiation(pairs["electron"])
    draw_leptons(pairs, folder / "detector_lepton_resolution.png")
    tracking(run(WJET, CARDS, n_events * VARIATION_SHARE, look_at_tracks))
    pileup(run, max(200, int(n_events * PILEUP_SHARE)))
    variations(run, n_events * VARIATION_SHARE)


def detect(process, cards, n_events, look, *, n_jobs, n_pileup=0.0):
    """Results of `look` for the same events with each card, and with the same noise."""
    # A number of parts that does not depend on n_jobs, nor do the events then.
    sizes = [int(np.ceil(n_events / 4))] * 4
    work = (
        delayed(detect_part)(process, cards, size, look, n_pileup, seed)
        for seed, size in enumerate(sizes, start=1)
    )
    parts = Parallel(n_jobs=n_jobs)(work)
    return {
        name: {key: np.concatenate([part[name][key] for part in parts]) for key in parts[0][name]}
        for name in cards
    }


def detect_part(process, cards, n_events, look, n_pileup, seed):
    """One part of `detect`, from one Pythia: whole batches with `n_events` events or more."""
    batches = selected_events(process, seed)
    overlay = PileupOverlay(n_pileup, (), seed, np.random.default_rng(seed)) if n_pileup else None
    parts, n_found = {name: [] for name in cards}, 0
    while n_found < n_events:
        events = next(batches)
        crowded = events if overlay is None else overlay(events)
        for name, card in cards.items():
            rng = np.random.default_rng([seed, n_found])
            parts[name].append(look(crowded, card, rng))
        n_found += events.n_events
    return {
        name: {key: np.concatenate([one[key] for one in found]) for key in found[0]}
        for name, found in parts.items()
    }


def look_at_jets(events, card, rng):
    """Generated and reconstructed jets, momentum imbalance, density."""
    flow, role = energy_flow(events, card, rng)
    found = WJET.reconstruct(events, flow, role, card, rng)
    gen, reco = events.columns["data"], found["target"]
    density = transverse_density(flow.select(role < 0), events.n_events, card)
    return {
        "accepted": found["accepted"],
        "pt": events.jets.pt,
        "eta": np.abs(events.jets.eta),
        "response": np.hypot(reco[:, 3], reco[:, 4]) / events.jets.pt,
        "muon_response": np.hypot(reco[:, 0], reco[:, 1]) / np.hypot(gen[:, 0], gen[:, 1]),
        "met_shift": reco[:, 7] - gen[:, 7],
        "density": density,
        "predicted": predicted_widths(events, card),
    }


def predicted_widths(events, card):
    """Relative widths of jets from the numbers of the card, for two limiting cases.

    In the first, "particles apart", each particle has its towers to itself, which is the best case
    for energy flow. In the second, "calorimeters alone", the HCAL measures all hadrons, because its
    energy under a track cannot be told from that of the track.
    """
    particles, jets = events.particles, events.jets
    near = delta_r(
        particles.eta, particles.phi, jets.eta[particles.event], jets.phi[particles.event]
    )
    inside = (near < card.jet_radius) & (events.role == OTHER)
    inside &= ~np.isin(np.abs(particles.pdg_id), (13, *NEUTRINO_IDS))
    particles = particles.select(inside)
    eta, energy = particles.eta, particles.energy
    in_ecal = ecal_fraction(particles.pdg_id, card)
    ecal = make_ecal(card).resolution(eta, energy * in_ecal) * (in_ecal > 0)
    hcal = make_hcal(card).resolution(eta, energy * (1 - in_ecal)) * (in_ecal < 1)
    tower = np.hypot(ecal, hcal)
    index, noise = find_tracks(particles, card, np.random.default_rng(0))
    tracks = particles.select(index)
    _, relative = smear_tracks(tracks, card, noise)
    best = tower.copy()
    best[index] = combined(relative * tracks.energy, tower[index])
    to_pt = jet_energy_scale(jets.pt, jets.eta, card) / (np.cosh(jets.eta) * jets.pt)
    return np.column_stack(
        [
            np.sqrt(np.bincount(particles.event, one**2, events.n_events)) * to_pt
            for one in (best, tower)
        ]
    )


def combined(first, second):
    """Width of the best average of two measurements."""
    return first * second / np.hypot(first, second)


def look_at_pairs(events, card, rng, *, leptons):
    """Lepton energies: at parton level, after radiation, dressed with photons, reconstructed."""
    n_events = events.n_events
    flow, role = energy_flow(events, card, rng)
    reco, found = find_leptons(flow, role, leptons, n_events, card, rng)
    bare = momenta_by_event(events.particles, events.role, 2, n_events)
    partons = events.columns["data"].reshape(n_events, 2, 4)[..., :3]
    levels = {"parton": partons, "bare": bare, "dressed": dress(events, bare), "reco": reco}
    kind = leptons[0].kind
    # What an electron's cluster measures is the electron with the photons beside it.
    true = levels["bare" if kind == "muon" else "dressed"]
    energy = np.linalg.norm(true, axis=2)
    eta = np.arctanh(true[..., 2] / energy)
    expected = lepton_widths(kind, energy, eta, card)
    return {
        "accepted": found,
        "pt": energy / np.cosh(eta),
        "eta": np.abs(eta),
        "pull": (np.linalg.norm(reco, axis=2) / energy - 1) / expected,
        "expected": expected,
        "radiated": 1 - np.linalg.norm(bare, axis=2) / np.linalg.norm(partons, axis=2),
        "over_parton": np.linalg.norm(reco, axis=2) / np.linalg.norm(partons, axis=2),
        **{f"mass_{name}": pair_mass(momenta) for name, momenta in levels.items()},
    }


def lepton_widths(kind, energy, eta, card):
    """Relative energy resolution from the card: tracks for muons, tracks and ECAL for electrons."""
    pt = energy / np.cosh(eta)
    region = np.digitize(np.abs(eta), card.resolution_eta_edges[:-1], right=True)
    a, b = np.moveaxis(np.array(getattr(card, f"{kind}_resolution"))[region], -1, 0)
    track = np.hypot(a, b * pt)
    if kind == "muon":
        return track
    return combined(
        track, make_ecal(card).resolution(eta.ravel(), energy.ravel()).reshape(pt.shape) / energy
    )


def dress(events, bare):
    """Add to each lepton the photons within 0.1 of it."""
    photons = events.particles.select(events.particles.pdg_id == 22)
    dressed = bare.copy()
    for number in range(2):
        px, py, pz = bare[photons.event, number].T
        eta, phi = np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)
        near = photons.select(delta_r(photons.eta, photons.phi, eta, phi) < 0.1)
        for axis, component in enumerate((near.px, near.py, near.pz)):
            dressed[:, number, axis] += np.bincount(near.event, component, events.n_events)
    return dressed


def pair_mass(momenta):
    """Mass of pairs of massless particles."""
    energy = np.linalg.norm(momenta, axis=2).sum(axis=1)
    return np.sqrt(np.maximum(energy**2 - np.square(momenta.sum(axis=1)).sum(axis=1), 0))


def look_at_tracks(events, card, rng):
    """Charged particles: their kind, region, and whether they have a track."""
    particles = events.particles
    index, _ = find_tracks(particles, card, rng)
    found = np.zeros(len(particles.event), dtype=bool)
    found[index] = True
    absolute = np.abs(particles.pdg_id)
    charged = particles.charge != 0
    return {
        "kind": ((absolute == 11) + 2 * (absolute == 13))[charged],
        "eta": np.digitize(np.abs(particles.eta), card.track_eta_edges, right=True)[charged],
        "pt": np.digitize(particles.pt, card.track_pt_edges, right=True)[charged],
        "found": found[charged],
    }


def bins(pt, eta, pt_edges, eta_edges):
    """Masks of the cells of a table, row by row, as (eta range, list of masks)."""
    for low, high in pairwise(eta_edges):
        row = (eta >= low) & (eta < high)
        yield (
            f"abs(eta) {low:.1f}-{high:.1f}",
            [row & (pt >= a) & (pt < b) for a, b in pairwise(pt_edges)],
        )


def half_width(values):
    """Half of the central 68% interval."""
    low, high = np.quantile(values, [0.16, 0.84])
    return (high - low) / 2


def header(title, pt_edges):
    """First line of a table in bins of pT."""
    names = [f"{a}-{b}" for a, b in pairwise(pt_edges)]
    print(f"{title:26s}" + "".join(f"{name:>17s}" for name in names) + "  GeV")


def jet_response(jets):
    """Print the mean response."""
    print("mean of reconstructed over generated jet pT (goal 1 +- .03)")
    for name, found in jets.items():
        header(name, JET_PT_EDGES)
        good = found["accepted"]
        for label, masks in bins(found["pt"], found["eta"], JET_PT_EDGES, JET_ETA_EDGES):
            values = [found["response"][mask & good] for mask in masks]
            cells = (f"{v.mean():.3f} +- {v.std() / np.sqrt(len(v)):.3f}" for v in values if len(v))
            print(f"{label:26s}" + "".join(f"{cell:>17s}" for cell in cells))
    print()


def jet_resolution(jets):
    """Print the width of the response, and the width that the card predicts."""
    print(
        "half of the central 68% of the response; by the card: particles apart, calorimeters alone"
    )
    for name, found in jets.items():
        header(name, JET_PT_EDGES)
        good = found["accepted"]
        for label, masks in bins(found["pt"], found["eta"], JET_PT_EDGES, JET_ETA_EDGES):
            cells = []
            for mask in masks:
                inside = mask & good
                best, worst = np.median(found["predicted"][inside], axis=0)
                cells.append(f"{half_width(found['response'][inside]):.3f} {best:.2f}-{worst:.2f}")
            print(f"{label:26s}" + "".join(f"{cell:>17s}" for cell in cells))
    print()


def lepton_resolution(kind, pairs):
    """Print mean and width of the pull of lepton energies."""
    print(f"{kind} pull, (reconstructed - true energy) / resolution of the card: median, half 68%")
    for name, found in pairs.items():
        edges = (0.0, *CARDS[name].resolution_eta_edges)
        header(name, LEPTON_PT_EDGES)
        good = found["accepted"][:, None]
        for label, masks in bins(found["pt"], found["eta"], LEPTON_PT_EDGES, edges):
            pulls = [found["pull"][mask & good] for mask in masks]
            cells = (f"{np.median(pull):+.2f} {half_width(pull):.2f}" for pull in pulls)
            print(f"{label:26s}" + "".join(f"{cell:>17s}" for cell in cells))
        pull = found["pull"][np.broadcast_to(good, found["pull"].shape)]
        error = 1.25 / np.sqrt(len(pull))
        print(
            f"{'all':26s}{np.median(pull):+.3f}, {half_width(pull):.3f}, each +- {error:.3f} "
            f"(goal 0, 1); beyond 3: {np.mean(np.abs(pull) > 3):.4f}"
        )
    print()


def radiation(pairs):
    """Print the effect of radiated photons on the mass of the pair and on electrons."""
    print("Z -> ee: median mass [GeV]; electrons that radiate over 5%: median energy over parton's")
    for name, found in pairs.items():
        good = found["accepted"]
        masses = (
            f"{level} {np.median(found[f'mass_{level}'][good]):.2f}"
            for level in ("parton", "dressed", "bare", "reco")
        )
        radiated = found["radiated"] > 0.05
        chosen = radiated & good[:, None]
        before, after = (
            np.median(values[chosen]) for values in (1 - found["radiated"], found["over_parton"])
        )
        print(
            f"{name:6s}{', '.join(masses)}; {radiated.mean():.3f} of them, "
            f"bare {before:.3f}, reconstructed {after:.3f}"
        )
    print()


def tracking(tracks):
    """Print measured efficiencies next to those of the card."""
    print("tracking efficiency: measured +- error (card), in the pT regions of the card")
    for name, found in tracks.items():
        card = CARDS[name]
        for number, kind in enumerate(KINDS):
            table = getattr(card, f"{kind}_efficiency")
            for region, row in enumerate(table):
                cells = []
                for column, expected in enumerate(row, start=1):
                    inside = (found["kind"] == number) & (found["eta"] == region)
                    seen = found["found"][inside & (found["pt"] == column)]
                    if len(seen):
                        error = np.sqrt(expected * (1 - expected) / len(seen))
                        cells.append(f"{seen.mean():.4f} +- {error:.4f} ({expected})")
                print(f"{name:6s}{kind:9s} eta region {region}  " + "   ".join(cells))
    print()


def pileup(run, n_events):
    """Print response, resolution, missing momentum and density with pile-up."""
    print(
        f"pile-up, {n_events} events: mean response of jets above 20 GeV (goal 1 +- .03), its half"
    )
    print("68%, width of missing momentum [GeV], median density in the regions of the card [GeV]")
    for mean in PILEUP:
        results = run(WJET, CARDS, n_events, look_at_jets, n_pileup=mean)
        for name, found in results.items():
            good = found["accepted"] & (found["pt"] > 20)
            response = found["response"][good]
            error = response.std() / np.sqrt(len(response))
            table = bins(found["pt"], found["eta"], (20, np.inf), JET_ETA_EDGES)
            by_region = (f"{found['response'][good & mask].mean():.3f}" for _, (mask,) in table)
            print(
                f"{name:6s}{mean:5.0f}  {response.mean():.3f} +- {error:.3f} "
                f"(by abs(eta): {', '.join(by_region)})  {half_width(response):.3f}  "
                f"{found['met_shift'][found['accepted']].std():5.1f}  "
                f"{found['density'].mean(axis=0).round(2)}"
            )
    print()


def variations(run, n_events):
    """Print the shift of each variation, with its error and that of independent noise."""
    cards = {"nominal": CARDS["CMS"], **CARDS["CMS"].variations()}
    jets = run(WJET, cards, n_events, look_at_jets)
    pairs = run(ZEE, cards, n_events, partial(look_at_pairs, leptons=ZEE.leptons))
    print(
        f"CMS card varied, {len(jets['nominal']['pt'])} events: shifts in per cent, and the error"
    )
    print("of the first, in brackets that of two samples with noise of their own")
    columns = ("jet pT", "jet width", "muon pT", "W + jet yield", "m(ee)", "Z -> ee yield")
    print(f"{'':30s}{columns[0]:>24s}" + "".join(f"{column:>15s}" for column in columns[1:]))
    for name in list(cards)[1:]:
        shift, error, apart = jet_shift(jets["nominal"], jets[name])
        others = shifts(jets["nominal"], jets[name], pairs["nominal"], pairs[name])
        first = f"{100 * shift:+.3f} +- {100 * error:.3f} ({100 * apart:.3f})"
        print(f"{name:30s}{first:>24s}" + "".join(f"{100 * other:+15.3f}" for other in others))
    print(flush=True)


def jet_shift(nominal, varied):
    """Relative shift of the mean response, its error, and the error for independent samples."""
    both = varied["accepted"] & nominal["accepted"]
    first, second = nominal["response"][both], varied["response"][both]
    scale = first.mean() * np.sqrt(both.sum())
    apart = np.hypot(first.std(), second.std()) / scale
    return second.mean() / first.mean() - 1, (second - first).std() / scale, apart


def shifts(nominal, varied, nominal_pair, varied_pair):
    """Relative shifts of jet width, muon pT, yield, and mass and yield of pairs."""
    both = varied["accepted"] & nominal["accepted"]
    pair = varied_pair["accepted"] & nominal_pair["accepted"]
    figures = (
        (half_width(varied["response"][both]), half_width(nominal["response"][both])),
        (varied["muon_response"][both].mean(), nominal["muon_response"][both].mean()),
        (varied["accepted"].sum(), nominal["accepted"].sum()),
        (np.median(varied_pair["mass_reco"][pair]), np.median(nominal_pair["mass_reco"][pair])),
        (varied_pair["accepted"].sum(), nominal_pair["accepted"].sum()),
    )
    return [after / before - 1 for after, before in figures]


def draw_response(jets, path):
    """Mean response against generated pT, in regions, for each card."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    for name, found in jets.items():
        good = found["accepted"]
        table = bins(found["pt"], found["eta"], JET_PT_EDGES, JET_ETA_EDGES)
        for ax, (label, masks) in zip(axes, table, strict=True):
            chosen = [mask & good for mask in masks]
            pt = [found["pt"][mask].mean() for mask in chosen]
            values = [found["response"][mask] for mask in chosen]
            means = [one.mean() for one in values]
            errors = [one.std() / np.sqrt(len(one)) for one in values]
            ax.errorbar(pt, means, errors, fmt="o-", ms=4, label=f"{name}-like")
            ax.set(title=label, xlabel="generated jet pT [GeV]", xscale="log")
            ax.set_xticks((10, 20, 50, 100), ("10", "20", "50", "100"))
            ax.minorticks_off()
    for ax in axes:
        ax.axhspan(0.97, 1.03, color="0.9", zorder=0)
    axes[0].set(ylabel="mean reconstructed / generated pT", ylim=(0.85, 1.15))
    axes[0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_leptons(pairs, path):
    """Resolution of leptons against pT and that of the card, in the first and the last region."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    edges = np.array((15, 20, 25, 30, 35, 40, 45, 50, 60, 80, 120))
    for row, (kind, cards) in zip(axes, pairs.items(), strict=True):
        for ax, (name, found) in zip(row, cards.items(), strict=True):
            for number, (low, high) in enumerate(((0.0, 0.5), (1.5, 2.4))):
                good = found["accepted"][:, None] & (found["eta"] >= low) & (found["eta"] < high)
                points = []
                for a, b in pairwise(edges):
                    inside = good & (found["pt"] >= a) & (found["pt"] < b)
                    if inside.sum() > 50:
                        width = half_width((found["pull"] * found["expected"])[inside])
                        expected = np.sqrt(np.mean(found["expected"][inside] ** 2))
                        error = width / np.sqrt(inside.sum())
                        points.append((found["pt"][inside].mean(), width, error, expected))
                pt, width, error, expected = np.reshape(points, (-1, 4)).T
                colour = f"C{number}"
                ax.errorbar(
                    pt, width, error, fmt="o", ms=4, color=colour, label=f"abs(eta) {low}-{high}"
                )
                ax.plot(pt, expected, color=colour, lw=1)
            ax.set(title=f"{kind}, {name}-like", xlabel="true pT [GeV]", ylim=(0, None))
            ax.set(ylabel="relative energy resolution (line: card)")
            ax.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)

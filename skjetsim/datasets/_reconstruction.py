"""One pass of generated events through the detector."""

from dataclasses import fields

import numpy as np

from skjetsim.datasets._calorimeter import ecal_fraction, make_ecal, make_hcal
from skjetsim.datasets._jets import cluster
from skjetsim.datasets._particles import (
    NEUTRINO_IDS,
    Particles,
    delta_r,
    momenta_by_event,
    pseudorapidity,
    smallest_by_event,
    sum_by_event,
)
from skjetsim.datasets._tracker import find_tracks, propagate, smear_tracks

MATCHINGS = ("delta_r", "leading")


def reconstruct(events, card, matching, rng):
    """Simulate the detector and reconstruct leptons, jet and missing momentum.

    Parameters
    ----------
    events : GeneratedEvents
        What the generator made.

    card : DetectorCard
        The detector.

    matching : {"delta_r", "leading"}
        Which reconstructed jet stands beside the generated one.

    rng : numpy.random.Generator
        Source of all the detector's randomness.

    Returns
    -------
    target : ndarray of shape (n_events, n_features)
        Columns as the generated features; rows of rejected events are zeros.

    accepted, matched : ndarray of bool of shape (n_events,)
        Whether all leptons and a jet were found, and whether the jet is near the generated one.
    """
    flow, lepton = energy_flow(events, card, rng)
    n_events = events.n_events
    leptons, has_leptons = _find_leptons(flow, lepton, events.n_leptons, n_events, card)
    jets = _find_jets(flow.select(lepton < 0), leptons, n_events, card)
    jet, has_jet, near = _match(jets, events, matching, card)
    accepted = has_leptons & has_jet
    met = [-sum_by_event(flow.event, p, n_events) for p in (flow.px, flow.py)]
    target = np.column_stack([leptons.reshape(n_events, 3 * events.n_leptons), jet, *met])
    target[~accepted] = 0
    return target, accepted, accepted & near


def energy_flow(events, card, rng):
    """Tracks, photons and neutral hadrons of the events.

    Follows the order of Delphes [1]_: propagation, tracks, then each calorimeter, whose towers
    the tracks are subtracted from.

    Returns
    -------
    flow : Particles
        The energy-flow objects, sorted by event.

    lepton : ndarray of int
        Which of the process's leptons each of them is, -1 for none.

    References
    ----------
    .. [1] DELPHES 3 Collaboration, arXiv:1307.6346, section 3.
    """
    particles = events.particles
    visible = ~np.isin(np.abs(particles.pdg_id), NEUTRINO_IDS)
    particles, lepton_of = particles.select(visible), events.lepton[visible]
    eta, phi = propagate(particles, card)
    index = find_tracks(particles, card, rng)
    tracks, resolution = smear_tracks(particles.select(index), card, rng)

    absolute = np.abs(particles.pdg_id)
    in_ecal = ecal_fraction(particles.pdg_id, card)
    in_hcal = np.where(absolute == 13, 0, 1 - in_ecal)
    neutrals = []
    for calorimeter, fraction in ((make_ecal(card), in_ecal), (make_hcal(card), in_hcal)):
        hit = fraction > 0
        deposits = (particles.event[hit], eta[hit], phi[hit], (particles.energy * fraction)[hit])
        # Each track is subtracted where its particle leaves its energy: electrons in the ECAL,
        # charged hadrons in the HCAL, muons nowhere.
        here = np.flatnonzero(fraction[index] > 0)
        entering = (tracks.select(here), eta[index[here]], phi[index[here]], resolution[here])
        found, scaled = calorimeter.measure(deposits, entering, rng)
        tracks = _replace(tracks, here, scaled)
        neutrals.append(found)

    flow = _concatenate([tracks, *neutrals])
    lepton = np.full(len(flow.event), -1)
    lepton[: len(index)] = lepton_of[index]
    order = np.argsort(flow.event, kind="stable")
    return flow.select(order), lepton[order]


def _replace(tracks, index, changed):
    columns = {field.name: getattr(tracks, field.name).copy() for field in fields(Particles)}
    for name, column in columns.items():
        column[index] = getattr(changed, name)
    return Particles(**columns)


def _concatenate(parts):
    names = [field.name for field in fields(Particles)]
    return Particles(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _find_leptons(flow, lepton, n_leptons, n_events, card):
    """Momenta of the process's leptons, and whether all of them were reconstructed."""
    momenta = momenta_by_event(flow, lepton, n_leptons, n_events)
    px, py, pz = np.moveaxis(momenta, 2, 0)
    # One that left no track has zeros, and fails.
    good = np.hypot(px, py) > card.muon_pt_min
    good &= np.abs(pseudorapidity(px, py, pz)) < card.muon_eta_max
    return momenta, good.all(axis=1)


def _find_jets(flow, leptons, n_events, card):
    """Reconstructed jets: energy scale, identification, none at a lepton."""
    jets = cluster(flow, n_events, card.jet_radius)
    jets = jets.scale(jet_energy_scale(jets.pt, jets.eta, card))
    good = (jets.pt > card.jet_pt_min) & (jets.n_constituents >= card.jet_min_constituents)
    return jets.select(good & jets.away_from(leptons, card.jet_radius))


def jet_energy_scale(raw_pt, eta, card):
    """Factor from the raw to the calibrated four-momentum of a jet."""
    region = np.digitize(np.abs(eta), card.jet_scale_eta_edges)
    a, b = np.array(card.jet_scale)[region].T
    return np.sqrt(a**2 + b**2 / raw_pt)


def _match(jets, events, matching, card):
    """Pick the jet of each event: its momentum and mass, if found, if near the generated one."""
    n_events = events.n_events
    generated = events.jets
    gen_eta, gen_phi = generated.eta[jets.event], generated.phi[jets.event]
    distance = delta_r(jets.eta, jets.phi, gen_eta, gen_phi)
    key = distance if matching == "delta_r" else -jets.pt
    chosen = smallest_by_event(jets.event, key, n_events)
    found = chosen >= 0
    near = np.zeros(n_events, dtype=bool)
    near[found] = distance[chosen[found]] < card.match_delta_r
    picked = jets.select(chosen[found])
    features = np.zeros((n_events, 4))
    features[found] = np.column_stack([picked.px, picked.py, picked.pz, picked.mass])
    return features, near if matching == "delta_r" else found, near

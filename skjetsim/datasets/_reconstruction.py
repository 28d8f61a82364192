"""One pass of generated events through the detector."""

from dataclasses import fields

import numpy as np

from skjetsim.datasets._calorimeter import ecal_fraction, make_ecal, make_hcal
from skjetsim.datasets._jets import cluster
from skjetsim.datasets._particles import (
    NEUTRINO_IDS,
    Particles,
    delta_r,
    pseudorapidity,
    smallest_by_event,
    sum_by_event,
)
from skjetsim.datasets._tracker import find_tracks, propagate, smear_tracks

MATCHINGS = ("delta_r", "leading")


def reconstruct(events, card, matching, rng):
    """Simulate the detector and reconstruct muon, jet and missing momentum.

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
    target : ndarray of shape (n_events, 9)
        Columns as the generated features; rows of rejected events are zeros.

    accepted, matched : ndarray of bool of shape (n_events,)
        Whether muon and jet were found, and whether the jet is near the generated one.
    """
    flow, is_muon = energy_flow(events, card, rng)
    n_events = events.n_events
    muon, has_muon = _find_muon(flow, is_muon, n_events, card)
    jets = _find_jets(flow.select(~is_muon), muon, n_events, card)
    jet, has_jet, near = _match(jets, events, matching, card)
    accepted = has_muon & has_jet
    target = np.zeros((n_events, 9))
    target[:, :3] = muon
    target[:, 3:7] = jet
    target[:, 7] = -sum_by_event(flow.event, flow.px, n_events)
    target[:, 8] = -sum_by_event(flow.event, flow.py, n_events)
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

    is_muon : ndarray of bool
        Which of them is the muon from the W.

    References
    ----------
    .. [1] DELPHES 3 Collaboration, arXiv:1307.6346, section 3.
    """
    particles = events.particles
    visible = ~np.isin(np.abs(particles.pdg_id), NEUTRINO_IDS)
    particles, from_w = particles.select(visible), events.from_w[visible]
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
    is_muon = np.zeros(len(flow.event), dtype=bool)
    is_muon[: len(index)] = from_w[index]
    order = np.argsort(flow.event, kind="stable")
    return flow.select(order), is_muon[order]


def _replace(tracks, index, changed):
    columns = {field.name: getattr(tracks, field.name).copy() for field in fields(Particles)}
    for name, column in columns.items():
        column[index] = getattr(changed, name)
    return Particles(**columns)


def _concatenate(parts):
    names = [field.name for field in fields(Particles)]
    return Particles(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _find_muon(flow, is_muon, n_events, card):
    """Momentum of the muon from the W, and whether it was reconstructed."""
    muon = flow.select(is_muon)
    momentum = np.zeros((n_events, 3))
    momentum[muon.event] = np.column_stack([muon.px, muon.py, muon.pz])
    good = (muon.pt > card.muon_pt_min) & (np.abs(muon.eta) < card.muon_eta_max)
    found = np.zeros(n_events, dtype=bool)
    found[muon.event] = good
    return momentum, found


def _find_jets(flow, muon, n_events, card):
    """Reconstructed jets: energy scale, identification, none at the muon."""
    jets = cluster(flow, n_events, card.jet_radius)
    jets = jets.scale(jet_energy_scale(jets.pt, jets.eta, card))
    eta, phi = pseudorapidity(*muon.T), np.arctan2(muon[:, 1], muon[:, 0])
    good = (jets.pt > card.jet_pt_min) & (jets.n_constituents >= card.jet_min_constituents)
    return jets.select(good & jets.away_from(eta, phi, card.jet_radius))


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

"""One pass of generated events through the detector, and what is found in it."""

from dataclasses import fields

import numpy as np

from skjetsim.datasets._chain._calorimeter import PHOTON_ID, ecal_fraction, make_ecal, make_hcal
from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import (
    NEUTRINO_IDS,
    Particles,
    concatenate,
    delta_r,
    direction,
    momenta_by_event,
)
from skjetsim.datasets._chain._pileup import subtract_pileup
from skjetsim.datasets._chain._process import OTHER, PILEUP
from skjetsim.datasets._chain._tracker import find_tracks, of_kinds, propagate, smear_tracks


def energy_flow(events, card, rng):
    """Tracks, photons and neutral hadrons of the events.

    The order is that of Delphes [1]_: propagation, tracks, then each calorimeter. Tracks are
    subtracted from the towers of the calorimeters.

    Returns
    -------
    flow : Particles
        The energy-flow objects, sorted by event.

    role : ndarray of int
        Role of the particle that left each track; `OTHER` for the neutral objects.

    References
    ----------
    .. [1] DELPHES 3 Collaboration, arXiv:1307.6346, section 3.
    """
    particles = events.particles
    visible = ~np.isin(np.abs(particles.pdg_id), NEUTRINO_IDS)
    particles, role_of = particles.select(visible), events.role[visible]
    eta, phi = propagate(particles, card)
    index, noise = find_tracks(particles, card, rng)
    tracks, resolution = smear_tracks(particles.select(index), card, noise)

    in_ecal = ecal_fraction(particles.pdg_id, card)
    in_hcal = np.where(np.abs(particles.pdg_id) == 13, 0, 1 - in_ecal)
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

    # Tracks point back to their collision. Those of pile-up are dropped ("charged hadron
    # subtraction"), but only after the calorimeters have subtracted them.
    role_of = role_of[index]
    primary = role_of != PILEUP
    flow = concatenate([tracks.select(primary), *neutrals])
    role = np.full(len(flow.event), OTHER)
    role[: primary.sum()] = role_of[primary]
    order = np.argsort(flow.event, kind="stable")
    return flow.select(order), role[order]


def _replace(tracks, index, changed):
    """Replace the tracks at `index`."""
    columns = {field.name: getattr(tracks, field.name).copy() for field in fields(Particles)}
    for name, column in columns.items():
        column[index] = getattr(changed, name)
    return Particles(**columns)


def find_leptons(flow, role, leptons, n_events, card, rng):
    """Find the process's leptons by the tracks that they left.

    Photons close to an electron are part of its cluster. The electron radiated most of them [1]_.

    Returns
    -------
    momenta : ndarray of shape (n_events, n_leptons, 3)
        Calibrated momenta.

    found : ndarray of bool of shape (n_events,)
        Whether all of them are inside the acceptance and identified.

    References
    ----------
    .. [1] CMS Collaboration, "Performance of electron reconstruction and selection with the CMS
       detector in proton-proton collisions at sqrt(s) = 8 TeV", JINST 10 (2015) P06005,
       arXiv:1502.02701, section 3.
    """
    kinds = [lepton.kind for lepton in leptons]
    momenta = momenta_by_event(flow, role, len(leptons), n_events)
    photons = flow.select(flow.pdg_id == PHOTON_ID)
    for number, kind in enumerate(kinds):
        if kind == "electron":
            momenta[:, number] += _sum_near(photons, momenta[:, number], card.electron_cone)
    momenta *= of_kinds(card, kinds, "scale")[:, None]
    abs_eta = np.abs(direction(momenta)[0])
    # A lepton without a track has zeros here, and fails.
    good = np.hypot(momenta[..., 0], momenta[..., 1]) > of_kinds(card, kinds, "pt_min")
    good &= abs_eta < of_kinds(card, kinds, "eta_max")
    # A stream of its own, so that measurements do not depend on identification.
    uniform = rng.spawn(1)[0].random((n_events, len(kinds)))
    # Leptons beyond the last region are recognised as often as in it.
    region = np.digitize(abs_eta, card.track_eta_edges[:-1], right=True)
    probability = of_kinds(card, kinds, "identification")[np.arange(len(kinds)), region]
    good &= uniform < probability
    return momenta, good.all(axis=1)


def _sum_near(particles, momenta, distance):
    """Sum of the momenta of particles near one direction per event; zero for a zero momentum."""
    eta, phi = direction(momenta)
    event = particles.event
    near = delta_r(particles.eta, particles.phi, eta[event], phi[event]) < distance
    near = near & momenta.any(axis=1)[event]
    return particles.select(near).sums(len(momenta))[:, :3]


def find_jets(flow, leptons, n_events, card, has_pileup):
    """Reconstructed jets: corrected for pile-up, calibrated, selected, and away from leptons.

    Parameters
    ----------
    flow : Particles
        Energy-flow objects to cluster.

    leptons : ndarray of shape (n_events, n_leptons, 3)
        Momenta that jets must be away from.

    n_events : int
        Number of events.

    card : DetectorCard
        The detector.

    has_pileup : bool
        Whether to subtract what pile-up adds to a jet.

    Returns
    -------
    jets : Jets
        Jets that pass, in any order within an event.
    """
    jets, _ = cluster(flow, n_events, card.jet_radius)
    if has_pileup:
        jets = subtract_pileup(jets, flow, n_events, card)
    jets = jets.scale(jet_energy_scale(jets.pt, jets.eta, card))
    good = (jets.pt > card.jet_pt_min) & (jets.n_constituents >= card.jet_min_constituents)
    return jets.select(good & jets.away_from(leptons, card.jet_radius))


def jet_energy_scale(raw_pt, eta, card):
    """Factor from the raw to the calibrated four-momentum of a jet."""
    region = np.digitize(np.abs(eta), card.jet_scale_eta_edges)
    a, b = np.array(card.jet_scale)[region].T
    return np.sqrt(a**2 + b**2 / raw_pt)


def missing_momentum(flow, n_events):
    """Minus the vector sum of the energy-flow objects, shape (n_events, 2)."""
    return -flow.sums(n_events)[:, :2]

"""The parametric detector, step by step, on particles made by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skjetsim.datasets import DetectorCard
from skjetsim.datasets._chain._calorimeter import make_ecal, make_hcal
from skjetsim.datasets._chain._particles import (
    NEUTRINO_IDS,
    Particles,
    delta_r,
    momenta_by_event,
    pseudorapidity,
    smallest_by_event,
)
from skjetsim.datasets._chain._tracker import find_tracks, log_normal, propagate, smear_tracks

CARD = DetectorCard()
PERFECT = replace(
    CARD,
    track_pt_edges=(0.0,),
    **{f"{kind}_efficiency": ((1.0,), (1.0,)) for kind in ("hadron", "electron", "muon")},
    **{f"{kind}_resolution": ((0.0, 0.0),) * 3 for kind in ("hadron", "electron", "muon")},
    track_eta_resolution=(0.0, 0.0),
    track_phi_resolution=(0.0, 0.0),
    ecal_resolution=((0.0, 0.0, 0.0),) * 3,
    hcal_resolution=((0.0, 0.0, 0.0),) * 2,
    ecal_energy_min=0.0,
    hcal_energy_min=0.0,
    energy_significance_min=0.0,
    jet_scale=((1.0, 0.0),) * 3,
)


def make_particles(pt, eta, phi, pdg_id=211, charge=0.0, mass=0.0, event=None):
    pt, eta, phi, charge = np.broadcast_arrays(
        *(np.asarray(v, dtype=float) for v in (pt, eta, phi, charge))
    )
    pt, eta, phi, charge = (np.atleast_1d(v) for v in (pt, eta, phi, charge))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return Particles(
        event=np.zeros(len(pt), dtype=int) if event is None else np.asarray(event),
        pdg_id=np.broadcast_to(pdg_id, pt.shape).copy(),
        charge=charge.copy(),
        px=px,
        py=py,
        pz=pz,
        energy=np.sqrt(px**2 + py**2 + pz**2 + mass**2),
    )


def sum_by_event(event, values, n_events):
    return np.bincount(event, values, n_events)


def no_tracks(particles):
    empty = particles.select(slice(0))
    return empty, np.zeros(0), np.zeros(0), np.zeros(0)


def deposits_of(particles):
    return particles.event, particles.eta, particles.phi, particles.energy


def helix_exit(pt, eta, phi, charge, card):
    """Impact point, from small steps along the helix."""
    radius = pt / (0.299792458 * abs(charge) * card.magnetic_field)
    turn = np.linspace(1e-5, 30, 2_000_000)
    sign = -np.sign(charge)
    x = radius * sign * (np.sin(phi + sign * turn) - math.sin(phi))
    y = -radius * sign * (np.cos(phi + sign * turn) - math.cos(phi))
    z = radius * turn * math.sinh(eta)
    out = np.argmax((np.hypot(x, y) > card.radius) | (np.abs(z) > card.half_length))
    return math.asinh(z[out] / math.hypot(x[out], y[out])), math.atan2(y[out], x[out])


@pytest.mark.parametrize(
    ("pt", "eta", "charge"),
    [(0.3, 1.0, 1), (0.5, -2.0, -1), (0.8, 0.3, 1), (5.0, -1.0, -1), (50.0, 2.2, 1)],
)
def test_propagation_follows_the_helix(pt, eta, charge):
    particles = make_particles(pt, eta, 2.9, charge=charge)
    found_eta, found_phi = propagate(particles, CARD)
    expected_eta, expected_phi = helix_exit(pt, eta, 2.9, charge, CARD)
    assert_allclose(found_eta, expected_eta, atol=2e-4)
    assert_allclose(np.exp(1j * found_phi), np.exp(1j * expected_phi), atol=2e-4)


def test_neutral_particles_and_no_field_go_straight():
    eta, phi = np.array([-2.0, 0.0, 1.0]), np.array([3.0, -3.0, 0.5])
    for card, charge in ((CARD, 0.0), (replace(CARD, magnetic_field=0.0), 1.0)):
        found = propagate(make_particles(2.0, eta, phi, charge=charge), card)
        assert_allclose(found, (eta, phi), atol=1e-12)


def test_transverse_particle_that_curls_up_stays_finite():
    eta, phi = propagate(make_particles(0.1, 0.0, 0.0, charge=1.0), CARD)
    assert np.isfinite(eta).all()
    assert np.isfinite(phi).all()


@pytest.mark.parametrize(
    ("pdg_id", "pt", "eta", "expected"),
    [
        (13, 20.0, 1.0, 0.99),
        (13, 20.0, -2.0, 0.98),
        (13, 20.0, 2.6, 0.0),
        (211, 0.5, 1.0, 0.70),
        (-211, 5.0, 2.0, 0.85),
        (211, 0.05, 0.0, 0.0),
        (11, 200.0, 0.0, 0.99),
    ],
)
def test_tracking_efficiency(pdg_id, pt, eta, expected):
    n = 20_000
    particles = make_particles(np.full(n, pt), eta, 0.0, pdg_id=pdg_id, charge=1.0)
    found = len(find_tracks(particles, CARD, np.random.default_rng(0))[0]) / n
    assert abs(found - expected) <= 4 * math.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize(("eta", "row"), [(0.2, 0), (1.0, 1), (-2.3, 2)])
def test_muon_resolution_is_the_cards(eta, row):
    n = 40_000
    muons = make_particles(np.full(n, 60.0), eta, 1.0, pdg_id=13, charge=-1.0, mass=0.10566)
    noise = np.random.default_rng(0).standard_normal((3, n))
    tracks, resolution = smear_tracks(muons, CARD, noise)
    a, b = CARD.muon_resolution[row]
    expected = math.hypot(a, 60 * b)
    assert_allclose(resolution, expected)
    assert_allclose(np.std(tracks.pt / muons.pt), expected, rtol=0.02)
    assert_allclose(np.mean(tracks.pt / muons.pt), 1, atol=4 * expected / math.sqrt(n))
    for resolution, shift in (
        (CARD.track_eta_resolution, tracks.eta - muons.eta),
        (CARD.track_phi_resolution, tracks.phi - muons.phi),
    ):
        width = math.hypot(resolution[0], resolution[1] / 60)
        assert_allclose(np.std(shift), width, rtol=0.02)
        assert_allclose(np.mean(shift), 0, atol=4 * width / math.sqrt(n))
    assert_allclose(tracks.mass_squared, 0.10566**2, atol=1e-8)


def test_log_normal_moments_and_zero():
    noise = np.random.default_rng(0).standard_normal(200_000)
    values = log_normal(np.full(200_000, 3.0), np.full(200_000, 1.5), noise)
    assert_allclose([values.mean(), values.std()], [3.0, 1.5], rtol=0.02)
    assert values.min() > 0
    assert (log_normal(np.zeros(3), np.ones(3), noise[:3]) == 0).all()


def test_tower_energies_are_summed_before_smearing():
    """Two photons in a tower fluctuate as one photon with their energy."""
    n = 20_000
    ecal = make_ecal(CARD)
    event = np.repeat(np.arange(n), 2)
    photons = make_particles(np.full(2 * n, 10.0), 0.01, 0.005, pdg_id=22, event=event)
    found, _ = ecal.measure(deposits_of(photons), no_tracks(photons), np.random.default_rng(0))
    energy = sum_by_event(found.event, found.energy, n)
    assert len(found.event) == n
    one = ecal.resolution(np.array(0.0087), np.array(20.0))
    two = math.sqrt(2) * ecal.resolution(np.array(0.0087), np.array(10.0))
    assert two / one > 1.1
    assert_allclose(np.std(energy), one, rtol=0.03)
    assert_allclose(np.mean(energy), 2 * photons.energy[0], rtol=0.001)


def test_events_do_not_share_towers():
    hcal = make_hcal(PERFECT)
    neutrons = make_particles([5.0, 7.0], 0.3, 0.1, pdg_id=2112, event=[0, 2])
    found, _ = hcal.measure(deposits_of(neutrons), no_tracks(neutrons), np.random.default_rng(0))
    assert found.event.tolist() == [0, 2]
    assert_allclose(found.energy, neutrons.energy)


def test_thresholds_drop_small_towers():
    ecal = make_ecal(CARD)
    soft = make_particles(np.full(500, 0.2), 0.0, np.linspace(-3, 3, 500), pdg_id=22)
    found, _ = ecal.measure(deposits_of(soft), no_tracks(soft), np.random.default_rng(0))
    assert (found.energy > CARD.ecal_energy_min).all()
    assert len(found.event) < 100


def test_positions_are_spread_evenly_over_the_tower():
    n = 5000
    ecal = make_ecal(PERFECT)
    photons = make_particles(np.full(n, 10.0), 0.01, 0.005, pdg_id=22, event=np.arange(n))
    found, _ = ecal.measure(deposits_of(photons), no_tracks(photons), np.random.default_rng(0))
    for values, high in ((found.eta, 0.0174), (found.phi, math.pi / 180)):
        assert values.min() >= 0
        assert values.max() <= high + 1e-12
        assert_allclose(values.std(), high / math.sqrt(12), rtol=0.03)


@pytest.mark.parametrize("make", [make_ecal, make_hcal])
def test_every_direction_is_in_the_tower_it_is_drawn_from(make):
    towers = make(CARD).towers
    every = np.arange(towers.first[-1])
    eta, phi = towers.random_point(every, np.random.default_rng(0))
    assert (towers.find(eta, phi) == every).all()
    assert (towers.find(np.array([-5.1, 5.1]), np.zeros(2)) == -1).all()
    assert_allclose(towers.eta_edges, -towers.eta_edges[::-1])


def test_tracks_are_subtracted_from_their_tower():
    """A perfect tower with a photon and an electron gives the track and the photon."""
    ecal = make_ecal(PERFECT)
    electron = make_particles(30.0, 0.01, 0.005, pdg_id=11, charge=-1.0)
    photon = make_particles(12.0, 0.01, 0.005, pdg_id=22)
    deposits = tuple(
        np.concatenate(pair)
        for pair in zip(deposits_of(electron), deposits_of(photon), strict=True)
    )
    track = (electron, electron.eta, electron.phi, np.array([0.01]))
    found, tracks = ecal.measure(deposits, track, np.random.default_rng(0))
    assert_allclose(found.energy, photon.energy)
    assert_allclose(tracks.energy, electron.energy)


def test_tower_corrects_a_worse_track():
    """If a tower agrees with its track, the better measured of the two counts."""
    card = replace(CARD, hcal_resolution=((0.0, 1e-6, 0.0),) * 2)
    pion = make_particles(100.0, 0.3, 0.1, pdg_id=211, charge=1.0)
    bad = replace(
        pion, px=pion.px * 1.3, py=pion.py * 1.3, pz=pion.pz * 1.3, energy=pion.energy * 1.3
    )
    entering = (bad, pion.eta, pion.phi, np.array([0.3]))
    found, tracks = make_hcal(card).measure(deposits_of(pion), entering, np.random.default_rng(0))
    assert len(found.event) == 0
    assert_allclose(tracks.energy, pion.energy, rtol=1e-4)


def test_smallest_by_event_and_delta_r():
    chosen = smallest_by_event(np.array([0, 0, 2]), np.array([3.0, 1.0, 2.0]), 4)
    assert chosen.tolist() == [1, -1, 2, -1]
    assert_allclose(delta_r(0.0, 3.1, 0.0, -3.1), 2 * math.pi - 6.2)


def test_pseudorapidity_is_finite_along_the_beam():
    zero = np.zeros(3)
    found = pseudorapidity(zero, zero, np.array([-6500.0, 0.0, 6500.0]))
    assert np.isfinite(found).all()
    assert found[0] == -found[2] < -100
    assert found[1] == 0


def test_momenta_by_event():
    particles = make_particles([20.0, 30.0, 5.0], [0.0, 1.0, 0.2], 0.0, event=[0, 0, 2])
    momenta = momenta_by_event(particles, np.array([1, -1, 0]), 2, 4)
    assert momenta.shape == (4, 2, 3)
    assert_allclose(momenta[0, 1], [20, 0, 0])
    assert_allclose(momenta[2, 0], [5, 0, 5 * math.sinh(0.2)])
    assert np.count_nonzero(momenta.any(axis=2)) == 2


def test_jets_of_hand_made_particles():
    pytest.importorskip("fastjet")
    from skjetsim.datasets._chain._jets import cluster

    particles = make_particles(
        [20.0, 20.0, 5.0, 50.0], [0.0, 0.2, 2.0, 1.0], [0.0, 0.0, 0.0, 3.1], event=[0, 0, 0, 2]
    )
    jets, _ = cluster(particles, 4, 0.5)
    assert sorted(zip(jets.event.tolist(), jets.n_constituents.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (2, 1),
    ]
    assert_allclose(sum_by_event(jets.event, jets.energy, 4), [*_energies(particles, 3), 0.0])
    pair = jets.select(jets.n_constituents == 2)
    # m^2 = 2 pT1 pT2 (cosh(deta) - cos(dphi)) for massless particles.
    assert_allclose(pair.mass, math.sqrt(2 * 20 * 20 * (math.cosh(0.2) - 1)), rtol=1e-6)


def test_jets_keep_away_from_every_lepton():
    from skjetsim.datasets._chain._jets import Jets

    particles = make_particles([20.0, 20.0, 20.0, 20.0], [0.0, 1.0, 2.0, 1.0], 0.0, event=[0] * 4)
    particles.event[3] = 1
    zero = np.zeros(4, dtype=int)
    momenta = (particles.px, particles.py, particles.pz, particles.energy)
    jets = Jets(particles.event, *momenta, zero)
    # Event 0 has leptons at eta 0 and 2, event 1 at 0 and -1.
    leptons = make_particles(30.0, [0.1, 2.1, 0.1, -1.0], 0.0, event=[0, 0, 1, 1])
    directions = momenta_by_event(leptons, np.array([0, 1, 0, 1]), 2, 2)
    assert jets.away_from(directions, 0.5).tolist() == [False, True, False, True]
    assert jets.away_from(directions[:, :1], 0.5).tolist() == [False, True, True, True]


def _energies(particles, n_events):
    return sum_by_event(particles.event, particles.energy, n_events)


@pytest.fixture(scope="module")
def events(wjet_batch):
    return wjet_batch


@pytest.mark.parametrize("magnetic_field", [0.0, 3.8])
def test_perfect_detector_conserves_energy(events, magnetic_field):
    from skjetsim.datasets._chain._reconstruction import energy_flow

    card = replace(PERFECT, magnetic_field=magnetic_field)
    flow, role = energy_flow(events, card, np.random.default_rng(0))
    particles = events.particles
    eta, _ = propagate(particles, card)
    absolute = np.abs(particles.pdg_id)
    tracked = (particles.charge != 0) & (np.abs(particles.eta) <= 2.5)
    seen = tracked | ((np.abs(eta) < 5) & (absolute != 13))
    seen &= ~np.isin(absolute, NEUTRINO_IDS)
    expected = sum_by_event(particles.event[seen], particles.energy[seen], events.n_events)
    assert_allclose(sum_by_event(flow.event, flow.energy, events.n_events), expected, rtol=1e-9)
    assert (role == 0).sum() == events.n_events


def test_perfect_detector_measures_muon_and_jet(events):
    from skjetsim.datasets._chain._reconstruction import energy_flow
    from skjetsim.datasets._wjet import WJET

    rng = np.random.default_rng(0)
    flow = energy_flow(events, PERFECT, rng)
    target, accepted, matched = WJET.reconstruct(events, *flow, PERFECT, rng).values()
    assert accepted.mean() > 0.9
    assert (matched == accepted).all()
    assert_allclose(target[accepted, :3], events.columns["data"][accepted, :3])
    response = np.hypot(*target[accepted, 3:5].T) / np.hypot(
        *events.columns["data"][accepted, 3:5].T
    )
    # Soft tracks that curl out of the jet, and the positions of towers, are left.
    assert_allclose(np.median(response), 1, atol=0.02)


def test_generated_record_is_consistent(events):
    particles = events.particles
    # The beam remnants, which are stable particles, too, carry away charge and baryon number.
    assert_allclose(sum_by_event(particles.event, particles.charge, events.n_events), 2, atol=1e-9)
    assert_allclose(sum_by_event(particles.event, particles.energy, events.n_events), 13_000)
    assert (np.abs(particles.pdg_id[events.role == 0]) == 13).all()
    assert (particles.event[events.role == 0] == np.arange(events.n_events)).all()
    assert (events.jets.event == np.arange(events.n_events)).all()

"""Pile-up: what is added to events, and how detector and reconstruction treat it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import DetectorCard, generate_wjet
from skjetsim.datasets._chain import _events, _pileup, _pythia
from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import Particles, concatenate, delta_r, smallest_by_event
from skjetsim.datasets._chain._pileup import PileupOverlay, subtract_pileup, transverse_density
from skjetsim.datasets._chain._process import OTHER, PILEUP, GeneratedEvents
from skjetsim.datasets._chain._reconstruction import energy_flow, find_jets, missing_momentum

CARD = DetectorCard()
# Pythia takes seconds to prepare diffraction.
QUICK = ("SoftQCD:nonDiffractive = on",)
N_EVENTS = 300
PER_COLLISION = 3
N_HARD = 30


def make_particles(event, pt, eta, phi, pdg_id=22, charge=0.0):
    pt, eta, phi = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (pt, eta, phi)))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    n = len(px)
    energy = np.sqrt(px**2 + py**2 + pz**2)
    return Particles(event, px, py, pz, energy, np.full(n, pdg_id), np.full(n, charge))


def made_up_records(settings, seed):
    """Batches of 50 collisions. The pT of each particle is the number of its collision."""
    first = 1
    while True:
        number = np.repeat(np.arange(first, first + 50), PER_COLLISION)
        stable = make_particles(number - first, number, 0.5, np.linspace(-3, 3, len(number)))
        yield SimpleNamespace(n_events=50, stable=stable)
        first += 50


@pytest.fixture
def hard():
    """Events of one photon."""
    event = np.arange(N_EVENTS)
    photons = make_particles(event, np.full(N_EVENTS, 0.5), 1.0, 0.0)
    return GeneratedEvents(N_EVENTS, photons, np.full(N_EVENTS, OTHER), {"data": event})


def test_overlay_takes_each_collision_once(hard, monkeypatch):
    monkeypatch.setattr(_pileup, "records", made_up_records)
    overlay = PileupOverlay(7.0, (), 1, np.random.default_rng(0))
    last, counts = 0, []
    for _ in range(2):
        events = overlay(hard)
        added = events.role == PILEUP
        numbers = np.rint(events.particles.pt[added]).astype(int)
        assert_array_equal(numbers, last + 1 + np.arange(len(numbers)) // PER_COLLISION)
        last = numbers[-1]
        per_event = np.bincount(events.particles.event[added], minlength=N_EVENTS)
        assert (per_event % PER_COLLISION == 0).all()
        counts.append(per_event // PER_COLLISION)
        assert (np.diff(events.particles.event) >= 0).all()
        assert_array_equal(events.particles.select(~added).energy, hard.particles.energy)
        assert events.columns is hard.columns
        assert events.has_pileup
    counts = np.concatenate(counts)
    assert_allclose(counts.mean(), 7, atol=4 * np.sqrt(7 / len(counts)))
    assert_allclose(counts.var(), 7, rtol=0.25)
    assert (counts[:N_EVENTS] != counts[N_EVENTS:]).any()


def test_no_collision_is_no_change(hard, monkeypatch):
    monkeypatch.setattr(_pileup, "records", made_up_records)
    overlay = PileupOverlay(1e-9, (), 1, np.random.default_rng(0))
    assert overlay(hard) is hard
    assert not hard.has_pileup


def soft_background(n_events, density, rng, pt=0.25):
    """Photons, spread evenly over eta and phi, with a given density in GeV."""
    n = rng.poisson(density * 10 * 2 * np.pi / pt, n_events)
    event = np.repeat(np.arange(n_events), n)
    eta, phi = rng.uniform(-5, 5, len(event)), rng.uniform(-np.pi, np.pi, len(event))
    return make_particles(event, np.full(len(event), pt), eta, phi)


@pytest.mark.parametrize("density", [0.0, 3.0, 12.0])
def test_transverse_density(density):
    flow = soft_background(60, density, np.random.default_rng(0))
    found = transverse_density(flow, 60, CARD)
    assert found.shape == (60, 3)
    assert_allclose(found.mean(axis=0), density, rtol=0.03)


def test_a_hard_jet_does_not_change_the_density():
    flow = soft_background(20, 12.0, np.random.default_rng(0))
    jets = make_particles(np.arange(20), np.full(20, 300.0), 0.3, 1.0)
    both = concatenate([flow, jets])
    assert_allclose(
        transverse_density(both, 20, CARD), transverse_density(flow, 20, CARD), rtol=0.1
    )


@pytest.mark.parametrize("eta", [0.0, 2.0, 3.5])
def test_subtraction_gives_the_jet_back(eta):
    pytest.importorskip("fastjet")
    flow = soft_background(25, 12.0, np.random.default_rng(1))
    jet = make_particles(np.arange(25), np.full(25, 50.0), eta, 1.0)
    flow = concatenate([flow, jet])
    flow = flow.select(np.argsort(flow.event, kind="stable"))
    bare = replace(CARD, underlying_density=(0.0,) * 3)
    jets, _ = cluster(flow, 25, CARD.jet_radius)
    left = subtract_pileup(jets, flow, 25, bare)
    hard = left.pt > 30
    assert hard.sum() == 25
    assert_allclose(jets.select(jets.pt > 30).pt.mean(), 50 + 12 * np.pi * 0.25, rtol=0.04)
    assert_allclose(left.pt[hard].mean(), 50, rtol=0.03)
    kept = subtract_pileup(jets, flow, 25, replace(CARD, underlying_density=(4.0,) * 3))
    assert_allclose(kept.pt[kept.pt > 30].mean(), 50 + 4 * np.pi * 0.25, rtol=0.03)
    # Jets of background alone are gone, or soft.
    assert (left.pt > 0).all()
    assert np.quantile(left.pt[~hard], 0.9) < 12


def test_density_needs_a_number_for_each_region():
    with pytest.raises(ValueError, match=r"underlying_density must have shape \(3,\)"):
        replace(CARD, underlying_density=(1.0,))
    with pytest.raises(ValueError, match="ecal_eta_edges must reach beyond the tracks"):
        replace(CARD, track_eta_edges=(1.5, 5.0))


@pytest.fixture(scope="module")
def overlaid(wjet_batch):
    """The same 30 events without pile-up and with a mean of 20 collisions."""
    kept = wjet_batch.particles.event < N_HARD
    events = GeneratedEvents(
        N_HARD,
        wjet_batch.particles.select(kept),
        wjet_batch.role[kept],
        {"data": wjet_batch.columns["data"][:N_HARD]},
        wjet_batch.jets.select(slice(N_HARD)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pythia, "BATCH_SIZE", 60)
        patch.setattr(_pileup, "SETTINGS", QUICK)
        return events, PileupOverlay(20.0, (), 1, np.random.default_rng(0))(events)


def response(events, flow, role, has_pileup):
    """Reconstructed over generated pT of the matched jets above 12 GeV."""
    nowhere = np.zeros((N_HARD, 0, 3))
    jets = find_jets(flow.select(role < 0), nowhere, N_HARD, CARD, has_pileup)
    generated = events.jets
    eta, phi = generated.eta[jets.event], generated.phi[jets.event]
    distance = delta_r(jets.eta, jets.phi, eta, phi)
    chosen = smallest_by_event(jets.event, distance, N_HARD)
    found = (chosen >= 0) & (generated.pt > 12)
    found[found] = distance[chosen[found]] < 0.3
    return jets.pt[chosen[found]] / generated.pt[found]


def test_jets_and_missing_momentum_under_pileup(overlaid):
    alone, crowded = overlaid
    assert_array_equal(alone.columns["data"], crowded.columns["data"])
    quiet = energy_flow(alone, CARD, np.random.default_rng(0))
    busy = energy_flow(crowded, CARD, np.random.default_rng(0))
    without = response(alone, *quiet, False)
    raw = response(alone, *busy, False)
    subtracted = response(alone, *busy, True)
    assert abs(without.mean() - 1) < 0.1
    assert raw.mean() > without.mean() + 0.1
    assert abs(subtracted.mean() - without.mean()) < 0.08
    assert subtracted.std() > without.std()
    met = [
        missing_momentum(flow, N_HARD) - alone.columns["data"][:, 7:9] for flow, _ in (quiet, busy)
    ]
    assert met[1].std() > 1.5 * met[0].std()
    density = [transverse_density(flow, N_HARD, CARD).mean(axis=0) for flow, _ in (quiet, busy)]
    assert (density[1] > density[0] + 2).all()


def test_tracks_of_pileup_are_dropped(overlaid):
    _, crowded = overlaid
    flow, role = energy_flow(crowded, CARD, np.random.default_rng(0))
    assert (role != PILEUP).all()
    charged = flow.select(flow.charge != 0)
    own = crowded.particles.select((crowded.role != PILEUP) & (crowded.particles.charge != 0))
    assert len(charged.event) < len(own.event)
    all_charged = np.count_nonzero(crowded.particles.charge)
    assert all_charged > 5 * len(own.event)


def test_generated_with_pileup(pythia, quick_pileup, monkeypatch):
    monkeypatch.setattr(_events, "CHUNK_ROWS", 4)
    monkeypatch.setattr(_pythia, "BATCH_SIZE", 10)
    none = generate_wjet(7, random_state=3)
    one = generate_wjet(7, random_state=3, n_pileup=0.5)
    with parallel_config(backend="threading"):  # threads see the patches
        two = generate_wjet(7, random_state=3, n_pileup=0.5, n_jobs=2)
    assert_array_equal(one.data, none.data)
    assert_array_equal(one.data, two.data)
    assert_array_equal(one.target, two.target)
    assert (one.target != none.target).any(axis=None)

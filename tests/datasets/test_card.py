"""Detector cards: errors, the ATLAS-like card, and systematic variations."""

import math
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import DetectorCard
from skjetsim.datasets._chain._calorimeter import make_ecal, make_hcal
from skjetsim.datasets._chain._particles import Particles
from skjetsim.datasets._chain._process import Lepton
from skjetsim.datasets._chain._reconstruction import energy_flow, find_leptons
from skjetsim.datasets._chain._tracker import find_tracks, smear_tracks
from skjetsim.datasets._wjet import WJET

CARD = DetectorCard()
IDENTIFICATION = ("electron_identification", "muon_identification")
CARDS = [CARD, DetectorCard.atlas()]
each_card = pytest.mark.parametrize("card", CARDS, ids=["cms", "atlas"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hadron_efficiency", ((-0.1, 0.9, 0.9), (0.6, 0.8, 0.8))),
        ("muon_efficiency", ((0.7, 1.1, 0.9), (0.6, 0.8, 0.8))),
        ("electron_efficiency", ((0.7, 0.9), (0.6, 0.8))),
        ("electron_identification", (0.9, 1.1)),
        ("muon_identification", (0.9,)),
        ("muon_resolution", ((-0.01, 0.0),) * 3),
        ("radius", 0.0),
        ("half_length", -3.0),
        ("magnetic_field", math.nan),
        ("ecal_resolution", (0.1, 0.2)),
        ("ecal_eta_shape", ((1.0, 0.0, 0.0),)),
        ("hcal_resolution", "bad"),
        ("hcal_resolution", (0.05, 1.5, 0.0)),
        ("hcal_region_edges", (3.0, 1.5)),
        ("track_eta_edges", (2.5, 1.5)),
        ("ecal_phi_divisions", (360,)),
        ("hcal_phi_divisions", (0,) * len(CARD.hcal_phi_divisions)),
        ("hcal_phi_divisions", (36.5,) * len(CARD.hcal_phi_divisions)),
        ("v0_ecal_fraction", 1.5),
        ("jet_pt_min", -1.0),
        ("jet_scale", ((1.0, 0.0),)),
        ("match_delta_r", 0.0),
        ("track_pt_edges", ()),
    ],
)
def test_impossible_detectors_are_errors(name, value):
    with pytest.raises(ValueError, match=name):
        replace(CARD, **{name: value})


def test_default_card_is_the_cms_one():
    assert DetectorCard.cms() == CARD
    assert DetectorCard.atlas() != CARD


@each_card
def test_cards_are_values(card):
    """Cards are equal, hashable and picklable: workers and caches rely on it."""
    assert pickle.loads(pickle.dumps(card)) == card
    assert hash(replace(card)) == hash(card)


@pytest.mark.parametrize(
    ("card", "make", "eta", "energy", "expected"),
    [
        # Formulas of Delphes' cards, written out.
        (CARDS[0], make_ecal, -1.0, 40.0, 1.64 * math.sqrt(0.32**2 + 0.11**2 * 40 + 0.4**2)),
        (CARDS[0], make_ecal, 1.8, 40.0, 2.384 * math.sqrt(0.32**2 + 0.11**2 * 40 + 0.4**2)),
        (CARDS[0], make_ecal, 4.0, 40.0, math.sqrt(4.28**2 + 2.08**2 * 40)),
        (CARDS[0], make_hcal, 3.0, 40.0, math.sqrt(2.0**2 + 1.5**2 * 40)),
        (CARDS[0], make_hcal, -3.1, 40.0, math.sqrt(5.2**2 + 2.7**2 * 40)),
        (CARDS[1], make_ecal, -1.0, 40.0, math.sqrt(0.068**2 + 0.101**2 * 40)),
        (CARDS[1], make_ecal, 3.5, 40.0, math.sqrt(1.4**2 + 0.285**2 * 40)),
        (CARDS[1], make_hcal, 0.5, 40.0, math.sqrt(1.208**2 + 0.5205**2 * 40 + 1.59**2)),
        (CARDS[1], make_hcal, -2.0, 40.0, math.sqrt(2.0**2 + 0.706**2 * 40)),
        (CARDS[1], make_hcal, 4.0, 40.0, math.sqrt(3.768**2 + 40)),
    ],
)
def test_calorimeter_resolution(card, make, eta, energy, expected):
    found = make(card).resolution(np.array([eta]), np.array([energy]))
    assert_allclose(found, expected, rtol=1e-9)


def test_atlas_has_less_bending_power():
    """The bending of a track of 100 GeV: 2 T and 1.15 m against 3.8 T and 1.29 m."""
    muon, hadron = (
        [math.hypot(a, 100 * b) for a, b in (table[0], table[-1])]
        for table in (CARDS[1].muon_resolution, CARDS[1].hadron_resolution)
    )
    cms = [
        math.hypot(a, 100 * b) for a, b in (CARD.hadron_resolution[0], CARD.hadron_resolution[2])
    ]
    assert hadron[0] > 1.5 * cms[0]
    assert hadron[1] < 0.06
    assert muon[0] < hadron[0]


def numbers_of(value):
    return np.concatenate([np.ravel(item) for item in value]) if isinstance(value, tuple) else value


@each_card
def test_scaled_multiplies_all_numbers_of_a_field(card):
    names = ("jet_scale", "ecal_resolution", "electron_scale", "hcal_region_edges")
    varied = card.scaled(**dict.fromkeys(names, 0.98))
    for item in fields(card):
        before, after = (numbers_of(getattr(one, item.name)) for one in (card, varied))
        assert_allclose(after, np.multiply(before, 0.98 if item.name in names else 1), rtol=1e-15)
    assert card.scaled() == card
    assert card.scaled(magnetic_field=0).magnetic_field == 0


def test_scaled_keeps_numbers_of_towers_whole():
    halved = CARD.scaled(ecal_phi_divisions=0.5)
    assert set(halved.ecal_phi_divisions) == {180, 18}
    make_ecal(halved).towers.find(np.array([0.1]), np.array([0.2]))
    with pytest.raises(ValueError, match="hcal_phi_divisions must be whole numbers"):
        CARD.scaled(hcal_phi_divisions=0.51)


@pytest.mark.parametrize(
    ("factors", "error", "match"),
    [
        ({"jet_energy_scale": 1.1}, TypeError, "'jet_energy_scale'.*'jet_scale'"),
        ({"colour": 2.0}, TypeError, "no field 'colour'.*'magnetic_field'"),
        ({"jet_scale": "2%"}, TypeError, "factor on jet_scale must be a number, got '2%'"),
        ({"jet_scale": True}, TypeError, "jet_scale must be a number"),
        ({"jet_scale": math.nan}, ValueError, "jet_scale must be finite"),
        ({"muon_scale": -1.0}, ValueError, "muon_scale must be positive"),
        ({"muon_efficiency": 1.02}, ValueError, "muon_efficiency must lie between 0 and 1"),
    ],
)
def test_bad_factors(factors, error, match):
    with pytest.raises(error, match=match):
        CARD.scaled(**factors)


@each_card
def test_variations_go_up_and_down(card):
    cards = card.variations()
    assert len(set(cards.values())) == len(cards) >= 16
    assert_allclose(cards["jet_scale_up"].jet_scale, np.multiply(card.jet_scale, 1.02))
    assert_allclose(cards["muon_scale_down"].muon_scale, 0.998)
    for name, varied in cards.items():
        changed = [
            item.name
            for item in fields(card)
            if getattr(card, item.name) != getattr(varied, item.name)
        ]
        assert changed, name
        up = all(
            np.all(numbers_of(getattr(varied, name)) >= numbers_of(getattr(card, name)))
            for name in changed
        )
        assert up == name.endswith("_up"), name


def charged_particles(n=4000):
    rng = np.random.default_rng(0)
    pt, eta, phi = rng.exponential(10, n) + 0.5, rng.uniform(-2.4, 2.4, n), rng.uniform(-3, 3, n)
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt(px**2 + py**2 + pz**2)
    pdg_id = rng.choice([211, -11, 13], n)
    return Particles(np.arange(n), px, py, pz, energy, pdg_id, np.ones(n))


def test_tracks_keep_their_noise_whatever_the_efficiency():
    particles = charged_particles()
    found = {}
    for name, card in (
        ("usual", CARD),
        ("fewer", CARD.scaled(hadron_efficiency=0.9)),
        ("all", replace(CARD, hadron_efficiency=((1.0,) * 3,) * 2)),
    ):
        rng = np.random.default_rng(1)
        index, noise = find_tracks(particles, card, rng)
        tracks, _ = smear_tracks(particles.select(index), card, noise)
        found[name] = dict(zip(index.tolist(), tracks.px.tolist(), strict=True))
        found[name]["next"] = rng.random()
    assert found["fewer"].keys() < found["usual"].keys() < found["all"].keys()
    assert found["fewer"].items() < found["usual"].items() < found["all"].items()
    index, noise = find_tracks(particles, replace(CARD, hadron_efficiency=((1.0,) * 3,) * 2), rng)
    assert_allclose([noise.mean(), noise.std()], [0, 1], atol=0.05)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.06


@pytest.fixture(scope="module")
def events(wjet_batch):
    return wjet_batch


@pytest.fixture(scope="module")
def nominal(events):
    return measure(events, CARD)


def measure(events, card):
    """Reconstructed rows, and which of them are accepted, always with the same seed."""
    rng = np.random.default_rng(0)
    found = WJET.reconstruct(events, *energy_flow(events, card, rng), card, rng)
    return found["target"], found["accepted"]


def jet_pt(rows):
    return np.hypot(rows[:, 3], rows[:, 4])


@pytest.mark.parametrize("name", ["hadron_efficiency", "tower_threshold", "jet_resolution"])
def test_shift_is_not_washed_out(events, nominal, name):
    """The noise is common: most jets move by far less than their resolution, or not at all."""
    nominal, accepted = nominal
    for direction in ("up", "down"):
        varied, also = measure(events, CARD.variations()[f"{name}_{direction}"])
        both = accepted & also
        assert both.sum() > 0.9 * accepted.sum()
        moved = np.abs(np.log(jet_pt(varied[both]) / jet_pt(nominal[both])))
        noise = np.abs(np.log(jet_pt(nominal[both]) / jet_pt(events.columns["data"][both])))
        assert 0 < np.mean(moved) < 0.35 * np.mean(noise)
        if name != "jet_resolution":
            assert np.mean(moved == 0) > 0.4


def test_fresh_noise_would_wash_it_out(events, nominal):
    """Without common noise, the test above would see this."""
    first, accepted = nominal
    rng = np.random.default_rng(1)
    found = WJET.reconstruct(events, *energy_flow(events, CARD, rng), CARD, rng)
    both = accepted & found["accepted"]
    moved = np.abs(np.log(jet_pt(found["target"][both]) / jet_pt(first[both])))
    noise = np.abs(np.log(jet_pt(first[both]) / jet_pt(events.columns["data"][both])))
    assert np.mean(moved) > np.mean(noise)


def test_jet_scale_scales_every_jet(events):
    card = replace(CARD, jet_pt_min=0.0)
    nominal, accepted = measure(events, card)
    varied, also = measure(events, card.scaled(jet_scale=1.02))
    assert_array_equal(accepted, also)
    assert_allclose(varied[accepted, 3:7], 1.02 * nominal[accepted, 3:7], rtol=1e-9)


def test_identification_leaves_the_measurement_as_it_is(events, nominal):
    nominal, accepted = nominal
    found, identified = measure(events, replace(CARD, muon_identification=(0.5, 0.5)))
    assert not (identified & ~accepted).any()
    assert 0.3 < identified.sum() / accepted.sum() < 0.7
    assert_array_equal(found[identified], nominal[identified])
    _, central = measure(events, replace(CARD, muon_identification=(1.0, 0.0)))
    px, py, pz = nominal[accepted, :3].T
    assert_array_equal(central[accepted], np.abs(pz / np.hypot(px, py)) <= math.sinh(1.5))


@pytest.mark.parametrize(("pdg_id", "cone"), [(11, 0.1), (11, 0.0), (13, 0.1)])
def test_photons_near_an_electron_are_part_of_it(pdg_id, cone):
    """Event 0 has a lepton, a near photon and a far photon. Event 1 has only a photon."""
    event = np.array([0, 0, 0, 1])
    pt, eta, phi = np.array([30.0, 5.0, 7.0, 9.0]), np.array([1, 1.05, 1.2, 0]), np.zeros(4)
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    kinds = np.array([pdg_id, 22, 22, 22])
    charge = np.array([-1.0, 0, 0, 0])
    flow = Particles(event, px, py, pz, pt * np.cosh(eta), kinds, charge)
    card = replace(CARD, electron_cone=cone, **dict.fromkeys(IDENTIFICATION, (1.0, 1.0)))
    lepton = Lepton("lepton", (pdg_id,))
    role = np.array([0, -1, -1, -1])
    momenta, found = find_leptons(flow, role, (lepton,), 2, card, np.random.default_rng(0))
    expected = 35 if pdg_id == 11 and cone > 0 else 30
    assert_allclose(momenta[:, 0, 0], [expected, 0])
    assert found.tolist() == [True, False]


def test_atlas_measures_jets(events, nominal):
    rows, accepted = measure(events, CARDS[1])
    other, also = nominal
    both = accepted & also
    assert both.sum() > 0.7 * events.n_events
    assert (rows[both] != other[both]).all()
    response = jet_pt(rows[both]) / jet_pt(events.columns["data"][both])
    assert_allclose(np.median(response), 1, atol=0.08)

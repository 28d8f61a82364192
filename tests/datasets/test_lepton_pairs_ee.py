"""generate_lepton_pairs_ee, and whether its events look like e+ e- -> gamma*/Z."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets._drell_yan_weights import GammaZ
from skjetsim.datasets._lepton_pairs_ee import generate_lepton_pairs_ee

NAMES = [
    *("lepton_px", "lepton_py", "lepton_pz", "lepton_E"),
    *("antilepton_px", "antilepton_py", "antilepton_pz", "antilepton_E"),
]
MASSES = {11: 0.000511, 13: 0.10566, 15: 1.77686}
Z_MASS = 91.1876

pytestmark = pytest.mark.usefixtures("pythia")


@pytest.fixture(scope="module")
def events(pythia):
    return generate_lepton_pairs_ee(20_000, random_state=0)


def four_momenta(events):
    return events.data.to_numpy().reshape(len(events.data), 2, 4)


def cosine(events):
    """Cosine of the angle between the lepton and the electron beam."""
    momentum = four_momenta(events)[:, 0, :3]
    return momentum[:, 2] / np.linalg.norm(momentum, axis=1)


def exchange(events_at, sin2_theta=0.2315, width=2.504):
    """Cross-section per cosine of massless leptons, up to a factor."""
    coupling = (-1.0, -1 + 4 * sin2_theta, -1.0)
    element = GammaZ("both", Z_MASS, width, 0.2312, 0.0, {11: coupling, 13: coupling})
    return lambda cosines: element(np.full(len(cosines), events_at**2), cosines, 11, 1 / 128)


def test_bunch(events):
    assert events.data.shape == (20_000, 8)
    assert list(events.data.columns) == events.feature_names == NAMES
    text, note = events.DESCR.split("**This sample**")
    assert "annihilate" in text
    assert "isr " in note
    assert f"{len(events.data)} rows" in note
    assert not events.data.duplicated().any()
    assert_array_equal(np.unique(events.pdg_id), [11, 13])
    # The Z couples alike to all leptons.
    assert abs((events.pdg_id == 11).mean() - 0.5) < 4 * 0.5 / np.sqrt(20_000)


def test_leptons_are_back_to_back_with_half_of_the_energy(events):
    p = four_momenta(events)
    assert_allclose(p[..., 3], Z_MASS / 2, rtol=1e-12)
    assert_allclose(p[:, 0, :3], -p[:, 1, :3], atol=1e-9)
    mass = np.vectorize(MASSES.get)(events.pdg_id)
    squares = p[:, 0, 3] ** 2 - np.square(p[:, 0, :3]).sum(axis=1)
    assert_allclose(squares, mass**2, rtol=0.01, atol=1e-9)


def test_peak_cross_section(events):
    """12 pi / M^2 B(ee) B(ll) for either flavour, with the measured branching ratio, and 3% more.

    Leading-order widths are that much off, and the photon adds some.
    """
    expected = 2 * 12 * np.pi / Z_MASS**2 * 0.033658**2 * 0.3893793721e9
    assert_allclose(events.cross_section, expected, rtol=0.03)
    assert events.cross_section_error < 1e-6 * events.cross_section


def test_angles(events):
    phi = np.arctan2(events.data["lepton_py"], events.data["lepton_px"])
    counts, _ = np.histogram(phi, bins=20, range=(-np.pi, np.pi))
    assert np.sum((counts - 1000) ** 2) / 1000 < 43.8  # one in a thousand
    # For 1 + cos^2, the square has the mean 2/5 and the standard deviation 0.31.
    assert abs(np.mean(cosine(events) ** 2) - 0.4) < 4 * 0.31 / np.sqrt(20_000)


@pytest.mark.parametrize("energy", [80.0, 100.0])
def test_forward_backward_asymmetry(energy):
    """With interference it is large, and has opposite signs below and above the peak."""
    events = generate_lepton_pairs_ee(10_000, random_state=0, energy=energy, leptons=["muon"])
    half, weight = np.polynomial.legendre.leggauss(8)
    forward, backward = (weight @ exchange(energy)(side * (half + 1) / 2) for side in (1, -1))
    expected = (forward - backward) / (forward + backward)
    assert abs(expected) > 0.5
    found = np.mean(np.sign(cosine(events)))
    assert abs(found - expected) < 4 / np.sqrt(10_000)


def test_photon_alone_is_symmetric_and_small(events):
    photon = generate_lepton_pairs_ee(10_000, random_state=0, boson="photon")
    # 4 pi alpha(s)^2 / 3 s for either flavour: 86.9 nb / s at alpha(0), 1.13 times that here.
    expected = 2 * 86.86e3 / Z_MASS**2 * (137.036 / 128.9) ** 2
    assert_allclose(photon.cross_section, expected, rtol=0.02)
    assert abs(np.mean(np.sign(cosine(photon)))) < 4 / np.sqrt(10_000)
    z = generate_lepton_pairs_ee(100, random_state=0, boson="z")
    # There is no interference on the peak.
    assert_allclose(photon.cross_section + z.cross_section, events.cross_section, rtol=1e-3)


def test_initial_state_radiation_takes_energy_along_the_beam(events):
    radiative = generate_lepton_pairs_ee(2000, random_state=0, isr=True)
    total = four_momenta(radiative).sum(axis=1)
    assert_allclose(total[:, :2], 0, atol=1e-9)
    mass = np.sqrt(total[:, 3] ** 2 - total[:, 2] ** 2)
    assert mass.max() < Z_MASS * (1 + 1e-9)
    assert Z_MASS - 0.1 < np.median(mass) < Z_MASS
    assert 0.02 < (mass < 90).mean() < 0.09
    assert np.abs(total[:, 2]).max() > 10
    # At the peak, radiation removes a quarter of the cross-section.
    assert 0.65 < radiative.cross_section / events.cross_section < 0.8


def test_leptons(events):
    taus = generate_lepton_pairs_ee(100, random_state=0, leptons=["tau"])
    assert_array_equal(taus.pdg_id, np.full(100, 15))
    squares = np.square(four_momenta(taus)[:, 0]) @ [-1, -1, -1, 1]
    assert_allclose(squares, MASSES[15] ** 2, rtol=1e-3)
    turned = generate_lepton_pairs_ee(100, random_state=0, leptons=["muon", "electron"])
    assert_array_equal(turned.data, events.data[:100])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        ({"n_samples": True}, TypeError, "n_samples must be an integer"),
        ({"energy": 10.0}, ValueError, "energy must be above 10 GeV"),
        ({"energy": None}, TypeError, "energy must be a number in GeV"),
        ({"boson": "gamma"}, ValueError, "boson must be one of"),
        ({"leptons": "muon"}, TypeError, "leptons must be a list"),
        ({"leptons": []}, ValueError, "leptons is empty"),
        ({"leptons": ["muon", "quark"]}, ValueError, "leptons must be one of"),
        ({"settings": ["no:such = on"]}, ValueError, "does not take the setting"),
        ({"settings": ["23:onIfAny = 1"]}, ValueError, "other than lepton pairs"),
    ],
)
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        generate_lepton_pairs_ee(**{"n_samples": 50, "random_state": 0, **arguments})


def test_missing_generator_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r"e\+ e-.*pythia8mc.*pip install .*pythia8mc=="):
        generate_lepton_pairs_ee(1)

"""generate_drell_yan: events, weights, and whether the two agree."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import _drell_yan, _lepton_pairs
from skjetsim.datasets._drell_yan import generate_drell_yan
from skjetsim.datasets._drell_yan_weights import GammaZ, muons, phase_space

NAMES = [
    *("muon_px", "muon_py", "muon_pz", "muon_E"),
    *("antimuon_px", "antimuon_py", "antimuon_pz", "antimuon_E"),
]
MUON_MASS = 0.10566
# Photon, Z and their interference all count here.
WINDOW = {"mass_min": 60.0, "mass_max": 80.0}

pytestmark = pytest.mark.usefixtures("pythia")


@pytest.fixture(scope="module")
def unweighted(pythia):
    return generate_drell_yan(20_000, random_state=1, **WINDOW)


@pytest.fixture(scope="module")
def weighted(pythia):
    return generate_drell_yan(20_000, random_state=1, weighted=True, **WINDOW)


def four_momenta(table):
    return table.to_numpy().reshape(len(table), 2, 4)


def pair(table):
    """Mass, rapidity, and the cosine of the angle of the muon in the rest frame."""
    p = four_momenta(table)
    total = p.sum(axis=1)
    mass = np.sqrt(total[:, 3] ** 2 - np.square(total[:, :3]).sum(axis=1))
    rapidity = np.arctanh(total[:, 2] / total[:, 3])
    muon = p[:, 0]
    along = muon[:, 2] * np.cosh(rapidity) - muon[:, 3] * np.sinh(rapidity)
    return mass, rapidity, along / np.sqrt(mass**2 / 4 - MUON_MASS**2)


@pytest.mark.parametrize("name", ["unweighted", "weighted"])
def test_bunch(name, request):
    events = request.getfixturevalue(name)
    assert events.data.shape == (20_000, 8)
    assert list(events.data.columns) == events.feature_names == NAMES
    assert_allclose(events.sample_weight.mean(), events.cross_section)
    assert 0 < events.cross_section_error < 0.02 * events.cross_section
    text, note = events.DESCR.split("**This sample**")
    assert "annihilate" in text
    assert "boson " in note
    assert f"{len(events.data)} rows" in note
    assert not events.data.duplicated().any()


@pytest.mark.parametrize("name", ["unweighted", "weighted"])
def test_kinematics(name, request):
    events = request.getfixturevalue(name)
    p = four_momenta(events.data)
    mass_squared = p[..., 3] ** 2 - np.square(p[..., :3]).sum(axis=2)
    assert_allclose(mass_squared, MUON_MASS**2, atol=1e-9 * np.square(p[..., 3]).max())
    assert_allclose(p[:, 0, :2], -p[:, 1, :2], atol=1e-9)
    mass, rapidity, _ = pair(events.data)
    assert 60 <= mass.min() < 60.1
    assert 79.9 < mass.max() <= 80
    assert np.abs(rapidity).max() <= np.log(13_000 / mass.min())


def test_weights_are_constant_unless_asked_for(unweighted, weighted):
    assert np.ptp(unweighted.sample_weight) == 0
    assert (weighted.sample_weight > 0).all()
    assert weighted.sample_weight.std() > 0.5 * weighted.sample_weight.mean()


def test_cross_section_is_pythias(unweighted, weighted):
    error = np.hypot(unweighted.cross_section_error, weighted.cross_section_error)
    assert error < 0.015 * unweighted.cross_section
    assert abs(weighted.cross_section - unweighted.cross_section) < 3 * error


@pytest.mark.parametrize(("boson", "low", "high"), [("photon", 30.0, 50.0), ("z", 86.0, 96.0)])
def test_cross_section_of_one_boson_is_pythias(boson, low, high):
    options = {"random_state": 0, "boson": boson, "mass_min": low, "mass_max": high}
    ours, theirs = (generate_drell_yan(6000, weighted=w, **options) for w in (True, False))
    error = np.hypot(ours.cross_section_error, theirs.cross_section_error)
    assert error < 0.03 * theirs.cross_section
    assert abs(ours.cross_section - theirs.cross_section) < 3 * error


@pytest.mark.parametrize("quantity", ["mass", "rapidity", "forward", "pt"])
def test_weighted_and_unweighted_events_have_the_same_shape(quantity, unweighted, weighted):
    def of(events):
        mass, rapidity, cosine = pair(events.data)
        return {
            "mass": mass,
            "rapidity": np.abs(rapidity),
            # The pair follows the quark, which carries more than the antiquark.
            "forward": cosine * np.sign(rapidity),
            "pt": np.hypot(events.data["muon_px"], events.data["muon_py"]),
        }[quantity]

    ours, theirs = of(weighted), of(unweighted)
    bins = np.quantile(theirs, np.linspace(0, 1, 13))
    bins[[0, -1]] = -np.inf, np.inf
    weight = weighted.sample_weight / weighted.sample_weight.sum()
    first, _ = np.histogram(ours, bins, weights=weight)
    squares, _ = np.histogram(ours, bins, weights=weight**2)
    second, _ = np.histogram(theirs, bins)
    second = second / len(theirs)
    chi2 = np.sum((first - second) ** 2 / (squares + second / len(theirs)))
    assert chi2 < 31.3  # 11 degrees of freedom, one in a thousand


def test_muon_goes_backward_of_the_quark(unweighted):
    """The interference causes it below the peak."""
    _, rapidity, cosine = pair(unweighted.data)
    assert np.sign(cosine * rapidity).mean() < -0.1


def test_same_seed_same_events(monkeypatch):
    """The number of workers and of further chunks does not matter."""
    monkeypatch.setattr(_lepton_pairs, "CHUNK_ROWS", 40)
    events = generate_drell_yan(60, random_state=2, n_jobs=2)
    few = generate_drell_yan(50, random_state=2)
    assert_array_equal(events.data[:50], few.data)
    assert not events.data.duplicated().any()
    # The cross-sections of chunks are averaged, so that the error is smaller than for the first.
    first = generate_drell_yan(40, random_state=2)
    assert_array_equal(first.data, few.data[:40])
    assert 0 < few.cross_section_error < first.cross_section_error


def test_same_seed_same_weights(monkeypatch):
    monkeypatch.setattr(_drell_yan, "CHUNK_ROWS", 40)
    events = generate_drell_yan(60, random_state=2, weighted=True)
    few = generate_drell_yan(50, random_state=2, weighted=True)
    assert_array_equal(events.data[:50], few.data)
    assert_array_equal(events.sample_weight[:50], few.sample_weight)
    assert not events.data.duplicated().any()
    other = generate_drell_yan(40, random_state=3, weighted=True)
    assert (other.data != few.data[:40]).any(axis=1).all()


def test_weights_follow_settings():
    """The points are the same, and the weights change as the setting is known to change them."""

    def weight(*settings):
        options = {"random_state": 0, "weighted": True, "settings": settings}
        return generate_drell_yan(500, **options).sample_weight

    nominal = weight()
    # The couplings are alpha squared, at three times the scale.
    ratio = weight("SigmaProcess:renormMultFac = 9.") / nominal
    assert_allclose(ratio, np.median(ratio), rtol=0.01)
    assert 1.01 < np.median(ratio) < 1.06
    # Densities grow with the scale at small x, and fall at large x.
    ratio = weight("SigmaProcess:factorMultFac = 4.") / nominal
    assert ratio.max() > 1.05
    assert ratio.min() < 0.95
    assert not np.allclose(weight("PDF:pSet = 14"), nominal, rtol=0.01)
    slow = ["Beams:eCM = 200."]
    total = generate_drell_yan(500, random_state=0, weighted=True, settings=slow)
    p = four_momenta(total.data).sum(axis=1)
    # A parton carries at most its whole proton, which has 100 GeV here.
    assert 190 < (p[:, 3] + np.abs(p[:, 2])).max() <= 200


def test_memory_keeps_chunks(tmp_path):
    options = {"random_state": 0, "memory": str(tmp_path), "weighted": True}
    first = generate_drell_yan(50, **options)
    again = generate_drell_yan(50, **options)
    assert_array_equal(first.data, again.data)
    assert_array_equal(first.sample_weight, again.sample_weight)
    assert len(list(tmp_path.rglob("output.pkl"))) == 1
    photon = generate_drell_yan(50, boson="photon", **options)
    assert (photon.sample_weight < first.sample_weight).any()
    assert len(list(tmp_path.rglob("output.pkl"))) == 2


def test_one_point():
    point = generate_drell_yan(1, random_state=0, weighted=True)
    assert point.cross_section == point.sample_weight[0]
    assert np.isnan(point.cross_section_error)


def element(boson, muon_mass=0.0):
    """Standard couplings of u, d and muon at sin^2 = 0.23."""
    charges = {1: -1 / 3, 2: 2 / 3, 13: -1.0}
    couplings = {code: (e, np.sign(e) - 4 * e * 0.23, np.sign(e)) for code, e in charges.items()}
    return GammaZ(boson, 91.2, 2.5, 0.23, muon_mass, couplings)


COSINES, COSINE_WEIGHTS = np.polynomial.legendre.leggauss(8)


def integrate(boson, s, quark, alpha, power=0, muon_mass=0.0):
    value = element(boson, muon_mass)(np.full(8, s), COSINES, quark, alpha)
    return COSINE_WEIGHTS @ (value * COSINES**power)


def test_photon_exchange_is_the_textbook_cross_section():
    s, alpha = 60.0**2, 1 / 128
    expected = 4 * np.pi * alpha**2 / (3 * s) * (2 / 3) ** 2 / 3 * 0.3893793721e9
    assert_allclose(integrate("photon", s, 2, alpha), expected)
    # Threshold of a massive pair: beta (3 - beta^2) / 2.
    beta = np.sqrt(1 - 4 * 20**2 / s)
    massive = integrate("photon", s, 2, alpha, muon_mass=20.0)
    assert_allclose(massive, expected * beta * (3 - beta**2) / 2)


def test_z_exchange_at_the_pole():
    s, alpha = 91.2**2, 1 / 128
    # sigma = 12 pi / M^2 Gamma_q Gamma_mu / Gamma^2, over 3 colours of the quark's width squared,
    # with Gamma_f = alpha M (v^2 + a^2) / (48 sin^2 cos^2) before colours.
    squares = {code: v**2 + a**2 for code, (_, v, a) in element("z").couplings.items()}
    widths = {code: alpha * 91.2 * g / (48 * 0.23 * 0.77) for code, g in squares.items()}
    expected = 12 * np.pi / s * widths[1] * widths[13] / 2.5**2 / 3 * 0.3893793721e9
    assert_allclose(integrate("z", s, 1, alpha), expected)
    asymmetries = [
        2 * v * a / (v**2 + a**2) for code, (_, v, a) in element("z").couplings.items() if code != 2
    ]
    # The mean cosine is two thirds of the forward-backward asymmetry.
    mean = integrate("z", s, 1, alpha, power=1) / integrate("z", s, 1, alpha)
    assert_allclose(mean, 2 / 3 * 3 / 4 * np.prod(asymmetries))


def test_interference_changes_sign_at_the_pole():
    def interference(mass):
        both, photon, z = (integrate(boson, mass**2, 2, 1 / 128, 1) for boson in BOSONS)
        return both - photon - z

    below, at, above = (interference(mass) for mass in (80.0, 91.2, 100.0))
    assert below < 0 < above
    assert abs(at) < 1e-9 * above


BOSONS = ("both", "photon", "z")


def test_phase_space_points_have_the_volume_that_is_stated():
    """Points weighted by their volume are flat in log s, y and cos(theta)."""
    unit = np.random.default_rng(0).random((20_000, 4))
    (s, rapidity, cosine, phi), volume = phase_space(unit, 100.0, 10.0, 50.0)
    # Integral of 2 log(energy / mass) 2 over log s = 2 log(mass).
    low, high = np.log(10 / 100), np.log(50 / 100)
    assert_allclose(volume.mean(), 4 * (low**2 - high**2), rtol=0.02)
    events = muons((s, rapidity, cosine, phi), MUON_MASS)
    p = events.reshape(-1, 2, 4)
    total = p.sum(axis=1)
    assert_allclose(total[:, 3] ** 2 - total[:, 2] ** 2, s, rtol=1e-9)
    assert_allclose(np.arctanh(total[:, 2] / total[:, 3]), rapidity, atol=1e-9)
    assert np.abs(total[:, 2]).max() + total[:, 3].max() < 2 * 100
    assert (total[:, 3] + np.abs(total[:, 2]) <= 100 * (1 + 1e-12)).all()
    assert_allclose(np.angle(np.exp(1j * (np.arctan2(p[:, 0, 1], p[:, 0, 0]) - phi))), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        ({"n_samples": 1.5}, TypeError, "n_samples must be an integer"),
        ({"boson": "w"}, ValueError, "boson must be one of"),
        ({"mass_min": -50.0}, ValueError, "mass_min must be above 1 GeV"),
        ({"mass_min": "50"}, TypeError, "mass_min must be a number"),
        ({"mass_min": np.inf}, ValueError, "mass_min must be above 1 GeV and finite"),
        ({"mass_min": 2e4}, ValueError, "below the energy of the collisions, 13000 GeV"),
        ({"settings": ["beams:ecm 40."]}, ValueError, "the energy of the collisions, 40 GeV"),
        ({"mass_max": 40.0}, ValueError, "mass_min = 50 GeV leaves no pair below mass_max, 40"),
        ({"mass_max": -1.0}, ValueError, "mass_max must be above 0 GeV"),
        ({"random_state": -1}, ValueError, "random_state"),
        ({"memory": "folder"}, ValueError, "random_state=None is a new seed"),
        ({"settings": "PDF:pSet = 14"}, TypeError, "settings must be a list"),
        ({"settings": ["Beams:eCM = high"]}, ValueError, "does not take the setting"),
        ({"weighted": True, "settings": ["PDF:useHard = on"]}, ValueError, "Weights cannot follow"),
        ({"settings": ["HardQCD:all = on", "PhaseSpace:pTHatMin = 9."]}, ValueError, "other than"),
    ],
)
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        generate_drell_yan(**{"n_samples": 20, **arguments})


def test_missing_generator_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r"Drell-Yan.*pythia8mc.*pip install .*pythia8mc=="):
        generate_drell_yan(1)

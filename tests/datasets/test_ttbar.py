"""generate_ttbar, and whether its events look like top pairs."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import vector
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils import Bunch

from skjetsim.datasets import DetectorCard, generate_ttbar
from skjetsim.datasets._chain import _events
from skjetsim.datasets._chain._events import selected_events
from skjetsim.datasets._chain._pythia import records
from skjetsim.datasets._chain._reconstruction import energy_flow
from skjetsim.datasets._ttbar import (
    PARTONS,
    TopPair,
    _boost,
    _partons,
    _threshold,
    nearest_jets,
)
from skjetsim.preprocessing import TopPairFeatures

COMPONENTS = ("px", "py", "pz", "E")
JETS = ("jet1", "jet2", "jet3", "jet4")
FEATURES = [
    f"{name}_{component}"
    for name in ("electron", "antineutrino", "b", "antib", "u", "antid")
    for component in COMPONENTS
]
TARGETS = [f"{name}_{component}" for name in ("electron", "met", *JETS) for component in COMPONENTS]


def momentum(table, *names):
    """Sum of the four-momenta of objects, shape (n_events, 4)."""
    return sum(table[[f"{name}_{c}" for c in COMPONENTS]].to_numpy() for name in names)


def mass(p):
    return np.sqrt(np.maximum(p[..., 3] ** 2 - (p[..., :3] ** 2).sum(axis=-1), 0))


def pt(p):
    return np.hypot(p[..., 0], p[..., 1])


def eta(p):
    return np.arcsinh(p[..., 2] / pt(p))


def as_vector(p):
    return vector.array(dict(zip(COMPONENTS, p.T, strict=True)))


pytestmark = pytest.mark.usefixtures("pythia")


@pytest.fixture(scope="module")
def events(pythia):
    """Events of two chunks of one batch each, in two detector passes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_events, "CHUNK_ROWS", 100)
        return generate_ttbar(200, random_state=2, n_detector=2)


@pytest.fixture(scope="module")
def reconstruct(pythia):
    """Function that reconstructs one batch with a threshold, from the same detector pass."""
    batch = next(selected_events(TopPair(0.0), 3, batch_size=128))
    card = DetectorCard()
    flow = energy_flow(batch, card, np.random.default_rng(0))

    def with_threshold(jet_pt_min):
        one = TopPair(jet_pt_min).reconstruct(batch, *flow, card, np.random.default_rng(0))
        return Bunch(**one | {"target": pd.DataFrame(one["target"], columns=TARGETS)})

    return with_threshold


@pytest.fixture(scope="module")
def accepted(events):
    """Both levels of the accepted events of each pass."""
    passes = (events, *events.repeats)
    X = pd.concat([events.data[one.accepted] for one in passes], ignore_index=True)
    return X, pd.concat([one.target[one.accepted] for one in passes], ignore_index=True)


def fast_records(*settings):
    """Events without hadrons and with a single parton interaction, in a tenth of the time."""
    fast = ("HadronLevel:all = off", "PartonLevel:MPI = off")
    return records((*TopPair.settings, *fast, *settings), seed=5, batch_size=128)


@pytest.fixture(scope="module")
def partons(pythia):
    """A thousand events with the columns of the parton level, without a selection."""
    batches = fast_records()
    rows = np.concatenate([_partons(next(batches))[0] for _ in range(8)])
    return pd.DataFrame(rows.reshape(len(rows), -1), columns=FEATURES)


def test_bunch(events):
    assert events.data.shape == events.target.shape == (200, 24)
    assert list(events.data.columns) == events.feature_names == FEATURES
    assert list(events.target.columns) == events.target_names == TARGETS
    assert events.accepted.shape == events.matched.shape == events.n_jets.shape == (200,)
    assert "top quarks" in events.DESCR
    assert np.isfinite(events.data).all(axis=None)
    assert np.isfinite(events.target).all(axis=None)
    assert (events.target[~events.accepted] == 0).all(axis=None)
    assert not events.data.duplicated().any()
    assert (events.accepted | ~events.matched).all()


def test_same_seed_same_events(events):
    few = generate_ttbar(20, random_state=2)
    assert_array_equal(few.data, events.data[:20])
    for name in ("target", "accepted", "matched", "n_jets"):
        assert_array_equal(few[name], events[name][:20])
    assert few.repeats == ()


def test_second_pass_has_noise_of_its_own(events):
    (second,) = events.repeats
    both = events.accepted & second.accepted
    assert both.sum() > 10
    varying = [name for name in TARGETS if name != "met_pz"]
    assert (second.target[both] != events.target[both])[varying].all(axis=None)


def test_generator_selection(events):
    electron = momentum(events.data, "electron")
    assert pt(electron).min() > 10
    assert np.abs(eta(electron)).max() < 2.5
    # Quarks are not selected.
    quarks = np.stack([momentum(events.data, name) for name in ("b", "antib", "u", "antid")])
    assert pt(quarks).min() < 10
    assert np.abs(eta(quarks)).max() > 3


def test_partons_are_on_shell(events):
    masses = {name: mass(momentum(events.data, name)) for name in PARTONS}
    for name, expected in {"b": 4.8, "antib": 4.8, "u": 0.33, "antid": 0.33}.items():
        assert_allclose(masses[name], expected, atol=1e-3)
    for name in ("electron", "antineutrino"):
        assert_allclose(masses[name], 0, atol=0.02)


@pytest.mark.parametrize(
    ("names", "expected", "width"),
    [
        (("u", "antid"), 80.4, 2.1),
        (("electron", "antineutrino"), 80.4, 2.1),
        (("b", "u", "antid"), 173.0, 1.4),
        (("antib", "electron", "antineutrino"), 173.0, 1.4),
    ],
)
def test_resonances(names, expected, width, partons):
    masses = mass(momentum(partons, *names))
    # The error of the median of a Breit-Wigner follows from its width at half of its height.
    error = np.pi / 4 * width / np.sqrt(len(masses))
    assert_allclose(np.median(masses), expected, atol=4 * error)
    # Half of a Breit-Wigner lies within half the width of the pole.
    inside = (np.abs(masses - expected) < width / 2).mean()
    assert abs(inside - 0.5) < 4 * 0.5 / np.sqrt(len(masses))


def test_partons_add_up_to_the_tops_of_the_record(pythia):
    """They agree to rounding: nothing that was radiated is missing."""
    record = next(fast_records())
    partons, complete = _partons(record)
    entries = record.entries
    assert complete.all()
    for pdg_id, numbers in ((6, [2, 4, 5]), (-6, [0, 1, 3])):
        top = entries.select((entries.pdg_id == pdg_id) & (entries.status == -62))
        assert_array_equal(top.event, np.arange(record.n_events))
        four_momentum = np.column_stack([top.px, top.py, top.pz, top.energy])
        assert_allclose(partons[:, numbers].sum(axis=1), four_momentum, atol=1e-8)


def test_boost_takes_one_momentum_to_another():
    rng = np.random.default_rng(0)
    p, q, other = rng.normal(0, 80, (3, 50, 3))
    p, q = (np.column_stack([v, np.sqrt((v**2).sum(axis=1) + 80.4**2)]) for v in (p, q))
    other = np.column_stack([other, np.sqrt((other**2).sum(axis=1) + 5**2)])
    assert_allclose(_boost(p, p, q), q, rtol=1e-9, atol=1e-9)
    there = _boost(other, p, q)
    assert_allclose(mass(there), 5, rtol=1e-6)
    assert_allclose(_boost(there, q, p), other, rtol=1e-9, atol=1e-9)
    assert_allclose(mass(there + q), mass(other + p), rtol=1e-9)


def test_tops_recoil_against_each_other(partons):
    top = momentum(partons, "b", "u", "antid")
    antitop = momentum(partons, "antib", "electron", "antineutrino")
    assert 90 < np.median(pt(top)) < 150
    assert np.median(pt(top + antitop)) < 0.5 * np.median(pt(top))
    assert 380 < np.median(mass(top + antitop)) < 480


def test_w_is_polarised(partons):
    """In the frame of a W, electron and anti-d, both the lower of their doublet, fly backwards.

    The mean of the cosine is minus half of the left-handed fraction, 0.30 at leading order.
    """
    for w, b, fermion in (
        (("u", "antid"), "b", "antid"),
        (("electron", "antineutrino"), "antib", "electron"),
    ):
        frame = as_vector(momentum(partons, *w))
        b, fermion = (
            as_vector(momentum(partons, name)).boostCM_of_p4(frame) for name in (b, fermion)
        )
        cosine = -np.cos(b.deltaangle(fermion))
        assert_allclose(cosine.mean(), -0.15, atol=4 * cosine.std() / np.sqrt(len(cosine)))


def test_reconstruction(accepted, events):
    card, (_, y) = DetectorCard(), accepted
    electron = momentum(y, "electron")
    assert pt(electron).min() > card.electron_pt_min
    assert np.abs(eta(electron)).max() < card.electron_eta_max
    jets = np.stack([momentum(y, name) for name in JETS])
    assert pt(jets).min() > 20
    assert (np.diff(pt(jets), axis=0) <= 0).all()
    assert (mass(jets) > 0).all()
    assert (y["met_pz"] == 0).all()
    assert_allclose(y["met_E"], np.hypot(y["met_px"], y["met_py"]))
    for jet in JETS:
        assert as_vector(momentum(y, jet)).deltaR(as_vector(electron)).min() > card.jet_radius
    assert_array_equal(events.accepted, events.n_jets == 4)


def test_acceptance(events):
    assert 0.15 < events.accepted.mean() < 0.30
    assert 0.15 < events.matched[events.accepted].mean() < 0.50
    # The electron is lost in one of seven to ten events.
    assert 0.08 < (events.n_jets == 0).mean() < 0.22
    assert events.n_jets.max() > 6


def test_electron_and_missing_momentum(accepted):
    X, y = accepted
    ratio = pt(momentum(y, "electron")) / pt(momentum(X, "electron"))
    assert_allclose(np.median(ratio), 1, atol=0.02)
    low, high = np.quantile(ratio, [0.25, 0.75])
    assert high - low < 0.06
    miss = y[["met_px", "met_py"]].to_numpy() - X[["antineutrino_px", "antineutrino_py"]].to_numpy()
    assert 8 < np.median(np.abs(miss)) < 22


def test_matched_jets_are_the_quarks(events):
    X, y = events.data[events.matched], events.target[events.matched]
    quarks = np.stack([momentum(X, name) for name in ("b", "antib", "u", "antid")], axis=1)
    jets = np.stack([momentum(y, name) for name in JETS], axis=1)
    index = nearest_jets(quarks, jets, DetectorCard().match_delta_r)
    assert_array_equal(np.sort(index, axis=1), np.tile(np.arange(4), (len(X), 1)))
    own = np.take_along_axis(jets, index[:, :, None], axis=1)
    assert_allclose(np.median(pt(own) / pt(quarks)), 0.95, atol=0.1)
    assert_allclose(np.median(mass(own[:, 2] + own[:, 3])), 80.4, atol=10)


def test_nearest_jets():
    def at(*directions):
        pt, eta, phi = np.array([(10.0, *direction) for direction in directions]).T
        return np.column_stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt])[None]

    quarks = at((0.0, 0.0), (1.0, np.pi), (2.0, 1.0), (-1.0, 1.0))
    jets = at((2.1, 1.0), (0.1, 0.0), (1.0, -np.pi + 0.1), (-1.0, 1.5))
    assert_array_equal(nearest_jets(quarks, jets, 0.3), [[1, 2, 0, -1]])
    assert_array_equal(nearest_jets(quarks, jets, 0.6), [[1, 2, 0, 3]])
    twice = at((0.0, 0.0), (0.1, 0.0), (2.0, 1.0), (-1.0, 1.5))
    assert_array_equal(nearest_jets(twice, jets, 0.3), [[1, 1, 0, 3]])


def test_threshold_off(reconstruct):
    off, on = reconstruct(0.0), reconstruct(20.0)
    assert_array_equal(off.accepted, off.n_jets >= 4)
    assert_array_equal(on.accepted, on.n_jets == 4)
    assert off.accepted.sum() > 2 * on.accepted.sum() > 20
    assert (off.accepted | ~on.accepted).all()
    # If four jets are above the threshold, they are the leading ones.
    assert_array_equal(off.target[on.accepted], on.target[on.accepted])
    assert (off.n_jets >= on.n_jets).all()
    assert 5 < pt(momentum(off.target[off.accepted], "jet4")).min() < 20


def test_higher_threshold(reconstruct):
    lower, higher = reconstruct(20.0), reconstruct(40.0)
    assert (higher.n_jets <= lower.n_jets).all()
    assert higher.n_jets.mean() < 0.7 * lower.n_jets.mean()
    assert pt(momentum(higher.target[higher.accepted], "jet4")).min() > 40


@pytest.mark.parametrize("off", [None, 0, 0.0])
def test_ways_to_switch_the_threshold_off(off):
    assert _threshold(off, DetectorCard()) == 0


def test_masses_of_both_levels(accepted):
    X, y = accepted
    partons = TopPairFeatures(met="antineutrino", jets=["b", "antib", "u", "antid"])
    assert abs(partons.fit_transform(X)["hadronic_w_mass"].median() - 80.4) < 1
    reconstructed = TopPairFeatures().fit_transform(y)
    assert abs(reconstructed["hadronic_w_mass"].median() - 80.4) < 15
    assert 350 < reconstructed["top_pair_mass"].median() < 700


def test_other_decays_are_left_out(pythia):
    """Half of the negative W decay to muons here."""
    _, complete = _partons(next(fast_records("24:onNegIfMatch = 13 -14")))
    assert 0.3 < complete.mean() < 0.7


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        ({"n_samples": 1, "jet_pt_min": -20}, ValueError, "jet_pt_min must be zero or more"),
        ({"n_samples": 1, "jet_pt_min": np.nan}, ValueError, "jet_pt_min must be zero or more"),
        ({"n_samples": 1, "jet_pt_min": "twenty"}, TypeError, "jet_pt_min must be a number"),
        ({"n_samples": 1, "jet_pt_min": 3}, ValueError, "below the 5 GeV at which jets"),
        (
            {"n_samples": 1, "detector": replace(DetectorCard(), jet_pt_min=25.0)},
            ValueError,
            "jet_pt_min=20.0 GeV is below the 25 GeV",
        ),
        ({"n_samples": 1, "detector": "CMS"}, TypeError, "detector must be a DetectorCard"),
        ({"n_samples": 1, "n_detector": 0}, ValueError, "n_detector must be at least 1"),
        ({"n_samples": 1, "settings": ["Top:mass = 170"]}, ValueError, "does not take the setting"),
    ],
)
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        generate_ttbar(**arguments)


def test_missing_generator_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r"top pair.*pythia8mc.*pip install .*pythia8mc=="):
        generate_ttbar(1)

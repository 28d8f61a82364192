"""generate_zjet, and whether its events look like Z + jet."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import DetectorCard, generate_wjet, generate_zjet
from skjetsim.datasets._chain import _events

NAMES = [
    *("muon_px", "muon_py", "muon_pz", "antimuon_px", "antimuon_py", "antimuon_pz"),
    *("jet_px", "jet_py", "jet_pz", "jet_mass", "met_px", "met_py"),
]
MUON_MASS = 0.10566
MUONS = ("muon", "antimuon")
CHUNK_ROWS, N_FEWER = 100, 110


def momentum(table, name):
    return table[[f"{name}_px", f"{name}_py", f"{name}_pz"]].to_numpy()


def pt(table, name):
    return np.hypot(table[f"{name}_px"], table[f"{name}_py"]).to_numpy()


def eta(table, name):
    return np.arcsinh(table[f"{name}_pz"].to_numpy() / pt(table, name))


def phi(table, name):
    return np.arctan2(table[f"{name}_py"], table[f"{name}_px"]).to_numpy()


def delta_r(table, one, other):
    turn = np.angle(np.exp(1j * (phi(table, one) - phi(table, other))))
    return np.hypot(eta(table, one) - eta(table, other), turn)


def z_momentum(table):
    return momentum(table, "muon") + momentum(table, "antimuon")


def z_mass(table):
    squares = (np.square(momentum(table, name)).sum(axis=1) for name in MUONS)
    energy = sum(np.sqrt(square + MUON_MASS**2) for square in squares)
    return np.sqrt(energy**2 - np.square(z_momentum(table)).sum(axis=1))


pytestmark = pytest.mark.usefixtures("pythia")


@pytest.fixture(scope="module")
def events(pythia):
    """Events of several chunks, in two detector passes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_events, "CHUNK_ROWS", CHUNK_ROWS)
        return generate_zjet(300, random_state=2, n_detector=2)


@pytest.fixture(scope="module")
def accepted(events):
    """Both levels of the accepted events."""
    return events.data[events.accepted], events.target[events.accepted]


def test_bunch(events):
    assert events.data.shape == events.target.shape == (300, 12)
    assert list(events.data.columns) == events.feature_names == NAMES
    assert list(events.target.columns) == events.target_names == NAMES
    assert events.accepted.shape == events.matched.shape == (300,)
    assert "Z boson" in events.DESCR
    assert np.isfinite(events.data).all(axis=None)
    assert np.isfinite(events.target).all(axis=None)
    assert (events.target[~events.accepted] == 0).all(axis=None)
    assert not events.data.duplicated().any()


def test_columns_of_wjet_are_among_them(events):
    wjet = generate_wjet(2, random_state=0)
    assert events.keys() == wjet.keys()
    nine = events.data[wjet.feature_names]
    assert list(nine.columns) == wjet.feature_names
    assert_array_equal(nine, events.data.drop(columns=NAMES[3:6]))


def test_same_seed_same_events(monkeypatch, events):
    monkeypatch.setattr(_events, "CHUNK_ROWS", CHUNK_ROWS)
    with parallel_config(backend="threading"):  # threads see the patches
        parallel = generate_zjet(N_FEWER, random_state=2, n_detector=2, n_jobs=2)
    assert_array_equal(parallel.data, events.data[:N_FEWER])
    for one, other in zip((parallel, *parallel.repeats), (events, *events.repeats), strict=True):
        assert_array_equal(one.target, other.target[:N_FEWER])
        assert_array_equal(one.accepted, other.accepted[:N_FEWER])
        assert_array_equal(one.matched, other.matched[:N_FEWER])
    few = generate_zjet(20, random_state=2)
    assert_array_equal(few.data, events.data[:20])
    assert_array_equal(few.target, events.target[:20])
    assert few.repeats == ()
    assert (generate_zjet(20, random_state=3).data != few.data).any(axis=1).all()


def test_second_pass_has_noise_of_its_own(events):
    (second,) = events.repeats
    both = events.accepted & second.accepted
    assert (second.target[both] != events.target[both]).all(axis=None)


def test_generator_selection(events):
    X = events.data
    for name in MUONS:
        assert pt(X, name).min() > 10
        assert np.abs(eta(X, name)).max() < 2.5
        assert delta_r(X, "jet", name).min() > 0.5
    assert pt(X, "jet").min() > 10
    assert np.abs(eta(X, "jet")).max() < 3
    assert X["jet_mass"].min() > 0


def test_reconstruction_selection(accepted):
    card, (_, y) = DetectorCard(), accepted
    for name in MUONS:
        assert pt(y, name).min() > card.muon_pt_min
        assert np.abs(eta(y, name)).max() < card.muon_eta_max
        assert delta_r(y, "jet", name).min() > card.jet_radius
    assert pt(y, "jet").min() > card.jet_pt_min


def test_muons_come_from_a_z(events):
    mass = z_mass(events.data)
    # Radiation moves the median 0.4 GeV below the pole at 91.2. 300 events give it to 0.2 GeV.
    assert_allclose(np.median(mass), 90.8, atol=0.7)
    counts, edges = np.histogram(mass, bins=np.arange(60, 122, 2))
    assert edges[np.argmax(counts)] == 90
    assert mass.max() < 120
    assert (mass < 60).mean() < 0.03
    # A Breit-Wigner of width 2.5 GeV has half of its events within 1.25 GeV of the pole.
    assert 0.35 < (np.abs(mass - 91.19) < 1.25).mean() < 0.5


def test_detector_widens_the_peak(accepted):
    X, y = accepted
    ratio = z_mass(y) / z_mass(X)
    assert_allclose(np.median(ratio), 1, atol=0.003)
    low, high = np.quantile(ratio, [0.16, 0.84])
    assert 0.010 < (high - low) / 2 < 0.017


def test_muon_is_chosen_by_charge(events):
    """Neither muon is always the harder one, and they are not the same muon twice."""
    harder = pt(events.data, "muon") > pt(events.data, "antimuon")
    assert abs(harder.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(harder))
    assert delta_r(events.data, "muon", "antimuon").min() > 0.1


@pytest.mark.parametrize("name", MUONS)
def test_muon_resolution(accepted, name):
    X, y = accepted
    card = DetectorCard()
    edges = (0.0, *card.resolution_eta_edges)
    true = pt(X, name)
    row = np.digitize(np.abs(eta(X, name)), edges[1:-1])
    constant, slope = np.array(card.muon_resolution)[row].T
    pull = (pt(y, name) / true - 1) / np.hypot(constant, slope * true)
    assert_allclose([pull.mean(), pull.std()], [0, 1], atol=4 / np.sqrt(len(pull)))


def test_jet_recoils_against_the_z(events):
    X = events.data
    z = z_momentum(X)
    z_pt = np.hypot(z[:, 0], z[:, 1])
    turn = np.angle(np.exp(1j * (np.arctan2(z[:, 1], z[:, 0]) - phi(X, "jet"))))
    hard = z_pt > 40
    assert hard.sum() > 50
    assert np.median(np.abs(turn[hard])) > 2.8
    assert 0.75 < np.median(pt(X, "jet")[hard] / z_pt[hard]) < 1.0


def test_missing_momentum_is_small(accepted):
    X, y = accepted
    assert (pt(X, "met") == 0).mean() > 0.6
    assert np.quantile(pt(X, "met"), 0.9) < 5
    # The missing momentum is due to the resolution, and not to the muons of 40 GeV.
    assert 6 < np.median(pt(y, "met")) < 15
    for component in ("met_px", "met_py"):
        miss = (y[component] - X[component]).to_numpy()
        assert abs(miss.mean()) < 4 * miss.std() / np.sqrt(len(miss))


def test_acceptance(events):
    outer = np.max([np.abs(eta(events.data, name)) for name in MUONS], axis=0)
    assert 0.84 < events.accepted.mean() < 0.95
    # Two muons, each with an efficiency of 98 to 99%, and the jet.
    assert events.accepted[outer < 2.3].mean() > 0.90
    assert events.accepted[outer > 2.45].mean() < 0.2
    assert_array_equal(events.matched, events.accepted)


def test_both_muons_must_be_found():
    """If there are no tracks above 1.5 in abs(eta), both muons must be below."""
    central = replace(DetectorCard(), muon_efficiency=((1.0,) * 3, (0.0,) * 3))
    events = generate_zjet(60, random_state=2, detector=central)
    inside = [np.abs(eta(events.data, name)) < 1.5 for name in MUONS]
    assert not events.accepted[~np.all(inside, axis=0)].any()
    assert np.any(inside, axis=0).sum() > np.all(inside, axis=0).sum() > 10
    assert events.accepted[np.all(inside, axis=0)].mean() > 0.85


def test_generated_record_is_consistent():
    from skjetsim.datasets._chain._events import selected_events
    from skjetsim.datasets._zjet import ZJET

    events = next(selected_events(ZJET, 3))
    for number, pdg_id in enumerate((13, -13)):
        chosen = events.role == number
        assert (events.particles.pdg_id[chosen] == pdg_id).all()
        assert_array_equal(events.particles.event[chosen], np.arange(events.n_events))
        columns = slice(3 * number, 3 * number + 3)
        found = events.particles.select(chosen)
        assert_array_equal(
            events.columns["data"][:, columns], np.column_stack([found.px, found.py, found.pz])
        )


def test_leading_jets_can_be_unmatched():
    events = generate_zjet(60, random_state=0, matching="leading")
    assert events.accepted.sum() > events.matched.sum() > 30


def test_progress_bar_names_the_process(capfd):
    generate_zjet(2, random_state=0, verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Z + jet" in err
    assert "2/2" in err


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        ({"n_samples": 1.5}, TypeError, "n_samples must be an integer"),
        ({"n_samples": 1, "n_detector": True}, TypeError, "n_detector"),
        ({"n_samples": 1, "matching": "closest"}, ValueError, "matching must be one of"),
        ({"n_samples": 1, "detector": "CMS"}, TypeError, "detector must be a DetectorCard"),
        ({"n_samples": 1, "random_state": -1}, ValueError, "random_state"),
    ],
)
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        generate_zjet(**arguments)


def test_missing_generator_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r"Z \+ jet.*pythia8mc.*pip install .*pythia8mc=="):
        generate_zjet(1)

"""generate_zee and generate_zmumu, and whether their events look like a Z."""

import sys

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from skjetsim.datasets import generate_zee, generate_zmumu
from skjetsim.datasets._chain import _events

pytestmark = pytest.mark.usefixtures("pythia")

GENERATORS = {"electron": generate_zee, "muon": generate_zmumu}
PAIRS = {"electron": ("electron", "positron"), "muon": ("muon", "antimuon")}
MASS = {"electron": 5.11e-4, "muon": 0.10566}


CHUNK_ROWS = 90


@pytest.fixture(scope="module", params=["electron", "muon"])
def kind(request, pythia):
    return request.param


@pytest.fixture(scope="module")
def events(kind):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_events, "CHUNK_ROWS", CHUNK_ROWS)
        return GENERATORS[kind](450, random_state=4, n_detector=2)


def four_momenta(table):
    """px, py, pz and E of both leptons, shape (n, 2, 4)."""
    return table.to_numpy().reshape(len(table), 2, 4)


def pair_mass(table):
    p = four_momenta(table).sum(axis=1)
    return np.sqrt(p[:, 3] ** 2 - np.square(p[:, :3]).sum(axis=1))


def pt_eta(table):
    p = four_momenta(table)
    pt = np.hypot(p[..., 0], p[..., 1])
    return pt, np.arcsinh(p[..., 2] / pt)


def test_bunch(events, kind):
    names = [f"{name}_{part}" for name in PAIRS[kind] for part in ("px", "py", "pz", "E")]
    assert events.data.shape == events.target.shape == (450, 8)
    assert list(events.data.columns) == events.feature_names == names
    assert list(events.target.columns) == events.target_names == names
    assert set(events) == {
        *("data", "target", "accepted", "repeats"),
        *("feature_names", "target_names", "DESCR"),
    }
    assert (events.target[~events.accepted] == 0).all(axis=None)
    assert not events.data.duplicated().any()
    assert f"{kind}_px" in events.DESCR


def test_leptons_are_on_their_mass_shell(events, kind):
    for table in (events.data, events.target[events.accepted]):
        p = four_momenta(table)
        energy = np.sqrt(np.square(p[..., :3]).sum(axis=2) + MASS[kind] ** 2)
        assert_allclose(p[..., 3], energy, rtol=1e-6)


def test_parton_selection_and_peak(events):
    pt, eta = pt_eta(events.data)
    assert pt.min() > 10
    assert np.abs(eta).max() < 2.5
    mass = pair_mass(events.data)
    assert mass.min() > 59.9
    assert mass.max() < 120.1
    assert_allclose(np.median(mass), 91.1, atol=0.4)
    # Half of a Breit-Wigner of width 2.5 GeV is within half a width of the peak.
    assert_allclose((np.abs(mass - 91.19) < 1.25).mean(), 0.5, atol=0.1)
    # Initial-state radiation gives the Z transverse momentum.
    z_pt = np.hypot(*four_momenta(events.data).sum(axis=1)[:, :2].T)
    assert 8 < np.median(z_pt) < 18


def test_reconstructed_peak_is_wider_and_lower(events):
    generated = pair_mass(events.data[events.accepted])
    measured = pair_mass(events.target[events.accepted])
    assert 87 < np.median(measured) < np.median(generated)
    assert np.std(measured - generated) > 1
    pt, eta = pt_eta(events.target[events.accepted])
    assert pt.min() > 5
    assert np.abs(eta).max() < 2.4


def test_decay_prefers_no_azimuth_and_no_charge(events):
    phi = np.arctan2(four_momenta(events.data)[..., 1], four_momenta(events.data)[..., 0])
    for one in phi.T:
        assert kstest(one, "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-3
    pt, _ = pt_eta(events.data)
    difference = pt[:, 0] - pt[:, 1]
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference))


def test_fewer_are_the_first_of_more_on_any_number_of_workers(events, kind, monkeypatch):
    monkeypatch.setattr(_events, "CHUNK_ROWS", CHUNK_ROWS)
    with parallel_config(backend="threading"):  # threads see the patches
        fewer = GENERATORS[kind](CHUNK_ROWS + 20, random_state=4, n_jobs=2)
    assert_array_equal(fewer.data, events.data[: CHUNK_ROWS + 20])
    assert_array_equal(fewer.target, events.target[: CHUNK_ROWS + 20])
    assert fewer.repeats == ()


def test_the_veto_only_saves_time(monkeypatch):
    """Dropping events before hadronisation and selecting after it agree."""
    from skjetsim.datasets._chain._pythia import records
    from skjetsim.datasets._dilepton import ZEE

    record = next(records(ZEE.settings, 1, ZEE.user_hooks(), batch_size=128))
    assert ZEE.select(record).n_events == record.n_events == 128
    record = next(records(ZEE.settings, 1, batch_size=128))
    assert 0.3 < ZEE.select(record).n_events / 128 < 0.7


@pytest.mark.parametrize("package", ["pythia8mc", "fastjet", "awkward"])
def test_missing_generator_says_what_to_install(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{package}.*pip install .*pythia8mc=="):
        generate_zee(1)

"""generate_wjet and load_wjet, and whether their events look like W + jet."""

import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.datasets import DetectorCard, generate_wjet, load_wjet
from skjetsim.datasets._chain import _events

NAMES = [
    *("muon_px", "muon_py", "muon_pz"),
    *("jet_px", "jet_py", "jet_pz", "jet_mass"),
    *("met_px", "met_py"),
]
BUNDLED = files("skjetsim.datasets") / "data" / "wjet.parquet"


def pt(frame, name):
    return np.hypot(frame[f"{name}_px"], frame[f"{name}_py"]).to_numpy()


def eta(frame, name):
    return np.arcsinh(frame[f"{name}_pz"].to_numpy() / pt(frame, name))


def phi(frame, name):
    return np.arctan2(frame[f"{name}_py"], frame[f"{name}_px"]).to_numpy()


def transverse_mass(frame):
    cosine = np.cos(phi(frame, "muon") - phi(frame, "met"))
    return np.sqrt(2 * pt(frame, "muon") * pt(frame, "met") * (1 - cosine))


@pytest.fixture(scope="module")
def accepted():
    return load_wjet()


def test_bundle_of_accepted_events(accepted):
    assert list(accepted.data.columns) == accepted.feature_names == NAMES
    assert list(accepted.target.columns) == accepted.target_names == NAMES
    assert len(accepted.data) == len(accepted.target) == len(accepted.accepted) > 25_000
    assert (accepted.data.dtypes == np.float64).all()
    assert (accepted.target.dtypes == np.float64).all()
    assert accepted.accepted.all()
    assert accepted.matched.all()
    assert isinstance(accepted.data.index, pd.RangeIndex)
    assert "Pythia" in accepted.DESCR
    X, y = load_wjet(return_X_y=True)
    assert_array_equal(X, accepted.data)
    assert_array_equal(y, accepted.target)


def test_bundle_of_all_events(accepted):
    everything = load_wjet(selection="all")
    assert everything.data.shape == (30_000, 9)
    assert everything.target_names == [*NAMES, "accepted"]
    assert_array_equal(everything.target["accepted"], everything.accepted.astype(float))
    assert (everything.target[~everything.accepted] == 0).all(axis=None)
    assert_array_equal(everything.data[everything.accepted], accepted.data)
    assert not everything.matched[~everything.accepted].any()


def test_bundle_holds_a_second_detector_pass(accepted):
    (second,) = accepted.repeats
    assert list(second.target.columns) == NAMES
    assert len(second.target) == len(accepted.target)
    assert 0.95 < second.accepted.mean() < 1
    assert (second.target[~second.accepted] == 0).all(axis=None)
    both = second.target[second.accepted]
    assert (both != accepted.target[second.accepted]).any(axis=1).all()


def test_bundled_file_is_small_and_says_what_made_it():
    assert BUNDLED.stat().st_size <= 3_000_000
    metadata = pq.read_schema(BUNDLED).metadata
    assert {b"pythia8mc", b"fastjet", b"seed"} <= metadata.keys()


def test_bundled_events_are_what_the_generator_makes(full_batches):
    metadata = pq.read_schema(BUNDLED).metadata
    for package in ("pythia8mc", "fastjet"):
        try:
            found = version(package)
        except PackageNotFoundError:
            pytest.skip(f"needs {package}")
        if found.encode() != metadata[package.encode()]:
            pytest.skip(f"another version of {package} made the bundled events")
    pytest.importorskip("awkward")
    events = generate_wjet(40, random_state=int(metadata[b"seed"]))
    bundled = load_wjet(selection="all")
    assert_allclose(events.data, bundled.data[:40], rtol=1e-5, atol=1e-5)
    assert_allclose(events.target, bundled.target[NAMES][:40], rtol=1e-5, atol=1e-5)
    assert_array_equal(events.accepted, bundled.accepted[:40])


def test_generator_selection():
    X = load_wjet(selection="all").data
    assert pt(X, "muon").min() > 10
    assert np.abs(eta(X, "muon")).max() < 2.5
    assert pt(X, "jet").min() > 10
    assert np.abs(eta(X, "jet")).max() < 3
    assert X["jet_mass"].min() > 0
    distance = np.angle(np.exp(1j * (phi(X, "jet") - phi(X, "muon"))))
    assert np.hypot(distance, eta(X, "jet") - eta(X, "muon")).min() > 0.5


def test_no_sharp_edge_at_reconstruction(accepted):
    """Few reconstructed jets are near the threshold of 5 GeV."""
    y = accepted.target
    assert (pt(y, "jet") < 6).mean() < 0.01
    assert y["jet_mass"].min() > 0


def test_acceptance_grows_with_jet_pt():
    events = load_wjet(selection="all")
    jet_pt, muon_eta = pt(events.data, "jet"), np.abs(eta(events.data, "muon"))
    assert 0.90 < events.accepted.mean() < 0.96
    central = muon_eta < 2.3
    assert events.accepted[central & (jet_pt > 30)].mean() > 0.97
    assert events.accepted[central & (jet_pt < 12)].mean() < 0.93
    assert events.accepted[muon_eta > 2.45].mean() < 0.02


@pytest.mark.parametrize("row", [0, 1, 2])
def test_muon_resolution(accepted, row):
    card = DetectorCard()
    edges = (0.0, *card.resolution_eta_edges)
    X, y = accepted.data, accepted.target
    muon_eta, muon_pt = np.abs(eta(X, "muon")), pt(X, "muon")
    inside = (muon_eta > edges[row]) & (muon_eta < edges[row + 1])
    a, b = card.muon_resolution[row]
    pull = (pt(y, "muon") / muon_pt - 1)[inside] / np.hypot(a, b * muon_pt[inside])
    assert_allclose([pull.mean(), pull.std()], [0, 1], atol=5 / np.sqrt(inside.sum()))


def test_jet_response(accepted):
    jet_pt, jet_eta = pt(accepted.data, "jet"), np.abs(eta(accepted.data, "jet"))
    response = pt(accepted.target, "jet") / jet_pt
    spreads = []
    for low, high in ((12, 20), (20, 30), (30, 50), (50, 100), (100, 300)):
        inside = (jet_pt > low) & (jet_pt < high) & (jet_eta < 1.5)
        assert_allclose(response[inside].mean(), 1, atol=0.03)
        spreads.append(response[inside].std())
    assert spreads == sorted(spreads, reverse=True)
    assert 0.2 < spreads[0] < 0.3
    assert spreads[-1] < 0.1


def test_jacobian_edge(accepted):
    """The transverse mass ends at the mass of the W. The detector blurs this edge."""
    generated, measured = transverse_mass(accepted.data), transverse_mass(accepted.target)
    counts, edges = np.histogram(generated, bins=np.arange(40, 110, 2))
    assert 76 <= edges[np.argmax(counts)] <= 80
    assert (generated > 84).mean() < 0.06
    assert (measured > 84).mean() > 0.1
    assert 60 < np.median(measured) < 75


def test_missing_momentum_is_near_the_neutrino(accepted):
    X, y = accepted.data, accepted.target
    for name in ("met_px", "met_py"):
        difference = (y[name] - X[name]).to_numpy()
        assert 5 < difference.std() < 12
        assert abs(difference.mean()) < 5 * difference.std() / np.sqrt(len(difference))
    assert np.median(np.abs(pt(y, "met") - pt(X, "met"))) < 8


def test_nothing_prefers_an_azimuth(accepted):
    for side in (accepted.data, accepted.target):
        for name in ("muon", "jet", "met"):
            z = np.exp(1j * phi(side, name)).mean()
            assert abs(z) < 3 / np.sqrt(len(side))
    turn = np.exp(1j * (phi(accepted.target, "jet") - phi(accepted.data, "jet")))
    assert abs(np.angle(turn).mean()) < 5 * np.angle(turn).std() / np.sqrt(len(turn))


def test_columns_are_not_on_a_grid(accepted):
    """Tower centres would repeat values of jet mass and direction."""
    for column in ("jet_mass", "jet_px", "jet_pz"):
        assert accepted.target[column].nunique() > 0.99 * len(accepted.target)


@pytest.mark.usefixtures("pythia")
def test_same_seed_same_events(monkeypatch):
    # Then few events span two chunks.
    monkeypatch.setattr(_events, "CHUNK_ROWS", 40)
    events = generate_wjet(60, random_state=5, n_detector=2)
    assert events.data.shape == events.target.shape == (60, 9)
    assert list(events.data.columns) == events.feature_names == NAMES
    assert len(events.accepted) == len(events.matched) == 60
    assert (events.target[~events.accepted] == 0).all(axis=None)

    with parallel_config(backend="threading"):  # threads see the patches
        parallel = generate_wjet(60, random_state=5, n_detector=2, n_jobs=2)
    assert_same(parallel, events)
    assert_same(parallel.repeats[0], events.repeats[0])
    # Fewer rows are the first of more, also within a chunk.
    few = generate_wjet(30, random_state=5)
    assert_array_equal(few.data, events.data[:30])
    assert_array_equal(few.target, events.target[:30])
    assert few.repeats == ()

    # The second pass sees the same events with its own noise, accepted or not.
    (second,) = events.repeats
    both = events.accepted & second.accepted
    assert both.any()
    assert (events.target[both] != second.target[both]).all(axis=None)
    # Chunks differ.
    assert events.data.drop_duplicates().shape == events.data.shape


def assert_same(left, right):
    for name in ("target", "accepted", "matched"):
        assert_array_equal(left[name], right[name])
    if "data" in left:
        assert_array_equal(left.data, right.data)


@pytest.mark.usefixtures("pythia")
def test_detector_does_not_change_the_events():
    blind = replace(DetectorCard(), muon_efficiency=((0.0,) * 3,) * 2)
    seen = generate_wjet(20, random_state=5)
    unseen = generate_wjet(20, random_state=5, detector=blind)
    assert_array_equal(seen.data, unseen.data)
    assert seen.accepted.any()
    assert not unseen.accepted.any()


@pytest.mark.usefixtures("pythia")
def test_leading_jets_can_be_unmatched():
    events = generate_wjet(100, random_state=np.random.RandomState(0), matching="leading")
    assert events.accepted.sum() > events.matched.sum() > 50
    assert not events.matched[~events.accepted].any()
    card = DetectorCard()
    turn = np.angle(np.exp(1j * (phi(events.target, "jet") - phi(events.data, "jet"))))
    near = events.matched
    distance = np.hypot(turn[near], eta(events.target[near], "jet") - eta(events.data[near], "jet"))
    assert distance.max() < card.match_delta_r


@pytest.mark.usefixtures("pythia")
def test_generators_as_seeds_and_silence(capfd):
    first = generate_wjet(2, random_state=np.random.default_rng(1))
    again = generate_wjet(2, random_state=np.random.default_rng(1), verbose=1)
    assert_array_equal(first.data, again.data)
    # There is a progress bar if asked for, and no output from Pythia or FastJet.
    out, err = capfd.readouterr()
    assert out == ""
    assert "2/2" in err


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n_samples": 0}, ValueError, "n_samples"),
        ({"n_samples": 1.5}, TypeError, "n_samples"),
        ({"n_samples": 1, "n_detector": 0}, ValueError, "n_detector"),
        ({"n_samples": 1, "matching": "closest"}, ValueError, "matching"),
        ({"n_samples": 1, "detector": {"radius": 1}}, TypeError, "detector"),
        ({"n_samples": 1, "random_state": -1}, ValueError, "random_state"),
        ({"n_samples": 1, "random_state": "seed"}, TypeError, "random_state"),
    ],
)
@pytest.mark.usefixtures("pythia")
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        generate_wjet(**arguments)


def test_bad_selection():
    with pytest.raises(ValueError, match="selection"):
        load_wjet(selection="rejected")


@pytest.mark.parametrize("package", ["pythia8mc", "fastjet", "awkward"])
def test_missing_generator_says_what_to_install(monkeypatch, package):
    for name in ("pythia8mc", "fastjet", "awkward"):
        pytest.importorskip(name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{package}.*pip install .*pythia8mc=="):
        generate_wjet(1)

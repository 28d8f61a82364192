"""sample_chunks: the same events for any tables, in bounded memory, and into files."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL, paired_events, paired_frames
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim._drawing import _sample_chunks as _chunks
from skjetsim._drawing._sample_chunks import sample_chunks
from skjetsim.base import SimulatorMixin
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.io import iter_events, read_events, write_events
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import LogTransformer

BLOCK = 50


class Echo(SimulatorMixin, BaseEstimator):
    """Simulates X itself, without names of columns."""

    random_state = None

    def fit(self, X, y):
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        return np.array(X)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    assert _chunks.BLOCK_ROWS == 65_536
    monkeypatch.setattr(_chunks, "BLOCK_ROWS", BLOCK)


@pytest.fixture(scope="module")
def flow():
    return FlowGenerator(**SMALL).fit(paired_frames()[1])


@pytest.fixture(scope="module")
def simulator():
    X, y = paired_frames()
    return FlowSimulator(**SMALL).fit(X, y.rename(columns=lambda name: f"reco_{name}"))


@pytest.mark.parametrize("n_samples", [None, 2])
def test_each_block_has_noise_of_its_own(flow, simulator, n_samples):
    events = np.concatenate([np.asarray(c) for c in sample_chunks(flow, n_samples=120)])
    assert len(np.unique(events, axis=0)) == 120
    same = pd.concat([paired_frames()[0][:1]] * 120, ignore_index=True)  # of one event
    chunks = list(sample_chunks(simulator, same, n_samples=n_samples, random_state=0))
    assert len(chunks) > 2
    drawn = np.concatenate([np.asarray(chunk).reshape(-1, 2) for chunk in chunks])
    assert len(np.unique(drawn, axis=0)) == len(drawn)


def test_generated_blocks(flow):
    chunks = list(sample_chunks(flow, n_samples=120, random_state=0))
    assert [len(chunk) for chunk in chunks] == [50, 50, 20]
    events = pd.concat(chunks)
    assert list(events.columns) == ["muon_pt", "muon_eta"]
    assert list(events.index) == list(range(120))
    assert len(events.drop_duplicates()) == 120  # each block has other noise
    again = pd.concat(sample_chunks(flow, n_samples=120, random_state=0))
    assert_frame_equal(again, events)
    fewer = pd.concat(sample_chunks(flow, n_samples=70, random_state=0))
    assert_frame_equal(fewer, events[:70])
    fresh = [next(sample_chunks(flow, n_samples=5)) for _ in range(2)]
    assert not fresh[0].equals(fresh[1])
    assert [len(chunk) for chunk in sample_chunks(flow)] == [1]


def test_random_state_may_be_a_numpy_generator(flow):
    rng = np.random.default_rng(0)
    one, two = (pd.concat(sample_chunks(flow, n_samples=60, random_state=rng)) for _ in range(2))
    assert not one.equals(two)
    rng = np.random.default_rng(0)
    assert_frame_equal(pd.concat(sample_chunks(flow, n_samples=60, random_state=rng)), one)


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (KernelDensity(), ["x0", "x1"]),
        (make_generative_pipeline(StandardScaler(), KernelDensity()), ["x0", "x1"]),
        (GridSearchCV(KernelDensity(), {"bandwidth": [0.1, 1.0]}, cv=2), ["x0", "x1"]),
    ],
)
def test_generators_of_any_kind(estimator, names):
    estimator.fit(paired_events()[1])
    chunks = list(sample_chunks(estimator, n_samples=60, random_state=0))
    assert [chunk.shape for chunk in chunks] == [(50, 2), (10, 2)]
    assert list(chunks[0].columns) == names
    assert not np.array_equal(chunks[0][:10], chunks[1])


def test_simulated_blocks(simulator):
    X, _ = paired_frames(120)
    X.index = np.arange(500, 620)
    chunks = list(sample_chunks(simulator, X, random_state=0))
    assert [len(chunk) for chunk in chunks] == [50, 50, 20]
    events = pd.concat(chunks)
    assert list(events.columns) == ["reco_muon_pt", "reco_muon_eta"]
    assert_array_equal(events.index, X.index)
    simulator.set_params(n_jobs=2)
    assert_frame_equal(pd.concat(sample_chunks(simulator, X, random_state=0)), events)
    simulator.set_params(n_jobs=None)


@pytest.mark.parametrize("single", [True, False])
def test_each_row_belongs_to_its_event(single):
    X = np.arange(240.0).reshape(120, 2)
    tables = X if single else iter([X[:13], X[13:110], X[110:]])
    drawn = pd.concat(sample_chunks(Echo().fit(X, X), tables, random_state=0))
    assert list(drawn.columns) == ["y0", "y1"]
    assert_array_equal(drawn, X)


@pytest.mark.parametrize("sizes", [(120,), (50, 50, 20), (7, 0, 93, 20), (1,) * 120])
def test_sizes_of_the_tables_of_X_do_not_matter(simulator, sizes):
    X, _ = paired_frames(120)
    whole = pd.concat(sample_chunks(simulator, X, random_state=0))
    stops = np.cumsum(sizes)
    tables = (X[stop - size : stop] for size, stop in zip(sizes, stops, strict=True))
    parts = pd.concat(sample_chunks(simulator, tables, random_state=0))
    assert_frame_equal(parts, whole)


def test_arrays():
    X, y = paired_events(120)
    simulator = FlowSimulator(**SMALL).fit(X, y)
    whole = pd.concat(sample_chunks(simulator, X, random_state=0))
    assert list(whole.columns) == ["y0", "y1"]
    parts = pd.concat(sample_chunks(simulator, iter([X[:30], X[30:]]), random_state=0))
    assert_frame_equal(parts, whole)


def test_tables_of_polars_stay_so(simulator):
    pl = pytest.importorskip("polars")
    X = paired_frames()[0].reset_index(drop=True)
    expected = pd.concat(sample_chunks(simulator, X, random_state=0))
    events = pl.from_pandas(X)
    for tables in (events, [events[:7], events[7:]]):
        chunks = list(sample_chunks(simulator, tables, random_state=0))
        assert all(isinstance(chunk, pl.DataFrame) for chunk in chunks)
        assert chunks[0].columns == list(expected)
        assert_array_equal(pl.concat(chunks).to_numpy(), expected)
    columns = X.to_dict("list")
    assert_frame_equal(pd.concat(sample_chunks(simulator, columns, random_state=0)), expected)


def test_pairs_and_index(simulator):
    X, _ = paired_frames(120)
    pairs = list(sample_chunks(simulator, [X[:70], X[70:]], random_state=0, return_X_y=True))
    assert_frame_equal(pd.concat([part for part, _ in pairs]), X)
    for part, y in pairs:
        assert_array_equal(part.index, y.index)
    whole = pd.concat(sample_chunks(simulator, X, random_state=0))
    assert_frame_equal(pd.concat([y for _, y in pairs]), whole)


def test_draws_have_an_axis(simulator):
    X, _ = paired_frames(12)
    chunks = list(sample_chunks(simulator, X, n_samples=20, random_state=0))
    assert [chunk.shape for chunk in chunks] == [(2, 20, 2)] * 6
    assert [len(one) for one in sample_chunks(simulator, X[:2], n_samples=70)] == [1, 1]


def test_clouds_stay_arrays():
    clouds = np.random.default_rng(0).normal(size=(60, 4, 3))
    flow = FlowGenerator(**SMALL).fit(clouds)
    assert [chunk.shape for chunk in sample_chunks(flow, n_samples=60)] == [(50, 4, 3), (10, 4, 3)]
    simulator = FlowSimulator(**SMALL).fit(clouds, clouds)
    assert [len(chunk) for chunk in sample_chunks(simulator, iter([clouds]))] == [50, 10]


def test_one_dimensional_y_and_set_output():
    X, y = paired_frames()
    simulator = FlowSimulator(**SMALL).fit(X, y["muon_pt"])
    assert list(next(sample_chunks(simulator, X)).columns) == ["muon_pt"]
    simulator.set_output(transform="pandas")
    chunks = list(sample_chunks(simulator, iter([X])))
    assert list(chunks[1].index) == list(range(50, 100))


def test_tables_are_asked_for_when_needed(simulator):
    given = []

    def tables():
        for _ in range(4):
            given.append(len(given))
            yield paired_frames(60)[0]

    chunks = sample_chunks(simulator, tables(), random_state=0)
    assert given == []
    next(chunks)
    assert given == [0]
    assert sum(map(len, chunks)) == 190


# Files.


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_into_a_file_and_from_one(simulator, flow, tmp_path, suffix):
    if suffix == "root":
        pytest.importorskip("uproot")
    made, done = (tmp_path / f"{name}.{suffix}" for name in ("made", "done"))
    X, _ = paired_frames(120)
    write_events(made, X)
    drawn = sample_chunks(simulator, iter_events(made, chunk_size=33), random_state=0)
    write_events(done, drawn, units="GeV")
    expected = pd.concat(sample_chunks(simulator, X, random_state=0))
    read = read_events(done)
    assert_frame_equal(read, expected)
    assert read.attrs["units"]["reco_muon_pt"] == "GeV"
    write_events(done, sample_chunks(flow, n_samples=120, random_state=0))
    assert_frame_equal(
        read_events(done), pd.concat(sample_chunks(flow, n_samples=120, random_state=0))
    )


def test_both_levels_of_a_file(simulator, tmp_path):
    X, y = paired_frames(120)
    made, done = tmp_path / "made.parquet", tmp_path / "done.parquet"
    write_events(made, X, y)
    generated = (X for X, _ in iter_events(made, chunk_size=33, return_X_y=True))
    write_events(done, sample_chunks(simulator, generated, random_state=0, return_X_y=True))
    again, simulated = read_events(done, return_X_y=True)
    assert_frame_equal(again, X)
    expected = pd.concat(sample_chunks(simulator, X, random_state=0))
    assert_frame_equal(simulated, expected)


def test_no_events_are_a_file_without_rows(tmp_path):
    X, y = paired_frames()
    for simulator in (
        FlowSimulator(**SMALL),
        make_pipeline(LogTransformer(["muon_pt"]), FlowSimulator(**SMALL)),
    ):
        simulator.fit(X, y)
        path = tmp_path / "none.parquet"
        write_events(path, X[:0])
        write_events(path, sample_chunks(simulator, iter_events(path)))
        read = read_events(path)
        assert list(read.columns) == list(y.columns)
        assert len(read) == 0


# Errors are raised by the call, before any events are drawn.


@pytest.mark.parametrize(
    ("estimator", "arguments", "message"),
    [
        ("flow", {"X": paired_frames()[0]}, "takes no X"),
        ("flow", {"return_X_y": True, "n_samples": 3}, "takes no X"),
        ("simulator", {}, "pass the theory-level events X"),
        ("simulator", {"X": 7}, "given the integer 7"),
        ("simulator", {"X": "events.parquet"}, "or an iterable of them, got str"),
        ("simulator", {"X": 1.5}, "or an iterable of them, got float"),
        ("simulator", {"X": [], "n_samples": 2, "return_X_y": True}, "leave n_samples out"),
        ("simulator", {"X": [], "n_samples": 1.5}, "n_samples must be an integer"),
        ("simulator", {"X": [], "random_state": "seed"}, "random_state must be"),
        (LinearRegression(), {"X": [[1.0]]}, "neither a generator nor a simulator"),
        (FlowGenerator, {}, "must be a fitted estimator"),
    ],
)
def test_errors_of_type(estimator, arguments, message, request):
    if isinstance(estimator, str):
        estimator = request.getfixturevalue(estimator)
    with pytest.raises(TypeError, match=message):
        sample_chunks(estimator, **arguments)


def test_counts_below_one(flow):
    with pytest.raises(ValueError, match="n_samples must be at least 1"):
        sample_chunks(flow, n_samples=0)


@pytest.mark.parametrize(
    ("tables", "error", "message"),
    [
        ([], ValueError, "iterable without chunks"),
        ([[[1.0, 2.0]]], TypeError, "Chunk 0 of X must be a DataFrame or an array, got list"),
        ([paired_frames()], TypeError, r"got tuple. For pairs, pass X alone: .*for X, y in pairs"),
        (
            [paired_frames()[0], paired_frames()[0].iloc[:, ::-1]],
            ValueError,
            "Chunk 1 of X has other columns than the first: .'muon_eta', 'muon_pt'. where",
        ),
        ([paired_events()[0], np.ones((3, 3))], ValueError, r"Chunk 1 .* \(3,\) where .* \(2,\)"),
    ],
)
def test_tables_of_another_kind(tables, error, message):
    with pytest.raises(error, match=message):
        list(sample_chunks(Echo(), iter(tables)))

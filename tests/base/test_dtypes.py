"""Drawn events have the types of the events of the fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from skjetsim.base import BaseSimulator, check_pairs
from skjetsim.compose import TransformedSimulator
from skjetsim.flows import FlowGenerator
from skjetsim.utils._dtypes import column_dtypes, frame_with_dtypes, with_dtypes

N = 300


class Again(BaseSimulator):
    """Draw the events of the fit, in their order, plus a shift."""

    def __init__(self, shift=0.0, random_state=None):
        self.shift, self.random_state = shift, random_state

    def fit(self, X, y, sample_weight=None):
        _, self.y_, _ = check_pairs(self, X, y, sample_weight, reset=True)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        return np.repeat(self.y_[: len(rows)], n_samples or 1, axis=0) + self.shift


def tables():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"pt": rng.normal(size=N)})
    y = pd.DataFrame(
        {
            "pt": rng.exponential(30, N).astype(np.float32),
            "eta": rng.normal(size=N),
            "n_tracks": rng.poisson(8, N),
            "charge": rng.choice([-1, 1], N).astype(np.int8),
            "tag": rng.random(N) < 0.3,
        }
    )
    return X, y


def test_tables_have_the_types_of_the_fit():
    X, y = tables()
    model = Again().set_output(transform="pandas").fit(X, y)
    for drawn in (model.sample(X), model.transform(X), model.predict(X), model.sample(X[:0])):
        assert (drawn.dtypes == y.dtypes).all()
    pd.testing.assert_frame_equal(model.sample(X), y)


def test_real_numbers_do_not_become_integers():
    X, y = tables()
    model = Again(shift=0.25).set_output(transform="pandas").fit(X, y)
    drawn = model.sample(X)
    assert drawn["pt"].dtype == np.float32
    assert (drawn[["eta", "n_tracks", "charge", "tag"]].dtypes == "float64").all()
    model = Again(shift=200.0).set_output(transform="pandas").fit(X, y)
    assert (model.sample(X)[["charge", "tag"]].dtypes == "float64").all()


@pytest.mark.parametrize(
    ("columns", "dtype"),
    [
        (["pt"], np.float32),
        (["pt", "tag"], np.float32),
        (["pt", "eta"], np.float64),
        (["pt", "n_tracks"], np.float64),
        (["tag"], np.float64),
        (["eta"], np.float64),
    ],
)
def test_arrays_are_floats(columns, dtype):
    X, y = tables()
    model = Again().fit(X, y[columns])
    assert model.sample(X).dtype == dtype
    assert model.sample(X, n_samples=2).dtype == dtype


def test_arrays_clouds_and_columns_in_single_precision():
    rng = np.random.default_rng(0)
    for shape in ((N,), (N, 3), (N, 4, 3)):
        X, y = rng.normal(size=(N, 2)), rng.normal(size=shape).astype(np.float32)
        drawn = Again().fit(X, y).sample(X)
        assert drawn.dtype == np.float32
        assert (drawn == y).all()


def test_a_new_fit_forgets_types():
    X, y = tables()
    model = Again().fit(X, y)
    assert model.target_dtypes_ == ("float32", "float64", "int64", "int8", "bool")
    model.fit(X, y.astype(float))
    assert not hasattr(model, "target_dtypes_")


def test_a_flow_draws_integers_and_booleans():
    _, y = tables()
    y = pd.concat([y] * 4, ignore_index=True)[["n_tracks", "charge", "tag"]]
    flow = FlowGenerator(max_epochs=1, hidden_features=(8,), random_state=0).fit(y)
    drawn = flow.set_output(transform="pandas").sample(50, random_state=0)
    assert (drawn.dtypes == y.dtypes).all()
    assert set(drawn["charge"]) == {-1, 1}


def test_types_come_back_through_transformers_of_y():
    X, y = tables()
    model = TransformedSimulator(Again(), [StandardScaler()]).fit(X, y[["pt"]])
    assert model.sample(X).dtype == np.float32
    assert model.set_output(transform="pandas").sample(X)["pt"].dtype == np.float32


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("Int16", "int16"),
        ("boolean", "bool"),
        ("Float32", "float32"),
        (np.float16, "float32"),
        (np.uint8, "uint8"),
        (np.float64, None),
        (object, None),
    ],
)
def test_names_of_types(dtype, name):
    found = column_dtypes(pd.DataFrame({"a": pd.Series([1, 0, 1], dtype=dtype)}))
    assert found == (None if name is None else (name,))


def test_values_beyond_a_type_stay_floats():
    rows = np.array([[300.0, -1.0], [2.0, 0.0]])
    frame = frame_with_dtypes(pd.DataFrame(rows, columns=["a", "b"]), rows, ("uint8", "uint8"))
    assert (frame.dtypes == "float64").all()
    assert with_dtypes(rows, None) is rows


def test_polars():
    polars = pytest.importorskip("polars")
    X, y = tables()
    model = Again().set_output(transform="polars").fit(X, y)
    assert model.sample(X).schema == polars.from_pandas(y).schema

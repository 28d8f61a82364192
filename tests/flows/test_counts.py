"""Counts: shares of draws equal probabilities, also at the lower edge of the spectrum."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.flows import FlowGenerator, FlowMatchingGenerator, FlowSimulator

QUICK = {
    "n_transforms": 3,
    "hidden_features": (16, 16),
    "n_bins": 6,
    "max_epochs": 4,
    "batch_size": 128,
    "device": "cpu",
    "random_state": 0,
}
TINY = QUICK | {"n_transforms": 2, "hidden_features": (8,), "max_epochs": 1}


def tracks(n_events=1500, least=9, seed=0):
    """Numbers of tracks and vertices, with a lower edge where most events are."""
    rng = np.random.default_rng(seed)
    n_vertices = rng.geometric(0.4, n_events)
    n_tracks = least + rng.geometric(0.25, n_events) - 1 + n_vertices // 2
    return pd.DataFrame({"n_tracks": n_tracks, "n_vertices": n_vertices}, dtype=float)


@pytest.fixture(scope="module")
def learnt():
    return FlowGenerator(integer_columns=("n_tracks", "n_vertices"), **QUICK).fit(tracks())


def test_probability_is_the_share_of_draws(learnt):
    drawn = pd.DataFrame(learnt.sample(60_000, random_state=0), columns=learnt.feature_names_in_)
    grid = np.stack(np.meshgrid(np.arange(60.0), np.arange(40.0)), axis=-1).reshape(-1, 2)
    table = pd.DataFrame(grid, columns=drawn.columns)
    table["probability"] = np.exp(learnt.score_samples(table))
    assert table["probability"].sum() == pytest.approx(1, abs=0.01)
    below = (table["n_tracks"] < 9) | (table["n_vertices"] < 1)
    assert (table.loc[below, "probability"] == 0).all()
    for column, least in (("n_tracks", 9), ("n_vertices", 1)):
        assert drawn[column].min() == least
        probability = table.groupby(column)["probability"].sum()
        for count in (least, least + 1, least + 2):
            share = np.mean(drawn[column] == count)
            assert share == pytest.approx(probability[count], abs=0.008), (column, count)


def test_the_lowest_cell_has_the_probability_below_it():
    """An untrained flow does not know the edge, and has a tenth of its events below it."""
    settings = TINY | {"learning_rate": 1e-9}
    X = tracks()[["n_tracks"]]
    models = [
        FlowGenerator(integer_columns=("n_tracks",), **settings).fit(X),
        FlowMatchingGenerator(
            integer_columns=("n_tracks",), hidden_features=(8,), max_epochs=1, random_state=0
        ).fit(X),
    ]
    counts = pd.DataFrame({"n_tracks": np.arange(9.0, 200.0)})
    for model in models:
        probability = np.exp(model.score_samples(counts))
        assert probability.sum() == pytest.approx(1, abs=5e-3)
        share = np.mean(model.sample(40_000, random_state=0) == 9)
        assert share == pytest.approx(probability[0], abs=0.01)


def test_probability_given_the_event():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 3, size=(2000, 1))
    y = pd.DataFrame({"n_tracks": 2 + rng.poisson(X[:, 0])}, dtype=float)
    model = FlowSimulator(integer_columns=("n_tracks",), **QUICK).fit(X, y)
    counts = pd.DataFrame({"n_tracks": np.arange(0.0, 40.0)})
    for energy in (0.3, 2.5):
        probability = np.exp(model.score_samples(np.full((40, 1), energy), counts))
        drawn = model.sample([[energy]], n_samples=20_000, random_state=0)
        assert probability.sum() == pytest.approx(1, abs=0.01)
        assert_array_equal(probability[:2], 0)
        assert probability[2] == pytest.approx(np.mean(drawn == 2), abs=0.012)


def test_partial_fit_lowers_the_least_count():
    X = tracks(least=9)
    model = FlowGenerator(integer_columns=("n_tracks", "n_vertices"), **QUICK)
    model.partial_fit(X)
    assert model.sample(5000, random_state=0)[:, 0].min() == 9
    lower = tracks(least=4, seed=1)
    assert np.isneginf(model.score_samples(lower)).any()
    for _ in range(8):
        model.partial_fit(lower)
    assert np.isfinite(model.score_samples(lower)).all()
    assert model.sample(5000, random_state=0)[:, 0].min() == 4
    model.partial_fit(X)
    assert_array_equal(model.encoder_.least_, [4, 1])


def test_partial_fit_refuses_fractions():
    X = tracks(200)
    model = FlowGenerator(integer_columns=("n_tracks",), **TINY).partial_fit(X)
    X.loc[3, "n_tracks"] = 9.5
    with pytest.raises(ValueError, match=r"'n_tracks' is 9\.5 in row 3, not an integer"):
        model.partial_fit(X)
    assert len(model.history_) == 1


@pytest.mark.parametrize("columns", ["n_tracks", 0, None])
def test_integer_columns_are_a_sequence(columns):
    with pytest.raises(TypeError, match=r"must be a sequence .* \(\"n_jets\",\), got"):
        FlowGenerator(integer_columns=columns, **TINY).fit(tracks(100))


def test_an_angle_is_not_a_count():
    X = tracks(100).rename(columns={"n_vertices": "phi"})
    X["phi"] %= 5
    with pytest.raises(ValueError, match="'phi' is an angle, not an integer"):
        FlowGenerator(integer_columns=("phi",), **TINY).fit(X)


def test_least_counts_are_saved(learnt, tmp_path):
    from skjetsim import load, save

    save(learnt, tmp_path / "model")
    X = tracks(200, seed=3)
    again = load(tmp_path / "model")
    assert_allclose(again.score_samples(X), learnt.score_samples(X))

import pickle

import numpy as np
import pandas as pd
import pytest
from metrics_toys import smear
from numpy.testing import assert_array_equal

from skjetsim.metrics import (
    classifier_two_sample_auc,
    metric_floor,
    nearest_neighbour_ratio,
    residual_wasserstein,
    sliced_wasserstein_distance,
    wasserstein_distance,
)


@pytest.fixture
def truth():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 4)), columns=list("abcd"))


def test_floor_of_a_distance(truth):
    floor = metric_floor(wasserstein_distance, truth, n_samples=500, n_repeats=200, random_state=0)
    assert floor.samples.shape == (200, 4)
    assert floor.quantiles.shape == (3, 4)
    assert_array_equal(floor.maximum, floor.samples.max(axis=1))
    assert floor.limit == floor.maximum_quantiles[-1]
    assert floor.n_samples == 500
    # A perfect model is at the floor nearly always, though hardly ever below the mean floor.
    rng = np.random.default_rng(1)
    perfect = [
        wasserstein_distance(truth.sample(500, random_state=i), rng.normal(size=(500, 4)))
        for i in range(60)
    ]
    assert np.mean([floor.at_floor(value) for value in perfect]) > 0.8
    assert np.mean([(value <= floor.mean).all() for value in perfect]) < 0.5
    assert not floor.at_floor(perfect[0] + [0.2, 0, 0, 0])


def test_floor_of_one_number_and_pickle(truth):
    floor = metric_floor(
        sliced_wasserstein_distance,
        truth,
        n_repeats=10,
        random_state=0,
        metric_params={"n_slices": 4, "random_state": 0},
    )
    assert isinstance(floor.mean, float)
    assert floor.n_samples == 1000
    assert pickle.loads(pickle.dumps(floor)).at_floor(floor.mean)
    with pytest.raises(ValueError, match="value has shape"):
        floor.at_floor([0.1, 0.2])


def test_no_worker_is_an_error(truth):
    with pytest.raises(ValueError, match="n_jobs must not be 0"):
        metric_floor(wasserstein_distance, truth, n_repeats=2, n_jobs=0)
    with pytest.raises(ValueError, match="n_jobs must not be 0"):
        nearest_neighbour_ratio(truth, truth, held_out=truth, n_jobs=0)


def test_same_seed_same_floor_for_any_n_jobs(truth):
    one, two = (
        metric_floor(wasserstein_distance, truth, n_repeats=8, random_state=3, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert_array_equal(one.samples, two.samples)


def test_floor_of_a_simulator_takes_a_replica(smeared):
    X, y = smeared
    again = smear(X, 3)
    params = {"by": "jet_pt", "bins": 2}
    floor = metric_floor(
        residual_wasserstein,
        y,
        replica=again,
        X=X,
        n_repeats=30,
        random_state=0,
        metric_params=params,
    )
    assert floor.samples.shape == (30, 2, 2)
    assert floor.n_samples == len(y)
    assert floor.at_floor(residual_wasserstein(y, smear(X, 5), X=X, **params) * 0.8)
    assert not floor.at_floor(residual_wasserstein(y, X, X=X, **params))
    arrays = metric_floor(
        residual_wasserstein,
        y.to_numpy(),
        replica=again.to_numpy(),
        X=X.to_numpy(),
        n_repeats=30,
        random_state=0,
        metric_params=params | {"by": 0},
    )
    assert_array_equal(arrays.samples, floor.samples)


def test_events_that_the_second_pass_rejects(smeared):
    X, y = smeared
    again = smear(X, 3)
    accepted = np.ones(len(y), dtype=bool)
    accepted[[7, 9, 11]] = False
    again[~accepted] = 0.0
    truth = y.copy()
    truth.iloc[11] = 0.0  # rejected by both: their business
    options = {"n_repeats": 2, "metric_params": {"by": "jet_pt"}}
    with pytest.raises(ValueError, match=r"of row 7 \(2 such rows in all\).*truth\[both\]"):
        metric_floor(residual_wasserstein, truth, replica=again, X=X, **options)
    kept = [table[accepted] for table in (truth, again, X)]
    metric_floor(residual_wasserstein, kept[0], replica=kept[1], X=kept[2], **options)
    metric_floor(wasserstein_distance, y[["jet_pt"]], n_repeats=2, replica=again[["jet_pt"]])


def test_floor_with_weights(truth):
    seen = []

    def metric(one, two, *, sample_weight, generated_weight):
        seen.append((len(one), len(sample_weight), len(generated_weight)))
        return 0.0

    metric_floor(metric, truth, 100, 2, 0, sample_weight=np.ones(2000))
    assert seen == [(100, 100, 100)] * 2


def test_bad_input(truth):
    with pytest.raises(ValueError, match="two disjoint subsets of 2000 events: at most 1000"):
        metric_floor(wasserstein_distance, truth, n_samples=1001)
    with pytest.raises(ValueError, match="pass replica"):
        metric_floor(residual_wasserstein, truth, X=truth)
    with pytest.raises(ValueError, match="replica has 2 columns"):
        metric_floor(wasserstein_distance, truth, replica=truth[["a", "b"]])
    with pytest.raises(ValueError, match="X has 5 events"):
        metric_floor(wasserstein_distance, truth, replica=truth, X=truth.iloc[:5])
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        metric_floor(wasserstein_distance, truth.iloc[:1])


def test_classifier_floor_runs():
    from sklearn.linear_model import LogisticRegression

    truth = np.random.default_rng(0).normal(size=(600, 2))
    params = {"classifier": LogisticRegression()}
    floor = metric_floor(
        classifier_two_sample_auc, truth, n_repeats=10, random_state=0, metric_params=params
    )
    assert floor.mean == pytest.approx(0.5, abs=0.06)

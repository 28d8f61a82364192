import pickle

import numpy as np
import pandas as pd
import pytest
from metrics_toys import smear
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.metrics import (
    classifier_two_sample_auc,
    correlation_difference,
    ks_distance,
    metric_floor,
    nearest_neighbour_ratio,
    residual_wasserstein,
    response_difference,
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
    assert_array_equal(floor.maximum, (floor.samples / floor.mean).max(axis=1))
    assert floor.limit == floor.maximum_quantiles[-1]
    assert np.mean(floor.maximum <= floor.limit) == pytest.approx(0.95, abs=0.006)
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


@pytest.fixture
def jets():
    rng = np.random.default_rng(4)
    pt = 30 + 50 * rng.exponential(size=4000)
    eta, phi = rng.normal(size=4000), rng.uniform(-np.pi, np.pi, size=4000)
    return pd.DataFrame({"jet_pt": pt, "jet_eta": eta, "jet_phi": phi})


def test_no_unit_hides_a_column(jets):
    floor = metric_floor(wasserstein_distance, jets, n_repeats=40, random_state=0)
    value = wasserstein_distance(jets, jets.assign(jet_phi=0.7 * jets["jet_phi"]))
    assert value.max() < floor.samples[:, 0].max()  # less than one of GeV
    assert not floor.at_floor(value)
    ratio = floor.ratio(pd.Series(value, jets.columns))
    assert list(ratio[ratio > floor.limit].index) == ["jet_phi"]
    # The unit of a column changes nothing.
    mev = jets.assign(jet_pt=1000 * jets["jet_pt"])
    other = metric_floor(wasserstein_distance, mev, n_repeats=40, random_state=0)
    assert other.limit == pytest.approx(floor.limit, rel=1e-9)


def test_ratio_of_constants_and_of_differences(jets):
    constant = jets.assign(charge=1.0)
    floor = metric_floor(wasserstein_distance, constant, n_repeats=5, random_state=0)
    assert_array_equal(floor.ratio(np.r_[floor.mean[:3], 0.0]), np.ones(4))
    assert floor.at_floor(np.r_[floor.mean[:3], 0.0])
    assert floor.ratio(np.r_[floor.mean[:3], 1e-9])[3] == np.inf
    assert not floor.at_floor(np.r_[floor.mean[:3], 1e-9])
    params = {"multioutput": "raw_values"}
    floor = metric_floor(
        correlation_difference, jets, n_repeats=40, random_state=0, metric_params=params
    )
    wrong = jets.assign(jet_eta=-jets["jet_pt"])  # anticorrelated
    assert not floor.at_floor(correlation_difference(jets, wrong, multioutput="raw_values"))

    def negative(one, two):
        return ks_distance(one, two).max() - 3.0

    floor = metric_floor(negative, jets, 500, 20, 0)
    assert floor.at_floor(floor.mean)
    assert not floor.at_floor(-2.0)


def test_floor_is_shown_in_five_lines(jets, smeared):
    floor = metric_floor(wasserstein_distance, jets, n_repeats=5, random_state=0)
    lines = repr(floor).splitlines()
    assert len(lines) == 5
    assert lines[0] == "MetricFloor(n_samples=2000, n_repeats=5)"
    assert lines[1].split() == ["jet_pt", "jet_eta", "jet_phi"]
    assert lines[2].split() == ["mean", *(f"{mean:.4g}" for mean in floor.mean)]
    assert str(floor) == repr(floor)
    X, y = smeared
    binned = metric_floor(
        residual_wasserstein, y, X=X, by="jet_pt", n_repeats=5, metric_params={"by": "jet_pt"}
    )
    assert "jet_pt  jet_eta  (averages over 4 bins)" in repr(binned)
    assert len(repr(binned).splitlines()) == 5
    one = metric_floor(sliced_wasserstein_distance, jets, n_repeats=3)
    assert len(repr(one).splitlines()) == 4
    wide = metric_floor(
        wasserstein_distance, np.random.default_rng(0).normal(size=(50, 12)), n_repeats=3
    )
    assert repr(wide).splitlines()[1].endswith("and 4 more")


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
    with pytest.raises(ValueError, match="pass X and no replica"):
        metric_floor(wasserstein_distance, truth, by="a")
    with pytest.raises(ValueError, match="not zero between equal samples"):
        metric_floor(classifier_two_sample_auc, truth, X=truth, by="a")
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


@pytest.mark.parametrize("metric", [residual_wasserstein, response_difference])
@pytest.mark.parametrize("n_samples", [None, 1501])
def test_floor_of_the_response_without_a_second_pass(smeared, metric, n_samples):
    X, y = smeared
    params = {"by": "jet_pt", "bins": 2}
    options = {"n_samples": n_samples, "n_repeats": 100, "random_state": 0, "metric_params": params}
    second_pass = metric_floor(metric, y, replica=smear(X, 3), X=X, **options)
    own = metric_floor(metric, y, X=X, **options)
    assert own.n_samples == second_pass.n_samples
    # The error of one floor's mean is 4%; that of its events, in each bin, is as large.
    assert np.mean(own.mean / second_pass.mean) == pytest.approx(1.0, abs=0.12)
    assert own.limit == pytest.approx(second_pass.limit, rel=0.2)
    assert own.at_floor(metric(y, smear(X, 5), X=X, **params))
    assert not own.at_floor(metric(y, X, X=X, **params))


def test_own_floor_takes_arrays_weights_and_values(smeared):
    X, y = smeared
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=len(X))
    options = {"n_repeats": 4, "random_state": 0, "sample_weight": weight}
    named = metric_floor(residual_wasserstein, y, X=X, metric_params={"by": "jet_pt"}, **options)
    values = metric_floor(
        residual_wasserstein, y, X=X, metric_params={"by": X["jet_pt"].to_numpy()}, **options
    )
    arrays = metric_floor(
        residual_wasserstein, y.to_numpy(), X=X.to_numpy(), metric_params={"by": 0}, **options
    )
    assert_array_equal(named.samples, values.samples)
    assert_array_equal(named.samples, arrays.samples)

    def largest(truth, generated, X):
        return residual_wasserstein(truth, generated, X=X, by="jet_eta", scale=None).max()

    assert metric_floor(largest, y, X=X, by="jet_eta", n_repeats=3).samples.shape == (3, 2)


def test_values_by_event_are_cut_with_a_replica(smeared):
    X, y = smeared
    options = {"replica": smear(X, 3), "X": X, "n_samples": 500, "n_repeats": 3, "random_state": 0}
    named = metric_floor(residual_wasserstein, y, metric_params={"by": "jet_pt"}, **options)
    values = metric_floor(residual_wasserstein, y, metric_params={"by": X["jet_pt"]}, **options)
    assert_array_equal(named.samples, values.samples)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("second_pass", [False, True])
@pytest.mark.parametrize("params", [{}, {"scale": "std"}, {"multioutput": "max", "scale": "std"}])
@pytest.mark.parametrize("n_samples", [None, 301])
def test_one_sort_gives_the_same_floor(weighted, second_pass, params, n_samples):
    rng = np.random.default_rng(0)

    def table():
        return pd.DataFrame(
            {
                "jet_pt": rng.exponential(size=901),
                "n_jets": rng.poisson(2, size=901),
                "jet_phi": rng.uniform(-np.pi, np.pi, size=901),
                "muon_phi": 0.3 * rng.normal(size=901),
                "delta_phi": np.pi + 0.3 * rng.normal(size=901),
                "charge": np.ones(901),
            }
        )

    truth = table()
    options = {
        "n_samples": n_samples,
        "n_repeats": 4,
        "random_state": 0,
        "replica": table() if second_pass else None,
        "sample_weight": rng.uniform(0.2, 2.0, size=901) if weighted else None,
        "metric_params": params,
    }

    def one_by_one(*tables, **arguments):  # another function, so that each repeat sorts
        return wasserstein_distance(*tables, **arguments)

    fast = metric_floor(wasserstein_distance, truth, **options)
    slow = metric_floor(one_by_one, truth, **options)
    assert_allclose(fast.samples, slow.samples, rtol=1e-10, atol=1e-13)
    with pytest.raises(ValueError, match="scale must be one of"):
        metric_floor(wasserstein_distance, truth, metric_params={"scale": "mean"})

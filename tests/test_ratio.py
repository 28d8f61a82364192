"""The ratio of two densities, learnt by classifiers in folds and calibrated."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from skjetsim._classifiers._ratio import _folds, equal_weights, log_ratio
from skjetsim._classifiers._training import boosted_trees, log_odds, ones_per_class


def normals(n_events=4000):
    """Two normal distributions, one unit apart: the log of their ratio is x - 1/2."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 1, (n_events, 1)), rng.normal(1, 1, (n_events // 2, 1))


@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), GaussianNB(), boosted_trees("ratio", 0)]
)
def test_ratio_of_two_normal_distributions(classifier):
    below, above = normals()
    learnt, auc = log_ratio(classifier, below, above, (None, None), n_folds=3, seed=0)
    middle = np.abs(below[:, 0] - 0.5) < 1
    assert_allclose(learnt[middle], below[middle, 0] - 0.5, atol=0.6)
    assert np.average(np.exp(learnt)) == pytest.approx(1, abs=0.1)
    assert auc == pytest.approx(0.76, abs=0.02)


def test_weights_count():
    """If weights make the first sample like the second, the ratio is one."""
    below, above = normals()
    weights = np.exp(below[:, 0] - 0.5), None
    learnt, auc = log_ratio(LogisticRegression(), below, above, weights, n_folds=3, seed=0)
    assert_allclose(learnt, 0, atol=0.3)
    assert auc == pytest.approx(0.5, abs=0.02)
    with pytest.raises(ValueError, match="LinearDiscriminantAnalysis does not take sample_weight"):
        log_ratio(LinearDiscriminantAnalysis(), below, above, weights, n_folds=3, seed=0)


def test_the_ratio_may_be_asked_for_elsewhere():
    below, above = normals()
    settings = {"n_folds": 3, "seed": 0}
    here, _ = log_ratio(LogisticRegression(), below, above, (None, None), **settings)
    there, _ = log_ratio(LogisticRegression(), below, above, (None, None), at=below + 1, **settings)
    assert_allclose(there - here, 1, atol=0.1)


def test_a_classifier_that_learnt_nothing():
    rng = np.random.default_rng(0)
    below, above = rng.normal(size=(2, 300, 1))
    classifier = KNeighborsClassifier(50)  # all events are alike
    learnt, auc = log_ratio(classifier, 0 * below, 0 * above, (None, None), n_folds=2, seed=0)
    assert_allclose(learnt, 0, atol=0.2)
    assert auc == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("side", ["below", "above", "both"])
@pytest.mark.parametrize("n_folds", [5, 50])
def test_copies_of_an_event_are_in_one_fold(side, n_folds):
    """Samples of one distribution are told apart by their copies alone."""
    rng = np.random.default_rng(0)
    below, above = rng.normal(size=(2, 400, 2))
    if side != "above":
        below = np.repeat(below[:40], 10, axis=0)
    if side != "below":
        above = np.tile(above[:40], (10, 1))
    neighbours = KNeighborsClassifier(3)
    _, auc = log_ratio(neighbours, below, above, (None, None), n_folds=n_folds, seed=0)
    assert auc == pytest.approx(0.5, abs=0.2)


def test_folds_of_events_without_copies_are_those_of_scikit_learn():
    below, above = normals(300)
    label = np.repeat([0, 1], [len(below), len(above)])
    expected = StratifiedKFold(3, shuffle=True, random_state=1).split(label, label)
    for ours, theirs in zip(_folds(below, above, label, 3, 1), expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert_array_equal(one, other)


def test_equal_weights():
    weight = equal_weights([np.array([1.0, 3.0]), None], [2, 4])
    assert weight.mean() == pytest.approx(1)
    assert weight[:2].sum() == pytest.approx(weight[2:].sum())
    assert weight[1] == 3 * weight[0]


def test_odds_of_votes_that_agree_are_finite():
    X = np.array([[0.0], [0.1], [5.0], [5.1]])
    votes = KNeighborsClassifier(1).fit(X, [0, 0, 1, 1])
    assert_allclose(log_odds(votes, X), np.log(np.finfo(np.float32).eps) * np.array([1, 1, -1, -1]))


def test_an_event_alone_in_its_class_is_two_halves():
    rows, weight = ones_per_class(np.array([0, 1, 0]), None)
    assert_array_equal(rows, [0, 1, 2, 1])
    assert_array_equal(weight, [1, 0.5, 1, 0.5])
    assert ones_per_class(np.array([0, 0]), None)[1] is None

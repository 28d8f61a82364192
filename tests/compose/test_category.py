"""CategorySimulator: draws, probabilities and densities of toys with a known truth."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from category_toys import EDGES, SHIFT, TAG, WIDTH, jets, log_density, tag_efficiency, two_jets
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import trapezoid
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from unfolding_toys import GaussianRegression, NoDensity

from skjetsim._classifiers._training import boosted_trees
from skjetsim.compose import CategorySimulator
from skjetsim.flows import FlowSimulator

LOGISTIC = LogisticRegression(C=1e4)


@pytest.fixture(scope="module")
def model():
    return CategorySimulator(GaussianRegression(), [TAG], classifier=LOGISTIC).fit(*jets())


def test_a_b_tag_and_the_momentum_given_it():
    """Efficiency of the tag in bins of pT, and response of tagged and untagged jets."""
    model = CategorySimulator(GaussianRegression(), [TAG], random_state=0).fit(*jets(20_000))
    X, y = jets(20_000, seed=1)
    drawn = model.set_output(transform="pandas").sample(X, random_state=0)
    for low, high in pairwise(EDGES):
        rows = X["jet_log_pt"].between(np.log(low), np.log(high))
        efficiency = tag_efficiency(X["jet_log_pt"][rows])
        error = np.sqrt(efficiency.mean() * (1 - efficiency.mean()) / rows.sum())
        assert abs(drawn.loc[rows, TAG].mean() - efficiency.mean()) < 0.01 + 4 * error
        for tagged in (0, 1):
            mine, true = (
                (table["jet_log_pt"] - X["jet_log_pt"])[rows & (table[TAG] == tagged)]
                for table in (drawn, y)
            )
            assert abs(mine.mean() - SHIFT[tagged]) < 0.005 + 4 * WIDTH / np.sqrt(len(mine))
            assert mine.std() == pytest.approx(true.std(), rel=0.1)


def test_density_of_a_case_in_closed_form():
    model = CategorySimulator(GaussianRegression(), [TAG], classifier=LOGISTIC).fit(*jets(50_000))
    X, y = jets(1000, seed=1)
    assert_allclose(model.score_samples(X, y), log_density(X, y), atol=0.15)
    assert model.score(X, y) == pytest.approx(log_density(X, y).mean(), abs=0.005)


def test_density_is_that_of_both_parts(model):
    X, y = jets(100, seed=1)
    tagged = y[TAG].to_numpy()
    classifier = clone(LOGISTIC).fit(jets()[0], jets()[1][TAG])
    by_hand = classifier.predict_log_proba(X)[np.arange(100), tagged.astype(int)]
    part = GaussianRegression().fit(
        jets()[0].assign(tag=jets()[1][TAG]), jets()[1].drop(columns=TAG)
    )
    mean = part.line_.predict(X.assign(tag=tagged).to_numpy())
    residual = y.drop(columns=TAG).to_numpy() - mean
    by_hand += multivariate_normal(cov=part.covariance_).logpdf(residual)
    assert_allclose(model.score_samples(X, y), by_hand, rtol=1e-9)


def test_probabilities_and_densities_sum_to_one(model):
    X, _ = jets(3)
    assert_allclose(model.category_proba(X).sum(axis=1), 1.0)
    grid = pd.DataFrame({"jet_log_pt": np.linspace(2, 7, 2001), TAG: 0.0})
    one = pd.concat([X.iloc[:1]] * 2001, ignore_index=True)
    alone = CategorySimulator(GaussianRegression(), [TAG], classifier=LOGISTIC)
    X, y = jets()
    alone.fit(X, y[["jet_log_pt", TAG]])
    total = sum(
        trapezoid(np.exp(alone.score_samples(one, grid.assign(**{TAG: tag}))), dx=5 / 2000)
        for tag in (0.0, 1.0)
    )
    assert total == pytest.approx(1.0, abs=1e-6)


def test_combinations_are_drawn_as_often_as_they_occur():
    X, y = two_jets(4000)
    model = CategorySimulator(Smear(), ["jet1_flavour", "jet2_charge"], random_state=0).fit(X, y)
    expected = [[0, -1], [0, 1], [4, -1], [5, 1]]  # four of six possible combinations occur
    assert_array_equal(model.categories_, expected)
    drawn = pd.DataFrame(model.sample(X, random_state=0), columns=list(y))
    counts = drawn.groupby(list(model.columns)).size()
    assert [list(pair) for pair in counts.index] == expected
    true = y.groupby(list(model.columns)).size()
    assert_allclose(counts / 4000, true / 4000, atol=0.03)
    # Drawn combinations depend on X as the true ones do.
    hard = X["jet1_pt"] > 60
    assert (drawn.loc[~hard, "jet1_flavour"] != 5).mean() > 0.98
    assert set(drawn["jet1_flavour"]) == {0, 4, 5}
    assert (model.category_proba(X)[~hard, 3] < 0.05).mean() > 0.98


def test_columns_are_in_their_places():
    X, y = two_jets()
    names = ["jet2_charge", "jet1_flavour"]  # not in the order of y
    model = CategorySimulator(Smear(), names, classifier=DummyClassifier()).fit(X, y)
    seen_X, seen_y, _ = model.simulator_.seen_
    assert list(seen_X) == [*X, *names]
    assert_array_equal(seen_X[names], y[names])
    assert_array_equal(seen_X[list(X)], X)
    assert list(seen_y) == ["jet1_pt", "jet2_pt"]
    drawn = pd.DataFrame(model.sample(X, random_state=0), columns=model.get_feature_names_out())
    assert list(drawn) == list(y)
    assert set(drawn["jet2_charge"]) == {-1, 1}
    assert set(drawn["jet1_flavour"]) == {0, 4, 5}
    assert drawn["jet1_pt"].mean() == pytest.approx(y["jet1_pt"].mean(), rel=0.05)


def test_a_combination_that_the_fit_has_not_seen():
    X, y = two_jets()
    model = CategorySimulator(
        Smear(), ["jet1_flavour", "jet2_charge"], classifier=DummyClassifier()
    ).fit(X, y)
    other = y.astype(float)
    other.loc[3, ["jet1_flavour", "jet2_charge"]] = [4, 1]  # occur, but not together
    other.loc[7, "jet1_flavour"] = 0.5
    density = model.score_samples(X, other)
    assert_array_equal(np.flatnonzero(np.isneginf(density)), [3, 7])
    rest = np.isfinite(density)
    assert_array_equal(density[rest], model.score_samples(X, y)[rest])
    none = model.score_samples(X, y.assign(jet1_flavour=3))
    assert np.isneginf(none).all()
    zero = model.score_samples(X, y.assign(jet1_flavour=y["jet1_flavour"].replace(0, -0.0)))
    assert_array_equal(zero, model.score_samples(X, y))


def test_one_combination_needs_no_classifier():
    X, y = jets(200)
    model = CategorySimulator(Smear(), [TAG]).fit(X, y.assign(**{TAG: 1.0}))
    assert model.classifier_ is None
    assert_array_equal(model.category_proba(X), np.ones((200, 1)))
    assert (model.sample(X)[:, 1] == 1).all()
    expected = model.simulator_.score_samples(None, y.drop(columns=TAG))
    assert_allclose(model.score_samples(X, y.assign(**{TAG: 1.0})), expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_category_of_one_event(weighted):
    """Early stopping needs two events of each category, and this category has one."""
    X, y = jets(1200)
    y.loc[5, TAG] = 2.0
    weight = np.full(1200, 0.5) if weighted else None
    model = CategorySimulator(Smear(), [TAG], random_state=0).fit(X, y, sample_weight=weight)
    assert model.classifier_.early_stopping
    assert model.category_proba(X)[:, 2].sum() == pytest.approx(1, abs=1)
    assert model.category_proba(X)[:, 2].sum() > 0
    if weighted:
        assert_array_equal(model.simulator_.seen_[2], weight)


def test_the_largest_number_of_categories():
    X, y = jets(1100)
    y[TAG] = np.arange(1100) % 256
    model = CategorySimulator(Smear(), [TAG], classifier=DummyClassifier()).fit(X, y)
    assert len(model.categories_) == 256
    assert len(set(model.sample(X, random_state=0)[:, 1])) > 200
    # Early stopping sets a tenth of the events aside, which must have all categories.
    for n_categories, early in ((100, True), (101, False)):
        trees = boosted_trees("probabilities", 0, n_rows=1000, n_classes=n_categories)
        assert trees.early_stopping == early


def test_density_is_absent_if_the_simulator_has_none():
    X, y = jets(300)
    model = CategorySimulator(NoDensity(), [TAG], classifier=LOGISTIC, random_state=0)
    for estimator in (model, model.fit(X, y)):
        assert not hasattr(estimator, "score_samples")
    assert model.score(X, y) == model.score(X, y) < 0  # minus the energy score


# Draws and seeds.


def test_draws_of_one_event_have_categories_of_their_own(model):
    X, _ = jets(500)
    drawn = model.sample(X, n_samples=200, random_state=0)
    assert drawn.shape == (500, 200, 3)
    efficiency = model.category_proba(X)[:, 1]
    assert_allclose(drawn[..., 1].mean(axis=1), efficiency, atol=5 * np.sqrt(0.25 / 200))
    # The other columns depend on the drawn categories.
    residual = drawn[..., 0] - X["jet_log_pt"].to_numpy()[:, None]
    for tagged in (0, 1):
        assert residual[drawn[..., 1] == tagged].mean() == pytest.approx(SHIFT[tagged], abs=0.01)


def test_no_events_give_an_empty_result(model):
    X, _ = jets(5)
    assert model.sample(X[:0]).shape == (0, 3)
    assert model.sample(X[:0], n_samples=4).shape == (0, 4, 3)
    with pytest.raises(ValueError, match="must not be negative"):
        model.sample(X[:0], random_state=-1)


def test_draws_do_not_depend_on_workers_or_later_rows():
    X, y = jets(600)
    network = MLPClassifier((4,), tol=0.1, random_state=0)  # its rounding depends on the rows
    many = pd.concat([X] * 7, ignore_index=True)  # two chunks of rows
    model = CategorySimulator(FlowSimulator(**SMALL), [TAG], classifier=network).fit(X, y)
    one = model.sample(many, random_state=0)
    model.simulator_.set_params(n_jobs=2)
    assert_array_equal(one, model.sample(many, random_state=0))
    for n_rows in (1, 4097):
        assert_allclose(one[:n_rows], model.sample(many[:n_rows], random_state=0), rtol=1e-5)
    other = many.copy()
    other.iloc[1:] += 0.01
    assert_array_equal(one[0], model.sample(other, random_state=0)[0])
    assert_array_equal(model.category_proba(many)[:7], model.category_proba(many[:7]))
    assert_allclose(model.score_samples(X, y)[:7], model.score_samples(X[:7], y[:7]), rtol=1e-4)


def test_seeds():
    X, y = jets(1500)
    one, two, other = (
        CategorySimulator(GaussianRegression(), [TAG], random_state=seed).fit(X, y)
        for seed in (0, 0, 1)
    )
    assert_array_equal(one.category_proba(X), two.category_proba(X))
    assert not np.array_equal(one.category_proba(X), other.category_proba(X))
    assert_array_equal(one.transform(X), one.transform(X))
    assert_array_equal(one.transform(X), two.transform(X))
    assert not np.array_equal(one.transform(X), other.transform(X))
    assert not np.array_equal(one.sample(X), one.sample(X))
    drawn = one.sample(X, random_state=np.random.default_rng(3))
    assert_array_equal(drawn, one.sample(X, random_state=np.random.default_rng(3)))

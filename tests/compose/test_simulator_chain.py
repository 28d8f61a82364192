"""SimulatorChain and ClassifierSimulator: each step is given the columns of the steps before."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL, paired_events
from category_toys import TAG, jets
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from unfolding_toys import GaussianRegression, NoDensity

import skjetsim
from skjetsim.base import is_simulator
from skjetsim.compose import CategorySimulator, ClassifierSimulator, SimulatorChain
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.response import QuantileSimulator

LOGISTIC = LogisticRegression(C=1e4)


class Copies(GaussianRegression):
    """Predicts, and draws, the sum of what it is given."""

    def sample(self, X, *, n_samples=None, random_state=None):
        return np.repeat(self.predict(X), n_samples or 1, axis=0)

    def predict(self, X):
        self.asked_ = X
        return np.asarray(X).sum(axis=1, keepdims=True)


def line(n_events=2000, seed=0):
    """X, and two columns of y: the second one depends on the first and on X."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n_events, 1)), columns=["jet_pt"])
    first = 2 * X["jet_pt"] + rng.normal(size=n_events)
    second = first - X["jet_pt"] + 0.1 * rng.normal(size=n_events)
    return X, pd.DataFrame({"second": second, "jet_pt": first})


def chain(one=None, two=None, **params):
    one, two = one or GaussianRegression(), two or GaussianRegression()
    return SimulatorChain([("one", one, ["jet_pt"]), ("two", two, None)], **params)


def test_density_is_that_of_both_columns_together():
    """Two regressions, the second one also on the column of the first, are one regression."""
    X, y = line()
    model = chain().fit(X, y)
    both = GaussianRegression().fit(X, y)
    assert_allclose(model.score_samples(X, y), both.score_samples(X, y), atol=0.02)
    assert model.score(X, y) == pytest.approx(both.score(X, y), abs=1e-3)
    by_hand = 0
    step = model.simulators_
    for part, told, target in (
        (step["one"], X, y[["jet_pt"]]),
        (step["two"], np.c_[X, y["jet_pt"]], y[["second"]]),
    ):
        residual = target.to_numpy() - part.line_.predict(np.asarray(told))
        by_hand = by_hand + multivariate_normal(cov=part.covariance_).logpdf(residual)
    assert_allclose(model.score_samples(X, y), by_hand, rtol=1e-9)


def test_draws_are_correlated_as_the_events():
    X, y = line(20_000)
    model = chain(random_state=0).set_output(transform="pandas").fit(X, y)
    drawn = model.sample(X, random_state=1)
    assert list(drawn) == list(y)
    assert_allclose(
        np.cov(drawn - y, rowvar=False), 2 * np.cov(y - np.c_[X, 2 * X], rowvar=False), atol=0.1
    )
    assert (drawn["second"] - drawn["jet_pt"] + X["jet_pt"]).std() == pytest.approx(0.1, rel=0.03)


def test_what_each_step_is_given():
    X, y = line(50)
    model = chain(Smear(), Smear()).fit(X, y)
    seen = {name: step.seen_ for name, step in model.simulators_.items()}
    assert list(seen["one"][0]) == ["jet_pt"]
    assert list(seen["two"][0]) == ["jet_pt", "measured_jet_pt"]
    assert_array_equal(seen["two"][0]["measured_jet_pt"], y["jet_pt"])
    assert [list(seen[name][1]) for name in seen] == [["jet_pt"], ["second"]]
    assert model.columns_ == {"one": [1], "two": [0]}
    numbers = SimulatorChain([("one", Smear(), [-1]), ("two", Smear(), None)])
    numbers.fit(X.to_numpy(), y.to_numpy())
    condition = numbers.simulators_["two"].seen_[0]
    assert type(condition) is np.ndarray
    assert_array_equal(condition, np.c_[X, y["jet_pt"]])
    assert list(numbers.fit(X, y.to_numpy()).simulators_["two"].seen_[0]) == ["jet_pt", "y1"]


def test_draws_are_passed_on():
    X, y = line(50)
    model = chain(two=Copies()).fit(X, y)
    drawn = model.sample(X, n_samples=3, random_state=0)
    assert drawn.shape == (50, 3, 2)
    assert_allclose(drawn[..., 0], X.to_numpy() + drawn[..., 1])
    assert len(np.unique(drawn[0, :, 1])) == 3
    assert_array_equal(drawn, model.sample(X, n_samples=3, random_state=0))
    assert model.sample(X[:0]).shape == (0, 2)


def test_three_steps():
    X, y = paired_events(100)
    y = np.c_[y, y.sum(axis=1)]
    steps = [("a", Smear(), [2]), ("b", Smear(), [0]), ("c", Smear(), None)]
    model = SimulatorChain(steps).fit(X, y)
    assert_array_equal(model.simulators_["c"].seen_[0], np.c_[X, y[:, [2, 0]]])
    assert_allclose(model.sample(X).mean(axis=0), y.mean(axis=0), rtol=0.3, atol=0.4)


def test_predictions_are_those_of_the_steps():
    X, y = line(50)
    model = chain(Copies(), Copies()).fit(X, y)
    assert_allclose(model.predict(X), np.c_[2 * X, X])
    medians = chain(random_state=0).fit(*line())
    centre = medians.sample(X, n_samples=500, random_state=0).mean(axis=1)
    assert_allclose(medians.predict(X), centre, atol=0.5)  # the simulators have no prediction
    network = {"hidden_features": (4,), "max_epochs": 1, "device": "cpu"}
    medians = chain(QuantileSimulator(**network), QuantileSimulator(**network), random_state=0)
    assert medians.fit(X, y).predict(X).shape == (50, 2)


def test_density_is_absent_if_a_step_has_none():
    assert hasattr(chain(), "score_samples")
    model = chain(NoDensity(), random_state=0)
    for estimator in (model, model.fit(*line(50))):
        assert not hasattr(estimator, "score_samples")
    assert model.score(*line(50)) < 0


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (Smear(), TypeError, "simulators must be a list such as"),
        ([], TypeError, "simulators must be a list such as"),
        ([("one", Smear())], TypeError, r"A step is \(name, simulator, columns\)"),
        ([("one", FlowGenerator(), None)], TypeError, "Step 'one' must be a simulator"),
        ([("one", Smear(), ["jet_pt"])], ValueError, r"columns \['second'\] of y are in no"),
        ([("one", Smear(), "jet_pt")], ValueError, r"columns of step 'one' .*give \['jet_pt'\]"),
        ([("one", Smear(), ["met"])], ValueError, "of step 'one': y has no column 'met'. Its"),
        ([("one", Smear(), [2])], ValueError, r"of step 'one': y has 2 column\(s\), so"),
        (
            [("a", Smear(), None), ("b", Smear(), None)],
            ValueError,
            r"\['a', 'b'\] all have the",
        ),
        ([("a", Smear(), [0, 1]), ("b", Smear(), None)], ValueError, "left for 'b'"),
        ([("a", Smear(), [0]), ("b", Smear(), ["second"])], ValueError, "in the steps 'a' and 'b'"),
        ([("a", Smear(), [0]), ("a", Smear(), None)], ValueError, "Names provided are not unique"),
        ([("simulators", Smear(), None)], ValueError, "conflict with constructor arguments"),
    ],
)
def test_bad_steps(steps, error, message):
    with pytest.raises(error, match=message):
        SimulatorChain(steps).fit(*line(20))


def test_errors_name_step_and_row():
    X, y = line(20)
    model = chain(two=GaussianRegression(fail_with=ValueError("jet_pt = 0, row 3")))
    with pytest.raises(ValueError, match=r"(?s)jet_pt = 0, row 3\nin step 'two'\n.*is row 5\.$"):
        model.fit(X, y, sample_weight=np.arange(20) > 1)


def test_weights():
    X, y = line(20)
    weight = np.arange(20.0)
    model = chain(Smear(), Smear()).fit(X, y, weight)
    for step in model.simulators_.values():
        assert_array_equal(step.seen_[2], weight[1:])
    with pytest.raises(ValueError, match="needs two events of positive weight, got n_samples = 1"):
        model.fit(X, y, np.eye(1, 20)[0])
    with pytest.raises(NotFittedError):
        model.sample(X)


def test_seeds():
    X, y = line(100)
    flows = [FlowSimulator(**SMALL | {"random_state": None}) for _ in range(2)]
    one, two, other = (chain(*flows, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    seeds = [step.random_state for step in one.simulators_.values()]
    assert len(set(seeds)) == 2
    assert_array_equal(one.transform(X), two.transform(X))
    assert not np.array_equal(one.transform(X), other.transform(X))
    kept = chain(Smear(random_state=5), Smear(), random_state=0).fit(X, y).simulators_
    assert kept["one"].random_state == 5
    assert chain(Smear(), Smear()).fit(X, y).simulators_["one"].random_state is None


def test_parameters_clones_and_checkpoints():
    model = chain(Smear(checkpoint="a.pt"), Smear(checkpoint="a.pt"))
    assert is_simulator(model)
    assert model.get_params()["one__checkpoint"] == "a.pt"
    copy = clone(model).set_params(one__interrupt="after", two=GaussianRegression())
    assert copy.simulators[0][1].interrupt == "after"
    assert copy.simulators[1][2] is None
    assert isinstance(copy.simulators[1][1], GaussianRegression)
    assert model.simulators[0][1].interrupt is None
    fitted = model.fit(*line(20)).simulators_.values()
    assert [step.checkpoint for step in fitted] == ["a.pt.0", "a.pt.1"]
    alone = chain(Smear(checkpoint="a.pt"), Smear()).fit(*line(20))
    assert alone.simulators_["one"].checkpoint == "a.pt"


@pytest.mark.parametrize(
    ("step", "when", "usable"),
    [("two", "after", True), ("two", "before", False), ("one", "after", False)],
)
def test_after_ctrl_c(step, when, usable):
    X, y = line(20)
    model = chain(Smear(), Smear()).fit(X, y).set_params(**{f"{step}__interrupt": when})
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.__sklearn_is_fitted__() == usable


def test_searches_and_model_files(tmp_path):
    X, y = line(200)
    flow = FlowSimulator(**SMALL | {"max_epochs": 1})
    grid = {"two__n_bins": [4], "one__learning_rate": [1e-6, 0.03]}
    search = GridSearchCV(chain(flow, flow), grid, cv=2, error_score="raise").fit(X, y)
    rate = search.best_estimator_.simulators_["one"].learning_rate
    assert rate == search.best_params_["one__learning_rate"]
    assert search.best_estimator_.simulators_["two"].n_bins == 4
    skjetsim.save(search.best_estimator_, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    drawn = skjetsim.sample(search, X, random_state=0)
    assert_array_equal(again.sample(X, random_state=0), drawn)
    assert_array_equal(again.score_samples(X, y), search.best_estimator_.score_samples(X, y))


# Columns of few values.


def test_category_simulator_is_a_chain():
    X, y = jets(500)
    short = CategorySimulator(GaussianRegression(), [TAG], classifier=LOGISTIC).fit(X, y)
    steps = [("tag", ClassifierSimulator(LOGISTIC), [TAG]), ("rest", GaussianRegression(), None)]
    long = SimulatorChain(steps).fit(X, y)
    assert_array_equal(short.sample(X, random_state=0), long.sample(X, random_state=0))
    assert_array_equal(short.score_samples(X, y), long.score_samples(X, y))


def test_categories_by_position():
    X, y = jets(500)
    model = CategorySimulator(GaussianRegression(), [TAG], classifier=LOGISTIC).fit(X, y)
    plain = CategorySimulator(GaussianRegression(), [1], classifier=LOGISTIC)
    plain.fit(X.to_numpy(), y.to_numpy())
    drawn = plain.sample(X.to_numpy(), random_state=0)
    assert_array_equal(drawn, model.sample(X, random_state=0))


def test_a_category_with_the_name_of_a_column_of_X():
    """The true charge and the measured one."""
    X, y = jets(500)
    X = X.assign(**{TAG: y[TAG]})
    model = CategorySimulator(Smear(), [TAG], classifier=LOGISTIC).fit(X, y)
    assert list(model.simulator_.seen_[0]) == [*X, f"measured_{TAG}"]
    assert_array_equal(model.sample(X)[:, 1], y[TAG])


def test_probabilities_and_the_most_probable_combination():
    X, y = jets(3000)
    model = ClassifierSimulator(LOGISTIC).fit(X, y[[TAG]])
    proba = model.category_proba(X)
    assert_allclose(proba, clone(LOGISTIC).fit(X, y[TAG]).predict_proba(X))
    assert_array_equal(model.predict(X)[:, 0], proba.argmax(axis=1))
    number = y[TAG].to_numpy().astype(int)
    assert_allclose(model.score_samples(X, y[[TAG]]), np.log(proba[np.arange(3000), number]))
    assert np.isneginf(model.score_samples(X, y[[TAG]] + 0.5)).all()
    drawn = model.sample(X, n_samples=200, random_state=0)
    assert_allclose(drawn[..., 0].mean(axis=1), proba[:, 1], atol=0.2)


def test_predictions_of_categories():
    X, y = jets(500)
    model = CategorySimulator(
        SimulatorChain([("one", Copies(), [0]), ("two", Copies(), None)]),
        [TAG],
        classifier=LOGISTIC,
    ).fit(X, y)
    predicted = model.predict(X)
    assert_array_equal(predicted[:, 1], model.category_proba(X).argmax(axis=1))
    assert_allclose(predicted[:, 0], X.sum(axis=1) + predicted[:, 1])


def test_what_a_classifier_simulator_refuses():
    X, y = jets(300)
    with pytest.raises(TypeError, match="classifier must be a classifier with predict_proba"):
        ClassifierSimulator(GaussianRegression()).fit(X, y[[TAG]])
    with pytest.raises(ValueError, match=r"have 300 combinations .*'jet_eta' has 300 values"):
        ClassifierSimulator().fit(X, y[[TAG, "jet_eta"]])
    with pytest.raises(ValueError, match="KNeighborsClassifier does not take sample_weight"):
        ClassifierSimulator(KNeighborsClassifier()).fit(X, y[[TAG]], np.ones(300))

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim.base import (
    BaseSimulator,
    GeneratorMixin,
    SimulatorMixin,
    check_pairs,
    is_generator,
    is_simulator,
    is_unfolder,
)
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.utils._angles import wrap_phi

wrappers = pytest.mark.parametrize(
    "wrap",
    [
        lambda estimator: estimator,
        lambda estimator: make_pipeline(StandardScaler(), estimator),
        lambda estimator: make_generative_pipeline(StandardScaler(), estimator),
        lambda estimator: GridSearchCV(estimator, {}),
        lambda estimator: RandomizedSearchCV(estimator, {}),
        lambda estimator: GridSearchCV(make_pipeline(StandardScaler(), estimator), {}),
    ],
    ids=["alone", "Pipeline", "GenerativePipeline", "grid", "random", "search of a Pipeline"],
)


@wrappers
@pytest.mark.parametrize(
    "model", [FlowGenerator(), KernelDensity(), GaussianMixture(), BayesianGaussianMixture()]
)
def test_generators(wrap, model):
    estimator = wrap(model)
    assert is_generator(estimator)
    assert not is_simulator(estimator)
    assert not is_unfolder(estimator)


@wrappers
def test_simulators(wrap):
    estimator = wrap(FlowSimulator())
    assert is_simulator(estimator)
    assert not is_generator(estimator)


@wrappers
def test_neither(wrap):
    assert not is_generator(wrap(LinearRegression()))
    assert not is_simulator(wrap(LinearRegression()))


class Shift(SimulatorMixin, BaseEstimator):
    """A simulator without a density: y = X + noise."""

    def __init__(self, noise=1.0, random_state=None):
        self.noise = noise
        self.random_state = random_state

    def fit(self, X, y):
        n_targets = np.shape(y)[1]
        self.target_names_in_ = np.array([f"y{i}" for i in range(n_targets)], dtype=object)
        self.target_shape_ = (n_targets,)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rng = np.random.default_rng(random_state)
        X = np.asarray(X)
        if n_samples is not None:
            X = np.repeat(X[:, None], n_samples, axis=1)
        return X + self.noise * rng.normal(size=X.shape)


def test_score_without_a_density_sees_every_column():
    """A width of 10 GeV in one column does not hide a width of 0.01 in another."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0, 100, 500), rng.uniform(0, 0.1, 500)])
    y = X + rng.normal(size=X.shape) * [10, 0.01]
    good, worse = (Shift(np.array(noise), random_state=0) for noise in ([10, 0.01], [10, 0.1]))
    slightly = Shift(np.array([11, 0.01]), random_state=0)
    scores = [model.fit(X, y).score(X, y) for model in (good, slightly, worse)]
    assert scores[0] > scores[2] + 0.1
    assert scores[1] > scores[2]


def test_score_without_a_density_is_minus_the_energy_score():
    X = np.linspace(0, 100, 300)[:, None]
    y = X + np.random.default_rng(0).normal(size=X.shape)
    good, wide = (Shift(noise, random_state=0).fit(X, y) for noise in (1.0, 10.0))
    assert -1 < good.score(X, y) < 0
    assert wide.score(X, y) < good.score(X, y)
    # A model that ignores X has the same distribution, and scores lower.
    order = np.random.default_rng(1).permutation(len(X))
    assert good.score(X[order], y) < good.score(X, y) - 0.5
    assert good.score(X, y) == good.score(X, y)
    weight = (np.arange(300) < 150).astype(float)
    assert good.score(X, y, sample_weight=weight) != good.score(X, y)


def test_simulator_without_inverse_has_no_inverse_transform():
    assert not hasattr(Shift(), "inverse_transform")
    assert not hasattr(Shift(), "score_samples")


class Density(GeneratorMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        return -np.asarray(X)[:, 0]


class NoDensity(GeneratorMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self


def test_generator_score_is_the_mean_density_if_there_is_one():
    X = np.array([[1.0], [3.0]])
    assert Density().score(X) == -2.0
    assert Density().score(X, sample_weight=[3, 1]) == -1.5
    assert isinstance(Density().score(X), float)
    assert not hasattr(NoDensity(), "score")


class Response(BaseSimulator):
    """y0 is X + 3 + noise, y_phi is an azimuth near pi, and y2 is a count."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        check_pairs(self, X, y, sample_weight, reset=True)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        rng = np.random.default_rng(random_state)
        x = np.repeat(rows[:, 0], n_samples or 1)
        noise = rng.normal(size=(len(x), 2))
        phi = wrap_phi(np.pi + 0.2 * noise[:, 1])
        return np.column_stack([x + 3 + noise[:, 0], phi, rng.poisson(4.7, len(x))])


def test_predict_is_the_median_of_draws():
    X = np.arange(50.0)[:, None]
    names = ["pt", "phi", "n_jets"]
    y = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=names)
    model = Response().set_output(transform="pandas").fit(X, y)
    predicted = model.predict(X)
    assert list(predicted.columns) == names
    assert_array_equal(predicted, model.predict(X))
    assert_allclose(predicted["pt"], X[:, 0] + 3, atol=0.7)
    assert np.abs(wrap_phi(predicted["phi"] - np.pi)).max() < 0.15
    assert_array_equal(predicted["n_jets"] % 1, 0)
    assert model.predict(X[:0]).shape == (0, 3)
    with pytest.raises(TypeError, match="simulator"):
        model.predict(5)

"""Draws that overflow on their way back through transformers: the error names the user's row."""

import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skjetsim import log_prob, sample, sample_inverse
from skjetsim.base import BaseSimulator, InverseSampling, check_pairs
from skjetsim.compose import ResidualTransformer, TransformedSimulator, Unfolder
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import LogTransformer

pytestmark = [
    pytest.mark.filterwarnings("error"),
    # Events that far away are outside the range of every fit.
    pytest.mark.filterwarnings("ignore:.* events outside the range"),
]
BAD = 7  # row that is far away


class Line(InverseSampling, BaseSimulator):
    """Draws a multiple of the other level, without noise."""

    def __init__(self, factor=1.0, random_state=None):
        self.factor = factor
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        check_pairs(self, X, y, sample_weight, reset=True)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        return self.factor * np.repeat(rows, n_samples or 1, axis=0)

    def _draw_inverse(self, rows, n_samples, random_state):
        return self._draw_targets(rows, n_samples, random_state)

    def _log_density(self, X, y):
        return np.where(X[:, 0] > 100, -np.inf, 0.0)


class InfiniteJacobian(FunctionTransformer):
    """Identity whose log-determinant is infinite for events above 100."""

    def log_det_jacobian(self, X):
        return np.where(np.asarray(X)[:, 0] > 100, np.inf, 0.0)


def _exp_or_infinity(X):
    return np.where(np.log(5) > X, np.exp(X), np.inf)


def events():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(1, 5, (20, 2)), columns=["pt", "mass"])
    return X, X.copy()


def far_events():
    X, _ = events()
    X.loc[BAD, "pt"] = 1e4  # exp of it is infinite
    return X


@pytest.mark.parametrize("n_samples", [None, 3])
def test_transformed_draws(n_samples):
    steps = [LogTransformer(["pt"]), StandardScaler()]
    model = TransformedSimulator(Line(), steps).fit(*events())
    row = r"^TransformedSimulator: row 7 of X lies too far .* 10000 in column 'pt'"
    with pytest.raises(ValueError, match=row):
        model.sample(far_events(), n_samples=n_samples)
    if n_samples is None:
        with pytest.raises(ValueError, match=row):
            model.predict(far_events())


def test_overflow_in_the_first_of_several_steps_back():
    # Backwards the logarithm comes first, and the residual would be given an infinite y.
    model = TransformedSimulator(Line(), [ResidualTransformer(), LogTransformer(["pt_residual"])])
    X, y = events()
    with pytest.raises(ValueError, match=r"^TransformedSimulator: row 7 of X lies too far"):
        model.fit(X, y + 1).sample(far_events())


def test_overflow_inside_a_step_of_several():
    # The steps inside one transformer are not ours to check, and a note says what they were given.
    double = make_pipeline(StandardScaler(with_mean=False), LogTransformer([0]))
    model = TransformedSimulator(Line(), [double]).fit(*events())
    with pytest.raises(
        ValueError, match=r"(?s)infinity.*events that the model drew, which Pipeline"
    ):
        model.sample(far_events())


def test_pipelines_say_that_their_model_has_another_X():
    X, y = events()
    names = r"(?s)^TransformedSimulator: row 7 of X .*in X behind StandardScaler, LogTransformer$"
    scaler = StandardScaler(with_mean=False).set_output(transform="pandas")
    inside = TransformedSimulator(Line(), [LogTransformer(["pt"])])
    model = make_pipeline(scaler, LogTransformer(["mass"]), inside).fit(X, y)
    with pytest.raises(ValueError, match=names):
        sample(model, far_events(), random_state=0)
    assert np.isfinite(sample(make_pipeline("passthrough", Line()).fit(X, y), X)).all()


@pytest.mark.parametrize("n_samples", [None, 3])
def test_unfolding_through_a_pipeline(n_samples):
    X, y = events()
    steps = [FunctionTransformer(np.cbrt, lambda X: X**3), Unfolder(Line(1e200))]
    for pipeline in (make_pipeline(*steps), make_generative_pipeline(*steps)):
        with pytest.raises(ValueError, match=r"^Unfolder: row 0 of y lies .*20 such rows in all"):
            sample_inverse(pipeline.fit(X, y), y, n_samples=n_samples)


def test_generators_through_a_pipeline():
    X, _ = events()
    steps = [FunctionTransformer(np.log, _exp_or_infinity, check_inverse=False), GaussianMixture()]
    model = make_generative_pipeline(*steps).fit(X)
    with pytest.raises(ValueError, match=r"GaussianMixture drew an event .* row \d+ of 50"):
        model.sample(50, random_state=0)


def test_density_times_jacobian_is_a_number():
    X, y = events()
    model = make_generative_pipeline(InfiniteJacobian(), Unfolder(Line())).fit(X, y)
    far = far_events()
    with pytest.raises(ValueError, match=r"row 7 of X and y .* log-density is"):
        log_prob(model, far, far)

"""The public checks: sound estimators of third parties pass, each fault is found."""

import numpy as np
import pytest
from scipy.stats import norm

from skjetsim.base import BaseGenerator, BaseSimulator, BaseUnfolder, check_pairs, check_sample
from skjetsim.flows import FlowGenerator
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils.estimator_checks import check_estimator, estimator_checks_generator

FAST = {"hidden_features": (4,), "n_transforms": 1, "max_epochs": 1, "random_state": 0}


class Normal(BaseGenerator):
    def fit(self, X, y=None, sample_weight=None):
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.mean_ = np.average(X, axis=0, weights=weight)
        self.width_ = np.sqrt(np.average((X - self.mean_) ** 2, axis=0, weights=weight))
        return self

    def _draw_events(self, n_samples, random_state):
        noise = np.random.default_rng(as_seed_sequence(random_state))
        return noise.normal(self.mean_, self.width_, size=(n_samples, self.n_features_in_))


class Smear(BaseSimulator):
    """A straight line from X to y, and Gaussian noise about it."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
        root = np.ones(len(X)) if weight is None else np.sqrt(weight)
        lines = np.c_[X, np.ones(len(X))]
        self.slope_ = np.linalg.lstsq(root[:, None] * lines, root[:, None] * y, rcond=None)[0]
        squared = (y - lines @ self.slope_) ** 2
        self.width_ = np.sqrt(np.average(squared, axis=0, weights=weight))
        self.width_[self.width_ < 1e-9] = 0.0
        return self

    def _centre(self, rows):
        return np.c_[rows, np.ones(len(rows))] @ self.slope_

    def _draw_targets(self, rows, n_samples, random_state):
        noise = np.random.default_rng(as_seed_sequence(random_state))
        return noise.normal(np.repeat(self._centre(rows), n_samples or 1, axis=0), self.width_)


class Sharpen(BaseUnfolder):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
        self.model_ = Smear().fit(y, X, weight)
        return self

    def _draw_inverse(self, rows, n_samples, random_state):
        return self.model_._draw_targets(rows, n_samples, random_state)


class NormalDensity(Normal):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.width_[self.width_ < 1e-9] = 0.0
        return self

    def _log_density(self, X):
        varies = self.width_ > 0
        density = norm(self.mean_[varies], self.width_[varies]).logpdf(X[:, varies]).sum(axis=1)
        at_constant = np.isclose(X[:, ~varies], self.mean_[~varies]).all(axis=1)
        return np.where(at_constant, density, -np.inf)


class SmearDensity(Smear):
    def _log_density(self, X, y):
        varies = self.width_ > 0
        off = (y - self._centre(X))[:, varies]
        density = norm(0, self.width_[varies]).logpdf(off).sum(axis=1)
        at_constant = np.isclose(y, self._centre(X))[:, ~varies].all(axis=1)
        return np.where(at_constant, density, -np.inf)


@pytest.mark.parametrize(
    "estimator",
    [
        Normal(),
        NormalDensity(),
        Smear(random_state=0),
        SmearDensity(random_state=0),
        Sharpen(random_state=0),
    ],
)
def test_sound_estimators_pass(estimator):
    results = check_estimator(estimator)
    assert set(results.values()) <= {"passed", "skipped", "expected to fail"}


class SameNoise(Normal):
    def _draw_events(self, n_samples, random_state):
        return super()._draw_events(n_samples, 0)


class GlobalSeed(Normal):
    def _draw_events(self, n_samples, random_state):
        np.random.normal()  # noqa: NPY002 the fault
        return super()._draw_events(n_samples, random_state)


class NoWeights(Normal):
    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X)


class ScalesWithWeights(Normal):
    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        if sample_weight is not None:
            self.width_ = self.width_ * np.sum(sample_weight)
        return self


class Remembers(Normal):
    def fit(self, X, y=None, sample_weight=None):
        n_fits = getattr(self, "n_fits_", 0)
        super().fit(X, y, sample_weight)
        self.n_fits_ = n_fits + 1
        self.mean_ = self.mean_ + n_fits
        return self


class WritesIntoX(Normal):
    def fit(self, X, y=None, sample_weight=None):
        if hasattr(X, "iloc"):
            X.iloc[0] = 0.0
        return super().fit(X, y, sample_weight)


class IgnoresX(Smear):
    def _centre(self, rows):
        return np.zeros((len(rows), self.n_targets_))


class OneDraw(Smear):
    def _draw_targets(self, rows, n_samples, random_state):
        drawn = super()._draw_targets(rows, None, random_state)
        return np.repeat(drawn, n_samples or 1, axis=0)


class NeverUnfitted(Smear):
    def __sklearn_is_fitted__(self):
        return True

    def sample(self, X, *, n_samples=None, random_state=None):
        if not hasattr(self, "slope_"):
            return np.zeros((len(X), 2))
        return super().sample(X, n_samples=n_samples, random_state=random_state)


class DropsNames(Smear):
    def fit(self, X, y, sample_weight=None):
        return super().fit(np.asarray(X, dtype=float), y, sample_weight)


class AllTheSameSeed(Smear):
    def transform(self, X):
        return self.sample(X)


class DensityOfStandardised(NormalDensity):
    def _log_density(self, X):
        return super()._log_density(X) + np.log(self.width_[self.width_ > 0]).sum()


class DensityTwiceDivided(NormalDensity):
    def _log_density(self, X):
        return super()._log_density(X) - np.log(self.width_[self.width_ > 0]).sum()


class DrawsTooNarrow(NormalDensity):
    def _draw_events(self, n_samples, random_state):
        drawn = super()._draw_events(n_samples, random_state)
        return self.mean_ + 0.7 * (drawn - self.mean_)


class DrawsColumnsSwapped(NormalDensity):
    def _draw_events(self, n_samples, random_state):
        return super()._draw_events(n_samples, random_state)[:, ::-1]


class DensityOfOtherX(SmearDensity):
    def _log_density(self, X, y):
        return super()._log_density(X[::-1] + 1, y)


class DensityIgnoresX(SmearDensity):
    def _log_density(self, X, y):
        return norm([0, 60], [1, 25]).logpdf(y).sum(axis=1)  # eta and pT of all muons


class NetworkOfParameters(FlowGenerator):
    def _make_network(self, **settings):
        return super()._make_network(**settings | {"hidden_features": self.hidden_features})


class DrawsByParameters(FlowGenerator):
    def _draw_events(self, n_samples, random_state):
        return super()._draw_events(n_samples, random_state) + self.n_bins


class DropsItsNetwork(FlowGenerator):
    def _draw_events(self, n_samples, random_state):
        if self._architecture["n_bins"] != self.n_bins:
            raise RuntimeError("the network is another one")
        return super()._draw_events(n_samples, random_state)


@pytest.mark.parametrize(
    ("estimator", "fault"),
    [
        (SameNoise(), "check_random_state"),
        (GlobalSeed(), "check_global_state"),
        (NoWeights(), "check_weights_equal_duplicates"),
        (NoWeights(), "check_bad_weights"),
        (NoWeights(), "check_events_of_weight_zero"),
        (ScalesWithWeights(), "check_scale_of_weights"),
        (Remembers(), "check_fit_repeats"),
        (WritesIntoX(), "check_fit_leaves_input_alone"),
        (IgnoresX(), "check_true_pairs_score_higher"),
        (OneDraw(), "check_shapes_of_draws"),
        (NeverUnfitted(), "check_unfitted"),
        (DropsNames(), "check_names"),
        (DropsNames(), "check_two_columns_of_one_name"),
        (AllTheSameSeed(), "check_random_state_governs_transform"),
        (DensityOfStandardised(), "check_draws_follow_the_density"),
        (DensityTwiceDivided(), "check_draws_follow_the_density"),
        (DrawsTooNarrow(), "check_draws_follow_the_density"),
        (DrawsColumnsSwapped(), "check_draws_follow_the_density"),
        (DensityOfOtherX(), "check_draws_follow_the_density"),
        (DensityIgnoresX(), "check_draws_follow_the_density"),
        (NetworkOfParameters(**FAST), "check_parameters_set_after_fit"),
        (DrawsByParameters(**FAST), "check_parameters_set_after_fit"),
        (DropsItsNetwork(**FAST), "check_parameters_set_after_fit"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_fault_is_found(estimator, fault):
    checks = {check.func.__name__: check for _, check in estimator_checks_generator(estimator)}
    with pytest.raises(AssertionError, match=type(estimator).__name__):
        checks[fault](estimator)


def test_what_is_expected_to_fail_does_not_raise():
    failing = {"check_random_state": "there is no noise"}
    assert check_estimator(SameNoise(), expected_failed_checks=failing) is not None
    with pytest.raises(AssertionError, match="check_random_state: SameNoise"):
        check_estimator(SameNoise())

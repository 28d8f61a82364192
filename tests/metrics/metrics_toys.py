"""Small estimators and data whose right answers are known."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from skjetsim.base import SimulatorMixin


class LinearSimulator(SimulatorMixin, BaseEstimator):
    """y = A x + b + Gaussian noise: exact on the data of `smeared`."""

    def __init__(self, width=1.0, ignore_X=False, random_state=None):
        self.width = width
        self.ignore_X = ignore_X
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.target_names_in_ = np.asarray(getattr(y, "columns", range(np.shape(y)[1])))
        X, y = np.asarray(X), np.asarray(y)
        self.target_ = y
        self.line_ = LinearRegression().fit(X, y, sample_weight=sample_weight)
        self.covariance_ = np.cov((y - self.line_.predict(X)).T).reshape(y.shape[1], -1)
        self.inverse_ = LinearRegression().fit(y, X, sample_weight=sample_weight)
        self.inverse_covariance_ = np.cov((X - self.inverse_.predict(y)).T).reshape(X.shape[1], -1)
        self.weighted_ = sample_weight is not None
        return self

    def _draw(self, mean, covariance, n_samples, random_state):
        rng = np.random.default_rng(random_state)
        shape = len(mean) if n_samples is None else (len(mean), n_samples)
        noise = rng.multivariate_normal(np.zeros(mean.shape[1]), covariance, shape)
        return (mean if n_samples is None else mean[:, None]) + self.width * noise

    def sample(self, X, *, n_samples=None, random_state=None):
        if self.ignore_X:
            rng = np.random.default_rng(random_state)
            shape = len(X) if n_samples is None else (len(X), n_samples)
            return self.target_[rng.integers(len(self.target_), size=shape)]
        mean = self.line_.predict(np.asarray(X))
        return self._draw(mean, self.covariance_, n_samples, random_state)

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        mean = self.inverse_.predict(np.asarray(y))
        return self._draw(mean, self.inverse_covariance_, n_samples, random_state)

    def score_samples(self, X, y):
        from scipy.stats import multivariate_normal

        residual = np.asarray(y) - self.line_.predict(np.asarray(X))
        return multivariate_normal(cov=self.width**2 * self.covariance_).logpdf(residual)


class LinearUnfolder(BaseEstimator):
    def fit(self, X, y):
        self.simulator_ = LinearSimulator().fit(X, y)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "unfolder"
        return tags

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        return self.simulator_.sample_inverse(y, n_samples=n_samples, random_state=random_state)


def smear(X, seed):
    return X + np.random.default_rng(seed).normal(size=X.shape) * [0.3, 0.2]

"""A simulator and events whose posterior is known in closed form."""

import numpy as np
import pandas as pd
from scipy.stats import multivariate_normal
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from skjetsim.base import SimulatorMixin

NOISE = 0.7


class GaussianRegression(SimulatorMixin, BaseEstimator):
    """y = A x + b + Gaussian noise, by least squares; it is also exact for X given y."""

    def __init__(self, fail_with=None, random_state=None):
        self.fail_with = fail_with
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        if self.fail_with is not None:
            raise self.fail_with
        self.seen_ = X, y, sample_weight
        x, target = (np.asarray(side).reshape(len(X), -1) for side in (X, y))
        self.line_ = LinearRegression().fit(x, target, sample_weight=sample_weight)
        residual = target - self.line_.predict(x)
        self.covariance_ = np.cov(residual.T, aweights=sample_weight).reshape(target.shape[1], -1)
        names = getattr(y, "columns", [f"y{i}" for i in range(target.shape[1])])
        self.target_names_in_ = np.asarray(names, dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        mean = self.line_.predict(np.asarray(X).reshape(len(X), -1))
        shape = (len(X), 1 if n_samples is None else n_samples)
        noise = np.random.default_rng(random_state).multivariate_normal(
            np.zeros(mean.shape[1]), self.covariance_, shape
        )
        drawn = mean[:, None] + noise
        return drawn[:, 0] if n_samples is None else drawn

    def score_samples(self, X, y):
        mean = self.line_.predict(np.asarray(X).reshape(len(X), -1))
        residual = np.asarray(y).reshape(mean.shape) - mean
        return multivariate_normal(cov=self.covariance_).logpdf(residual).reshape(-1)


class NoDensity(GaussianRegression):
    """The same without a density."""

    score_samples = property()


def gaussian_pairs(n_events, mean=0.0, width=1.0, seed=0):
    """x ~ N(mean, width), y = x + N(0, NOISE)."""
    rng = np.random.default_rng([seed, 1])  # another stream than that of `sample`
    X = rng.normal(mean, width, size=(n_events, 1))
    return X, X + NOISE * rng.normal(size=X.shape)


def posterior(y, mean=0.0, width=1.0):
    """Mean and width of p(x given y) for a normal prior."""
    share = width**2 / (width**2 + NOISE**2)
    return mean + share * (y - mean), NOISE * np.sqrt(share)


def frames(n_events=200, seed=0):
    """Muon and jet pT in GeV, smeared by 5% and 10%, with a shuffled index."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(20, 100, size=(n_events, 2))
    y = X * rng.normal(1, [0.05, 0.1], size=X.shape)
    index = rng.permutation(n_events)
    return (
        pd.DataFrame(X, columns=["muon_pt", "jet_pt"], index=index),
        pd.DataFrame(y, columns=["reco_muon_pt", "reco_jet_pt"], index=index),
    )

"""Models that need no training, events, and no figure left open."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from skjetsim.base import SimulatorMixin, UnfolderMixin

plt = pytest.importorskip("matplotlib.pyplot")
pytest.importorskip("mplhep")


class Smear(SimulatorMixin, BaseEstimator):
    """y is X times a normal of mean `scale` and width `width`; members differ in scale."""

    def __init__(self, *, scale=1.0, width=0.1, random_state=None):
        self.scale = scale
        self.width = width
        self.random_state = random_state

    def fit(self, X, y):
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rows = np.asarray(X)
        if n_samples is not None:
            rows = np.repeat(rows[:, None], n_samples, axis=1)
        noise = np.random.default_rng(random_state).normal(size=rows.shape)
        return rows * (self.scale + self.width * noise)


class Sharpen(UnfolderMixin, BaseEstimator):
    """X is y plus a normal as wide as the residuals of the fit."""

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.width_ = np.std(np.asarray(X) - np.asarray(y), axis=0)
        return self

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        rows = np.asarray(y)
        if n_samples is not None:
            rows = np.repeat(rows[:, None], n_samples, axis=1)
        return np.random.default_rng(random_state).normal(rows, self.width_)


class Relabel(SimulatorMixin, BaseEstimator):
    """Either level from the other. Only the jet is on both levels."""

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.feature_names_in_, self.target_names_in_ = (
            np.asarray(side.columns, dtype=object) for side in (X, y)
        )
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        return np.asarray(X.assign(met_pt=2.0)[self.target_names_in_])

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        return np.asarray(y.assign(neutrino_pt=1.0)[self.feature_names_in_])


class SmearEnsemble(Smear):
    """Three members that disagree by 5%."""

    def sample_members(self, X, *, n_samples=None, random_state=None):
        return np.stack(
            [
                Smear(scale=scale, width=self.width).sample(
                    X, n_samples=n_samples, random_state=random_state
                )
                for scale in (0.95, 1.0, 1.05)
            ]
        )


@pytest.fixture
def smear(pairs):
    return Smear().fit(*pairs)


@pytest.fixture
def sharpen(pairs):
    return Sharpen().fit(*pairs)


@pytest.fixture
def levels(pairs):
    """The same events, with a neutrino in theory and missing momentum in the detector."""
    X, y = pairs
    return X.assign(neutrino_pt=1.0), y.assign(met_pt=2.0)


@pytest.fixture
def relabel(levels):
    return Relabel().fit(*levels)


@pytest.fixture
def ensemble(pairs):
    return SmearEnsemble().fit(*pairs)


@pytest.fixture
def pairs():
    """Generator and detector level (pt, eta, phi) of 600 events."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "jet_pt": rng.uniform(20, 100, 600),
            "jet_eta": rng.normal(0, 1, 600),
            "jet_phi": rng.uniform(-np.pi, np.pi, 600),
        }
    )
    y = X * [1.0, 1.0, 1.0]
    y["jet_pt"] *= rng.normal(1, 0.1, 600)
    y["jet_eta"] += rng.normal(0, 0.05, 600)
    y["jet_phi"] = (y["jet_phi"] + rng.normal(0, 0.1, 600) + np.pi) % (2 * np.pi) - np.pi
    return X, y


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")

"""Events of known efficiency, losses and fakes, and simple parts for the simulator."""

import numpy as np
import pandas as pd
from scipy.special import erf
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin

from skjetsim.base import SimulatorMixin


class Smear(SimulatorMixin, BaseEstimator):
    """y = mean + width * noise for any X; remembers what it was fitted on."""

    def __init__(self, interrupt=None, checkpoint=None, random_state=None):
        self.interrupt = interrupt
        self.checkpoint = checkpoint
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        if self.interrupt == "before":
            raise KeyboardInterrupt
        self.seen_ = X, y, sample_weight
        rows = np.asarray(y)
        self.mean_ = np.average(rows, axis=0, weights=sample_weight)
        self.width_ = np.sqrt(np.average((rows - self.mean_) ** 2, axis=0, weights=sample_weight))
        self.target_names_in_ = np.asarray(
            getattr(y, "columns", [f"y{j}" for j in range(rows.shape[1])]), dtype=object
        )
        if self.interrupt == "after":
            raise KeyboardInterrupt
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rng = np.random.default_rng(random_state)
        return rng.normal(self.mean_, self.width_, (len(X), len(self.mean_)))

    def score_samples(self, X, y):
        return norm.logpdf(np.asarray(y), self.mean_, self.width_).sum(axis=1)


class TurnOn(ClassifierMixin, BaseEstimator):
    """The true efficiency of `jets`, times a factor that is not learnt."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        found = self.factor * turn_on(np.asarray(X)[:, 0])
        return np.column_stack([1 - found, found])


def turn_on(pt):
    return 0.05 + 0.45 * (1 + erf((pt - 30) / 8))


def jets(n_events=3000, seed=0):
    """A jet that is found with the probability `turn_on`, and measured to 10%."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {"jet_pt": rng.uniform(10, 60, n_events), "jet_eta": rng.normal(size=n_events)}
    )
    y = X * rng.normal(1, 0.1, X.shape)
    y.insert(1, "accepted", (rng.uniform(size=n_events) < turn_on(X["jet_pt"])).astype(float))
    y[y["accepted"] == 0] = 0.0
    return X, y


def two_jets(n_events=6000, seed=0):
    """Two jets: nine events in ten are accepted; the second jet may be lost, or a fake.

    X has jet2 in half of the events; 30% of those are lost, and 20% of the others have a fake.
    """
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        rng.uniform(20, 60, (n_events, 3)), columns=["jet1_pt", "jet2_pt", "jet2_mass"]
    )
    there = rng.uniform(size=n_events) < 0.5
    X.loc[~there, ["jet2_pt", "jet2_mass"]] = 0.0
    y = X * rng.normal(1, 0.05, X.shape)
    u = rng.uniform(size=n_events)
    y.loc[there & (u < 0.3), ["jet2_pt", "jet2_mass"]] = 0.0
    fake = ~there & (u < 0.2)
    y.loc[fake, ["jet2_pt", "jet2_mass"]] = rng.normal(8, 1, (fake.sum(), 2))
    y["accepted"] = (rng.uniform(size=n_events) < 0.9).astype(float)
    y[y["accepted"] == 0] = 0.0
    return X, y


class InterruptedIn(Smear):
    """Ctrl-C during the fit of a pattern with this number of events, before or after it learns."""

    def __init__(self, n_events=0, when="after"):
        super().__init__()
        self.n_events = n_events
        self.when = when

    def fit(self, X, y, sample_weight=None):
        self.interrupt = self.when if len(X) == self.n_events else None
        return super().fit(X, y, sample_weight)

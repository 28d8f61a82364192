"""Events in several coordinates, their symmetries, and a simulator that has none."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.base import BaseEstimator

from skjetsim.base import SimulatorMixin

FLOW = {
    "n_transforms": 2,
    "hidden_features": (8,),
    "n_bins": 4,
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


class Lopsided(SimulatorMixin, BaseEstimator):
    """Shifts each column by another amount in each direction, and adds noise."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X, y, sample_weight
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def _centre(self, X):
        return X[list(self.target_names_in_)].to_numpy() + 0.1 * np.arange(X.shape[1])

    def sample(self, X, *, n_samples=None, random_state=None):
        centre = self._centre(X)
        if n_samples is not None:
            centre = np.repeat(centre[:, None], n_samples, axis=1)
        return centre + 0.05 * np.random.default_rng(random_state).normal(size=centre.shape)

    def predict(self, X):
        return self._centre(X)

    def score_samples(self, X, y):
        return norm.logpdf(np.asarray(y), self._centre(X), 0.05).sum(axis=1)


def cylindrical(n_events=300, seed=0):
    rng = np.random.default_rng(seed)
    table = {}
    for obj in ("muon", "jet"):
        table[f"{obj}_pt"] = rng.uniform(20, 60, n_events)
        table[f"{obj}_eta"] = rng.normal(0, 1, n_events)
        table[f"{obj}_phi"] = rng.uniform(-np.pi, np.pi, n_events)
    table["jet_mass"] = rng.uniform(5, 10, n_events)
    table["met_pt"] = rng.uniform(10, 30, n_events)
    table["met_phi"] = rng.uniform(-np.pi, np.pi, n_events)
    return pd.DataFrame(table)


def cartesian(n_events=300, seed=0):
    events = cylindrical(n_events, seed)
    table = {}
    for obj in ("muon", "jet", "met"):
        table[f"{obj}_px"] = events[f"{obj}_pt"] * np.cos(events[f"{obj}_phi"])
        table[f"{obj}_py"] = events[f"{obj}_pt"] * np.sin(events[f"{obj}_phi"])
        if obj != "met":
            table[f"{obj}_pz"] = events[f"{obj}_pt"] * np.sinh(events[f"{obj}_eta"])
    momentum2 = sum(table[f"jet_{c}"] ** 2 for c in ("px", "py", "pz"))
    table["jet_E"] = np.sqrt(momentum2 + events["jet_mass"] ** 2)
    return pd.DataFrame(table)


def mixed(n_events=300, seed=0):
    """Every kind of column that turns, and some that must not."""
    events, momenta = cylindrical(n_events, seed), cartesian(n_events, seed)
    return pd.DataFrame(
        {
            "n_tracks": np.arange(n_events) % 7,
            "muon_cos_phi": np.cos(events["muon_phi"]),
            "muon_sin_phi": np.sin(events["muon_phi"]),
            "muon_eta": events["muon_eta"],
            "jet_px": momenta["jet_px"],
            "jet_py": momenta["jet_py"],
            "jet_rapidity": events["jet_eta"] / 2,
            "jet_abs_eta": events["jet_eta"].abs(),
            "met_pt": events["met_pt"],
            "met_phi": events["met_phi"],
            "muon_jet_delta_eta": events["muon_eta"] - events["jet_eta"],
            "muon_jet_delta_phi": np.sin(events["muon_phi"] - events["jet_phi"]),
            "muon_met_delta_cos_phi": np.cos(events["muon_phi"] - events["met_phi"]),
            "muon_met_delta_sin_phi": np.sin(events["muon_phi"] - events["met_phi"]),
        }
    )


def wrapped(angle):
    return np.angle(np.exp(1j * angle))


def move(table, angle=0.0, *, along=False, across=False):
    """Reflect events along the beam, or in y, and then rotate them."""
    out = table.copy()
    for name in table:
        if along and name.endswith(("_pz", "_eta", "_rapidity")) and "abs" not in name:
            out[name] = -table[name]
        if name.endswith(("_delta_phi", "_delta_sin_phi")):
            out[name] = -table[name] if across else table[name]
        elif name.endswith(("_px", "_cos_phi")) and "delta" not in name:
            other = name.replace("_px", "_py").replace("_cos_phi", "_sin_phi")
            vector = table[name] + 1j * table[other]
            vector = (np.conj(vector) if across else vector) * np.exp(1j * angle)
            out[name], out[other] = vector.to_numpy().real, vector.to_numpy().imag
        elif name.endswith("_phi") and not name.endswith(("cos_phi", "sin_phi")):
            out[name] = wrapped((-table[name] if across else table[name]) + angle)
    return out


def assert_same_events(one, two, atol=1e-9):
    difference = pd.DataFrame(np.asarray(one) - np.asarray(two), columns=two.columns)
    for name in two:
        angle = name.endswith("phi") and not name.endswith(("cos_phi", "sin_phi"))
        values = wrapped(difference[name]) if angle else difference[name]
        assert_allclose(values, 0, atol=atol, err_msg=name)


def frames(model):
    return model.set_output(transform="pandas")

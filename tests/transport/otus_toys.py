"""Unpaired toy events, and settings that learn them within a second."""

import numpy as np
import pandas as pd

from skjetsim.transport import OTUSSimulator

SMALL = {
    "hidden_features": (8,),
    "n_slices": 4,
    "max_epochs": 2,
    "batch_size": 64,
    "device": "cpu",
    "random_state": 0,
}
LEARNS = SMALL | {
    "hidden_features": (16,),
    "n_slices": 8,
    "max_epochs": 30,
    "batch_size": 128,
    "learning_rate": 1e-2,
}


def small(**params):
    return OTUSSimulator(**SMALL | params)


def learns(**params):
    return OTUSSimulator(**LEARNS | params)


def unpaired(n_theory=1000, n_measured=800, seed=0):
    """A detector level that is shifted and scaled, with fewer and other events."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_theory, 2)) * [10.0, 1.0] + [60.0, 0.0]
    y = (rng.normal(size=(n_measured, 2)) * [10.0, 1.0] + [60.0, 0.0]) * [1.5, 0.5] + [-10.0, 1.0]
    return X, y


def smeared(n_events=1000, seed=0, share=0.1):
    """Energies in GeV, measured to 5 GeV; only some of the rows are the same event.

    Returns
    -------
    X, y, paired
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(60.0, 10.0, size=(n_events, 1))
    y = X + rng.normal(0.0, 5.0, size=X.shape)
    paired = rng.random(n_events) < share
    rest = np.flatnonzero(~paired)
    y[rest] = y[rng.permutation(rest)]
    return X, y, paired


def momenta(n_events=300, seed=0, mass=5.0, objects=("muon", "antimuon"), smearing=0.05):
    """DataFrames of px, py, pz and E in GeV of massive objects, in the same order."""
    rng = np.random.default_rng(seed)
    sides = [{}, {}]
    for name in objects:
        p = rng.normal(0, 30.0, size=(n_events, 3))
        for side, vector in zip(
            sides, (p, p * rng.normal(1, smearing, size=(n_events, 1))), strict=True
        ):
            for i, component in enumerate(("px", "py", "pz")):
                side[f"{name}_{component}"] = vector[:, i]
            side[f"{name}_E"] = np.sqrt((vector**2).sum(axis=1) + mass**2)
    return tuple(map(pd.DataFrame, sides))


def cylindrical(n_events=400, seed=0):
    """DataFrames of pt, eta and phi of muon and jet, pt in GeV."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "muon_pt": rng.uniform(20, 100, n_events),
            "muon_eta": rng.normal(0, 1, n_events),
            "muon_phi": rng.uniform(-np.pi, np.pi, n_events),
            "jet_pt": rng.uniform(20, 100, n_events),
            "jet_eta": rng.normal(0, 1, n_events),
            "jet_phi": rng.uniform(-np.pi, np.pi, n_events),
        }
    )
    y = X.copy()
    y[["muon_pt", "jet_pt"]] *= rng.normal(1, 0.1, size=(n_events, 2))
    return X, y.sample(frac=1, random_state=seed).reset_index(drop=True)

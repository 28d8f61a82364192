import numpy as np
import pandas as pd
import pytest

MUON_MASS, TOP_MASS = 0.1056584, 172.5


def make_events(n_events, seed=0):
    """Muon, jet, missing momentum, a top quark in Cartesian columns, a tau and a photon in
    cylindrical ones, a weight."""
    rng = np.random.default_rng(seed)
    columns = {}
    for obj in ("muon", "jet"):
        pt, phi = 10 + rng.exponential(30, n_events), rng.uniform(-np.pi, np.pi, n_events)
        pz = pt * np.sinh(rng.normal(0, 1.5, n_events))
        mass = rng.lognormal(2, 0.5, n_events) if obj == "jet" else np.full(n_events, MUON_MASS)
        columns |= {f"{obj}_px": pt * np.cos(phi), f"{obj}_py": pt * np.sin(phi), f"{obj}_pz": pz}
        columns[f"{obj}_E"] = np.sqrt(pt**2 + pz**2 + mass**2)
    columns["jet_mass"] = mass
    columns |= {f"met_{c}": rng.normal(0, 30, n_events) for c in ("px", "py")}
    columns["tau_pt"] = 20 + rng.exponential(10, n_events)
    columns["tau_eta"] = rng.normal(0, 1, n_events)
    columns["tau_phi"] = rng.uniform(-np.pi, np.pi, n_events)
    columns["weight"] = rng.normal(1, 0.1, n_events)
    columns["photon_pt"] = 10 + rng.exponential(10, n_events)
    columns["photon_eta"] = rng.normal(0, 1, n_events)
    columns["photon_phi"] = rng.uniform(-np.pi, np.pi, n_events)
    columns |= {f"top_{c}": rng.normal(0, 80, n_events) for c in ("px", "py", "pz")}
    squared = sum(columns[f"top_{c}"] ** 2 for c in ("px", "py", "pz"))
    columns["top_E"] = np.sqrt(squared + TOP_MASS**2)
    return pd.DataFrame(columns, index=np.arange(n_events) + 100)


@pytest.fixture
def events():
    return make_events(40)

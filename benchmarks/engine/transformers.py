"""Time of `CartesianToCylindrical` and its inverse for 10^6 W + jet events, and their error.

Run with `python -m benchmarks.engine.transformers`.
"""

import time

import numpy as np
import pandas as pd

from skjetsim.preprocessing import CartesianToCylindrical

N_EVENTS = 1_000_000
COLUMNS = [
    *("muon_px", "muon_py", "muon_pz"),
    *("jet_px", "jet_py", "jet_pz", "jet_mass"),
    *("met_px", "met_py"),
]


def make_events(n_events, seed=0):
    """Falling pT spectra and central pseudorapidities, like W + jet, without its correlations."""
    rng = np.random.default_rng(seed)
    columns = {}
    for obj in ("muon", "jet", "met"):
        pt, phi = 20 + rng.exponential(30, n_events), rng.uniform(-np.pi, np.pi, n_events)
        columns |= {f"{obj}_px": pt * np.cos(phi), f"{obj}_py": pt * np.sin(phi)}
        columns[f"{obj}_pz"] = pt * np.sinh(rng.normal(0, 1.5, n_events))
    columns["jet_mass"] = rng.lognormal(2, 0.5, n_events)
    return pd.DataFrame(np.column_stack([columns[name] for name in COLUMNS]), columns=COLUMNS)


def best_of(function, argument, repeats=5):
    """Shortest wall time of several calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - start)
    return min(times)


def round_trip_error(events, back):
    """Largest difference of a component, relative to the size of the momentum of its object."""
    worst = 0.0
    for obj in ("muon", "jet", "met"):
        momenta = [f"{obj}_{c}" for c in ("px", "py", "pz") if f"{obj}_{c}" in events]
        before, after = events[momenta].to_numpy(), back[momenta].to_numpy()
        scale = np.linalg.norm(before, axis=1, keepdims=True)
        worst = max(worst, float(np.max(np.abs(after - before) / scale)))
    return worst


def main():
    frame = make_events(N_EVENTS)
    print(f"CartesianToCylindrical, {N_EVENTS:,} events, {len(COLUMNS)} columns (muon, jet, met)")
    print(f"{'':34s}{'measured':>12s}{'goal':>12s}")
    for container, events in (("DataFrame", frame), ("ndarray", frame.to_numpy(copy=True))):
        objects = (
            None
            if container == "DataFrame"
            else {"muon": [0, 1, 2], "jet": [3, 4, 5], "met": [7, 8]}
        )
        model = CartesianToCylindrical(objects).fit(events)
        there = best_of(model.transform, events)
        cylindrical = model.transform(events)
        back = best_of(model.inverse_transform, cylindrical)
        again = pd.DataFrame(np.asarray(model.inverse_transform(cylindrical)), columns=COLUMNS)
        error = round_trip_error(frame, again)
        print(f"{container + ', there':34s}{there:10.3f} s")
        print(f"{container + ', back':34s}{back:10.3f} s")
        print(f"{container + ', there and back':34s}{there + back:10.3f} s{'< 0.5 s':>12s}")
        print(f"{container + ', worst relative error':34s}{error:12.1e}{'< 1e-9':>12s}")


if __name__ == "__main__":
    main()

"""Choices of the published fast simulation of W + jet: the jet mass, and the savings.

The published model is trained on the jet mass and on its logarithm, with the same events and seed.
The output has the response and the marginal of the mass, and the share of draws that are not a
valid mass. It also has processor time and stored bytes per event, compared with the chain that the
model replaces: Pythia and the detector, with events stored as their stable particles. The detector
here is parametric. With Geant4, the chain takes seconds to minutes per event.
"""

import argparse
import os
import tempfile
import time

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

import skjetsim
from benchmarks.shared.event_samples import load_event_sample
from benchmarks.shared.processes import PROCESSES
from benchmarks.simulation.simulation import N_TEST, N_TRAIN
from benchmarks.simulation.wjet import COPULA
from skjetsim._drawing._chunked import one_thread
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.datasets import generate_wjet
from skjetsim.datasets._chain._events import selected_events
from skjetsim.datasets._wjet import WJET
from skjetsim.flows import FlowSimulator
from skjetsim.metrics import residual_wasserstein, wasserstein_distance
from skjetsim.response import QuantileSimulator, make_wjet_pipeline, make_wjet_quantile


def published_on_mass():
    """Published model with the jet mass itself instead of its logarithm."""
    simulator = QuantileSimulator(derived_features="wjet", random_state=0)
    residual = ResidualTransformer(keep_truth=True, reference="jet_mass")
    return make_pipeline(TransformedSimulator(simulator, [residual]))


def jet_mass(train, X, y, second, accepted):
    """Table of the two choices."""
    rows = {}
    log_x, log_y = np.log(X[["jet_mass"]]), np.log(y[["jet_mass"]])
    by = np.hypot(X.jet_px, X.jet_py).to_numpy()
    for name, model in (("m", published_on_mass()), ("log m", make_wjet_quantile(random_state=0))):
        model.fit(*train)
        drawn = pd.DataFrame(skjetsim.sample(model, X, random_state=1), columns=y.columns)
        mass = drawn[["jet_mass"]]
        rows[name] = mass_figures(log_x, y, log_y, mass, by)
    both = np.flatnonzero(accepted)
    sides = (side.iloc[both] for side in (log_x, y, log_y, second[["jet_mass"]]))
    rows["floor"] = mass_figures(*sides, by[both])
    return pd.DataFrame(rows).T


def mass_figures(log_x, y, log_y, mass, by):
    """Distances of drawn masses. Invalid masses count as 10 MeV in the response."""
    log_drawn = np.log(mass.clip(lower=0.01))
    response = residual_wasserstein(log_y, log_drawn, X=log_x, by=by, bins=PROCESSES["wjet"].by[1])
    return {
        "response of log m, worst W1 / std": response.max(axis=None),
        "marginal of m, W1 / std": wasserstein_distance(y[["jet_mass"]], mass, scale="std")[0],
        "share m <= 0": float((mass <= 0).mean().iloc[0]),
    }


def processor_time(function):
    """Seconds of processor time, on one thread."""
    start = time.process_time()
    with one_thread(), threadpool_limits(1):
        function()
    return time.process_time() - start


def file_size(table, folder):
    path = os.path.join(folder, "events.parquet")
    table.to_parquet(path, compression="zstd", index=False)
    return os.path.getsize(path)


def savings(train, X):
    """Milliseconds and bytes per event of the chain and of three models."""
    n_chain = 1000
    chain = processor_time(lambda: generate_wjet(n_chain, random_state=0)) / n_chain
    batch = next(selected_events(WJET, 1))
    particles = pd.DataFrame(
        {
            name: np.asarray(getattr(batch.particles, name), dtype=dtype)
            for name, dtype in (
                *((name, np.float32) for name in ("px", "py", "pz", "energy")),
                ("pdg_id", np.int32),
                ("event", np.int32),
            )
        }
    )
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        rows["Pythia + detector"] = {
            "ms an event": 1000 * chain,
            "bytes an event": file_size(particles, folder) / batch.n_events,
        }
        size = file_size(X.astype(np.float32), folder) / len(X)
        for name, simulator in (
            ("published", None),
            ("copula", QuantileSimulator(**COPULA | {"max_epochs": 1}, random_state=0)),
            ("flow", FlowSimulator(max_epochs=1, random_state=0)),
        ):
            model = (
                make_wjet_quantile(max_epochs=1, random_state=0)
                if simulator is None
                else make_wjet_pipeline(simulator)
            )
            model.fit(*(side[:20_000] for side in train))
            seconds = processor_time(lambda m=model: skjetsim.sample(m, X, random_state=0))
            path = os.path.join(folder, "model.skjetsim")
            skjetsim.save(model, path)
            rows[name] = {
                "ms an event": 1000 * seconds / len(X),
                "bytes an event": size,
                "times faster": chain * len(X) / seconds,
                "model file, kB": os.path.getsize(path) / 1000,
            }
    return pd.DataFrame(rows).T


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN["wjet"])
    parser.add_argument("--n-test", type=int, default=N_TEST["wjet"])
    options = parser.parse_args()
    events = load_event_sample("wjet", options.n_train + options.n_test)
    train = events.data[: options.n_train], events.target[: options.n_train]
    test = slice(options.n_train, None)
    X, y = (side[test].reset_index(drop=True) for side in (events.data, events.target))
    second = events.repeats[0]
    table = jet_mass(train, X, y, second.target[test].reset_index(drop=True), second.accepted[test])
    print(f"published model, {options.n_train} events to train on, {options.n_test} to judge by")
    print(table.to_string(float_format=lambda value: f"{value:.4f}"))
    print("\nprocessor time and stored size; generator level of the models' events included")
    print(savings(train, X).to_string(float_format=lambda value: f"{value:.4g}", na_rep=""))


if __name__ == "__main__":
    main()

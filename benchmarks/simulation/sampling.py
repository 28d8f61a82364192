"""Speed of `QuantileSimulator.sample`, compared with its bare network.

The bare network is matrix products and activations. Both run on chunks of the same size, in turn,
on one thread each. The best of several rounds counts. The output also has the rate on two threads.
The simulators learn W + jet residuals. How well they do so does not matter here.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn

from benchmarks.simulation.wjet import COPULA
from skjetsim._drawing._chunked import CHUNK_ROWS, one_thread
from skjetsim.datasets import load_wjet
from skjetsim.response import QuantileSimulator

GOALS = {"ratio": 0.7, "rate": 500_000}


def bare_network(simulator):
    """Only the linear maps and activations of a fitted simulator."""
    network = simulator.net_.module_.network
    layers = []
    for hidden in network.hidden:
        width, n_inputs = hidden.linear.weight.shape
        layers += [nn.Linear(n_inputs, width), nn.LeakyReLU(hidden.negative_slope)]
    return nn.Sequential(*layers, network.head).eval()


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(simulator, X, rounds):
    """Seconds of `sample` and of the bare network, on one thread, in turn."""
    network = bare_network(simulator)
    rows = torch.randn(len(X), simulator.condition_encoder_.n_outputs_).split(CHUNK_ROWS)

    def bare():
        with torch.inference_mode():
            for chunk in rows:
                network(chunk)

    with one_thread():
        times = [
            (seconds(lambda: simulator.sample(X, random_state=0)), seconds(bare))
            for _ in range(rounds)
        ]
    return np.min(times, axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    X, y = load_wjet(return_X_y=True)
    many = X.iloc[np.arange(options.events) % len(X)].reset_index(drop=True)
    for name, settings in (
        ("published", {"derived_features": "wjet"}),
        ("the same, no derived features", {}),
        ("copula", COPULA),
    ):
        simulator = QuantileSimulator(**settings | {"max_epochs": 1, "random_state": 0})
        simulator.fit(X, y - X)
        sampling, bare = compare(simulator, many, options.rounds)
        simulator.n_jobs = 2
        both = min(seconds(lambda s=simulator: s.sample(many)) for _ in range(options.rounds))
        print(
            f"{name:30s} sample {1e6 * sampling / len(many):.2f} us an event, bare network "
            f"{1e6 * bare / len(many):.2f}: ratio {bare / sampling:.2f} "
            f"(goal: at least {GOALS['ratio']}); {len(many) / both:,.0f} events/s on two threads "
            f"(goal: {GOALS['rate']:,})",
            flush=True,
        )


if __name__ == "__main__":
    main()

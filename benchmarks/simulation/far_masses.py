"""Jets of next to no mass among the events of a fit: what `QuantileSimulator` draws for the others.

The W + jet recipe with 17 quantiles learns the logarithm of the jet mass. Six jets of the fit get a
mass of 10^-6 GeV, at generator or at detector level. The output has, for each fit, the largest mass
drawn, the share of drawn masses below half of the least true one, and the Wasserstein distance of
the mass in standard deviations. The reference is a fit without such jets, and the floor compares
two passes of the same events through the detector.
"""

import argparse

import numpy as np
import pandas as pd

import skjetsim
from benchmarks.shared.judging import both_accepted, both_passes
from benchmarks.shared.processes import PROCESSES
from skjetsim.metrics import wasserstein_distance
from skjetsim.response import QuantileSimulator, make_wjet_pipeline

N_TRAIN, N_TEST, N_TINY, TINY = 42_000, 20_000, 6, 1e-6


def figures(truth, drawn):
    """Figures of masses; the largest and the least one are those of the truth."""
    return {
        "largest, GeV": drawn.max(),
        "below half the least, 10^-4": 1e4 * np.mean(drawn < 0.5 * truth.min()),
        "W1 / std": wasserstein_distance(truth, drawn)[0] / truth.std(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--max-epochs", type=int, default=15)
    options = parser.parse_args()
    events = PROCESSES["wjet"].load("wjet", options.n_train + options.n_test)
    X_train, y_train = (
        side[: options.n_train] for side in both_passes(events, slice(options.n_train))
    )
    X, y, second = (
        side[options.n_train :].reset_index(drop=True)
        for side in (events.X, events.y, events.second)
    )
    X, y, second = both_accepted(X, y, second, events.twice[options.n_train :])
    truth = y["jet_mass"].to_numpy()
    rows = np.random.default_rng(0).choice(len(X_train), N_TINY, replace=False)
    rates = f"(rate put in: {1e4 * N_TINY / len(X_train):.2f})"
    found = {
        "truth": figures(truth, truth),
        "floor, second pass": figures(truth, second["jet_mass"].to_numpy()),
    }
    for name in ("no tiny masses", "tiny in X", "tiny in y"):
        sides = {"X": X_train.copy(), "y": y_train.copy()}
        if name != "no tiny masses":
            table = sides[name[-1]]
            table.loc[table.index[rows], "jet_mass"] = TINY
        settings = {"max_epochs": options.max_epochs, "random_state": 0}
        simulator = QuantileSimulator(n_quantiles=17, **settings)
        model = make_wjet_pipeline(simulator).fit(sides["X"], sides["y"])
        drawn = skjetsim.sample(model, X, random_state=1)
        drawn = pd.DataFrame(np.asarray(drawn), columns=y.columns)["jet_mass"].to_numpy()
        found[name] = figures(truth, drawn)
    print(f"{len(X_train)} pairs, {len(X)} events to judge by")
    print(f"{N_TINY} masses of {TINY:g} GeV {rates}")
    print(pd.DataFrame(found).T.to_string(float_format=lambda value: f"{value:.4g}"))


if __name__ == "__main__":
    main()

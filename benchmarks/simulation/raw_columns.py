"""Original columns without residuals: the defaults unfold Z -> ee and simulate W + jet.

The events are those of an ATLAS-like detector for which no option was tuned. Z -> ee is unfolded in
(log pT, eta). The output has the coverage at 10, 25, 50, 75 and 90% minus the level, in the worst
column, with its binomial error. It also has the energy score, and its ratio to that of the same
flow on residuals. The prior, random events of the training sample, is calibrated for any unfolded
events.

W + jet is simulated in Cartesian columns. The output has the joint AUC, the response and the
marginals of `simulation.py`, next to the recipe of the guide and the floor, a second detector pass
of the same events. The peer is a bare zuko loop on the same columns that trains for as long as the
flow.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch

import skjetsim
from benchmarks.shared.judging import both_accepted, judge, print_figures
from benchmarks.shared.processes import PROCESSES
from benchmarks.shared.zuko_loop import ZukoLoop
from skjetsim.compose import ResidualTransformer, TransformedSimulator, Unfolder
from skjetsim.flows import FlowMatchingSimulator, FlowSimulator
from skjetsim.metrics import energy_score, posterior_coverage
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer
from skjetsim.response import make_wjet_pipeline

N_TRAIN, N_TEST = {"zee": 28_000, "wjet": 42_000}, {"zee": 6_000, "wjet": 20_000}
LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
N_DRAWS, N_SCORED_DRAWS = 99, 20
GOALS = {
    "zee": {"coverage - level, worst": 0.02, "energy score / that of residuals": 1.05},
    "wjet": {"AUC, joint": 0.56},
}


class Peer:
    """A zuko loop from the measured to the theory level."""

    def __init__(self, seconds):
        self.loop = ZukoLoop(seconds, raw=True)

    def fit(self, X, y):
        """Train until the time is up."""
        self.loop.fit(y, X)
        return self

    def sample_inverse(self, y, *, n_samples, random_state):
        """Draw theory-level events for each event."""
        torch.manual_seed(random_state)
        drawn = self.loop.sample(y.loc[y.index.repeat(n_samples)]).to_numpy()
        return drawn.reshape(len(y), n_samples, -1)


class Prior:
    """Random events of the training sample."""

    def fit(self, X, y):
        """Keep the training events."""
        self.X_ = X.to_numpy()
        return self

    def sample_inverse(self, y, *, n_samples, random_state):
        """Draw them."""
        rng = np.random.default_rng(random_state)
        return self.X_[rng.integers(len(self.X_), size=(len(y), n_samples))]


def load(name, n_train, n_test):
    """Events of one process: training and test pairs, and a second detector pass of the latter."""
    events = PROCESSES[name].load(f"{name}_atlas", n_train + n_test)
    train, test = slice(n_train), slice(n_train, None)
    pairs = [
        [side[rows].reset_index(drop=True) for side in (events.X, events.y)]
        for rows in (train, test)
    ]
    return *pairs, events.second[test].reset_index(drop=True), events.twice[test]


def fitted(model, X, y):
    """Fitted model, and the seconds of its fit."""
    start = time.perf_counter()
    model.fit(X, y)
    return model, time.perf_counter() - start


def unfold(n_train, n_test, wanted):
    """Print the table of Z -> ee."""
    train, test, *_ = load("zee", n_train, n_test)
    electrons = ["electron", "positron"]
    coordinates = make_generative_pipeline(
        CartesianToCylindrical(electrons), LogTransformer(["electron_pt", "positron_pt"])
    )
    columns = [f"{name}_{part}" for name in electrons for part in ("log_pt", "eta")]
    (X, y), (X_test, y_test) = (
        [coordinates.fit_transform(side)[columns] for side in pair] for pair in (train, test)
    )
    print(
        f"\nZ -> ee unfolded in (log pT, eta): {len(X)} events to train on, {len(X_test)} to judge"
    )
    figures = {}

    def add(name, model, seconds):
        draws = model.sample_inverse(y_test, n_samples=N_DRAWS, random_state=1)
        coverage, error = posterior_coverage(X_test, draws, LEVELS)
        figures[name] = {
            "coverage - level, worst": coverage.sub(LEVELS, axis=0).abs().max(axis=None),
            "its error": float(np.max(error)),
            "energy score / std": energy_score(X_test, draws[:, :N_SCORED_DRAWS], scale="std"),
            "fit, s": seconds,
        }

    residuals = TransformedSimulator(FlowSimulator(random_state=0), [ResidualTransformer()])
    models = {
        "residuals": residuals,
        "matching, raw": FlowMatchingSimulator(random_state=0),
        "flow, raw": FlowSimulator(random_state=0),
    }
    for name, simulator in models.items():
        if wanted(name):
            model, seconds = fitted(Unfolder(simulator), X, y)
            add(name, model, seconds)
    add("zuko, raw", *fitted(Peer(seconds), X, y))
    add("prior", *fitted(Prior(), X, y))
    for each in figures.values():
        if "residuals" in figures:
            ratio = each["energy score / std"] / figures["residuals"]["energy score / std"]
            each["energy score / that of residuals"] = ratio
    print_figures(figures, GOALS["zee"])


def simulate(n_train, n_test, wanted):
    """Print the table of W + jet."""
    train, (X, y), second, twice = load("wjet", n_train, n_test)
    print(f"\nW + jet in Cartesian columns: {n_train} events to train on, {n_test} to judge by")
    figures = {}

    def add(name, X, y, drawn, **more):
        found, _ = judge(PROCESSES["wjet"], X, y, pd.DataFrame(drawn, columns=y.columns))
        figures[name] = found | more

    models = {
        "recipe": make_wjet_pipeline(FlowSimulator(random_state=0)),
        "matching, raw": FlowMatchingSimulator(random_state=0),
        "flow, raw": FlowSimulator(random_state=0),
    }
    for name, model in models.items():
        if wanted(name):
            model, seconds = fitted(model, *train)
            add(name, X, y, skjetsim.sample(model, X, random_state=1), **{"fit, s": seconds})
    peer, seconds = fitted(ZukoLoop(seconds, raw=True), *train)
    add("zuko, raw", X, y, peer.sample(X), **{"fit, s": seconds})
    add("floor", *both_accepted(X, y, second, twice))
    print_figures(figures, GOALS["wjet"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--process", nargs="*", choices=["zee", "wjet"], default=["zee", "wjet"])
    parser.add_argument("--n-train", type=int)
    parser.add_argument("--n-test", type=int)
    parser.add_argument("--without", nargs="*", default=[], help="names of models to leave out")
    options = parser.parse_args()
    print(f"threads: {torch.get_num_threads()}")
    for name in options.process:
        run = {"zee": unfold, "wjet": simulate}[name]
        sizes = options.n_train or N_TRAIN[name], options.n_test or N_TEST[name]
        run(*sizes, lambda model: model not in options.without)


if __name__ == "__main__":
    main()

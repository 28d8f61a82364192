"""Fast simulation of W + jet, Z -> ee and top pairs with a flow, compared with the floor.

The flow is trained on events with two detector passes each, and simulates other events. The output
has W1 of the response in bins of a generated pT; the joint AUC by trees and by a network, with
masses of all pairs and triples, of W and of tops among the columns; marginals before and after a
final selection; the yield of the selection; and times.

The floor is a second detector pass of the same events. The goal for the worst response is its 95th
percentile for disjoint sets of true events. Two controls must fail: X in place of y ("identity"),
and the y of other events ("shuffled").
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch

import skjetsim
from benchmarks.shared.judging import (
    both_accepted,
    both_passes,
    correlations,
    judge,
    print_figures,
    print_response,
    response_limit,
)
from benchmarks.shared.processes import PROCESSES
from skjetsim.flows import FlowSimulator

N_TRAIN = {"wjet": 140_000, "zee": 140_000, "ttbar": 130_000}
N_TEST = {"wjet": 100_000, "zee": 100_000, "ttbar": 20_000}
# Of the flow: as many epochs as four minutes take; the rest was chosen on training events.
SETTINGS = {
    "wjet": {"max_epochs": 28},
    "zee": {"max_epochs": 28, "weight_decay": 0.4},
    "ttbar": {"max_epochs": 40, "weight_decay": 0.5},
}
GOALS = {
    "wjet": {"AUC, joint": 0.51, "yield / true - 1": 0.005, "fit, min": 4.0},
    "zee": {"AUC, joint": 0.51, "yield / true - 1": 0.005, "fit, min": 4.0},
    "ttbar": {"AUC, joint": 0.55},
}


def fit_and_sample(model, X_train, y_train, X):
    """Simulated events, minutes of training, and events per second of the whole pipeline."""
    start = time.perf_counter()
    model.fit(X_train, y_train)
    minutes = (time.perf_counter() - start) / 60
    start = time.perf_counter()
    drawn = skjetsim.sample(model, X, random_state=1)
    rate = len(X) / (time.perf_counter() - start)
    return pd.DataFrame(drawn, columns=y_train.columns), minutes, rate


def compare(name, models, n_train=None, n_test=None, *, peer=None):
    """Print the tables of simulations of one process.

    Parameters
    ----------
    name : str
        Name of the process.
    models : dict of str to simulator
    n_train, n_test : int, optional
    peer : callable, optional
        Makes a model of another package, given the seconds of its training. They are those of the
        last model. The name in the table is that of its class.
    """
    process = PROCESSES[name]
    n_train, n_test = n_train or N_TRAIN[name], n_test or N_TEST[name]
    events = process.load(name, n_train + n_test)
    X_train, y_train = both_passes(events, slice(n_train))
    X, y, second = (
        side[n_train:].reset_index(drop=True) for side in (events.X, events.y, events.second)
    )
    print(
        f"\n{name}: {n_train} events to train on, {len(X_train)} with the second detector pass; "
        f"{n_test} a side to judge by"
    )
    print(f"threads: {torch.get_num_threads()} to train, one to sample")
    columns, related = {}, {}

    def add(model_name, X, y, drawn, *, with_auc=True, **times):
        figures, response = judge(process, X, y, drawn, with_auc=with_auc)
        columns[model_name] = figures | times
        if with_auc:
            related[model_name] = correlations(y, drawn)
            if response is not None:
                print_response(model_name, response, process.by[0])

    for model_name, model in models.items():
        drawn, minutes, rate = fit_and_sample(model, X_train, y_train, X)
        add(model_name, X, y, drawn, **{"fit, min": minutes, "events / s": rate})
    if peer is not None:
        model = peer(60 * minutes).fit(X_train, y_train)
        add(f"{type(model).__name__}, {model.epochs} epochs", X, y, model.sample(X))
    twice = both_accepted(X, y, second, events.twice[n_train:])
    add("floor", *twice)
    goals = dict(GOALS[name])
    if process.by is not None:
        goals["response, worst"] = response_limit(process, events.X, events.y, n_test)
        add("identity", X, y, X, with_auc=False)
    shuffled = y.iloc[np.random.default_rng(0).permutation(len(y))].reset_index(drop=True)
    add("shuffled", X, y, shuffled, with_auc=False)
    print_figures(columns, goals)
    print("\ncorrelation with the reconstructed event, of a simulation and of a second pass")
    print(pd.DataFrame(related).to_string(float_format=lambda value: f"{value:.4f}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("process", nargs="*", default=["wjet", "zee", "ttbar"])
    parser.add_argument("--n-train", type=int)
    parser.add_argument("--n-test", type=int)
    parser.add_argument("--max-epochs", type=int, help="of the flow, to try it")
    options = parser.parse_args()
    for name in options.process:
        settings = dict(SETTINGS[name])
        if options.max_epochs is not None:
            settings["max_epochs"] = options.max_epochs
        flow = FlowSimulator(**settings, random_state=0)
        models = {"flow": PROCESSES[name].simulator(flow)}
        compare(name, models, options.n_train, options.n_test)


if __name__ == "__main__":
    main()

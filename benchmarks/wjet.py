"""Fast simulation of W + jet: published, quantiles with a copula, flow, peer and floor, one table.

Trains on 140,000 events, each as the detector saw it twice, and simulates 100,000 others. Prints
for each simulation W1 of the response in four bins of generated jet pT, the joint AUC by trees and
by a network, marginals before and after the final selection, the yield of that selection, and
times. The floor is the same events through the detector twice; X passed off as y ("identity") and
the y of other events ("shuffled") must fail; the peer is a bare zuko loop that trains for as long
as the flow.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from event_samples import load_event_sample
from judging import both_accepted, correlations, judge, print_figures, print_response
from zuko_loop import ZukoLoop

import skjetsim
from skjetsim.flows import FlowSimulator
from skjetsim.response import QuantileSimulator, make_published_wjet, make_wjet_simulator

N_TRAIN, N_TEST = 140_000, 100_000
GOALS = {"AUC, joint": 0.51, "response, worst": 0.05, "yield / true - 1": 0.005, "fit, min": 4.0}

# What the quantiles need beyond the published settings, chosen by held-out loss on training events.
COPULA = {
    "n_quantiles": 17,
    "hidden_features": (192, 192),
    "batch_size": 512,
    "schedule": "cosine",
    "learning_rate": 4e-3,
    "weight_decay": 0.5,
    "gradient_clip": 5.0,
    "max_epochs": 30,
}


def models():
    """Simulations of the table, by name."""
    return {
        "published": make_published_wjet(random_state=0),
        "published heads": make_wjet_simulator(
            QuantileSimulator(random_state=0), met_reference="jet"
        ),
        "copula": make_wjet_simulator(
            QuantileSimulator(**COPULA, random_state=0), met_reference="jet"
        ),
        # As many epochs as four minutes take.
        "flow": make_wjet_simulator(FlowSimulator(max_epochs=28, random_state=0)),
    }


def both_passes(events, rows):
    """Pairs of generated and reconstructed events of both detector passes."""
    second = events.repeats[0]
    accepted = second.accepted[rows]
    X = pd.concat([events.data[rows], events.data[rows][accepted]], ignore_index=True)
    y = pd.concat([events.target[rows], second.target[rows][accepted]], ignore_index=True)
    return X, y


def fit_and_sample(model, X_train, y_train, X):
    """Simulated events, minutes of training, and events a second of the whole pipeline."""
    start = time.perf_counter()
    model.fit(X_train, y_train)
    minutes = (time.perf_counter() - start) / 60
    start = time.perf_counter()
    drawn = skjetsim.sample(model, X, random_state=1)
    return pd.DataFrame(drawn, columns=X.columns), minutes, len(X) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--only", nargs="*", help="names of models; the peer is left out")
    options = parser.parse_args()

    events = load_event_sample("wjet", options.n_train + options.n_test)
    train = slice(options.n_train)
    test = slice(options.n_train, options.n_train + options.n_test)
    X, y = (side[test].reset_index(drop=True) for side in (events.data, events.target))
    second = events.repeats[0]
    X_train, y_train = both_passes(events, train)
    print(
        f"{options.n_train} events to train on, {len(X_train)} with the second detector pass; "
        f"{options.n_test} a side to judge by"
    )
    print(f"threads: {torch.get_num_threads()} to train, one to sample")

    figures, related = {}, {}
    for name, model in models().items():
        if options.only is not None and name not in options.only:
            continue
        drawn, minutes, rate = fit_and_sample(model, X_train, y_train, X)
        figures[name], response = judge(X, y, drawn)
        figures[name] |= {"fit, min": minutes, "events / s": rate}
        related[name] = correlations(y, drawn)
        print_response(name, response)
    if options.only is None:
        peer = ZukoLoop(60 * figures["flow"]["fit, min"])
        peer.fit(X_train, y_train)
        figures["zuko loop"], response = judge(X, y, peer.sample(X))
        print_response(f"zuko loop, {peer.epochs} epochs", response)
    twice = both_accepted(X, y, second.target[test], second.accepted[test])
    figures["floor"], response = judge(*twice)
    related["second pass"] = correlations(*twice[1:])
    print_response("floor: the detector once more", response)
    shuffled = y.iloc[np.random.default_rng(0).permutation(len(y))].reset_index(drop=True)
    figures["identity"], _ = judge(X, y, X, with_auc=False)
    figures["shuffled"], _ = judge(X, y, shuffled, with_auc=False)
    print_figures(figures, GOALS)
    print("\ncorrelation with the reconstructed event, of a simulation and of a second pass")
    print(pd.DataFrame(related).to_string(float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main()

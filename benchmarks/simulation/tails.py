"""Tails of the response: W + jet with mismeasured muons and jets, drawn by a flow and true.

In the events of the default card, one muon of 10,000 and one jet of 1,000 are replaced by those of
another event: pT, eta, phi and mass together. A flow in the coordinates of `make_wjet_pipeline` is
trained on such events, and simulates others.

The output has the share of events, in units of 10^-4, whose response lies beyond 5, 10 and 20
robust standard deviations: in each column, in two columns or more of the muon or of the jet
together, and in both objects. Differences are given in standard errors. An error includes that of
the training events, from which no model can learn a rate more precisely, and that of the true
events. The peer is the same flow without a density of mismeasured events. The floor is the first
detector pass against the second one.
"""

import argparse
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd

import skjetsim
from benchmarks.shared.judging import both_accepted, both_passes
from benchmarks.shared.processes import PROCESSES
from benchmarks.simulation.simulation import SETTINGS
from skjetsim._encoders import _far_events
from skjetsim.flows import FlowSimulator
from skjetsim.metrics import classifier_two_sample_auc
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, wrap_phi
from skjetsim.response import make_wjet_pipeline

N_TRAIN, N_TEST, N_JUDGED = 150_000, 70_000, 30_000
RATES = {"muon": 1e-4, "jet": 1e-3}
OBJECTS = {
    "muon": ["muon_log_pt", "muon_eta", "muon_phi"],
    "jet": ["jet_log_pt", "jet_eta", "jet_phi", "jet_log_mass"],
}
CUTS = (5, 10, 20)
N_DRAWS = 2
GOAL = 2.0  # standard errors


def mismeasured(y, rng, factor):
    """Detector-level events, some of whose objects are those of other events."""
    y = y.copy()
    for name, rate in RATES.items():
        columns = [column for column in y if column.startswith(f"{name}_")]
        rows = np.flatnonzero(rng.random(len(y)) < factor * rate)
        y.loc[rows, columns] = y[columns].to_numpy()[rng.integers(len(y), size=len(rows))]
    return y


def response(X, y):
    """Difference of y and X in (log pT, eta, phi), log mass and missing momentum."""
    sides = []
    for side in (X, y):
        table = CartesianToCylindrical(["muon", "jet"]).fit_transform(side)
        sides.append(LogTransformer(["muon_pt", "jet_pt", "jet_mass"]).fit_transform(table))
    left = sides[1] - sides[0]
    angles = [name for name in left if name.endswith("_phi")]
    left[angles] = wrap_phi(left[angles])
    return left


def shares(left, middle, width):
    """Shares of events beyond the cuts, by column and jointly."""
    distance = (left - middle).abs() / width
    found = {}
    for cut in CUTS:
        far = distance > cut
        n_far = {name: far[columns].sum(axis=1) for name, columns in OBJECTS.items()}
        joint = {f"{name}, two or more": number >= 2 for name, number in n_far.items()}
        joint["muon and jet"] = (n_far["muon"] > 0) & (n_far["jet"] > 0)
        for name, mask in {**far, **joint}.items():
            found[cut, name] = mask.mean()
    return pd.Series(found)


def error(share, n_events):
    """Standard error of a share; at least that of one event."""
    return np.sqrt(np.maximum(share, 1 / n_events) / n_events)


@contextmanager
def one_density():
    """No event is mismeasured inside."""
    before = _far_events.MOST_FAR
    _far_events.MOST_FAR = 0.0
    try:
        yield
    finally:
        _far_events.MOST_FAR = before


def joint_auc(process, X, y, drawn):
    """Joint AUC of a classifier, by trees and by a network."""
    features = process.features.fit(y)
    rows = slice(N_JUDGED)
    tables = [features.transform(side[rows]) for side in (y, drawn, X)]
    _, aucs = classifier_two_sample_auc(*tables[:2], X=tables[2], random_state=0, return_all=True)
    return max(aucs.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--max-epochs", type=int, default=SETTINGS["wjet"]["max_epochs"])
    parser.add_argument("--factor", type=float, default=1.0, help="of the rates, for few events")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    options = parser.parse_args()
    process = PROCESSES["wjet"]
    events = process.load("wjet", options.n_train + options.n_test)
    rng = np.random.default_rng(0)
    X_train, y_train = both_passes(events, slice(options.n_train))
    y_train = mismeasured(y_train, rng, options.factor)
    X, y, second = (
        side[options.n_train :].reset_index(drop=True)
        for side in (events.X, events.y, events.second)
    )
    X, y, second = both_accepted(X, y, second, events.twice[options.n_train :])
    y, second = (mismeasured(side, rng, options.factor) for side in (y, second))
    print(
        f"{len(X_train)} pairs to train on, {len(X)} events to judge by, two passes each",
        flush=True,
    )
    true = [response(X, side) for side in (y, second)]
    both = pd.concat(true)
    low, middle, high = (both.quantile(level) for level in (0.1587, 0.5, 0.8413))
    scale = middle, 0.5 * (high - low)
    truth, training = shares(both, *scale), shares(response(X_train, y_train), *scale)
    errors = np.hypot(error(truth, len(both)), error(training, len(X_train)))
    passes = [shares(side, *scale) for side in true]
    table = {"training": 1e4 * training, "true": 1e4 * truth, "error": 1e4 * errors}
    pulls = {"floor": (passes[0] - passes[1]) / (2**0.5 * error(truth, len(X)))}
    aucs = {"floor": joint_auc(process, X, y, second)}

    def add(name, seed):
        flow = FlowSimulator(max_epochs=options.max_epochs, random_state=seed)
        start = time.perf_counter()
        model = make_wjet_pipeline(flow).fit(X_train, y_train)
        minutes = (time.perf_counter() - start) / 60
        draws = np.asarray(skjetsim.sample(model, X, n_samples=N_DRAWS, random_state=1))
        drawn = [pd.DataFrame(draws[:, k], columns=y.columns) for k in range(N_DRAWS)]
        share = shares(pd.concat([response(X, each) for each in drawn]), *scale)
        score = np.mean(model.score_samples(X, y))
        aucs[name] = joint_auc(process, X, y, drawn[0])
        table[name] = 1e4 * share
        pulls[name] = (share - truth) / np.hypot(errors, error(share, N_DRAWS * len(X)))
        print(f"{name}: {minutes:.1f} min, mean log p {score:.3f}", flush=True)

    for seed in options.seeds:
        add(f"flow, seed {seed}", seed)
        with one_density():
            add(f"peer, seed {seed}", seed)
    print("\nshare of events beyond a number of standard deviations, 10^-4")
    print(pd.DataFrame(table).to_string(float_format=lambda value: f"{value:.2f}"))
    print("\ndifference from the truth in standard errors")
    print(pd.DataFrame(pulls).to_string(float_format=lambda value: f"{value:.1f}"))
    worst = pd.DataFrame(pulls).abs().max()
    summary = pd.DataFrame({"worst difference": worst, "AUC, joint": aucs})
    print(f"\ngoal of the worst difference: {GOAL}")
    print(summary.to_string(float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main()

"""Turn-on of the acceptance of W + jet, learnt by an `EfficiencySimulator`, and its yields.

An event is accepted if the detector finds a muon and a jet, and they pass the final selection. Of
all generated events, 150,000 are for training, with two detector passes each, and 108,000 for
testing. The output has the relative difference between the number of accepted events and the true
number, in bins of generated jet pT and muon pT. The truth is the mean of two detector passes. The
floor is one pass divided by the other.

"learnt" is the sum of the probabilities of a model that has learnt which events pass the selection.
"drawn" is the number of events that it draws. "cut" is a model that has learnt which events the
detector finds, with the selection applied to its drawn momenta. "training" is the efficiency of the
training events in the same bin. "learnt" shares most of its statistical error.

``--choose`` compares classifiers by held-out log-loss on training events. The best one is the
default of `EfficiencySimulator`.
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

import skjetsim
from benchmarks.shared.event_samples import load_event_sample
from skjetsim.compose import EfficiencySimulator, ResidualTransformer, TransformedSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, PhiRotation
from skjetsim.selection import wjet_selection

N_TRAIN, N_TEST, N_HELD_OUT = 150_000, 108_000, 30_000
EDGES = {
    "jet_pt": (15.0, 20.0, 25.0, 27.5, 30.0, 32.5, 35.0, 40.0),
    "muon_pt": (15.0, 20.0, 21.0, 22.0, 24.0, 26.0, 28.0, 30.0),
}
GOALS = {"bin": 0.02, "yield": 0.005}
FIGURES = Path(__file__).parents[1] / "results" / "efficiency"

# Classifiers to choose from; None is the default of EfficiencySimulator.
TREES = {"learning_rate": 0.05, "max_iter": 1000, "early_stopping": True, "random_state": 0}
NETWORK = {"early_stopping": True, "n_iter_no_change": 5, "batch_size": 512, "random_state": 0}
CLASSIFIERS = {
    "default": None,
    "trees, 31 leaves": HistGradientBoostingClassifier(**TREES),
    "trees, 31 leaves, fast": HistGradientBoostingClassifier(**TREES | {"learning_rate": 0.1}),
    "trees, 8 leaves": HistGradientBoostingClassifier(**TREES, max_leaf_nodes=8),
    "trees, 15 small leaves": HistGradientBoostingClassifier(**TREES, max_leaf_nodes=15),
    "network, scaled": make_pipeline(StandardScaler(), MLPClassifier((64, 64), **NETWORK)),
    "network, quantiles": make_pipeline(
        QuantileTransformer(output_distribution="normal", random_state=0),
        MLPClassifier((64, 64), **NETWORK),
    ),
}


def coordinates():
    """Coordinates of `make_wjet_pipeline`."""
    return [
        CartesianToCylindrical(["muon", "jet"]),
        LogTransformer(["muon_pt", "jet_pt", "jet_mass"]),
        PhiRotation("muon"),
    ]


def make_model(classifier, simulator):
    """Acceptance and response. The response is in the coordinates of residuals."""
    response = TransformedSimulator(simulator, [*coordinates(), ResidualTransformer()])
    return make_pipeline(
        *coordinates(), EfficiencySimulator(response, classifier=classifier, random_state=0)
    )


def with_acceptance(target, accepted, selection=wjet_selection):
    """Detector level in the form that the estimator takes, and the mask of selected events."""
    accepted = np.asarray(accepted & selection(target))
    return target.mul(accepted, axis=0).assign(accepted=accepted.astype(float)), accepted


def accepted_in_bins(values, edges, accepted):
    """Sum of `accepted`, which are events or probabilities, in each bin."""
    return np.histogram(values, edges, weights=np.asarray(accepted, dtype=float))[0]


def relative_error(mean, both, generated):
    """Statistical error of the mean of two passes, which are correlated: they see the same jets."""
    share, variance = mean / generated, mean * (1 - mean / generated)
    return np.sqrt((variance + both - mean * share) / 2) / mean


def turn_on(values, edges, truth, models, training):
    """Table of the turn-on, with one row for each bin.

    `truth` has the masks of two detector passes. `models` has numbers of accepted events by name,
    one for each generated event. `training` has values and masks of the training events.
    """
    one, two = (accepted_in_bins(values, edges, mask) for mask in truth)
    mean = (one + two) / 2
    generated = np.histogram(values, edges)[0]
    error = relative_error(mean, accepted_in_bins(values, edges, truth[0] & truth[1]), generated)
    ratios = {
        f"{name} / true - 1": accepted_in_bins(values, edges, found) / mean - 1
        for name, found in models.items()
    }
    trained = accepted_in_bins(training[0], edges, training[1])
    share = trained / np.histogram(training[0], edges)[0]
    return pd.DataFrame(
        {"generated": generated, "efficiency": mean / generated}
        | ratios
        | {"error": error, "floor": two / one - 1}
        | {
            "training / true - 1": share * generated / mean - 1,
            "its error": np.sqrt((1 - share) / trained),
        },
        index=[f"{low:g}-{high:g} GeV" for low, high in pairwise(edges)],
    )


def choose(X, accepted, held_out):
    """Held-out log-loss of each classifier, for training events."""
    X = make_pipeline(*coordinates()).fit_transform(X)
    flag = pd.DataFrame({"accepted": accepted.astype(float)})
    fit, test = slice(None, -held_out), slice(-held_out, None)
    pt = np.exp(X["jet_log_pt"][test]), np.exp(X["muon_log_pt"][test])
    rows = {}
    for name, classifier in CLASSIFIERS.items():
        model = EfficiencySimulator(FlowSimulator(), classifier=classifier, random_state=0)
        start = time.perf_counter()
        model.fit(X[fit], flag[fit])
        seconds = time.perf_counter() - start
        found = model.efficiency(X[test])
        pulls = []
        for values, edges in zip(pt, EDGES.values(), strict=True):
            expected, true = (
                accepted_in_bins(values, edges, one) for one in (found, accepted[test])
            )
            variance = accepted_in_bins(values, edges, found * (1 - found))
            pulls.append((expected - true) ** 2 / variance)
        rows[name] = {
            "log-loss": log_loss(accepted[test], found),
            "chi2 / bin, jet pT": np.mean(pulls[0]),
            "chi2 / bin, muon pT": np.mean(pulls[1]),
            "yield / true - 1": found.sum() / accepted[test].sum() - 1,
            "fit, s": seconds,
        }
    print(
        f"{len(X) - held_out} events to fit, {held_out} to judge by; {accepted.mean():.4f} accepted"
    )
    print(pd.DataFrame(rows).T.to_string(float_format=lambda value: f"{value:.5f}"), flush=True)


def judge(name, values, truth, models, training):
    """Print the turn-on in one variable, and the number of bins within the goal."""
    table = turn_on(values, EDGES[name], truth, models, training)
    error = np.hypot(table["error"], table["its error"])
    print(f"\ngenerated {name} (goal: within {GOALS['bin']})")
    print(table.to_string(float_format=lambda value: f"{value:.4f}"))
    for model in models:
        off = table[f"{model} / true - 1"].abs()
        print(
            f"{model}: {(off <= GOALS['bin']).sum()} of {len(table)} bins within "
            f"{GOALS['bin']}, {(off <= np.hypot(GOALS['bin'], 2 * error)).sum()} within that and "
            f"two errors, of truth and training; chi2 / bin {np.mean((off / error) ** 2):.2f}",
            flush=True,
        )
    return table


def plot(tables):
    """Turn-on of the truth and of the model, and their ratio."""
    from skjetsim.inspection._style import FLOOR, MODEL, TRUTH_LINE, house_style, style_axes

    with house_style() as plt:
        figure, axes = plt.subplots(
            2,
            len(tables),
            figsize=(5 * len(tables), 5),
            sharex="col",
            height_ratios=(2, 1),
            layout="constrained",
        )
        for (top, bottom), (name, table) in zip(axes.T, tables.items(), strict=True):
            edges = np.array(EDGES[name])
            centres, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
            truth = table["efficiency"]
            ratio = 1 + table["learnt / true - 1"]
            top.stairs(truth, edges, color=TRUTH_LINE, label="detector")
            settings = {"xerr": half, "color": MODEL, "fmt": ".", "label": "EfficiencySimulator"}
            top.errorbar(centres, truth * ratio, **settings)
            band = {"baseline": 1 - table["error"], "color": FLOOR, "fill": True}
            bottom.stairs(1 + table["error"], edges, label="statistical error", **band)
            bottom.stairs(1 + table["floor"], edges, color=TRUTH_LINE, ls=":", label="second pass")
            bottom.errorbar(centres, ratio, **settings | {"label": None})
            for goal in (1 - GOALS["bin"], 1 + GOALS["bin"]):
                bottom.axhline(goal, color="0.5", lw=0.8, ls="--")
            bottom.set(xlabel=f"generated {name.replace('_pt', ' pT')} [GeV]", ylim=(0.8, 1.2))
            top.set_ylim(0, None)
            style_axes(top, bottom)
        axes[0, 0].set_ylabel("efficiency")
        axes[1, 0].set_ylabel("model / detector")
        axes[0, 0].legend(frameon=False)
        axes[1, 0].legend(frameon=False, fontsize="small")
        FIGURES.mkdir(parents=True, exist_ok=True)
        figure.savefig(FIGURES / "turn_on.png", dpi=120)
        plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--max-epochs", type=int, default=20, help="of the flow")
    parser.add_argument("--choose", action="store_true", help="compare classifiers and stop")
    options = parser.parse_args()
    n_all = options.n_train + (0 if options.choose else options.n_test)
    events = load_event_sample("wjet", n_generated=n_all)
    y, accepted = with_acceptance(events.target, events.accepted)
    train, test = slice(options.n_train), slice(options.n_train, None)
    if options.choose:
        choose(events.data, accepted, N_HELD_OUT)
        return
    X = events.data[test].reset_index(drop=True)
    second = events.repeats[0]
    y_again, again = with_acceptance(second.target, second.accepted)
    truth = accepted[test], again[test]
    X_train = twice(events.data[train], events.data[train])
    learnt = fitted("selection", X_train, twice(y[train], y_again[train]), options.max_epochs)
    found = [
        with_acceptance(each.target[train], each.accepted[train], lambda target: True)[0]
        for each in (events, second)
    ]
    detector = fitted("detector", X_train, twice(*found), options.max_epochs)
    drawn, loose = (draw(model, X, y.columns) for model in (learnt, detector))
    models = {
        "learnt": learnt[-1].efficiency(learnt[:-1].transform(X)),
        "drawn": drawn["accepted"],
        "cut": with_acceptance(loose.drop(columns="accepted"), loose["accepted"] == 1)[1],
    }
    both = np.concatenate([accepted[train], again[train]])
    print(f"{len(X)} events to test; {np.mean(truth):.4f} accepted")
    cylindrical = CartesianToCylindrical(["muon", "jet"]).fit(X)
    values, trained = (cylindrical.transform(side) for side in (X, X_train))
    tables = {
        name: judge(name, values[name], truth, models, (trained[name], both)) for name in EDGES
    }
    plot(tables)
    print_yields(truth, models)
    kept = drawn[drawn["accepted"] == 1].drop(columns="accepted")
    print(f"drawn events that pass the selection again: {wjet_selection(kept).mean():.4f}")


def twice(first, second):
    """Rows of both detector passes."""
    return pd.concat([first, second], ignore_index=True)


def fitted(name, X, y, max_epochs):
    """Model of all generated events, and a line about its fit."""
    model = make_model(None, FlowSimulator(max_epochs=max_epochs, random_state=0))
    start = time.perf_counter()
    model.fit(X, y)
    minutes = (time.perf_counter() - start) / 60
    print(
        f"{name}: {len(X)} generated events to train on, {y['accepted'].mean():.4f} accepted; "
        f"{model[-1].classifier_.n_iter_} trees; {minutes:.1f} min",
        flush=True,
    )
    return model


def draw(model, X, columns):
    return pd.DataFrame(skjetsim.sample(model, X, random_state=1), columns=columns)


def print_yields(truth, models):
    """Print the total yields, with their error and floor."""
    one, two = (np.sum(mask) for mask in truth)
    mean = (one + two) / 2
    error = relative_error(mean, np.sum(truth[0] & truth[1]), len(truth[0]))
    print(f"\nyield / true - 1 (goal: within {GOALS['yield']})")
    for name, found in models.items():
        print(f"{name:8s}{np.sum(found) / mean - 1:+.4f}")
    print(f"{'error':8s} {error:.4f}\n{'floor':8s}{two / one - 1:+.4f}")


if __name__ == "__main__":
    main()

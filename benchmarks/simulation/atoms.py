"""Atoms: padded jets, sentinels, saturation, steps and flags are drawn as such, and together.

The events are a toy whose truth is known: up to three jets above a threshold of 20 GeV. Columns of
a jet that is not there are zero. Its tag is -1, its mass -999. A cell saturates at 255, an
isolation comes in steps of 0.5, and a lepton has a charge. A generator learns the events, and a
simulator learns them given two columns of theory level.

For each model, the output has the share of each atom, drawn and true, with the error of both
samples together, the shares of negative pT and of pT in the empty gap, of jets of which only a part
is there, and the joint AUC of the classifiers: of all columns, and of which columns are at an atom.
The column "true" has the floor of the AUC. "off" is the same model without the search for atoms.

    python -m benchmarks.simulation.atoms [--train 40000] [--test 40000] [--epochs 20]
"""

import argparse
from unittest.mock import patch

import numpy as np
import pandas as pd

from skjetsim.flows import FlowGenerator, FlowMatchingGenerator, FlowSimulator
from skjetsim.metrics import classifier_two_sample_auc

THRESHOLD = 20.0  # GeV
ATOMS = {
    "jet2_pt": 0.0,
    "jet3_pt": 0.0,
    "jet3_eta": 0.0,
    "jet3_phi": 0.0,
    "jet2_mass": -999.0,
    "jet2_tag": -1.0,
    "cell": 255.0,
    "isolation": 0.5,
    "charge": 1.0,
}
SEARCHES = "skjetsim._encoders._table", "skjetsim.flows._density_simulator"


def theory(n_events, seed):
    """Theory level of toy events."""
    rng = np.random.default_rng([seed, 0])
    x = 20.0 + rng.exponential(40.0, n_events)
    return pd.DataFrame({"x": x, "rapidity": rng.normal(0.0, 1.2, n_events)})


def measured(X, seed):
    """Detector level."""
    rng = np.random.default_rng([seed, 1])
    n_events = len(X)
    x, rapidity = X["x"].to_numpy(), X["rapidity"].to_numpy()
    y = {}
    there = np.ones(n_events, dtype=bool)
    scale = x
    for number in (1, 2, 3):
        pt = THRESHOLD + rng.exponential(0.5 * scale)
        phi = rng.uniform(-np.pi, np.pi, n_events)
        columns = {"pt": pt, "eta": rapidity + rng.normal(0.0, 0.8, n_events), "phi": phi}
        columns["tag"] = rng.beta(2.0, 4.0, n_events)
        columns["mass"] = pt * rng.lognormal(-2.0, 0.3, n_events)
        padding = {"tag": -1.0, "mass": -999.0}
        for name, values in columns.items():
            y[f"jet{number}_{name}"] = np.where(there, values, padding.get(name, 0.0))
        scale = 0.6 * pt
        there = there & (rng.uniform(size=n_events) < pt / (pt + 25.0))
    y["cell"] = np.minimum(y["jet1_pt"] * rng.normal(2.0, 0.3, n_events), 255.0)
    y["isolation"] = np.round(2.0 * rng.exponential(0.02 * x)) / 2.0
    y["charge"] = np.where(rng.uniform(size=n_events) < 0.5 + 0.1 * np.tanh(rapidity), 1.0, -1.0)
    return pd.DataFrame(y)


def wrong(table):
    """Shares of events that do not exist, as a dict."""
    pt = table[["jet2_pt", "jet3_pt"]].to_numpy()
    parts = [table[f"jet3_{name}"] == 0 for name in ("pt", "eta", "phi")]
    partly = np.any(parts, axis=0) & ~np.all(parts, axis=0)
    return {
        "negative pT": (pt < 0).any(axis=1).mean(),
        "pT in the gap": ((pt > 0) & (pt < 0.98 * THRESHOLD)).any(axis=1).mean(),
        "part of jet 3": partly.mean(),
        "jet 3 without jet 2": ((pt[:, 0] == 0) & (pt[:, 1] != 0)).mean(),
    }


def which_atoms(table):
    """Whether each column is at its atom."""
    return pd.DataFrame({name: (table[name] == value) * 1.0 for name, value in ATOMS.items()})


def auc(true, drawn, X):
    """Largest joint AUC of the classifiers."""
    _, aucs = classifier_two_sample_auc(true, drawn, X=X, random_state=0, return_all=True)
    return max(aucs.values())


def without_atoms(fit):
    """Do a fit that looks for no atoms."""
    table, simulator = (
        patch(f"{module}.repeated_columns", lambda *_, **__: {}) for module in SEARCHES
    )
    with table, simulator:
        return fit()


def models(epochs):
    """Models by name."""
    settings = {"max_epochs": epochs, "random_state": 0}
    return {
        "FlowGenerator": FlowGenerator(**settings),
        "FlowMatchingGenerator": FlowMatchingGenerator(**settings),
        "FlowSimulator": FlowSimulator(**settings),
    }


def draw(model, train, X):
    """Fit a model and draw events for X, or as many as X has."""
    if isinstance(model, FlowSimulator):
        drawn = model.fit(*train).sample(X, random_state=1)
    else:
        drawn = model.fit(train[1]).sample(len(X), random_state=1)
    return pd.DataFrame(drawn, columns=train[1].columns)


def compare(name, model, train, test, again):
    """Print the figures of one model."""
    X, y = test
    given = X if isinstance(model, FlowSimulator) else None
    samples = {"drawn": draw(model, train, X), "off": without_atoms(lambda: draw(model, train, X))}
    print(f"\n{name:24}{'true':>10}{'drawn':>10}{'error':>10}{'off':>10}")
    for column, value in ATOMS.items():
        true, drawn, off = ((table[column] == value).mean() for table in (y, *samples.values()))
        error = np.sqrt((true * (1 - true) + drawn * (1 - drawn)) / len(y))
        print(f"{column + f' = {value:g}':24}{true:10.4f}{drawn:10.4f}{error:10.4f}{off:10.4f}")
    true, drawn, off = (wrong(table) for table in (y, *samples.values()))
    for figure in true:
        print(f"{figure:24}{true[figure]:10.4f}{drawn[figure]:10.4f}{'':10}{off[figure]:10.4f}")
    for label, part in (
        ("AUC, which atoms", which_atoms),
        ("AUC, all columns", lambda table: table),
    ):
        floor, drawn, off = (
            auc(part(y), part(table), given) for table in (again, *samples.values())
        )
        print(f"{label:24}{floor:10.4f}{drawn:10.4f}{'':10}{off:10.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=40_000)
    parser.add_argument("--test", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--models", nargs="*")
    options = parser.parse_args()
    X, held_out = theory(options.train, 0), theory(options.test, 1)
    train, test, again = (
        (X, measured(X, 0)),
        (held_out, measured(held_out, 1)),
        measured(held_out, 2),
    )
    print(
        f"{options.train} events to train on, {options.test} to judge by, {options.epochs} epochs"
    )
    for name, model in models(options.epochs).items():
        if not options.models or name in options.models:
            compare(name, model, train, test, again)


if __name__ == "__main__":
    main()

"""The main job: learn a detector from W + jet events, simulate it, and say how good that is.

``python -m skjetsim.demo`` trains on bundled events, simulates held-out ones, prints a table of
distances beside their floors, and writes ratio plots and a report of one HTML file.
"""

from __future__ import annotations

import argparse
import base64
import html
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

import skjetsim
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowSimulator
from skjetsim.metrics import (
    classifier_two_sample_auc,
    metric_floor,
    residual_wasserstein,
    wasserstein_distance,
)
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer, PhiRotation

__all__ = ["canonical_model", "main"]

SEED = 0
N_FLOOR = 50
UNITS = {"pt": "GeV", "mass": "GeV", "eta": "", "phi": "rad"}


def canonical_model(**flow_parameters):
    """Fast simulation of W + jet: X and y in the same coordinates, and the residual learnt.

    Parameters
    ----------
    **flow_parameters
        Of `FlowSimulator`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Takes and gives events as (px, py, pz), mass and missing (px, py).
    """

    def coordinates():
        return [
            CartesianToCylindrical(["muon", "jet"]),
            LogTransformer(["muon_pt", "jet_pt", "jet_mass"]),
            PhiRotation("muon"),
        ]

    simulator = FlowSimulator(**flow_parameters)
    return make_pipeline(
        *coordinates(), TransformedSimulator(simulator, [*coordinates(), ResidualTransformer()])
    )


def measure(X, y, simulated, second, second_accepted):
    """Distances of a simulation from the truth, feature by feature, beside what must fail.

    Parameters
    ----------
    X, y, simulated : DataFrame of shape (n_samples, 9)
        Theory level, detector level, and simulated detector level of the same events.
    second : DataFrame of shape (n_samples, 9)
        The same events through the detector once more: the floor.
    second_accepted : ndarray of bool of shape (n_samples,)
        Which rows of `second` hold an event.

    Returns
    -------
    table : DataFrame
        One row a feature. Columns: W1 of the marginal in standard deviations of the truth, and
        the largest W1 of the response over four bins of generated jet pT, in standard deviations
        of the response; for the model, the floor, X passed off as y ("identity"), and y of
        other events ("shuffled").
    cylindrical : dict of DataFrame
        The samples as (pt, eta, phi).
    """
    to_cylindrical = CartesianToCylindrical().fit(X)
    cylindrical = {
        name: to_cylindrical.transform(events)
        for name, events in (("X", X), ("y", y), ("simulated", simulated))
    }
    X, y, simulated = cylindrical.values()
    rows = np.flatnonzero(second_accepted)
    replica = to_cylindrical.transform(second.iloc[rows])
    shuffled = y.sample(frac=1, random_state=SEED).reset_index(drop=True)

    def response(generated, truth=y, X=X):
        return residual_wasserstein(truth, generated, X=X, by="jet_pt", bins=4).max()

    def marginal(generated):
        return wasserstein_distance(y, generated, scale="std")

    floor = metric_floor(
        lambda truth, generated, X: response(generated, truth, X).to_numpy(),
        y.iloc[rows].reset_index(drop=True),
        n_repeats=N_FLOOR,
        random_state=SEED,
        replica=replica.reset_index(drop=True),
        X=X.iloc[rows].reset_index(drop=True),
    )
    marginal_floor = metric_floor(
        wasserstein_distance,
        y.iloc[rows].reset_index(drop=True),
        n_repeats=N_FLOOR,
        random_state=SEED,
        replica=replica.reset_index(drop=True),
        metric_params={"scale": "std"},
    )
    table = pd.DataFrame(
        {
            ("marginal W1 / std", "model"): marginal(simulated),
            ("marginal W1 / std", "floor 95%"): marginal_floor.quantiles[2],
            ("marginal W1 / std", "identity"): marginal(X),
            ("marginal W1 / std", "shuffled"): marginal(shuffled),
            ("response W1 / std", "model"): response(simulated).to_numpy(),
            ("response W1 / std", "floor 95%"): floor.quantiles[2],
            ("response W1 / std", "identity"): response(X).to_numpy(),
            ("response W1 / std", "shuffled"): response(shuffled).to_numpy(),
        },
        index=list(y.columns),
    )
    return table, cylindrical


def rates(model, X, *, n_events=100_000, n_chain=500):
    """Events a second of the model and of the chain it replaces, one core each, and sizes.

    Parameters
    ----------
    model : fitted simulator or Pipeline
    X : DataFrame
    n_events, n_chain : int
        Events that are timed.

    Returns
    -------
    list of (str, str)
        What was measured, and the value.
    """
    many = pd.concat([X] * (n_events // len(X) + 1), ignore_index=True)
    start = time.perf_counter()
    skjetsim.sample(model, many, random_state=SEED)
    fast = len(many) / (time.perf_counter() - start)
    facts = [("simulated events / s, one thread", f"{fast:,.0f}")]
    try:
        from skjetsim.datasets import generate_wjet

        start = time.perf_counter()
        generate_wjet(n_chain, random_state=SEED)
        chain = n_chain / (time.perf_counter() - start)
        facts.append(("Pythia + detector, events / s, one process", f"{chain:,.0f}"))
        facts.append(("ratio", f"{fast / chain:,.0f}"))
    except ImportError:
        facts.append(("Pythia + detector", "not installed: pip install skjetsim[pythia]"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.skjetsim")
        skjetsim.save(model, path)
        facts.append(("model file, kB", f"{os.path.getsize(path) / 1000:,.0f}"))
        path = os.path.join(folder, "events.parquet")
        many.astype(np.float32).to_parquet(path, compression="zstd", index=False)
        facts.append(("bytes an event, stored", f"{os.path.getsize(path) / len(many):.1f}"))
    return facts


def draw(cylindrical, folder):
    """Write the ratio plots of features and of responses; returns the paths of the PNGs."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from skjetsim.inspection import MarginalDisplay
    from skjetsim.preprocessing import wrap_phi

    X, y, simulated = cylindrical.values()
    paths = []
    for kind in ("features", "responses"):
        figure, axes = plt.subplots(
            6, 3, figsize=(13, 14), height_ratios=(3, 1) * 3, layout="constrained"
        )
        for index, column in enumerate(y.columns):
            row, place = divmod(index, 3)
            samples = [y[column], simulated[column]]
            label = column
            if kind == "responses":
                samples = [sample - X[column] for sample in samples]
                label = f"{column}: detector - generator"
                if column.endswith("phi"):
                    samples = [wrap_phi(sample) for sample in samples]
            if unit := UNITS[column.split("_")[-1]]:
                label = f"{label} [{unit}]"
            display = MarginalDisplay.from_samples(*samples, name=label, bins=40)
            log = kind == "responses" or column.endswith(("pt", "mass"))
            display.plot(axes[2 * row, place], ratio_ax=axes[2 * row + 1, place], log=log)
        paths.append(Path(folder) / f"{kind}.png")
        figure.savefig(paths[-1], dpi=80)
        plt.close(figure)
    return paths


def write_report(folder, table, facts, pictures):
    """Write one HTML file that holds everything, pictures included."""
    images = "".join(
        f"<h2>{path.stem}</h2><img alt='{path.stem}' "
        f"src='data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}'>"
        for path in pictures
    )
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in facts
    )
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>skjetsim: W + jet</title>"
        "<style>body{font-family:sans-serif;max-width:70em;margin:2em auto}img{max-width:100%}"
        "td,th{padding:.2em .8em;text-align:right}</style>"
        f"<h1>Fast simulation of W + jet</h1><table>{rows}</table>"
        f"<h2>Distances</h2>{table.to_html(float_format='%.4f')}{images}</html>"
    )
    path = Path(folder) / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def main(arguments=None):
    """Run the demo.

    Parameters
    ----------
    arguments : list of str, optional
        Command line; that of the process by default.

    Returns
    -------
    DataFrame
        The table that is printed.
    """
    parser = argparse.ArgumentParser(prog="python -m skjetsim.demo", description=__doc__)
    parser.add_argument("--output", default="demo_report", help="folder of plots and report")
    parser.add_argument("--events", type=int, default=None, help="use only so many events")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of training")
    parser.add_argument("--chain-events", type=int, default=500, help="Pythia events to time")
    options = parser.parse_args(arguments)

    data = load_wjet()
    n_events = min(options.events or len(data.data), len(data.data))
    n_train = 2 * n_events // 3
    test = slice(n_train, n_events)
    X, y = data.data, data.target
    print(f"{n_train} events to train on, {n_events - n_train} held out")

    start = time.perf_counter()
    model = canonical_model(max_epochs=options.epochs, random_state=SEED, verbose=1)
    model.fit(X[:n_train], y[:n_train])
    training = time.perf_counter() - start

    X_test, y_test = (side[test].reset_index(drop=True) for side in (X, y))
    simulated = pd.DataFrame(skjetsim.sample(model, X_test, random_state=SEED), columns=y.columns)
    second = data.repeats[0]
    table, cylindrical = measure(
        X_test,
        y_test,
        simulated,
        second.target[test].reset_index(drop=True),
        second.accepted[test],
    )
    auc = classifier_two_sample_auc(
        cylindrical["y"], cylindrical["simulated"], X=cylindrical["X"], random_state=SEED
    )
    n_tested = int(0.4 * len(y_test))
    facts = [
        ("training, s", f"{training:.0f}"),
        (
            f"joint AUC, {len(y_test)} events a side (0.5: cannot be told apart)",
            f"{auc:.3f} +- {1 / np.sqrt(6 * n_tested):.3f}",
        ),
        *rates(model, X_test, n_chain=options.chain_events),
    ]
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(cylindrical, folder)
    report = write_report(folder, table, facts, pictures)

    print()
    print(table.to_string(float_format=lambda value: f"{value:.4f}"))
    print()
    for name, value in facts:
        print(f"{name:.<70} {value}")
    print(f"\nplots and report: {', '.join(str(path) for path in (*pictures, report))}")
    return table


if __name__ == "__main__":
    main()

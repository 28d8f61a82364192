"""Simulating and unfolding with models of unpaired events: published, preset, improved, floor.

Models are trained on events whose rows do not correspond. They are compared as published: the model
on one half of the test events with the truth of the other half. The distances are KS, the mean
squared difference of sorted values (W2 squared, GeV^2), and chi2 per degree of freedom of 50 bins.
The floor compares the truth of both halves. If both levels have the same columns, "identity" takes
the events of the other level in place of drawn ones. The response is compared with that of held-out
pairs. Fitted models are kept in ``benchmarks/.cache``. Delete them to time the training again.
"""

import argparse
import hashlib
import json
import re
import time
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import torch

import skjetsim
from benchmarks.shared.event_samples import CACHE, load_event_sample
from benchmarks.shared.processes import four_momenta, massive
from benchmarks.unpaired.unpaired_processes import PROCESSES, massless
from skjetsim.inspection import MarginalDisplay, TransportPlanDisplay
from skjetsim.metrics import chi2_per_dof, ks_distance, transport_cost

FIGURES = Path(__file__).parents[1] / "results" / "unpaired"


def figures(truth, drawn):
    """W2 squared, chi2 per degree of freedom and KS of each observable."""
    table = {}
    for name in truth:
        pair = truth[[name]], drawn[[name]]
        n = min(map(len, pair))
        gap = np.sort(pair[0].to_numpy()[:n, 0]) - np.sort(pair[1].to_numpy()[:n, 0])
        table[name] = (np.mean(gap**2), chi2_per_dof(*pair)[0], ks_distance(*pair)[0])
    return pd.DataFrame(table, index=["W2 sq", "chi2/dof", "KS"]).T


def fitted(name, model, X, y, **fit_params):
    """Fit a model, or read one from an earlier run. Returns its time of training, too."""
    # The text of a long estimator is cut, that of its parameters is not.
    params = [f"{key}={value}" for key, value in model.get_params().items()]
    settings = sorted(text for text in params if "object at" not in text)
    key = hashlib.sha256(f"{name} {settings} {len(X)} {len(y)}".encode()).hexdigest()[:12]
    path = CACHE / "unpaired" / f"{key}.skjetsim"
    note = path.with_suffix(".json")
    if note.exists():
        return skjetsim.load(path), json.loads(note.read_text())
    path.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    model.fit(X, y, **fit_params)
    times = {"minutes": (time.perf_counter() - start) / 60, "threads": torch.get_num_threads()}
    skjetsim.save(model, path)
    note.write_text(json.dumps(times))
    return model, times


def load(process, name, n_events):
    """X and y of accepted events, without fast jets to which single precision gives E <= p."""
    events = load_event_sample(name, n_events)
    rows = np.ones(n_events, dtype=bool)
    if process.massive:
        rows = massive(events.target[four_momenta(*process.massive)])
    return [side[rows].reset_index(drop=True) for side in (events.data, events.target)]


def unpaired(X, y, n_pairs=0):
    """Training events. Only the first rows of X and y correspond."""
    order = np.arange(len(X))
    order[n_pairs:] = np.random.default_rng(0).permutation(order[n_pairs:])
    return X, y.iloc[order].reset_index(drop=True)


def print_distances(process, level, tables):
    """Print for each observable: published, models, floor, identity; goal of the KS distance."""
    print(f"\nlevel {level}: {'E(y) against X' if level == 'z' else 'D(X) against y'}")
    for measure in ("KS", "W2 sq", "chi2/dof"):
        shown = pd.DataFrame({name: table[measure] for name, table in tables.items()})
        column = ("W2 sq", "chi2/dof", "KS").index(measure)
        published = {
            name: values[column]
            for (where, name), values in process.published.items()
            if where == level
        }
        shown.insert(0, "published", pd.Series(published, dtype=float))
        if measure == "KS":
            shown.insert(
                0, "goal", [process.goals.get((level, name), np.nan) for name in shown.index]
            )
        print(f"\n{measure}\n{shown.to_string(float_format='{:.4g}'.format, na_rep='')}")


def response(X, y):
    """Ratio of measured to true electron pT: mean and half of the central 68%, in bins of pT."""
    pt = [np.hypot(side.electron_px, side.electron_py).to_numpy() for side in (X, y)]
    ratio, rows = pt[1] / pt[0], {}
    for low, high in ((10, 25), (25, 35), (35, 45), (45, 60), (60, 1000)):
        own = ratio[(pt[0] >= low) & (pt[0] < high)]
        width = np.diff(np.quantile(own, [0.16, 0.84]))[0] / 2
        rows[f"{low}-{high} GeV"] = {"mean": own.mean(), "width": width}
    return pd.DataFrame(rows).T


def print_response(X, y, drawn):
    """Mean and width of the response beside those of pairs; correlations and costs of the plan."""
    print("\nresponse of the electron's pT in bins of its true pT, beside that of held-out pairs")
    tables = {"pairs": response(X, y)} | {name: response(X, d) for name, d in drawn.items()}
    print(pd.concat(tables, axis=1).to_string(float_format="{:.4f}".format))
    shared = [column for column in X if column in y]
    print("\ncorrelation of X and D(X), and cost of the plan (rms way / std)")
    columns = {}
    for name, events in {"pairs": y, **drawn}.items():
        columns[f"r, {name}"] = {c: np.corrcoef(X[c], events[c])[0, 1] for c in shared}
        cost = transport_cost(X[shared], events[shared], scale="std")
        columns[f"cost, {name}"] = dict(zip(shared, cost, strict=True))
    print(pd.DataFrame(columns).to_string(float_format="{:.4f}".format))


def draw_figures(process, stem, model, truth, drawn):
    """Ratio plots of the masses, and the transport of pT. `truth` is X and y of two halves."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    FIGURES.mkdir(parents=True, exist_ok=True)
    (X, y), (other_X, other_y) = truth
    again = _table(skjetsim.sample(model, drawn["back"], random_state=3), y)
    theory, measured, window = process.mass
    levels = {
        "E(y)": (process.theory, theory, other_X, drawn["z"]),
        "D(X)": (process.measured, measured, other_y, drawn["x"]),
        "D(E(y))": (process.measured, measured, y, again),
    }
    for label, (observables, name, true, events) in levels.items():
        pair = observables(true)[name], observables(events)[name]
        display = MarginalDisplay.from_samples(
            *pair, name=f"{name.replace('_', ' ')} of {label} [GeV]", bins=60, range=window
        ).plot()
        short = "".join(c for c in label if c.isalnum())
        display.figure_.savefig(FIGURES / f"{stem}_mass_{short}.png", dpi=80)
        plt.close(display.figure_)
    pt = [np.hypot(t.electron_px, t.electron_py) for t in (X, drawn["x"], y)]
    display = TransportPlanDisplay.from_samples(
        *map(np.asarray, pt), name="electron pT [GeV]", range=(10, 80)
    ).plot()
    display.figure_.savefig(FIGURES / f"{stem}_plan_pt.png", dpi=80)
    plt.close(display.figure_)


def _table(rows, like):
    return pd.DataFrame(np.asarray(rows), columns=like.columns)


def run(process, name, made, train, test, stem):
    """Fit a model, draw from it and compare. Returns tables by level, and D(X)."""
    model_of = process.models[name]
    if model_of.massless:
        train, test = ([X, massless(y)] for X, y in (train, test))
    n_pairs = int(model_of.share_of_pairs * len(train[0]))
    mask = np.arange(len(train[0])) < n_pairs
    fit_params = {"transformedsimulator__paired": mask} if n_pairs else {}
    model, times = fitted(name, made, *unpaired(*train, n_pairs), **fit_params)
    print(f"{name}: fitted in {times['minutes']:.1f} min on {times['threads']} threads")
    half = len(test[0]) // 2
    ours, theirs = ([side[rows] for side in test] for rows in (slice(half), slice(half, None)))
    X, y = ours
    drawn = {
        "z": _table(skjetsim.sample_inverse(model, y, random_state=1), X),
        "x": _table(skjetsim.sample(model, X, random_state=1), y),
    }
    drawn["back"] = _table(skjetsim.sample_inverse(model, y, random_state=2), X)
    if process.passes:
        rates = [process.passes(events).mean() for events in (drawn["x"], y)]
        print(f"{name}: {rates[0]:.4f} of D(X) pass the thresholds, {rates[1]:.4f} of y")
    if stem:
        stem += "_".join(re.findall(r"\w+", name))
        draw_figures(process, stem, model, (ours, theirs), drawn)
    tables = {
        "z": figures(process.theory(theirs[0]), process.theory(drawn["z"])),
        "x": figures(process.measured(theirs[1]), process.measured(drawn["x"])),
    }
    return tables, drawn["x"]


def parsed():
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="some of the process's, unless named")
    parser.add_argument("--process", choices=list(PROCESSES), default="zee")
    parser.add_argument("--n-train", type=int)
    parser.add_argument("--n-test", type=int)
    parser.add_argument("--exchange", action="store_true", help="the halves change places")
    parser.add_argument("--settings", default="{}", help="of all models, as JSON, to try them")
    return parser.parse_args()


def split(process, options):
    """Training and test events: X and y of each. Test events are in two halves of equal length."""
    X, y = load(process, options.process, process.n_train + process.n_test)
    train = [side[: options.n_train or process.n_train] for side in (X, y)]
    rows = slice(process.n_train, process.n_train + (options.n_test or process.n_test))
    test = [side[rows].reset_index(drop=True) for side in (X, y)]
    half = len(test[0]) // 2
    order = np.arange(-half, half) if options.exchange else np.arange(2 * half)
    return train, [side.iloc[order].reset_index(drop=True) for side in test]


def main():
    options = parsed()
    process = PROCESSES[options.process]
    train, test = split(process, options)
    half = len(test[0]) // 2
    n_train = len(train[0])
    print(f"{options.process}: {n_train} unpaired events to train on, {half} a side to compare")
    settings = json.loads(options.settings)
    # Plots are those of the models as they are.
    tried = settings or options.exchange or options.n_train or options.n_test
    stem = None if tried else f"{options.process}_"
    tables, moved = {"z": {}, "x": {}}, {}
    for name in options.models or process.shown:
        made = process.models[name].make(**settings)
        of_model, moved[name] = run(process, name, made, train, test, stem)
        for level, table in of_model.items():
            tables[level][name] = table
    sides = {"z": (process.theory, *test), "x": (process.measured, *test[::-1])}
    for level, (observables, own, other) in sides.items():
        truth = observables(own[half:])
        tables[level]["floor"] = figures(truth, observables(own[:half]))
        if list(own) == list(other):
            tables[level]["identity"] = figures(truth, observables(other[:half]))
        print_distances(process, level, tables[level])
    print_response(test[0][:half], test[1][:half], moved)


if __name__ == "__main__":
    main()

"""Metrics compared with their peers, in one run on one machine.

`wasserstein_distance` on 10^6 events x 9 features is compared with scipy in a loop over columns,
both on one thread. The classifier two-sample test is timed for 100,000 events on each side. The
floor of `wasserstein_distance`, which sorts the events once, is compared with a loop over the same
number of comparisons. `nearest_neighbour_ratio` is timed for 100,000 events of 11 columns, and
`model_report` for a small flow with 5,000 and with 10^6 events.

    python -m benchmarks.metrics.metrics [--events 1000000] [--skip-classifier]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats
from threadpoolctl import threadpool_info

from skjetsim.flows import FlowSimulator
from skjetsim.inspection import model_report
from skjetsim.metrics import (
    classifier_two_sample_auc,
    metric_floor,
    nearest_neighbour_ratio,
    wasserstein_distance,
)

N_REPEATS, N_LOOPED = 500, 5
GOAL_REPORT = 120.0  # seconds for 10^6 events


def scipy_loop(truth, generated, sample_weight=None, generated_weight=None):
    return np.array(
        [
            scipy.stats.wasserstein_distance(a, b, sample_weight, generated_weight)
            for a, b in zip(truth.T, generated.T, strict=True)
        ]
    )


def best_of(function, n_runs=3):
    times = []
    for _ in range(n_runs):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def wasserstein(n_events):
    rng = np.random.default_rng(0)
    truth, generated = rng.normal(size=(2, n_events, 9))
    weight = rng.uniform(0.5, 1.5, size=n_events)
    cases = {
        "equal length": (truth, generated, {}),
        "unequal length": (truth, generated[: -n_events // 10], {}),
        "weighted": (truth, generated, {"sample_weight": weight, "generated_weight": weight}),
    }
    print(f"wasserstein_distance, {n_events} x 9, one thread each, best of 3")
    for name, (one, two, options) in cases.items():
        ours, value = best_of(lambda: wasserstein_distance(one, two, **options))  # noqa: B023
        theirs, oracle = best_of(lambda: scipy_loop(one, two, **options))  # noqa: B023
        worst = np.max(np.abs(value - oracle) / oracle)
        print(
            f"  {name:15s} skjetsim {ours:6.2f} s   scipy loop {theirs:6.2f} s   "
            f"{theirs / ours:4.1f} times as fast, relative difference {worst:.0e}"
        )


def classifier(n_events):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_events, 9))
    truth, second_pass = (X + 0.2 * rng.normal(size=X.shape) for _ in range(2))
    wider = X + 0.22 * rng.normal(size=X.shape)
    threads = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    print(f"classifier_two_sample_auc, {n_events} events a side, 9 + 9 columns, {threads} threads")
    for name, generated in (("truth, second pass", second_pass), ("10% too wide", wider)):
        start = time.perf_counter()
        cpu = time.process_time()
        _, aucs = classifier_two_sample_auc(truth, generated, X=X, random_state=0, return_all=True)
        areas = ", ".join(f"{key} {value:.4f}" for key, value in aucs.items())
        print(
            f"  {name:20s} {areas}   {time.perf_counter() - start:5.1f} s "
            f"({time.process_time() - cpu:.1f} s of processor time)"
        )


def floor(n_events):
    truth = np.random.default_rng(0).normal(size=(n_events, 6))
    ours, _ = best_of(
        lambda: metric_floor(wasserstein_distance, truth, n_repeats=N_REPEATS, random_state=0), 1
    )

    def loop():
        rng = np.random.default_rng(0)
        for _ in range(N_LOOPED):
            order = rng.permutation(n_events)
            wasserstein_distance(truth[order[: n_events // 2]], truth[order[n_events // 2 :]])

    theirs, _ = best_of(loop, 1)
    theirs *= N_REPEATS / N_LOOPED
    print(
        f"metric_floor(wasserstein_distance), {n_events} x 6, {N_REPEATS} repeats: {ours:.1f} s; "
        f"loop {theirs:.0f} s (from {N_LOOPED} repeats), {theirs / ours:.1f} times as fast"
    )


def neighbours(n_events):
    train, generated, held_out = np.random.default_rng(0).normal(size=(3, n_events, 11))
    seconds, value = best_of(
        lambda: nearest_neighbour_ratio(train, generated, held_out=held_out, random_state=0), 1
    )
    print(f"nearest_neighbour_ratio, {n_events} x 11: {seconds:.1f} s, ratio {value:.3f}")


def report(n_events):
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(6)]
    X, y, second = (pd.DataFrame(rng.normal(size=(n_events, 6)), columns=names) for _ in range(3))
    y, second = X + 0.2 * y, X + 0.2 * second
    model = FlowSimulator(n_transforms=2, hidden_features=(32,), max_epochs=2, random_state=0)
    model.fit(X[:20_000], y[:20_000])
    for given, text in ((None, "one pass"), ((second, np.ones(n_events, bool)), "two passes")):
        start, cpu = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.html"
            model_report(model, X, y, path, second_pass=given, random_state=0, verbose=0)
        goal = f" (goal: {GOAL_REPORT:.0f} s)" if n_events == 1_000_000 else ""
        print(
            f"model_report, {n_events} events, {text}: {time.perf_counter() - start:.1f} s, "
            f"{time.process_time() - cpu:.1f} s of processor time{goal}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--skip-classifier", action="store_true")
    arguments = parser.parse_args()
    wasserstein(arguments.events)
    if not arguments.skip_classifier:
        classifier(min(100_000, arguments.events))
    floor(arguments.events)
    neighbours(min(100_000, arguments.events))
    for n_events in (5000, arguments.events):
        report(n_events)


if __name__ == "__main__":
    main()

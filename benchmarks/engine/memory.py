"""Peak memory of sampling to a Parquet file: 10^5, 10^6 and 10^7 events, each in a fresh process.

A generator draws nine columns, and a simulator draws from a file of generated events. Their
networks are small, so that the larger samples take a minute. How well they model W + jet does not
matter here. Time and peak are those of the process, which also loads the model.

Then the peak of many draws per event in memory, over the size of the result: of a bare flow, and of
the W + jet pipeline, whose draws are taken back through its transformers.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import pandas as pd

import skjetsim
from skjetsim._drawing._sample_chunks import sample_chunks
from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.io import iter_events, write_events
from skjetsim.response import make_wjet_pipeline

SMALL = {"n_transforms": 2, "hidden_features": (32,), "max_epochs": 2, "random_state": 0}
COUNTS = (100_000, 1_000_000, 10_000_000)
# Of the peak of the largest sample over that of the next: the first few blocks, which are all there
# is of 10^5 events, do not yet fill what the allocator keeps.
GOAL = 1.05
N_ROWS, N_DRAWS, GOAL_DRAWS = 2000, 100, 2.5


def sample_to_file(kind, n_events, folder):
    """Draw events in a fresh process, and print its time in seconds and its peak in MB."""
    start = time.perf_counter()
    model = skjetsim.load(folder / kind)
    if kind == "simulator":
        chunks = sample_chunks(model, iter_events(folder / f"{n_events}.parquet"), random_state=0)
    else:
        chunks = sample_chunks(model, n_samples=n_events, random_state=0)
    write_events(folder / "drawn.parquet", chunks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB on Linux, bytes on macOS
    megabytes = peak / (2**20 if sys.platform == "darwin" else 2**10)
    print(time.perf_counter() - start, megabytes)


def measure(kind, n_events, folder):
    """Seconds, peak in MB, and size of the file in MB."""
    command = [sys.executable, __file__, "--worker", kind, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--counts", str(n_events)], check=True, capture_output=True, text=True
    )
    seconds, peak = map(float, done.stdout.split())
    return {"s": seconds, "peak, MB": peak, "file, MB": _megabytes(folder / "drawn.parquet")}


def _megabytes(path):
    return path.stat().st_size / 2**20


def tiled(X, n_events):
    """Events of a table, repeated, one table at a time."""
    for start in range(0, n_events, len(X)):
        yield X[: n_events - start]


def many_draws(X, y):
    """Print the peak of draws in memory over the size of the result."""
    flow = FlowSimulator(**SMALL)
    for name, model in {"flow": flow, "W + jet pipeline": make_wjet_pipeline(flow)}.items():
        model.fit(X, y)
        skjetsim.sample(model, X[:10], n_samples=2)
        tracemalloc.start()
        drawn = skjetsim.sample(model, X[:N_ROWS], n_samples=N_DRAWS, random_state=0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(
            f"{name}: {N_DRAWS} draws of {N_ROWS} events take {peak / drawn.nbytes:.2f} times the "
            f"memory of the result (goal: at most {GOAL_DRAWS})"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--models", nargs="+", default=["generator", "simulator"])
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        sample_to_file(options.worker, options.counts[0], options.folder)
        return
    X, y = load_wjet(return_X_y=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        skjetsim.save(FlowGenerator(**SMALL).fit(y), folder / "generator")
        skjetsim.save(FlowSimulator(**SMALL).fit(X, y), folder / "simulator")
        for kind in options.models:
            rows = {}
            for n_events in options.counts:
                if kind == "simulator":
                    write_events(folder / f"{n_events}.parquet", tiled(X, n_events))
                rows[f"{n_events:,}"] = measure(kind, n_events, folder)
            table = pd.DataFrame(rows).T
            print(f"\n{kind}, {y.shape[1]} columns")
            print(table.to_string(float_format=lambda value: f"{value:.1f}"))
            before, last = table["peak, MB"].iloc[-2:]
            print(
                f"peak of {table.index[-1]} events over that of {table.index[-2]}: "
                f"{last / before:.3f} (goal: at most {GOAL})",
                flush=True,
            )
    many_draws(X, y)


if __name__ == "__main__":
    main()

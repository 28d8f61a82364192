"""Time of reading and writing events, compared with bare Uproot and pyarrow; memory of streaming.

In each round, all competitors are timed in turn, on one thread, with the files in the page cache.
The output has the minimum and the median over the rounds, and ratios of both. Memory is the peak of
a separate process (VmHWM), next to that of a process that only imports.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from skjetsim.datasets import load_wjet
from skjetsim.io import iter_events, read_events, write_events

GOALS = {"ratio": 1.2, "gigabytes": 1.0}
BASKET = 100_000


def wjet_table(n_rows):
    """Events of both levels in 18 columns: the bundled ones, repeated and varied."""
    X, y = load_wjet(return_X_y=True)
    table = pd.concat([X.add_prefix("gen_"), y.add_prefix("reco_")], axis=1)
    rows = np.arange(n_rows) % len(table)
    shaken = np.random.default_rng(0).normal(1.0, 0.01, size=(n_rows, table.shape[1]))
    return (table.iloc[rows].reset_index(drop=True) * shaken).astype(np.float32)


def bare_write_root(path, table, kind):
    """Write a TTree or RNTuple, in baskets or clusters of the size that skjetsim writes."""
    with uproot.recreate(path) as file:
        make = file.mktree if kind == "TTree" else file.mkrntuple
        tree = make("events", dict(table.dtypes))
        for start in range(0, len(table), BASKET):
            part = table.iloc[start : start + BASKET]
            tree.extend({name: part[name].to_numpy() for name in part})


def bare_write_parquet(path, table):
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)


def bare_read_root(path):
    with uproot.open({path: None}) as file:
        return file["events"].arrays(library="pd")


def bare_read_parquet(path):
    return pq.read_table(path).to_pandas()


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def compare(title, rounds, ours, bare, goal=None):
    """Print minimum and median of two calls timed in turn, and the ratio of each."""
    pairs = [[seconds(*ours), seconds(*bare)] for _ in range(rounds + 1)]
    times = np.array(pairs[1:])  # the first round pays for imports and fresh memory
    best, middle = times.min(axis=0), np.median(times, axis=0)
    print(
        f"{title:15s} {ours[0].__name__} min {best[0]:.3f} s, median {middle[0]:.3f} s; bare min "
        f"{best[1]:.3f} s, median {middle[1]:.3f} s; ratio {best[0] / best[1]:.2f}, of medians "
        f"{middle[0] / middle[1]:.2f}" + (f" (goal: at most {goal})" if goal else ""),
        flush=True,
    )


def chunks(n_rows, n_columns):
    """Events that are made while they are written."""
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, BASKET):
        values = rng.normal(50.0, 20.0, size=(min(BASKET, n_rows - start), n_columns))
        yield pd.DataFrame(values, columns=[f"jet{i}_pt" for i in range(n_columns)])


def stream(task, path, n_rows, n_columns):
    """Run one task in its own process; print the number of rows and the peak memory."""
    n_seen = 0
    if task == "write_events":
        write_events(path, chunks(n_rows, n_columns))
    elif task == "iter_events":
        n_seen = sum(len(chunk) for chunk in iter_events(path))
    elif task == "convert":
        write_events(Path(path).with_suffix(".copy.root"), iter_events(path))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(n_seen, int(peak.split()[1]) * 1024 / 1e9)


def peak_memory(title, task, path, size):
    """Run `stream` in a fresh process and print its peak memory and time."""
    command = [sys.executable, __file__, "--stream", task, str(path), *map(str, size)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    n_seen, gigabytes = done.stdout.split()
    assert task != "iter_events" or int(n_seen) == size[0]
    text = f"{title:15s} peak {float(gigabytes):.2f} GB"
    if task != "nothing":
        text += (
            f" (goal: below {GOALS['gigabytes']}): {task} of {size[0]:,} rows x {size[1]} columns"
        )
    print(f"{text}, {wall:.0f} s", flush=True)


def time_files(folder, n_rows, rounds):
    table = wjet_table(n_rows)
    pa.set_cpu_count(1)
    parquet, tree, ntuple = (str(folder / name) for name in ("a.parquet", "a.root", "n.root"))
    write_events(parquet, table)
    write_events(tree, table)
    bare_write_root(ntuple, table, "RNTuple")
    goal = GOALS["ratio"]
    for title, path, bare in (
        ("Parquet", parquet, bare_read_parquet),
        ("TTree", tree, bare_read_root),
        ("RNTuple", ntuple, bare_read_root),
    ):
        compare(title, rounds, (read_events, path), (bare, path), goal)
    other = str(folder / "bare")
    compare("Parquet", 3, (write_events, parquet, table), (bare_write_parquet, other, table))
    compare("TTree", 3, (write_events, tree, table), (bare_write_root, other, table, "TTree"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--streamed", type=int, default=10_000_000)
    parser.add_argument("--stream", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        task, path, n_rows, n_columns = options.stream
        stream(task, path, int(n_rows), int(n_columns))
        return
    size = options.streamed, 10
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        time_files(folder, options.rows, options.rounds)
        peak_memory("Imports alone", "nothing", folder, size)
        for title, path in (("Parquet", folder / "s.parquet"), ("TTree", folder / "s.root")):
            peak_memory(title, "write_events", path, size)
            peak_memory(title, "iter_events", path, size)
        peak_memory("Parquet to ROOT", "convert", folder / "s.parquet", size)


if __name__ == "__main__":
    main()

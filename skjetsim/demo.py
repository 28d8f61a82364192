"""The main job: learn a detector from W + jet events, simulate it, and say how good that is.

``python -m skjetsim.demo`` trains on bundled events, simulates held-out ones, prints a table of
distances beside their floors, and writes ratio plots and a report of one HTML file.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowSimulator
from skjetsim.inspection import model_report
from skjetsim.preprocessing import CartesianToCylindrical
from skjetsim.response import make_wjet_pipeline
from skjetsim.selection import wjet_selection
from skjetsim.utils._install import install_command

__all__ = ["main"]

SEED = 0


def options_of(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m skjetsim.demo", description=__doc__)
    parser.add_argument("--output", default="demo_report", help="folder of plots and report")
    parser.add_argument("--events", type=int, default=None, help="use only so many events")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of training")
    parser.add_argument("--chain-events", type=int, default=500, help="Pythia events to time")
    return parser.parse_args(arguments)


def chain_rate(n_events):
    """Events per second of the chain that the model replaces, in one process; None without it."""
    from skjetsim.datasets import generate_wjet

    try:
        start = time.perf_counter()
        generate_wjet(n_events, random_state=SEED)
        return n_events / (time.perf_counter() - start)
    except ImportError:
        return None


def stored_bytes(events):
    """Bytes per event in a Parquet file of single precision."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        settings = {"compression": "zstd", "index": False, "use_dictionary": False}
        events.astype(np.float32).to_parquet(path, **settings)
        return path.stat().st_size / len(events)


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
    options = options_of(arguments)
    data = load_wjet()
    n_events = min(options.events or len(data.data), len(data.data))
    train, test = slice(2 * n_events // 3), slice(2 * n_events // 3, n_events)
    print(f"{train.stop} events to train on, {n_events - train.stop} held out")

    start = time.perf_counter()
    simulator = FlowSimulator(max_epochs=options.epochs, random_state=SEED, verbose=1)
    model = make_wjet_pipeline(simulator).fit(data.data[train], data.target[train])
    facts = {"training, s": f"{time.perf_counter() - start:.0f}"}
    facts["bytes an event, stored"] = f"{stored_bytes(data.target[test]):.1f}"
    chain = chain_rate(options.chain_events)
    facts["Pythia + detector, events / s, one process"] = (
        f"{chain:,.0f}" if chain else f"not installed: {install_command('pythia')}"
    )
    folder, second_pass = Path(options.output), data.repeats[0]
    found = model_report(
        model,
        data.data[test],
        data.target[test],
        folder / "report.html",
        transformer=CartesianToCylindrical(),
        by="jet_pt",
        second_pass=(second_pass.target[test], second_pass.accepted[test]),
        selection=wjet_selection,
        facts=facts,
        title="Fast simulation of W + jet",
        random_state=SEED,
    )
    for name in ("features", "responses"):
        (folder / f"{name}.png").write_bytes(found.pictures[name])
    if chain:
        found.facts["ratio of the events / s"] = f"{found.rate / chain:,.0f}"
    print_summary(found)
    return found.distances


def print_summary(found):
    """Print the tables and sentences of the report."""
    distances = {kind: found.distances[kind] for kind in found.distances.columns.levels[0]}
    rest = {"quantiles of the response": found.response_quantiles, "calibration": found.calibration}
    for heading, table in {**distances, **rest, "selection": found.yields}.items():
        if table is None:
            continue
        shown = table.to_string(float_format="{:.4f}".format, na_rep="")
        print(f"\n{heading}\n{shown}")
    print()
    for name, value in found.facts.items():
        print(f"{name:.<70} {value}")
    print("", *found.verdict, "", sep="\n")
    print(f"plots and report: {found.path.parent}, {found.path}")


if __name__ == "__main__":
    main()

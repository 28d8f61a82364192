"""Physics of the generated events: every quantity with its reference and its statistical error.

``python -m benchmarks.datasets.physics`` prints all sections and draws their plots into
``benchmarks/results/physics``. Names of sections select some of them. If ``../shared/data`` does
not exist, comparisons with its files are left out, and the output says so.
"""

import argparse
import importlib
import time
from pathlib import Path

import matplotlib

SECTIONS = ("z", "parton", "ttbar", "jets", "detector", "showers")
# Partons alone cost next to nothing.
TIMES_AS_MANY = {"parton": 20}
FOLDER = Path(__file__).parents[1] / "results" / "physics"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    parser.add_argument("--events", type=int, default=10_000, help="of each process")
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"there are no sections {sorted(unknown)}, only {', '.join(SECTIONS)}")
    matplotlib.use("Agg")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in options.sections or SECTIONS:
        start = time.perf_counter()
        print(f"== {name}\n")
        module = importlib.import_module(f"benchmarks.datasets.physics_{name}")
        n_events = options.events * TIMES_AS_MANY.get(name, 1)
        module.section(n_events, options.n_jobs, FOLDER)
        print(f"({(time.perf_counter() - start) / 60:.1f} minutes)\n", flush=True)


if __name__ == "__main__":
    main()

"""Rate of generating events, jets and images on one core, from hard process to detector.

Multiparton interactions are on. The time includes the start of Pythia, half a second. It is
processor time, so other work on the machine does not affect it.
"""

import argparse
import time
from functools import partial

from skjetsim import datasets

# Goals in rows a second.
GOALS = {"Z -> ee": 60, "gluon jets": 40}


CASES = {
    "Z -> ee": datasets.generate_zee,
    "Z -> mumu": datasets.generate_zmumu,
    "W + jet": datasets.generate_wjet,
    "Z + jet": datasets.generate_zjet,
    "top pairs": datasets.generate_ttbar,
    **{
        f"{kind} jets": partial(datasets.generate_jets, kind=kind)
        for kind in ("gluon", "quark", "top", "w", "z")
    },
    **{
        f"{kind} jet images": partial(datasets.generate_jet_images, kind=kind)
        for kind in ("w", "qcd")
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    options = parser.parse_args()
    print(f"{options.rows} rows each, one process\n")
    print(f"{'':20s}{'rows / s':>10s}{'goal':>8s}{'ms / row':>10s}")
    for name, generate in CASES.items():
        start = time.process_time()
        generate(options.rows, random_state=0)
        seconds = time.process_time() - start
        rate, goal = options.rows / seconds, GOALS.get(name, "")
        print(f"{name:20s}{rate:10.1f}{goal:>8}{1000 / rate:10.2f}", flush=True)


if __name__ == "__main__":
    main()

"""Rate of showers on one thread, by particle and method, in the default calorimeter.

Energies are uniform from 1 to 100 GeV, as in the training sample of CaloGAN. Time is processor
time, so other work on the machine does not affect it.

    OMP_NUM_THREADS=1 python -m benchmarks.datasets.shower_speed [--showers 2000]
"""

import argparse
import time

import numpy as np

from skjetsim.datasets import make_showers

GOALS = {"spots": 500, "profile": 10_000}
PARTICLES = ("electron", "photon", "pion")


def rate(energy, particle, method, n_runs=5):
    """Showers per second, the best of some runs."""
    times = []
    for _ in range(n_runs):
        start = time.process_time()
        make_showers(energy, particle, method=method, random_state=0)
        times.append(time.process_time() - start)
    return len(energy) / min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--showers", type=int, default=2000)
    options = parser.parse_args()
    energy = np.random.default_rng(0).uniform(1.0, 100.0, options.showers)
    print(f"{options.showers} showers of 1 to 100 GeV, 504 cells, one thread, best of 5")
    print(f"  {'method':10s}{'particle':10s}{'goal / s':>10s}{'reached / s':>13s}")
    for method, goal in GOALS.items():
        for particle in PARTICLES:
            reached = rate(energy, particle, method)
            print(f"  {method:10s}{particle:10s}{goal:10d}{reached:13.0f}")


if __name__ == "__main__":
    main()

"""Sliced Wasserstein distance: time of a training step, and error by numbers of samples and slices.

A step computes value and gradient for 20,000 rows of 8 columns along 1000 slices. It is compared
with torch's sort along the batch, as in the published code, with its sort along the last axis, and
with POT without a gradient. The error is that of W_2 squared between two normals in 8 dimensions,
shifted by one, for which 1/8 is right.
"""

import argparse
import time

import numpy as np
import ot
import pandas as pd
import torch

from skjetsim._nn import sliced_wasserstein

N_ROWS, N_COLUMNS, N_SLICES = 20_000, 8, 1000
N_REPEATS = 3
N_TRIALS = 10


def directions_of(n_slices, generator):
    """Uniform directions on the sphere."""
    random = torch.randn(n_slices, N_COLUMNS, generator=generator)
    return torch.nn.functional.normalize(random, dim=1)


def down_the_batch(generated, target, directions):
    """As published: both sides are sorted along the batch, with gradients of both projections."""
    ours, theirs = generated @ directions.T, target @ directions.T
    return (ours.sort(dim=0).values - theirs.sort(dim=0).values).square().mean()


def last_axis(generated, target, directions):
    """Sorted along the last axis, without a gradient of the target."""
    with torch.no_grad():
        theirs = (directions @ target.T).sort(dim=1).values
    return ((directions @ generated.T).sort(dim=1).values - theirs).square().mean()


def seconds(distance, generated, target, directions):
    """Least time of a few steps."""
    times = []
    for _ in range(N_REPEATS):
        generated = generated.detach().requires_grad_()
        start = time.perf_counter()
        distance(generated, target, directions).backward()
        times.append(time.perf_counter() - start)
    return min(times)


def print_times(n_threads):
    """Print steps per second of all implementations."""
    torch.set_num_threads(n_threads)
    generator = torch.Generator().manual_seed(0)
    generated, target = (torch.randn(N_ROWS, N_COLUMNS, generator=generator) for _ in range(2))
    directions = directions_of(N_SLICES, generator)
    ways = {"down the batch": down_the_batch, "last axis": last_axis, "ours": sliced_wasserstein}
    times = {
        name: seconds(distance, generated, target, directions) for name, distance in ways.items()
    }
    start = time.perf_counter()
    ot.sliced_wasserstein_distance(
        generated.numpy(), target.numpy(), projections=directions.numpy().T
    )
    times["POT, value alone"] = time.perf_counter() - start
    table = pd.DataFrame({"s": times})
    table["times ours"] = table["s"] / times["ours"]
    print(f"\n{N_ROWS} rows, {N_SLICES} slices, {n_threads} threads")
    print(table.to_string(float_format="{:.2f}".format))


def print_errors():
    """Print mean and scatter of the distance of shifted normals, for which 1/8 is right."""
    print("\nW2 squared of normals in 8 dimensions, shifted by one: mean and scatter; right: 0.125")
    rows = {}
    for n_rows in (500, 2000, 8000, 32_000):
        for n_slices in (10, 100, 1000):
            values = []
            for trial in range(N_TRIALS):
                generator = torch.Generator().manual_seed(trial)
                one, two = (torch.randn(n_rows, N_COLUMNS, generator=generator) for _ in range(2))
                two[:, 0] += 1
                values.append(
                    float(sliced_wasserstein(one, two, directions_of(n_slices, generator)))
                )
            rows.setdefault(n_rows, {})[f"{n_slices} slices"] = (
                f"{np.mean(values):.4f} +- {np.std(values, ddof=1):.4f}"
            )
    print(pd.DataFrame(rows).T.to_string())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    for n_threads in options.threads:
        print_times(n_threads)
    print_errors()


if __name__ == "__main__":
    main()

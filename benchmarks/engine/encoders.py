"""Time to learn, encode and decode showers of 504 cells, and to encode a single event.

Half of the cells of a shower are empty, so every column is mapped through its quantiles. For
comparison, the same is done column by column. Times are processor times of this thread, the best of
several rounds.

    python -m benchmarks.engine.encoders [--rows 4096] [--columns 504]
"""

import argparse
import time

import numpy as np

from skjetsim._encoders._condition import ConditionEncoder
from skjetsim._encoders._table import TableEncoder

GOAL = 20.0  # ms, for 4,096 x 504


def milliseconds(function, n_rounds=7):
    times = []
    for _ in range(n_rounds):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return 1e3 * min(times)


def showers(n_rows, n_columns):
    rng = np.random.default_rng(0)
    energies = rng.exponential(size=(n_rows, n_columns))
    return np.where(rng.random(energies.shape) < 0.5, 0.0, energies)


def together(table):
    encoder = TableEncoder(range(table.shape[1]))
    learn = milliseconds(lambda: encoder.fit(table))
    inputs = encoder.encode(table)
    error = np.abs(encoder.decode(inputs) - table).max()
    times = {
        "learn": learn,
        "encode": milliseconds(lambda: encoder.encode(table)),
        "decode": milliseconds(lambda: encoder.decode(inputs)),
        "log_det": milliseconds(lambda: encoder.log_det(table)),
    }
    return times, error


def one_by_one(table):
    columns = [table[:, j : j + 1] for j in range(table.shape[1])]
    encoders = [TableEncoder([0]) for _ in columns]

    def each(method, tables):
        return [getattr(e, method)(t) for e, t in zip(encoders, tables, strict=True)]

    learn = milliseconds(lambda: each("fit", columns), 2)
    inputs = each("encode", columns)
    return {
        "learn": learn,
        "encode": milliseconds(lambda: each("encode", columns), 2),
        "decode": milliseconds(lambda: each("decode", inputs), 2),
        "log_det": milliseconds(lambda: each("log_det", columns), 2),
    }


def one_event():
    """Microseconds per event of the encoders of W + jet (12 columns given, 9 drawn)."""
    table = np.random.default_rng(0).standard_cauchy((4096, 12))
    condition, target = ConditionEncoder(range(12)).fit(table), TableEncoder(range(9))
    target.fit(table[:, :9])
    row, inputs = table[:1], np.zeros((1, 9))
    steps = {
        "check": lambda: condition.check(row),
        "encode": lambda: condition.encode(row),
        "decode": lambda: target.decode(inputs),
    }
    return {name: 1e3 * milliseconds(step, 500) for name, step in steps.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--columns", type=int, default=504)
    options = parser.parse_args()
    table = showers(options.rows, options.columns)
    reached, error = together(table)
    before = one_by_one(table)
    print(f"{options.rows} x {options.columns}, half-empty; largest round-trip error {error:.1e}")
    print(f"{'':10}{'goal / ms':>12}{'reached':>12}{'one by one':>12}")
    for name, value in reached.items():
        print(f"{name:10}{GOAL:12.0f}{value:12.1f}{before[name]:12.1f}")
    print("one event, microseconds: ", end="")
    print(", ".join(f"{name} {value:.0f}" for name, value in one_event().items()))


if __name__ == "__main__":
    main()

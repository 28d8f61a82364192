"""Import time, and time and size of saved models, of the default FlowSimulator."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import skjetsim
from skjetsim.flows import FlowSimulator


def import_seconds(module, repeats=7):
    """Median time of importing a module in a fresh interpreter."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return statistics.median(runs)


def main():
    ours, theirs = import_seconds("skjetsim"), import_seconds("sklearn")
    print(f"import skjetsim {ours:.3f} s, import sklearn {theirs:.3f} s")
    print(f"difference {ours - theirs:+.3f} s (goal: at most +0.25 s)")
    everything = "skjetsim.compose, skjetsim.flows, skjetsim.metrics, skjetsim.pipeline"
    print(f"and with what a user imports next, {everything}: {import_seconds(everything):.3f} s")

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 2000, 9))
    model = FlowSimulator(max_epochs=1, random_state=0).fit(X, y)
    n_bytes = sum(value.numel() * 4 for value in model.net_.module_.parameters())
    saving, loading = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.skjetsim")
        for _ in range(10):
            start = time.perf_counter()
            skjetsim.save(model, path)
            middle = time.perf_counter()
            loaded = skjetsim.load(path)
            saving.append(middle - start)
            loading.append(time.perf_counter() - middle)
        size = os.path.getsize(path)
    same = (loaded.sample(X, random_state=0) == model.sample(X, random_state=0)).all()
    saved, read = (statistics.median(times) * 1e3 for times in (saving, loading))
    print(f"save {saved:.0f} ms, load {read:.0f} ms")
    print("goal: under 100 ms each")
    limit = 1.2 * n_bytes + 64_000
    print(f"file {size:,} bytes, parameters {n_bytes:,} bytes, goal: at most {limit:,.0f} bytes")
    print(f"same events after loading: {bool(same)}")


if __name__ == "__main__":
    main()

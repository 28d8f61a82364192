"""Import time, time and size of saved models of the default FlowSimulator, and lines of code.

Lines of code are those without docstrings, comments and blank lines.
"""

import ast
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tokenize
from collections import Counter
from pathlib import Path

import numpy as np

import skjetsim
from skjetsim.flows import FlowSimulator

GOAL_LINES = 17_890
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def import_seconds(module, repeats=7):
    """Median time of importing a module in a fresh interpreter."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return statistics.median(runs)


def code_lines(source):
    """Number of lines of code of a file, without docstrings, comments and blank lines."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE and token.string:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        if documented and ast.get_docstring(node, clean=False) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def print_code_lines():
    root = Path(skjetsim.__file__).parent
    packages = Counter()
    for path in root.rglob("*.py"):
        packages[path.relative_to(root).parts[0]] += code_lines(path.read_text(encoding="utf-8"))
    print(f"lines of code {packages.total():,} (goal: at most {GOAL_LINES:,})")
    print(", ".join(f"{name.removesuffix('.py')} {n:,}" for name, n in packages.most_common()))


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
    print_code_lines()


if __name__ == "__main__":
    main()

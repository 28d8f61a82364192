"""Every example of the gallery runs, as a script, and its figures can be drawn."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import skjetsim

EXAMPLES = Path(skjetsim.__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*/plot_*.py"))

# In a process of its own: examples leave figures, styles and threads behind. On a machine with a
# screen `show` warns that the backend of tests has none.
RUN = """
import runpy, sys, warnings
import matplotlib.pyplot as plt
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive", UserWarning)
runpy.run_path(sys.argv[1], run_name="__main__")
assert plt.get_fignums(), "no figure was made"
for number in plt.get_fignums():
    plt.figure(number).canvas.draw()
"""


def test_there_are_examples():
    assert SCRIPTS


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_example_runs(script, tmp_path):
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, script],
        cwd=tmp_path,  # an example writes nothing into the repository
        env=os.environ | threads | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr

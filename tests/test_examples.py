"""Every example of the gallery runs, as a script, on few events and for one epoch.

The site's gallery runs them whole.
"""

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
import re, sys, warnings
from pathlib import Path
import matplotlib.pyplot as plt
import _quick
_quick.make_quick(step=4)
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive", UserWarning)
code = _quick.with_fewer_events(Path(sys.argv[1]).read_text(encoding="utf-8"), step=4)
exec(compile(code, sys.argv[1], "exec"), {"__name__": "__main__"})
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
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, script],
        cwd=tmp_path,  # an example writes nothing into the repository
        env=os.environ | threads | {"MPLBACKEND": "Agg", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr

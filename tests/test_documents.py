"""The code in README.md and in the user guide runs, on few events and for one epoch."""

import re
from pathlib import Path

import _quick
import pytest

import skjetsim
from skjetsim import datasets

ROOT = Path(skjetsim.__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """One event in fifty, one epoch: what a document does, in seconds."""
    _quick.make_quick(50, monkeypatch.setattr)
    # Pythia takes half a second for twenty events, and has tests of its own.
    for name in ("generate_zjet", "generate_zee"):
        few = datasets.load_wjet
        monkeypatch.setattr(datasets, name, lambda *args, few=few, **kwargs: few())
    monkeypatch.chdir(tmp_path)


def shortened(code):
    """Thousands of events become twenties, hundreds of repeats a few."""
    code = re.sub(r"\b(\d+)_000\b", lambda match: str(20 * int(match[1])), code)
    code = re.sub(r"cv=\d+", "cv=2", code)
    return re.sub(r"n_repeats=\d+", "n_repeats=3", code)


@pytest.mark.parametrize("document", ["README.md", "doc/user_guide.md"])
@pytest.mark.usefixtures("small")
def test_documents_run(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python") > 0
    namespace = {"__name__": document}
    for number, block in enumerate(blocks):
        exec(compile(shortened(block), f"{document}, block {number}", "exec"), namespace)

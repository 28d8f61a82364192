"""The code in README.md and in the user guide runs, on few events and for one epoch."""

import dataclasses
import re
from pathlib import Path

import pytest

import skjetsim
from skjetsim import datasets
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.inspection import _closure

ROOT = Path(skjetsim.__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """One event in fifty, one epoch: what a document does, in seconds."""
    load, plan = datasets.load_wjet, NetworkEstimator._training_plan

    def load_few(**options):
        events = load(**options)
        if isinstance(events, tuple):
            return tuple(table.iloc[::50] for table in events)
        first, *repeats = (events, *events.repeats)
        for each in (first, *repeats):
            each.update(target=each.target.iloc[::50], accepted=each.accepted[::50])
        first.data = first.data.iloc[::50]
        return first

    def one_epoch(self, *arguments):
        return dataclasses.replace(plan(self, *arguments), max_epochs=1)

    monkeypatch.setattr(datasets, "load_wjet", load_few)
    # Pythia takes half a second for twenty events, and has tests of its own.
    for name in ("generate_zjet", "generate_zee"):
        monkeypatch.setattr(datasets, name, lambda *args, **kwargs: load_few())
    monkeypatch.setattr(_closure, "MIN_EVENTS", 20)
    monkeypatch.setattr(NetworkEstimator, "_training_plan", one_epoch)
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

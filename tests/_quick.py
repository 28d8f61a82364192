"""Programs that train for a minute, in seconds: one epoch, and one event out of several."""

import dataclasses
import re

from skjetsim import datasets
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.inspection import _closure

PLAN = NetworkEstimator._training_plan


def one_epoch(self, *arguments):
    """Stand in for `NetworkEstimator._training_plan`."""
    return dataclasses.replace(PLAN(self, *arguments), max_epochs=1)


def every_so_many(load, step):
    """A function like `load`, that gives every `step`-th of its events."""

    def load_few(**options):
        events = load(**options)
        if isinstance(events, tuple):
            return tuple(table[::step].reset_index(drop=True) for table in events)
        for each in (events, *events.repeats):
            each.update(
                target=each.target[::step].reset_index(drop=True), accepted=each.accepted[::step]
            )
        events.data = events.data[::step].reset_index(drop=True)
        return events

    return load_few


def make_quick(step, setattr=setattr):
    """Change the package for a program: `setattr` may be that of a monkeypatch."""
    for name in ("load_wjet", "load_zee"):
        setattr(datasets, name, every_so_many(getattr(datasets, name), step))
    for place, name, value in (
        (_closure, "MIN_EVENTS", 20),
        (NetworkEstimator, "_training_plan", one_epoch),
    ):
        setattr(place, name, value)


def with_fewer_events(code, step):
    """A program with numbers of thousands, and of generated events, that much smaller."""
    code = re.sub(r"\b(\d+)_(\d{3})\b", lambda match: str(int(match[1] + match[2]) // step), code)
    return re.sub(r"(generate_\w+)\(800", r"\1(200", code)

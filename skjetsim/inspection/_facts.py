"""Facts for the table at the top of a report: names, events, speed and size of the model."""

import json
import os
import tempfile
import time
import zipfile

import numpy as np

from skjetsim._drawing._sample import sample, sample_inverse
from skjetsim.base._composition import parts_of
from skjetsim.inspection import _summary as summary
from skjetsim.inspection._compared import NEIGHBOURS, RATE
from skjetsim.metrics import correlation_difference, nearest_neighbour_ratio
from skjetsim.utils._seeds import int_seed
from skjetsim.utils._tables import take_rows
from skjetsim.utils._threads import single_threaded

TIMED_SECONDS = 0.5  # a shorter draw is repeated with more events
MOST_TIMED = 200_000
DRAWN = {None: "generated", "forward": "simulated", "inverse": "unfolded"}


def name_of(estimator):
    """Classes from the outside in, to the model itself, or to the first of several parts."""
    names = []
    while estimator is not None:
        names.append(type(estimator).__name__)
        estimator = next(iter(parts_of(estimator).values()), None)
    return ", ".join(names)


def draw_again(estimator, events, rows, *, n_samples=None, random_state=None):
    """Draw once more for some rows of the events of a report; a generator draws as many."""
    settings = {"n_samples": n_samples, "random_state": random_state}
    if events.direction is None:
        return sample(estimator, n_samples=len(rows), random_state=random_state)
    draw = sample if events.direction == "forward" else sample_inverse
    return draw(estimator, take_rows(events.inputs, rows), **settings)


def auc_facts(events, auc, auc_error, root):
    """Area under the curve, and the events that it was measured with."""
    n_events = f"{min(len(events.truth), len(events.generated)):,}"
    judged = f"{summary.n_classified(events.truth, events.generated):,}"
    joint = "" if events.given is None else "joint "
    what = f"{joint}AUC, {judged} events per side (0.5: cannot be told apart)"
    lines = {"events": n_events, what: f"{auc:.3f} +- {auc_error:.3f}"}
    if (floor := summary.floor_auc(events, root)) is not None:
        lines["joint AUC of the second detector pass"] = f"{floor[0]:.3f} +- {floor[1]:.3f}"
    return lines


def generator_facts(events, train, root):
    """Correlations, and the memory of a generator."""
    lines = {}
    if len(events.truth.columns) > 1:
        difference = correlation_difference(events.truth, events.generated)
        lines["largest difference of a correlation"] = f"{difference:.4f}"
    if train is not None:
        ratio = nearest_neighbour_ratio(
            train,
            np.asarray(events.handed["generated"]),
            held_out=np.asarray(events.handed["truth"]),
            random_state=int_seed(root, NEIGHBOURS),
        )
        lines["distance to training over held-out events (1: no memory)"] = f"{ratio:.3f}"
    return lines


def rate_facts(events, rate, busy):
    """Speed of the model."""
    what = f"{DRAWN[events.direction]} events / s, one thread"
    return {what: f"{rate:,.0f} ({busy:.1f} cores busy)"}


def rate_of(estimator, events, root):
    """Events per second, and average number of busy cores, of a draw that is long enough."""
    n_events, seed = min(len(events.truth), MOST_TIMED), int_seed(root, RATE)
    while True:
        rows = np.arange(n_events) % len(events.generated)
        with single_threaded():
            start, cpu = time.perf_counter(), time.process_time()
            draw_again(estimator, events, rows, random_state=seed)
            seconds = max(time.perf_counter() - start, 1e-9)
            cpu_seconds = time.process_time() - cpu
        if seconds >= TIMED_SECONDS or n_events >= MOST_TIMED:
            return n_events / seconds, cpu_seconds / seconds
        n_events = min(4 * n_events, MOST_TIMED)


def file_facts(estimator):
    """Size of the model's file, and what it takes to read it."""
    from skjetsim.persistence import load, save

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.skjetsim")
        try:
            save(estimator, path)
        except TypeError as error:
            return {"model file": f"cannot be saved: {error}"}
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        lines = {
            "numbers stored in the model": f"{manifest['parameters']:,}",
            "model file, kB": f"{os.path.getsize(path) / 1000:,.0f}",
        }
        try:
            load(path)
        except TypeError as error:
            lines["reading the model file"] = f"needs trust: {error}"
    return lines

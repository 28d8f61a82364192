"""The way back of drawn events through transformers: in blocks, and again if it leads nowhere."""

import numpy as np
import pandas as pd

from skjetsim.base._finite import taking_back
from skjetsim.utils._seeds import as_seed_sequence, child_seed
from skjetsim.utils._validation import all_finite
from skjetsim.utils._warnings import warn_user

BLOCK_ROWS = 8192  # that are taken back at once, which bounds the memory
N_TRIES = 20
AGAIN = 2**31  # branch of the seed of a call, beyond the numbers of its chunks
NOTABLE, LEAST_NOTABLE = 0.01, 10  # share and number of redrawn events from which users are warned


def take_back(stages, drawn, check, again=None, random_state=None):
    """Take drawn events back through transformers, and draw those anew that have no way back.

    A transformer such as `PowerTransformer` has no inverse beyond a bound, and gives NaN. The i-th
    such event is replaced by the i-th event of a further draw, so that the events of a short call
    are the first ones of a long call. Infinite events are errors: they come from rows that lie too
    far from the fit.

    Parameters
    ----------
    stages : list of (transformer, callable)
        In the order in which they are undone. `undo(events, rows)` takes events back that were
        drawn for the rows `rows` of the call.
    drawn : ndarray or DataFrame
    check : callable
        `check(marks)` raises if an array with one row per event has NaN.
    again : callable, optional
        `again(rows, seed)` draws new events for some rows. Without it, NaN is an error.
    random_state : None, int, Generator, RandomState or SeedSequence
        That of the draw.

    Returns
    -------
    ndarray or DataFrame
    """
    n_rows, result = len(drawn), _Result(drawn)
    lost, far = np.zeros((2, n_rows), dtype=bool)
    for start in range(0, max(n_rows, 1), BLOCK_ROWS):
        rows = np.arange(start, min(start + BLOCK_ROWS, n_rows))
        part = drawn if len(rows) == n_rows else _take(drawn, slice(rows[0], rows[-1] + 1))
        part, lost[rows], far[rows] = _undo(stages, part, rows)
        result.put(rows, part)
    bad = np.flatnonzero(lost)
    if far.any() or (len(bad) and again is None):
        _fail(check, lost | far, stages)
    _warn_of_redraws(len(bad), n_rows, stages)
    for number in range(N_TRIES if len(bad) else 0):
        seed = child_seed(as_seed_sequence(random_state), AGAIN, number)
        part, lost, far = _undo(stages, again(bad, seed), bad)
        if far.any():
            break
        result.put(bad, part)
        bad = bad[lost]
        if not len(bad):
            break
    if len(bad):
        _fail(check, np.isin(np.arange(n_rows), bad), stages)
    return result.table()


def _undo(stages, events, rows):
    """Events in front of the transformers, and masks of those that became NaN and infinite.

    A copy of another event is in place of each of the latter. If there is no other event, the
    events are None, because the stages that are left cannot be undone.
    """
    lost, far = np.zeros((2, len(events)), dtype=bool)
    for step, undo in stages:
        with taking_back(step):
            events = undo(events, rows)
        values = np.asarray(events)
        if values.dtype.kind != "f" or all_finite(values):
            continue
        values = values.reshape(len(values), -1)
        far |= np.isinf(values).any(axis=1)
        lost |= np.isnan(values).any(axis=1)
        if (lost | far).all():
            events = None
            break
        kept = np.flatnonzero(~(lost | far))[0]  # in place of the others, for the next transformer
        events = _take(events, np.where(lost | far, kept, np.arange(len(values))), keep_index=True)
    return events, lost & ~far, far


def _fail(check, bad, stages):
    names = " and ".join(type(step).__name__ for step, _ in stages)
    try:
        check(np.where(bad, np.nan, 0.0)[:, None])
    except ValueError as error:
        error.add_note(f"{names} took the events back, and may have no inverse there.")
        raise


def _warn_of_redraws(n_bad, n_rows, stages):
    if n_bad < max(LEAST_NOTABLE, NOTABLE * n_rows):
        return
    names = " and ".join(type(step).__name__ for step, _ in stages)
    warn_user(
        f"{n_bad} of {n_rows} drawn events had no inverse under {names} and were drawn again. The "
        "density does not take this into account. A QuantileTransformer or a LogTransformer has an "
        "inverse everywhere."
    )


def _take(table, rows, keep_index=False):
    """Rows of an array, or of a DataFrame of pandas or polars."""
    if not hasattr(table, "iloc"):
        return table[rows]
    taken = table.iloc[rows]
    return taken.set_axis(table.index) if keep_index else taken


def _concatenate(parts):
    if hasattr(parts[0], "iloc"):
        return pd.concat(parts)
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.vstack(part)  # of polars
    return joined


class _Result:
    """A table as long as `drawn`, of parts that came back. Arrays are not copied twice."""

    def __init__(self, drawn):
        self.n_rows, self.index = len(drawn), getattr(drawn, "index", None)
        self.array, self.frames = None, []
        self.source = None  # rows of the joined frames

    def put(self, rows, part):
        """Write a part at the positions `rows`, over what was there. None leaves them open."""
        if part is None:
            return
        if not isinstance(part, np.ndarray):
            if self.source is None:
                self.source = np.zeros(self.n_rows, dtype=np.intp)
            self.source[rows] = sum(map(len, self.frames)) + np.arange(len(rows))
            self.frames.append(part)
        elif self.array is None and len(part) == self.n_rows:
            self.array = part
        else:
            if self.array is None:
                self.array = np.empty((self.n_rows, *part.shape[1:]), part.dtype)
            self.array[rows] = part

    def table(self):
        if self.array is not None:
            return self.array
        if len(self.frames) == 1:
            table = self.frames[0]
        else:
            table = _take(_concatenate(self.frames), self.source)
        if not hasattr(table, "iloc"):  # of polars
            return table
        if self.index is not None:
            return table.set_axis(self.index)
        return table if len(self.frames) == 1 else table.reset_index(drop=True)

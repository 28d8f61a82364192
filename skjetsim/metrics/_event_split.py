"""Training, validation and test events of the two-sample test; an event is on one side only."""

import warnings

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_VALIDATION_SHARE = 0.15
# A value that more than this share of a sample has is an atom of the distribution, such as a
# padding of zeros. A classifier has to see it on both sides.
_LARGEST_GROUP = 0.1
# If fewer rows than this share are repeated, they hardly move the area. Rare combinations of
# discrete columns are a few.
_FEW = 0.01


def split_by_event(samples, groups, test_size, rng, *, given_x):
    """Rows of the concatenated samples for training, validation and test, whole events each.

    Parameters
    ----------
    samples : pair of ndarray
        True and generated rows; with X, the columns of X come first.
    groups : array-like of shape (n,) or None
        Events by name. By default row i of equally long samples is one event, and rows that are
        repeated in one of the samples belong to one event, too.
    test_size : float
    rng : numpy.random.Generator
    given_x : bool
        Whether rows hold X.

    Returns
    -------
    list of three ndarray of int
    """
    event = _events(*samples, given_x) if groups is None else _groups(*samples, groups)
    n_events = event.max() + 1
    position = rng.permutation(n_events)[event]
    n_test = round(test_size * n_events)
    n_validation = round(_VALIDATION_SHARE * (n_events - n_test))
    test = position < n_test
    validation = ~test & (position < n_test + n_validation)
    rows = (~test & ~validation, validation, test)
    return [np.flatnonzero(each) for each in rows]


def _groups(truth, generated, groups):
    if len(truth) != len(generated):
        raise ValueError(
            f"groups needs equally long samples, got {len(truth)} true and {len(generated)} "
            "generated events."
        )
    event = np.asarray(groups)
    if event.shape != (len(truth),):
        raise ValueError(f"groups has shape {event.shape}, expected ({len(truth)},).")
    return np.tile(np.unique(event, return_inverse=True)[1], 2)


def _events(truth, generated, given_x):
    """Number of the event of each row."""
    n_truth, n_generated = len(truth), len(generated)
    paired = n_truth == n_generated
    event = np.tile(np.arange(n_truth), 2) if paired else np.arange(n_truth + n_generated)
    repeats = _repeats(truth, generated)
    if repeats is None:
        return event
    joined = _joined(event, repeats)
    if paired and np.bincount(joined).max() > _LARGEST_GROUP * len(event):
        if given_x:
            warnings.warn(
                "rows of truth and of generated are repeated in different orders, so that no split "
                "keeps all copies of an event on one side, and the area may be wrong. Name the "
                "events by groups=, or pass each row once, with its number of copies as weight.",
                UserWarning,
                stacklevel=4,
            )
            return event
        joined = _joined(np.arange(n_truth + n_generated), repeats)
    return joined


def _repeats(truth, generated):
    """Number of the value of each row that its sample repeats and the other one lacks, else -1.

    A classifier recognises such a row in the test by its copies in the training. Values of both
    samples are no signs of a copy, but those of discrete columns. None if there is no such row.
    """
    samples = [_row_hashes(table) for table in (truth, generated)]
    ids, n_found = [], 0
    for own, other in (samples, samples[::-1]):
        code, values = pd.factorize(own)
        count = np.bincount(code)
        chosen = (count > 1) & (count <= _LARGEST_GROUP * len(own))
        if chosen.any():
            chosen &= ~np.isin(values, other)
        if count[chosen].sum() < _FEW * len(own):
            chosen[:] = False
        number = np.where(chosen, n_found + np.cumsum(chosen) - 1, -1)
        n_found += int(chosen.sum())
        ids.append(number[code])
    return np.concatenate(ids) if n_found else None


def _row_hashes(table):
    """One 64-bit number for each row; equal rows have equal numbers."""
    bits = np.ascontiguousarray(table + 0.0).view(np.uint64)  # 0.0 and -0.0 are equal
    result = np.zeros(len(table), dtype=np.uint64)
    for column in bits.T:
        result = (result ^ column) * np.uint64(0x9E3779B97F4A7C15)
        result ^= result >> np.uint64(29)
    return result


def _joined(event, repeats):
    """Number of each row's event after events that share a repeated row have become one."""
    n_events = event.max() + 1
    rows = np.flatnonzero(repeats >= 0)
    n_nodes = n_events + repeats.max() + 1
    edges = (np.ones(len(rows)), (event[rows], n_events + repeats[rows]))
    _, component = connected_components(coo_array(edges, shape=(n_nodes, n_nodes)), directed=False)
    return np.unique(component[event], return_inverse=True)[1]

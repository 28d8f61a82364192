"""Training, validation and test events of the two-sample test; an event is on one side only."""

import warnings

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skjetsim.utils._repeated_rows import LARGEST_GROUP, repeated_rows

_VALIDATION_SHARE = 0.15


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
    repeats = repeated_rows(truth, generated)
    if repeats is None:
        return event
    joined = _joined(event, repeats)
    if paired and np.bincount(joined).max() > LARGEST_GROUP * len(event):
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


def _joined(event, repeats):
    """Number of each row's event after events that share a repeated row have become one."""
    n_events = event.max() + 1
    rows = np.flatnonzero(repeats >= 0)
    n_nodes = n_events + repeats.max() + 1
    edges = (np.ones(len(rows)), (event[rows], n_events + repeats[rows]))
    _, component = connected_components(coo_array(edges, shape=(n_nodes, n_nodes)), directed=False)
    return np.unique(component[event], return_inverse=True)[1]

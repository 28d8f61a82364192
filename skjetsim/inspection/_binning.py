"""Checks of the quantities that are histogrammed, and their bins."""

import numpy as np

from skjetsim.utils._angles import is_angle
from skjetsim.utils._comparison import check_table
from skjetsim.utils._validation import check_int, column_names
from skjetsim.utils._weighted import weighted_quantile


def check_quantity(values, what):
    """Return one quantity as an array (n,), or raise if it is a table of several."""
    array, names = check_table(values, what=what)
    if array.shape[1] != 1:
        raise ValueError(
            f"{what} has {array.shape[1]} columns{'' if names is None else f' {names}'}, and a "
            "histogram is of one quantity: pass a single column."
        )
    return array[:, 0]


def check_draws(values, what):
    """Return one quantity as an array (n,), or (n, k) for k draws of each event."""
    if np.ndim(values) not in (1, 2):
        raise ValueError(
            f"{what} has shape {np.shape(values)}, expected (n,), or (n, k) for k draws of each "
            "event: pass a single quantity, generated[..., column]."
        )
    names = column_names(values)
    if names is not None and len(names) > 1:
        raise ValueError(
            f"{what} is a table of the columns {names}, and a histogram is of one quantity: pass "
            "a single column. Several draws of it are an array of shape (n, k)."
        )
    array, _ = check_table(values, what=what)
    return array[:, 0] if np.ndim(values) == 1 else array


def check_one(generated, members):
    """Return the name and the value of the argument that is given, or raise unless one is."""
    if (generated is None) == (members is None):
        raise TypeError("Pass exactly one of generated and members.")
    return ("generated", generated) if members is None else ("members", members)


def check_as_long(values, other, names, cure=""):
    """Raise unless two tables, called `names` in the message, have equally many events."""
    if len(values) != len(other):
        raise ValueError(
            f"{names[0]} has {len(values)} events, but {names[1]} has {len(other)}: row i of both "
            f"must be the same event.{cure}"
        )


def check_filled(contents, edges):
    """Raise if no panel of a plan has an event in its bins."""
    if not any(table.any() for table in contents.values()):
        raise ValueError(
            f"No event lies between {edges[0]:g} and {edges[-1]:g} on both axes: choose bins or "
            "range to hold both levels."
        )


def make_edges(bins, range, default_range):
    """Return the given edges, or those of equally wide bins; at least two bins.

    `default_range` is called only if neither edges nor a range are given.
    """
    if np.ndim(bins) > 0:
        return _check_edges(bins, range)
    if check_int(bins, "bins") == 1:
        raise ValueError(
            "bins must be at least 2: a single bin holds all events, whatever the model does."
        )
    low, high = default_range() if range is None else _check_range(range)
    edges = np.linspace(low, high, bins + 1)
    if not (np.diff(edges) > 0).all():
        raise ValueError(f"range {(low, high)} is too narrow for {bins} bins in float64.")
    return edges


def _check_edges(bins, range):
    if range is not None:
        raise ValueError("range and edges exclude each other: pass bins=<int>, or no range.")
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 3:
        raise ValueError(f"bins must be an int or at least three edges, got shape {edges.shape}.")
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise ValueError(f"bins must be finite edges that increase, got {edges.tolist()}.")
    return edges


def _check_range(range):
    try:
        low, high = (float(limit) for limit in range)
    except (TypeError, ValueError):
        raise ValueError(f"range must be two numbers (low, high), got {range!r}.") from None
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"range must be two finite numbers, low < high, got {range!r}.")
    return low, high


def full_turn(name, bins, range):
    """Return -pi to pi for an angle that has neither range nor edges, else the range."""
    if range is None and np.ndim(bins) == 0 and is_angle(name):
        return (-np.pi, np.pi)
    return range


def bin_edges(truth, bins, range, weight=None):
    """Edges of the bins: given, or equally wide over `range`.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        Its central 99.6% is the range by default.
    bins : int or array-like of edges
    range : tuple of (float, float) or None
    weight : ndarray of shape (n,), optional

    Returns
    -------
    ndarray of shape (n_bins + 1,)

    Raises
    ------
    ValueError
        On fewer than two bins, a bad range, or a truth that fills a single bin.
    """
    present = truth if weight is None else truth[weight != 0]
    edges = make_edges(bins, range, lambda: _default_range(truth, present, weight))
    filled = np.unique(np.clip(np.searchsorted(edges, present, side="right"), 1, len(edges) - 1))
    if len(filled) == 1:
        raise ValueError(
            f"All of the truth lies in one of the {len(edges) - 1} bins, so the histogram says "
            "nothing. Choose bins or range to divide the events: the truth reaches from "
            f"{present.min():g} to {present.max():g}, the bins from {edges[0]:g} to {edges[-1]:g}."
        )
    return edges


def fractions_beyond(values, edges, weight=None):
    """Fractions of events below the first and above the last edge.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, k)
        k draws for each of n events.
    edges : ndarray of shape (n_bins + 1,)
    weight : ndarray of shape (n,), optional

    Returns
    -------
    ndarray of shape (2,)
    """
    values = values.reshape(len(values), -1)
    outside = [(values < edges[0]).mean(axis=1), (values > edges[-1]).mean(axis=1)]
    return np.average(outside, axis=1, weights=weight)


def spread_draws(y, weight, *others):
    """Give each draw of y, of shape (n, k) or (n,), its weight (1 by default) and other values."""
    weight = np.ones(len(y)) if weight is None else weight
    if y.ndim == 1:
        return y, weight, *others
    return y.ravel(), *(np.repeat(each, y.shape[1]) for each in (weight, *others))


def plan_fractions(x, y, edges, weight):
    """Fractions of all events in bins of x (first axis) and of y, of shape (n,) or (n, k)."""
    y, weight, x = spread_draws(y, weight, x)
    counts, _, _ = np.histogram2d(x, y, [edges, edges], weights=weight)
    return counts / weight.sum()


def _default_range(truth, present, weight):
    if present.min() == present.max():
        raise ValueError(
            f"The truth is {present[0]:g} in every event: a constant has no distribution to "
            "compare. Choose another quantity."
        )
    weight = None if weight is None else np.clip(weight, 0.0, None)
    low, high = weighted_quantile(truth, [0.002, 0.998], weight)
    # Nearly all events may share one value, such as a jet mass of zero.
    return (low, high) if low < high else (present.min(), present.max())

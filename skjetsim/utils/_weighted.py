"""Means, widths, quantiles and histograms of weighted events."""

import numpy as np

CELLS = 1 << 22  # events times bins in memory at once


def weighted_mean(values, weight=None):
    """Mean over events, as a Python float."""
    return float(np.average(values, weights=weight))


def effective_size(n_events, weight=None):
    """Return the number of events of equal weight that are as precise as the weighted ones."""
    return n_events if weight is None else weight.sum() ** 2 / (weight**2).sum()


def weighted_std(array, weight=None):
    """Return the standard deviation of each column.

    A constant column gets 1, as in scikit-learn's StandardScaler, so that distances in it stay in
    its own unit.
    """
    mean = np.average(array, axis=0, weights=weight)
    centred = array - mean
    # Deviations are divided by the largest, so that squares neither overflow nor vanish.
    largest = np.max(np.abs(centred), axis=0)
    centred /= np.where(largest > 0, largest, 1.0)
    std = largest * np.sqrt(np.average(centred**2, axis=0, weights=weight))
    # Rounding of the mean gives a constant column a deviation, which must not scale it up by 1e16.
    rounding = 10 * np.finfo(np.float64).eps * np.abs(mean)
    return np.where(std <= rounding, 1.0, std)


def weighted_ranks(values, weight=None):
    """Sorting order of a column, and the weighted distribution function along it."""
    order = np.argsort(values, kind="stable")
    if weight is None:
        return order, (np.arange(len(values)) + 0.5) / len(values)
    cumulative = np.cumsum(weight[order])
    return order, (cumulative - 0.5 * weight[order]) / cumulative[-1]


def weighted_quantile(values, levels, weight=None):
    """Quantiles of a 1-D sample; with weights, of the interpolated weighted distribution.

    Equal weights give numpy's "hazen" quantiles.
    """
    if weight is None:
        return np.quantile(values, levels, method="hazen")
    order, position = weighted_ranks(values, weight)
    return np.interp(levels, position, values[order])


def clustered_histogram(values, edges, sample_weight=None):
    """Contents of bins with errors that count draws of the same event as one.

    Draws from one theory-level event are correlated, and its weight multiplies all of them. Only
    different events are independent.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, k)
        k draws for each of n events.
    edges : ndarray of shape (n_bins + 1,)
        Increasing. The outer bins also hold the values beyond them.
    sample_weight : ndarray of shape (n,), optional
        Weights of the events; negative ones are allowed if the total is positive.

    Returns
    -------
    fractions, errors : ndarray of shape (n_bins,)
        Fractions of the total, and their standard errors
        sqrt(sum over events (weight of the event in the bin)^2) / total, which is
        sqrt(sum w^2) / sum w for single draws. The number of events is taken as random. For a
        fixed number the error is too large by 1 / sqrt(1 - fraction).
    """
    values = values.reshape(len(values), -1)
    n_bins = len(edges) - 1
    index = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, n_bins - 1)
    contents, squares = np.zeros((2, n_bins))
    step = max(1, CELLS // n_bins)
    for start in range(0, len(values), step):
        rows = index[start : start + step]
        cell = (rows + n_bins * np.arange(len(rows))[:, None]).ravel()
        events = np.bincount(cell, minlength=len(rows) * n_bins).reshape(-1, n_bins)
        if sample_weight is not None:
            events = events * sample_weight[start : start + step, None]
        contents += events.sum(axis=0)
        squares += np.square(events, dtype=np.float64).sum(axis=0)
    total = len(values) if sample_weight is None else sample_weight.sum()
    total = total * values.shape[1]
    return contents / total, np.sqrt(squares) / total

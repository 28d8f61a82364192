"""Means, widths and quantiles of weighted events."""

from __future__ import annotations

import numpy as np

__all__ = ["weighted_mean", "weighted_quantile", "weighted_ranks", "weighted_std"]


def weighted_mean(values, weight=None):
    """Mean over events, as a Python float."""
    return float(np.average(values, weights=weight))


def weighted_std(array, weight=None):
    """Return the standard deviation of each column.

    A constant column gets 1, as in scikit-learn's StandardScaler: its distances stay in the
    column's own unit.
    """
    mean = np.average(array, axis=0, weights=weight)
    centred = array - mean
    # In units of the largest deviation, whose square neither overflows nor vanishes.
    largest = np.max(np.abs(centred), axis=0)
    centred /= np.where(largest > 0, largest, 1.0)
    std = largest * np.sqrt(np.average(centred**2, axis=0, weights=weight))
    # Up to the rounding of the mean: a column of equal masses must not be scaled up by 1e16.
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

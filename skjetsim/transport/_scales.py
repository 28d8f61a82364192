"""Scales of columns and observables: monotone maps to a mean of about 0 and a variance of 1."""

import numpy as np
from scipy.special import ndtri

from skjetsim.utils._weighted import weighted_quantile, weighted_std

TIES = 1e-6  # of a standard deviation: quantiles nearer than this share a knot


def learn_scales(quantities, scale, n_knots, weight=None):
    """Knots of each column's scale.

    Parameters
    ----------
    quantities : ndarray of shape (n_samples, n_columns)
    scale : {"standard", "normal"}
        With mean and standard deviation, or with the quantiles to a standard normal.
    n_knots : int
    weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    knots : ndarray of shape (n_columns, 2, n_knots)
        Strictly increasing values, and the scaled values.
    slope : ndarray of shape (n_columns,)
        Slope beyond the knots. It is that of standardisation, so that one event beyond a sharp edge
        does not weigh as much as thousands inside.
    """
    width = np.array([float(weighted_std(column[:, None], weight)[0]) for column in quantities.T])
    knots = np.empty((quantities.shape[1], 2, n_knots))
    for row, column in enumerate(quantities.T):
        if scale == "standard":
            mean = np.average(column, weights=weight)
            knots[row] = [mean - width[row], mean + width[row]], [-1.0, 1.0]
        else:
            knots[row] = _to_normal(column, width[row], n_knots, weight)
    return knots, 1 / width


def _to_normal(values, width, n_knots, weight):
    level = (np.arange(n_knots) + 0.5) / n_knots
    x, u = weighted_quantile(values, level, weight), ndtri(level)
    # Knots must also differ in single precision, which networks see.
    least = np.maximum(TIES * width, 4 * np.spacing(np.abs(x[1:]).astype(np.float32)))
    group = np.concatenate([[0], np.cumsum(np.diff(x) > least)])
    count = np.bincount(group)
    x, u = np.bincount(group, x) / count, np.bincount(group, u) / count
    beyond = np.arange(1, n_knots - len(x) + 1)  # replace the knots that were merged
    return np.append(x, x[-1] + width * beyond), np.append(u, u[-1] + beyond)

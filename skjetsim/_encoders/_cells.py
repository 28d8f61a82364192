"""Cells of integers: the mean density over a cell is the probability of its integer."""

import numpy as np

from skjetsim._encoders._column_maps import apply_maps, invert_maps, log_slopes

BELOW = 0.125  # share of the points of the lowest cell that lie below it


def cell_points(n_columns, n_points):
    """Points that fill a unit cell of `n_columns` dimensions evenly, the same at each call.

    Parameters
    ----------
    n_columns : int
    n_points : int
        A power of two.

    Returns
    -------
    ndarray of shape (n_points, n_columns)
        Inside (0, 1).
    """
    from scipy.stats import qmc

    return qmc.Sobol(n_columns, scramble=False).random(n_points) + 0.5 / n_points


def lowest_cell_points(maps, least, points):
    """Points of the lowest cell of each column, which includes all values below it.

    An eighth of the points lies below the cell. They follow an exponential whose length is one
    standard deviation of the mapped column. The others fill [least, least + 1). They are denser
    towards the lower edge, because the density rises there.

    Parameters
    ----------
    maps : dict of ndarray
        Maps of the columns, as `learn_maps` returns them.
    least : ndarray of shape (n_columns,)
        Lowest integer of each column.
    points : ndarray of shape (n_points, n_columns)
        Inside (0, 1).

    Returns
    -------
    offset : ndarray of shape (n_points, n_columns)
        Distance of each point from `least`.
    log_weight : ndarray of shape (n_points, n_columns)
        Logarithm of the length that each point represents, times n_points.
    """
    below = points < BELOW
    reach = -np.log1p(-np.where(below, points / BELOW, 0.0))  # in the mapped column
    values = invert_maps(maps, apply_maps(maps, least[None]) - reach)
    place = np.where(below, 1.0, (points - BELOW) / (1 - BELOW))
    offset = np.where(below, values - least, place**2)
    inside = np.log(2 * place / (1 - BELOW))
    log_weight = reach - log_slopes(maps, values) - np.log(BELOW)
    return offset, np.where(below, log_weight, inside)

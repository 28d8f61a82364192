"""Cells of integers: where a density is averaged to become a probability."""

from __future__ import annotations

import numpy as np

from skjetsim._encoders._column_maps import apply_maps, invert_maps

__all__ = ["cell_points", "lowest_cell_points"]

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


def lowest_cell_points(knots, least, points):
    """Points of the lowest cell, to which all that lies below belongs.

    An eighth of the unit interval becomes what lies below, by an exponential of one standard
    deviation of the mapped column; the rest becomes [least, least + 1), closer towards the edge,
    where the density rises.

    Parameters
    ----------
    knots : dict of ndarray
        Map of the column, as `learn_maps` returns it.
    least : float
    points : ndarray of shape (n_points,)
        Inside (0, 1).

    Returns
    -------
    offset : ndarray of shape (n_points,)
        Place of each point, from `least`.
    log_weight : ndarray of shape (n_points,)
        Logarithm of the length that it stands for, times n_points.
    """
    below = points < BELOW
    reach = -np.log1p(-np.where(below, points / BELOW, 0.0))  # in the mapped column
    edge, _ = apply_maps([knots], np.array([[least]]))
    values = invert_maps([knots], edge - reach[:, None])
    _, log_slope = apply_maps([knots], values)
    place = np.where(below, 1.0, (points - BELOW) / (1 - BELOW))
    offset = np.where(below, values[:, 0] - least, place**2)
    inside = np.log(2 * place / (1 - BELOW))
    return offset, np.where(below, reach - log_slope - np.log(BELOW), inside)

"""TableEncoder: rows of columns as the inputs of a network, and back."""

import numpy as np
from scipy.special import logsumexp

from skjetsim._encoders._cells import cell_points, lowest_cell_points
from skjetsim._encoders._column_checks import (
    check_radians,
    check_reach,
    column_reach,
    refuse_fractions,
    refuse_new_variation,
)
from skjetsim._encoders._column_maps import (
    apply_maps,
    invert_maps,
    learn_maps,
    log_slopes,
    some_maps,
)

CELL_POINTS = 16  # at which the density is averaged over a cell of integers


class TableEncoder:
    """Encode the columns of a table, each by itself.

    A column is standardised, or mapped through its quantiles to a normal; an angle is wrapped into
    (-pi, pi]; an integer n is a point of [n, n + 1); a column that never varies is kept aside and
    filled in when decoding.

    Parameters
    ----------
    names : list
        Of the columns, their positions if they have none.
    what : str, default="X"
        How errors call the table.
    circular, integers : sequence of bool, optional
        Which columns are angles, and which are integers. None by default.
    scale : {"normal", "standard"}, default="normal"
        "standard" maps no column through its quantiles.

    Attributes
    ----------
    constants_ : ndarray of shape (n_columns,)
        The first row; it counts in columns that do not vary.
    varying_ : ndarray of bool, shape (n_columns,)
        The others are constant.
    n_outputs_ : int
        Number of columns that vary.
    circular_, integers_ : ndarray of bool, shape (n_outputs_,)
        Which of these are angles and integers.
    least_ : ndarray
        Least value of each column of integers.
    maps_ : dict of ndarray
        As `learn_maps` returns them, of the columns that vary.
    """

    def __init__(self, names, *, what="X", circular=None, integers=None, scale="normal"):
        self.names = list(names)
        self.what = what
        no_column = np.zeros(len(self.names), dtype=bool)
        self.circular = no_column if circular is None else np.array(circular, dtype=bool)
        self.integers = no_column if integers is None else np.array(integers, dtype=bool)
        self.scale = scale

    def fit(self, table, weight=None, rng=None):
        """Learn which columns vary, and their maps.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        weight : ndarray of shape (n_samples,), optional
        rng : numpy.random.Generator, optional
            Spreads integers over their cells.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On angles of more than a turn, and fractions in columns of integers.
        """
        check_radians(table, self.circular, self.names, self.what)
        refuse_fractions(table, self.names, self.integers)
        self.constants_ = table[0].copy()
        self.varying_ = (table != table[0]).any(axis=0)
        self.n_outputs_ = int(self.varying_.sum())
        self.circular_, self.integers_ = self.circular[self.varying_], self.integers[self.varying_]
        varying = self._of_varying(table)
        self.least_ = varying[:, self.integers_].min(axis=0)
        varying = self._within_cells(varying, rng)
        self.maps_ = learn_maps(varying, weight, self.circular_, self.scale)
        self.reach_ = column_reach(self.maps_["mean"], self.maps_["std"], self.circular_)
        return self

    def check(self, table):
        """Refuse rows that cannot be encoded.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Raises
        ------
        ValueError
            If a value lies too far from the events of the fit, naming column and row.
        """
        names = self.names
        if self.n_outputs_ < len(names):
            names = [name for name, varies in zip(names, self.varying_, strict=True) if varies]
        check_reach(self._of_varying(table), self.reach_, names, self.what)

    def check_training(self, table):
        """Refuse rows that cannot be learnt from in addition to those of the fit.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Raises
        ------
        ValueError
            On angles of more than a turn, fractions in columns of integers, and columns that vary
            and did not in the fit.
        """
        refuse_new_variation(table, self.names, self.constants_, self.varying_)
        check_radians(table, self.circular, self.names, self.what)
        refuse_fractions(table, self.names, self.integers)

    def extend(self, table):
        """Take in rows with lower integers than those of the fit."""
        integers = self._of_varying(table)[:, self.integers_]
        self.least_ = np.minimum(self.least_, integers.min(axis=0))

    def encode(self, table, rng=None):
        """Inputs of a network.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        rng : numpy.random.Generator, optional
            Spreads integers over their cells. By default they are at the middle.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs_)
        """
        return apply_maps(self.maps_, self._within_cells(self._of_varying(table), rng))

    def decode(self, inputs):
        """Inverse of `encode`; integers are rounded down, to no less than the least of the fit.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_outputs_)

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        varying = invert_maps(self.maps_, inputs)
        if self.integers_.any():
            # The lowest cell has an edge, of which a smooth density keeps some on the far side;
            # `log_density` counts it in.
            counts = np.floor(varying[:, self.integers_])
            varying[:, self.integers_] = np.maximum(counts, self.least_)
        if self.n_outputs_ == len(self.varying_):
            return varying
        table = np.tile(self.constants_, (len(inputs), 1))
        table[:, self.varying_] = varying
        return table

    def log_det(self, table):
        """Logarithm of the Jacobian determinant of `encode` at each row.

        It is a method of its own since only densities need it. Constant columns do not count, and
        integers count as points in the middle of their cells.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return log_slopes(self.maps_, self._within_cells(self._of_varying(table))).sum(axis=1)

    def log_density(self, table, log_prob):
        """Log-density of rows in their own units; probability in columns of integers.

        Columns that were constant in the fit have no density: rows that differ from them have
        probability zero, as have fractions in columns of integers, and integers below the least of
        the fit, which are never drawn.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        log_prob : callable
            `log_prob(inputs, rows)` is the log-density of network inputs; `rows`, a slice or a
            mask, tells which rows of the table they are.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        wrong = (table[:, ~self.varying_] != self.constants_[~self.varying_]).any(axis=1)
        result = np.zeros(len(table))
        if self.n_outputs_:
            varying = self._of_varying(table)
            integers = varying[:, self.integers_]
            wrong |= (integers != np.floor(integers)).any(axis=1)
            wrong |= (integers < self.least_).any(axis=1)
            result = self._log_mean_over_cells(varying, log_prob)
        result[wrong] = -np.inf
        return result

    def _of_varying(self, table):
        return table if self.n_outputs_ == len(self.varying_) else table[:, self.varying_]

    def _within_cells(self, varying, rng=None):
        """Integers as points of the cell [n, n + 1)."""
        if not self.integers_.any():
            return varying
        varying = varying.copy()
        shape = len(varying), int(self.integers_.sum())
        varying[:, self.integers_] += 0.5 if rng is None else rng.random(shape)
        return varying

    def _log_mean_over_cells(self, varying, log_prob):
        """Log-density, averaged over the cells of the integers if there are any."""
        if not self.integers_.any():
            return self._log_density_at(varying, log_prob, slice(None))
        lowest = varying[:, self.integers_] == self.least_
        on_edge = lowest.any(axis=1)
        result = np.empty(len(varying))
        for rows, n_points in ((~on_edge, CELL_POINTS), (on_edge, 2 * CELL_POINTS)):
            if rows.any():
                result[rows] = self._log_mean_over_points(
                    varying[rows], log_prob, rows, lowest[rows], n_points
                )
        return result

    def _log_mean_over_points(self, varying, log_prob, rows, lowest, n_points):
        """`lowest` tells which integers are in the lowest cell, where drawn ones are lifted to."""
        points = cell_points(lowest.shape[1], n_points)
        maps = some_maps(self.maps_, np.flatnonzero(self.integers_))
        offsets, log_weights = lowest_cell_points(maps, self.least_, points)
        parts = []
        for point, offset, log_weight in zip(points, offsets, log_weights, strict=True):
            shifted = varying.copy()
            shifted[:, self.integers_] += np.where(lowest, offset, point)
            density = self._log_density_at(shifted, log_prob, rows)
            parts.append(density + np.where(lowest, log_weight, 0.0).sum(axis=1))
        return logsumexp(parts, axis=0) - np.log(n_points)

    def _log_density_at(self, varying, log_prob, rows):
        log_slope = log_slopes(self.maps_, varying).sum(axis=1)
        return log_slope + log_prob(apply_maps(self.maps_, varying), rows)

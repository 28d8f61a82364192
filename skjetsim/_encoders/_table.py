"""TableEncoder: the rows of a table as network inputs, and back."""

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

CELL_POINTS = 16  # points of a cell of integers at which the density is averaged


class TableEncoder:
    """Encode each column of a table on its own.

    A column is standardised, or mapped to a normal through its quantiles. An angle is wrapped into
    (-pi, pi]. An integer n becomes a point of [n, n + 1). A column that never varies is left out,
    and filled in again when decoding.

    Parameters
    ----------
    names : list
        Names of the columns, or their positions if they have no names.
    what : str, default="X"
        Name of the table in error messages.
    circular, integers : sequence of bool, optional
        Which columns are angles, and which are integers. None by default.
    scale : {"normal", "standard"}, default="normal"
        "standard" maps no column through its quantiles.

    Attributes
    ----------
    constants_ : ndarray of shape (n_columns,)
        The first row. Only its values in constant columns are used.
    varying_ : ndarray of bool, shape (n_columns,)
        Which columns vary.
    n_outputs_ : int
        Number of columns that vary.
    circular_, integers_ : ndarray of bool, shape (n_outputs_,)
        Which of the varying columns are angles and integers.
    least_ : ndarray
        Least value of each column of integers.
    maps_ : dict of ndarray
        Maps of the varying columns, from `learn_maps`.
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
            If an angle is more than a turn, or a column of integers has a fraction.
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
            If a value lies too far from the events of the fit. The message names column and row.
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
            If an angle is more than a turn, a column of integers has a fraction, or a column varies
            that did not vary in the fit.
        """
        refuse_new_variation(table, self.names, self.constants_, self.varying_)
        check_radians(table, self.circular, self.names, self.what)
        refuse_fractions(table, self.names, self.integers)

    def extend(self, table):
        """Lower the least integers to those of further rows."""
        integers = self._of_varying(table)[:, self.integers_]
        self.least_ = np.minimum(self.least_, integers.min(axis=0))

    def extend_reach(self, table):
        """Allow values as far out as those of further rows."""
        far = np.abs(self._of_varying(table) - self.reach_[0]).max(axis=0)
        self.reach_[1] = np.maximum(self.reach_[1], far)

    def encode(self, table, rng=None):
        """Network inputs of a table.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        rng : numpy.random.Generator, optional
            Spreads integers over their cells. By default they are in the middle.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs_)
        """
        return apply_maps(self.maps_, self._within_cells(self._of_varying(table), rng))

    def decode(self, inputs):
        """Inverse of `encode`. Integers are rounded down, but not below the least of the fit.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_outputs_)

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        varying = invert_maps(self.maps_, inputs)
        if self.integers_.any():
            # A smooth density extends below the lowest cell. `log_density` adds what lies there
            # to the probability of that cell.
            counts = np.floor(varying[:, self.integers_])
            varying[:, self.integers_] = np.maximum(counts, self.least_)
        if self.n_outputs_ == len(self.varying_):
            return varying
        table = np.tile(self.constants_, (len(inputs), 1))
        table[:, self.varying_] = varying
        return table

    def log_det(self, table):
        """Logarithm of the Jacobian determinant of `encode` at each row.

        Constant columns do not contribute. Integers are in the middle of their cells. It is
        separate from `encode` because only densities need it.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return log_slopes(self.maps_, self._within_cells(self._of_varying(table))).sum(axis=1)

    def log_density(self, table, log_prob):
        """Log-density of rows in their own units. In columns of integers it is a probability.

        A row has probability zero if it differs from a column that was constant in the fit, if a
        column of integers has a fraction, or if an integer is below the least of the fit. Such rows
        are never drawn.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        log_prob : callable
            `log_prob(inputs, rows)` is the log-density of network inputs. `rows` is a slice or a
            mask that selects their rows of the table.

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
        """Columns with each integer n moved into its cell, [n, n + 1)."""
        if not self.integers_.any():
            return varying
        varying = varying.copy()
        shape = len(varying), int(self.integers_.sum())
        varying[:, self.integers_] += 0.5 if rng is None else rng.random(shape)
        return varying

    def _log_mean_over_cells(self, varying, log_prob):
        """Logarithm of the density, averaged over the cells of integers if there are any."""
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
        """The same over `n_points` points; `lowest` is the mask of integers in the lowest cell."""
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

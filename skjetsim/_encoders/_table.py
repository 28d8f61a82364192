"""TableEncoder: the rows of a table as network inputs, and back."""

import numpy as np
from scipy.special import logsumexp

from skjetsim._encoders._atoms import Atoms, repeated_columns
from skjetsim._encoders._cells import cell_points, lowest_cell_points
from skjetsim._encoders._column_checks import (
    check_radians,
    check_reach,
    column_reach,
    refuse_fractions,
    refuse_new_values,
    refuse_new_variation,
)
from skjetsim._encoders._column_maps import (
    apply_maps,
    invert_maps,
    log_slopes,
    maps_and_repeats,
    some_maps,
    straight_maps,
)
from skjetsim._encoders._grids import AtomGrids, Grids

CELL_POINTS = 16  # points of a slot, or of a cell of integers, at which the density is averaged
SPREAD_SEED = 0  # spreads events over slots and cells unless the caller has a generator


class TableEncoder:
    """Encode each column of a table on its own.

    A column is standardised, or mapped to a normal through its quantiles. An angle is wrapped into
    (-pi, pi]. An integer n becomes a point of [n, n + 1). A column that never varies is left out,
    and filled in again when decoding.

    Values that many events hold, such as zero in 40% of them, are atoms. They get a slot of the
    normal, as wide as their share, and come back exactly. If an atom of one column implies one of
    another column, both come back together. Columns of counts, or of steps such as 0.5, are found
    and treated as integers are. A column may have atoms, and a grid for all other values.

    Parameters
    ----------
    names : list
        Names of the columns, or their positions if they have no names.
    what : str, default="X"
        Name of the table in error messages.
    circular, integers : sequence of bool, optional
        Which columns are angles, and which are integers. None by default.
    scale : {"normal", "standard"}, default="normal"
        "standard" maps no column through its quantiles unless it has atoms.

    Attributes
    ----------
    constants_ : ndarray of shape (n_columns,)
        The first row. Only its values in constant columns are used.
    varying_ : ndarray of bool, shape (n_columns,)
        Which columns vary.
    n_outputs_ : int
        Number of columns that vary.
    circular_, integers_ : ndarray of bool, shape (n_outputs_,)
        Which of the varying columns are angles, and which are integers or lie on a grid.
    grids_ : Grids or None
        Columns on a grid whose step is not one. They are encoded in units of the step.
    least_ : ndarray
        Least value of each column of integers, in units of the step.
    maps_ : dict of ndarray
        Maps of the varying columns, from `learn_maps`.
    atom_grids_ : AtomGrids or None
        Columns with atoms whose other values lie on a grid.
    atoms_ : Atoms or None
        Maps of the columns with atoms, in place of those in `maps_`.
    """

    grids_ = atoms_ = atom_grids_ = None

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
            Spreads integers over their cells. By default the noise is the same in each call.

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
        self._learn(varying, weight, np.random.default_rng(SPREAD_SEED) if rng is None else rng)
        return self

    def _learn(self, varying, weight, rng):
        """Learn the maps of the varying columns, and what is repeated in them."""
        self.grids_ = self.atoms_ = self.atom_grids_ = None
        maps, ordered = self._learn_maps(varying, weight, rng)
        ordered = {j: column for j, column in ordered.items() if not self.integers_[j]}
        found = repeated_columns(varying, weight, self.circular_, ordered)
        grids = {j: each for j, each in found.items() if each[1].step}
        mixed = {j: each for j, each in grids.items() if len(each[1].atoms)}
        steps = {j: repeats.step for j, (_, repeats) in grids.items() if j not in mixed}
        if steps:
            self.integers_ = self.integers_.copy()
            self.integers_[list(steps)] = True
            values = {j: found.pop(j)[0].values for j in steps}
            if set(steps.values()) != {1.0}:
                self.grids_ = Grids(steps, values)
            maps, _ = self._learn_maps(varying, weight, rng)
        self.maps_ = maps
        self.reach_ = column_reach(maps["mean"], maps["std"], self.circular_)
        spread = None
        if mixed:
            self.atom_grids_ = AtomGrids(mixed)
            spread = self.atom_grids_.spread(varying, rng)
        if found:
            kinds = self.circular_, self.integers_
            self.atoms_ = Atoms().fit(varying, found, weight, *kinds, spread)
            self.maps_ = straight_maps(maps, self.atoms_.mapped_)

    def _learn_maps(self, varying, weight, rng):
        units = self._in_steps(varying)
        self.least_ = units[:, self.integers_].min(axis=0)
        cells = self._within_cells(units, rng)
        return maps_and_repeats(cells, weight, self.circular_, self.scale)

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
        units = self._in_steps(self._of_varying(table))
        check_reach(units, self.reach_, self._varying_names(), self.what)

    def check_training(self, table):
        """Refuse rows that cannot be learnt from in addition to those of the fit.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Raises
        ------
        ValueError
            If an angle is more than a turn, a column of integers has a fraction, a column varies
            that did not vary in the fit, or a column that had only a few values has another one.
        """
        refuse_new_variation(table, self.names, self.constants_, self.varying_)
        check_radians(table, self.circular, self.names, self.what)
        refuse_fractions(table, self.names, self.integers)
        varying = self._of_varying(table)
        units = self._in_steps(varying)
        new = (units != np.floor(units)) & self.integers_
        if self.atoms_ is not None:
            new |= self.atoms_.impossible(varying)
        if self.atom_grids_ is not None:
            new |= self.atom_grids_.has_fraction(varying)
        refuse_new_values(varying, self._varying_names(), new)

    def extend(self, table):
        """Lower the least integers to those of further rows."""
        varying = self._of_varying(table)
        integers = self._in_steps(varying)[:, self.integers_]
        self.least_ = np.minimum(self.least_, integers.min(axis=0))
        if self.atom_grids_ is not None:
            self.atom_grids_.extend(varying)

    def extend_reach(self, table):
        """Allow values as far out as those of further rows."""
        far = np.abs(self._of_varying(table) - self.reach_[0]).max(axis=0)
        self.reach_[1] = np.maximum(self.reach_[1], far)

    def encode(self, table, rng=None, *, spread=True):
        """Network inputs of a table.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        rng : numpy.random.Generator, optional
            Spreads integers over their cells, and atoms over their slots. By default the noise is
            the same in each call.
        spread : bool, default=True
            If False, integers and atoms are in the middle of their cells and slots.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs_)
        """
        if rng is None and spread:
            rng = np.random.default_rng(SPREAD_SEED)
        varying = self._of_varying(table)
        cells = self._within_cells(self._in_steps(varying), rng)
        return self._inputs(varying, cells, np.full(self.n_outputs_, 0.5) if rng is None else rng)

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
            if self.grids_ is not None:
                self.grids_.from_steps(varying)
        if self.atoms_ is not None:
            self.atoms_.decode(inputs, varying)
        if self.atom_grids_ is not None:
            self.atom_grids_.round_down(varying)
        if self.n_outputs_ == len(self.varying_):
            return varying
        table = np.tile(self.constants_, (len(inputs), 1))
        table[:, self.varying_] = varying
        return table

    def log_det(self, table):
        """Logarithm of the Jacobian determinant of `encode` at each row.

        Constant columns do not contribute. Integers and atoms are in the middle of their cells and
        slots. It is separate from `encode` because only densities need it.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        varying = self._of_varying(table)
        cells = self._within_cells(self._in_steps(varying))
        return self._log_slopes(varying, cells).sum(axis=1)

    def log_density(self, table, log_prob):
        """Log-density of rows in their own units. It is a probability for integers and at atoms.

        A row has probability zero if it differs from a column that was constant in the fit, if a
        column of integers has a fraction, or if an integer is below the least of the fit. The same
        holds for a value between two atoms, or beyond one, if the fit had no event there, and for
        an atom without another one that it implies. Such rows are never drawn.

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
            units = self._in_steps(varying)
            integers = units[:, self.integers_]
            wrong |= (integers != np.floor(integers)).any(axis=1)
            wrong |= (integers < self.least_).any(axis=1)
            if self.atoms_ is not None:
                wrong |= self.atoms_.impossible(varying).any(axis=1)
            if self.atom_grids_ is not None:
                wrong |= self.atom_grids_.impossible(varying, self.atoms_.is_discrete(varying))
            result = self._log_mean_over_cells(varying, units, log_prob)
        result[wrong] = -np.inf
        return result

    def _of_varying(self, table):
        return table if self.n_outputs_ == len(self.varying_) else table[:, self.varying_]

    def _in_steps(self, varying):
        """Columns on a grid in units of its step."""
        return varying if self.grids_ is None else self.grids_.to_steps(varying)

    def _varying_names(self):
        if self.n_outputs_ == len(self.names):
            return self.names
        return [name for name, varies in zip(self.names, self.varying_, strict=True) if varies]

    def _within_cells(self, units, rng=None):
        """Columns with each integer n moved into its cell, [n, n + 1)."""
        if not self.integers_.any():
            return units
        units = units.copy()
        shape = len(units), int(self.integers_.sum())
        units[:, self.integers_] += 0.5 if rng is None else rng.random(shape)
        return units

    def _log_mean_over_cells(self, varying, units, log_prob):
        """Logarithm of the density, averaged over the cells of integers and the slots of atoms."""
        lowest = units[:, self.integers_] == self.least_
        n_points = np.full(len(units), CELL_POINTS if self.integers_.any() else 1)
        n_points[lowest.any(axis=1)] = 2 * CELL_POINTS
        if self.atoms_ is not None:
            discrete = self.atoms_.is_discrete(varying).any(axis=1) | (self.atom_grids_ is not None)
            n_points[discrete] = np.maximum(n_points[discrete], CELL_POINTS)
        if (n_points == 1).all():
            return self._log_density_at(varying, units, log_prob, slice(None))
        result = np.empty(len(units))
        for number in np.unique(n_points):
            rows = n_points == number
            average = self._log_mean_over_points if number > 1 else self._log_density_once
            result[rows] = average(varying[rows], units[rows], log_prob, rows, lowest[rows], number)
        return result

    def _log_density_once(self, varying, units, log_prob, rows, *_):
        return self._log_density_at(varying, units, log_prob, rows)

    def _log_mean_over_points(self, varying, units, log_prob, rows, lowest, n_points):
        """The same over `n_points` points; `lowest` is the mask of integers in the lowest cell."""
        n_integers = lowest.shape[1]
        n_atoms = 0 if self.atoms_ is None else self.n_outputs_
        points = cell_points(n_integers + n_atoms, n_points)
        points, slots = points[:, :n_integers], points[:, n_integers:]
        maps = some_maps(self.maps_, np.flatnonzero(self.integers_))
        offsets, log_weights = lowest_cell_points(maps, self.least_, points)
        parts = []
        for point, slot, offset, log_weight in zip(
            points, slots, offsets, log_weights, strict=True
        ):
            shifted = units.copy()
            shifted[:, self.integers_] += np.where(lowest, offset, point)
            density = self._log_density_at(varying, shifted, log_prob, rows, slot)
            parts.append(density + np.where(lowest, log_weight, 0.0).sum(axis=1))
        return logsumexp(parts, axis=0) - np.log(n_points)

    def _log_density_at(self, varying, cells, log_prob, rows, slots=None):
        """Log-density with integers at points of cells, and atoms at points of slots."""
        slots = np.full(self.n_outputs_, 0.5) if slots is None else slots
        inputs = self._inputs(varying, cells, slots)
        return self._log_slopes(varying, cells, slots).sum(axis=1) + log_prob(inputs, rows)

    def _inputs(self, varying, cells, points):
        """Network inputs; `points` are places in the slots of atoms, or a generator of them."""
        if self.atoms_ is None:
            return apply_maps(self.maps_, cells)
        if self.atom_grids_ is not None:
            varying = self.atom_grids_.spread(varying, points)
        every = len(self.atoms_.mapped_) == self.n_outputs_
        inputs = np.empty_like(cells) if every else apply_maps(self.maps_, cells)
        self.atoms_.encode(varying, inputs, points)
        return inputs

    def _log_slopes(self, varying, cells, slots=None):
        slopes = log_slopes(self.maps_, cells)
        if self.atoms_ is not None:
            slots = np.full(self.n_outputs_, 0.5) if slots is None else slots
            grids = self.atom_grids_
            cells = varying if grids is None else grids.spread(varying, slots)
            self.atoms_.log_slopes(cells, slopes, slots)
            if grids is not None:
                slopes[:, grids.columns] += grids.log_steps(varying)
        return slopes

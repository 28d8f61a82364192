"""Grids: columns whose values are a whole number of steps, counted in units of the step."""

import numpy as np

from skjetsim._encoders._repeats import ROUNDING

MOST_DECIMALS = 12


class Grids:
    """Columns on a grid whose step is not one, in units of the step.

    Parameters
    ----------
    steps : dict of int to float
        Step of each column on a grid. Those of step one are left out.
    values : dict of int to ndarray
        Distinct values of these columns, in rising order.

    Attributes
    ----------
    columns : ndarray of int
    origin, step : ndarray
        Least values and steps of the columns.
    known : list of ndarray
        Values at 0, 1, ... steps from the origin; NaN if the fit had none there.
    decimals : list of int or None
        Decimals of the values. None if they are not decimal fractions.
    """

    def __init__(self, steps, values):
        self.columns = np.array([j for j in sorted(steps) if steps[j] != 1.0], dtype=np.intp)
        self.step = np.array([steps[j] for j in self.columns])
        self.origin = np.array([values[j][0] for j in self.columns])
        self.known = [_known(values[j], steps[j]) for j in self.columns]
        self.decimals = [_decimals(values[j], steps[j]) for j in self.columns]

    def to_steps(self, table):
        """Table with columns in units of their step. Values off the grid have a fraction."""
        table = table.copy()
        steps = (table[:, self.columns] - self.origin) / self.step
        near = np.rint(steps)
        table[:, self.columns] = np.where(np.abs(steps - near) < ROUNDING, near, steps)
        return table

    def from_steps(self, table):
        """Set whole numbers of steps to values of the column, in place."""
        for k, j in enumerate(self.columns):
            steps, known = table[:, j], self.known[k]
            inside = (steps >= 0) & (steps < len(known))
            value = known[np.where(inside, steps, 0).astype(np.intp)]
            other = self.origin[k] + self.step[k] * steps
            if self.decimals[k] is not None:
                other = np.round(other, self.decimals[k])
            table[:, j] = np.where(inside & ~np.isnan(value), value, other)


class AtomGrids(Grids):
    """Columns with atoms whose other values are on a grid.

    Parameters
    ----------
    found : dict of int to (Runs, Repeats)
        Columns with atoms and a step.

    Attributes
    ----------
    atoms : list of ndarray
        Atoms of each column. They are not on the grid.
    least : ndarray
        Least value on the grid of each column, in steps from the origin.
    """

    def __init__(self, found):
        self.columns = np.array(sorted(found), dtype=np.intp)
        repeats = [found[j][1] for j in self.columns]
        self.atoms = [each.atoms for each in repeats]
        self.step = np.array([each.step for each in repeats])
        rest = [np.setdiff1d(found[j][0].values, found[j][1].atoms) for j in self.columns]
        self.origin = np.array([values[0] for values in rest])
        self.least = np.zeros(len(rest))
        self.known = [_known(*each) for each in zip(rest, self.step, strict=True)]
        self.decimals = [_decimals(*each) for each in zip(rest, self.step, strict=True)]

    def on_grid(self, table):
        """Which values of these columns are not atoms, of shape (n_samples, n_columns)."""
        own = table[:, self.columns]
        return ~np.stack([np.isin(own[:, k], atoms) for k, atoms in enumerate(self.atoms)], axis=1)

    def spread(self, table, points):
        """Table with each value on the grid moved into the cell above it.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_all_columns)
        points : ndarray of shape (n_all_columns,), or numpy.random.Generator
            Places in the cells, between 0 and 1.
        """
        shape = len(table), len(self.columns)
        random = isinstance(points, np.random.Generator)
        place = points.random(shape) if random else points[self.columns]
        result = table.copy()
        result[:, self.columns] += np.where(self.on_grid(table), place * self.step, 0.0)
        return result

    def round_down(self, table):
        """Set values inside cells to those on the grid, in place. Atoms stay."""
        rounded, grid = table.copy(), self.on_grid(table)
        steps = (table[:, self.columns] - self.origin) / self.step
        rounded[:, self.columns] = np.maximum(np.floor(steps), self.least)
        self.from_steps(rounded)
        table[:, self.columns] = np.where(grid, rounded[:, self.columns], table[:, self.columns])

    def log_steps(self, table):
        """Logarithm of the step for values on the grid, and 0 for atoms."""
        return np.where(self.on_grid(table), np.log(self.step), 0.0)

    def has_fraction(self, table):
        """Which values are neither atoms nor on the grid, of the shape of the table."""
        steps = self.to_steps(table)[:, self.columns]
        result = np.zeros(table.shape, dtype=bool)
        result[:, self.columns] = self.on_grid(table) & (steps != np.floor(steps))
        return result

    def impossible(self, table, discrete):
        """Which rows have a value off the grid, below it, or an atom that must be implied.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_all_columns)
        discrete : ndarray of bool, shape (n_samples, n_all_columns)
            Which values are atoms with a map, or implied. From `Atoms.is_discrete`.
        """
        grid = self.on_grid(table)
        low = grid & (self.to_steps(table)[:, self.columns] < self.least)
        lonely = ~grid & ~discrete[:, self.columns]
        return self.has_fraction(table).any(axis=1) | (low | lonely).any(axis=1)

    def extend(self, table):
        """Lower the least values to those of further rows."""
        steps = np.where(self.on_grid(table), self.to_steps(table)[:, self.columns], np.inf)
        self.least = np.minimum(self.least, steps.min(axis=0))


def _known(values, step):
    place = np.rint((values - values[0]) / step).astype(np.intp)
    known = np.full(place[-1] + 1, np.nan)
    known[place] = values
    return known


def _decimals(values, step):
    """Least number of decimals that the values have, in single precision at least."""
    for decimals in range(-6, MOST_DECIMALS):
        if np.abs(values - np.round(values, decimals)).max() < ROUNDING * step:
            return decimals
    return None

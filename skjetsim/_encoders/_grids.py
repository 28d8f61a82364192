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

"""Events so far from all others that no smooth density learns them: wrong matches, failed fits.

The tail of a detector's response falls with the distance from the core. Mismeasured events lie
behind this tail. They are so few that a network, which learns one smooth map of all events, draws
their columns one at a time. They are found here, so that another density can describe them.

The distance of an event is that from the place of its column given X, in units of the width given
X. Let x be the logarithm of the distance, and let the rate of a tail be minus the derivative of the
logarithm of the number of events beyond x. The rate of a Gaussian or exponential tail rises with x,
and that of a power is constant. Where mismeasured events begin, the rate falls.
"""

import numpy as np
from scipy.special import gammaincc
from sklearn.base import BaseEstimator

from skjetsim._encoders._regression import PlaceAndWidth
from skjetsim.utils._weighted import weighted_quantile

FEWEST_ROWS = 500
NEAREST = 5.0  # in half-widths of 68%; nearer events are never far
LEAST_DISTANCE = 1.0  # from here on, a column shows how fast its tail falls
MOST_FAR = 0.03  # share of events; a larger population is not mismeasured, and can be learnt
FEWEST_INSIDE = 20  # events that show how fast the tail falls
LESS_STEEP = 2.0  # factor between the rates of a tail inside and beyond the cut
CHANCE = 1e-7  # that a tail of constant rate has such a gap
# Median over mean of the log distances from the cut. It is 0.69 for a power, and 1 if the log
# distances are uniform. A power is a tail, however slowly it falls.
LEAST_SKEW = 0.9
LEAST_SUM = 1e-200  # of log distances, which vanishes if events are equal
NEIGHBOURS = 4  # the density at the cut is that of a quarter of the events beyond it


class FarEvents(BaseEstimator):
    """Cuts behind the tails of columns, and the events beyond them.

    Attributes
    ----------
    location_ : PlaceAndWidth
        Of the columns that have a cut.
    cuts_ : ndarray of shape (2, n_columns)
        Lowest and highest distance, in widths, that is not far. Infinite if there is no cut.
    any_ : bool
        Whether there is a cut.
    """

    any_ = False

    def fit(self, table, basis, weight=None, columns=()):
        """Find the cuts.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        basis : callable
            `basis()` has shape (n_samples, n_features): features of X for the regressions. The
            first feature is constant. It is only called if there are distant values.
        weight : ndarray of shape (n_samples,), optional
        columns : sequence of int
            Columns that are looked at. Others, such as angles and integers, have no cut.

        Returns
        -------
        self
        """
        self.cuts_ = np.array([[-np.inf], [np.inf]]) * np.ones(table.shape[1])
        self.any_ = False
        long = [j for j in columns if _extends(table[:, j], weight)]
        self.location_ = None
        if len(table) < FEWEST_ROWS or not long:
            return self
        basis = basis()
        self.location_ = PlaceAndWidth().fit(table, basis, weight, long)
        distance = self._distance(table, basis)
        share = np.ones(len(table)) if weight is None else weight / weight.mean()
        for j in long:
            self.cuts_[:, j] = -_cut(-distance[:, j], share), _cut(distance[:, j], share)
        self.any_ = bool(np.isfinite(self.cuts_).any())
        return self

    def leave_out(self, columns):
        """Take back the cuts of some columns."""
        self.cuts_[:, columns] = [[-np.inf], [np.inf]]
        self.any_ = bool(np.isfinite(self.cuts_).any())

    def find(self, table, basis):
        """Which rows of a table have a value beyond a cut.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        basis : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of bool, shape (n_samples,)
        """
        if not self.any_:
            return np.zeros(len(table), dtype=bool)
        distance = self._distance(table, basis)
        return ((distance < self.cuts_[0]) | (distance > self.cuts_[1])).any(axis=1)

    def _distance(self, table, basis):
        place, width = self.location_.locate(basis)
        return (table - place) / width


def _extends(column, weight):
    """Whether a column has a core, and values far from it in its own units."""
    low, middle, high = weighted_quantile(column, [0.1587, 0.5, 0.8413], weight)
    width = weighted_quantile(np.abs(column - middle), [0.6827], weight)[0]  # 0 at an atom
    reach = max(middle - column.min(), column.max() - middle)
    return reach > 0.5 * NEAREST * min(high - low, 2 * width) > 0


def _cut(distance, share):
    """Distance beyond which one side of a column is far. Infinite if no event is.

    `share` has the weight of each event, one on average.
    """
    chosen = distance > LEAST_DISTANCE
    order = np.argsort(-distance[chosen], kind="stable")
    x, share = np.log(distance[chosen][order]), share[chosen][order]
    number, total = np.cumsum(share), np.cumsum(share * x)
    most = np.searchsorted(number, MOST_FAR * len(distance))
    i = np.arange(min(most, (x > np.log(NEAREST)).sum(), len(x) - FEWEST_INSIDE - 1))
    if not len(i):
        return np.inf
    # Row i of all arrays belongs to a cut behind the i + 1 farthest events.
    beyond = total[i] - number[i] * x[i + 1]
    rate_out = number[i] / np.maximum(beyond, LEAST_SUM)
    # The rate inside is that of as many events. Those beyond the cut are at risk, too.
    last = np.minimum(i + 1 + np.maximum(FEWEST_INSIDE, i + 1), len(x) - 1)
    n_inside = number[last] - number[i + 1]
    inside = total[last] - total[i + 1] - n_inside * x[last]
    inside += number[i + 1] * (x[i + 1] - x[last])
    rate_in = n_inside / np.maximum(inside, LEAST_SUM)
    median = x[np.searchsorted(number, 0.5 * number[i])] - x[i + 1]
    good = rate_in > LESS_STEEP * rate_out
    good &= gammaincc(number[i], rate_in * beyond) < CHANCE
    good &= median > LEAST_SKEW / rate_out
    if not good.any():
        return np.inf
    # Of all good cuts the one at which there are fewest events.
    k = np.maximum(1, (i + 1) // NEIGHBOURS)
    gap = (x[i - k + 1] - x[np.minimum(i + k, len(x) - 1)]) / (2 * k - 1)
    best = np.flatnonzero(good)[np.argmax(gap[good])]
    return np.exp(0.5 * (x[best] + x[best + 1]))

"""Robust regressions of the place and the width of a column given features of X."""

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim.utils._weighted import weighted_quantile

CORE, MOST = 0.6827, 0.9
NARROW = 0.5  # share of the width of a column; ResponseEncoder says why
CLEARLY_NARROWER = 0.9  # curves replace straight lines if residuals shrink by this factor
ROUNDING = 1e-6  # of the width of a column; narrower residuals are rounding, not a response
MOST_ROWS = 20_000  # of a regression: dozens of coefficients need no more
HELD_OUT = 5  # every fifth row is held out
N_ROUNDS = 3  # fits of place and width; each uses the weights from the one before
N_WIDTH_STEPS = 4  # in each round
FAR = 2.5  # in widths; residuals beyond count as if they were here
LOG_WIDTHS = (-300.0, 300.0)  # the squares of their exponentials are finite
RIDGES = (1e-9, 1e-6)  # for place and for width, in case columns of X depend on each other


def core_width(residuals, weight, share=CORE):
    """For each column, the distance from zero within which this share of the events lies."""
    return np.array([weighted_quantile(np.abs(r), [share], weight)[0] for r in residuals.T])


class PlaceAndWidth(BaseEstimator):
    """Place and width of each column of a table given features of X.

    The width is that of the central 68% of the events. It is one in a column in which most events
    have the same value.

    Attributes
    ----------
    place_, width_ : ndarray of shape (n_features, n_columns)
        Coefficients of place and of log width.
    log_width_range_ : ndarray of shape (2, n_columns)
        Least and largest log width in the fit.
    """

    def fit(self, table, basis, weight=None, columns=None):
        """Learn the place and the width.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        basis : ndarray of shape (n_samples, n_features)
            The first feature is constant.
        weight : ndarray of shape (n_samples,), optional
        columns : ndarray of int, optional
            All by default. Other columns have place zero and width one.

        Returns
        -------
        self
        """
        n_columns = table.shape[1]
        self.place_, self.width_ = np.zeros((2, basis.shape[1], n_columns))
        self.log_width_range_ = np.zeros((2, n_columns))
        weight = np.ones(len(table)) if weight is None else weight
        rows = slice(None, None, -(-len(table) // MOST_ROWS))
        table, basis, weight = table[rows], basis[rows], weight[rows]
        everything = np.ones(basis.shape[1], dtype=bool)
        for j in range(n_columns) if columns is None else columns:
            middle = weighted_quantile(table[:, j], [0.5], weight)[0]
            unit = core_width(table[:, [j]] - middle, weight)[0]
            if unit == 0:  # most events have the same value
                self.place_[0, j] = middle
                continue
            regression = Regression(basis, everything, table[:, j], weight, unit, np.inf)
            self.place_[:, j], self.width_[:, j] = regression.fit(everything)
            log_width = basis @ self.width_[:, j]
            self.log_width_range_[:, j] = log_width.min(), log_width.max()
            left = (table[:, j] - basis @ self.place_[:, j]) * np.exp(-log_width)
            scale = max(core_width(left[:, None], weight)[0], ROUNDING)
            self.width_[0, j] += np.log(scale)
            self.log_width_range_[:, j] += np.log(scale)
        return self

    def locate(self, basis):
        """Place and width of each column for each row of features."""
        log_width = np.clip(basis @ self.width_, *self.log_width_range_)
        return basis @ self.place_, np.exp(log_width)


class Regression:
    """Place and width of one column, fitted in turn. Outliers count as if they were nearer.

    `unit` and `reach` are the distances from the median within which two thirds and nine tenths of
    the events lie. No width is less than `ROUNDING` of the unit.
    """

    def __init__(self, basis, for_width, target, weight, unit, reach):
        self.basis, self.for_width = basis, for_width
        self.target, self.weight, self.unit, self.reach = target, weight, unit, reach

    def narrowest(self, choices):
        """Features of the place: the first of the choices, unless a later one is clearly better.

        None if the residuals of held-out events are not narrow in the unit and the reach, or are
        narrower than rounding.
        """
        best, least = None, NARROW * self.unit
        for chosen in choices:
            held_out = np.arange(len(self.target)) % HELD_OUT == 0
            place, _ = self.fit(chosen, ~held_out, n_rounds=1)
            left = self.target[held_out] - self.basis[held_out][:, chosen] @ place
            (core,), (most,) = (
                core_width(left[:, None], self.weight[held_out], share) for share in (CORE, MOST)
            )
            if core < least and most < NARROW * self.reach:
                best, least = chosen, CLEARLY_NARROWER * core
        return best if least > ROUNDING * self.unit else None

    def fit(self, for_place, rows=slice(None), n_rounds=N_ROUNDS):
        """Coefficients of place and of log width."""
        basis, target, weight = self.basis[rows], self.target[rows], self.weight[rows]
        inputs = basis[:, for_place]
        place = _least_squares(inputs, target, weight)
        width = _LogWidth(basis[:, self.for_width], weight)
        for _ in range(n_rounds):
            left = self._left(target, inputs, place)
            scale = np.exp(-width.step(left))
            far = np.maximum(left * scale / FAR, 1.0)
            place = _least_squares(inputs, target, weight * scale**2 / far)
        width.step(self._left(target, inputs, place))
        return place, width.coefficients

    def _left(self, target, inputs, place):
        return np.maximum(np.abs(target - inputs @ place), ROUNDING * self.unit)


def _least_squares(inputs, target, weight):
    weighted = inputs * (weight / weight.max())[:, None]
    gram = weighted.T @ inputs
    size = np.sqrt(np.diag(gram))
    size = np.where(size > 0, size, 1.0)
    gram = gram / size / size[:, None] + RIDGES[0] * np.eye(len(gram))
    return np.linalg.solve(gram, weighted.T @ target / size) / size


class _LogWidth:
    """Regression of the log width by maximum likelihood, in Fisher steps with a constant matrix.

    The likelihood is that of an exponential distribution of abs(residual). It is concave in the
    coefficients.
    """

    def __init__(self, inputs, weight):
        self.inputs, self.coefficients = inputs, None
        self.weighted = (inputs * (weight / weight.sum())[:, None]).T
        gram = self.weighted @ inputs
        self.inverse = np.linalg.inv(gram + RIDGES[1] * np.eye(len(gram)))

    def step(self, left):
        """Log width of each row, after a few more steps."""
        if self.coefficients is None:
            self.coefficients = np.zeros(len(self.inverse))
            self.coefficients[0] = np.log(max(self.weighted[0] @ left, np.finfo(float).tiny))
        for _ in range(N_WIDTH_STEPS):
            excess = np.minimum(left * np.exp(-self._log_width()), 2 * FAR) - 1
            self.coefficients = self.coefficients + self.inverse @ (self.weighted @ excess)
        return self._log_width()

    def _log_width(self):
        return np.clip(self.inputs @ self.coefficients, *LOG_WIDTHS)

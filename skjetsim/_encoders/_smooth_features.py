"""Smooth functions of each column of X, of which a regression is a sum."""

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim.utils._angles import is_angle
from skjetsim.utils._weighted import weighted_quantile

KNOT_LEVELS = (0.05, 0.275, 0.5, 0.725, 0.95)
LEAST_GAP = 0.02  # of their range
ROWS_FOR_FEATURE = 25  # or there are too many
LEAST_SIZE = np.finfo(np.float64).tiny


def momentum_size(momentum):
    """Sizes of momenta, shape (n_samples, 3) to (n_samples,); never zero."""
    return np.maximum(np.sqrt(np.square(momentum).sum(axis=1)), LEAST_SIZE)


class SmoothFeatures(BaseEstimator):
    """Of each column: itself, its logarithm with a sign, and natural cubic splines of that.

    Beyond the outer knots splines are straight lines. Angles enter as sines and cosines of one and
    two turns, momenta also as the logarithm of their pT, their pseudorapidity, and the sine and
    cosine of their azimuth.

    Attributes
    ----------
    knots_ : list of ndarray
        Of each column that is no angle, and of those derived from momenta.
    centre_, spread_ : ndarray
        What columns are standardised by, angles aside.
    angles_ : ndarray of int
    plain_ : ndarray of int
    momenta_ : ndarray of int, shape (n_objects, 3)
    range_ : ndarray of shape (2, n_columns)
        Of the columns in the fit, within which logarithms are taken.
    mean_, scale_ : ndarray of shape (n_features_out_,)
    kind_ : ndarray of int, shape (n_features_out_,)
        0 for the intercept and columns, 1 for sines and cosines, 2 for logarithms, 3 for curves.
    """

    def fit(self, X, names, momenta, weight):
        """Choose knots and scales.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        names : list of str
        momenta : ndarray of int, shape (n_objects, 3)
        weight : ndarray of shape (n_samples,)

        Returns
        -------
        self
        """
        varying = (X[0] != X).any(axis=0)
        angles = np.array([is_angle(name) for name in names], dtype=bool)
        self.angles_ = np.flatnonzero(varying & angles)
        self.plain_ = np.flatnonzero(varying & ~angles)
        self.momenta_ = np.asarray(momenta, dtype=int).reshape(-1, 3)
        table, _ = self._columns(X)
        quantiles = np.array([weighted_quantile(x, (0.25, 0.5, 0.75), weight) for x in table.T])
        quantiles = quantiles.reshape(-1, 3)
        spread = quantiles[:, 2] - quantiles[:, 0]
        self.centre_ = quantiles[:, 1]
        self.spread_ = np.where(spread > 0, spread, np.maximum(table.std(axis=0), LEAST_SIZE))
        logarithms = np.arcsinh((table - self.centre_) / self.spread_)
        self.range_ = np.array([logarithms.min(axis=0), logarithms.max(axis=0)])
        self.knots_ = [
            _apart(weighted_quantile(column, KNOT_LEVELS, weight)) for column in logarithms.T
        ]
        raw, self.kind_ = self._raw(X)
        self.mean_ = np.average(raw, axis=0, weights=weight)
        scale = np.sqrt(np.average((raw - self.mean_) ** 2, axis=0, weights=weight))
        self.scale_ = np.where(scale > 1e-12, scale, 1.0)
        self.mean_[0], self.scale_[0] = 0.0, 1.0
        self.n_features_out_ = len(self.kind_)
        return self

    def for_place(self, n_rows):
        """Features that a place may be a sum of, in a fit of so many rows, simplest first."""
        straight = self.kind_ <= 1
        curves = np.ones(self.n_features_out_, dtype=bool)
        return [chosen for chosen in (straight, curves) if self._enough(chosen, n_rows)]

    def for_width(self, n_rows):
        """Features that a log width is a sum of, in a fit of so many rows: not the columns."""
        curves, straight = self.kind_ >= 1, np.isin(self.kind_, (1, 2))
        curves[0] = straight[0] = True
        for chosen in (curves, straight):
            if self._enough(chosen, n_rows):
                return chosen
        return np.arange(self.n_features_out_) == 0

    @staticmethod
    def _enough(chosen, n_rows):
        return n_rows >= ROWS_FOR_FEATURE * chosen.sum()

    def transform(self, X):
        """Features, standardised; the first is one.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out_)
        """
        return (self._raw(X)[0] - self.mean_) / self.scale_

    def _columns(self, X):
        """Columns that are no angles, and angles."""
        plain, angles = [X[:, self.plain_]], [X[:, self.angles_]]
        for columns in self.momenta_:
            p = X[:, columns]
            pt = np.maximum(np.hypot(p[:, 0], p[:, 1]), LEAST_SIZE**0.5)
            plain += [np.log(pt)[:, None], np.arcsinh(p[:, 2:] / pt[:, None])]
            angles.append(np.arctan2(p[:, 1], p[:, 0])[:, None])
        return np.concatenate(plain, axis=1), np.concatenate(angles, axis=1)

    def _raw(self, X):
        plain, angles = self._columns(X)
        z = (plain - self.centre_) / self.spread_
        t = np.clip(np.arcsinh(z), *self.range_)
        parts = [np.ones((len(X), 1)), z, np.cos(angles), np.sin(angles), t]
        kinds = [0, 0, 1, 1, 2]
        parts += [np.cos(2 * angles), np.sin(2 * angles)]
        kinds += [3, 3]
        for column, knots in zip(t.T, self.knots_, strict=True):
            if len(knots) >= 3:
                parts.append(natural_splines(column, knots))
                kinds.append(3)
        kind = np.concatenate([[k] * part.shape[1] for k, part in zip(kinds, parts, strict=True)])
        return np.concatenate(parts, axis=1), kind.astype(int)


def _apart(knots):
    """Knots without those on top of another, as of a column of few values."""
    return knots[np.concatenate([[True], np.diff(knots) > LEAST_GAP * np.ptp(knots)])]


def natural_splines(x, knots):
    """Curved terms of natural cubic splines: straight lines beyond the outer knots.

    Parameters
    ----------
    x : ndarray of shape (n_samples,)
    knots : ndarray of shape (n_knots,)

    Returns
    -------
    ndarray of shape (n_samples, n_knots - 2)
    """
    beyond = np.maximum(x[:, None] - knots, 0.0)
    cubes = beyond * beyond * beyond / (knots[-1] - knots[0]) ** 2  # a power is ten times slower
    gap = knots[-1] - knots[-2]
    straight_beyond = np.vstack(
        [np.eye(len(knots) - 2), (knots[:-2] - knots[-1]) / gap, (knots[-2] - knots[:-2]) / gap]
    )
    return cubes @ straight_beyond

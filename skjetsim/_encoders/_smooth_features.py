"""SmoothFeatures: smooth functions of each column of X, which a regression adds up."""

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim.utils._angles import is_angle
from skjetsim.utils._weighted import weighted_quantile

KNOT_LEVELS = (0.05, 0.275, 0.5, 0.725, 0.95)
LEAST_GAP = 0.02  # between knots, relative to their range
ROWS_FOR_FEATURE = 25  # least number of rows for each feature
BLOCK_ROWS = 1024  # computed together, so that all temporaries stay in the processor's cache
LEAST_SIZE = np.finfo(np.float64).tiny


def momentum_size(momentum):
    """Sizes of momenta, from shape (..., 3) to (...). Never zero."""
    return np.maximum(np.sqrt(np.square(momentum).sum(axis=-1)), LEAST_SIZE)


class SmoothFeatures(BaseEstimator):
    """Features of each column: itself, its signed logarithm, and natural cubic splines of that.

    Beyond the outer knots, splines are straight lines. The features of an angle are the sines and
    cosines of the angle and of its double. Those of a momentum are its components, the logarithm of
    its pT, its pseudorapidity, and the features of its azimuth.

    Attributes
    ----------
    knots_ : list of ndarray
        Knots of each column that is not an angle, including those derived from momenta.
    centre_, spread_ : ndarray
        Centre and spread by which these columns are standardised.
    angles_, plain_ : ndarray of int
        Numbers of the varying columns of X that are angles, and of those that are not.
    momenta_ : ndarray of int, shape (n_objects, 3)
        Columns of each momentum.
    range_ : ndarray of shape (2, n_columns)
        Range of the logarithms in the fit. Later ones are clipped to it.
    mean_, scale_ : ndarray of shape (n_features_out_,)
        Mean and scale by which features are standardised.
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
        """Choices of features for a place in a fit of `n_rows` rows, simplest first."""
        straight = self.kind_ <= 1
        curves = np.ones(self.n_features_out_, dtype=bool)
        return [chosen for chosen in (straight, curves) if self._enough(chosen, n_rows)]

    def for_width(self, n_rows):
        """Features for a log width in a fit of `n_rows` rows, without the columns themselves."""
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
        """Standardised features. The first one is constant, 1.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out_)
        """
        starts = range(0, max(len(X), 1), BLOCK_ROWS)
        features = np.concatenate([self._raw(X[start : start + BLOCK_ROWS])[0] for start in starts])
        features -= self.mean_
        features /= self.scale_
        return features

    def _columns(self, X):
        """Columns that are not angles, and angles, both including those of momenta."""
        px, py, pz = np.moveaxis(X[:, self.momenta_], 2, 0)
        pt = np.maximum(np.hypot(px, py), LEAST_SIZE**0.5)
        derived = np.stack([np.log(pt), np.arcsinh(pz / pt)], axis=2).reshape(len(X), -1)
        angles = np.concatenate([X[:, self.angles_], np.arctan2(py, px)], axis=1)
        return np.concatenate([X[:, self.plain_], derived], axis=1), angles

    def _raw(self, X):
        plain, angles = self._columns(X)
        z = (plain - self.centre_) / self.spread_
        t = np.clip(np.arcsinh(z), *self.range_)
        parts = [np.ones((len(X), 1)), z, np.cos(angles), np.sin(angles), t]
        parts += [np.cos(2 * angles), np.sin(2 * angles), natural_splines(t, self.knots_)]
        kind = np.repeat([0, 0, 1, 1, 2, 3, 3, 3], [part.shape[1] for part in parts])
        return np.concatenate(parts, axis=1), kind


def _apart(knots):
    """Knots without those that coincide, as they do in a column of few values."""
    return knots[np.concatenate([[True], np.diff(knots) > LEAST_GAP * np.ptp(knots)])]


def natural_splines(x, knots):
    """Curved terms of natural cubic splines: straight lines beyond the outer knots.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns)
    knots : list of ndarray
        Knots of each column. A column with fewer than three has no curved terms.

    Returns
    -------
    ndarray of shape (n_samples, n_terms)
        The terms of all columns in turn. A column has two terms fewer than knots.
    """
    terms = [(j, inner, k[0], k[-2], k[-1]) for j, k in enumerate(knots) for inner in k[:-2]]
    column, inner, first, before, last = np.array(terms).reshape(-1, 5, 1).swapaxes(0, 1)
    x = x.T[column[:, 0].astype(int)]  # adjacent values of a column are faster
    gap, unit = last - before, (last - first) ** 2

    def cubes(knot):
        beyond = np.maximum(x - knot, 0.0)
        return beyond * beyond * beyond / unit  # a power is ten times slower

    ends = cubes(before) * ((inner - last) / gap) + cubes(last) * ((before - inner) / gap)
    return (cubes(inner) + ends).T

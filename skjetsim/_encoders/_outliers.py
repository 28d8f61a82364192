"""Outliers: the mismeasured events of a table, next to a network that describes all others."""

import numpy as np
from scipy.special import ndtr
from sklearn.base import BaseEstimator

from skjetsim._encoders._atoms import repeated_columns
from skjetsim._encoders._column_maps import apply_maps, invert_maps, log_slopes, some_maps
from skjetsim._encoders._far_events import FarEvents
from skjetsim._encoders._outlier_density import OutlierDensity


class Outliers(BaseEstimator):
    """Mismeasured events: which they are, their rate given X, and their density.

    A table is split by `find` before its encoder is fitted. The encoder and the network learn from
    the other events, the core. `fit` learns the density of the mismeasured events. Both densities
    are then mixed.

    An event whose X is far from that of all others is not mismeasured. Its y does not happen at
    another X, so it belongs to the core.

    Plain columns keep their own units in the density, because the maps of the core compress what
    lies far outside. Angles and integers are encoded.

    Parameters
    ----------
    features : SmoothFeatures or None
        Makes features of X. None for a table without X.

    Attributes
    ----------
    far_, far_x_ : FarEvents
        Cuts of the table and of X.
    density_ : OutlierDensity
    columns_ : ndarray of int
        Features of X that regressions use.
    plain_ : ndarray of int
        Encoded columns that keep their own units.
    weights_ : ndarray of shape (2,)
        Sum of the weights of the core and of the mismeasured events.
    """

    def __init__(self, features):
        self.features = features

    def find(self, table, X, weight, columns):
        """Find the mismeasured events of a training table.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        X : ndarray of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples,) or None
        columns : ndarray of int
            Columns that are looked at.

        Returns
        -------
        ndarray of bool, shape (n_samples,)
        """
        self.columns_ = np.array([0])
        if self.features is not None:
            choices = self.features.for_place(len(table))
            if choices:
                self.columns_ = np.flatnonzero(choices[-1])
        self.far_ = FarEvents().fit(table, lambda: self.basis(X), weight, columns)
        if self.far_.any_:  # a value that many events hold, such as -999, is not mismeasured
            self.far_.leave_out(list(repeated_columns(table, weight)))
        self.far_x_ = FarEvents()
        if not self.far_.any_:
            return np.zeros(len(table), dtype=bool)
        far = self.far_.find(table, self.basis(X)) & ~self.find_far_x(X, weight)
        return far & enough_without(table, far)

    def find_far_x(self, X, weight):
        """Find events whose X is far from that of all others."""
        if self.features is None:
            return np.zeros(len(X), dtype=bool)
        one = np.ones((len(X), 1))
        self.far_x_.fit(X, lambda: one, weight, self.features.plain_)
        return self.far_x_.find(X, one)

    def find_again(self, table, X):
        """Which rows of a further table are mismeasured, by the same cuts."""
        far = self.far_.find(table, self.basis(X))
        if far.any():
            far[far] = ~self.far_x_.find(X[far], np.ones((far.sum(), 1)))
        return far

    def basis(self, X):
        """Features of X for all regressions. Their first column is one."""
        if self.features is None:
            return np.ones((len(X), 1))
        return self.features.transform(X)[:, self.columns_]

    def fit(self, inputs, X, weight, far, encoder):
        """Learn the rate and the density.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_columns)
            Events, encoded by `encoder`.
        X : ndarray of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples,) or None
        far : ndarray of bool, shape (n_samples,)
            Which events are mismeasured.
        encoder : TableEncoder

        Returns
        -------
        self
        """
        plain = ~encoder.circular_ & ~encoder.integers_
        if encoder.atoms_ is not None:
            plain[encoder.atoms_.mapped_] = False
        self.plain_ = np.flatnonzero(plain)
        inputs, _ = self._in_own_units(inputs, encoder.maps_)
        basis = self.basis(X)
        weight = np.ones(len(X)) if weight is None else weight
        sides = [(array[~far], array[far]) for array in (inputs, basis, weight)]
        (core, outside), (core_basis, far_basis), weights = sides
        self.weights_ = np.array([each.sum() for each in weights])
        straight = np.zeros(0, dtype=int)
        if self.features is not None:
            straight = np.flatnonzero(self.features.kind_[self.columns_] <= 1)[1:]
        self.density_ = OutlierDensity().fit(
            core, core_basis, outside, far_basis, weights, encoder.circular_, straight
        )
        return self

    def _in_own_units(self, inputs, maps):
        """Encoded events with plain columns decoded, and those columns with their maps."""
        maps = some_maps(maps, self.plain_)
        values = invert_maps(maps, inputs[:, self.plain_])
        inputs = inputs.copy()
        inputs[:, self.plain_] = values
        return inputs, (values, maps)

    def extend(self, inputs, X, weight, core_weight, encoder):
        """Add mismeasured events of a further table, next to a core with this sum of weights."""
        weight = np.ones(len(X)) if weight is None else weight
        before, self.weights_ = self.weights_, self.weights_ + np.array([core_weight, weight.sum()])
        rise = np.log(self.weights_[1] / self.weights_[0]) - np.log(before[1] / before[0])
        self.density_.rate_.coefficients_[0] += rise
        if len(inputs):
            inputs, _ = self._in_own_units(inputs, encoder.maps_)
            self.density_.extend(inputs, self.basis(X), weight / self.weights_[1])

    def mix(self, inputs, chunk, encoder):
        """Replace encoded events of the core, at the rate of the mismeasured, by such events.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_columns)
        chunk : Chunk
            Noise, and the rows of X.
        encoder : TableEncoder

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        chance = ndtr(np.float64(chunk.normal(1))[:, 0])
        noise = np.float64(chunk.normal(1 + inputs.shape[1]))
        X = inputs if chunk.inputs is None else chunk.inputs
        rate = self.density_.rate_
        if rate.constant_:
            rows = np.flatnonzero(chance < rate(np.ones((1, 1))))
        else:
            rows = np.flatnonzero(chance < rate(self.basis(X)))
        if len(rows):
            drawn = self.density_.draw(self.basis(X[rows]), noise[rows])
            maps = some_maps(encoder.maps_, self.plain_)
            drawn[:, self.plain_] = apply_maps(maps, drawn[:, self.plain_])
            inputs = inputs.copy()
            inputs[rows] = drawn
        return inputs

    def log_mix(self, log_core, inputs, basis, encoder):
        """Log-density of the mixture, from that of the core.

        Parameters
        ----------
        log_core : ndarray of shape (n_samples,)
            A network may overflow so far from its events. There it has no density.
        inputs : ndarray of shape (n_samples, n_columns)
        basis : ndarray of shape (n_samples, n_features)
        encoder : TableEncoder

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        rate = self.density_.rate_(basis)
        log_core = np.where(np.isnan(log_core), -np.inf, log_core)
        inputs, (values, maps) = self._in_own_units(inputs, encoder.maps_)
        log_far = self.density_.log_prob(inputs, basis) - log_slopes(maps, values).sum(axis=1)
        return np.logaddexp(np.log1p(-rate) + log_core, np.log(rate) + log_far)


def enough_without(table, rows):
    """Whether all columns that vary also vary without some rows. The network needs them to."""
    if not rows.any():
        return True
    left = table[~rows]
    return not ((left == left[0]).all(axis=0) & (table != left[0]).any(axis=0)).any()

"""Simulators with a density: what a user calls, whatever the network."""

from __future__ import annotations

import numpy as np

from skjetsim._encoders._column_maps import (
    check_condition_reach,
    check_radians,
    check_reach,
    check_spread,
    encode_condition,
    learn_condition,
    n_inputs,
)
from skjetsim.base._checks import check_pairs
from skjetsim.base._simulator import BaseSimulator
from skjetsim.flows._base import LatentModel
from skjetsim.utils._angles import is_angle


class DensitySimulator(BaseSimulator, LatentModel):
    """Simulator whose network maps y, given X, to a standard normal latent space and back."""

    _learns = "y"

    def fit(self, X, y, sample_weight=None):
        """Learn p(y given X) from pairs of events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On NaN or infinity (naming column and row), different lengths or indices of X and y,
            negative or all-zero weights, angles of more than a turn, columns that vary by rounding
            only, parameters out of range, or a loss that is not finite in the first epoch.
        """
        X, y, weight = self._check_training(X, y, sample_weight, reset=True)
        self._learn_condition(X, weight)
        context = encode_condition(self.condition_, X)
        self._fit_density(y, context, list(self.target_names_in_), weight)
        return self

    def partial_fit(self, X, y, sample_weight=None):
        """Pass once over more pairs, at a constant learning rate.

        The first call learns how columns are scaled, so let it have many events; later ones, or
        those after `fit`, go on from there. Nothing is held back for validation, and no average of
        weights is kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`; where a column of y varies that did not in the first call; with `checkpoint`.
        """
        first = not self.__sklearn_is_fitted__()
        X, y, weight = self._check_training(X, y, sample_weight, reset=first)
        if first:
            self._learn_condition(X, weight)
        check_condition_reach(self.condition_, X)
        context = encode_condition(self.condition_, X)
        self._fit_density_further(y, context, list(self.target_names_in_), weight)
        return self

    def _check_training(self, X, y, sample_weight, *, reset):
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=reset)
        names = self._condition_names() or list(range(X.shape[1]))
        check_reach(X, None, names, "X")
        check_reach(y, None, self.target_names_in_, "y")
        check_radians(X, [is_angle(name) for name in names], names, "X")
        if reset:
            check_spread(X, weight, names, "X")
            check_spread(y, weight, self.target_names_in_, "y")
        return X, y, weight

    def _condition_names(self):
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else list(names)

    def _learn_condition(self, X, weight):
        self.condition_ = learn_condition(X, self._condition_names(), weight)

    def _draw_targets(self, rows, n_samples, random_state):
        check_condition_reach(self.condition_, rows)
        rows = np.repeat(rows, n_samples or 1, axis=0)
        return self._draw(
            len(rows),
            random_state,
            inputs=rows,
            to_context=lambda chunk: encode_condition(self.condition_, chunk),
        )

    def _log_density(self, X, y):
        check_condition_reach(self.condition_, X)
        self._check_reach(y, self.target_names_in_, "y")
        return self._table_log_density(y, encode_condition(self.condition_, X))

    def _n_context(self):
        return n_inputs(self.condition_)

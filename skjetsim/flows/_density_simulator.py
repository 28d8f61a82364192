"""DensitySimulator: the public methods of all simulators with a density."""

import numpy as np

from skjetsim._encoders._atoms import repeated_columns
from skjetsim._encoders._column_checks import check_columns
from skjetsim._encoders._condition import ConditionEncoder
from skjetsim._encoders._response import ResponseEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.base._checks import check_pairs
from skjetsim.base._simulator import BaseSimulator
from skjetsim.flows._density import Events, fit_density, fit_density_further
from skjetsim.utils._angles import is_angle


class DensitySimulator(NetworkEstimator, BaseSimulator):
    """Simulator whose network maps y, given X, to a standard normal latent space and back.

    `_learn` and `_log_density` encode y, and `_decode` decodes it.
    """

    def fit(self, X, y, sample_weight=None):
        """Learn p(y given X) from pairs of events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events. Row i of X and row i of y are the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the events. Those of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X or y has NaN or infinity (the message names column and row), an angle of more than
            a turn, or a column that varies by rounding only. If lengths or indices of X and y
            differ, weights are negative or all zero, a parameter is out of range, or the loss is
            not finite in the first epoch.
        """
        X, y, weight = self._check_training(X, y, sample_weight, reset=True)
        self._learn_condition(X, y, weight)
        self._learn(fit_density, X, y, weight)
        return self

    def partial_fit(self, X, y, sample_weight=None):
        """Pass once over more pairs, at a constant learning rate.

        The first call learns how columns are scaled, so give it many events. Later calls, and those
        after `fit`, continue the training. No events are held back for validation, and no average
        of weights is kept.

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
            For the reasons of `fit`, if a column of y varies that did not vary in the first call,
            or if `checkpoint` is set.
        """
        first = not self.__sklearn_is_fitted__()
        X, y, weight = self._check_training(X, y, sample_weight, reset=first)
        if first:
            self._learn_condition(X, y, weight)
        self.condition_encoder_.check(X)
        self._learn(fit_density_further, X, y, weight)
        return self

    def _check_training(self, X, y, sample_weight, *, reset):
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=reset)
        names = self._feature_names()
        check_columns(
            X, names, "X", weight=weight, circular=list(map(is_angle, names)), spread=reset
        )
        check_columns(y, self.target_names_in_, "y", weight=weight, spread=reset)
        return X, y, weight

    def _feature_names(self):
        return list(getattr(self, "feature_names_in_", range(self.n_features_in_)))

    def _learn_condition(self, X, y, weight):
        """Learn the encoder of X, and the place and width of y given X."""
        x_names, y_names = self._feature_names(), list(map(str, self.target_names_in_))
        self.condition_encoder_ = ConditionEncoder(x_names).fit(X, weight)
        kept = (y == np.floor(y)).all(axis=0) | self._kept_columns(y_names)
        kept[list(repeated_columns(y))] = True  # residuals of atoms are not atoms
        self.response_ = ResponseEncoder().fit(X, y, x_names, y_names, weight, kept)

    def _kept_columns(self, names):
        """Columns that a parameter names, so that they cannot be replaced by residuals."""
        return np.isin(names, [str(column) for column in self.integer_columns])

    def _learn(self, learn, X, y, weight):
        # The residual of an angle may be a number.
        names = [
            f"{name}_residual" if is_angle(name) and not angle else name
            for name, angle in zip(self.target_names_in_, self.response_.circular_, strict=True)
        ]
        given = self.condition_encoder_.encode(X)
        learn(self, Events(self.response_.encode(X, y), given, X, weight), names, "y")

    def _smooth_features(self):
        return self.response_.features_

    def _draw_targets(self, rows, n_samples, random_state):
        self.condition_encoder_.check(rows)
        return super()._draw_targets(rows, n_samples, random_state)

    def _decode(self, inputs, rows):
        return self.response_.decode(rows, self.encoder_.decode(inputs))

    def _given(self, rows):
        return (self.condition_encoder_.encode(rows),)

    def _log_density(self, X, y):
        self.condition_encoder_.check(X)
        left = self.response_.encode(X, y)
        return self._table_log_density(left, *self._given(X), X=X) + self.response_.log_det(X)

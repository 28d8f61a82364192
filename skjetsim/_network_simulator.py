"""What simulators with a network share: draws for each event, and scored pairs."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._drawing_simulator import DrawingSimulator
from skjetsim._network_estimator import NetworkEstimator
from skjetsim._validation import validate_events, validate_target

__all__ = ["NetworkSimulator"]


class NetworkSimulator(DrawingSimulator, NetworkEstimator, BaseEstimator):
    """Simulator whose network draws y for the rows of X.

    A subclass defines `_draw_rows(rows, random_state, events)`, where `rows` are the `events`, each
    as often as it is drawn for, and `_log_prob(X, y)` where it has a density.
    """

    def _draw_for(self, events, n_samples, random_state):
        repeated = n_samples is not None and n_samples > 1
        rows = np.repeat(events, n_samples, axis=0) if repeated else events
        return self._draw_rows(rows, random_state, events)

    def score_samples(self, X, y):
        """Log p(y given X) of each event, in the units of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
            Minus infinity for events that differ in a column that was constant in the fit. Of
            columns that were learnt as integers it is the probability, of others the density.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        return self._log_prob(X, y)

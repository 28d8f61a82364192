"""What simulators with a network share: draws for each event, and scored pairs."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._network_estimator import NetworkEstimator
from skjetsim._validation import check_int, refuse_count, validate_events, validate_target
from skjetsim.base import SimulatorMixin

__all__ = ["NetworkSimulator"]


class NetworkSimulator(SimulatorMixin, NetworkEstimator, BaseEstimator):
    """Simulator whose network draws y for the rows of X.

    A subclass defines `_draw_rows(rows, random_state, events)`, where `rows` are the `events`, each
    as often as it is drawn for, and `_log_prob(X, y)` where it has a density.
    """

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Theory-level events; none at all give none.
        n_samples : int, optional
            Draws for each event; one, without an axis of its own, where it is not given.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
            In the units of the fitted y. A table under `set_output`, without `n_samples`.
        """
        check_is_fitted(self)
        refuse_count(self, X)
        events = validate_events(self, X, reset=False, min_samples=0)
        repeats = 1 if n_samples is None else check_int(n_samples, "n_samples")
        rows = np.repeat(events, repeats, axis=0) if repeats > 1 else events
        drawn = self._draw_rows(rows, random_state, events)
        if n_samples is not None:
            return self._as_target(drawn.reshape(len(events), repeats, self.n_targets_))
        return self._as_target(drawn, X)

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

"""Simulators with a density: what a user calls, whatever the network."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skjetsim._column_maps import (
    check_condition_reach,
    check_reach,
    encode_condition,
    learn_condition,
    n_inputs,
)
from skjetsim._network_estimator import weighted_events
from skjetsim._validation import (
    check_int,
    check_same_events,
    check_sample_weight,
    refuse_count,
    validate_events,
    validate_target,
)
from skjetsim.base import SimulatorMixin
from skjetsim.flows._base import LatentModel


class DensitySimulator(SimulatorMixin, LatentModel):
    """Simulator whose network maps y, given X, to a standard normal latent space and back."""

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
            negative or all-zero weights, parameters out of range, or a loss that is not finite in
            the first epoch.
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
            As `fit`; where a column of y varies that did not in the first call; with `ema_decay`.
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
        check_same_events(X, y, sample_weight)
        X = validate_events(self, X, reset=reset, min_samples=2)
        y = validate_target(self, y, n_samples=len(X), reset=reset)
        weight = check_sample_weight(sample_weight, len(X))
        weight, X, y = weighted_events(weight, X, y)
        check_reach(X, None, self._condition_names() or range(X.shape[1]), "X")
        check_reach(y, None, self.target_names_in_, "y")
        return X, y, weight

    def _condition_names(self):
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else list(names)

    def _learn_condition(self, X, weight):
        self.condition_ = learn_condition(X, self._condition_names(), weight)

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
        check_condition_reach(self.condition_, events)
        drawn = self._draw(
            len(events) * repeats,
            random_state,
            inputs=np.repeat(events, repeats, axis=0) if repeats > 1 else events,
            to_context=lambda chunk: encode_condition(self.condition_, chunk),
        )
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
            Of integer columns the probability, of the others the density; minus infinity for
            events that differ in a column that was constant in the fit.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        check_condition_reach(self.condition_, X)
        self._check_reach(y, self.target_names_in_, "y")
        return self._log_density(y, encode_condition(self.condition_, X))

    def _n_context(self):
        return n_inputs(self.condition_)

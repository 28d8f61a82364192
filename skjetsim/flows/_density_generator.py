"""DensityGenerator: the public methods of all generators with a density and a latent space."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skjetsim._encoders._column_checks import check_columns
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.base._checks import check_sample
from skjetsim.base._finite import check_drawn
from skjetsim.base._generator import BaseGenerator
from skjetsim.base._shapes import as_events
from skjetsim.flows._density import Events, fit_density, fit_density_further
from skjetsim.utils._validation import check_events, validate_events


class DensityGenerator(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator, BaseGenerator
):
    """Generator whose network maps events to a standard normal latent space and back."""

    def fit(self, X, y=None, sample_weight=None):
        """Learn p(X).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the events. Those of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has NaN or infinity (the message names column and row), an angle of more than a
            turn, or a column that varies by rounding only. If weights are negative or all zero, a
            parameter is out of range, or the loss is not finite in the first epoch.
        """
        X, weight = self._check_training(X, sample_weight, reset=True)
        fit_density(self, Events(X, X=X, weight=weight), self._names(), "X")
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Pass once over more events, at a constant learning rate.

        The first call learns how columns are scaled, so give it many events. Later calls, and those
        after `fit`, continue the training. No events are held back for validation, and no average
        of weights is kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For the reasons of `fit`, if a column varies that did not vary in the first call, or if
            `checkpoint` is set.
        """
        first = not self.__sklearn_is_fitted__()
        X, weight = self._check_training(X, sample_weight, reset=first)
        fit_density_further(self, Events(X, X=X, weight=weight), self._names(), "X")
        return self

    def _check_training(self, X, sample_weight, *, reset):
        X, weight = check_sample(self, X, sample_weight, reset=reset)
        check_columns(X, self._names(), "X", weight=weight, spread=reset)
        return X, weight

    def transform(self, X):
        """Latent point of each event. Latent points are standard normal if the density is right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Zero in columns that did not vary in the fit. An integer n enters as n + 0.5.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        self.encoder_.check(X)
        latent = np.zeros_like(X)
        if self.net_ is not None:
            inputs = self.encoder_.encode(X, spread=False)
            latent[:, self.encoder_.varying_] = self._module_call("to_latent", inputs)
        return latent

    def inverse_transform(self, Z):
        """Event of each latent point.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_features)

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or a table under `set_output`
        """
        check_is_fitted(self)
        latent, _ = check_events(Z, what="Z", estimator=self)
        if latent.shape[1] != self.n_features_in_:
            raise ValueError(
                f"Z has {latent.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        X = self._from_noise(latent[:, self.encoder_.varying_])
        check_drawn(self, X, latent, "Z", "events")
        return as_events(self, X)

    @property
    def _n_features_out(self):
        return self.n_features_in_

    def _smooth_features(self):
        return None  # there is no condition

    def _names(self):
        return list(getattr(self, "feature_names_in_", range(self.n_features_in_)))

    def _log_density(self, X):
        return self._table_log_density(X)

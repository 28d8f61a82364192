"""Generators with a density and a latent space: what a user calls, whatever the network."""

from __future__ import annotations

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skjetsim._column_maps import check_reach, check_spread
from skjetsim._network_estimator import weighted_events
from skjetsim._sklearn_compat import wrap_like_transform
from skjetsim._validation import check_events, check_int, check_sample_weight, validate_events
from skjetsim.base import GeneratorMixin
from skjetsim.flows._base import LatentModel


class DensityGenerator(
    GeneratorMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, LatentModel
):
    """Generator that maps events to a standard normal latent space and back."""

    def fit(self, X, y=None, sample_weight=None):
        """Learn p(X).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Events of weight zero play no part.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            On NaN or infinity (naming column and row), negative or all-zero weights, angles of more
            than a turn, columns that vary by rounding only, parameters out of range, or a loss that
            is not finite in the first epoch.
        """
        X, weight = self._check_training(X, sample_weight, reset=True)
        self._fit_density(X, None, self._names(), weight)
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """Pass once over more events, at a constant learning rate.

        The first call learns how columns are scaled, so let it have many events; later ones, or
        those after `fit`, go on from there. Nothing is held back for validation, and no average of
        weights is kept.

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
            As `fit`; where a column varies that did not in the first call; with `ema_decay`.
        """
        first = not self.__sklearn_is_fitted__()
        X, weight = self._check_training(X, sample_weight, reset=first)
        self._fit_density_further(X, None, self._names(), weight)
        return self

    def _check_training(self, X, sample_weight, *, reset):
        X = validate_events(self, X, reset=reset, min_samples=2)
        weight = check_sample_weight(sample_weight, len(X))
        weight, X = weighted_events(weight, X)
        check_reach(X, None, self._names(), "X")
        if reset:
            check_spread(X, weight, self._names(), "X")
        return X, weight

    def sample(self, n_samples=1, *, random_state=None):
        """Draw events.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        ndarray of shape (n_samples, n_features), or a table under `set_output`
        """
        check_is_fitted(self)
        n_samples = check_int(n_samples, "n_samples")
        return self._as_events(self._draw(n_samples, random_state))

    def transform(self, X):
        """Latent point of each event: standard normal if the density is right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            Zero in columns that did not vary in the fit. Integers are taken at the middle of
            their cell.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        self._check_reach(X, self._names(), "X")
        return self._to_latent(X)

    def inverse_transform(self, Z):
        """Bring latent points back to events.

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
        return self._as_events(self._from_base(latent[:, self.varying_], None))

    def score_samples(self, X):
        """Log-density of each event, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Of integer columns the probability, of the others the density; minus infinity for
            events that differ in a column that was constant in the fit, and for integers below the
            least of the fit.
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        self._check_reach(X, self._names(), "X")
        return self._log_density(X, None)

    @property
    def _n_features_out(self):
        return self.n_features_in_

    def _names(self):
        return list(getattr(self, "feature_names_in_", range(self.n_features_in_)))

    def _as_events(self, rows):
        if len(self.input_shape_) > 1:
            return rows.reshape(len(rows), *self.input_shape_)
        default = [f"x{i}" for i in range(self.n_features_in_)]
        return wrap_like_transform(self, rows, getattr(self, "feature_names_in_", default))

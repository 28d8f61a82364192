"""Mixins that make an estimator a generator, a simulator or an unfolder."""

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._sklearn_compat import set_output_container
from skjetsim.base._tags import with_pairs
from skjetsim.utils._circle import angle_columns, circular_std, on_circle
from skjetsim.utils._scores import energy_scores
from skjetsim.utils._validation import (
    check_same_events,
    check_sample_weight,
    validate_events,
    validate_target,
)
from skjetsim.utils._weighted import weighted_mean

N_SCORED = 10  # draws per event of an energy score


class GeneratorMixin:
    """Mixin for estimators that learn p(X): `fit(X)`, then `sample(n_samples)`.

    The mixin adds the tag `estimator_type="generator"` and, if the estimator has `score_samples`,
    its mean `score`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skjetsim.base import GeneratorMixin, is_generator
    >>> class Uniform(GeneratorMixin, BaseEstimator):
    ...     def fit(self, X, y=None):
    ...         self.n_features_in_ = X.shape[1]
    ...         return self
    ...     def sample(self, n_samples=1, *, random_state=None):
    ...         rng = np.random.default_rng(random_state)
    ...         return rng.uniform(size=(n_samples, self.n_features_in_))
    >>> is_generator(Uniform())
    True
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "generator"
        return tags

    @available_if(lambda self: hasattr(self, "score_samples"))
    def score(self, X, y=None, sample_weight=None):
        """Mean log-likelihood of the events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Mean of log p(x), in the units of X. Other units shift it.
        """
        check_same_events(X, None, sample_weight)
        return weighted_mean(self.score_samples(X), sample_weight)


class SimulatorMixin(TransformerMixin):
    """Mixin for estimators that learn p(y given X): `fit(X, y)`, then `sample(X)`.

    The estimator defines `fit`, which sets `target_names_in_`, and
    `sample(X, *, n_samples=None, random_state=None)`, and has an attribute `random_state`. The
    mixin adds `transform` (one simulated event per row), `fit_transform`, `set_output`, `score`
    and, if the estimator has `sample_inverse`, `inverse_transform`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skjetsim.base import SimulatorMixin
    >>> class Smear(SimulatorMixin, BaseEstimator):
    ...     def __init__(self, random_state=None):
    ...         self.random_state = random_state
    ...     def fit(self, X, y):
    ...         self.width_ = np.std(y - X, axis=0)
    ...         self.target_names_in_ = np.asarray(["energy"], dtype=object)
    ...         return self
    ...     def sample(self, X, *, n_samples=None, random_state=None):
    ...         rng = np.random.default_rng(random_state)
    ...         if n_samples is not None:
    ...             X = np.repeat(X[:, None], n_samples, axis=1)
    ...         return rng.normal(X, self.width_)
    >>> X = np.full((4, 1), 50.0)
    >>> y = X + [[1.0], [-1.0], [1.0], [-1.0]]
    >>> Smear(random_state=0).fit(X, y).transform(X).shape
    (4, 1)
    """

    def __sklearn_tags__(self):
        return with_pairs(super().__sklearn_tags__(), "simulator")

    # scikit-learn makes tables of what has these names; clouds and images stay arrays.
    @available_if(lambda self: len(getattr(self, "target_shape_", ())) < 2)
    def get_feature_names_out(self, input_features=None):
        """Names of the detector-level columns that `transform` returns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.asarray(self.target_names_in_, dtype=object)

    def transform(self, X):
        """Simulate one detector-level event for each row.

        The noise comes from the constructor's `random_state`. An int repeats it at each call: to
        loop over files, call `sample` instead.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
        """
        check_is_fitted(self)
        return self.sample(X, random_state=self.random_state)

    @available_if(lambda self: hasattr(self, "sample_inverse"))
    def inverse_transform(self, y):
        """Unfold: draw one theory-level event for each detector-level row.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        return self.sample_inverse(y, random_state=self.random_state)

    def score(self, X, y, sample_weight=None):
        """Mean log p(y given X) if it is tractable, else minus the energy score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Higher is better. It compares event by event, so that a model that ignores X scores
            low. The energy score takes ten draws per event, and each column in standard deviations
            of y.
        """
        check_same_events(X, y, sample_weight)
        if hasattr(self, "score_samples"):
            return weighted_mean(self.score_samples(X, y), sample_weight)
        truth = validate_target(self, y, n_samples=None, reset=False)
        drawn = self.sample(X, n_samples=N_SCORED, random_state=self.random_state)
        return _minus_energy_score(truth, drawn, sample_weight, self.target_names_in_)


class UnfolderMixin:
    """Mixin for estimators that learn p(X given y): `fit(X, y)`, then `sample_inverse(y)`.

    X is the theory level and y the detector level, as for simulators. An unfolder has no `sample`,
    `transform` or `predict`. The estimator defines `fit`, with `validate_events` and
    `validate_target`, and `sample_inverse(y, *, n_samples=None, random_state=None)`, and has an
    attribute `random_state`. The mixin adds `inverse_transform`, `set_output` and `score`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skjetsim.base import UnfolderMixin, is_unfolder
    >>> class Sharpen(UnfolderMixin, BaseEstimator):
    ...     def __init__(self, random_state=None):
    ...         self.random_state = random_state
    ...     def fit(self, X, y):
    ...         self.width_ = np.std(X - y, axis=0)
    ...         return self
    ...     def sample_inverse(self, y, *, n_samples=None, random_state=None):
    ...         rng = np.random.default_rng(random_state)
    ...         if n_samples is not None:
    ...             y = np.repeat(y[:, None], n_samples, axis=1)
    ...         return rng.normal(y, self.width_)
    >>> X = np.full((4, 1), 50.0)
    >>> unfolder = Sharpen(random_state=0).fit(X, X + [[1.0], [-1.0], [1.0], [-1.0]])
    >>> unfolder.inverse_transform(X).shape
    (4, 1)
    >>> is_unfolder(unfolder)
    True
    """

    def __sklearn_tags__(self):
        return with_pairs(super().__sklearn_tags__(), "unfolder")

    def set_output(self, *, transform=None):
        """Choose the container of unfolded events.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Container of what `inverse_transform` and `sample_inverse` return, with the column
            names of X. None changes nothing.

        Returns
        -------
        self
        """
        return set_output_container(self, transform)

    def inverse_transform(self, y):
        """Unfold: draw one theory-level event for each detector-level row.

        The noise comes from `random_state`. An int repeats it at each call: to loop over files,
        call `sample_inverse` instead.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_targets)
            Detector-level events.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        return self.sample_inverse(y, random_state=self.random_state)

    def score(self, X, y, sample_weight=None):
        """Mean log p(X given y) if it is tractable, else minus the energy score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Higher is better. It compares event by event, so that a model that ignores y scores
            low.
        """
        check_same_events(X, y, sample_weight)
        if hasattr(self, "score_samples"):
            return weighted_mean(self.score_samples(X, y), sample_weight)
        truth = validate_events(self, X, reset=False)
        drawn = self.sample_inverse(y, n_samples=N_SCORED, random_state=self.random_state)
        names = getattr(self, "feature_names_in_", None)
        return _minus_energy_score(truth, drawn, sample_weight, names)


def _minus_energy_score(truth, drawn, sample_weight, names):
    """Minus the mean energy score, in standard deviations of the truth."""
    if len(truth) != len(drawn):
        raise ValueError(
            f"X and y have inconsistent numbers of samples: {len(drawn)} and {len(truth)} rows. "
            "Row i of both must be the same event."
        )
    weight = check_sample_weight(sample_weight, len(truth))
    circular = angle_columns(names, truth.shape[1])
    unit = circular_std(truth, circular, weight)
    drawn = np.asarray(drawn).reshape(len(truth), N_SCORED, -1)
    truth, drawn = (on_circle(table, circular, unit) for table in (truth, drawn))
    return -weighted_mean(energy_scores(truth, drawn), weight)

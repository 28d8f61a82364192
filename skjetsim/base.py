"""Mixins and tags of generators and simulators: what makes an estimator one of ours.

A *generator* learns p(X) and draws new events; a *simulator* learns p(y given X) and draws a
detector-level event for each theory-level one; an *unfolder* learns p(X given y), the way back.
They are recognised by the scikit-learn tag `estimator_type`, which a Pipeline and a search pass on
from the estimator inside.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._sklearn_compat import set_output_container, wrap_like_transform
from skjetsim._weighted import weighted_mean

__all__ = [
    "GeneratorMixin",
    "SimulatorMixin",
    "UnfolderMixin",
    "is_generator",
    "is_simulator",
    "is_unfolder",
]


def _estimator_type(estimator):
    return get_tags(estimator).estimator_type


def is_generator(estimator):
    """Whether an estimator learns p(X) and can be sampled.

    Parameters
    ----------
    estimator : estimator
        A Pipeline or a search counts as the estimator inside it.

    Returns
    -------
    bool
        True for generators of this package and for scikit-learn's density estimators.

    Examples
    --------
    >>> from sklearn.neighbors import KernelDensity
    >>> from skjetsim.base import is_generator
    >>> is_generator(KernelDensity())
    True
    """
    if _estimator_type(estimator) in {"generator", "density_estimator"}:
        return True
    from sklearn.neighbors import KernelDensity  # whose tag scikit-learn 1.9 leaves empty

    return isinstance(innermost(estimator), KernelDensity)


def innermost(estimator):
    """Model inside Pipelines and searches, the fitted one where there is one."""
    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
            estimator = estimator.estimator
        else:
            return estimator


def is_paired(estimator):
    """Whether row i of X and y is the same event to a fitted estimator; so unless it denies it."""
    return bool(getattr(innermost(estimator), "paired_", True))


def is_simulator(estimator):
    """Whether an estimator learns p(y given X) and simulates y for a given X.

    Parameters
    ----------
    estimator : estimator
        A Pipeline or a search counts as the estimator inside it.

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skjetsim.base import is_simulator
    >>> is_simulator(LinearRegression())
    False
    """
    return _estimator_type(estimator) == "simulator"


def is_unfolder(estimator):
    """Whether an estimator learns p(X given y), theory level from detector level.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool

    Examples
    --------
    >>> from skjetsim.base import is_unfolder
    >>> from skjetsim.flows import FlowSimulator
    >>> is_unfolder(FlowSimulator())
    False
    """
    return _estimator_type(estimator) == "unfolder"


class GeneratorMixin:
    """Mixin for estimators that learn p(X): `fit(X)`, then `sample(n_samples)`.

    Defines `score`, the mean of `score_samples`, where the estimator has a tractable density, and
    the tag `estimator_type="generator"`.

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
            Mean of log p(x), with X in its own units: a change of units shifts it.
        """
        return weighted_mean(self.score_samples(X), sample_weight)


class SimulatorMixin(TransformerMixin):
    """Mixin for estimators that learn p(y given X): `fit(X, y)`, then `sample(X)`.

    The estimator defines `fit` (setting `target_names_in_`) and
    `sample(X, *, n_samples=None, random_state=None)`, and has an attribute `random_state`. The
    mixin adds `transform` (one simulated event a row), `fit_transform`, `set_output`, `score` and,
    where there is a `sample_inverse`, `inverse_transform`.

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
        tags = super().__sklearn_tags__()
        tags.estimator_type = "simulator"
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    # scikit-learn wraps what has names into tables; clouds and images stay arrays.
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

        The noise is governed by the constructor's `random_state`: an int repeats it at each call,
        so to loop over files call `sample` instead.

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
        """Mean log p(y given X) where it is tractable, else minus the energy score.

        Of a simulator that learns from unpaired events (`paired_` is False), minus the sliced
        Wasserstein distance of simulated from measured events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event. Unpaired events may be of any number, in any order.
        sample_weight : array-like of shape (n_samples,), optional
            Of both levels.

        Returns
        -------
        float
            Higher is better. Never a marginal distance where there are pairs: a model that ignores
            X loses. Unpaired events have no other, here in standard deviations of y; where the way
            back alone was learnt, it is that of unfolded events from X.
        """
        if not is_paired(self):
            return self._score_distributions(X, y, sample_weight)
        if hasattr(self, "score_samples"):
            return weighted_mean(self.score_samples(X, y), sample_weight)
        from skjetsim.metrics import energy_score

        drawn = self.sample(X, n_samples=10, random_state=self.random_state)
        return -float(energy_score(y, drawn, sample_weight=sample_weight))

    def _score_distributions(self, X, y, sample_weight):
        """Minus the distance of drawn events from true ones, whichever belong together."""
        from skjetsim._validation import validate_events, validate_target
        from skjetsim.metrics import sliced_wasserstein_distance

        check_is_fitted(self)
        if self._only_unfolds():
            truth = validate_events(self, X, reset=False)
            drawn = self.sample_inverse(y, random_state=self.random_state)
        else:
            truth = validate_target(self, y, n_samples=None, reset=False)
            drawn = self.sample(X, random_state=self.random_state)
        return -sliced_wasserstein_distance(
            truth,
            np.asarray(drawn).reshape(len(drawn), -1),
            sample_weight=sample_weight,
            generated_weight=sample_weight,
            scale="std",
            random_state=0,
        )

    def _only_unfolds(self):
        """Whether the way back alone was learnt: an encoder without a decoder."""
        return getattr(self, "trained_", None) == "encoder"

    def _as_target(self, rows, X=None):
        """Give simulated rows the shape, and under `set_output` the names, of the fitted y."""
        if rows.ndim == 2 and len(self.target_shape_) == 1:
            return wrap_like_transform(self, rows, self.target_names_in_, X)
        return rows.reshape(rows.shape[:-1] + self.target_shape_)


class UnfolderMixin:
    """Mixin for estimators that learn p(X given y): `fit(X, y)`, then `sample_inverse(y)`.

    X is the theory level and y the detector level, as for simulators, whose `sample`, `transform`
    and `predict` an unfolder does not have. The estimator defines `fit`, with `validate_events` and
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
        tags = super().__sklearn_tags__()
        tags.estimator_type = "unfolder"
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags

    def set_output(self, *, transform=None):
        """Choose the container of unfolded events.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Of what `inverse_transform` and `sample_inverse` return, under the names of X. None
            changes nothing.

        Returns
        -------
        self
        """
        return set_output_container(self, transform)

    def inverse_transform(self, y):
        """Unfold: draw one theory-level event for each detector-level row.

        The noise is governed by `random_state`: an int repeats it at each call, so to loop over
        files call `sample_inverse` instead.

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
        """Mean log p(X given y) where it is tractable, else minus the energy score.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Higher is better. Draws from the prior, whatever y, lose.
        """
        if hasattr(self, "score_samples"):
            return weighted_mean(self.score_samples(X, y), sample_weight)
        from skjetsim._validation import validate_events
        from skjetsim.metrics import energy_score

        X = validate_events(self, X, reset=False)
        drawn = self.sample_inverse(y, n_samples=10, random_state=self.random_state)
        return -float(energy_score(X, drawn, sample_weight=sample_weight))

"""Unfolding: detector-level events are checked, drawn for, and shaped as the fitted X."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._mixins import UnfolderMixin
from skjetsim.base._shapes import as_events
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_int, validate_target


class InverseSampling:
    """Mixin of estimators that unfold.

    A subclass defines ``_draw_inverse(rows, n_samples, random_state)``, which returns one row of X
    for each of `rows` or, if `n_samples` is not None, `n_samples` rows side by side for each.
    `rows` are checked detector-level events, at least one. A meta-estimator defines it only if the
    estimator inside unfolds (`available_if`), and then has `sample_inverse`.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.base import BaseSimulator, InverseSampling, check_pairs
    >>> class Shift(InverseSampling, BaseSimulator):
    ...     def __init__(self, random_state=None):
    ...         self.random_state = random_state
    ...     def fit(self, X, y, sample_weight=None):
    ...         X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
    ...         self.shift_ = np.average(y - X, axis=0, weights=weight)
    ...         return self
    ...     def _draw_targets(self, rows, n_samples, random_state):
    ...         return np.repeat(rows, n_samples or 1, axis=0) + self.shift_
    ...     def _draw_inverse(self, rows, n_samples, random_state):
    ...         return np.repeat(rows, n_samples or 1, axis=0) - self.shift_
    >>> simulator = Shift().fit([[50.0], [70.0]], [[48.0], [68.0]])
    >>> simulator.sample_inverse([[60.0]], n_samples=2)
    array([[[62.],
            [62.]]])
    """

    @available_if(lambda self: hasattr(self, "_draw_inverse"))
    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        """Unfold detector-level events.

        Parameters
        ----------
        y : array-like of shape (n, n_targets)
            Detector-level events. An empty y gives an empty result.
        n_samples : int, optional
            Number of draws per event, along a second axis. By default one draw and no such axis.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        X : ndarray of shape (n, n_features), or (n, n_samples, n_features)
            In the units of the fitted X. A table under `set_output`, if `n_samples` is None.
        """
        check_is_fitted(self)
        repeats = () if n_samples is None else (check_int(n_samples, "n_samples"),)
        if np.shape(y)[:1] == (0,):
            as_seed_sequence(random_state)  # a bad one is an error here, too
            return self._as_events(np.empty((0, *repeats, self.n_features_in_)), y)
        rows = validate_target(self, y, n_samples=None, reset=False)
        drawn = np.asarray(self._draw_inverse(rows, n_samples, random_state), dtype=np.float64)
        return self._as_events(drawn.reshape(len(rows), *repeats, self.n_features_in_), y)

    def _as_events(self, rows, y=None):
        return as_events(self, rows, y)


class BaseUnfolder(InverseSampling, UnfolderMixin, BaseEstimator):
    """Base class of unfolders: checks events, and shapes what is drawn for them.

    A subclass defines `fit`, which calls `check_pairs` with ``reset=True``, and
    ``_draw_inverse(rows, n_samples, random_state)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.base import BaseUnfolder, check_pairs
    >>> class Sharpen(BaseUnfolder):
    ...     def __init__(self, random_state=None):
    ...         self.random_state = random_state
    ...     def fit(self, X, y, sample_weight=None):
    ...         X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
    ...         self.width_ = np.sqrt(np.average((X - y) ** 2, axis=0, weights=weight))
    ...         return self
    ...     def _draw_inverse(self, rows, n_samples, random_state):
    ...         rng = np.random.default_rng(random_state)
    ...         return rng.normal(np.repeat(rows, n_samples or 1, axis=0), self.width_)
    >>> X = np.full((4, 1), 50.0)
    >>> unfolder = Sharpen(random_state=0).fit(X, X + [[1.0], [-1.0], [1.0], [-1.0]])
    >>> unfolder.inverse_transform(X).shape
    (4, 1)
    """

"""Base classes of what unfolds: draws events with the shape and the names of the fitted X."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._finite import check_density, check_drawn
from skjetsim.base._mixins import UnfolderMixin
from skjetsim.base._shapes import as_events, drawn_rows
from skjetsim.utils._validation import check_same_events, validate_events, validate_target


class InverseSampling:
    """Mixin of estimators that unfold.

    A subclass defines ``_draw_inverse(rows, n_samples, random_state)``. `rows` are one or more
    checked detector-level events. It returns one row of X for each of them; if `n_samples` is not
    None, it returns `n_samples` rows for each, next to each other. In a meta-estimator,
    `available_if` hides it, and `sample_inverse` with it, if the estimator inside does not unfold.

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
            Number of draws per event, along a second axis. None is one draw without that axis.
        random_state : None, int, Generator or RandomState
            None draws other events at each call; an int repeats the same events.

        Returns
        -------
        X : ndarray of shape (n, n_features), or (n, n_samples, n_features)
            In the units of the fitted X. A table under `set_output`, if `n_samples` is None.

        Raises
        ------
        ValueError
            On NaN or infinity in y, columns that differ from those of the fit, or a row of y that
            lies so far from the fit that the events drawn for it are not finite. It names the row.
        """
        check_is_fitted(self)
        empty = np.shape(y)[:1] == (0,)
        rows = () if empty else validate_target(self, y, n_samples=None, reset=False)
        drawn = drawn_rows(self._draw_inverse, rows, n_samples, random_state, self.n_features_in_)
        check_drawn(self, drawn, rows, "y")
        return as_events(self, drawn, y)


class BaseUnfolder(InverseSampling, UnfolderMixin, BaseEstimator):
    """Base class of unfolders: checks events, and gives drawn ones the shape of the fitted X.

    A subclass defines `fit`, which calls `check_pairs` with ``reset=True``, and

    - ``_draw_inverse(rows, n_samples, random_state)``, as in `InverseSampling`.
    - ``_log_density(X, y)``, if it has a density: log p(X given y) of checked rows. The class then
      has `score_samples` and its mean, `score`.

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

    @available_if(lambda self: hasattr(self, "_log_density"))
    def score_samples(self, X, y):
        """Log p(X given y) of each event, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        check_same_events(X, y)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        return check_density(self, self._log_density(X, y), "X and y")

"""BaseSimulator: draws events with the shape and the names of the fitted y."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._finite import check_density, check_drawn
from skjetsim.base._mixins import SimulatorMixin
from skjetsim.base._shapes import as_target, drawn_rows
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._scores import event_blocks
from skjetsim.utils._validation import (
    check_same_events,
    refuse_count,
    validate_events,
    validate_target,
)

N_PREDICTED = 101  # draws of a median; their number is odd, so that counts stay integers


class BaseSimulator(SimulatorMixin, BaseEstimator):
    """Base class of simulators: checks events, and gives drawn ones the shape of the fitted y.

    A subclass defines `fit`, which calls `validate_events` and `validate_target` (or `check_pairs`)
    with ``reset=True``, and

    - ``_draw_targets(rows, n_samples, random_state)``: an array with one row for each of `rows`,
      which are one or more checked events. If `n_samples` is not None, it has `n_samples` rows for
      each, next to each other.
    - ``_log_density(X, y)``, if it has a density: log p(y given X) of checked rows. The class then
      has `score_samples` and its mean, `score`.
    - ``_predict(rows)``, if it has a point prediction of its own. Otherwise `predict` is the median
      of draws.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.base import BaseSimulator, check_pairs
    >>> class Smear(BaseSimulator):
    ...     def __init__(self, random_state=None):
    ...         self.random_state = random_state
    ...     def fit(self, X, y, sample_weight=None):
    ...         X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
    ...         self.width_ = np.sqrt(np.average((y - X) ** 2, axis=0, weights=weight))
    ...         return self
    ...     def _draw_targets(self, rows, n_samples, random_state):
    ...         rng = np.random.default_rng(random_state)
    ...         return rng.normal(np.repeat(rows, n_samples or 1, axis=0), self.width_)
    >>> X = np.full((4, 1), 50.0)
    >>> simulator = Smear(random_state=0).fit(X, X + [[1.0], [-1.0], [1.0], [-1.0]])
    >>> simulator.sample(X, n_samples=10, random_state=1).shape
    (4, 10, 1)
    """

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Theory-level events. An empty X gives an empty result.
        n_samples : int, optional
            Number of draws per event, along a second axis. None is one draw without that axis.
        random_state : None, int, Generator or RandomState
            None draws other events at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
            In the units of the fitted y, and in single precision if it was. Under `set_output`, a
            table if `n_samples` is None, in which integers and booleans come back as such, too.

        Raises
        ------
        ValueError
            On NaN or infinity in X, columns that differ from those of the fit, or a row of X that
            lies so far from the fit that the events drawn for it are not finite. It names the row.
        """
        check_is_fitted(self)
        rows = self._events(X, min_samples=0)
        drawn = drawn_rows(self._draw_targets, rows, n_samples, random_state, self.n_targets_)
        check_drawn(self, drawn, rows)
        return as_target(self, drawn, X)

    @available_if(lambda self: hasattr(self, "_log_density"))
    def score_samples(self, X, y):
        """Log p(y given X) of each event, in the units of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
            For integers and at atoms, which are values that many events of the fit hold, it is a
            probability. For all other values it is a density. It is minus infinity if a column that
            was constant in the fit has another value, or if a value is never drawn, such as one
            between two atoms.
        """
        check_is_fitted(self)
        check_same_events(X, y)
        X = self._events(X)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        return check_density(self, self._log_density(X, y), "X and y")

    def predict(self, X):
        """Conditional median of each column of y, the same at each call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
            The median of 101 draws per event, unless the class says otherwise. For columns whose
            names are those of angles, it is the median about the mean direction.
        """
        check_is_fitted(self)
        rows = self._events(X, min_samples=0)
        predicted = self._predict(rows) if len(rows) else np.empty((0, self.n_targets_))
        check_drawn(self, predicted, rows, made="predictions")
        return as_target(self, predicted, X)

    def _predict(self, rows):
        """Median of draws, block by block."""
        angles = np.array([is_angle(name) for name in self.target_names_in_])
        result = np.empty((len(rows), self.n_targets_))
        for number, block in enumerate(event_blocks(len(rows), N_PREDICTED * self.n_targets_)):
            seed = np.random.SeedSequence(number)
            drawn = np.asarray(self._draw_targets(rows[block], N_PREDICTED, seed))
            drawn = drawn.reshape(-1, N_PREDICTED, self.n_targets_)
            result[block] = _median(drawn, angles)
        return result

    def _events(self, X, min_samples=1):
        refuse_count(self, X)
        return validate_events(self, X, reset=False, min_samples=min_samples)


def _median(drawn, angles):
    """Median over the draws, of shape (n, n_columns); for angles, about their mean direction."""
    if angles.any():
        phi = drawn[:, :, angles]
        center = np.arctan2(np.sin(phi).mean(axis=1), np.cos(phi).mean(axis=1))
        drawn = drawn.copy()
        drawn[:, :, angles] = wrap_phi(phi - center[:, None])
    median = np.median(drawn, axis=1)
    if angles.any():
        median[:, angles] = wrap_phi(median[:, angles] + center)
    return median

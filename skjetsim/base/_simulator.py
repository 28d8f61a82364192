"""BaseSimulator: events are checked, drawn for, and given the shape of the fitted y."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._mixins import SimulatorMixin
from skjetsim.base._shapes import as_target
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._scores import event_blocks
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_int, refuse_count, validate_events, validate_target

N_PREDICTED = 101  # draws of a median; an odd number, so that counts stay integers


class BaseSimulator(SimulatorMixin, BaseEstimator):
    """Base class of simulators: checks events, and shapes what is drawn for them.

    A subclass defines `fit`, which calls `validate_events` and `validate_target` (or `check_pairs`)
    with ``reset=True``, and

    - ``_draw_targets(rows, n_samples, random_state)``: an array with one row for each of `rows`
      or, if `n_samples` is not None, `n_samples` rows side by side for each. `rows` are checked
      events, at least one.
    - ``_log_density(X, y)``, if it has a density: log p(y given X) of checked rows. The class then
      has `score_samples`, and `score` is its mean.
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
            Number of draws per event, along a second axis. By default one draw and no such axis.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
            In the units of the fitted y. A table under `set_output`, if `n_samples` is None.
        """
        check_is_fitted(self)
        rows = self._events(X, min_samples=0)
        repeats = () if n_samples is None else (check_int(n_samples, "n_samples"),)
        shape = (len(rows), *repeats, self.n_targets_)
        if not len(rows):
            as_seed_sequence(random_state)  # a bad one is an error here, too
            return self._as_target(np.empty(shape), X)
        drawn = np.asarray(self._draw_targets(rows, n_samples, random_state), dtype=np.float64)
        return self._as_target(drawn.reshape(shape), X)

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
            Minus infinity for events that differ in a column that was constant in the fit. It is
            a probability for columns that were learnt as integers, and a density for the others.
        """
        check_is_fitted(self)
        X = self._events(X)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        return self._log_density(X, y)

    def predict(self, X):
        """Conditional median of each column of y, the same at each call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets)
            The median of 101 draws per event, unless the class says otherwise. Angles, by the names
            of their columns, have the median about their mean direction.
        """
        check_is_fitted(self)
        rows = self._events(X, min_samples=0)
        if not len(rows):
            return self._as_target(np.empty((0, self.n_targets_)), X)
        return self._as_target(self._predict(rows), X)

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

    def _as_target(self, rows, X=None):
        return as_target(self, rows, X)


def _median(drawn, angles):
    """Median over the draws, of shape (n, n_columns); that of angles about their direction."""
    if angles.any():
        phi = drawn[:, :, angles]
        center = np.arctan2(np.sin(phi).mean(axis=1), np.cos(phi).mean(axis=1))
        drawn = drawn.copy()
        drawn[:, :, angles] = wrap_phi(phi - center[:, None])
    median = np.median(drawn, axis=1)
    if angles.any():
        median[:, angles] = wrap_phi(median[:, angles] + center)
    return median

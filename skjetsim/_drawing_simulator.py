"""How all simulators draw: events are checked, drawn for, and given the shape of the fitted y."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skjetsim._sampling import as_seed_sequence
from skjetsim._validation import check_int, refuse_count, validate_events
from skjetsim.base import SimulatorMixin

__all__ = ["DrawingSimulator"]


class DrawingSimulator(SimulatorMixin):
    """Simulator that draws by `_draw_for(rows, n_samples, random_state)`.

    `rows` are checked events, one at least; what is drawn has one row for each, or `n_samples`
    side by side where that is no None.
    """

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Theory-level events; none at all give none.
        n_samples : int, optional
            Draws for each event, along an axis of their own; one, without it, where it is not
            given.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
            In the units of the fitted y. A table under `set_output`, without `n_samples`.
        """
        check_is_fitted(self)
        rows = self._events(X, min_samples=0)
        repeats = () if n_samples is None else (check_int(n_samples, "n_samples"),)
        shape = (len(rows), *repeats, self.n_targets_)
        if not len(rows):
            as_seed_sequence(random_state)  # a bad one is an error here, too
            return self._as_target(np.empty(shape), X)
        drawn = np.asarray(self._draw_for(rows, n_samples, random_state), dtype=np.float64)
        return self._as_target(drawn.reshape(shape), X)

    def _events(self, X, min_samples=1):
        refuse_count(self, X)
        return validate_events(self, X, reset=False, min_samples=min_samples)

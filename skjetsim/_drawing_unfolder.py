"""How all that unfold draw: events are checked, drawn for, and given the shape of the fitted X."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skjetsim._sampling import as_seed_sequence
from skjetsim._sklearn_compat import wrap_like_transform
from skjetsim._validation import check_int, validate_target

__all__ = ["InverseDrawing"]


class InverseDrawing:
    """Estimator that unfolds by `_unfold_for(rows, n_samples, random_state)`.

    `rows` are checked detector-level events, one at least; what is drawn has one row for each, or
    `n_samples` side by side where that is no None.
    """

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        """Unfold detector-level events.

        Parameters
        ----------
        y : array-like of shape (n, n_targets)
            Detector-level events; none at all give none.
        n_samples : int, optional
            Draws for each event, along an axis of their own; one, without it, where it is not
            given.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        X : ndarray of shape (n, n_features), or (n, n_samples, n_features)
            In the units of the fitted X. A table under `set_output`, without `n_samples`.
        """
        check_is_fitted(self)
        repeats = () if n_samples is None else (check_int(n_samples, "n_samples"),)
        if np.shape(y)[:1] == (0,):
            as_seed_sequence(random_state)  # a bad one is an error here, too
            return self._as_events(np.empty((0, *repeats, self.n_features_in_)), y)
        rows = validate_target(self, y, n_samples=None, reset=False)
        drawn = np.asarray(self._unfold_for(rows, n_samples, random_state), dtype=np.float64)
        return self._as_events(drawn.reshape(len(rows), *repeats, self.n_features_in_), y)

    def _as_events(self, rows, y=None):
        """Give unfolded rows the shape, and under `set_output` the names, of the fitted X."""
        if rows.ndim == 2 and len(self.input_shape_) == 1:
            names = getattr(self, "feature_names_in_", None)
            if names is None:
                names = [f"x{i}" for i in range(self.n_features_in_)]
            return wrap_like_transform(self, rows, names, y)
        return rows.reshape(rows.shape[:-1] + self.input_shape_)

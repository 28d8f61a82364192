"""What unfolders around other estimators share: drawing, and tables as they were fitted."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim._validation import check_int, validate_target
from skjetsim.base import UnfolderMixin
from skjetsim.compose._tables import measured_table

__all__ = ["MetaUnfolder"]


class MetaUnfolder(UnfolderMixin, BaseEstimator):
    """Unfolder that draws by `_draw_for(measured, n_samples, random_state)`."""

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        """Draw theory-level events from their posterior.

        Parameters
        ----------
        y : array-like of shape (n, n_targets)
            Detector-level events; none at all give none.
        n_samples : int, optional
            Draws for each event; one, without an axis of its own, where it is not given.
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
            return self._as_events(np.empty((0, *repeats, self.n_features_in_)), y)
        rows = validate_target(self, y, n_samples=None, reset=False)
        drawn = self._draw_for(measured_table(self, rows), n_samples, random_state)
        drawn = np.asarray(drawn, dtype=np.float64)
        return self._as_events(drawn.reshape(len(rows), *repeats, self.n_features_in_), y)

"""The method `score` of simulators that learn from unpaired events."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._shapes import feature_names, target_names
from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.utils._tables import as_table
from skjetsim.utils._validation import validate_events, validate_target


def unpaired_score(self, X, y, sample_weight=None):
    """Minus the sliced Wasserstein distance of simulated from measured events.

    Parameters
    ----------
    X : array-like of shape (n_theory, n_features)
    y : array-like of shape (n_measured, n_targets)
        Any number of events, in any order.
    sample_weight : array-like of shape (n_theory,), optional
        Weight of each row, on both levels.

    Returns
    -------
    float
        Higher is better. The unit is a standard deviation of y. If `trained_` is "encoder", it is
        the distance of unfolded events from X, in standard deviations of X.
    """
    check_is_fitted(self)
    if getattr(self, "trained_", None) == "encoder":
        truth = validate_events(self, X, reset=False)
        names = feature_names(self)
        drawn = self.sample_inverse(y, random_state=self.random_state)
    else:
        truth = validate_target(self, y, n_samples=None, reset=False)
        names = target_names(self)
        drawn = self.sample(X, random_state=self.random_state)
    return -sliced_wasserstein_distance(
        as_table(truth, names),
        as_table(np.asarray(drawn).reshape(len(drawn), -1), names),
        sample_weight=sample_weight,
        generated_weight=sample_weight,
        scale="std",
        random_state=0,
    )

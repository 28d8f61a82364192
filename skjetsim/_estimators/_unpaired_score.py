"""Score of simulators that learn from unpaired events."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.utils._validation import validate_events, validate_target

__all__ = ["unpaired_score"]


def unpaired_score(estimator, X, y, sample_weight=None):
    """Minus the sliced Wasserstein distance of drawn from true events.

    Parameters
    ----------
    estimator : fitted simulator
        With `trained_` of "encoder" it only unfolds: unfolded events are compared with X.
    X : array-like of shape (n_theory, n_features)
    y : array-like of shape (n_measured, n_targets)
    sample_weight : array-like, optional
        Of the rows of both levels.

    Returns
    -------
    float
        In standard deviations of the truth.
    """
    check_is_fitted(estimator)
    if getattr(estimator, "trained_", None) == "encoder":
        truth = validate_events(estimator, X, reset=False)
        drawn = estimator.sample_inverse(y, random_state=estimator.random_state)
    else:
        truth = validate_target(estimator, y, n_samples=None, reset=False)
        drawn = estimator.sample(X, random_state=estimator.random_state)
    return -sliced_wasserstein_distance(
        truth,
        np.asarray(drawn).reshape(len(drawn), -1),
        sample_weight=sample_weight,
        generated_weight=sample_weight,
        scale="std",
        random_state=0,
    )

"""What simulators around other estimators share: reading events, and drawing."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from skjetsim._drawing_simulator import DrawingSimulator
from skjetsim._validation import (
    check_same_events,
    check_sample_weight,
    validate_events,
    validate_target,
)

__all__ = ["MetaSimulator"]


class MetaSimulator(DrawingSimulator, BaseEstimator):
    """Simulator that remembers names and shapes of what its `fit` is given."""

    def _read_events(self, X, y, sample_weight, *, min_samples=1, paired=True):
        """Checked arrays of what `fit` is given; of equal length where rows are `paired`."""
        if paired or sample_weight is not None:
            check_same_events(X, y, sample_weight)
        X = validate_events(self, X, reset=True, min_samples=min_samples)
        y = validate_target(self, y, n_samples=len(X) if paired else None, reset=True)
        return X, y, check_sample_weight(sample_weight, len(X))

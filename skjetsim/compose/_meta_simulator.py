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
from skjetsim.base import innermost, is_paired
from skjetsim.compose._inner import learns_from_pairs

__all__ = ["MetaSimulator", "PassingSimulator"]


class MetaSimulator(DrawingSimulator, BaseEstimator):
    """Simulator that remembers names and shapes of what its `fit` is given."""

    def _read_events(self, X, y, sample_weight, *, min_samples=1, paired=True):
        """Checked arrays of what `fit` is given; of equal length where rows are `paired`."""
        if paired or sample_weight is not None:
            check_same_events(X, y, sample_weight)
        X = validate_events(self, X, reset=True, min_samples=min_samples)
        y = validate_target(self, y, n_samples=len(X) if paired else None, reset=True)
        return X, y, check_sample_weight(sample_weight, len(X))


class PassingSimulator(MetaSimulator):
    """Meta-simulator whose own `fit` needs no pairs: the simulator inside says whether it does.

    Others match X with y themselves, around any simulator, and so are scored on pairs. Subclasses
    say by `_fitted_inside` which simulator is asked after the fit.
    """

    @property
    def _learns_from_pairs(self):
        return learns_from_pairs(self.simulator)

    @property
    def paired_(self):
        """Whether row i of X and y is the same event; if not, distributions are compared."""
        return is_paired(self._fitted_inside)

    def _only_unfolds(self):
        model = innermost(self._fitted_inside)
        return hasattr(model, "_only_unfolds") and model._only_unfolds()

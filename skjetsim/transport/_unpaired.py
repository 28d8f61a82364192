"""UnpairedMixin: what simulators say of themselves that learn from unpaired events."""

from __future__ import annotations

from skjetsim._estimators._unpaired_score import unpaired_score

__all__ = ["UnpairedMixin"]


class UnpairedMixin:
    """Mixin of simulators that learn from unpaired events.

    Rows of X and y are then not the same event: `paired_` is False, scorers compare distributions,
    and so does `score`. It comes before `SimulatorMixin` or `BaseSimulator` in the list of bases.

    Examples
    --------
    >>> from skjetsim.base import BaseSimulator
    >>> from skjetsim.transport import UnpairedMixin
    >>> class Shift(UnpairedMixin, BaseSimulator):
    ...     pass
    >>> Shift().paired_
    False
    """

    _learns_from_pairs = False

    @property
    def paired_(self):
        """False: row i of X and row i of y are not the same event."""
        return False

    def score(self, X, y, sample_weight=None):
        """Minus the sliced Wasserstein distance of simulated from measured events.

        Parameters
        ----------
        X : array-like of shape (n_theory, n_features)
        y : array-like of shape (n_measured, n_targets)
            Of any number, in any order.
        sample_weight : array-like of shape (n_theory,), optional
            Of the rows of both levels.

        Returns
        -------
        float
            Higher is better, in standard deviations of y. If `trained_` is "encoder", it is the
            distance of unfolded events from X, in standard deviations of X.
        """
        return unpaired_score(self, X, y, sample_weight)

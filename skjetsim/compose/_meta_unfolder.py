"""What unfolders around other estimators share: tables as they were fitted."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from skjetsim._drawing_unfolder import InverseDrawing
from skjetsim.base import UnfolderMixin
from skjetsim.compose._tables import measured_table

__all__ = ["MetaUnfolder"]


class MetaUnfolder(InverseDrawing, UnfolderMixin, BaseEstimator):
    """Unfolder that draws by `_draw_for(measured, n_samples, random_state)`."""

    def _unfold_for(self, rows, n_samples, random_state):
        return self._draw_for(measured_table(self, rows), n_samples, random_state)

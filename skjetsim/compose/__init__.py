"""Meta-estimators: composition instead of flags inside every model."""

from skjetsim.compose._assignment import NearestAssignment
from skjetsim.compose._category import CategorySimulator
from skjetsim.compose._conditional import ConditionalTransformerMixin
from skjetsim.compose._efficiency import EfficiencySimulator
from skjetsim.compose._ensemble import EnsembleSimulator
from skjetsim.compose._iterative_unfolder import IterativeUnfolder
from skjetsim.compose._residual import ResidualTransformer
from skjetsim.compose._symmetric import SymmetricSimulator
from skjetsim.compose._transformed import TransformedSimulator
from skjetsim.compose._unfolder import Unfolder

__all__ = [
    "CategorySimulator",
    "ConditionalTransformerMixin",
    "EfficiencySimulator",
    "EnsembleSimulator",
    "IterativeUnfolder",
    "NearestAssignment",
    "ResidualTransformer",
    "SymmetricSimulator",
    "TransformedSimulator",
    "Unfolder",
]

"""Meta-estimators: composition instead of flags inside every model."""

from skjetsim.compose._conditional import ConditionalTransformerMixin
from skjetsim.compose._ensemble import EnsembleSimulator
from skjetsim.compose._residual import ResidualTransformer
from skjetsim.compose._transformed import TransformedSimulator

__all__ = [
    "ConditionalTransformerMixin",
    "EnsembleSimulator",
    "ResidualTransformer",
    "TransformedSimulator",
]

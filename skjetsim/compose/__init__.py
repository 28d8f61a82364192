"""Meta-estimators: composition instead of flags inside every model."""

from skjetsim.compose._assignment import NearestAssignment
from skjetsim.compose._category import CategorySimulator
from skjetsim.compose._chain import SimulatorChain
from skjetsim.compose._classifier_simulator import ClassifierSimulator
from skjetsim.compose._conditional import ConditionalTransformerMixin
from skjetsim.compose._efficiency import EfficiencySimulator
from skjetsim.compose._ensemble import EnsembleSimulator
from skjetsim.compose._generator_chain import GeneratorChain
from skjetsim.compose._iterative_unfolder import IterativeUnfolder
from skjetsim.compose._residual import ResidualTransformer
from skjetsim.compose._symmetric import SymmetricSimulator
from skjetsim.compose._transformed import TransformedSimulator
from skjetsim.compose._unfolder import Unfolder

__all__ = [
    "CategorySimulator",
    "ClassifierSimulator",
    "ConditionalTransformerMixin",
    "EfficiencySimulator",
    "EnsembleSimulator",
    "GeneratorChain",
    "IterativeUnfolder",
    "NearestAssignment",
    "ResidualTransformer",
    "SimulatorChain",
    "SymmetricSimulator",
    "TransformedSimulator",
    "Unfolder",
]

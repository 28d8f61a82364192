"""Physics transformers: coordinates, masses, angles and derived quantities of collision events."""

from skjetsim.preprocessing._angles import AngleEncoder, PhiRotation
from skjetsim.preprocessing._bounds import BoundTransformer
from skjetsim.preprocessing._column_transformer import InvertibleColumnTransformer
from skjetsim.preprocessing._cylindrical import CartesianToCylindrical
from skjetsim.preprocessing._energies import EnergyToMass
from skjetsim.preprocessing._features import KinematicFeatures, pair_and_triple_masses
from skjetsim.preprocessing._jacobian import has_log_det, log_det_jacobian, register_log_det
from skjetsim.preprocessing._logarithm import LogMassTransformer, LogTransformer
from skjetsim.preprocessing._masses import MassShellTransformer
from skjetsim.preprocessing._pair_mass import PairMassTransformer
from skjetsim.preprocessing._top_pair import TopPairFeatures
from skjetsim.preprocessing._top_pair_assignment import TopPairAssignment
from skjetsim.preprocessing._transverse_mass import TransverseMassTransformer
from skjetsim.utils._angles import wrap_phi

__all__ = [
    "AngleEncoder",
    "BoundTransformer",
    "CartesianToCylindrical",
    "EnergyToMass",
    "InvertibleColumnTransformer",
    "KinematicFeatures",
    "LogMassTransformer",
    "LogTransformer",
    "MassShellTransformer",
    "PairMassTransformer",
    "PhiRotation",
    "TopPairAssignment",
    "TopPairFeatures",
    "TransverseMassTransformer",
    "has_log_det",
    "log_det_jacobian",
    "pair_and_triple_masses",
    "register_log_det",
    "wrap_phi",
]

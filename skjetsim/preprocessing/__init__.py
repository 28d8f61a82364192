"""Physics transformers: coordinates, masses, angles and derived quantities of collision events."""

from ._angles import AngleEncoder, PhiRotation
from ._column_transformer import InvertibleColumnTransformer
from ._cylindrical import CartesianToCylindrical
from ._features import KinematicFeatures, pair_and_triple_masses
from ._jacobian import has_log_det, log_det_jacobian, register_log_det
from ._kinematics import wrap_phi
from ._logarithm import LogMassTransformer, LogTransformer
from ._masses import MassShellTransformer

__all__ = [
    "AngleEncoder",
    "CartesianToCylindrical",
    "InvertibleColumnTransformer",
    "KinematicFeatures",
    "LogMassTransformer",
    "LogTransformer",
    "MassShellTransformer",
    "PhiRotation",
    "has_log_det",
    "log_det_jacobian",
    "pair_and_triple_masses",
    "register_log_det",
    "wrap_phi",
]

"""Physics transformers: coordinates, masses, angles and derived quantities of collision events."""

from ._cylindrical import CartesianToCylindrical
from ._kinematics import wrap_phi

__all__ = ["CartesianToCylindrical", "wrap_phi"]

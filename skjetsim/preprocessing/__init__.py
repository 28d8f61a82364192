"""Physics transformers: coordinates, masses, angles and derived quantities of collision events."""

from ._kinematics import wrap_phi

__all__ = ["wrap_phi"]

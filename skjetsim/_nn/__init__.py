"""Torch modules, losses, samplers and the training engine; knows nothing of scikit-learn's API."""

from skjetsim._nn._engine import (
    TensorNet,
    TrainingPlan,
    TrainingSet,
    TrainingWarning,
    resolve_device,
)
from skjetsim._nn._flow import CouplingFlow, build_coupling_flow
from skjetsim._nn._random import PrivateRandom

__all__ = [
    "CouplingFlow",
    "PrivateRandom",
    "TensorNet",
    "TrainingPlan",
    "TrainingSet",
    "TrainingWarning",
    "build_coupling_flow",
    "resolve_device",
]

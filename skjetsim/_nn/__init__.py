"""Torch modules, losses, samplers and the training engine; knows nothing of scikit-learn's API."""

from skjetsim._nn._classifier import BinaryClassifier, build_classifier
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
    "BinaryClassifier",
    "CouplingFlow",
    "PrivateRandom",
    "TensorNet",
    "TrainingPlan",
    "TrainingSet",
    "TrainingWarning",
    "build_classifier",
    "build_coupling_flow",
    "resolve_device",
]

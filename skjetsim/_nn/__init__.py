"""Torch modules, losses, samplers and the training engine; knows nothing of scikit-learn's API."""

from skjetsim._nn._classifier import BinaryClassifier, build_classifier
from skjetsim._nn._engine import (
    SCHEDULES,
    TensorNet,
    TrainingPlan,
    TrainingSet,
    TrainingWarning,
    resolve_device,
)
from skjetsim._nn._flow import Flow, build_flow, column_orders, likelihood_weight_decay
from skjetsim._nn._invertible import InvertibleMap, build_invertible_map, invertible_width
from skjetsim._nn._matching import FlowMatching, MatchingNet, build_matching
from skjetsim._nn._ode import SOLVERS
from skjetsim._nn._random import PrivateRandom
from skjetsim._nn._response import (
    GaussianResponse,
    QuantileResponse,
    build_gaussian_response,
    build_quantile_response,
    normal_knots,
)

__all__ = [
    "SCHEDULES",
    "SOLVERS",
    "BinaryClassifier",
    "Flow",
    "FlowMatching",
    "GaussianResponse",
    "InvertibleMap",
    "MatchingNet",
    "PrivateRandom",
    "QuantileResponse",
    "TensorNet",
    "TrainingPlan",
    "TrainingSet",
    "TrainingWarning",
    "build_classifier",
    "build_flow",
    "build_gaussian_response",
    "build_invertible_map",
    "build_matching",
    "build_quantile_response",
    "column_orders",
    "invertible_width",
    "likelihood_weight_decay",
    "normal_knots",
    "resolve_device",
]

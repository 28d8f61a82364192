"""Torch modules, losses, samplers and the training engine; knows nothing of scikit-learn's API."""

from skjetsim._nn._classifier import BinaryClassifier, build_classifier
from skjetsim._nn._flow import Flow, build_flow, column_orders, likelihood_weight_decay
from skjetsim._nn._invertible import InvertibleMap, build_invertible_map, invertible_width
from skjetsim._nn._level import Columns, Level
from skjetsim._nn._matching import FlowMatching, build_matching
from skjetsim._nn._ode import SOLVERS
from skjetsim._nn._otus import Losses, Stage, build_otus
from skjetsim._nn._random import PrivateRandom
from skjetsim._nn._response import (
    GaussianResponse,
    QuantileResponse,
    build_gaussian_response,
    build_quantile_response,
    normal_knots,
)
from skjetsim._nn._sliced_wasserstein import sliced_wasserstein
from skjetsim._nn._transport_map import NOISES, MapLayout, object_groups
from skjetsim._nn.training import (
    SCHEDULES,
    Draws,
    Network,
    Rows,
    TrainingNet,
    TrainingPlan,
    TrainingWarning,
    Unpaired,
    resolve_device,
    weighted_mean,
)

__all__ = [
    "NOISES",
    "SCHEDULES",
    "SOLVERS",
    "BinaryClassifier",
    "Columns",
    "Draws",
    "Flow",
    "FlowMatching",
    "GaussianResponse",
    "InvertibleMap",
    "Level",
    "Losses",
    "MapLayout",
    "Network",
    "PrivateRandom",
    "QuantileResponse",
    "Rows",
    "Stage",
    "TrainingNet",
    "TrainingPlan",
    "TrainingWarning",
    "Unpaired",
    "build_classifier",
    "build_flow",
    "build_gaussian_response",
    "build_invertible_map",
    "build_matching",
    "build_otus",
    "build_quantile_response",
    "column_orders",
    "invertible_width",
    "likelihood_weight_decay",
    "normal_knots",
    "object_groups",
    "resolve_device",
    "sliced_wasserstein",
    "weighted_mean",
]

"""Torch modules, losses, samplers and the training engine, without scikit-learn's API."""

from skjetsim._nn._classifier import BinaryClassifier
from skjetsim._nn._flow import Flow, column_orders, likelihood_weight_decay
from skjetsim._nn._invertible import InvertibleMap, invertible_width
from skjetsim._nn._level import Columns, Level
from skjetsim._nn._matching import FlowMatching
from skjetsim._nn._ode import SOLVERS
from skjetsim._nn._otus import OTUS, Losses, Stage
from skjetsim._nn._random import PrivateRandom
from skjetsim._nn._response import GaussianResponse, QuantileResponse, normal_knots
from skjetsim._nn._sliced_wasserstein import sliced_wasserstein
from skjetsim._nn._transport_map import NOISES, MapLayout, object_groups
from skjetsim._nn.training._data import Draws, Rows, Unpaired
from skjetsim._nn.training._device import resolve_device
from skjetsim._nn.training._net import TrainingNet
from skjetsim._nn.training._network import Network, weighted_mean
from skjetsim._nn.training._plan import SCHEDULES, TrainingPlan, TrainingWarning

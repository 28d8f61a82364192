"""Training of every network, on skorch's protocol. No other package imports skorch."""

from skjetsim._nn.training._data import Draws, Rows, Unpaired
from skjetsim._nn.training._device import resolve_device
from skjetsim._nn.training._net import TrainingNet
from skjetsim._nn.training._network import Network, weighted_mean
from skjetsim._nn.training._plan import SCHEDULES, TrainingPlan, TrainingWarning

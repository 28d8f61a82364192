"""A GAN of tables with two optimizers, whose critic is stepped three times, on the kit."""

import torch
from torch import nn

from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Network, sliced_wasserstein
from skjetsim.base import BaseGenerator, check_sample
from skjetsim.base._shapes import feature_names
from skjetsim.utils._with_parameters import with_parameters

SLICES = 16  # of the distance by which an epoch is chosen


class GAN(Network):
    """Generator and critic of a Wasserstein GAN; slopes of the critic are held at one."""

    steps = ("critic", "critic", "critic", "generator")

    def __init__(self, n_columns, width, penalty):
        super().__init__()
        self.n_columns, self.penalty = n_columns, penalty
        layers = (nn.Linear(n_columns, width), nn.ReLU(), nn.Linear(width, n_columns))
        self.from_base = nn.Sequential(*layers)
        self.critic = nn.Sequential(nn.Linear(n_columns, width), nn.ReLU(), nn.Linear(width, 1))

    def groups(self):
        """Return an optimizer for each of the two, with the momenta of a GAN."""
        parts = {"critic": self.critic, "generator": self.from_base}
        return {
            step: [{"params": part.parameters(), "betas": (0.5, 0.9)}]
            for step, part in parts.items()
        }

    def losses(self, step, batch, generator):
        """Difference of the critic, and the penalty on its slope between events."""
        (x,) = batch.inputs
        drawn = self.from_base(torch.randn(x.shape, generator=generator).to(x))
        if step == "generator":
            return {"generator": -self.critic(drawn)[:, 0]}
        between = torch.lerp(x, drawn.detach(), torch.rand(len(x), 1, generator=generator).to(x))
        slope = torch.autograd.grad(
            self.critic(between.requires_grad_()).sum(), between, create_graph=True
        )[0]
        gap = self.critic(drawn.detach())[:, 0] - self.critic(x)[:, 0]
        return {"critic": gap, "penalty": self.penalty * (slope.norm(dim=1) - 1).square()}

    @torch.no_grad()
    def monitor(self, data, generator):
        """Sliced distance of drawn from held-out events: the losses say nothing of it."""
        (x,) = data.inputs
        drawn = self.from_base(torch.randn(x.shape, generator=generator).to(x))
        directions = torch.randn(SLICES, self.n_columns, generator=generator).to(x)
        return float(sliced_wasserstein(drawn, x, nn.functional.normalize(directions, dim=1)))


@with_parameters
class TableGAN(NetworkEstimator, BaseGenerator):
    """Generate events with a Wasserstein GAN.

    Parameters
    ----------
    width : int
        Of the hidden layers.
    penalty : float
        Weight of the penalty on the critic's slope.
    """

    width: int = 16
    penalty: float = 10.0
    learning_rate: float = 1e-3
    weight_decay: float | str = 0.0

    def fit(self, X, y=None, sample_weight=None):
        """Learn p(X)."""
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.encoder_ = TableEncoder(feature_names(self)).fit(X, weight)
        settings = {"n_columns": self.encoder_.n_outputs_, "width": self.width}
        inputs = (self.encoder_.encode(X),)
        return self._fit_network(inputs, weight, **settings, penalty=self.penalty)

    def _make_network(self, **settings):
        return GAN(**settings)

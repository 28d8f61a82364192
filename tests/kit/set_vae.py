"""A masked set model of particle clouds with any multiplicity, on the kit."""

import numpy as np
import torch
from scipy.special import ndtr
from torch import nn

from skjetsim._encoders._cloud import CloudEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Network
from skjetsim.base import BaseGenerator, check_sample
from skjetsim.utils._with_parameters import with_parameters


class SetVAE(Network):
    """Codes of a cloud by a masked mean over its particles, in whatever order."""

    def __init__(self, n_latent, width, beta):
        super().__init__()
        self.n_latent, self.beta = n_latent, beta
        self.particle = nn.Sequential(nn.Linear(3, width), nn.ReLU())
        self.code = nn.Linear(width, 2 * n_latent)
        self.draw = nn.Sequential(nn.Linear(3 + n_latent, width), nn.ReLU(), nn.Linear(width, 3))

    def from_base(self, noise, mask):
        """Particles of a code, each from noise of its own."""
        code, noise = noise[:, : self.n_latent], noise[:, self.n_latent :]
        noise = noise.reshape(*mask.shape, 3)
        code = code[:, None].expand(-1, mask.shape[1], -1)
        return self.draw(torch.cat([noise, code], dim=2)) * mask[:, :, None], mask

    def losses(self, step, batch, generator):
        """Squared distance of each particle to the nearest of the other cloud, both ways."""
        x, mask = batch.inputs
        total = mask.sum(1, keepdim=True)
        pooled = (self.particle(x) * mask[:, :, None]).sum(1) / total.clamp_min(1)
        mean, log_var = self.code(pooled).chunk(2, dim=1)
        noise = torch.randn(len(x), self.n_latent + x[0].numel(), generator=generator).to(x)
        code = mean + torch.exp(0.5 * log_var) * noise[:, : self.n_latent]
        drawn, _ = self.from_base(torch.cat([code, noise[:, self.n_latent :]], dim=1), mask)
        real = mask[:, :, None] & mask[:, None]
        distance = (drawn[:, :, None] - x[:, None]).square().sum(3).where(real, torch.inf)
        nearest = [distance.amin(axis).where(mask, 0.0).sum(1) for axis in (1, 2)]
        divergence = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
        return {"distance": sum(nearest) / total[:, 0], "divergence": self.beta * divergence}


@with_parameters
class CloudVAE(NetworkEstimator, BaseGenerator):
    """Generate clouds (n, particles, 3), whose number of particles is drawn first.

    Parameters
    ----------
    n_latent, width : int
        Of the codes and the layers.
    beta : float
        Weight of the divergence.
    """

    n_latent: int = 4
    width: int = 16
    beta: float = 0.1

    def fit(self, X, y=None, sample_weight=None):
        """Learn p(X)."""
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.encoder_ = CloudEncoder().fit(X, weight)
        clouds, mask = self.encoder_.encode(X)
        self.counts_ = np.sort(mask.sum(axis=1))
        settings = {"n_latent": self.n_latent, "width": self.width, "beta": self.beta}
        return self._fit_network((clouds, mask), weight, **settings)

    def _make_network(self, **settings):
        return SetVAE(**settings)

    def _chunk_rows(self):
        return 512  # all pairs of particles are more memory than a table has

    def _n_noise(self):
        return 1 + self._architecture["n_latent"] + 3 * self.encoder_.n_particles_

    def _draw_chunk(self, chunk):
        noise = chunk.normal(self._n_noise()).numpy()
        count = self.counts_[(ndtr(noise[:, 0]) * len(self.counts_)).astype(int)]
        mask = np.arange(self.encoder_.n_particles_) < count[:, None]
        return self.encoder_.decode(*self._module_call("from_base", noise[:, 1:], mask))

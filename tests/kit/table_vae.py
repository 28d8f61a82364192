"""A variational autoencoder of tables, on the estimator kit."""

import torch
from torch import nn

from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Network
from skjetsim.base import BaseGenerator, check_sample
from skjetsim.base._shapes import feature_names
from skjetsim.utils._with_parameters import with_parameters


class VAE(Network):
    """Gaussian encoder and decoder."""

    def __init__(self, n_columns, n_latent, width, beta):
        super().__init__()
        self.beta = beta
        self.encoder = nn.Sequential(
            nn.Linear(n_columns, width), nn.ReLU(), nn.Linear(width, 2 * n_latent)
        )
        self.from_base = nn.Sequential(
            nn.Linear(n_latent, width), nn.ReLU(), nn.Linear(width, n_columns)
        )

    def losses(self, step, batch, generator):
        """Squared error, and the divergence of the codes from a normal."""
        (x,) = batch.inputs
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=generator).to(x)
        again = self.from_base(mean + torch.exp(0.5 * log_var) * noise)
        divergence = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
        return {"reconstruction": (again - x).square().sum(1), "divergence": self.beta * divergence}


@with_parameters
class TableVAE(NetworkEstimator, BaseGenerator):
    """Generate events with a variational autoencoder.

    Parameters
    ----------
    n_latent : int
        Width of the codes.
    width : int
        Of the hidden layer.
    beta : float
        Weight of the divergence.
    """

    n_latent: int = 2
    width: int = 16
    beta: float = 0.1

    def fit(self, X, y=None, sample_weight=None):
        """Learn p(X)."""
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.encoder_ = TableEncoder(feature_names(self)).fit(X, weight)
        sizes = {"n_columns": self.encoder_.n_outputs_, "n_latent": self.n_latent}
        inputs = (self.encoder_.encode(X),)
        return self._fit_network(inputs, weight, **sizes, width=self.width, beta=self.beta)

    def _make_network(self, **settings):
        return VAE(**settings)

    def _n_noise(self):
        return self._architecture["n_latent"]

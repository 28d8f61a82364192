"""A mixture density network, p(y given X) as a sum of Gaussians, on the estimator kit."""

import torch
from torch import nn
from torch.distributions import Normal

from skjetsim._encoders._condition import ConditionEncoder
from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Network
from skjetsim.base import BaseSimulator, check_pairs
from skjetsim.base._shapes import feature_names, target_names
from skjetsim.utils._columns import column_positions
from skjetsim.utils._validation import check_int
from skjetsim.utils._with_parameters import with_parameters


class MixtureDensity(Network):
    """Weights, means and widths of diagonal Gaussians (Bishop, NCRG/94/004, eq. 22 to 24)."""

    def __init__(self, n_targets, n_given, n_components, width):
        super().__init__()
        self.shape = (n_components, n_targets)
        self.sizes = (n_components, n_components * n_targets, n_components * n_targets)
        layers = (nn.Linear(n_given, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.layers = nn.Sequential(*layers, nn.Linear(width, sum(self.sizes)))

    def mixture(self, given):
        """Logarithms of the weights; means and widths."""
        weight, mean, width = self.layers(given).split(self.sizes, dim=1)
        width = width.clamp(-8, 8).exp()  # no Gaussian shrinks to a point
        return weight.log_softmax(1), mean.unflatten(1, self.shape), width.unflatten(1, self.shape)

    def log_prob(self, y, given):
        """Logarithm of the density of encoded events."""
        log_weight, mean, width = self.mixture(given)
        each = Normal(mean, width, validate_args=False).log_prob(y[:, None])
        return torch.logsumexp(log_weight + each.sum(2), dim=1)

    def from_base(self, noise, given):
        """Encoded events: the last column of the noise says of which Gaussian they are."""
        log_weight, mean, width = self.mixture(given)
        which = (log_weight.exp().cumsum(1)[:, :-1] < torch.special.ndtr(noise[:, -1:])).sum(1)
        rows = torch.arange(len(which), device=which.device)
        return mean[rows, which] + width[rows, which] * noise[:, :-1]

    def losses(self, step, batch, generator):
        """Minus log-likelihood."""
        return {"likelihood": -self.log_prob(*batch.inputs)}


@with_parameters
class MixtureDensitySimulator(NetworkEstimator, BaseSimulator):
    """Simulate y given X with a mixture of Gaussians.

    Parameters
    ----------
    n_components : int
        Number of Gaussians.
    width : int
        Of the two hidden layers.
    classes : tuple of str or int
        Columns of X that hold a class, by name or position.
    """

    n_components: int = 4
    width: int = 32
    classes: tuple[str | int, ...] = ()

    def fit(self, X, y, sample_weight=None):
        """Learn p(y given X)."""
        for name in ("n_components", "width"):
            check_int(getattr(self, name), name)
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
        names = feature_names(self)
        classes = column_positions(self.classes, names, len(names), type(self).__name__)
        condition = ConditionEncoder(names, classes=[names[i] for i in classes], n_least=1)
        self.condition_encoder_ = condition.fit(X, weight)
        self.encoder_ = TableEncoder(target_names(self), what="y").fit(y, weight)
        sizes = {"n_targets": self.encoder_.n_outputs_, "n_given": condition.n_outputs_}
        sizes |= {"n_components": self.n_components, "width": self.width}
        return self._fit_network((self.encoder_.encode(y), *self._given(X)), weight, **sizes)

    def _make_network(self, **settings):
        return MixtureDensity(**settings)

    def _n_noise(self):
        return self._architecture["n_targets"] + 1

    def _given(self, rows):
        self.condition_encoder_.check(rows)
        return (self.condition_encoder_.encode(rows),)

    def _log_density(self, X, y):
        return self._table_log_density(y, *self._given(X))

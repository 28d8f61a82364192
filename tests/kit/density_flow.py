"""A flow that is trained on a density without any data, on the kit."""

from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Draws, Flow, column_orders, resolve_device
from skjetsim.base import BaseGenerator, check_sample
from skjetsim.base._shapes import feature_names
from skjetsim.utils._with_parameters import with_parameters

RADIUS, WIDTH = 1.5, 0.3


def log_shell(x):
    """Logarithm of the density of a spherical shell, up to a constant."""
    return -0.5 * ((x.norm(dim=1) - RADIUS) / WIDTH).square()


class DensityFlow(Flow):
    """Flow that learns from a density in place of events."""

    def losses(self, step, batch, generator):
        """Divergence of the flow from the density, of draws from the flow."""
        x = self.from_base(batch.inputs[0])
        return {"divergence": self.log_prob(x) - log_shell(x)}


@with_parameters
class ShellGenerator(NetworkEstimator, BaseGenerator):
    """Sample a shell in standardised columns, whose scales are all that X is asked for.

    Parameters
    ----------
    n_bins, width : int
        Of the splines, and of the networks.
    n_draws : int
        Draws per epoch.
    """

    n_bins: int = 4
    width: int = 16
    n_draws: int = 1024
    weight_decay: float | str = 0.0

    def fit(self, X, y=None, sample_weight=None):
        """Learn the shell, placed and scaled as X."""
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.encoder_ = TableEncoder(feature_names(self), scale="standard").fit(X, weight)
        n_columns = self.encoder_.n_outputs_
        draws = Draws(self.n_draws, n_columns, resolve_device(self.device))
        settings = {"n_bins": self.n_bins, "hidden_features": (self.width,)}
        return self._fit_network(draws, n_target=n_columns, **settings)

    def _make_network(self, n_target, **settings):
        orders = column_orders(n_target, 4, "reverse", None)
        kinds = ["rqs"] * n_target
        return DensityFlow(n_target, 0, kinds=kinds, mixing="coupling", orders=orders, **settings)

    def _log_density(self, X):
        return self._table_log_density(X)

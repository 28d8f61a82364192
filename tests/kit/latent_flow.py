"""An autoencoder with a flow on its codes, two networks in one estimator, on the kit."""

from sklearn.base import BaseEstimator
from torch import nn

from skjetsim import sample
from skjetsim._encoders._table import TableEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Network
from skjetsim.base import BaseGenerator, check_sample
from skjetsim.base._inside import check_generator, fit_inside
from skjetsim.base._shapes import feature_names
from skjetsim.utils._seeds import as_seed_sequence, child_seed
from skjetsim.utils._with_parameters import with_parameters

LATENT = 300  # branch of random_state


class Autoencoder(Network):
    """Codes, and events of codes."""

    def __init__(self, n_columns, n_latent, width):
        super().__init__()
        self.to_latent = nn.Sequential(
            nn.Linear(n_columns, width), nn.Tanh(), nn.Linear(width, n_latent)
        )
        self.from_latent = nn.Sequential(
            nn.Linear(n_latent, width), nn.Tanh(), nn.Linear(width, n_columns)
        )

    def losses(self, step, batch, generator):
        """Squared error of the reconstruction."""
        (x,) = batch.inputs
        return {"reconstruction": (self.from_latent(self.to_latent(x)) - x).square().sum(1)}


@with_parameters
class LatentFlowGenerator(NetworkEstimator, BaseGenerator):
    """Generate events from codes whose density is a generator's.

    Parameters
    ----------
    latent : generator
        Learns the codes, as `FlowGenerator()`.
    n_latent, width : int
        Of the codes and the layers.
    """

    latent: BaseEstimator
    n_latent: int = 2
    width: int = 16

    def fit(self, X, y=None, sample_weight=None):
        """Learn the codes, then their density."""
        check_generator(self.latent, "latent")
        X, weight = check_sample(self, X, sample_weight, reset=True)
        self.encoder_ = TableEncoder(feature_names(self)).fit(X, weight)
        inputs = self.encoder_.encode(X)
        settings = {"n_columns": self.encoder_.n_outputs_, "n_latent": self.n_latent}
        self._fit_network((inputs,), weight, **settings, width=self.width)
        if self.net_ is not None:
            seed = child_seed(as_seed_sequence(self.random_state), LATENT)
            codes = self._module_call("to_latent", inputs)
            fit_inside(self, "latent", codes, weight=weight, seed=seed)
        return self

    def _make_network(self, **settings):
        return Autoencoder(**settings)

    def _draw_events(self, n_samples, random_state):
        if self.net_ is None:
            return super()._draw_events(n_samples, random_state)
        codes = sample(self.latent_, n_samples=n_samples, random_state=random_state)
        return self.encoder_.decode(self._module_call("from_latent", codes))

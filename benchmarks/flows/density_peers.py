"""Densities of other packages, set up as their users would. Columns are standardised first.

nflows and zuko are neural spline couplings of the size of ours. They are trained by Adam with a
learning rate that falls to zero, for a given number of seconds, and the best epoch is kept. From
scikit-learn there are `KernelDensity` with a cross-validated bandwidth, and `GaussianMixture` with
the number of components that BIC chooses.
"""

import math
import time

import numpy as np
import torch
import zuko
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler

from skjetsim.pipeline import make_generative_pipeline

N_TRANSFORMS, HIDDEN, N_BINS, BOUND = 6, 128, 8, 5.0
# The better of 1e-3 and 3e-3 for both, on spirals and the shell in 6 dimensions.
LEARNING_RATE = 3e-3
CHUNK = 4096
BANDWIDTHS = np.geomspace(0.02, 0.8, 12)
COMPONENTS = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 37, 50)


class SplineCouplings:
    """Density of standardised columns by a network of another package.

    Parameters
    ----------
    seconds : float
        Processor time to train for.
    batch_size : int
    """

    def __init__(self, seconds, batch_size):
        self.seconds, self.batch_size = seconds, batch_size

    def fit(self, X, validation):
        """Train on the rows of X outside `validation`, an index of rows that choose the epoch."""
        self.scaler = StandardScaler().fit(X)
        rows = torch.as_tensor(self.scaler.transform(X), dtype=torch.float32)
        held_back = np.isin(np.arange(len(X)), validation)
        torch.manual_seed(0)
        self.flow = self.build(X.shape[1])
        best = self._train(rows[~held_back], rows[held_back])
        self.flow.load_state_dict(best)
        self.flow.eval()
        return self

    def _train(self, rows, held_back):
        """Return the weights of the best epoch."""
        optimizer = torch.optim.Adam(self.flow.parameters(), lr=LEARNING_RATE)
        start, self.epochs, lowest, best = time.process_time(), 0, math.inf, None
        while (done := (time.process_time() - start) / self.seconds) < 1:
            self.flow.train()
            for batch in rows[torch.randperm(len(rows))].split(self.batch_size):
                done = min(1.0, (time.process_time() - start) / self.seconds)
                rate = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * done))
                optimizer.param_groups[0]["lr"] = rate
                optimizer.zero_grad()
                (-self.log_prob(batch).mean()).backward()
                torch.nn.utils.clip_grad_norm_(self.flow.parameters(), 5.0)
                optimizer.step()
            self.epochs += 1
            self.flow.eval()
            with torch.no_grad():
                loss = -float(self.log_prob(held_back).mean())
            if loss < lowest:
                lowest = loss
                best = {name: value.clone() for name, value in self.flow.state_dict().items()}
        return best

    @torch.inference_mode()
    def score_samples(self, X):
        """Log density in the units of X."""
        rows = torch.as_tensor(self.scaler.transform(X), dtype=torch.float32)
        parts = [self.log_prob(part) for part in rows.split(CHUNK)]
        return torch.cat(parts).double().numpy() - np.log(self.scaler.scale_).sum()

    @torch.inference_mode()
    def sample(self, n_samples, *, random_state):
        """Draw events."""
        torch.manual_seed(random_state)
        sizes = [min(CHUNK, n_samples - start) for start in range(0, n_samples, CHUNK)]
        drawn = torch.cat([self.draw(size) for size in sizes])
        return self.scaler.inverse_transform(drawn.double().numpy())


class ZukoCouplings(SplineCouplings):
    """`zuko.flows.NSF` with couplings instead of autoregressive transformations."""

    def build(self, n_features):
        """Flow of the given width."""
        return zuko.flows.NSF(
            n_features,
            transforms=N_TRANSFORMS,
            bins=N_BINS,
            passes=2,
            hidden_features=(HIDDEN, HIDDEN),
            randperm=True,
        )

    def log_prob(self, rows):
        """Log density of standardised rows."""
        return self.flow().log_prob(rows)

    def draw(self, n_samples):
        """Standardised events."""
        return self.flow().sample((n_samples,))


class NflowsCouplings(SplineCouplings):
    """Couplings after linear maps by LU, with residual networks, as published with nflows."""

    def build(self, n_features):
        """Flow of the given width."""
        from nflows import distributions, flows, transforms
        from nflows.nn.nets import ResidualNet
        from nflows.utils import torchutils

        def network(n_inputs, n_outputs):
            return ResidualNet(n_inputs, n_outputs, hidden_features=HIDDEN, num_blocks=1)

        layers = []
        for index in range(N_TRANSFORMS):
            layers += [
                transforms.RandomPermutation(n_features),
                transforms.LULinear(n_features, identity_init=True),
                transforms.PiecewiseRationalQuadraticCouplingTransform(
                    torchutils.create_alternating_binary_mask(n_features, even=index % 2 == 0),
                    network,
                    num_bins=N_BINS,
                    tails="linear",
                    tail_bound=BOUND,
                ),
            ]
        return flows.Flow(
            transforms.CompositeTransform(layers), distributions.StandardNormal([n_features])
        )

    def log_prob(self, rows):
        """Log density of standardised rows."""
        return self.flow.log_prob(rows)

    def draw(self, n_samples):
        """Standardised events."""
        return self.flow.sample(n_samples)


def fit_kernel_density(X):
    """Kernel density with the bandwidth of the largest cross-validated likelihood."""
    model = make_generative_pipeline(StandardScaler(), KernelDensity(rtol=1e-4))
    grid = {"kerneldensity__bandwidth": BANDWIDTHS}
    return GridSearchCV(model, grid, cv=3).fit(X).best_estimator_


def fit_gaussian_mixture(X):
    """Gaussian mixture with the number of components that has the lowest BIC."""
    Z = StandardScaler().fit_transform(X)
    bic = [GaussianMixture(n, max_iter=300, random_state=0).fit(Z).bic(Z) for n in COMPONENTS]
    best = GaussianMixture(COMPONENTS[int(np.argmin(bic))], max_iter=300, random_state=0)
    return make_generative_pipeline(StandardScaler(), best).fit(X)

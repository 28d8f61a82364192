"""A class-conditional decoder of images, learnt by its energy score, on the kit."""

import torch
from torch import nn

from skjetsim._encoders._condition import ConditionEncoder
from skjetsim._encoders._image import ImageEncoder
from skjetsim._estimators._network import NetworkEstimator
from skjetsim._nn import Network
from skjetsim.base import BaseSimulator, check_pairs
from skjetsim.base._shapes import feature_names
from skjetsim.utils._with_parameters import with_parameters


class Decoder(Network):
    """Images of noise and the embedding of a class."""

    def __init__(self, n_classes, n_noise, shape, width):
        super().__init__()
        self.n_noise, self.shape = n_noise, tuple(shape)
        self.embedding = nn.Embedding(n_classes, width)
        self.noise = nn.Linear(n_noise, width)
        n_cells = shape[0] * shape[1]
        self.image = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.cells = nn.Linear(width, n_cells)

    def from_base(self, noise, label):
        """Images of normal noise."""
        hidden = self.image(self.noise(noise) + self.embedding(label[:, 0]))
        return self.cells(hidden).unflatten(1, self.shape)

    def losses(self, step, batch, generator):
        """Energy score of two images for each event: least for the conditional distribution."""
        image, label = batch.inputs
        noise = torch.randn(2, len(image), self.n_noise, generator=generator).to(image)
        first, second = (self.from_base(z, label).flatten(1) for z in noise)
        true = image.flatten(1)
        gaps = (first - true, second - true, first - second)
        near, far, apart = ((gap.square().sum(1) + 1e-12).sqrt() for gap in gaps)
        return {"energy_score": 0.5 * (near + far - apart)}


@with_parameters
class ClassImageSimulator(NetworkEstimator, BaseSimulator):
    """Simulate images given a class, the one column of X.

    Parameters
    ----------
    shape : tuple of int
        Height and width of an image, whose cells may be the columns of a table.
    n_noise, width : int
        Columns of noise, and width of the layers.
    threshold : float
        Energy from which on the network sees the logarithm, in the unit of y.
    """

    shape: tuple[int, int] = (4, 4)
    n_noise: int = 4
    width: int = 16
    threshold: float = 1.0

    def fit(self, X, y, sample_weight=None):
        """Learn p(y given X)."""
        X, y, weight = check_pairs(self, X, y, sample_weight, reset=True)
        names = feature_names(self)
        condition = ConditionEncoder(names, classes=names, embed=True)
        self.condition_encoder_ = condition.fit(X, weight)
        images = y.reshape(len(y), *self.shape)
        self.encoder_ = ImageEncoder(threshold=self.threshold, what="y").fit(images)
        settings = {"n_classes": len(condition.values_[0]), "n_noise": self.n_noise}
        settings |= {"shape": self.shape, "width": self.width}
        return self._fit_network(
            (self.encoder_.encode(images), *self._given(X)), weight, **settings
        )

    def _make_network(self, **settings):
        return Decoder(**settings)

    def _n_noise(self):
        return self._architecture["n_noise"]

    def _given(self, rows):
        self.condition_encoder_.check(rows)
        return (self.condition_encoder_.labels(rows),)

"""Estimators of another package, one of them with two networks."""

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skjetsim._estimators._network import NetworkEstimator

TWO_NETS = f"{__name__}.TwoNets"


class Foreign(BaseEstimator):
    """Estimator of another package."""

    def __init__(self, value=1):
        self.value = value

    def fit(self, X, y=None):
        self.mean_ = np.mean(X, axis=0)
        return self


class Net:
    """The part of a skorch net that a model file needs."""

    def __init__(self, module):
        self.module = module

    def initialize(self):
        self.module_ = self.module
        return self


class TwoNets(NetworkEstimator, BaseEstimator):
    """An autoencoder of two networks with different widths."""

    def __init__(self, width=3):
        self.width = width

    def fit(self, X, y=None):
        self.n_columns_, self.width_ = X.shape[1], self.width
        for name in ("encoder_net_", "decoder_net_"):
            setattr(self, name, self._untrained_net(name).initialize())
        return self

    def _untrained_net(self, name):
        widths = {"encoder_net_": (self.n_columns_, self.width_)}
        widths["decoder_net_"] = widths["encoder_net_"][::-1]
        if name not in widths:
            return super()._untrained_net(name)
        return Net(torch.nn.Linear(*widths[name]))

    def transform(self, X):
        codes = self.encoder_net_.module_(torch.as_tensor(X, dtype=torch.float32))
        return self.decoder_net_.module_(codes).detach().numpy()

"""Conditional coupling flows, assembled from zuko's couplings and our splines."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import nn
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.flows.gaussianization import ElementWiseTransform

from skjetsim._nn._random import PrivateRandom
from skjetsim._nn._spline import RationalQuadraticSpline, spline_shapes

__all__ = ["CouplingFlow", "build_coupling_flow"]


class CouplingFlow(nn.Module):
    """Density of `target` given `context`: couplings to a standard normal base.

    First, where there is a context, each column is shifted and scaled by what the context alone
    says of it, so that splines of a few bins need not follow a resolution that varies over an order
    of magnitude. Couplings come in pairs: the second transforms the columns that steered the
    first, so each column is transformed `n_transforms / 2` times.

    Parameters
    ----------
    n_target, n_context : int
    n_transforms : int
    hidden_features : sequence of int
    n_bins : int
    """

    def __init__(self, n_target, n_context, *, n_transforms, hidden_features, n_bins):
        super().__init__()
        self.n_target, self.n_context = n_target, n_context
        network = {
            "hidden_features": hidden_features,
            "activation": partial(nn.ReLU, inplace=True),
        }
        layers = []
        if n_context:
            layers.append(ElementWiseTransform(n_target, n_context, **network))
        order = torch.arange(n_target)
        for index in range(n_transforms):
            if index % 2 == 0:
                order = torch.randperm(n_target)
                mask = order % 2 == 0
            else:
                mask = ~mask
            layers.append(
                GeneralCouplingTransform(
                    n_target,
                    n_context,
                    mask=mask,
                    univariate=RationalQuadraticSpline,
                    shapes=spline_shapes(n_bins),
                    **network,
                )
            )
        self.layers = nn.ModuleList(layers)
        self._start_near_identity()

    def _start_near_identity(self):
        for layer in self.layers:
            hyper = getattr(layer, "hyper", None)
            with torch.no_grad():
                if isinstance(hyper, nn.Module):
                    hyper[-1].weight.mul_(0.1)
                    hyper[-1].bias.zero_()
                else:  # one column and no context: the spline's parameters themselves
                    for parameter in layer.phi:
                        parameter.mul_(0.1)

    def to_base(self, target, context=None):
        """Latent point of each row and log|det dz/dtarget|."""
        context = self._known(context)
        z, ladj = target, target.new_zeros(target.shape[:-1])
        for layer in self.layers:
            z, part = layer(context).call_and_ladj(z)
            ladj = ladj + (part.sum(-1) if part.ndim > ladj.ndim else part)
        return z, ladj

    def to_latent(self, target, context=None):
        """Latent point of each row."""
        return self.to_base(target, context)[0]

    def from_base(self, z, context=None):
        """Inverse of `to_base`, without the determinant."""
        context = self._known(context)
        for layer in reversed(self.layers):
            z = layer(context).inv(z)
        return z

    def _known(self, context):
        """Return the context, None where it has no columns."""
        return context if self.n_context else None

    def log_prob(self, target, context=None):
        """Log-density of each row of `target`."""
        z, ladj = self.to_base(target, context)
        return ladj - 0.5 * (z * z).sum(-1) - 0.5 * self.n_target * math.log(2 * math.pi)

    def forward(self, target, context=None):
        """Negative log-likelihood of each row: the loss the engine minimises."""
        return -self.log_prob(target, context)


def build_coupling_flow(n_target, n_context, *, generator, **settings):
    """Build a flow whose masks and weights come from `generator` alone.

    Parameters
    ----------
    n_target, n_context : int
    generator : torch.Generator
    **settings
        Keyword arguments of `CouplingFlow`.

    Returns
    -------
    CouplingFlow
    """
    with PrivateRandom(generator):
        return CouplingFlow(n_target, n_context, **settings)

"""Conditional normalizing flows, assembled from layers."""

import math

import torch
from torch import nn

from skjetsim._nn._conditioner import column_major_mlp, normal_log_prob
from skjetsim._nn._layers import Autoregressive, ContextStep, Coupling, Reorder
from skjetsim._nn._residual_layers import Planar, Sylvester
from skjetsim._nn.training._network import Network

# Chosen by held-out likelihood on toys of two and of six columns, Z -> ee, and W + jet with 21
# columns. W + jet was best with 2.0 for 43,000 events, and with 0.7 for 240,000.
DECAY_OF_TWO, LARGEST_DECAY, MANY_ROWS = 0.1, 2.0, 50_000


class CircularBase(nn.Module):
    """Last layer: angles that are uniform on the circle become standard normal columns.

    Parameters
    ----------
    circular : Tensor of bool, shape (n_columns,)
    """

    def __init__(self, circular):
        super().__init__()
        self.register_buffer("circular", circular[:, None], persistent=False)

    def forward(self, x, context):
        """Step towards the base."""
        # Clipped, because in single precision the ends of the circle would become infinite.
        share = (x / (2 * math.pi) + 0.5).clamp(1e-7, 1 - 1e-7)
        z = torch.where(self.circular, torch.special.ndtri(share), x)
        slope = 0.5 * z * z + 0.5 * math.log(2 * math.pi) - math.log(2 * math.pi)
        return z, torch.where(self.circular, slope, 0.0).sum(0)

    def inverse(self, z, context):
        """Step back."""
        return torch.where(self.circular, (2 * torch.special.ndtr(z) - 1) * math.pi, z)


class Flow(Network):
    """Density of `target` given `context`: layers that lead to a standard normal base.

    Arguments and results have shape (n_rows, n_columns). Inside, tables are column-major.

    Parameters
    ----------
    n_target, n_context : int
    kinds : sequence of str, optional
        Bijection of each column, "rqs" (default), "affine" or "circular".
    mixing : {"coupling", "autoregressive", "planar", "sylvester"}
        How columns act on each other. "planar" and "sylvester" transform all columns together, and
        ignore `kinds`.
    orders : list of list of int
        Order of the columns in each coupling or autoregressive layer, from `column_orders`. For
        "planar" and "sylvester", only the number of orders is used.
    hidden_features : sequence of int
    n_bins : int
    condition_network : sequence of int
        Widths of the layers of a network that the context passes before all layers of the flow.
        Empty for none.
    """

    def __init__(
        self,
        n_target,
        n_context,
        *,
        orders,
        hidden_features,
        n_bins,
        kinds=None,
        mixing="coupling",
        condition_network=(),
    ):
        super().__init__()
        self.n_target, self.n_context = n_target, n_context
        self.summary = None
        if n_context and condition_network:
            *hidden, n_out = condition_network
            self.summary = column_major_mlp(n_context, hidden, n_out, start=1.0)
            n_context = n_out
        kinds = ["rqs"] * n_target if kinds is None else list(kinds)
        circular = torch.tensor([kind == "circular" for kind in kinds])
        layers = []
        if n_context:
            layers.append(ContextStep(circular.tolist(), n_context, hidden_features))
        layers += _mixing_layers(
            mixing, kinds, orders, n_context, hidden_features=hidden_features, n_bins=n_bins
        )
        if circular.any():
            layers.append(CircularBase(circular))
        self.layers = nn.ModuleList(layers)

    def _context(self, context):
        """Column-major context, after the network that all layers share. None without a context."""
        if not self.n_context:
            return None
        context = context.T.contiguous()
        return context if self.summary is None else self.summary(context)

    def to_base(self, target, context=None):
        """Latent point of each row, and log|det dz/dtarget|."""
        context = self._context(context)
        z, total = target.T.contiguous(), target.new_zeros(len(target))
        for layer in self.layers:
            z, ladj = layer(z, context)
            total = total + ladj
        return z.T, total

    def to_latent(self, target, context=None):
        """Latent point of each row."""
        return self.to_base(target, context)[0]

    def from_base(self, z, context=None):
        """Inverse of `to_base`, without the determinant."""
        context = self._context(context)
        x = z.T.contiguous()
        for layer in reversed(self.layers):
            x = layer.inverse(x, context)
        return x.T

    def log_prob(self, target, context=None):
        """Log-density of each row of `target`."""
        z, ladj = self.to_base(target, context)
        return ladj + normal_log_prob(z.T)

    def losses(self, step, batch, generator):
        """Negative log-likelihood of each row of the target, given the context if there is one."""
        return {"loss": -self.log_prob(*batch.inputs)}


def _mixing_layers(mixing, kinds, orders, n_context, *, hidden_features, n_bins):
    network = {"hidden_features": hidden_features}
    if mixing == "coupling":
        return [
            Coupling(kinds, _held(order), n_context, n_bins=n_bins, **network) for order in orders
        ]
    if mixing != "autoregressive":
        layer = {"planar": Planar, "sylvester": Sylvester}[mixing]
        return [layer(len(kinds), n_context, **network) for _ in orders]
    layers, present = [], list(range(len(kinds)))
    for order in orders:
        layers.append(Reorder(torch.tensor([present.index(column) for column in order])))
        layers.append(
            Autoregressive([kinds[j] for j in order], n_context, n_bins=n_bins, **network)
        )
        present = list(order)
    return [*layers, Reorder(torch.tensor(present).argsort())]


def _held(order):
    """Mask of the columns that a coupling does not transform: the first half of its order."""
    first = order[: len(order) // 2]
    return [column in first for column in range(len(order))]


def column_orders(n_columns, n_transforms, permutation, rng):
    """Order of columns for each layer of a flow.

    A coupling transforms the second half of its order, given the first half. Couplings come in
    pairs. The second of a pair has the reversed order, so it transforms the columns that the first
    one left.

    Parameters
    ----------
    n_columns, n_transforms : int
    permutation : {"random", "reverse"}
        "random" takes a new random order for each pair, "reverse" the order of the columns.
    rng : numpy.random.Generator

    Returns
    -------
    list of list of int
    """
    orders = []
    for index in range(n_transforms):
        if index % 2:
            orders.append(orders[-1][::-1])
        else:
            random = permutation == "random"
            order = rng.permutation(n_columns) if random else range(n_columns)
            orders.append([int(column) for column in order])
    return orders


def likelihood_weight_decay(n_columns, n_rows=MANY_ROWS):
    """Weight decay of a network that is trained on likelihood.

    With many columns, most of space is empty, so the network can memorise more. With many rows, it
    is less empty.
    """
    decay = min(LARGEST_DECAY, DECAY_OF_TWO * 20 ** ((n_columns - 2) / 4))
    return decay * min(1.0, MANY_ROWS / n_rows) ** 0.5

"""The network of flow matching: a velocity at each point of a path, with its derivatives."""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import silu

from skjetsim._nn._conditioner import ColumnLinear, column_features

N_WAVES = 6  # cosines of time, with one to six half waves over the path


class VelocityNetwork(nn.Module):
    """Perceptron with residual connections. Time and context are inputs of every layer.

    If a layer is as wide as the one before, it adds to it. Tables are column-major. Angles enter as
    cosine and sine. The last layer starts at zero, so before training nothing moves.

    Parameters
    ----------
    circular : sequence of bool
        Which columns are angles.
    n_context : int
    hidden_features : sequence of int
    """

    def __init__(self, circular, n_context, hidden_features):
        super().__init__()
        circular = torch.tensor(circular)
        self.register_buffer("circular", circular if circular.any() else None, persistent=False)
        self.register_buffer("waves", math.pi * torch.arange(1, N_WAVES + 1.0), persistent=False)
        n_columns = len(circular)
        self.widths = list(hidden_features)
        sizes = [n_columns + int(circular.sum()), *self.widths]
        self.layers = nn.ModuleList(
            nn.Linear(before, after, bias=False) for before, after in pairwise(sizes)
        )
        self.time = ColumnLinear(N_WAVES, sum(self.widths))
        self.context = ColumnLinear(n_context, sum(self.widths)) if n_context else None
        self.last = ColumnLinear(self.widths[-1], n_columns)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def offsets(self, context):
        """What the context adds to each layer, at any time; None without a context."""
        return None if self.context is None else self.context(context)

    def _added(self, time, offsets):
        """What is added to each layer: (width, n_rows), or (width, 1) if all rows share it."""
        time = self.time(torch.cos(self.waves[:, None] * time))
        return (time if offsets is None else time + offsets).split(self.widths)

    def forward(self, x, time, offsets=None):
        """Velocity of each row.

        Parameters
        ----------
        x : Tensor of shape (n_columns, n_rows)
        time : Tensor of shape (n_rows,) or (1,)
            Between 0 and 1.
        offsets : Tensor of shape (sum of widths, n_rows), optional
            Result of `offsets(context)`.

        Returns
        -------
        Tensor of shape (n_columns, n_rows)
        """
        hidden = column_features(x, self.circular)
        added = self._added(time, offsets)
        for index, layer in enumerate(self.layers):
            new = silu(torch.addmm(added[index], layer.weight, hidden))
            hidden = hidden + new if index and len(new) == len(hidden) else new
        return self.last(hidden)

    def with_derivatives(self, dual, time, offsets=None):
        """Velocity and its derivatives, from points and their derivatives.

        Parameters
        ----------
        dual : Tensor of shape (n_columns, 1 + n_derivatives, n_rows)
            Points, then their derivatives.
        time : Tensor of shape (1,)
        offsets : Tensor of shape (sum of widths, n_rows), optional

        Returns
        -------
        Tensor shaped as `dual`
        """
        hidden = self._dual_features(dual)
        added = self._added(time, offsets)
        for index, layer in enumerate(self.layers):
            new = _dual_silu(_dual_linear(layer, hidden), added[index])
            hidden = hidden + new if index and len(new) == len(hidden) else new
        velocity = _dual_linear(self.last, hidden)
        velocity[:, 0] += self.last.bias[:, None]
        return velocity

    def _dual_features(self, dual):
        if self.circular is None:
            return dual
        plain, angle = dual[~self.circular], dual[self.circular]
        cosine, sine = angle[:, :1].cos(), angle[:, :1].sin()
        change = angle[:, 1:]
        cosines = torch.cat([cosine, -sine * change], dim=1)
        return torch.cat([plain, cosines, torch.cat([sine, cosine * change], dim=1)])


def _dual_linear(layer, dual):
    """Apply the weights of a layer, without its bias, to values and derivatives."""
    return (layer.weight @ dual.reshape(len(dual), -1)).view(-1, *dual.shape[1:])


def _dual_silu(dual, added):
    value = dual[:, :1] + added[:, None]
    gate = torch.sigmoid(value)
    slope = gate * (1 + value * (1 - gate))
    return torch.cat([value * gate, slope * dual[:, 1:]], dim=1)

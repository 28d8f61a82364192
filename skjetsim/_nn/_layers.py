"""Layers of a flow: couplings, autoregressive maps, and a first step given the context alone.

`forward(x, context)` maps a tensor of shape (n_columns, n_rows) towards the base. It also returns
log|det dz/dx| of each row. `inverse(z, context)` maps it back.
"""

import torch
from torch import nn

from skjetsim._nn._bijections import Mixed
from skjetsim._nn._conditioner import Conditioner, MaskedConditioner, column_features


class ContextStep(nn.Module):
    """Shift and scale of each column, or rotation of an angle, given the context alone.

    A resolution that varies over an order of magnitude is then left to this step. Splines of a few
    bins need not follow it.

    Parameters
    ----------
    circular : sequence of bool
        Which columns are angles.
    n_context : int
    hidden_features : sequence of int
    """

    def __init__(self, circular, n_context, hidden_features):
        super().__init__()
        kinds = ["rotation" if angle else "affine" for angle in circular]
        self.bijection = Mixed(kinds, n_bins=None)
        self.conditioner = Conditioner(n_context, self.bijection.n_parameters, hidden_features)

    def forward(self, x, context):
        """Step towards the base."""
        return self.bijection(x, self.conditioner([context], x.shape[1]))

    def inverse(self, z, context):
        """Step back."""
        return self.bijection.inverse(z, self.conditioner([context], z.shape[1]))


class Coupling(nn.Module):
    """Transform of half of the columns, given the other half and the context.

    Parameters
    ----------
    kinds : sequence of str
        Bijection of each column.
    held : sequence of bool
        Which columns are not transformed in this layer.
    n_context : int
    hidden_features : sequence of int
    n_bins : int
    """

    def __init__(self, kinds, held, n_context, *, hidden_features, n_bins):
        super().__init__()
        held = torch.as_tensor(held)
        index = torch.arange(len(kinds))
        self._buffer("held", index[held])
        self._buffer("changed", index[~held])
        angle = torch.tensor([kind == "circular" for kind in kinds])[held]
        self._buffer("angle", angle if angle.any() else None)
        self.bijection = Mixed([kinds[j] for j in index[~held].tolist()], n_bins)
        n_inputs = int(held.sum() + angle.sum()) + n_context
        self.conditioner = Conditioner(n_inputs, self.bijection.n_parameters, hidden_features)

    def _buffer(self, name, value):
        self.register_buffer(name, value, persistent=False)

    def _parameters_of(self, held, context):
        return self.conditioner([column_features(held, self.angle), context], held.shape[1])

    def forward(self, x, context):
        """Step towards the base."""
        held = x[self.held]
        y, ladj = self.bijection(x[self.changed], self._parameters_of(held, context))
        return x.index_copy(0, self.changed, y), ladj

    def inverse(self, z, context):
        """Step back."""
        changed = self.changed
        parameters = self._parameters_of(z[self.held], context)
        return z.index_copy(0, changed, self.bijection.inverse(z[changed], parameters))


class Autoregressive(nn.Module):
    """Transform of each column, given the columns before it and the context.

    Sampling takes one pass of the network for each column.

    Parameters
    ----------
    kinds : sequence of str
        Bijection of each column, in the order of the columns.
    n_context : int
    hidden_features : sequence of int
    n_bins : int
    """

    def __init__(self, kinds, n_context, *, hidden_features, n_bins):
        super().__init__()
        self.n_columns = len(kinds)
        self.bijection = Mixed(kinds, n_bins)
        place = torch.arange(len(kinds))
        angle = torch.tensor([kind == "circular" for kind in kinds])
        self.register_buffer("angle", angle if angle.any() else None, persistent=False)
        told = [place[~angle], place[angle], place[angle], place.new_full((n_context,), -1)]
        self.conditioner = MaskedConditioner(
            torch.cat(told), torch.tensor(self.bijection.column_of_parameter()), hidden_features
        )

    def _parameters_of(self, x, context):
        return self.conditioner([column_features(x, self.angle), context], x.shape[1])

    def forward(self, x, context):
        """Step towards the base."""
        return self.bijection(x, self._parameters_of(x, context))

    def inverse(self, z, context):
        """Step back, one column at a time."""
        x = torch.zeros_like(z)
        for _ in range(self.n_columns):
            x = self.bijection.inverse(z, self._parameters_of(x, context))
        return x


class Reorder(nn.Module):
    """Change of the order of columns."""

    def __init__(self, order):
        super().__init__()
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)

    def forward(self, x, context):
        """Step towards the base."""
        return x[self.order], x.new_zeros(x.shape[1])

    def inverse(self, z, context):
        """Step back."""
        return z[self.back]

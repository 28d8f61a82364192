"""Networks that give the parameters of bijections, column-major: (features, rows) in and out."""

import math
from itertools import pairwise

import torch
from torch import nn


class ColumnLinear(nn.Linear):
    """Linear map of (in_features, n_rows) to (out_features, n_rows)."""

    def forward(self, x):
        """Map the features of all rows."""
        return torch.addmm(self.bias[:, None], self.weight, x)


class MaskedColumnLinear(ColumnLinear):
    """Linear map some of whose weights are held at zero."""

    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.to(self.weight.dtype), persistent=False)

    def forward(self, x):
        """Map the features of all rows."""
        return torch.addmm(self.bias[:, None], self.weight * self.mask, x)


class ColumnPerceptron(nn.Sequential):
    """Layers one after another; for one event, calls of modules would cost as much as the maps."""

    def forward(self, x):
        """Map the features of all rows."""
        for layer in self._modules.values():
            x = layer.forward(x)
        return x


def column_major_mlp(n_inputs, hidden_features, n_outputs, *, start=0.1):
    """Perceptron of ReLU layers whose last layer starts `start` times as large as usual."""
    widths = [n_inputs, *hidden_features]
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [ColumnLinear(n_in, n_out), nn.ReLU(inplace=True)]
    layers.append(ColumnLinear(widths[-1], n_outputs))
    _shrink(layers[-1], start)
    return ColumnPerceptron(*layers)


@torch.no_grad()
def _shrink(layer, factor):
    layer.weight.mul_(factor)
    layer.bias.zero_()


def column_features(x, circular):
    """Network inputs of columns: angles become cosine and sine, and other columns stay.

    Parameters
    ----------
    x : Tensor of shape (n_columns, n_rows)
    circular : Tensor of bool, shape (n_columns,), or None
        Which columns are angles. None if there are no angles.

    Returns
    -------
    Tensor of shape (n_columns + number of angles, n_rows)
        Plain columns, cosines, sines.
    """
    if circular is None:
        return x
    angle = x[circular]
    return torch.cat([x[~circular], angle.cos(), angle.sin()])


class Conditioner(nn.Module):
    """Parameters from other columns and a context. Constants if there is neither.

    Parameters
    ----------
    n_inputs, n_parameters : int
    hidden_features : sequence of int
    """

    def __init__(self, n_inputs, n_parameters, hidden_features):
        super().__init__()
        if n_inputs:
            self.network = column_major_mlp(n_inputs, hidden_features, n_parameters)
        else:
            self.network = None
            self.constants = nn.Parameter(0.1 * torch.randn(n_parameters, 1))

    def forward(self, parts, n_rows):
        """Parameters of each row; `parts` are the tables of inputs there are."""
        if self.network is None:
            return self.constants.expand(-1, n_rows)
        return self.network(torch.cat([part for part in parts if part is not None]))


class MaskedConditioner(nn.Module):
    """Parameters of each column from those before it (MADE, Germain et al. 2015, arXiv:1502.03509).

    Parameters
    ----------
    input_column : Tensor of int, shape (n_inputs,)
        For each input, the place of its column in the order of columns; -1 for the context.
    output_column : Tensor of int, shape (n_parameters,)
        For each parameter, the place of its column.
    hidden_features : sequence of int
    """

    def __init__(self, input_column, output_column, hidden_features):
        super().__init__()
        self.constants = nn.Parameter(0.1 * torch.randn(len(output_column), 1))
        n_places = int(output_column.max())
        self.network = None
        if not (input_column < n_places).any():
            return  # one column and no context: there are no inputs
        layers, before = [], input_column
        for width in hidden_features:
            # A unit sees the columns up to its place, and with -1 only the context.
            place = torch.arange(width) % (n_places + 1) - 1
            layers += [MaskedColumnLinear(before <= place[:, None]), nn.ReLU(inplace=True)]
            before = place
        layers.append(MaskedColumnLinear(before < output_column[:, None]))
        _shrink(layers[-1], 0.1)
        self.network = ColumnPerceptron(*layers)

    def forward(self, parts, n_rows):
        """Parameters of each row; `parts` are the tables of inputs there are."""
        if self.network is None:
            return self.constants.expand(-1, n_rows)
        parts = [part for part in parts if part is not None]
        return self.network(torch.cat(parts)) + self.constants


def normal_log_prob(z):
    """Log-density of a standard normal, summed over columns: (n_columns, n_rows) to (n_rows,)."""
    return -0.5 * (z * z).sum(0) - 0.5 * len(z) * math.log(2 * math.pi)

"""Element-wise bijections of columns. Each kind has its own number of parameters."""

import math

import torch
from torch import nn

from skjetsim._nn._spline import CircularSpline, Spline

LOG_LARGEST_SCALE = math.log(1e3)


class Affine(nn.Module):
    """y = shift + scale x, with a scale between 1e-3 and 1e3."""

    n_parameters = 2

    def forward(self, x, parameters):
        """Transformed x and log|dy/dx|. Shapes are as in `Spline`."""
        shift, log_scale = self._bounded(parameters)
        return x * log_scale.exp() + shift, log_scale

    def inverse(self, y, parameters):
        """Inverse of `forward`, without the determinant."""
        shift, log_scale = self._bounded(parameters)
        return (y - shift) * torch.exp(-log_scale)

    @staticmethod
    def _bounded(parameters):
        shift, log_scale = parameters.unbind(0)
        return shift, log_scale / (1 + log_scale.abs() / LOG_LARGEST_SCALE)


class Rotation(nn.Module):
    """Rotation of an angle by another angle."""

    n_parameters = 1

    def forward(self, x, parameters):
        """Rotated x and its log-slope, which is zero."""
        return wrap_angle(x + parameters.squeeze(0)), torch.zeros_like(x)

    def inverse(self, y, parameters):
        """Inverse of `forward`."""
        return wrap_angle(y - parameters.squeeze(0))


def wrap_angle(angle):
    """Angles, or differences of angles, in [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


def make_bijection(kind, n_bins):
    """Return the bijection named `kind`: "rqs", "affine", "circular" or "rotation"."""
    if kind == "rqs":
        return Spline(n_bins)
    if kind == "circular":
        return CircularSpline(n_bins)
    return {"affine": Affine, "rotation": Rotation}[kind]()


class Mixed(nn.Module):
    """Several columns, each with a bijection of its own kind.

    Parameters
    ----------
    kinds : sequence of str
        Kind of each column.
    n_bins : int
    """

    def __init__(self, kinds, n_bins):
        super().__init__()
        names = sorted(set(kinds))
        self.columns = [[j for j, kind in enumerate(kinds) if kind == name] for name in names]
        self.bijections = [make_bijection(name, n_bins) for name in names]  # they have no weights
        self.sizes = [
            bijection.n_parameters * len(columns)
            for bijection, columns in zip(self.bijections, self.columns, strict=True)
        ]
        self.counts = [len(columns) for columns in self.columns]
        self.n_parameters = sum(self.sizes)
        order = [j for columns in self.columns for j in columns]
        self.sorted = order == list(range(len(kinds)))
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("back", torch.tensor(order).argsort(), persistent=False)

    def column_of_parameter(self):
        """Return the column of each row of the parameters, as a list of ints."""
        return [
            column
            for bijection, columns in zip(self.bijections, self.columns, strict=True)
            for _ in range(bijection.n_parameters)
            for column in columns
        ]

    def _parts(self, table, parameters):
        tables, sets = (table if self.sorted else table[self.order],), (parameters,)
        if len(self.bijections) > 1:
            tables, sets = tables[0].split(self.counts), parameters.split(self.sizes)
        for bijection, x, own in zip(self.bijections, tables, sets, strict=True):
            yield bijection, x, own.view(bijection.n_parameters, *x.shape)

    def forward(self, x, parameters):
        """Transformed columns, and the sum of log|dy/dx| over columns.

        Parameters
        ----------
        x : Tensor of shape (n_columns, n_rows)
        parameters : Tensor of shape (n_parameters, n_rows)

        Returns
        -------
        y : Tensor of shape (n_columns, n_rows)
        ladj : Tensor of shape (n_rows,)
        """
        done = [bijection(part, own) for bijection, part, own in self._parts(x, parameters)]
        return self._joined([y for y, _ in done]), sum(ladj.sum(0) for _, ladj in done)

    def inverse(self, y, parameters):
        """Inverse of `forward`, without the determinant."""
        return self._joined(
            [bijection.inverse(part, own) for bijection, part, own in self._parts(y, parameters)]
        )

    def _joined(self, parts):
        joined = parts[0] if len(parts) == 1 else torch.cat(parts)
        return joined if self.sorted else joined[self.back]

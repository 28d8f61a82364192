"""Means of losses over a mini-batch and over an epoch."""

import functools
import operator

import torch
from torch import nn


class WeightedMean(nn.Module):
    """Sum of the named losses, each the mean over rows, times their weights."""

    def forward(self, losses, weight=None):
        """Return the scalar that is minimised, and the mean of each loss by name."""
        means = {name: _mean(loss, weight) for name, loss in losses.items()}
        return functools.reduce(operator.add, means.values()), means


def _mean(loss, weight):
    if loss.ndim == 0:
        return loss
    if weight is None:
        return loss.mean()
    if len(loss) > len(weight):
        weight = weight.repeat(len(loss) // len(weight))
    return (loss * weight).mean()


class EpochMeans:
    """Means by name; sums stay on the device, whence all come at once at the end of an epoch."""

    def __init__(self):
        self.totals, self.n_rows = {}, {}

    def add(self, name, total, n_rows):
        """Add the sum over some rows, a tensor of shape ()."""
        if name in self.totals:
            self.totals[name] = self.totals[name] + total
            self.n_rows[name] += n_rows
        else:
            self.totals[name], self.n_rows[name] = total, n_rows

    def collect(self):
        """Return the means as floats."""
        if not self.totals:
            return {}
        totals = torch.stack([total.double() for total in self.totals.values()]).tolist()
        return {
            name: total / n_rows
            for (name, n_rows), total in zip(self.n_rows.items(), totals, strict=True)
        }

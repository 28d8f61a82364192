"""Means of losses over a mini-batch and over an epoch."""

import torch
from torch import nn


class WeightedMean(nn.Module):
    """Sum of the named losses, each averaged over rows by their weights."""

    def forward(self, losses, weight=None):
        """Return the scalar that is minimised, and the mean of each loss by name."""
        means = {name: _mean(loss, weight) for name, loss in losses.items()}
        first, *others = means.values()
        return sum(others, first), means


def _mean(loss, weight):
    if loss.ndim == 0:
        return loss
    if weight is None:
        return loss.mean()
    if len(loss) > len(weight):
        weight = weight.repeat(len(loss) // len(weight))
    return (loss * weight).mean()


class EpochMeans:
    """Means by name. The sums stay on the device until the end of an epoch."""

    def __init__(self):
        self.sums = {}

    def add(self, name, total, n_rows):
        """Add the sum over some rows, a tensor of shape ()."""
        before, n_before = self.sums.get(name, (0.0, 0))
        self.sums[name] = before + total, n_before + n_rows

    def collect(self):
        """Return the means as floats. All sums cross to the host at once."""
        if not self.sums:
            return {}
        totals = torch.stack([total.double() for total, _ in self.sums.values()]).tolist()
        numbers = [n_rows for _, n_rows in self.sums.values()]
        means = (total / n_rows for total, n_rows in zip(totals, numbers, strict=True))
        return dict(zip(self.sums, means, strict=True))

"""A small network and its training data."""

import numpy as np
import torch
from torch import nn

from skjetsim._nn import Network, Rows, TrainingNet, TrainingPlan


class Line(Network):
    """y = slope x + offset. The loss of a row is the squared error."""

    def __init__(self, after=None, then=None):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([0.0]))
        self.offset = nn.Parameter(torch.tensor([0.5]))
        self.calls, self.after, self.then = 0, after, then

    def losses(self, step, batch, generator):
        x, y = batch.inputs
        losses = (self.slope * x + self.offset - y).square()
        self.calls += self.training
        stops = self.training and self.calls == self.after
        return {"error": self.then(losses) if stops else losses}


def line_set(n_rows=64, slope=1.0, seed=0, weight=None):
    x = torch.as_tensor(np.random.default_rng(seed).normal(size=n_rows), dtype=torch.float32)
    return Rows((x, slope * x), weight)


def make_net(module=None, seed=0, **plan):
    settings = {"batch_size": 16, "max_epochs": 4, "learning_rate": 0.05} | plan
    generator = torch.Generator().manual_seed(seed)
    return TrainingNet(module or Line(), plan=TrainingPlan(**settings), generator=generator)


def weights(module):
    return torch.cat([value.flatten() for value in module.state_dict().values()])


def nan(losses):
    return losses * float("nan")


def interrupt(_):
    raise KeyboardInterrupt

"""A network that takes the path of flow matching in one or two jumps."""

import torch

from skjetsim._nn._bijections import wrap_angle
from skjetsim._nn._velocity import VelocityNetwork
from skjetsim._nn.training._network import Network


class Student(Network):
    """Jumps along a path. A solver has found its end and, for two jumps, its half-way point.

    Parameters
    ----------
    circular : sequence of bool
        Which columns are angles.
    n_context : int
    hidden_features : sequence of int
    speed : Tensor of shape (n_columns, 1)
        A typical velocity along the path, for which the time goes from 0 to 1.
    n_jumps : int
    """

    def __init__(self, circular, n_context, hidden_features, *, speed, n_jumps):
        super().__init__()
        self.network = VelocityNetwork(circular, n_context, hidden_features)
        self.n_jumps, self.with_context = n_jumps, n_context > 0
        self.register_buffer("jump", speed / n_jumps, persistent=False)
        self.register_buffer("angle", torch.tensor(circular)[:, None], persistent=False)

    def points(self, x, context):
        """Points after each jump, column-major; angles are not wrapped."""
        offsets = self.network.offsets(context)
        found = []
        for index in range(self.n_jumps):
            time = x.new_full((1,), index / self.n_jumps)
            x = x + self.jump * self.network(x, time, offsets)
            found.append(x)
        return found

    def losses(self, step, batch, generator):
        """Squared distance of each row from the solver's points, averaged over columns and jumps.

        A mini-batch has the start, of shape (n_rows, n_columns), the points next to one another, of
        shape (n_rows, n_jumps * n_columns), and the context if there is one.
        """
        start, points, *context = batch.inputs
        context = context[0].T.contiguous() if self.with_context else None
        found = torch.stack(self.points(start.T.contiguous(), context))
        away = found - points.T.reshape(found.shape)
        return {"loss": torch.where(self.angle, wrap_angle(away), away).square().mean((0, 1))}

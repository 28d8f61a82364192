"""Features of the events of one level, for networks and slices: columns and observables."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

N_KNOTS = {"standard": 2, "normal": 257}
ANGLE_UNIT = 2**0.5  # cosine and sine of a uniform angle have the variance 1/2


class Columns(Mapping):
    """Events as {column name: Tensor of shape (n_rows,)}, the argument of an observable.

    Parameters
    ----------
    events : Tensor of shape (n_rows, n_columns)
    names : sequence of str
    """

    def __init__(self, events, names):
        self.events, self.position = events, {name: i for i, name in enumerate(names)}

    def __getitem__(self, name):
        return self.events[:, self.position[name]]

    def __iter__(self):
        return iter(self.position)

    def __len__(self):
        return len(self.position)


class Level(nn.Module):
    """Features of the events of one level: columns, cosine and sine of angles, and observables.

    Columns and observables are scaled by knots, which are saved with the weights.

    Parameters
    ----------
    names : sequence of str
    angle : sequence of bool
        Which columns are angles.
    varying : sequence of bool
        Which columns are used. The others are constant.
    observables : sequence of callable
        Each takes `Columns` and gives a Tensor of shape (n_rows,) or (n_rows, n).
    n_observed : int
        Number of columns of all observables together.
    scale : {"standard", "normal"}
    """

    def __init__(self, names, angle, varying, *, observables=(), n_observed=0, scale="standard"):
        super().__init__()
        self.names, self.observables, self.scale = list(names), tuple(observables), scale
        angle, varying = (np.asarray(mask, dtype=bool) for mask in (angle, varying))
        self.plain = np.flatnonzero(varying & ~angle).tolist()
        self.angles = np.flatnonzero(varying & angle).tolist()
        self.n_columns = len(self.plain) + 2 * len(self.angles)
        self.n_observed = n_observed
        self.n_features = self.n_columns + n_observed
        n_scaled = len(self.plain) + n_observed
        knots = torch.arange(float(N_KNOTS[scale])).repeat(n_scaled, 1)
        self.register_buffer("knots", knots)
        self.register_buffer("scaled_knots", knots.clone())
        self.register_buffer("slope", torch.ones(n_scaled, 1))

    def feature_columns(self):
        """Position of the column of each feature; -1 for observables."""
        return [*self.plain, *self.angles, *self.angles, *[-1] * self.n_observed]

    def observe(self, events):
        """Values of the observables, shape (n_rows, n_observed)."""
        columns = Columns(events, self.names)
        values = [observable(columns) for observable in self.observables]
        values = [value[:, None] if value.ndim == 1 else value for value in values]
        return torch.cat(values or [events.new_empty(len(events), 0)], dim=1)

    def quantities(self, events):
        """Plain columns and observables, which are scaled, of shape (n_rows, n_scaled)."""
        return torch.cat([events[:, self.plain], self.observe(events)], dim=1)

    @torch.no_grad()
    def set_scales(self, knots, slope):
        """Set the knots, of shape (n_scaled, 2, n_knots), and the slope beyond them."""
        values, scaled = torch.as_tensor(knots, dtype=torch.float32).unbind(1)
        self.knots.copy_(values)
        self.scaled_knots.copy_(scaled)
        self.slope.copy_(torch.as_tensor(slope, dtype=torch.float32)[:, None])

    def features(self, events):
        """Features of events, shape (n_rows, n_features)."""
        scaled = self._scale(self.quantities(events).T.contiguous()).T
        n_plain, angle = len(self.plain), events[:, self.angles]
        circle = [ANGLE_UNIT * angle.cos(), ANGLE_UNIT * angle.sin()]
        return torch.cat([scaled[:, :n_plain], *circle, scaled[:, n_plain:]], dim=1)

    def _scale(self, values):
        """Piecewise linear map. Each row is one quantity."""
        inside = torch.minimum(torch.maximum(values, self.knots[:, :1]), self.knots[:, -1:])
        right = torch.searchsorted(self.knots, inside.detach()).clamp(1, self.knots.shape[1] - 1)
        x0, x1 = self.knots.gather(1, right - 1), self.knots.gather(1, right)
        u0, u1 = self.scaled_knots.gather(1, right - 1), self.scaled_knots.gather(1, right)
        scaled = torch.lerp(u0, u1, (inside - x0) / (x1 - x0))
        return scaled + self.slope * (values - inside)

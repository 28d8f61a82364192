"""Monotone rational-quadratic splines, evaluated with one gather per knot quantity.

The parametrisation is that of Neural Spline Flows (Durkan et al. 2019, arXiv:1906.04032, section
3.1): K bins on [-bound, bound] squared, identity outside, slope one at both ends.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch.distributions import constraints
from torch.distributions.transforms import Transform

__all__ = ["RationalQuadraticSpline", "spline_shapes"]

MIN_BIN = 1e-3  # smallest width and height of a bin, as a fraction of the whole
MIN_SLOPE = 1e-3
# softplus(UNIT_SLOPE) + MIN_SLOPE = 1, so that zero parameters give the identity.
UNIT_SLOPE = math.log(math.expm1(1 - MIN_SLOPE))


def spline_shapes(n_bins):
    """Shapes of the parameters a conditioner network has to give: widths, heights, slopes."""
    return [(n_bins,), (n_bins,), (n_bins - 1,)]


class RationalQuadraticSpline(Transform):
    """Element-wise spline with the interface of zuko's univariate transformations.

    Parameters
    ----------
    widths, heights : Tensor of shape (..., n_bins)
        Unconstrained.
    slopes : Tensor of shape (..., n_bins - 1)
        Unconstrained slopes at the inner knots.
    bound : float
        The spline is the identity outside [-bound, bound].
    """

    domain = constraints.real
    codomain = constraints.real
    bijective = True
    sign = +1

    def __init__(self, widths, heights, slopes, bound=5.0):
        super().__init__()
        self.bound = bound
        n_bins = widths.shape[-1]
        scale = 1 - n_bins * MIN_BIN
        self.widths = MIN_BIN + scale * F.softmax(widths, dim=-1)
        self.heights = MIN_BIN + scale * F.softmax(heights, dim=-1)
        self.slopes = F.pad(slopes, (1, 1))
        # A product with a triangle of ones is a cumulative sum that uses all of the processor.
        self.triangle = torch.ones(n_bins, n_bins, dtype=widths.dtype, device=widths.device).triu()

    def _bin(self, search, other, position):
        """Bin of `position` in the axis `search`: its index and its corners on both axes."""
        # Without a conditioner one set of parameters serves all rows; a gather wants it a row each.
        search, ends, other, other_ends, slopes = (
            part.expand(*position.shape, -1)
            for part in (search, search @ self.triangle, other, other @ self.triangle, self.slopes)
        )
        index = (ends[..., :-1] <= position[..., None]).sum(dim=-1, keepdim=True)
        size = search.gather(-1, index).squeeze(-1)
        start = ends.gather(-1, index).squeeze(-1) - size
        other_size = other.gather(-1, index).squeeze(-1)
        other_start = other_ends.gather(-1, index).squeeze(-1) - other_size
        slopes = slopes.gather(-1, torch.cat([index, index + 1], dim=-1))
        left, right = (F.softplus(slopes + UNIT_SLOPE) + MIN_SLOPE).unbind(-1)
        return start, size, other_start, other_size, left, right

    def _inside(self, value):
        """Position in [0, 1], held inside where the spline is the identity, and where it is not."""
        inside = value.abs() < self.bound
        position = (value.clamp(-self.bound, self.bound) + self.bound) / (2 * self.bound)
        return inside, position

    def call_and_ladj(self, x):
        """Transformed x and log|dy/dx| (equations 4 and 5)."""
        inside, position = self._inside(x)
        start, width, y_start, height, left, right = self._bin(self.widths, self.heights, position)
        slope = height / width
        t = (position - start) / width
        t1 = t * (1 - t)
        denominator = slope + (left + right - 2 * slope) * t1
        y = y_start + height * (slope * t * t + left * t1) / denominator
        derivative = right * t * t + 2 * slope * t1 + left * (1 - t) ** 2
        ladj = 2 * torch.log(slope / denominator) + torch.log(derivative)
        y = torch.where(inside, (2 * y - 1) * self.bound, x)
        return y, torch.where(inside, ladj, torch.zeros_like(ladj))

    def _call(self, x):
        return self.call_and_ladj(x)[0]

    def _inverse(self, y):
        """Solve the quadratic of equations 6 to 8 in its numerically stable form."""
        inside, position = self._inside(y)
        y_start, height, start, width, left, right = self._bin(self.heights, self.widths, position)
        slope = height / width
        rise = position - y_start
        bend = left + right - 2 * slope
        a = height * (slope - left) + rise * bend
        b = height * left - rise * bend
        c = -slope * rise
        root = torch.sqrt((b * b - 4 * a * c).clamp_min(0))
        x = start + width * (2 * c / (-b - root))
        return torch.where(inside, (2 * x - 1) * self.bound, y)

    def log_abs_det_jacobian(self, x, y):
        """Return log|dy/dx| at x."""
        return self.call_and_ladj(x)[1]

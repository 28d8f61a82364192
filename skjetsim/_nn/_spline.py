"""Monotone rational-quadratic splines, on an interval and on the circle, fused.

The parametrisation is that of Neural Spline Flows (Durkan et al. 2019, arXiv:1906.04032, section
3.1) and of their circular variant (Rezende et al. 2020, arXiv:2002.02428). Tensors are
column-major, (parameters, columns, rows): every operation then runs along the rows, where the
processor is fast, and the bin of a row is taken out of its parameters with one gather for each
quantity. Gradients are written by hand: autograd would carry every knot of every row through a
dozen operations.
"""

import math
from functools import cache
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable

MIN_BIN = 1e-3  # smallest width and height of a bin, as a fraction of the whole
MIN_SLOPE = 1e-3
# softplus(UNIT_SLOPE) + MIN_SLOPE = 1, so that zero parameters give the identity.
UNIT_SLOPE = math.log(math.expm1(1 - MIN_SLOPE))
TWO_PI = 2 * math.pi


class _Bins:
    """All bins of a spline, and the one of each position.

    `parameters` (n_parameters, n_columns, n_rows) are unconstrained widths, heights, and slopes:
    n_bins of them on the circle, or n_bins - 1 between the fixed ends of an interval.
    """

    def __init__(self, parameters, n_bins):
        self.n_bins = n_bins
        self.scale = 1 - n_bins * MIN_BIN
        sizes = parameters[: 2 * n_bins].unflatten(0, (2, n_bins))
        self.shares = torch.softmax(sizes, 1)
        self.slopes = parameters[2 * n_bins :]

    def locate(self, position, axis):
        """Find the bin of each position along an axis (0 widths, 1 heights).

        Sets its number and, on both axes, the share of the bins before it and its own.
        """
        before = torch.cumsum(self.shares, 1)
        ends = before[axis, :-1] * self.scale
        number = torch.arange(1, self.n_bins, device=ends.device, dtype=ends.dtype)
        ends += MIN_BIN * number.view(-1, 1, 1)
        self.index = (ends <= position).sum(0)
        chosen = self.index.expand(2, 1, *self.index.shape)
        self.own = self.shares.gather(1, chosen).squeeze(1)
        self.before = before.gather(1, chosen).squeeze(1) - self.own
        start = self.before * self.scale
        start += MIN_BIN * self.index.to(start.dtype)
        size = self.own * self.scale
        size += MIN_BIN
        return start, size

    def end_slopes(self):
        """Unconstrained slopes at both ends of the chosen bins; zero at the ends of an interval."""
        ends = _closed(self.slopes, self.n_bins)
        return ends.gather(0, torch.stack([self.index, self.index + 1]))

    def gradient(self, g_start, g_size, g_slopes):
        """Gradient to all parameters from those to what was chosen; both axes stacked."""
        result = g_start.new_zeros((2 * self.n_bins + len(self.slopes), *self.index.shape))
        sizes = result[: 2 * self.n_bins].unflatten(0, (2, self.n_bins))
        chosen = self.index.expand(2, 1, *self.index.shape)
        # The start of a bin is the sum over those before it, up to the softmax.
        sizes.scatter_(1, chosen, g_start[:, None])
        for k in range(self.n_bins - 2, -1, -1):
            sizes[:, k] += sizes[:, k + 1]
        sizes.scatter_add_(1, chosen, (g_size - g_start)[:, None])
        sizes -= (g_start * self.before + g_size * self.own)[:, None]
        sizes *= self.shares
        sizes *= self.scale
        slopes = g_start.new_zeros((self.n_bins + 1, *self.index.shape))
        slopes.scatter_(0, self.index[None], g_slopes[:1])
        slopes.scatter_add_(0, self.index[None] + 1, g_slopes[1:])
        if len(self.slopes) == self.n_bins:
            slopes[0] += slopes[-1]
            result[2 * self.n_bins :] = slopes[:-1]
        else:
            result[2 * self.n_bins :] = slopes[1:-1]
        return result


class _Piece:
    """The rational quadratic of one bin (equations 4 and 5), and its derivatives."""

    def __init__(self, t, start, size, slopes):
        self.t, (self.width, self.height) = t, size
        self.y_start = start[1]
        self.left, self.right = slopes
        self.secant = self.height / self.width
        self.rest = 1 - t
        self.bend = t * self.rest
        self.turn = self.left + self.right - 2 * self.secant
        self.denominator = torch.addcmul(self.secant, self.turn, self.bend)
        self.share = (self.secant * t * t + self.left * self.bend) / self.denominator
        self.numerator = (
            self.right * t * t + 2 * self.secant * self.bend + self.left * self.rest * self.rest
        )

    def value(self):
        return torch.addcmul(self.y_start, self.height, self.share)

    def derivative(self):
        ratio = self.secant / self.denominator
        return ratio * ratio * self.numerator

    def gradient(self, g_value, g_log):
        """Gradients to position, starts, sizes and slopes from those to value and log-slope."""
        t, bend, rest = self.t, self.bend, self.rest
        g_top = g_value * self.height / self.denominator
        g_log_twice = 2 * g_log
        g_denominator = -(g_top * self.share + g_log_twice / self.denominator)
        g_numerator = g_log / self.numerator
        square = t * t
        g_secant = (
            g_log_twice / self.secant
            + g_top * square
            + g_denominator * (1 - 2 * bend)
            + 2 * g_numerator * bend
        )
        g_slopes = torch.stack(
            [
                (g_top + g_denominator) * bend + g_numerator * rest * rest,
                g_denominator * bend + g_numerator * square,
            ]
        )
        g_bend = g_top * self.left + g_denominator * self.turn + 2 * g_numerator * self.secant
        g_t = (
            2 * g_top * self.secant * t
            + 2 * g_numerator * (self.right * t - self.left * rest)
            + g_bend * (1 - 2 * t)
        )
        g_position = g_t / self.width
        g_start = torch.stack([-g_position, g_value])
        g_secant = g_secant / self.width
        g_size = torch.stack(
            [-(g_position * t + g_secant * self.secant), g_value * self.share + g_secant]
        )
        return g_position, g_start, g_size, g_slopes


@cache
def _constant(value, dtype):
    """Return a number as a tensor, which torch would make anew at each call."""
    return torch.tensor(value, dtype=dtype)


def _closed(slopes, n_bins):
    """Unconstrained slopes at all ends of bins."""
    if len(slopes) == n_bins:  # the last end of a circle is the first
        return torch.cat([slopes, slopes[:1]])
    return F.pad(slopes, (0, 0, 0, 0, 1, 1))


def _slope(unconstrained):
    shift, least = (_constant(number, unconstrained.dtype) for number in (UNIT_SLOPE, MIN_SLOPE))
    return F.softplus(unconstrained + shift).add_(least)


def _backward(bins, piece, g_value, g_log):
    """Gradients to position and parameters."""
    g_position, g_start, g_size, g_slopes = piece.gradient(g_value, g_log)
    # Of softplus: the sigmoid of its argument.
    g_slopes[0] *= 1 - torch.exp(MIN_SLOPE - piece.left)
    g_slopes[1] *= 1 - torch.exp(MIN_SLOPE - piece.right)
    return g_position, bins.gradient(g_start, g_size, g_slopes)


class _Forward(torch.autograd.Function):
    """Spline of [0, 1] onto itself, and its log-slope."""

    @staticmethod
    def forward(ctx, position, parameters, n_bins):
        bins = _Bins(parameters, n_bins)
        start, size = bins.locate(position, 0)
        t = (position - start[0]) / size[0]
        piece = _Piece(t, start, size, _slope(bins.end_slopes()))
        ctx.bins, ctx.piece = bins, piece
        return piece.value(), torch.log(piece.derivative())

    @staticmethod
    @once_differentiable
    def backward(ctx, g_value, g_log):
        return *_backward(ctx.bins, ctx.piece, g_value, g_log), None


class _Inverse(torch.autograd.Function):
    """Inverse of the spline of [0, length]: equations 6 to 8, measured from the ends of bins.

    One event costs as many operations as thousands, so that there are few here. With r the share
    of its bin that lies above a value, and slopes in units of the bin, the share above the result
    is 2 r / (b + 2 r + sqrt(b^2 + 4 r (1 - r))) with b = right - r (left + right).
    """

    @staticmethod
    def forward(position, parameters, n_bins, length):
        sizes = torch.softmax(parameters[: 2 * n_bins].view(2, n_bins, *position.shape), 1)
        scale = (1 - n_bins * MIN_BIN) * length
        sizes = torch.add(_constant(MIN_BIN * length, sizes.dtype), sizes, alpha=scale)
        ends = torch.cumsum(sizes, 1)
        index = (ends[1, :-1] <= position).sum(0, keepdim=True)
        chosen = index.expand(2, 1, *position.shape)
        width, height = sizes.gather(1, chosen).unbind()
        x_end, y_end = ends.gather(1, chosen).unbind()
        slopes = _closed(parameters[2 * n_bins :], n_bins)
        slopes = _slope(slopes.gather(0, torch.cat([index, index + _constant(1, index.dtype)])))
        slopes *= width / height
        left, right = slopes[:1], slopes[1:]
        above = (y_end - position).div_(height).clamp_(0, 1)
        b = torch.addcmul(right, left + right, above, value=-1)
        bend = torch.addcmul(above, above, above, value=-1)
        total = torch.add(b * b, bend, alpha=4).sqrt_().add_(b).add_(above, alpha=2)
        return torch.addcdiv(x_end, width * above, total, value=-2).squeeze(0)

    @staticmethod
    def setup_context(ctx, inputs, output):
        position, parameters, ctx.n_bins, ctx.length = inputs
        ctx.save_for_backward(position, parameters, output)

    @staticmethod
    @once_differentiable
    def backward(ctx, g_x):
        # dx = (dy - df) / f': by the theorem of implicit functions.
        position, parameters, x = ctx.saved_tensors
        bins = _Bins(parameters, ctx.n_bins)
        start, size = bins.locate(position / ctx.length, 1)
        t = (x / ctx.length - start[0]) / size[0]
        piece = _Piece(t, start, size, _slope(bins.end_slopes()))
        g_value = g_x / piece.derivative()
        g_unit = -ctx.length * g_value
        _, g_parameters = _backward(bins, piece, g_unit, torch.zeros_like(g_unit))
        return g_value, g_parameters, None, None


def _forward(*arguments):
    """Call `_Forward`; without the cost of a gradient if none is asked for."""
    if torch.is_grad_enabled():
        return _Forward.apply(*arguments)
    return _Forward.forward(SimpleNamespace(), *arguments)


def _inverse(*arguments):
    """Call `_Inverse`; without the cost of a gradient if none is asked for."""
    return (_Inverse.apply if torch.is_grad_enabled() else _Inverse.forward)(*arguments)


class Spline(nn.Module):
    """Spline on [-bound, bound], identity outside, slope one at both ends.

    Parameters
    ----------
    n_bins : int
    bound : float
    """

    def __init__(self, n_bins, bound=5.0):
        super().__init__()
        self.n_bins, self.bound = n_bins, bound
        self.n_parameters = 3 * n_bins - 1

    def forward(self, x, parameters):
        """Transformed x and log|dy/dx|.

        Parameters
        ----------
        x : Tensor of shape (n_columns, n_rows)
        parameters : Tensor of shape (n_parameters, n_columns, n_rows)
            Unconstrained; zeros give the identity.

        Returns
        -------
        y, ladj : Tensor of shape (n_columns, n_rows)
        """
        inside = x.abs() < self.bound
        position = (x.clamp(-self.bound, self.bound) + self.bound) / (2 * self.bound)
        y, ladj = _forward(position, parameters, self.n_bins)
        y = torch.where(inside, (2 * y - 1) * self.bound, x)
        return y, torch.where(inside, ladj, 0.0)

    def inverse(self, y, parameters):
        """Inverse of `forward`, without the determinant."""
        bound = _constant(self.bound, y.dtype)
        position = y.clamp(-self.bound, self.bound) + bound
        x = _inverse(position, parameters, self.n_bins, 2 * self.bound)
        return torch.where(y.abs() < bound, x - bound, y)


class CircularSpline(nn.Module):
    """Rotation of an angle, then a spline of the circle that is smooth where it closes.

    Parameters
    ----------
    n_bins : int
    """

    def __init__(self, n_bins):
        super().__init__()
        self.n_bins = n_bins
        self.n_parameters = 3 * n_bins + 1

    def forward(self, x, parameters):
        """Transformed angles in [-pi, pi] and log|dy/dx|; shapes as in `Spline`."""
        position = torch.remainder((x + parameters[-1]) / TWO_PI + 0.5, 1.0)
        y, ladj = _forward(position, parameters[:-1], self.n_bins)
        return (2 * y - 1) * math.pi, ladj

    def inverse(self, y, parameters):
        """Inverse of `forward`, without the determinant."""
        position = torch.remainder(y + math.pi, TWO_PI)
        x = _inverse(position, parameters[:-1], self.n_bins, TWO_PI)
        return torch.remainder(x - parameters[-1], TWO_PI) - math.pi

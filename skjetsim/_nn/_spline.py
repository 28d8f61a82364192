"""Monotone rational-quadratic splines, on an interval and on the circle.

The parametrisation is that of Neural Spline Flows (Durkan et al. 2019, arXiv:1906.04032, section
3.1) and of their circular variant (Rezende et al. 2020, arXiv:2002.02428). Tensors are
column-major, (parameters, columns, rows). Every operation then runs along the rows, which are
adjacent in memory, and one gather takes each quantity of a row's bin from its parameters. Gradients
are written by hand: autograd would carry every knot of every row through a dozen operations.
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


class _Bins:
    """All bins of a spline, and the bin of each position.

    `parameters` (n_parameters, n_columns, n_rows) are unconstrained widths, heights and slopes.
    There are n_bins slopes on the circle. On an interval, whose ends are fixed, there are
    n_bins - 1.
    """

    def __init__(self, parameters, n_bins):
        self.n_bins = n_bins
        self.scale = _constant(1 - n_bins * MIN_BIN, parameters.dtype)
        sizes = parameters[: 2 * n_bins].unflatten(0, (2, n_bins))
        self.shares = torch.softmax(sizes, 1)
        self.slopes = parameters[2 * n_bins :]

    def locate(self, position, axis):
        """Find the bin of each position along an axis (0 for widths, 1 for heights).

        Stores its index and, on both axes, its own share and that of the bins before it. Returns
        its start and size on both axes.
        """
        before = torch.cumsum(self.shares, 1)
        ends = before[axis, :-1] * self.scale
        ends += _least_ends(self.n_bins, ends.dtype, ends.device)
        self.index = (ends <= position).sum(0)
        chosen = self.index.expand(2, 1, *self.index.shape)
        self.own = self.shares.gather(1, chosen).squeeze(1)
        self.before = before.gather(1, chosen).squeeze(1) - self.own
        start = self.before * self.scale
        least = _constant(MIN_BIN, start.dtype)
        start += least * self.index
        size = self.own * self.scale
        size += least
        return start, size

    def end_slopes(self):
        """Unconstrained slopes at both ends of the chosen bins. Zero at the ends of an interval."""
        if len(self.slopes) == self.n_bins:  # the last end of a circle is the first
            ends = torch.cat([self.slopes, self.slopes[:1]])
        else:
            ends = F.pad(self.slopes, (0, 0, 0, 0, 1, 1))
        return ends.gather(0, torch.stack([self.index, self.index + 1]))

    def gradient(self, g_start, g_size, g_slopes):
        """Gradient with respect to all parameters, from those to starts, sizes and slopes."""
        result = g_start.new_zeros((2 * self.n_bins + len(self.slopes), *self.index.shape))
        sizes = result[: 2 * self.n_bins].unflatten(0, (2, self.n_bins))
        chosen = self.index.expand(2, 1, *self.index.shape)
        # The start of a bin is the sum of the sizes before it. The softmax follows below.
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
        """Gradients to position, starts, sizes and slopes, from those to value and log-slope."""
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
    """Return a number as a tensor, which torch would otherwise create at each call."""
    with torch.inference_mode(False):  # training cannot use tensors made in inference mode
        return torch.tensor(value, dtype=dtype)


@cache
def _least_ends(n_bins, dtype, device):
    """Least share of the interval up to the end of each bin, except for the last bin."""
    with torch.inference_mode(False):
        return MIN_BIN * torch.arange(1, n_bins, device=device, dtype=dtype).view(-1, 1, 1)


def _slope(unconstrained):
    shift, least = (_constant(number, unconstrained.dtype) for number in (UNIT_SLOPE, MIN_SLOPE))
    return F.softplus(unconstrained + shift).add_(least)


def _run(function, *arguments):
    """Call a function with its own gradient. Without gradients, avoid the cost of autograd."""
    if torch.is_grad_enabled():
        return function.apply(*arguments)
    return function.forward(SimpleNamespace(), *arguments)


def _backward(bins, piece, g_value, g_log):
    """Gradients with respect to position and parameters."""
    g_position, g_start, g_size, g_slopes = piece.gradient(g_value, g_log)
    # The derivative of softplus is the sigmoid of its argument.
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
    """Inverse spline: the quadratic of equations 6 to 8 in its numerically stable form.

    Slopes are in units of the bin. The number of operations is small, because for a single event
    it determines the time.
    """

    @staticmethod
    def forward(ctx, position, parameters, n_bins):
        bins = _Bins(parameters, n_bins)
        start, size = bins.locate(position, 1)
        (width, height), slopes = size, _slope(bins.end_slopes())
        left, right = (slopes * (width / height)).unbind()
        share = (position - start[1]).div_(height).clamp_(0, 1)
        b = torch.addcmul(left, left + right, share, value=-1)
        bend = torch.addcmul(share, share, share, value=-1)
        total = torch.add(b * b, bend, alpha=4).sqrt_().add_(b).add_(share, alpha=2)
        t = torch.add(share, share).div_(total)
        ctx.bins, ctx.parts = bins, (t, start, size, slopes)
        return torch.addcmul(start[0], width, t)

    @staticmethod
    @once_differentiable
    def backward(ctx, g_position):
        # The implicit function theorem: dx = (dy - df) / f'.
        piece = _Piece(*ctx.parts)
        g_value = g_position / piece.derivative()
        _, g_parameters = _backward(ctx.bins, piece, -g_value, torch.zeros_like(g_value))
        return g_value, g_parameters, None


class Spline(nn.Module):
    """Spline on [-bound, bound], with slope one at both ends. Outside it is the identity.

    Parameters
    ----------
    n_bins : int
    bound : float
    """

    def __init__(self, n_bins, bound=5.0):
        super().__init__()
        self.n_bins, self.bound = n_bins, bound
        self.n_parameters = 3 * n_bins - 1

    def _inside(self, value):
        """Mask of values within the bound, and positions in [0, 1], clipped outside the bound."""
        inside = value.abs() < self.bound
        position = (value.clamp(-self.bound, self.bound) + self.bound) / (2 * self.bound)
        return inside, position

    def forward(self, x, parameters):
        """Transformed x and log|dy/dx|.

        Parameters
        ----------
        x : Tensor of shape (n_columns, n_rows)
        parameters : Tensor of shape (n_parameters, n_columns, n_rows)
            Unconstrained parameters. Zeros give the identity.

        Returns
        -------
        y, ladj : Tensor of shape (n_columns, n_rows)
        """
        inside, position = self._inside(x)
        y, ladj = _run(_Forward, position, parameters, self.n_bins)
        y = torch.where(inside, (2 * y - 1) * self.bound, x)
        return y, torch.where(inside, ladj, 0.0)

    def inverse(self, y, parameters):
        """Inverse of `forward`, without the determinant."""
        inside, position = self._inside(y)
        x = _run(_Inverse, position, parameters, self.n_bins)
        return torch.where(inside, (2 * x - 1) * self.bound, y)


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
        """Transformed angles in [-pi, pi] and log|dy/dx|. Shapes are as in `Spline`."""
        y, ladj = _run(_Forward, _turn(x + parameters[-1]), parameters[:-1], self.n_bins)
        return (2 * y - 1) * math.pi, ladj

    def inverse(self, y, parameters):
        """Inverse of `forward`, without the determinant."""
        x = _run(_Inverse, _turn(y), parameters[:-1], self.n_bins)
        return (2 * _turn((2 * x - 1) * math.pi - parameters[-1]) - 1) * math.pi


def _turn(angle):
    """Position in [0, 1) on the circle that begins at -pi."""
    return torch.remainder(angle / (2 * math.pi) + 0.5, 1.0)

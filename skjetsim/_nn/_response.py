"""Networks that give quantiles for each column of a response, and draw from them."""

import math

import torch
from torch import nn
from torch.nn.functional import batch_norm, elu, leaky_relu, linear

from skjetsim._nn.training._network import Network

PUBLISHED_LEVEL = 0.841  # one standard deviation above the median of a Gaussian
LOG_TWO_PI = math.log(2 * math.pi)
STRAIGHT = 1e4  # scale of an exponential that is a straight line
LOWEST_FACTOR = -7.0  # e^-7 times the marginal's step: in single precision, less may be no step


class _HiddenLayer(nn.Module):
    """Linear, batch normalisation, LeakyReLU(0.05): the hidden layer of arXiv:2010.01835."""

    momentum, eps, negative_slope = 0.1, 1e-5, 0.05

    def __init__(self, n_inputs, width):
        super().__init__()
        self.linear = nn.Linear(n_inputs, width, bias=False)  # normalisation would remove a bias
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))
        self.register_buffer("n_batches", torch.zeros(()))

    def forward(self, rows, weight=None):
        """Normalise by the batch in training, and by the running averages otherwise."""
        if self.training and len(rows) > 1:  # one row has no variance
            rows = self._normalise(self.linear(rows), weight)
            return leaky_relu(rows, self.negative_slope)
        # The averages are part of the linear map, which saves a pass over the rows.
        scale = self.scale * torch.rsqrt(self.running_var + self.eps)
        bias = torch.addcmul(self.shift, self.running_mean, scale, value=-1)
        rows = linear(rows, self.linear.weight * scale[:, None], bias)
        return leaky_relu(rows, self.negative_slope, inplace=not torch.is_grad_enabled())

    def _normalise(self, rows, weight):
        if weight is None:
            out = batch_norm(rows, None, None, self.scale, self.shift, training=True, eps=self.eps)
            var, mean = torch.var_mean(rows.detach(), dim=0, correction=0)
        else:  # torch has no weights, which must be equal to repeated events
            share = weight / weight.sum()
            mean = share @ rows
            centred = rows - mean
            var = share @ centred**2
            out = torch.addcmul(self.shift, centred, self.scale * torch.rsqrt(var + self.eps))
        with torch.no_grad():
            self.n_batches += 1  # plain averages at first, so that the start values do not count
            momentum = self.n_batches.reciprocal().clamp_min(self.momentum)
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(var, momentum)
        return out


class _Perceptron(nn.Module):
    """Hidden layers and a linear head."""

    def __init__(self, n_inputs, widths, n_outputs):
        super().__init__()
        sizes = [n_inputs, *widths]
        self.hidden = nn.ModuleList(
            _HiddenLayer(before, after) for before, after in zip(sizes, widths, strict=False)
        )
        self.head = nn.Linear(sizes[-1], n_outputs)

    def forward(self, rows, weight=None):
        """Outputs of each row. The normalisation uses the weights."""
        for layer in self.hidden:
            rows = layer(rows, weight)
        return self.head(rows)


def pinball(error, level):
    """Loss that the quantile of the truth at `level` minimises, among constants."""
    return torch.maximum(level * error, (level - 1) * error)


class GaussianResponse(Network):
    """Median mu and 84.1% quantile q of each column. Draws are mu + abs(q - mu) times a normal.

    This is the model of arXiv:2010.01835. Given the event, columns are independent and symmetric.
    """

    def __init__(self, n_columns, n_context, hidden_features):
        super().__init__()
        self.network = _Perceptron(n_context, hidden_features, 2 * n_columns)

    def heads(self, context, weight=None):
        """Median and upper quantile, each of shape (n_rows, n_columns)."""
        return self.network(context, weight).chunk(2, dim=1)

    def losses(self, step, batch, generator):
        """Absolute error of mu plus pinball loss of q, for each row of y and context.

        The batch normalisation uses the weights, too.
        """
        y, context = batch.inputs
        mu, upper = self.heads(context, batch.weight)
        return {"loss": ((y - mu).abs() + pinball(y - upper, PUBLISHED_LEVEL)).sum(dim=1)}

    def median(self, context):
        """Conditional median."""
        return self.heads(context)[0]

    def from_base(self, noise, context):
        """Draws, from standard normal noise."""
        mu, upper = self.heads(context)
        return torch.addcmul(mu, upper.sub_(mu).abs_(), noise)

    def log_prob(self, y, context):
        """Log-density of each row."""
        mu, upper = self.heads(context)
        width = (upper - mu).abs().clamp_min(torch.finfo(y.dtype).tiny)
        return -(0.5 * ((y - mu) / width) ** 2 + width.log() + 0.5 * LOG_TWO_PI).sum(dim=1)


def normal_knots(n_quantiles):
    """Equally spaced positions of the quantiles on the axis of a standard normal.

    A fraction of 1 / (2 n^1.5) lies beyond the last one. So with more quantiles the steps are
    smaller, and the range is larger.
    """
    edge = -torch.special.ndtri(torch.tensor(0.5 * n_quantiles**-1.5, dtype=torch.float64))
    return torch.linspace(-1, 1, n_quantiles, dtype=torch.float64) * edge


def _tail_scale(length, height):
    """Scale a of an exponential, a (exp(length / a) - 1) = height. Large if a line is as high."""
    low, high = length / 80, torch.full_like(length, STRAIGHT)
    for _ in range(100):
        middle = (low * high).sqrt()
        higher = middle * torch.expm1(length / middle) > height
        low, high = torch.where(higher, middle, low), torch.where(higher, high, middle)
    return high


class QuantileResponse(Network):
    """Monotone quantile functions of each column, joined by a Gaussian copula.

    The quantile function of a column is piecewise linear over the axis z of a standard normal. The
    network gives a shift, and a positive factor for each step of the quantile function of the
    marginal. So quantiles never cross, and an untrained network gives the marginal. Beyond the
    outermost knots the function continues with the slope of the last step, and grows like an
    exponential so that it reaches the farthest event of the marginal. Farther out it is a straight
    line. The factor of the last step multiplies all of this. The correlation of the z depends on
    the event, too: the network gives rows of its Cholesky factor, which are normalised.

    Parameters
    ----------
    n_context : int
    hidden_features : tuple of int
    marginal : array-like of shape (n_columns, n_quantiles + 2)
        Smallest value of each column, its quantiles at `normal_knots`, and its largest value.
    reach : array-like of shape (n_columns, 2)
        Distance of the smallest and largest value from zero on the axis z.
    """

    def __init__(self, n_context, hidden_features, marginal, reach):
        super().__init__()
        marginal, reach = torch.as_tensor(marginal), torch.as_tensor(reach)
        knots = normal_knots(marginal.shape[1] - 2)
        self.n_columns, n_knots = len(marginal), len(knots)
        self.n_steps = n_knots - 1
        step = knots[1] - knots[0]
        rise = marginal[:, 1:-1].diff(dim=1)
        # Ties in the data would make steps of height zero, and unbounded densities.
        mean_rise = rise.mean(dim=1, keepdim=True)
        rise = rise.maximum(1e-3 * torch.where(mean_rise > 0, mean_rise, 1.0))
        beyond = torch.stack(
            [marginal[:, 1] - marginal[:, 0], marginal[:, -1] - marginal[:, -2]], dim=1
        )
        # All in units of the last step: its width along z, and its height.
        length = (reach - knots[-1]).clamp_min(1e-6) / step
        scale = _tail_scale(length, beyond / rise[:, [0, -1]])
        middle = -knots[0] / step  # index of the median among the knots
        position = torch.arange(n_knots, dtype=knots.dtype)[None]
        start = torch.arange(self.n_steps, dtype=knots.dtype)[:, None]
        ramp = (position - start).clamp(0, 1) - (middle - start).clamp(0, 1)
        slope = torch.cat([rise[:, :1], 0.5 * (rise[:, 1:] + rise[:, :-1]), rise[:, -1:]], dim=1)
        density = torch.exp(-0.5 * knots**2)
        for name, value in {
            "knots": knots,
            "reach": reach.max(),
            "level": torch.special.ndtr(knots),
            "rise": rise,
            "ramp": ramp,
            "centre": (marginal[:, 1:-1] - rise @ ramp).mean(dim=1),
            "core": rise[:, self.n_steps // 2] / step,
            # The curvature of the pinball loss is the density: tails would learn slowly.
            "pinball_weight": density.rsqrt() / slope * step,
        }.items():
            self.register_buffer(name, value.float())
        self.register_buffer("tail_scale", scale.T[:, None].float(), persistent=False)
        self.register_buffer("tail_length", length.T[:, None].float(), persistent=False)
        self.n_correlations = self.n_columns * (self.n_columns - 1) // 2
        n_outputs = self.n_columns * (1 + self.n_steps) + self.n_correlations
        self.network = _Perceptron(n_context, hidden_features, n_outputs)
        with torch.no_grad():  # starts without correlation: a random one costs many epochs
            self.network.head.weight[n_outputs - self.n_correlations :] = 0
            self.network.head.bias[n_outputs - self.n_correlations :] = 0

    def heads(self, context, weight=None):
        """Quantiles of shape (n_rows, n_columns, n_knots), and entries of the Cholesky rows."""
        n, d = self.n_columns, self.n_columns * self.n_steps
        out = self.network(context, weight)
        # The factor is 1 + elu: positive, 1 at zero, linear above and exponential below.
        rise = self.rise.reshape(-1)
        in_place = not out.requires_grad
        clamp_min = torch.Tensor.clamp_min_ if in_place else torch.clamp_min
        factor = elu(clamp_min(out[:, n : n + d], LOWEST_FACTOR), inplace=in_place)
        rise = torch.addcmul(rise, factor, rise).view(-1, self.n_steps)
        centre = torch.addcmul(self.centre, out[:, :n], self.core)
        quantiles = torch.addmm(centre.reshape(-1, 1), rise, self.ramp)
        return quantiles.view(-1, n, self.n_steps + 1), out[:, n + d :]

    def losses(self, step, batch, generator):
        """Pinball losses of the quantiles, minus the log-density of the copula, for each row.

        The batch normalisation uses the weights, too.
        """
        y, context = batch.inputs
        quantiles, entries = self.heads(context, batch.weight)
        error = y[:, :, None] - quantiles
        loss = (pinball(error, self.level) * self.pinball_weight).sum(dim=(1, 2))
        z, _ = self.to_normal(y, quantiles.detach())
        # Clamped at the farthest event of the marginal, or outliers would dominate.
        z = z.clamp(-self.reach, self.reach)
        return {"loss": loss / len(self.knots) ** 0.5 - self.copula_log_prob(z, entries)}

    def median(self, context):
        """Conditional median."""
        quantiles, _ = self.heads(context)
        return self.from_normal(torch.zeros_like(quantiles[:, :, 0]), quantiles)

    def from_base(self, noise, context):
        """Draws, from standard normal noise."""
        quantiles, entries = self.heads(context)
        return self.from_normal(self.correlate(noise, entries), quantiles)

    def log_prob(self, y, context):
        """Log-density of each row."""
        quantiles, entries = self.heads(context)
        z, log_slope = self.to_normal(y, quantiles)
        marginal = -0.5 * z**2 - 0.5 * LOG_TWO_PI - log_slope
        return marginal.sum(dim=1) + self.copula_log_prob(z, entries)

    # The quantile functions.

    def from_normal(self, z, quantiles):
        """Values of the quantile functions at z."""
        step = self.knots[1] - self.knots[0]
        position = (z - self.knots[0]) / step
        index = position.floor().clamp_(0, self.n_steps - 1)
        along = position.sub_(index)
        index = index.long()[:, :, None]
        low, high = quantiles.gather(2, index)[:, :, 0], quantiles.gather(2, index + 1)[:, :, 0]
        below, above = self._rise(0, (-along).clamp_min(0)), self._rise(1, (along - 1).clamp_min(0))
        share = along.clamp(0, 1) - below + above
        return torch.addcmul(low, high - low, share)

    def to_normal(self, y, quantiles):
        """Inverse of `from_normal`: z, and log(dy / dz)."""
        step = self.knots[1] - self.knots[0]
        index = (y[:, :, None] >= quantiles[:, :, 1:-1]).sum(dim=2, keepdim=True)
        low, high = quantiles.gather(2, index)[:, :, 0], quantiles.gather(2, index + 1)[:, :, 0]
        along = (y - low) / (high - low)
        inside = along.clamp(0, 1)
        beyond = along - inside
        below, log_slope = self._inverse_rise(0, (-beyond).clamp_min(0))
        above, log_slope_above = self._inverse_rise(1, beyond.clamp_min(0))
        z = self.knots[0] + step * (index[:, :, 0] + inside + above - below)
        return z, ((high - low) / step).log() + log_slope + log_slope_above

    def _rise(self, side, distance):
        """Height beyond the last knot on one side, at a distance along z."""
        scale, length = self.tail_scale[side], self.tail_length[side]
        inside = distance.minimum(length)
        rise = scale * torch.expm1(inside / scale)
        return torch.addcmul(rise, distance - inside, torch.exp(length / scale))

    def _inverse_rise(self, side, rise):
        """Inverse of `_rise`, and the logarithm of the slope there."""
        scale, length = self.tail_scale[side], self.tail_length[side]
        inside = rise.minimum(scale * torch.expm1(length / scale))
        log_slope = torch.log1p(inside / scale)
        return scale * log_slope + (rise - inside) * torch.exp(-length / scale), log_slope

    # The copula.

    def _cholesky_columns(self, entries):
        """Columns of the factor, below the diagonal and before rows are normalised."""
        sizes = list(range(self.n_columns - 1, 0, -1))
        return enumerate(entries.split(sizes, dim=1))

    def row_norms(self, entries):
        """Squared norm of each row of the factor. Its diagonal is one."""
        norm2 = torch.ones_like(entries[:, :1]).repeat(1, self.n_columns)
        for column, below in self._cholesky_columns(entries * entries):
            norm2[:, column + 1 :] += below
        return norm2

    def correlate(self, noise, entries):
        """Normal noise with the correlation of each row."""
        if self.n_columns == 1:
            return noise
        z = noise.clone()
        for column, below in self._cholesky_columns(entries):
            z[:, column + 1 :].addcmul_(below, noise[:, column : column + 1])
        return z.mul_(self.row_norms(entries).rsqrt_())

    def copula_log_prob(self, z, entries):
        """Log-density of the Gaussian copula."""
        if self.n_columns == 1:
            return torch.zeros_like(z[:, 0])
        norm2 = self.row_norms(entries)
        left, noise = z * norm2.sqrt(), []
        for _, below in self._cholesky_columns(entries):
            first = left[:, :1]
            noise.append(first)
            left = left[:, 1:] - below * first
        noise = torch.cat([*noise, left], dim=1)
        return 0.5 * (z * z - noise * noise + norm2.log()).sum(dim=1)

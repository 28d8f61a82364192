"""Splines on an interval and on the circle: against zuko, autograd and themselves."""

import math

import pytest
import torch
from zuko.transforms import MonotonicRQSTransform

from skjetsim._nn._spline import MIN_BIN, MIN_SLOPE, UNIT_SLOPE, CircularSpline, Spline

N_BINS, N_ROWS = 6, 200


def random_parameters(spline, n_columns=2, n_rows=N_ROWS, scale=1.5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (spline.n_parameters, n_columns, n_rows)
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def points(reach, n_columns=2, n_rows=N_ROWS):
    x = torch.linspace(-reach, reach, n_rows, dtype=torch.float64)
    return torch.stack([x, *(x.roll(7 * column) for column in range(1, n_columns))])


SPLINES = {"interval": (Spline(N_BINS), 4.99), "circle": (CircularSpline(N_BINS), 3.14)}
both = pytest.mark.parametrize("kind", SPLINES)


def zuko_spline(spline, parameters):
    """zuko's spline through the same knots with the same slopes."""
    oracle = MonotonicRQSTransform.__new__(MonotonicRQSTransform)
    torch.distributions.Transform.__init__(oracle)
    widths, heights, slopes = parameters.movedim(0, -1).split([N_BINS, N_BINS, N_BINS - 1], -1)

    def knots(sizes):
        sizes = MIN_BIN + (1 - N_BINS * MIN_BIN) * sizes.softmax(-1)
        edges = torch.cat([torch.zeros_like(sizes[..., :1]), sizes.cumsum(-1)], dim=-1)
        return spline.bound * (2 * edges - 1)

    oracle.horizontal, oracle.vertical = knots(widths), knots(heights)
    inner = torch.nn.functional.softplus(slopes + UNIT_SLOPE) + MIN_SLOPE
    oracle.derivatives = torch.nn.functional.pad(inner, (1, 1), value=1.0)
    return oracle


def test_spline_is_zukos():
    spline = Spline(N_BINS)
    parameters, x = random_parameters(spline), points(4.99)
    y, ladj = spline(x, parameters)
    oracle = zuko_spline(spline, parameters)
    expected, expected_ladj = oracle.call_and_ladj(x)
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ladj, expected_ladj, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(spline.inverse(y, parameters), oracle._inverse(y))


@both
@pytest.mark.parametrize("scale", [0.1, 1.5, 5.0])
def test_splines_invert(kind, scale):
    spline, reach = SPLINES[kind]
    parameters, x = random_parameters(spline, scale=scale), points(reach)
    y, _ = spline(x, parameters)
    assert (y - x).abs().max() > 0.01
    torch.testing.assert_close(spline.inverse(y, parameters), x, rtol=0, atol=1e-6)


@both
def test_gradients_are_right_in_both_directions(kind):
    spline, reach = SPLINES[kind]
    parameters = random_parameters(spline, n_rows=30).requires_grad_()
    x = points(reach, n_rows=30).requires_grad_()
    assert torch.autograd.gradcheck(spline, (x, parameters))
    assert torch.autograd.gradcheck(spline.inverse, (x, parameters))


@both
def test_log_det_is_autograds_slope(kind):
    spline, reach = SPLINES[kind]
    x = points(reach).requires_grad_()
    y, ladj = spline(x, random_parameters(spline))
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(ladj.exp(), slope, rtol=1e-8, atol=1e-10)


def test_spline_is_increasing_and_continuous_across_the_edges():
    spline = Spline(N_BINS)
    parameters = random_parameters(spline, 1, 1)
    x = torch.linspace(-6, 6, 20001, dtype=torch.float64)[None]
    y, ladj = spline(x, parameters.expand(-1, -1, 20001))
    steps = y.diff()
    assert (steps > 0).all()
    assert steps.max() < 1.1 * ladj.exp().max() * (x[0, 1] - x[0, 0])
    edges = torch.tensor([[-5 + 1e-9, 5 - 1e-9]], dtype=torch.float64)
    _, ladj = spline(edges, parameters.expand(-1, -1, 2))
    assert ladj.abs().max() < 1e-5  # slope one at both ends, as outside


def test_circle_is_smooth_where_it_closes():
    spline = CircularSpline(N_BINS)
    parameters = random_parameters(spline, 1, 1)
    rotation = parameters[-1].item()
    # The seam of the spline lies where the rotated angle is pi; the circle's own seam at pi.
    for seam in (math.pi, math.pi - rotation):
        around = torch.tensor([[seam - 1e-9, seam + 1e-9]], dtype=torch.float64)
        y, ladj = spline(around, parameters.expand(-1, -1, 2))
        step = torch.remainder(y.diff() + math.pi, 2 * math.pi) - math.pi
        torch.testing.assert_close(step / 2e-9, ladj[:, :1].exp(), rtol=1e-3, atol=0)
        torch.testing.assert_close(ladj[0, 0], ladj[0, 1], rtol=0, atol=1e-4)


def test_a_turn_more_changes_nothing_on_the_circle():
    spline = CircularSpline(N_BINS)
    parameters, x = random_parameters(spline), points(3.1)
    y, ladj = spline(x, parameters)
    turned, turned_ladj = spline(x + 2 * math.pi, parameters)
    torch.testing.assert_close(turned, y)
    torch.testing.assert_close(turned_ladj, ladj)
    assert y.abs().max() <= math.pi


@both
def test_zero_parameters_are_the_identity(kind):
    spline, reach = SPLINES[kind]
    x = points(reach)
    y, ladj = spline(x, torch.zeros(spline.n_parameters, *x.shape, dtype=torch.float64))
    torch.testing.assert_close(y, x, rtol=0, atol=1e-12)
    torch.testing.assert_close(ladj, torch.zeros_like(x), rtol=0, atol=1e-12)


def test_identity_outside_the_box():
    spline = Spline(N_BINS)
    x = torch.tensor([[-1e6, -5.0, 5.0, 7.5, 1e6]], dtype=torch.float64)
    parameters = random_parameters(spline, 1, 5)
    y, ladj = spline(x, parameters)
    assert torch.equal(y, x)
    assert torch.equal(ladj, torch.zeros_like(x))
    assert torch.equal(spline.inverse(x, parameters), x)


@both
def test_gradients_stay_finite_far_out_and_at_steep_parameters(kind):
    spline, _ = SPLINES[kind]
    x = torch.cat([points(4.9, 1, 198), torch.tensor([[50.0, -1e5]], dtype=torch.float64)], 1)
    parameters = (20 * random_parameters(spline, 1)).requires_grad_()
    y, ladj = spline(x, parameters)
    (y.sum() + ladj.sum()).backward()
    assert torch.isfinite(parameters.grad).all()
    assert (parameters.grad.abs().sum(-1) > 0).all()


def test_two_bins_are_enough():
    for spline, reach in ((Spline(2), 4.9), (CircularSpline(2), 3.1)):
        parameters, x = random_parameters(spline), points(reach)
        back = spline.inverse(spline(x, parameters)[0], parameters)
        torch.testing.assert_close(back, x, rtol=0, atol=1e-9)

"""Splines, coupling flows and private randomness: against zuko, autograd and each other."""

import threading

import numpy as np
import pytest
import torch
from zuko.transforms import MonotonicRQSTransform

from skjetsim._nn import CouplingFlow, PrivateRandom, build_coupling_flow
from skjetsim._nn._spline import RationalQuadraticSpline, spline_shapes

N_BINS = 6


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_spline(n_rows=200, scale=1.5, seed=0):
    shapes = [(n_rows, *shape) for shape in spline_shapes(N_BINS)]
    rng = generator(seed)
    parameters = [
        scale * torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes
    ]
    return RationalQuadraticSpline(*parameters), parameters


def points(n_rows=200, reach=4.99):
    return torch.linspace(-reach, reach, n_rows, dtype=torch.float64)


def zuko_spline(spline):
    """zuko's spline through the same knots with the same slopes."""
    oracle = MonotonicRQSTransform.__new__(MonotonicRQSTransform)
    torch.distributions.Transform.__init__(oracle)

    def knots(sizes):
        edges = torch.cat([torch.zeros_like(sizes[..., :1]), sizes.cumsum(-1)], dim=-1)
        return spline.bound * (2 * edges - 1)

    oracle.horizontal, oracle.vertical = knots(spline.widths), knots(spline.heights)
    unconstrained = spline.slopes[..., 1:-1]
    inner = torch.nn.functional.softplus(unconstrained + np.log(np.expm1(1 - 1e-3))) + 1e-3
    oracle.derivatives = torch.nn.functional.pad(inner, (1, 1), value=1.0)
    return oracle


def test_spline_is_zukos():
    spline, _ = random_spline()
    x = points()
    y, ladj = spline.call_and_ladj(x)
    expected, expected_ladj = zuko_spline(spline).call_and_ladj(x)
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ladj, expected_ladj, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(spline._inverse(y), zuko_spline(spline)._inverse(y))


@pytest.mark.parametrize("scale", [0.1, 1.5, 5.0])
def test_spline_inverts(scale):
    spline, _ = random_spline(scale=scale)
    x = points()
    back = spline._inverse(spline.call_and_ladj(x)[0])
    torch.testing.assert_close(back, x, rtol=0, atol=1e-6)


def test_spline_log_det_is_autograds_slope():
    spline, _ = random_spline()
    x = points().requires_grad_()
    y, ladj = spline.call_and_ladj(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(ladj.exp(), slope, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(spline.log_abs_det_jacobian(x, y), ladj)


def test_spline_is_increasing_and_continuous_across_the_edges():
    spline, _ = random_spline(n_rows=1)
    x = torch.linspace(-6, 6, 20001, dtype=torch.float64)
    y, ladj = spline.call_and_ladj(x)
    steps = y.diff()
    assert (steps > 0).all()
    assert steps.max() < 1.1 * ladj.exp().max() * (x[1] - x[0])
    _, edges = spline.call_and_ladj(torch.tensor([-5 + 1e-9, 5 - 1e-9], dtype=torch.float64))
    assert edges.abs().max() < 1e-5  # slope one at both ends, as outside


def test_zero_parameters_are_the_identity():
    spline = RationalQuadraticSpline(*(torch.zeros(200, *s).double() for s in spline_shapes(5)))
    x = points()
    y, ladj = spline.call_and_ladj(x)
    torch.testing.assert_close(y, x, rtol=0, atol=1e-12)
    torch.testing.assert_close(ladj, torch.zeros_like(x), rtol=0, atol=1e-12)


def test_identity_outside_the_box():
    spline, _ = random_spline(n_rows=5)
    x = torch.tensor([-1e6, -5.0, 5.0, 7.5, 1e6], dtype=torch.float64)
    y, ladj = spline.call_and_ladj(x)
    assert torch.equal(y, x)
    assert torch.equal(ladj, torch.zeros_like(x))
    assert torch.equal(spline._inverse(x), x)


def test_gradients_reach_every_parameter_and_stay_finite():
    _, parameters = random_spline(n_rows=400)
    parameters = [parameter.requires_grad_() for parameter in parameters]
    x = torch.cat([points(398), torch.tensor([50.0, -50.0]).double()])
    y, ladj = RationalQuadraticSpline(*parameters).call_and_ladj(x)
    (y.sum() + ladj.sum()).backward()
    for parameter in parameters:
        assert torch.isfinite(parameter.grad).all()
        assert (parameter.grad[:398].abs().sum(0) > 0).all()
        assert (parameter.grad[398:] == 0).all()


# Coupling flows.


def make_flow(n_target, n_context, seed=0, scale=0.2):
    flow = build_coupling_flow(
        n_target,
        n_context,
        generator=generator(seed),
        n_transforms=4,
        hidden_features=(8,),
        n_bins=N_BINS,
    ).double()
    with torch.no_grad():  # away from the identity it starts at
        for parameter in flow.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator(1)).double())
    return flow


def flow_inputs(n_target, n_context, n_rows=30):
    rng = generator(2)
    target = torch.randn(n_rows, n_target, generator=rng, dtype=torch.float64)
    context = torch.randn(n_rows, n_context, generator=rng, dtype=torch.float64)
    return target, context


shapes = pytest.mark.parametrize(
    ("n_target", "n_context"), [(1, 0), (1, 2), (2, 0), (3, 2), (7, 1)]
)


@shapes
def test_flow_inverts(n_target, n_context):
    flow = make_flow(n_target, n_context)
    target, context = flow_inputs(n_target, n_context)
    z, _ = flow.to_base(target, context)
    assert (z - target).abs().max() > 0.05
    torch.testing.assert_close(flow.from_base(z, context), target, rtol=0, atol=1e-5)
    torch.testing.assert_close(flow.to_latent(target, context), z)


@shapes
def test_flow_log_det_is_that_of_the_full_jacobian(n_target, n_context):
    flow = make_flow(n_target, n_context)
    target, context = flow_inputs(n_target, n_context)
    z, ladj = flow.to_base(target, context)
    for i in range(len(target)):
        jacobian = torch.autograd.functional.jacobian(
            lambda row, i=i: flow.to_base(row[None], context[i : i + 1])[0][0], target[i]
        )
        _, expected = torch.linalg.slogdet(jacobian)
        torch.testing.assert_close(ladj[i], expected, rtol=1e-7, atol=1e-7)
    base = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(flow.log_prob(target, context), base + ladj)
    torch.testing.assert_close(flow(target, context), -base - ladj)


@shapes
def test_gradients_reach_all_weights(n_target, n_context):
    flow = make_flow(n_target, n_context)
    flow(*flow_inputs(n_target, n_context, 400)).mean().backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("n_target", [1, 3])
def test_context_matters(n_target):
    flow = make_flow(n_target, 2)
    target, context = flow_inputs(n_target, 2)
    assert (flow.log_prob(target, context) - flow.log_prob(target, -context)).abs().min() > 1e-6
    assert not torch.allclose(flow.from_base(target, context), flow.from_base(target, -context))


def test_every_column_is_transformed_and_depends_on_the_others():
    flow = make_flow(4, 0)
    target, _ = flow_inputs(4, 0, 1)
    jacobian = torch.autograd.functional.jacobian(
        lambda row: flow.to_base(row[None])[0][0], target[0]
    )
    assert (jacobian.abs() > 1e-9).all()


# Private randomness.


def build(seed):
    return build_coupling_flow(
        3, 2, generator=generator(seed), n_transforms=2, hidden_features=(8,), n_bins=4
    )


def equal(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_weights_come_from_the_generator_alone():
    before = torch.get_rng_state()
    first = build(0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    second = build(0)
    assert equal(first, second)
    assert not equal(first, build(1))
    torch.set_rng_state(before)


LAYERS = {
    "linear": lambda: torch.nn.Linear(3, 4),
    "convolution": lambda: torch.nn.Conv2d(2, 3, 3),
    "transposed convolution": lambda: torch.nn.ConvTranspose1d(2, 3, 3),
    "embedding": lambda: torch.nn.Embedding(5, 3),
    "recurrent": lambda: torch.nn.GRU(3, 4),
    "attention": lambda: torch.nn.MultiheadAttention(4, 2),
    "bilinear": lambda: torch.nn.Bilinear(2, 3, 4),
    "xavier": lambda: _initialised(torch.nn.init.xavier_normal_),
    "orthogonal": lambda: _initialised(torch.nn.init.orthogonal_),
    "truncated": lambda: _initialised(torch.nn.init.trunc_normal_),
    "kaiming": lambda: _initialised(torch.nn.init.kaiming_normal_),
}


def _initialised(function):
    layer = torch.nn.Linear(4, 4)
    function(layer.weight)
    return layer


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_of_torch_start_from_the_generator(layer):
    before = torch.get_rng_state()
    made = []
    for seed in (0, 0, 1):
        with PrivateRandom(generator(seed)):
            made.append(LAYERS[layer]())
        assert torch.equal(torch.get_rng_state(), before)
        before = _advance()
    assert equal(made[0], made[1])
    assert not equal(made[0], made[2])


def _advance():
    torch.rand(1)
    return torch.get_rng_state()


def test_a_generator_that_is_given_is_used():
    with PrivateRandom(generator(0)):
        given = torch.rand(3, generator=generator(5))
        private = torch.rand(3)
    assert torch.equal(given, torch.rand(3, generator=generator(5)))
    assert torch.equal(private, torch.rand(3, generator=generator(0)))


def test_threads_do_not_disturb_each_other():
    expected = [build(seed) for seed in range(6)]
    made = [None] * 6

    def work(seed):
        made[seed] = build(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(equal(a, b) for a, b in zip(made, expected, strict=True))


def test_one_column_flow_with_empty_context():
    flow = make_flow(1, 0)
    target, empty = flow_inputs(1, 0)
    assert isinstance(flow, CouplingFlow)
    torch.testing.assert_close(flow.log_prob(target, empty), flow.log_prob(target))

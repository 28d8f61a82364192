"""All kinds of flows: inverses, determinants against autograd, and gradients."""

import numpy as np
import pytest
import torch

from skjetsim._nn import Flow, PrivateRandom, column_orders, likelihood_weight_decay
from skjetsim._nn._residual_layers import solve_tanh
from skjetsim.flows import FlowGenerator, FlowSimulator

MIXED = ["rqs", "circular", "affine", "circular", "rqs"]
FLOWS = {
    "splines": {},
    "affine": {"kinds": ["affine"] * 5},
    "circular": {"kinds": ["circular"] * 5},
    "mixed": {"kinds": MIXED},
    "autoregressive": {"mixing": "autoregressive"},
    "autoregressive mixed": {"mixing": "autoregressive", "kinds": MIXED},
    "planar": {"mixing": "planar"},
    "sylvester": {"mixing": "sylvester"},
    "condition network": {"condition_network": (6, 3)},
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make_flow(n_target, n_context, scale=0.2, permutation="random", n_transforms=4, **settings):
    rng = np.random.default_rng(0)
    settings = {"hidden_features": (8,), "n_bins": 6} | settings
    if "kinds" in settings:
        settings["kinds"] = settings["kinds"][:n_target]
    orders = column_orders(n_target, n_transforms, permutation, rng)
    with PrivateRandom(generator()):
        flow = Flow(n_target, n_context, orders=orders, **settings).double()
    with torch.no_grad():  # away from the identity of the start
        for parameter in flow.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator(1)).double())
    return flow


def flow_inputs(n_target, n_context, n_rows=30):
    rng = generator(2)
    target = torch.randn(n_rows, n_target, generator=rng, dtype=torch.float64).clamp(-3.1, 3.1)
    context = torch.randn(n_rows, n_context, generator=rng, dtype=torch.float64)
    return target, context


shapes = pytest.mark.parametrize(
    ("n_target", "n_context"), [(1, 0), (1, 2), (2, 0), (3, 2), (5, 1)]
)
kinds = pytest.mark.parametrize("name", FLOWS)


@kinds
@shapes
def test_flow_inverts(name, n_target, n_context):
    flow = make_flow(n_target, n_context, **FLOWS[name])
    target, context = flow_inputs(n_target, n_context)
    z, _ = flow.to_base(target, context)
    assert (z - target).abs().max() > 0.05
    torch.testing.assert_close(flow.from_base(z, context), target, rtol=0, atol=1e-6)
    torch.testing.assert_close(flow.to_latent(target, context), z)


@kinds
@shapes
def test_flow_log_det_is_that_of_the_full_jacobian(name, n_target, n_context):
    flow = make_flow(n_target, n_context, **FLOWS[name])
    target, context = flow_inputs(n_target, n_context, 8)
    z, ladj = flow.to_base(target, context)
    for i in range(len(target)):
        jacobian = torch.autograd.functional.jacobian(
            lambda row, i=i: flow.to_base(row[None], context[i : i + 1])[0][0], target[i]
        )
        _, expected = torch.linalg.slogdet(jacobian)
        torch.testing.assert_close(ladj[i], expected, rtol=1e-7, atol=1e-7)
    base = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(flow.log_prob(target, context), base + ladj)
    torch.testing.assert_close(flow.log_prob(target, context), base + ladj)


@kinds
@shapes
def test_gradients_reach_all_weights(name, n_target, n_context):
    flow = make_flow(n_target, n_context, **FLOWS[name])
    flow.log_prob(*flow_inputs(n_target, n_context, 400)).mean().backward()
    for path, parameter in flow.named_parameters():
        if parameter.numel():
            assert parameter.grad is not None, path
            assert parameter.grad.abs().sum() > 0, path


@kinds
def test_context_matters(name):
    flow = make_flow(3, 2, **FLOWS[name])
    target, context = flow_inputs(3, 2)
    assert (flow.log_prob(target, context) - flow.log_prob(target, -context)).abs().max() > 1e-3
    assert not torch.allclose(flow.from_base(target, context), flow.from_base(target, -context))


@pytest.mark.parametrize("permutation", ["random", "reverse"])
@pytest.mark.parametrize("mixing", ["coupling", "autoregressive"])
def test_every_column_is_transformed_and_depends_on_the_others(mixing, permutation):
    flow = make_flow(4, 0, mixing=mixing, permutation=permutation)
    target, _ = flow_inputs(4, 0, 1)
    jacobian = torch.autograd.functional.jacobian(
        lambda row: flow.to_base(row[None])[0][0], target[0]
    )
    assert (jacobian.abs() > 1e-9).all()


def test_one_autoregressive_layer_is_triangular():
    flow = make_flow(4, 0, mixing="autoregressive", permutation="reverse", n_transforms=1)
    target, _ = flow_inputs(4, 0, 1)
    jacobian = torch.autograd.functional.jacobian(
        lambda row: flow.to_base(row[None])[0][0], target[0]
    )
    assert (jacobian.triu(1) == 0).all()
    assert (jacobian[np.tril_indices(4)] != 0).all()


def test_pairs_of_couplings_swap_their_halves():
    orders = column_orders(5, 4, "random", np.random.default_rng(0))
    assert orders[1] == orders[0][::-1]
    assert orders[3] == orders[2][::-1]
    assert orders[2] != orders[0]
    assert column_orders(3, 2, "reverse", None) == [[0, 1, 2], [2, 1, 0]]


@pytest.mark.parametrize("name", ["circular", "mixed", "autoregressive mixed"])
def test_density_is_periodic_in_angles(name):
    settings = FLOWS[name]
    flow = make_flow(5, 2, **settings)
    target, context = flow_inputs(5, 2)
    turned = target.clone()
    for j, kind in enumerate(settings["kinds"]):
        if kind == "circular":
            turned[:, j] += 2 * torch.pi
    torch.testing.assert_close(flow.log_prob(turned, context), flow.log_prob(target, context))


def test_single_precision_comes_back():
    for name, settings in FLOWS.items():
        flow = make_flow(5, 2, **settings).float()
        target, context = (table.float() for table in flow_inputs(5, 2, 400))
        back = flow.from_base(flow.to_latent(target, context), context)
        error = (back - target).abs().quantile(0.99)
        assert error < 1e-3, name


def test_equation_of_a_bent_line_is_solved():
    rng = generator(3)
    target, offset = (torch.randn(500, generator=rng, dtype=torch.float64) * 10 for _ in range(2))
    slope = torch.rand(500, generator=rng, dtype=torch.float64) + 0.1
    gain = (torch.rand(500, generator=rng, dtype=torch.float64) * 8 - 0.999) / slope
    a = solve_tanh(target, gain, slope, offset)
    torch.testing.assert_close(a + gain * torch.tanh(slope * a + offset), target)


def test_one_column_flow_with_empty_context():
    flow = make_flow(1, 0)
    target, empty = flow_inputs(1, 0)
    assert isinstance(flow, Flow)
    torch.testing.assert_close(flow.log_prob(target, empty), flow.log_prob(target))


def test_weight_decay_falls_with_the_root_of_the_number_of_rows():
    assert likelihood_weight_decay(2) == pytest.approx(0.1)
    assert likelihood_weight_decay(6) == pytest.approx(2.0)
    assert likelihood_weight_decay(20) == likelihood_weight_decay(6)
    for n_columns in (2, 6):
        decay = likelihood_weight_decay(n_columns)
        assert likelihood_weight_decay(n_columns, 1000) == decay
        assert likelihood_weight_decay(n_columns, 50_000) == decay
        assert likelihood_weight_decay(n_columns, 200_000) == pytest.approx(0.5 * decay)


@pytest.mark.parametrize("model", [FlowGenerator(), FlowSimulator(), FlowGenerator(weight_decay=1)])
def test_training_plan_has_the_decay_of_its_rows(model):
    for n_rows in (1000, 800_000):
        expected = likelihood_weight_decay(6, n_rows) if model.weight_decay == "auto" else 1
        assert model._training_plan(n_rows, 6).weight_decay == expected

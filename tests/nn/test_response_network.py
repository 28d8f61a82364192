"""Quantile networks: order, inverses, densities, the copula, folded batch normalisation."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from skjetsim._nn import GaussianResponse, PrivateRandom, QuantileResponse, Rows, normal_knots

D, CONTEXT = 3, 4
REACH = np.full((D, 2), 3.5)


def quantile_net(n_quantiles=7, n_columns=D, spread=0.7):
    """Network with random weights, even if training starts them at zero."""
    knots = normal_knots(n_quantiles).numpy()
    shapes = np.stack([np.sinh(knots), np.exp(0.5 * knots), knots**3 + knots])[:n_columns]
    ends = np.stack([shapes[:, 0] - 3, shapes[:, -1] + 5])
    marginal = np.column_stack([ends[0], shapes, ends[1]])
    generator = torch.Generator().manual_seed(0)
    with PrivateRandom(generator):
        net = QuantileResponse(CONTEXT, (16, 16), marginal, REACH[:n_columns])
    with torch.no_grad():
        net.network.head.weight += spread * torch.randn(
            net.network.head.weight.shape, generator=generator
        )
    return net.double().eval()


def context(n_rows=500, seed=1):
    return torch.randn(n_rows, CONTEXT, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("n_quantiles", [3, 4, 7, 17])
def test_knots_are_symmetric_and_reach_farther_with_more(n_quantiles):
    knots = normal_knots(n_quantiles)
    assert_allclose(knots, -knots.flip(0), atol=1e-12)
    assert knots[-1] < normal_knots(n_quantiles + 1)[-1]
    assert_allclose(stats.norm.sf(knots[-1]), 0.5 * n_quantiles**-1.5)


def test_quantiles_never_cross():
    quantiles, _ = quantile_net(spread=30).heads(context())
    assert quantiles.shape == (500, D, 7)
    assert (quantiles.diff(dim=2) > 0).all()


def test_without_a_context_it_is_the_marginal():
    net = quantile_net(spread=0)
    with torch.no_grad():
        net.network.head.weight.zero_()
        net.network.head.bias.zero_()
    quantiles, entries = net.heads(context(2))
    knots = normal_knots(7).numpy()
    assert_allclose(quantiles[1, 0].detach(), np.sinh(knots), rtol=1e-5, atol=1e-9)
    assert_allclose(quantiles[0, 1].detach(), np.exp(0.5 * knots), rtol=1e-5)
    assert not entries.any()
    # The farthest event of the marginal is at its place.
    far = net.from_normal(torch.full((2, D), 3.5).double(), quantiles)
    assert_allclose(far[0, 0].detach(), np.sinh(knots[-1]) + 5, rtol=1e-5)


def test_quantile_functions_are_inverted():
    net = quantile_net()
    quantiles, _ = net.heads(context())
    z = 3 * torch.randn(500, D, generator=torch.Generator().manual_seed(2)).double()
    y = net.from_normal(z, quantiles)
    back, log_slope = net.to_normal(y, quantiles)
    assert_allclose(back.detach(), z, atol=1e-7)
    z.requires_grad_()
    (slope,) = torch.autograd.grad(net.from_normal(z, quantiles).sum(), z)
    assert_allclose(log_slope.detach().exp(), slope, rtol=1e-6)


def test_the_density_of_one_column_integrates_to_one():
    net = quantile_net(n_columns=1)
    y = torch.linspace(-40, 40, 200_001).double()[:, None]
    for seed in range(3):
        row = context(1, seed).expand(len(y), -1)
        density = net.log_prob(y, row).detach().exp()
        assert_allclose(torch.trapezoid(density, y[:, 0]), 1, atol=1e-3)


def test_the_copula_is_a_gaussian_one():
    net = quantile_net()
    _, entries = net.heads(context(1))
    noise = torch.randn(200_000, D, generator=torch.Generator().manual_seed(3)).double()
    z = net.correlate(noise, entries.expand(len(noise), -1)).detach()
    factor = np.eye(D)
    rows, columns = np.tril_indices(D, -1)
    by_column = np.lexsort((rows, columns))
    factor[rows[by_column], columns[by_column]] = entries[0].detach()
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    correlation = factor @ factor.T
    assert np.abs(correlation - np.eye(D)).max() > 0.1
    assert_allclose(np.corrcoef(z.T), correlation, atol=0.01)
    assert_allclose(z.std(dim=0), 1, atol=0.01)
    expected = stats.multivariate_normal(cov=correlation).logpdf(z[:50])
    expected -= stats.norm.logpdf(z[:50]).sum(axis=1)
    assert_allclose(
        net.copula_log_prob(z[:50], entries.expand(50, -1)).detach(), expected, atol=1e-9
    )


def test_draws_follow_the_density():
    """The mean of log p over draws is minus the entropy, which the inverse gives too."""
    net = quantile_net()
    row = context(1).expand(20_000, -1)
    noise = torch.randn(20_000, D, generator=torch.Generator().manual_seed(4)).double()
    y = net.from_base(noise, row)
    quantiles, entries = net.heads(row)
    _, log_slope = net.to_normal(y, quantiles)
    normal = -0.5 * (noise**2).sum(dim=1) - 0.5 * D * np.log(2 * np.pi)
    log_factor = -0.5 * torch.log(net.row_norms(entries)).sum(dim=1)
    expected = normal - log_factor - log_slope.sum(dim=1)
    assert_allclose(net.log_prob(y, row).detach(), expected.detach(), atol=1e-6)


def test_the_published_network_draws_a_gaussian():
    generator = torch.Generator().manual_seed(0)
    with PrivateRandom(generator):
        net = GaussianResponse(2, CONTEXT, (16,)).eval()
    row = context(1).float()
    mu, upper = (head.detach().numpy()[0] for head in net.heads(row))
    with torch.no_grad():
        noise = torch.randn(100_000, 2, generator=generator)
        draws = net.from_base(noise, row.expand(100_000, -1)).numpy()
    assert_allclose(draws.mean(axis=0), mu, atol=0.01)
    assert_allclose(draws.std(axis=0), np.abs(upper - mu), rtol=0.02)
    y = torch.tensor([[0.1, -0.3]])
    expected = stats.norm(mu, np.abs(upper - mu)).logpdf(y.numpy()).sum()
    assert_allclose(net.log_prob(y, row).detach(), expected, rtol=1e-4)


def test_normalisation_is_that_of_torch():
    layer = quantile_net().network.hidden[0].train()
    torch_norm = torch.nn.BatchNorm1d(16).double()
    rows = 3 + 2 * context()
    with torch.no_grad():
        layer.scale.mul_(0.7)
        layer.shift.add_(0.2)
        torch_norm.weight.copy_(layer.scale)
        torch_norm.bias.copy_(layer.shift)
        expected = torch.nn.functional.leaky_relu(torch_norm(layer.linear(rows)), 0.05)
        assert_allclose(layer(rows), expected, atol=1e-12)
        # The first batch is the average. torch starts from zero and one.
        assert_allclose(layer.running_mean, 10 * torch_norm.running_mean)
        seen = layer.linear(rows)
        assert_allclose(layer.running_var, seen.var(dim=0, correction=0))
        layer(rows + 1)
        assert_allclose(layer.running_mean, (seen + layer.linear(rows + 1)).mean(dim=0) / 2)
        # In evaluation the averages are part of the linear map.
        torch_norm.running_mean.copy_(layer.running_mean)
        torch_norm.running_var.copy_(layer.running_var)
        layer.eval()
        torch_norm.eval()
        expected = torch.nn.functional.leaky_relu(torch_norm(layer.linear(rows)), 0.05)
        assert_allclose(layer(rows), expected, atol=1e-12)


def test_weights_in_a_batch_are_repeated_events():
    weighted, repeated = (quantile_net().network.hidden[0].train() for _ in range(2))
    rows = context(20)
    count = torch.arange(20) % 4
    out = weighted(rows, count.double())
    expected = repeated(rows.repeat_interleave(count, dim=0))
    assert_allclose(out.repeat_interleave(count, dim=0).detach(), expected.detach(), atol=1e-12)
    assert_allclose(weighted.running_var, repeated.running_var)


def test_a_last_batch_of_one_event_can_be_learnt_from():
    net = quantile_net().train()
    batch = Rows((torch.zeros(1, D).double(), context(1)))
    loss = net.losses("loss", batch, None)["loss"]
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert any(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def test_columns_full_of_ties_stay_finite():
    marginal = np.array([[0.0] * 6 + [1.0], [0.0, 1, 1, 2, 2, 3, 3]])
    net = QuantileResponse(CONTEXT, (8,), marginal, REACH[:2]).eval()
    rows = context(4).float()
    assert torch.isfinite(net.log_prob(torch.zeros(4, 2), rows)).all()
    assert torch.isfinite(net.from_base(torch.randn(4, 2), rows)).all()


def test_the_farthest_event_does_not_stretch_the_tail():
    """The line to an event at -100 would draw one event of 300 beyond -10."""
    z = np.linspace(-2.46, 2.46, 17)
    marginal = np.concatenate([[-100.0], z, [3.5]])[None]
    net = QuantileResponse(1, (4,), marginal, np.array([[3.9, 3.5]])).double()
    quantiles = torch.tensor(marginal[:, None, 1:-1]).repeat(1, 1, 1)
    at = torch.tensor([[-3.9], [-2.8], [-2.46], [2.46], [3.5]], dtype=torch.float64)
    drawn = net.from_normal(at, quantiles.expand(5, 1, -1).contiguous())[:, 0].numpy()
    np.testing.assert_allclose(drawn[[0, 2, 3, 4]], [-100, -2.46, 2.46, 3.5], rtol=0.01)
    assert -10 < drawn[1] < -2.8

"""Sliced Wasserstein distance against POT, autograd and analytic values, and its sorting."""

import math

import numpy as np
import ot
import pytest
import torch
from numpy.testing import assert_allclose

from skjetsim._nn import sliced_wasserstein
from skjetsim._nn._sliced_wasserstein import (
    _on_device,
    _on_processor,
    _sort_with_order,
    random_directions,
    sharpen_directions,
)

powers = pytest.mark.parametrize("p", [1, 2])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batches(n_rows=200, n_columns=3, seed=0):
    """Two batches with different centers and widths."""
    rng = generator(seed)
    ours, theirs = (torch.randn(n_rows, n_columns, generator=rng) for _ in range(2))
    return 1.5 * ours + 0.5, theirs


def directions(n_slices=40, n_columns=3, seed=5):
    return random_directions(n_slices, n_columns, generator(seed))


def by_autograd(generated, target, slices, p, weights):
    """The same by torch.sort, with the gradient of autograd."""
    ours, theirs = (torch.sort(slices @ batch.T, dim=1).values for batch in (generated, target))
    return weights @ (ours - theirs).abs().pow(p).mean(dim=1)


def gradient(distance, generated):
    return torch.autograd.grad(distance, generated)[0]


# The value and its gradient.


@powers
@pytest.mark.parametrize("n_columns", [1, 2, 7])
def test_value_is_that_of_pot(p, n_columns):
    ours, theirs = batches(n_columns=n_columns)
    slices = directions(n_columns=n_columns)
    found = sliced_wasserstein(ours, theirs, slices, p=p)
    projections = slices.double().numpy().T
    expected = ot.sliced_wasserstein_distance(
        ours.double().numpy(), theirs.double().numpy(), p=p, projections=projections
    )
    assert found.item() == pytest.approx(expected**p, rel=1e-5)


@powers
@pytest.mark.parametrize("compare", [_on_processor, _on_device])
def test_gradient_is_that_of_autograd_through_a_sort(p, compare):
    ours, theirs = batches(n_rows=301)
    slices = directions(37)  # not a multiple of the slices per block
    weights = torch.rand(37, generator=generator(3))
    ours.requires_grad_()
    reference = by_autograd(ours, theirs, slices, p, weights)
    cost, slope = compare(ours, theirs, slices, p, weights)
    torch.testing.assert_close(cost, reference.detach(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(slope, gradient(reference, ours), rtol=1e-4, atol=1e-6)


@powers
def test_gradient_scales_with_what_follows(p):
    ours, theirs = batches()
    ours.requires_grad_()
    slices = directions()
    one = gradient(sliced_wasserstein(ours, theirs, slices, p=p), ours)
    three = gradient(3 * sliced_wasserstein(ours, theirs, slices, p=p), ours)
    assert one.abs().sum() > 0
    torch.testing.assert_close(three, 3 * one)


def test_no_gradient_reaches_target_or_directions():
    ours, theirs = batches()
    slices = directions()
    for tensor in (ours, theirs, slices):
        tensor.requires_grad_()
    sliced_wasserstein(ours, theirs, slices).backward()
    assert ours.grad is not None
    assert theirs.grad is None
    assert slices.grad is None


@powers
def test_number_of_threads_changes_rounding_alone(p):
    ours, theirs = batches(n_rows=1000, n_columns=5)
    ours.requires_grad_()
    slices = directions(100, 5)
    found = []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            distance = sliced_wasserstein(ours, theirs, slices, p=p)
            found.append((distance.detach(), gradient(distance, ours)))
    finally:
        torch.set_num_threads(1)
    assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    # Neighbours may change places in the sorted order.
    assert_allclose(found[0][1], found[1][1], rtol=0, atol=1e-5)


@powers
def test_slices_are_weighed(p):
    ours, theirs = batches()
    slices = directions(3)
    single = [sliced_wasserstein(ours, theirs, slices[i : i + 1], p=p).item() for i in range(3)]
    weights = torch.tensor([0.5, 0.0, 2.0])
    weighed = sliced_wasserstein(ours, theirs, slices, p=p, weights=weights)
    assert weighed.item() == pytest.approx(0.5 * single[0] + 2 * single[2], rel=1e-5)
    mean = sliced_wasserstein(ours, theirs, slices, p=p)
    assert mean.item() == pytest.approx(sum(single) / 3, rel=1e-5)


@powers
def test_order_of_rows_means_nothing(p):
    ours, theirs = batches()
    order = torch.randperm(len(ours), generator=generator())
    slices = directions()
    distance = sliced_wasserstein(ours, theirs, slices, p=p)
    shuffled = sliced_wasserstein(ours[order], theirs.flip(0), slices, p=p)
    assert shuffled.item() == pytest.approx(distance.item(), rel=1e-5)
    assert sliced_wasserstein(ours, ours[order], slices, p=p).item() < 1e-6


def test_no_slice_is_no_distance():
    ours, theirs = batches()
    assert sliced_wasserstein(ours, theirs, directions(0)).item() == 0.0


def test_batches_of_unequal_length_are_an_error():
    ours, theirs = batches()
    with pytest.raises(ValueError, match="200 and 199 rows"):
        sliced_wasserstein(ours, theirs[:-1], directions())


# Known distances.


@pytest.mark.parametrize(("shift", "width"), [(1.0, 1.0), (0.0, 2.0), (-0.5, 0.3)])
def test_distance_of_two_normals(shift, width):
    ours, theirs = batches(40_000, 1)
    ours = (ours - 0.5) / 1.5  # standard normal
    found = sliced_wasserstein(shift + width * ours, theirs, torch.ones(1, 1))
    assert found.item() == pytest.approx(shift**2 + (width - 1) ** 2, rel=0.05)


@pytest.mark.parametrize(("low", "high"), [(0.5, 1.5), (0.0, 3.0), (-1.0, 2.0)])
def test_distance_of_two_uniforms(low, high):
    rng = generator()
    ours, theirs = (torch.rand(40_000, 1, generator=rng) for _ in range(2))
    # The quantile functions differ by a straight line from `low` to `high - 1`.
    first, last = low, high - 1
    square = (first**2 + first * last + last**2) / 3
    moved = low + (high - low) * ours
    found = sliced_wasserstein(moved, theirs, torch.ones(1, 1), p=2)
    assert found.item() == pytest.approx(square, rel=0.05)
    grid = np.linspace(first, last, 10_001)
    found = sliced_wasserstein(moved, theirs, torch.ones(1, 1), p=1)
    assert found.item() == pytest.approx(np.abs(grid).mean(), rel=0.05)


@pytest.mark.parametrize("n_columns", [1, 3, 10])
def test_shift_of_isotropic_normals_is_shared_by_the_directions(n_columns):
    rng = generator()
    shift = torch.linspace(0.5, 1.5, n_columns)
    ours, theirs = (torch.randn(10_000, n_columns, generator=rng) for _ in range(2))
    found = sliced_wasserstein(ours + shift, theirs, directions(1000, n_columns))
    expected = shift.square().sum().item() / n_columns
    assert found.item() == pytest.approx(expected, rel=0.1)


def test_same_distribution_comes_nearer_with_more_events():
    slices = directions()

    def distance(n_rows):
        drawn = [torch.randn(n_rows, 3, generator=generator(seed)) for seed in (1, 2)]
        return sliced_wasserstein(*drawn, slices).item()

    few, more, many = (distance(n) for n in (100, 1000, 10_000))
    assert many < 0.4 * more < 0.4**2 * few  # as 1 / n


def test_spread_over_draws_of_directions_falls_with_their_number():
    ours, theirs = batches(500)
    ours[:, 0] += 2

    def spread(n_slices):
        found = [
            sliced_wasserstein(ours, theirs, directions(n_slices, seed=seed)) for seed in range(30)
        ]
        return torch.stack(found).std().item()

    assert spread(256) < 0.5 * spread(16)  # as 1 / sqrt(n): a quarter


# Sorting.


@pytest.mark.parametrize(
    "values",
    [
        [3.0, -1.0, 2.0, -5.0, 0.0, -0.25],
        [1.0, 1.0, -1.0, -1.0, 1.0, 0.0],
        [0.0, -0.0, 0.0, -0.0, 1e-45, -1e-45],
        [1e38, -1e38, 1e-38, -1e-38, math.inf, -math.inf],
    ],
    ids=["negative", "ties", "zeros", "extremes"],
)
def test_sorts_floats_of_either_sign(values):
    table = np.array([values, values[::-1]], dtype=np.float32)
    found, order = _sort_with_order(table.copy(), np.arange(6))
    np.testing.assert_array_equal(found, np.sort(table, axis=1))
    np.testing.assert_array_equal(np.take_along_axis(table, order, axis=1), found)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(6), (2, 1)))


def test_sorts_many_as_numpy_does():
    table = np.random.default_rng(0).normal(size=(20, 3000)).astype(np.float32).round(2)
    found, order = _sort_with_order(table.copy(), np.arange(3000))
    np.testing.assert_array_equal(found, np.sort(table, axis=1))
    np.testing.assert_array_equal(np.take_along_axis(table, order, axis=1), found)


@powers
def test_gradient_of_tied_rows_sums_to_that_of_the_pair(p):
    ours = torch.tensor([[1.0], [1.0], [-2.0]], requires_grad=True)
    theirs = torch.tensor([[0.0], [3.0], [-2.0]])
    slope = gradient(sliced_wasserstein(ours, theirs, torch.ones(1, 1), p=p), ours)
    assert slope.sum().item() == pytest.approx(0.0 if p == 1 else 2 * (1 - 2) / 3)
    assert slope[2].item() == 0.0


# Directions.


def test_random_directions_are_uniform_on_the_sphere():
    slices = directions(20_000, 4)
    torch.testing.assert_close(slices.norm(dim=1), torch.ones(20_000))
    torch.testing.assert_close(slices.T @ slices / 20_000, torch.eye(4) / 4, rtol=0, atol=0.01)
    assert torch.equal(directions(5), directions(5))
    assert not torch.equal(directions(5), directions(5, seed=6))


@powers
def test_sharpened_directions_see_more(p):
    ours, theirs = batches()
    ours[:, 1] += 3
    slices = directions(20)
    before = sliced_wasserstein(ours, theirs, slices, p=p)
    for _ in range(5):
        slices = sharpen_directions(slices, ours, theirs, p=p)
        after = sliced_wasserstein(ours, theirs, slices, p=p)
        assert after > before
        before = after
    torch.testing.assert_close(slices.norm(dim=1), torch.ones(20))
    assert not slices.requires_grad
    assert slices[:, 1].abs().min() > 0.9

"""OutlierDensity and OutlierRate: densities that integrate to one and agree with their draws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from skjetsim._encoders._outlier_density import OutlierDensity
from skjetsim._encoders._outlier_rate import OutlierRate


def density(n_far=60, n_columns=2, circular=(False, False), seed=0):
    """Events whose first column is far, in either direction, and falls with X."""
    rng = np.random.default_rng(seed)
    core, core_x = rng.normal(size=(3000, n_columns)), rng.normal(size=3000)
    far, far_x = rng.normal(size=(n_far, n_columns)), rng.normal(size=n_far)
    far[:, 0] = rng.choice([-1, 1], n_far) * rng.uniform(20, 60, n_far) - 20 * far_x
    bases = [np.column_stack([np.ones(len(x)), x]) for x in (core_x, far_x)]
    weights = np.ones(len(core)), np.ones(n_far)
    return OutlierDensity().fit(core, bases[0], far, bases[1], weights, circular, np.array([1]))


@pytest.mark.parametrize("n_far", [1, 4, 60])
@pytest.mark.parametrize("x", [-1.0, 1.5])
def test_density_integrates_to_one(n_far, x):
    found = density(n_far)
    steps = np.sinh(np.linspace(-6, 6, 1201))  # fine near the core
    other = np.linspace(-6, 6, 121)
    grid = np.stack(np.meshgrid(steps, other, indexing="ij"), axis=-1).reshape(-1, 2)
    basis = np.tile([1.0, x], (len(grid), 1))
    values = np.exp(found.log_prob(grid, basis)).reshape(len(steps), len(other))
    total = np.trapezoid(np.trapezoid(values, other, axis=1), steps)
    assert_allclose(total, 1, rtol=0.01)


def test_density_agrees_with_its_draws():
    found, rng = density(), np.random.default_rng(1)
    basis = np.tile([1.0, 0.5], (40_000, 1))
    drawn = found.draw(basis, rng.normal(size=(len(basis), 3)))
    edges = np.array([-90, -60, -40, -25, -12, -5, 5, 12, 25, 40, 60, 90.0])
    counts = np.histogram(drawn[:, 0], edges)[0] / len(drawn)
    # The mean over draws in a bin of 1 / p is the volume of the bin.
    log_p = found.log_prob(drawn, basis)
    second = np.abs(drawn[:, 1]) < 1.5
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        inside = (drawn[:, 0] >= low) & (drawn[:, 0] < high) & second
        if count > 0.02:
            volume = np.exp(logsumexp(-log_p[inside])) / len(drawn)
            assert_allclose(volume, 3 * (high - low), rtol=0.25)


def test_no_draw_is_much_farther_than_the_farthest_event():
    found, rng = density(n_far=5), np.random.default_rng(1)
    drawn = found.draw(np.tile([1.0, 0.0], (50_000, 1)), rng.normal(size=(50_000, 3)))
    farthest = np.abs(found.centres_[:, 0]).max()
    assert np.abs(drawn[:, 0]).max() <= 1.5 * farthest + 0.01
    assert np.abs(drawn[:, 0]).max() > 1.2 * farthest
    inside, beyond = np.array([[[1.4 * farthest, 0.0]], [[1.6 * farthest, 0.0]]])
    basis = np.array([[1.0, 0.0]])
    assert found.log_prob(inside, basis)[0] > -25
    assert found.log_prob(beyond, basis)[0] < -0.4 * (1.6 * farthest) ** 2  # as a core of width 1


def test_draws_follow_x():
    found, rng = density(n_far=600), np.random.default_rng(1)
    means = []
    for x in (-1.0, 1.0):
        basis = np.tile([1.0, x], (4000, 1))
        means.append(found.draw(basis, rng.normal(size=(4000, 3)))[:, 0].mean())
    assert means[0] - means[1] > 20  # 40 in the limit of many events


def test_angles_stay_on_the_circle():
    rng = np.random.default_rng(0)
    core, far = rng.normal(size=(1000, 2)), rng.normal(size=(30, 2))
    far[:, 0] += 50
    far[:, 1] = np.pi - 0.05
    ones = np.ones((1000, 1)), np.ones((30, 1))
    weights = np.ones(1000), np.ones(30)
    found = OutlierDensity().fit(
        core, ones[0], far, ones[1], weights, [False, True], np.zeros(0, int)
    )
    drawn = found.draw(np.ones((2000, 1)), rng.normal(size=(2000, 3)))
    assert np.abs(drawn[:, 1]).max() <= np.pi
    assert 0.3 < (drawn[:, 1] < 0).mean() < 0.6
    at = np.column_stack([np.full(200, 50.0), np.linspace(-np.pi, np.pi, 200)])
    p = found.log_prob(at, np.ones((200, 1)))
    assert_allclose(p[0], p[-1])
    assert p[0] > p[100] + 5


def test_rate_follows_x_only_if_it_does():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    basis = np.column_stack([np.ones(len(x)), x])
    for slope, constant in ((0.0, True), (1.0, False)):
        far = rng.random(len(x)) < 0.01 * np.exp(slope * x - 0.5 * slope**2)
        weights = np.ones((~far).sum()), np.ones(far.sum())
        rate = OutlierRate().fit(basis[~far], basis[far], weights, np.array([1]))
        assert rate.constant_ == constant
        assert_allclose(rate(basis).mean(), far.mean(), rtol=1e-3)
        if slope:
            assert_allclose(rate.coefficients_[1], slope, atol=0.25)


def test_rate_counts_weights():
    ones = np.ones((1000, 1)), np.ones((10, 1))
    weights = np.ones(1000), np.full(10, 3.0)
    rate = OutlierRate().fit(*ones, weights, np.zeros(0, int))
    assert_allclose(rate(np.ones((1, 1))), 30 / 1030)

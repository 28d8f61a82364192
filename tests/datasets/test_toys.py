"""Toys: points and their densities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import norm

from skjetsim.datasets._toys import (
    camel_log_prob,
    make_camel,
    make_shell,
    shell_log_prob,
)
from skjetsim.datasets._toys_2d import KINDS, density_2d_log_prob, make_density_2d

N_POINTS = 20_000
TOYS = {
    "camel": (make_camel, camel_log_prob),
    "camel, 2-D": (
        lambda n, random_state: make_camel(n, n_features=2, random_state=random_state),
        camel_log_prob,
    ),
    "ring": (make_shell, shell_log_prob),
    "shell, 5-D": (
        lambda n, random_state: make_shell(n, n_features=5, random_state=random_state),
        shell_log_prob,
    ),
} | {
    kind: (
        lambda n, random_state, kind=kind: make_density_2d(kind, n, random_state=random_state),
        lambda X, kind=kind: density_2d_log_prob(X, kind),
    )
    for kind in KINDS
}
toys = pytest.mark.parametrize(("make", "log_prob"), TOYS.values(), ids=list(TOYS))
planes = pytest.mark.parametrize("kind", ["camel, 2-D", "ring", *KINDS])


def grid(side, n_cells):
    """Centres of square cells, and their area."""
    edges = np.linspace(-side, side, n_cells + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    return np.stack(np.meshgrid(centres, centres, indexing="ij"), -1), (2 * side / n_cells) ** 2


@toys
def test_seeds(make, log_prob):
    X = make(300, random_state=0)
    assert X.dtype == np.float64
    assert_array_equal(make(100, random_state=0), X[:100])
    assert (make(300, random_state=1) != X).all()
    assert (make(300, random_state=None) != make(300, random_state=None)).all()
    generator = np.random.default_rng(0)
    assert (make(10, random_state=generator) != make(10, random_state=generator)).all()


@toys
def test_log_prob_is_one_number_a_point(make, log_prob):
    X = make(300, random_state=0)
    values = log_prob(X)
    assert values.shape == (300,)
    assert np.isfinite(values).all()
    assert_allclose(log_prob(X[::-1].tolist()), values[::-1])
    assert log_prob(np.full((1, X.shape[1]), 50.0))[0] < -500


@planes
def test_points_follow_the_density(kind):
    """Counts in cells against the integral of the density over them."""
    make, log_prob = TOYS[kind]
    X = make(N_POINTS, random_state=0)
    points, area = grid(10.0, 400)
    probability = np.exp(log_prob(points.reshape(-1, 2))).reshape(400, 400) * area
    assert_allclose(probability.sum(), 1, atol=1e-4)
    expected = N_POINTS * probability.reshape(40, 10, 40, 10).sum(axis=(1, 3))
    counts, _, _ = np.histogram2d(*X.T, bins=40, range=[(-10, 10), (-10, 10)])
    full = expected > 20
    chi2 = np.sum((counts[full] - expected[full]) ** 2 / expected[full])
    n_cells = full.sum()
    assert n_cells > 20
    assert abs(chi2 - n_cells) < 4 * np.sqrt(2 * n_cells)


def test_camel_has_two_humps():
    X = make_camel(N_POINTS, random_state=0)[:, 0]
    assert abs((X > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(N_POINTS)
    assert_allclose([np.abs(X).mean(), np.abs(X).std()], [4, 1], atol=0.03)
    # Points are on the diagonal, and never in the other corners.
    assert (np.prod(make_camel(2000, n_features=2, random_state=0), axis=1) > 0).mean() > 0.999
    x = np.linspace(-8, 8, 9)
    expected = (norm(-3, 0.5).pdf(x) + norm(3, 0.5).pdf(x)) / 2
    assert_allclose(np.exp(camel_log_prob(x[:, None], mean=3, scale=0.5)), expected)


@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_shell_radius_is_a_folded_gaussian(n_features):
    X = make_shell(N_POINTS, n_features=n_features, radius=1.0, scale=0.8, random_state=0)
    radius = np.linalg.norm(X, axis=1)
    folded = norm(1, 0.8).cdf(1) - norm(1, 0.8).cdf(-1)
    assert abs((radius < 1).mean() - folded) < 4 * 0.5 / np.sqrt(N_POINTS)
    # No direction is preferred.
    spread = X.std(axis=0) / np.sqrt(N_POINTS)
    assert (np.abs(X.mean(axis=0)) < 4 * spread).all()
    surface = {1: 2, 2: 2 * np.pi, 5: 8 / 3 * np.pi**2}[n_features]

    def shell(r):
        point = np.zeros((1, n_features))
        point[0, 0] = r
        log_prob = shell_log_prob(point, radius=1.0, scale=0.8)[0]
        return surface * r ** (n_features - 1) * np.exp(log_prob)

    integral, _ = quad(shell, 0, 10)
    assert_allclose(integral, 1, rtol=1e-6)


def test_shell_at_the_origin():
    at_origin = shell_log_prob([[0.0, 0.0]])
    assert np.isposinf(at_origin).all()
    assert np.isfinite(shell_log_prob([[0.0]])).all()


def test_checkerboard_edges():
    values = density_2d_log_prob(
        [[-4, -4], [3.9, 3.9], [4.1, 3.9], [1, 3], [-1, -3]], "checkerboard"
    )
    inside = -np.log(32)
    assert_allclose(values, [inside, inside, -np.inf, -np.inf, -np.inf])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: make_camel(0), ValueError, "n_samples must be at least 1"),
        (lambda: make_camel(10, n_features=0), ValueError, "n_features must be at least 1"),
        (lambda: make_camel(10, scale=0.0), ValueError, "scale must be above 0"),
        (lambda: make_shell(10, scale=-1.0), ValueError, "scale must be above 0"),
        (lambda: make_camel(10, mean=np.nan), ValueError, "mean must be finite"),
        (lambda: shell_log_prob([[1.0]], radius=np.inf), ValueError, "radius must be finite"),
        (lambda: make_shell(1.5), TypeError, "n_samples must be an integer"),
        (lambda: camel_log_prob([[np.nan]]), ValueError, "NaN"),
        (lambda: camel_log_prob([[1.0]], scale=np.inf), ValueError, "scale must be above 0"),
        (lambda: shell_log_prob([1.0, 2.0]), ValueError, "Expected 2D array"),
        (lambda: make_density_2d("moons"), ValueError, "kind must be one of"),
        (lambda: make_density_2d("rings", -1), ValueError, "n_samples must be at least 1"),
        (lambda: density_2d_log_prob([[1.0, 2.0]], "ring"), ValueError, "kind must be one of"),
        (lambda: density_2d_log_prob([[1.0]], "rings"), ValueError, "X has 1 columns"),
    ],
)
def test_bad_arguments(call, error, match):
    with pytest.raises(error, match=match):
        call()

"""Cuts behind the tails of columns: tails of any shape have none, mismeasured events have one."""

import numpy as np
import pytest

from skjetsim._encoders._far_events import FarEvents

N_ROWS = 20_000
RNG = np.random.default_rng
TAILS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "double exponential": lambda rng, n: rng.laplace(size=n),
    "log-normal": lambda rng, n: rng.lognormal(size=n),
    "power": lambda rng, n: rng.standard_t(2.5, size=n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(size=n),
    "two widths": lambda rng, n: rng.normal(size=n) * np.where(rng.random(n) < 0.01, 4, 1),
    "normal and a power": lambda rng, n: np.where(
        rng.random(n) < 0.02, 2 + 2 * rng.pareto(3, size=n), rng.normal(size=n)
    ),
    "a large second population": lambda rng, n: (
        rng.normal(size=n) + np.where(rng.random(n) < 0.1, 50, 0)
    ),
}


def ones(table):
    return np.ones((len(table), 1))


def find(table, weight=None):
    columns = np.arange(table.shape[1])
    far = FarEvents().fit(table, lambda: ones(table), weight, columns)
    return far.find(table, ones(table))


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("seed", range(3))
def test_tails_have_no_cut(tail, seed):
    table = TAILS[tail](RNG(seed), N_ROWS)[:, None]
    assert not find(table).any()


@pytest.mark.parametrize("n_far", [1, 2, 5, 40, 400])
@pytest.mark.parametrize("tail", ["normal", "double exponential"])
def test_mismeasured_events_are_found(n_far, tail):
    rng = RNG(n_far)
    table = TAILS[tail](rng, N_ROWS)[:, None]
    table[:n_far, 0] = rng.choice([-1, 1], n_far) * rng.uniform(100, 5000, n_far)
    expected = np.arange(N_ROWS) < n_far
    np.testing.assert_array_equal(find(table), expected)


def test_a_flat_background_is_cut_where_it_leaves_the_tail():
    """Jets of another event are up to sixty core widths away, but some lie near the core."""
    rng = RNG(0)
    table = rng.standard_t(8, size=(N_ROWS, 1))
    wrong = rng.random(N_ROWS) < 0.01
    table[wrong, 0] = rng.uniform(-60, 60, wrong.sum())
    found = find(table)
    assert (found & wrong).sum() > 0.7 * wrong.sum()
    assert (found & ~wrong).sum() < 0.15 * wrong.sum()


def test_one_side_has_no_cut_for_the_other():
    table = RNG(0).normal(size=(N_ROWS, 1))
    table[:10, 0] = np.linspace(100, 200, 10)
    far = FarEvents().fit(table, lambda: ones(table), columns=[0])
    assert far.cuts_[0, 0] == -np.inf
    assert 5 < far.cuts_[1, 0] < 100


def test_distances_are_those_given_x():
    """A resolution that varies by a factor of thirty has no tail, once X is known."""
    rng = RNG(0)
    x = rng.uniform(-1, 1, N_ROWS)
    width = np.exp(1.7 * x)
    table = (3 * x + width * rng.normal(size=N_ROWS))[:, None]
    table[7] = 3 * x[7] - 40 * width[7]
    basis = np.column_stack([np.ones(N_ROWS), x])
    far = FarEvents().fit(table, lambda: basis, columns=[0])
    np.testing.assert_array_equal(np.flatnonzero(far.find(table, basis)), [7])


def test_a_weight_is_a_repeated_event():
    rng = RNG(0)
    table = rng.normal(size=(2000, 1))
    table[:4, 0] = [30, 50, 70, 110]
    weight = np.where(np.arange(2000) < 1000, 2.0, 1.0)
    repeated = np.repeat(np.arange(2000), weight.astype(int))
    weighted = FarEvents().fit(table, lambda: ones(table), weight, [0])
    copied = FarEvents().fit(table[repeated], lambda: ones(repeated), None, [0])
    np.testing.assert_allclose(weighted.cuts_, copied.cuts_, rtol=0.2)


@pytest.mark.parametrize("n_rows", [2, 30, 499])
def test_few_rows_have_no_cut(n_rows):
    table = RNG(0).normal(size=(n_rows, 1))
    table[0] = 1e4
    assert not find(table).any()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.75, 0.9])
def test_equal_values_have_no_cut(share):
    """A column of a third jet is zero if there is none."""
    rng = RNG(0)
    table = np.where(rng.random(N_ROWS) < share, 0.0, 20 + rng.exponential(30, N_ROWS))[:, None]
    assert not find(table).any()
    assert not find(np.column_stack([table, table])).any()


def test_most_values_given_by_x_have_no_cut():
    rng = RNG(0)
    x = rng.normal(size=N_ROWS)
    table = np.where(rng.random(N_ROWS) < 0.9, x, x + rng.normal(size=N_ROWS))[:, None]
    basis = np.column_stack([np.ones(N_ROWS), x])
    far = FarEvents().fit(np.column_stack([table, 9 * table]), lambda: basis, columns=[0, 1])
    assert not far.find(np.column_stack([table, 9 * table]), basis).any()

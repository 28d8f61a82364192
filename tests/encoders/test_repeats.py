"""Which values are atoms, and which columns lie on a grid."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim._encoders._repeats import find_repeats, grid_step, is_repeated, runs_of

N = 4000


def continuous(n=N, seed=0):
    return 20.0 + np.random.default_rng(seed).exponential(30.0, n)


def with_atoms(*atoms, n=N):
    """Real numbers, of which the first ones are replaced by (value, number of events)."""
    column, start = np.minimum(continuous(n), 254.0 + np.arange(n) / n), 0
    for value, number in atoms:
        column[start : start + number] = value
        start += number
    return column


def found_in(column, **settings):
    return find_repeats(runs_of(column), **settings)


@pytest.mark.parametrize(
    "atoms",
    [
        [(0.0, 1600)],
        [(0.0, 25)],
        [(-999.0, 1000), (-1.0, 200), (0.0, 400), (255.0, 60)],
        [(float(value), 30 + value) for value in range(9)],
        [(20.5, 300)],  # among the other events
    ],
)
def test_atoms_among_real_numbers(atoms):
    found = found_in(with_atoms(*atoms))
    assert_array_equal(found.atoms, sorted(value for value, _ in atoms))
    assert found.step == 0


@pytest.mark.parametrize("n", [500, 100_000])
def test_a_few_events_are_not_an_atom(n):
    assert len(found_in(with_atoms((0.0, 19), n=n)).atoms) == 0
    assert_array_equal(found_in(with_atoms((0.0, 20), n=n)).atoms, [0.0])


def test_columns_of_real_numbers_have_no_atoms():
    rng = np.random.default_rng(0)
    column = continuous(100_000)
    half = column.astype(np.float16).astype(float)  # as few bits as files of small events keep
    assert len(np.unique(half)) < 10_000
    repeated = rng.choice(column, 100_000)
    for values in (column, column.astype(np.float32), half, repeated, np.repeat(column[:900], 40)):
        found = found_in(np.asarray(values, dtype=float))
        assert len(found.atoms) == 0
        assert found.step == 0


def test_all_values_of_a_flag_and_of_a_category_are_atoms():
    rng = np.random.default_rng(0)
    assert_array_equal(found_in((rng.random(N) < 0.01) * 1.0).atoms, [0, 1])
    assert_array_equal(found_in(rng.choice([-1.0, 1.0], N)).atoms, [-1, 1])
    assert_array_equal(
        found_in(rng.choice([-999.0, 0.3, 11.0, 13.0], N)).atoms, [-999, 0.3, 11, 13]
    )
    assert_array_equal(found_in(rng.integers(0, 8, N) * 0.5).atoms, np.arange(8) / 2)


@pytest.mark.parametrize(
    ("column", "step"),
    [
        (np.random.default_rng(0).poisson(4.0, N) * 1.0, 1.0),
        (np.round(continuous() * 2) / 2, 0.5),
        (np.round(continuous(20_000), 1), 0.1),
        (np.round(continuous(20_000), 1).astype(np.float32).astype(float), 0.1),
        (np.round(continuous(50_000)), 1.0),
    ],
)
def test_spectra_on_a_grid(column, step):
    found = found_in(column)
    assert found.step == pytest.approx(step, rel=1e-5)
    assert len(found.atoms) == 0


@pytest.mark.parametrize(
    ("mean", "n"), [(0.1, 4000), (0.1, 1_000_000), (0.7, 1_000_000), (0.2, 200)]
)
def test_counts_of_few_values_are_a_spectrum(mean, n):
    found = found_in(np.random.default_rng(0).poisson(mean, n) * 1.0)
    assert found.step == 1
    assert len(found.atoms) == 0


def test_a_rare_largest_count_may_be_seen_often():
    assert found_in(np.repeat([0.0, 1.0, 2.0], [90_000, 9000, 300])).step == 1
    assert len(found_in(np.repeat([0.0, 1.0, 2.0], [1000, 800, 300])).atoms) == 3


@pytest.mark.parametrize(
    "values", [[0, 1], [0, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7], [-1, 0, 1], [0, 1, 3], [0, 0.5, 1]]
)
def test_labels_are_atoms(values):
    """The last of 0, 1, 2 is a label, too, if it is as frequent as the others."""
    rng = np.random.default_rng(0)
    assert_array_equal(found_in(rng.choice(values, N) * 1.0).atoms, values)
    if values != sorted(range(len(values))):
        rare = np.r_[0.01, np.full(len(values) - 1, 0.99 / (len(values) - 1))][::-1]
        assert_array_equal(found_in(rng.choice(values, N, p=rare) * 1.0).atoms, values)


def test_zeros_far_below_a_grid_are_an_atom():
    column = np.round(continuous(20_000), 1)
    column[:8000] = 0.0
    assert_array_equal(found_in(column).atoms, [0.0])
    assert found_in(column).step == pytest.approx(0.1)
    column[:8000] = 19.9
    assert found_in(column).step == pytest.approx(0.1)


@pytest.mark.parametrize("sentinels", [(-999.0,), (-1.0,), (0.0,), (-999.0, -1.0, 0.0), (1e4,)])
def test_sentinels_far_from_rounded_values_are_atoms(sentinels):
    """The sentinel has few times the counts of the values near it, and stretches the grid."""
    column = np.round(20 + np.random.default_rng(0).exponential(20, 20_000))
    for k, value in enumerate(sentinels):
        column[1000 * k : 1000 * (k + 1)] = value
    found = found_in(column)
    assert_array_equal(found.atoms, sentinels)
    assert found.step == 1


def test_sentinels_far_from_labels_are_labels():
    for labels in ([-999, *range(8)], [0, 1, 2, 3, 4, 5, 21]):
        column = np.random.default_rng(0).choice(labels, N) * 1.0
        assert_array_equal(found_in(column).atoms, labels)
        assert found_in(column).step == 0


def test_angles_on_a_grid_are_atoms():
    towers = np.linspace(-3.1, 3.1, 64)
    column = np.random.default_rng(0).choice(towers, N)
    assert_array_equal(found_in(column, circular=True).atoms, towers)
    column = np.round(np.random.default_rng(0).uniform(-3, 3, 50_000), 2)
    assert_array_equal(found_in(column, circular=True).atoms, np.unique(column))


def test_single_values_next_to_atoms_have_no_density():
    column = np.r_[np.zeros(500), np.full(500, 9.0), 4.0, 20.0 + np.arange(400) ** 1.5]
    assert_array_equal(found_in(column).atoms, [0, 4, 9])


def test_grid_step():
    assert grid_step(np.array([0.0, 1.0, 2.0, 5.0])) == 1
    assert grid_step(np.array([20.0, 40.0, 60.0, 120.0])) == 20
    assert grid_step(np.array([0.0, 4.0, 6.0, 10.0])) == 2
    assert grid_step(np.array([0.1, 0.4, 0.7])) == pytest.approx(0.3)
    assert grid_step(np.array([0.0, 1.0, 2.5])) == 0
    assert grid_step(np.array([-999.0, 0.0, 1.0])) == 0


def test_runs_count_weights():
    column, weight = np.array([2.0, 0.0, 2.0, 1.0]), np.array([1.0, 2.0, 0.5, 4.0])
    runs = runs_of(column, weight=weight)
    assert_array_equal(runs.values, [0, 1, 2])
    assert_array_equal(runs.counts, [1, 1, 2])
    assert_allclose(runs.share, [2, 4, 1.5])
    left = runs.without(2.0, np.array([0]), weight)
    assert_array_equal(left.counts, [1, 1, 1])
    assert_allclose(left.share, [2, 4, 0.5])
    assert_array_equal(runs.without(1.0, np.array([3]), weight).values, [0, 2])


def test_repeated_columns_are_seen_in_sorted_ones():
    columns = np.sort(
        [np.arange(50.0), np.r_[np.zeros(20), np.arange(1, 31)], np.zeros(50)], axis=1
    )
    assert_array_equal(is_repeated(columns), [False, True, True])
    for n_rows in range(20):
        assert not is_repeated(columns[:, :n_rows]).any()
    assert_array_equal(is_repeated(columns[:, :20]), [False, True, True])

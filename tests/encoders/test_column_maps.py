"""Maps of columns: round trips, slopes, continuity, ties and outliers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skjetsim._encoders import _column_maps
from skjetsim._encoders._column_maps import (
    apply_maps,
    invert_maps,
    learn_maps,
    log_slopes,
    some_maps,
)


def choose_map(values, weight=None):
    return learn_maps(values[:, None], weight)


def standardisation(values, weight=None):
    return learn_maps(values[:, None], weight, scale="standard")


def quantile_normal(values, weight=None):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_column_maps, "STANDARD_EXTREME", 0.0)
        patch.setattr(_column_maps, "MIN_ROWS_FOR_QUANTILES", 1)
        return learn_maps(values[:, None], weight)


def forward(values, maps):
    """Mapped column and log(du/dx)."""
    table = np.asarray(values)[:, None]
    return apply_maps(maps, table)[:, 0], log_slopes(maps, table)[:, 0]


def inverse(mapped, maps):
    return invert_maps(maps, mapped[:, None])[:, 0]


def knots(maps):
    """Knots of a column that is mapped through its quantiles."""
    starts = maps["intervals"][0, 0]
    return np.append(starts[np.isfinite(starts)], maps["ends"][0, 1, 0])


def columns(n_rows=4000):
    rng = np.random.default_rng(0)
    normal = rng.normal(size=n_rows)
    return {
        "normal": 91.2 + 2.5 * normal,
        "cauchy": rng.standard_cauchy(n_rows),
        "core and tails": normal * np.where(rng.random(n_rows) < 0.9, 0.01, 1.0),
        "exponential": 30 + rng.exponential(20, n_rows),
        "uniform": rng.uniform(-np.pi, np.pi, n_rows),
        "ties": np.where(rng.random(n_rows) < 0.3, 0.0, normal),
        "counts": rng.poisson(3, n_rows).astype(float),
        "two values": rng.integers(0, 2, n_rows).astype(float),
        "outlier": np.r_[normal[1:], 1e6],
        "large offset": 1e9 + normal,
        "tiny": 1e-12 * normal,
    }


COLUMNS = columns()
NORMAL = np.random.default_rng(5).normal(size=3000)
every_column = pytest.mark.parametrize("name", COLUMNS)
every_map = pytest.mark.parametrize("learn", [standardisation, quantile_normal, choose_map])


def away(x, maps):
    """Distance from the nearest knot."""
    if not len(maps["curved"]):
        return np.full(len(x), np.inf)
    return np.abs(x[:, None] - knots(maps)).min(axis=1)


def beyond(values):
    """The column, and points between and outside its values."""
    low, high = values.min(), values.max()
    reach = high - low
    return np.r_[values, np.linspace(low - 0.5 * reach, high + 0.5 * reach, 500)]


@every_column
@every_map
def test_maps_invert(name, learn):
    values = COLUMNS[name]
    maps = learn(values)
    x = beyond(values)
    u, log_slope = forward(x, maps)
    assert np.isfinite(u).all()
    assert np.isfinite(log_slope).all()
    tolerance = 1e-9 * max(np.ptp(values), np.abs(values).max())
    assert_allclose(inverse(u, maps), x, rtol=1e-9, atol=tolerance)


@every_column
@every_map
def test_slope_is_the_derivative(name, learn):
    values = COLUMNS[name]
    maps = learn(values)
    u = np.random.default_rng(1).uniform(-4, 4, 300)
    # Only points at which the map is smooth: differences need digits.
    x = inverse(u, maps)
    step = 1e-5 * np.exp(-forward(x, maps)[1])
    up, down = x + step, x - step
    usable = (step > 1e-9 * np.abs(x)) & (away(x, maps) > 2 * step)
    if name != "large offset":
        assert usable.mean() > 0.5
    numeric = (forward(up, maps)[0] - forward(down, maps)[0])[usable] / (up - down)[usable]
    assert_allclose(np.log(numeric), forward(x, maps)[1][usable], atol=2e-3)


@every_column
@every_map
def test_maps_rise_and_are_smooth_at_their_knots(name, learn):
    maps = learn(COLUMNS[name])
    u = np.linspace(-6, 6, 5001)
    x = inverse(u, maps)
    assert (np.diff(x) >= 0).all()
    if name in ("large offset", "ties", "counts", "two values") or not len(maps["curved"]):
        return
    step = 1e-9 * np.diff(knots(maps)).min()
    left, right = (forward(knots(maps) + side * step, maps) for side in (-1, 1))
    assert_allclose(left[0], right[0], atol=1e-6)
    assert_allclose(left[1], right[1], atol=1e-4)


@pytest.mark.parametrize("name", ["cauchy", "core and tails", "exponential", "outlier", "normal"])
def test_chosen_map_makes_a_column_normal(name):
    u, _ = forward(COLUMNS[name], choose_map(COLUMNS[name]))
    assert stats.kstest(u, "norm").statistic < 0.03
    assert np.abs(u).max() < 6


@pytest.mark.parametrize("name", ["normal", "uniform", "two values"])
def test_a_column_within_range_is_only_standardised(name):
    values = COLUMNS[name]
    u, log_slope = forward(values, choose_map(values))
    assert_allclose(u, (values - values.mean()) / values.std())
    assert_allclose(log_slope, -np.log(values.std()))


def test_beyond_a_sharp_edge_the_map_is_no_steeper_than_standardisation():
    values = 30 + np.random.default_rng(0).exponential(20, 4000) ** 1.5
    maps = choose_map(values)
    assert len(maps["curved"]) == 1
    steepest = -np.log(values.std())
    low = values.min() - np.array([1e-9, 1.0, 100.0])
    u, log_slope = forward(low, maps)
    assert_allclose(log_slope, steepest)
    assert u[0] - u[2] < 100 / values.std() + 1e-6
    assert forward(values.min() + np.array([1e-9]), maps)[1][0] > steepest + 1


def test_small_samples_are_only_standardised():
    values = COLUMNS["cauchy"][:100]
    assert len(choose_map(values)["curved"]) == 0


def test_constant_column():
    u, log_slope = forward(np.full(5, 3.0), standardisation(np.full(5, 3.0)))
    assert_allclose(u, 0)
    assert_allclose(log_slope, 0)


def test_weights_of_standardisation_are_counts():
    values, counts = COLUMNS["exponential"][:300], np.arange(300) % 4
    weighted = standardisation(values, counts.astype(float))
    repeated = standardisation(np.repeat(values, counts))
    for key in ("mean", "std"):
        assert_allclose(weighted[key], repeated[key])


def test_weights_move_the_quantiles():
    values = COLUMNS["exponential"]
    weight = np.exp(-(values - 30) / 20)  # the weighted column is an exponential of half the length
    maps = quantile_normal(values, weight)
    u, _ = forward(np.array([30 + 10 * np.log(2)]), maps)  # the median of that
    assert abs(u[0]) < 0.06


finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(finite, min_size=25, max_size=200),
    st.floats(0.1, 8.0),
    st.integers(0, 2**31 - 1),
)
def test_any_sample_round_trips(sample, power, seed):
    rng = np.random.default_rng(seed)
    bulk = np.sign(rng.normal(size=300)) * np.abs(rng.normal(size=300)) ** power
    values = np.r_[sample, bulk]
    maps = quantile_normal(values)
    u, log_slope = forward(values, maps)
    assert np.isfinite(u).all()
    assert np.isfinite(log_slope).all()
    order = np.argsort(values)
    assert (np.diff(u[order]) >= -1e-12).all()  # rounding
    assert_allclose(inverse(u, maps), values, rtol=1e-6, atol=1e-7 * np.ptp(values))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(finite, min_size=2, max_size=50))
def test_standardisation_round_trips(sample):
    values = np.asarray(sample)
    maps = standardisation(values)
    u, _ = forward(values, maps)
    assert_allclose(inverse(u, maps), values, rtol=1e-6, atol=1e-9 * (1 + np.abs(values).max()))


def test_columns_are_mapped_by_themselves():
    table = np.column_stack(list(COLUMNS.values()) * 4)  # more than one block
    maps = learn_maps(table)
    mapped = apply_maps(maps, table)
    slopes = log_slopes(maps, table)
    for j, column in enumerate(table.T):
        u, log_slope = forward(column, choose_map(column))
        assert_allclose(mapped[:, j], u, rtol=1e-12, atol=1e-12)
        assert_allclose(slopes[:, j], log_slope, rtol=1e-12, atol=1e-12)
    tolerance = 1e-9 * np.maximum(np.ptp(table, axis=0), np.abs(table).max(axis=0))
    assert (np.abs(invert_maps(maps, mapped) - table) <= tolerance).all()


def test_some_maps_are_those_of_their_columns():
    table = np.column_stack(list(COLUMNS.values()))
    maps, chosen = learn_maps(table), [9, 1, 0, 5]
    few = some_maps(maps, chosen)
    assert_array_equal(apply_maps(few, table[:, chosen]), apply_maps(maps, table)[:, chosen])


def test_a_row_is_mapped_as_in_a_table():
    table = np.column_stack(list(COLUMNS.values()))
    maps = learn_maps(table)
    mapped = apply_maps(maps, table)
    for row in (0, 17, 3999):
        assert_array_equal(apply_maps(maps, table[row : row + 1])[0], mapped[row])
        one = mapped[row : row + 1]
        assert_array_equal(invert_maps(maps, one)[0], invert_maps(maps, mapped)[row])


def test_quantiles_are_those_of_numpy():
    values, u = COLUMNS["cauchy"], np.array([-1.9, -0.3, 0.0, 1.1])
    maps = quantile_normal(values)
    x = inverse(u, maps)
    assert_allclose(x, np.quantile(values, stats.norm.cdf(u), method="hazen"), rtol=0.02)
    exact = np.quantile(values, stats.norm.cdf(forward(knots(maps), maps)[0]), method="hazen")
    assert_allclose(knots(maps), exact, rtol=1e-12)


def test_angles_are_wrapped_and_not_scaled():
    table = np.column_stack([COLUMNS["uniform"] + 2 * np.pi, COLUMNS["cauchy"]])
    maps = learn_maps(table, circular=[True, False])
    assert_allclose(apply_maps(maps, table)[:, 0], COLUMNS["uniform"], atol=1e-12)
    assert_array_equal(log_slopes(maps, table)[:, 0], 0)
    assert_array_equal(maps["curved"], [1])


def test_no_columns():
    maps = learn_maps(np.zeros((10, 0)))
    assert apply_maps(maps, np.zeros((3, 0))).shape == (3, 0)


def test_the_table_stays_as_it_is():
    for table in (COLUMNS["cauchy"][:, None].copy(), np.column_stack(list(COLUMNS.values()))):
        before = table.copy()
        maps = learn_maps(table)
        invert_maps(maps, apply_maps(maps, table))
        log_slopes(maps, table)
        assert_array_equal(table, before)


@pytest.mark.parametrize(
    ("values", "rare", "curved"),
    [
        (np.r_[0.01 * NORMAL, -0.01 * NORMAL, NORMAL], slice(6000), (True, False)),
        (
            np.r_[NORMAL[np.abs(NORMAL) < 2], 4.5 + 0.01 * NORMAL[:300]],
            slice(-300, None),
            (False, True),
        ),
    ],
    ids=["narrow core", "second peak"],
)
def test_weights_choose_the_map(values, rare, curved):
    """Events that hardly count decide neither the width nor the quantiles of a column."""
    weight = np.ones(len(values))
    weight[rare] = 1e-6
    chosen = tuple(len(learn_maps(values[:, None], w)["curved"]) > 0 for w in (None, weight))
    assert chosen == curved

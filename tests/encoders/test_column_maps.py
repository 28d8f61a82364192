"""Per-column maps: round trips, slopes, continuity, and how they treat ties and outliers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from skjetsim._encoders._column_maps import (
    _forward,
    _inverse,
    apply_maps,
    choose_map,
    encode_condition,
    invert_maps,
    learn_condition,
    learn_maps,
    n_inputs,
    quantile_normal,
    standardisation,
)


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
every_column = pytest.mark.parametrize("name", COLUMNS)
every_map = pytest.mark.parametrize("learn", [standardisation, quantile_normal, choose_map])


def beyond(values):
    """The column, and points between and outside its values."""
    low, high = values.min(), values.max()
    reach = high - low
    return np.r_[values, np.linspace(low - 0.5 * reach, high + 0.5 * reach, 500)]


@every_column
@every_map
def test_maps_invert(name, learn):
    values = COLUMNS[name]
    knots = learn(values)
    x = beyond(values)
    u, log_slope = _forward(x, knots)
    assert np.isfinite(u).all()
    assert np.isfinite(log_slope).all()
    tolerance = 1e-9 * max(np.ptp(values), np.abs(values).max())
    assert_allclose(_inverse(u, knots), x, rtol=1e-9, atol=tolerance)


@every_column
@every_map
def test_slope_is_the_derivative(name, learn):
    values = COLUMNS[name]
    knots = learn(values)
    u = np.random.default_rng(1).uniform(-4, 4, 300)
    # Where the map is gentle on the scale of floating point: differences need digits.
    x = _inverse(u, knots)
    step = 1e-5 * np.exp(-_forward(x, knots)[1])
    up, down = x + step, x - step
    usable = (step > 1e-9 * np.abs(x)) & (np.abs(x[:, None] - knots["x"]).min(1) > 2 * step)
    if name != "large offset":
        assert usable.mean() > 0.5
    numeric = (_forward(up, knots)[0] - _forward(down, knots)[0])[usable] / (up - down)[usable]
    assert_allclose(np.log(numeric), _forward(x, knots)[1][usable], atol=2e-3)


@every_column
@every_map
def test_maps_rise_and_are_smooth_at_their_knots(name, learn):
    knots = learn(COLUMNS[name])
    u = np.linspace(-6, 6, 5001)
    x = _inverse(u, knots)
    assert (np.diff(x) >= 0).all()
    if name in ("large offset", "ties", "counts", "two values"):
        return
    step = 1e-9 * np.diff(knots["x"]).min()
    left, right = (_forward(knots["x"] + side * step, knots) for side in (-1, 1))
    assert_allclose(left[0], right[0], atol=1e-6)
    assert_allclose(left[1], right[1], atol=1e-4)


@pytest.mark.parametrize("name", ["cauchy", "core and tails", "exponential", "outlier", "normal"])
def test_chosen_map_makes_a_column_normal(name):
    u, _ = _forward(COLUMNS[name], choose_map(COLUMNS[name]))
    assert stats.kstest(u, "norm").statistic < 0.03
    assert np.abs(u).max() < 6


@pytest.mark.parametrize("name", ["normal", "uniform", "two values"])
def test_a_column_within_range_is_only_standardised(name):
    values = COLUMNS[name]
    u, log_slope = _forward(values, choose_map(values))
    assert_allclose(u, (values - values.mean()) / values.std())
    assert_allclose(log_slope, -np.log(values.std()))


def test_beyond_a_sharp_edge_the_map_is_no_steeper_than_standardisation():
    values = 30 + np.random.default_rng(0).exponential(20, 4000) ** 1.5
    knots = choose_map(values)
    assert len(knots["x"]) > 2
    steepest = -np.log(values.std())
    low = values.min() - np.array([1e-9, 1.0, 100.0])
    u, log_slope = _forward(low, knots)
    assert_allclose(log_slope, steepest)
    assert u[0] - u[2] < 100 / values.std() + 1e-6
    assert _forward(values.min() + np.array([1e-9]), knots)[1][0] > steepest + 1


def test_small_samples_are_only_standardised():
    values = COLUMNS["cauchy"][:100]
    assert len(choose_map(values)["x"]) == 2


def test_constant_column():
    u, log_slope = _forward(np.full(5, 3.0), standardisation(np.full(5, 3.0)))
    assert_allclose(u, 0)
    assert_allclose(log_slope, 0)


def test_weights_of_standardisation_are_counts():
    values, counts = COLUMNS["exponential"][:300], np.arange(300) % 4
    weighted = standardisation(values, counts.astype(float))
    repeated = standardisation(np.repeat(values, counts))
    for key in ("x", "slope"):
        assert_allclose(weighted[key], repeated[key])


def test_weights_move_the_quantiles():
    values = COLUMNS["exponential"]
    weight = np.exp(-(values - 30) / 20)  # an exponential of half the length
    knots = quantile_normal(values, weight)
    u, _ = _forward(np.array([30 + 10 * np.log(2)]), knots)  # its median
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
    knots = quantile_normal(values)
    u, log_slope = _forward(values, knots)
    assert np.isfinite(u).all()
    assert np.isfinite(log_slope).all()
    order = np.argsort(values)
    assert (np.diff(u[order]) >= -1e-12).all()  # rounding
    assert_allclose(_inverse(u, knots), values, rtol=1e-6, atol=1e-7 * np.ptp(values))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(finite, min_size=2, max_size=50))
def test_standardisation_round_trips(sample):
    values = np.asarray(sample)
    knots = standardisation(values)
    u, _ = _forward(values, knots)
    assert_allclose(_inverse(u, knots), values, rtol=1e-6, atol=1e-9 * (1 + np.abs(values).max()))


def test_tables_sum_the_slopes_of_columns():
    table = np.column_stack([COLUMNS["cauchy"], COLUMNS["uniform"]])
    maps = learn_maps(table)
    mapped, log_det = apply_maps(maps, table)
    separate = [_forward(column, knots) for column, knots in zip(table.T, maps, strict=True)]
    assert_allclose(mapped, np.column_stack([u for u, _ in separate]))
    assert_allclose(log_det, sum(slope for _, slope in separate))
    assert_allclose(invert_maps(maps, mapped), table, rtol=1e-9, atol=1e-9)


def test_condition_encodes_angles_on_the_circle_and_leaves_constants_out():
    rng = np.random.default_rng(0)
    table = np.column_stack(
        [rng.exponential(30, 800), rng.uniform(-np.pi, np.pi, 800), np.ones(800)]
    )
    condition = learn_condition(table, ["jet_pt", "jet_phi", "mass"])
    encoded = encode_condition(condition, table)
    assert encoded.shape == (800, 3) == (800, n_inputs(condition))
    assert_allclose(encoded[:, 1:], np.column_stack([np.cos(table[:, 1]), np.sin(table[:, 1])]))
    turned = table + np.array([0, 2 * np.pi, 0])
    assert_allclose(encode_condition(condition, turned), encoded, atol=1e-12)
    assert n_inputs(learn_condition(table, None)) == 2

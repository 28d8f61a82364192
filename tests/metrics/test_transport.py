"""transport_cost: against POT, analytic values, the circle, and what a permutation does."""

import numpy as np
import ot
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from skjetsim.metrics import transport_cost, wasserstein_distance
from skjetsim.preprocessing import wrap_phi

every_power = pytest.mark.parametrize("p", [1, 2])
values = st.floats(-9, 9, allow_subnormal=False)  # angles may be one and a half turns
weights = st.integers(1, 4)


def phi(angles):
    return pd.DataFrame({"jet_phi": np.asarray(angles, dtype=float)})


def least_cost(a, b, wa=None, wb=None, *, p, angle=False):
    """Exact optimum, by a linear program over all plans."""
    gap = b[None] - a[:, None]
    shares = [np.ones(len(x)) if w is None else w for x, w in ((a, wa), (b, wb))]
    shares = [w / w.sum() for w in shares]
    return ot.emd2(*shares, np.abs(wrap_phi(gap) if angle else gap) ** p) ** (1 / p)


@pytest.fixture
def moved():
    """Two columns of theory level, and a detector that smears and shifts them."""
    rng = np.random.default_rng(0)
    source = rng.normal(size=(500, 2)) * [10.0, 1.0] + [50.0, 0.0]
    return source, source + rng.normal(size=(500, 2)) * [2.0, 0.3] + [1.0, 0.0]


# The line.


@every_power
def test_rows_are_moved_one_by_one(moved, p):
    source, target = moved
    expected = np.mean(np.abs(target - source) ** p, axis=0) ** (1 / p)
    assert_allclose(transport_cost(source, target, p=p), expected)
    weight = np.linspace(0.1, 2, 500)
    expected = np.average(np.abs(target - source) ** p, axis=0, weights=weight) ** (1 / p)
    assert_allclose(transport_cost(source, target, p=p, sample_weight=weight), expected)


@every_power
@pytest.mark.parametrize("weighted", [False, True])
def test_optimum_agrees_with_pot(moved, p, weighted):
    source, target = moved
    weight = np.random.default_rng(1).uniform(0.1, 2, 500) if weighted else None
    shares = None if weight is None else weight / weight.sum()
    theirs = [
        ot.wasserstein_1d(a, b, shares, shares, p=p) ** (1 / p)
        for a, b in zip(source.T, target.T, strict=True)
    ]
    ours = transport_cost(source, target, p=p, plan="optimal", sample_weight=weight)
    assert_allclose(ours, theirs, rtol=1e-9)


def test_analytic_costs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 1))
    for plan in ("rows", "optimal"):  # a shift, and a stretch, are optimal plans
        assert_allclose(transport_cost(x, x + 3.0, plan=plan), [3.0])
        stretched = transport_cost(x, 2 * x, plan=plan)
        assert_allclose(stretched, np.sqrt(np.mean(x**2)))
    # Normals of widths s and t are |s - t| apart; independent events, hypot(s, t).
    y = 2 * rng.normal(size=(4000, 1))
    assert_allclose(transport_cost(x, y, plan="optimal"), [1.0], atol=0.1)
    assert_allclose(transport_cost(x, y), [np.hypot(1, 2)], atol=0.1)
    assert_allclose(transport_cost(x, x), [0.0])
    assert_allclose(
        transport_cost(x, y, p=1, plan="optimal"), wasserstein_distance(x, y), rtol=1e-12
    )


@every_power
def test_a_permutation_of_rows_changes_only_the_plan(moved, p):
    source, target = moved
    shuffled = target[np.random.default_rng(2).permutation(len(target))]
    rows = transport_cost(source, target, p=p)
    optimal = transport_cost(source, target, p=p, plan="optimal")
    assert_allclose(transport_cost(source, shuffled, p=p, plan="optimal"), optimal, rtol=1e-12)
    assert (transport_cost(source, shuffled, p=p) > 2 * rows).all()
    assert (rows >= optimal).all()


@given(st.data())
@settings(deadline=None, max_examples=60)
@every_power
@pytest.mark.parametrize("plan", ["rows", "optimal"])
@pytest.mark.parametrize("name", ["jet_pt", "jet_phi"])
def test_weights_are_duplicates(p, plan, name, data):
    n = data.draw(st.integers(1, 12))
    source, target = (
        pd.DataFrame({name: data.draw(arrays(float, n, elements=values))}) for _ in range(2)
    )
    repeats = data.draw(arrays(int, n, elements=weights))
    weighted = transport_cost(source, target, p=p, plan=plan, sample_weight=repeats)
    source, target = (
        table.iloc[np.repeat(np.arange(n), repeats)].reset_index(drop=True)
        for table in (source, target)
    )
    assert_allclose(weighted, transport_cost(source, target, p=p, plan=plan), atol=1e-7)


@given(st.data())
@settings(deadline=None, max_examples=60)
@every_power
@pytest.mark.parametrize("name", ["jet_pt", "jet_phi"])
def test_no_plan_is_cheaper_than_the_optimum(p, name, data):
    n = data.draw(st.integers(1, 15))
    source, target = (
        pd.DataFrame({name: data.draw(arrays(float, n, elements=values))}) for _ in range(2)
    )
    weight = data.draw(st.none() | arrays(float, n, elements=weights))
    rows = transport_cost(source, target, p=p, sample_weight=weight)
    optimal = transport_cost(source, target, p=p, plan="optimal", sample_weight=weight)
    assert optimal <= rows + 1e-7


# The circle.


def test_phi_moves_the_short_way_over_the_seam():
    source, target = phi([3.1, -3.1, 0.0]), phi([-3.1, 3.1, 0.1])
    gap = 2 * np.pi - 6.2
    assert_allclose(transport_cost(source, target, p=1), [(2 * gap + 0.1) / 3])
    assert_allclose(transport_cost(source, target, p=1, plan="optimal"), [0.1 / 3], atol=1e-15)
    unnamed = transport_cost(source.to_numpy(), target.to_numpy(), p=1)
    assert_allclose(unnamed, [(2 * 6.2 + 0.1) / 3])
    # The name of one side is enough, and any turn is the same angle.
    turned = transport_cost(source, target.to_numpy() + 4 * np.pi)
    assert_allclose(turned, [np.sqrt((2 * gap**2 + 0.01) / 3)])


@every_power
@pytest.mark.parametrize("angle", [0.3, 2.0, np.pi, 4.0])
def test_a_rotation_of_a_narrow_bunch(p, angle):
    source = np.random.default_rng(0).normal(3.0, 0.01, size=400)
    ours = transport_cost(phi(source), phi(source + angle), p=p, plan="optimal")
    assert_allclose(ours, [min(angle, 2 * np.pi - angle)], rtol=0.01)


@every_power
def test_a_rotation_of_evenly_spread_angles_costs_their_gap_at_most(p):
    even = np.linspace(-np.pi, np.pi, 100, endpoint=False)
    third = 2 * np.pi / 300
    cost = transport_cost(phi(even), phi(even + 1.0 + third), p=p, plan="optimal")
    offset = (1.0 + third) % (2 * np.pi / 100)
    assert_allclose(cost, [min(offset, 2 * np.pi / 100 - offset)])


@every_power
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_target", [40, 23])
@pytest.mark.parametrize("kind", ["spread", "bunched", "equal"])
def test_optimum_on_the_circle_is_that_of_all_plans(p, weighted, n_target, kind):
    rng = np.random.default_rng(n_target)
    a, b = {
        "spread": lambda: (rng.uniform(-np.pi, np.pi, 40), rng.uniform(-np.pi, np.pi, n_target)),
        "bunched": lambda: (rng.normal(3, 0.3, 40), rng.normal(-2.5, 1, n_target)),
        "equal": lambda: (rng.integers(-3, 4, 40) * 1.0, rng.integers(-3, 4, n_target) * 1.0),
    }[kind]()
    weight = rng.integers(0, 4, 40) + 0.0 if weighted and n_target == 40 else None
    ours = transport_cost(phi(a), phi(b), p=p, plan="optimal", sample_weight=weight)
    assert_allclose(ours, [least_cost(a, b, weight, weight, p=p, angle=True)], rtol=1e-9)
    turns = rng.integers(0, 2, n_target) * 2 * np.pi
    again = transport_cost(phi(a), phi(b + turns), p=p, plan="optimal", sample_weight=weight)
    assert_allclose(again, ours, rtol=1e-9)


@every_power
def test_optimum_on_the_circle_agrees_with_pot(p):
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 0.5, 300), rng.normal(-2, 1.5, 300)
    turns = [(angles / (2 * np.pi)) % 1 for angles in (a, b)]
    theirs = 2 * np.pi * float(ot.wasserstein_circle(*turns, p=p)[0]) ** (1 / p)
    assert_allclose(transport_cost(phi(a), phi(b), p=p, plan="optimal"), [theirs], rtol=1e-4)


# Columns, units, and what is refused.


def test_columns_are_matched_by_name():
    source = pd.DataFrame({"eta": [0.0, 0.0], "pt": [10.0, 20.0], "mass": [5.0, 5.0]})
    target = pd.DataFrame({"pt": [13.0, 23.0], "charge": [1.0, -1.0], "eta": [1.0, -1.0]})
    for plan in ("rows", "optimal"):
        assert_allclose(transport_cost(source, target, plan=plan), [3.0, 1.0])  # pt, eta
    assert_allclose(transport_cost(source["pt"], target["pt"]), [3.0])
    assert_allclose(transport_cost(source[["pt"]].to_numpy(), target["pt"]), [3.0])
    clouds = np.zeros((4, 3, 2))
    assert transport_cost(clouds, clouds + 1.0).shape == (6,)


def test_units_and_averages(moved):
    source, target = moved
    raw = transport_cost(source, target)
    scaled = transport_cost(source, target, scale="std")
    assert_allclose(scaled, raw / source.std(axis=0))
    assert_allclose(
        transport_cost(source, target, multioutput="uniform_average"), raw.mean(), rtol=1e-12
    )
    assert transport_cost(source, target, multioutput="max") == raw.max()
    constant = transport_cost(np.full(5, 7.0), np.full(5, 9.0), scale="std")
    assert_allclose(constant, [2.0])


def test_samples_of_unequal_size():
    source, target = np.arange(4.0), np.repeat(np.arange(4.0), 3) + 2.0
    assert_allclose(transport_cost(source, target, plan="optimal"), [2.0])
    with pytest.raises(ValueError, match=r"source has 4 events, but target has 12.*optimal"):
        transport_cost(source, target)
    with pytest.raises(ValueError, match="sample_weight holds the weights of both"):
        transport_cost(source, target, plan="optimal", sample_weight=np.ones(4))


def test_bad_input(moved):
    source, target = moved
    with pytest.raises(ValueError, match="plan must be one of"):
        transport_cost(source, target, plan="best")
    with pytest.raises(ValueError, match="p must be one of"):
        transport_cost(source, target, p=3)
    with pytest.raises(ValueError, match="scale must be one of"):
        transport_cost(source, target, scale="mad")
    with pytest.raises(ValueError, match="multioutput must be one of"):
        transport_cost(source, target, multioutput="sum")
    with pytest.raises(ValueError, match="source has 2 columns and target 1"):
        transport_cost(source, target[:, :1])
    with pytest.raises(ValueError, match=r"no column in common: \['pt'\] and \['jet_pt'\]"):
        transport_cost(pd.Series([1.0], name="pt"), pd.Series([1.0], name="jet_pt"))
    with pytest.raises(ValueError, match="sample_weight is negative in row 0"):
        transport_cost(source, target, sample_weight=-np.ones(500))
    broken = target.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input target contains NaN in column 1, first bad row 3"):
        transport_cost(source, broken)


def test_rows_that_do_not_belong_together_are_refused():
    source = pd.DataFrame({"pt": [1.0, 2.0, 3.0]})
    shuffled = source.iloc[[0, 2, 1]]
    with pytest.raises(ValueError, match=r"source and target .* row 1.*target\.reset_index"):
        transport_cost(source, shuffled)
    assert_allclose(transport_cost(source, shuffled, plan="optimal"), [0.0])

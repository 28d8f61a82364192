import numpy as np
import ot
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from skjetsim.metrics import (
    chi2_per_dof,
    correlation_difference,
    emd_sum,
    ks_distance,
    sliced_wasserstein_distance,
    wasserstein_distance,
)

METRICS = [
    wasserstein_distance,
    sliced_wasserstein_distance,
    emd_sum,
    ks_distance,
    chi2_per_dof,
    correlation_difference,
]
values = st.floats(-100, 100, allow_subnormal=False)
samples = arrays(float, st.tuples(st.integers(1, 15), st.just(2)), elements=values)
weights = st.integers(1, 4)


@given(samples, samples, st.data())
@settings(deadline=None, max_examples=60)
def test_wasserstein_agrees_with_scipy(a, b, data):
    wa = data.draw(st.none() | arrays(float, len(a), elements=weights))
    wb = data.draw(st.none() | arrays(float, len(b), elements=weights))
    ours = wasserstein_distance(a, b, sample_weight=wa, generated_weight=wb)
    theirs = [scipy.stats.wasserstein_distance(a[:, i], b[:, i], wa, wb) for i in range(2)]
    assert_allclose(ours, theirs, atol=1e-11)


@given(samples, samples, st.floats(-50, 50))
@settings(deadline=None, max_examples=60)
def test_wasserstein_is_a_metric_and_feels_a_shift(a, b, c):
    assert_allclose(wasserstein_distance(a, a), 0.0)
    assert_allclose(wasserstein_distance(a, b), wasserstein_distance(b, a), atol=1e-12)
    assert_allclose(wasserstein_distance(a, a + c), abs(c), atol=1e-11)


@given(samples, st.data())
@settings(deadline=None, max_examples=40)
@pytest.mark.parametrize("metric", [m for m in METRICS if m is not chi2_per_dof])
def test_weights_are_duplicates(metric, a, data):
    if len(a) < 2:
        a = np.vstack([a, a + 1.0])
    repeats = data.draw(arrays(int, len(a), elements=weights))
    b = np.random.default_rng(0).normal(size=(12, 2))
    options = {}
    if metric is sliced_wasserstein_distance:
        options = {"random_state": 0, "n_slices": 5}
    if metric is emd_sum:
        options = {"ranges": [(-50, 50)] * 2}
    weighted = metric(b, a, generated_weight=repeats, **options)
    assert_allclose(weighted, metric(b, np.repeat(a, repeats, axis=0), **options), atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_zero_on_identical_samples_with_weights_too(metric):
    a = np.random.default_rng(0).normal(size=(50, 3))
    w = np.random.default_rng(1).uniform(0.1, 2, size=50)
    assert_allclose(metric(a, a), 0.0, atol=1e-15)
    assert_allclose(metric(a, a, sample_weight=w, generated_weight=w), 0.0, atol=1e-14)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("n_generated", [60, 41])
@pytest.mark.parametrize("weighted", [False, True])
def test_sliced_agrees_with_pot(p, n_generated, weighted):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 3)), rng.normal(0.3, 1.2, size=(n_generated, 3))
    wa = rng.uniform(0.5, 2, 60) if weighted else None
    wb = rng.uniform(0.5, 2, n_generated) if weighted else None
    ours = sliced_wasserstein_distance(
        a, b, sample_weight=wa, generated_weight=wb, n_slices=30, p=p, random_state=3
    )
    directions = rng_directions(3, 30)
    theirs = ot.sliced_wasserstein_distance(
        a,
        b,
        a=None if wa is None else wa / wa.sum(),
        b=None if wb is None else wb / wb.sum(),
        projections=directions,
        p=p,
    )
    assert_allclose(ours, theirs, rtol=1e-9)


def rng_directions(d, n_slices):
    directions = np.random.default_rng(np.random.SeedSequence(3)).standard_normal((d, n_slices))
    return directions / np.linalg.norm(directions, axis=0)


def test_sliced_does_not_depend_on_the_block(monkeypatch):
    a, b = np.random.default_rng(0).normal(size=(2, 100, 4))
    whole = sliced_wasserstein_distance(a, b, random_state=0)
    monkeypatch.setattr("skjetsim.metrics._distances._SLICE_BUDGET", 300)
    assert_allclose(sliced_wasserstein_distance(a, b, random_state=0), whole, rtol=1e-12)


def test_scale_and_multioutput():
    a = np.random.default_rng(0).normal(size=(500, 2)) * [1.0, 100.0]
    shift = a + np.array([1.0, 100.0])
    raw = wasserstein_distance(a, shift)
    assert_allclose(raw, [1.0, 100.0])
    assert_allclose(wasserstein_distance(a, shift, scale="std"), raw / a.std(axis=0))
    assert wasserstein_distance(a, shift, multioutput="max") == pytest.approx(100.0)
    assert wasserstein_distance(a, shift, multioutput="uniform_average") == pytest.approx(50.5)


def test_a_constant_column_keeps_its_unit():
    a = np.full((10, 1), 0.10566)
    assert_allclose(wasserstein_distance(a, a + 1e-9, scale="std"), 1e-9, rtol=1e-6)
    assert_allclose(chi2_per_dof(a, a), 0.0)
    assert chi2_per_dof(a, a - 1e-9)[0] > 1
    assert chi2_per_dof(a, a + 1e-9)[0] > 1
    assert emd_sum(a, a) == 0.0
    pair = np.hstack([a, np.arange(10.0)[:, None]])
    assert correlation_difference(pair, pair) == 0.0
    assert correlation_difference(pair, pair[:, ::-1]) < 1e-12


def test_one_outlier_and_one_row():
    a = np.zeros((100, 1))
    b = a.copy()
    b[0] = 1e6
    assert_allclose(wasserstein_distance(a, b), 1e4)
    assert_allclose(ks_distance(a, b), 0.01)
    assert_allclose(wasserstein_distance([[1.0]], [[3.0]]), 2.0)


@given(samples, samples)
@settings(deadline=None, max_examples=40)
def test_ks_agrees_with_its_definition(a, b):
    at = np.concatenate([a, b])
    gap = [(a <= value).mean(axis=0) - (b <= value).mean(axis=0) for value in at]
    assert_allclose(ks_distance(a, b), np.abs(gap).max(axis=0), atol=1e-12)


def test_published_emd_sum_is_blind_to_a_shift():
    rng = np.random.default_rng(0)
    mass = rng.normal(100, 20, size=(20_000, 1))
    options = {"ranges": [(0, 400)]}
    assert emd_sum(mass, mass + 60, **options) == pytest.approx(60 / 400, rel=1e-3)
    assert emd_sum(mass, mass + 60, positions=False, **options) < 2e-4
    one = np.histogram(mass, 100, (0, 400))[0] / 20_000
    two = np.histogram(mass * 1.2, 100, (0, 400))[0] / 20_000
    published = scipy.stats.wasserstein_distance(one, two)
    ours = emd_sum(mass, mass * 1.2, positions=False, **options)
    assert ours == pytest.approx(published, rel=1e-3)


def test_published_emd_sum_floor():
    # Five features of 26,600 jets in 100 bins: the published definition's floor is about 0.00135.
    a, b = np.random.default_rng(0).normal(size=(2, 26_600, 5))
    assert 5e-4 < emd_sum(a, b, positions=False, ranges=[(-4, 4)] * 5) < 3e-3


def test_emd_sum_counts_overflow_and_takes_ranges_by_name():
    a = pd.DataFrame({"mass": [1.0, 2.0], "pt": [1.0, 2.0]})
    b = a.assign(mass=[1.0, 1e9])
    ranges = {"mass": (0, 10), "pt": (0, 10)}
    each = emd_sum(a, b, ranges=ranges, bins=10, multioutput="raw_values")
    assert_allclose(each, [0.5 * 8 / 10, 0.0])
    with pytest.raises(ValueError, match="ranges names column 'm'"):
        emd_sum(a, b, ranges={"m": (0, 1)})
    with pytest.raises(ValueError, match="range of column 'mass' must be"):
        emd_sum(a, b, ranges={"mass": (1, 1)})
    with pytest.raises(ValueError, match=r"no event of generated lies in .* 'mass'"):
        emd_sum(a, a + 100, ranges=ranges, positions=False)


def test_chi2_is_one_for_truth_against_truth():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40_000, 20)), rng.normal(size=(10_000, 20))
    assert np.mean(chi2_per_dof(a, b)) == pytest.approx(1.0, abs=0.15)
    wa = rng.uniform(0, 2, size=40_000)
    assert np.mean(chi2_per_dof(a, b, sample_weight=wa)) == pytest.approx(1.0, abs=0.15)
    assert chi2_per_dof(a, b + 0.2, multioutput="max") > 5


def test_negative_weights_where_they_mean_something():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 20_000, 2))
    w = np.where(rng.random(20_000) < 0.2, -1.0, 1.0)
    assert np.mean(chi2_per_dof(a, b, generated_weight=w)) == pytest.approx(1.0, abs=0.5)
    assert ks_distance(a, b, generated_weight=w, multioutput="max") < 0.05
    assert emd_sum(a, b, generated_weight=w) < 0.05
    for metric in (wasserstein_distance, sliced_wasserstein_distance, correlation_difference):
        with pytest.raises(ValueError, match="generated_weight is negative in row"):
            metric(a, b, generated_weight=w)
    with pytest.raises(ValueError, match="no positive yield"):
        chi2_per_dof(a, b, generated_weight=-np.abs(w))


def test_chi2_with_given_edges():
    a = np.array([[0.0], [1.0], [2.0], [3.0]])
    b = np.array([[0.0], [0.0], [2.0], [3.0]])
    # two bins, [0, 1) and [1, 4]: shares 1/4, 3/4 against 1/2, 1/2
    expected = 0.25**2 / (3 / 16) + 0.25**2 / (5 / 16)
    assert_allclose(chi2_per_dof(a, b, bins=[[0, 1, 4]]), expected)
    with pytest.raises(ValueError, match="increasing"):
        chi2_per_dof(a, b, bins=[[0, 0, 4]])


def test_correlations():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300, 3))
    w = rng.uniform(size=300)
    difference = correlation_difference(a, b, multioutput="raw_values")
    assert_allclose(difference, np.corrcoef(b.T) - np.corrcoef(a.T), atol=1e-12)
    weighted = correlation_difference(a, b, sample_weight=w, multioutput="raw_values")
    cov = np.cov(a.T, aweights=w)
    expected = cov / np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
    assert_allclose(weighted, np.corrcoef(b.T) - expected, atol=1e-12)
    assert correlation_difference(a, b) == pytest.approx(np.abs(difference).max())
    with pytest.raises(ValueError, match="at least two columns"):
        correlation_difference(a[:, :1], b[:, :1])


@pytest.mark.parametrize("metric", METRICS)
def test_bad_input_is_named(metric):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=["pt", "eta"])
    for value, kind in ((np.nan, "NaN"), (np.inf, "infinity")):
        bad = table.copy()
        bad.loc[7, "eta"] = value
        with pytest.raises(ValueError, match=f"generated contains {kind}.*'eta'.*row 7"):
            metric(table, bad)
        with pytest.raises(ValueError, match=f"truth contains {kind}.*'eta'"):
            metric(bad, table)
    with pytest.raises(ValueError, match="generated has 1 columns, but truth has 2"):
        metric(table, table[["pt"]])
    with pytest.raises(ValueError, match=r"column 0 is 'pt' in truth but 'eta'.*another order"):
        metric(table, table[["eta", "pt"]])
    with pytest.raises(ValueError, match=r"is empty"):
        metric(table, table.iloc[:0])
    with pytest.raises(ValueError, match="sample_weight has shape"):
        metric(table, table, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="generated_weight is zero for every event"):
        metric(table, table, generated_weight=np.zeros(20))
    with pytest.raises(ValueError, match=r"'eta' has dtype .*row 0 holds 'x'"):
        metric(table.astype(object).assign(eta="x"), table)


@pytest.mark.parametrize("metric", METRICS)
def test_clouds_are_flattened_and_series_are_columns(metric):
    cloud = np.random.default_rng(0).normal(size=(2, 30, 4, 3))
    rows = cloud.reshape(2, 30, 12)
    options = {"random_state": 0} if metric is sliced_wasserstein_distance else {}
    assert_allclose(metric(*cloud, **options), metric(*rows, **options))
    if metric is not correlation_difference:
        flat = metric(pd.Series(rows[0, :, 0], name="pt"), rows[1, :, 0], **options)
        assert_allclose(flat, metric(rows[0, :, :1], rows[1, :, :1], **options))


def test_tiny_and_huge_units_do_not_matter():
    a, b = np.random.default_rng(0).normal(size=(2, 50, 2))
    for unit in (1e-200, 1e200):
        assert_allclose(
            wasserstein_distance(a * unit, b * unit, scale="std"),
            wasserstein_distance(a, b, scale="std"),
        )
        assert_allclose(correlation_difference(a * unit, b * unit), correlation_difference(a, b))


def test_options_are_checked():
    a = np.ones((3, 1))
    with pytest.raises(ValueError, match="multioutput must be one of"):
        wasserstein_distance(a, a, multioutput="sum")
    with pytest.raises(ValueError, match="scale must be one of"):
        wasserstein_distance(a, a, scale="mad")
    with pytest.raises(ValueError, match="p must be one of"):
        sliced_wasserstein_distance(a, a, p=3)
    with pytest.raises(TypeError, match="n_slices must be an integer"):
        sliced_wasserstein_distance(a, a, n_slices=1.5)

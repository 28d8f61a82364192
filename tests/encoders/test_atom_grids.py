"""Columns with atoms whose other values are on a grid: zeros next to rounded transverse momenta."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from skjetsim._encoders._table import TableEncoder

N = 20_000


def rounded(step=1.0, n=N, sentinel=0.0, seed=0):
    """Column of a sentinel in 40% of the events, and rounded values from 20 in the others."""
    rng = np.random.default_rng(seed)
    pt = step * np.round((20 + rng.exponential(20, n)) / step)
    return np.where(rng.random(n) < 0.4, sentinel, pt)[:, None]


def encoder(table, weight=None, **settings):
    return TableEncoder(list(range(table.shape[1])), **settings).fit(table, weight)


def normal_density(inputs, rows):
    return norm.logpdf(inputs).sum(axis=1)


@pytest.mark.parametrize(("step", "sentinel"), [(1.0, 0.0), (0.1, -999.0), (0.5, 1e4)])
def test_there_and_back(step, sentinel):
    table = rounded(step, sentinel=sentinel)
    own = encoder(table)
    for spread in (True, False):
        assert_array_equal(own.decode(own.encode(table, spread=spread)), table)
    drawn = own.decode(np.random.default_rng(1).normal(size=(N, 1)))
    assert np.mean(drawn == sentinel) == pytest.approx(0.4, abs=0.015)
    others = drawn[drawn != sentinel]
    assert others.min() == 20
    assert_allclose(others / step, np.round(others / step), atol=1e-6)
    assert np.median(others) == pytest.approx(34, abs=1.0)


@pytest.mark.parametrize(("step", "sentinel"), [(1.0, 0.0), (0.5, -999.0), (20.0, -999.0)])
def test_scores_are_probabilities(step, sentinel):
    own = encoder(rounded(step, sentinel=sentinel))
    drawn = own.decode(np.random.default_rng(1).normal(size=(100_000, 1)))
    values = np.r_[sentinel, np.arange(20, 600, step)]
    p = np.exp(own.log_density(values[:, None], normal_density))
    assert p.sum() == pytest.approx(1, abs=5e-3)
    for value in (sentinel, 20.0, 20.0 + step, 40.0):
        share = np.mean(drawn == value)
        assert p[values == value][0] == pytest.approx(share, abs=2e-3)
    wrong = np.array([[20.25], [19.0], [5.0], [sentinel - 1]])
    assert np.isneginf(own.log_density(wrong, normal_density)).all()


def test_weights_count():
    table = rounded()
    own = encoder(table, np.where(table[:, 0] == 0, 0.25, 1.0))
    p = np.exp(own.log_density(np.array([[0.0]]), normal_density))
    assert p[0] == pytest.approx(0.1 / 0.7, abs=0.01)


def test_an_implied_atom():
    """A lost jet has neither pT nor number of tracks, both of which are on a grid otherwise."""
    rng = np.random.default_rng(2)
    table = np.c_[rounded(), np.where(rounded() == 0, -999.0, rng.poisson(8, (N, 1)))]
    own = encoder(table)
    assert_array_equal(own.decode(own.encode(table)), table)
    drawn = own.decode(rng.normal(size=(N, 2)))
    assert_array_equal(drawn[:, 0] == 0, drawn[:, 1] == -999)
    assert_array_equal(drawn, np.round(drawn))
    assert np.mean(drawn[:, 0] == 0) == pytest.approx(0.4, abs=0.015)
    assert drawn[drawn[:, 0] > 0, 1].mean() == pytest.approx(8, abs=0.3)
    assert np.isfinite(own.log_density(table, normal_density)).all()
    impossible = np.array([[0.0, 8.0], [30.0, -999.0]])
    assert np.isneginf(own.log_density(impossible, normal_density)).all()


def test_further_rows():
    own = encoder(rounded())
    own.check_training(rounded(seed=3))
    with pytest.raises(ValueError, match=r"is 20\.5 in row 1"):
        own.check_training(np.array([[0.0], [20.5]]))
    lower = np.array([[0.0], [18.0]])
    assert_array_equal(np.isneginf(own.log_density(lower, normal_density)), [False, True])
    own.extend(lower)
    assert np.isfinite(own.log_density(lower, normal_density)).all()
    assert_array_equal(own.decode(own.encode(lower)), lower)

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose

from skjetsim.metrics import equivalent_sample_size, quantile_mse
from skjetsim.metrics._quantiles import quantile_cell_shares


@pytest.mark.parametrize("n_events", [50, 400])
def test_n_equiv_of_true_events_is_their_number(n_events):
    grid = scipy.stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)[:, None]
    rng = np.random.default_rng(0)
    mse = [quantile_mse(grid, rng.normal(size=(n_events, 1)), n_quantiles=20) for _ in range(200)]
    assert 0.95 / np.mean(mse) == pytest.approx(n_events, rel=0.1)
    one = rng.normal(size=(n_events, 1))
    assert_allclose(
        equivalent_sample_size(grid, one, n_quantiles=20),
        0.95 / quantile_mse(grid, one, n_quantiles=20),
    )


def test_n_equiv_in_three_dimensions_with_correlations():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 3))
    truth = rng.normal(size=(60_000, 3)) @ mixing
    mse = [
        quantile_mse(truth, rng.normal(size=(300, 3)) @ mixing, n_quantiles=4) for _ in range(50)
    ]
    assert (1 - 1 / 64) / np.mean(mse) == pytest.approx(300, rel=0.1)
    # Right marginals, no correlations: worth few events however many there are.
    shuffled = np.column_stack([rng.permutation(column) for column in truth.T])
    assert equivalent_sample_size(truth, shuffled, n_quantiles=4) < 100


def test_cells_are_equally_probable():
    truth = np.random.default_rng(0).normal(size=(6000, 2))
    expected, share = quantile_cell_shares(truth, truth, [5, 4])
    assert_allclose(expected, 1 / 20)
    assert_allclose(share, 1 / 20)
    weight = np.random.default_rng(1).uniform(size=6000)
    expected, _ = quantile_cell_shares(truth, truth, [5, 4], weight)
    assert_allclose(expected, 1 / 20, atol=1e-3)


def test_weights_are_duplicates():
    rng = np.random.default_rng(0)
    truth, generated = rng.normal(size=(2, 300, 2))
    repeats = rng.integers(1, 4, size=300)
    weighted = quantile_mse(truth, generated, n_quantiles=3, generated_weight=repeats)
    assert_allclose(
        weighted, quantile_mse(truth, np.repeat(generated, repeats, axis=0), n_quantiles=3)
    )


def test_zero_on_identical_even_for_discrete_and_constant_columns():
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(0, 3, 500), np.ones(500), rng.normal(size=500)])
    assert quantile_mse(table, table, n_quantiles=4) == 0.0
    assert equivalent_sample_size(table, table, n_quantiles=4) == np.inf
    assert quantile_mse(table, table + np.array([0, 1, 0]), n_quantiles=[1, 2, 1]) > 0.4


def test_numbers_of_quantiles_are_checked():
    table = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match="100 cells out of 50 true events"):
        quantile_mse(table, table, n_quantiles=10)
    with pytest.raises(ValueError, match="3 entries for 2 columns"):
        quantile_mse(table, table, n_quantiles=[2, 2, 2])
    with pytest.raises(ValueError, match="at least 2"):
        quantile_mse(table, table, n_quantiles=1)
    with pytest.raises(ValueError, match="negative in row 0"):
        quantile_mse(table, table, n_quantiles=2, sample_weight=-np.ones(50))

"""Coverage of posteriors and the ranks of the truth: exact laws on draws whose law is known."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chisquare

from skjetsim.metrics import posterior_coverage, quantile_coverage, sbc_ranks

LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


def uniformity(ranks, n_draws):
    return chisquare(np.bincount(ranks, minlength=n_draws + 1)).pvalue


@pytest.fixture(scope="module")
def posterior():
    """x ~ N(0, 1) measured as y = x + N(0, 1): p(x given y) = N(y / 2, 1 / 2), two columns."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(3000, 2)), columns=["jet_pt", "jet_eta"])
    mean = (X.to_numpy() + rng.normal(size=X.shape)) / 2
    noise = np.sqrt(0.5) * rng.normal(size=(3000, 39, 2))
    return X, mean, noise


def test_coverage_of_the_exact_posterior(posterior):
    X, mean, noise = posterior
    coverage, error = posterior_coverage(X, mean[:, None] + noise)
    assert list(coverage.columns) == ["jet_pt", "jet_eta"]
    assert_array_equal(coverage.index, LEVELS)
    assert coverage.index.name == "level"
    assert_allclose(error, np.sqrt(LEVELS * (1 - LEVELS) / 3000))
    assert (np.abs(coverage.to_numpy() - LEVELS[:, None]) < 4 * error[:, None]).all()


def test_wrong_posteriors_are_found(posterior):
    X, mean, noise = posterior
    narrow, error = posterior_coverage(X, mean[:, None] + 0.8 * noise)
    assert (narrow.loc[0.1] > 0.1 + 6 * error[0]).all()
    assert (narrow.loc[0.9] < 0.9 - 6 * error[4]).all()
    shifted, _ = posterior_coverage(X, mean[:, None] + noise + 0.2)
    assert (shifted.to_numpy() > LEVELS[:, None] + 6 * error[:, None]).all()
    inside, error = posterior_coverage(X, mean[:, None] + 0.8 * noise, [0.5], central=True)
    assert (inside.to_numpy() < 0.5 - 6 * error).all()


def test_the_prior_is_calibrated(posterior):
    X = posterior[0]
    prior = np.random.default_rng(1).normal(size=(3000, 39, 2))
    coverage, error = posterior_coverage(X, prior)
    assert (np.abs(coverage.to_numpy() - LEVELS[:, None]) < 4 * error[:, None]).all()


def test_coverage_of_arrays_and_weighted_events(posterior):
    X, mean, noise = posterior
    draws, weight = mean[:, None] + noise, np.repeat([0.0, 3.0], 1500)
    coverage, error = posterior_coverage(X.to_numpy(), draws, [0.5], sample_weight=weight)
    half, half_error = posterior_coverage(X[1500:], draws[1500:], [0.5])
    assert type(coverage) is np.ndarray
    assert_allclose(coverage, half)
    assert_allclose(error, half_error)
    assert_allclose(quantile_coverage(X, draws, [0.5], sample_weight=weight), coverage)


def test_coverage_is_the_distribution_of_the_ranks(posterior):
    X, mean, noise = posterior
    draws = mean[:, None] + noise
    ranks = sbc_ranks(X, draws)
    for level in (0.1, 0.5, 0.925):
        expected = (ranks < round(level * 40)).mean(axis=0)
        assert_allclose(quantile_coverage(X, draws, [level])[0], expected)


@pytest.mark.parametrize("n_draws", [3, 7, 10])
def test_coverage_is_exact_where_levels_are_no_ranks(n_draws):
    # Every rank once: the mean over them is the level itself.
    truth = np.arange(n_draws + 1.0)[:, None] - 0.5
    draws = np.tile(np.arange(float(n_draws)), (n_draws + 1, 1))
    levels = [0.3, 0.42, 0.5, 0.7]
    assert_allclose(quantile_coverage(truth, draws, levels)[:, 0], levels)


def test_ranks_count_draws_below():
    draws = np.array([[[1.0], [2.0], [3.0]]] * 4)
    truth = np.array([[0.5], [1.5], [2.5], [3.5]])
    assert_array_equal(sbc_ranks(truth, draws)[:, 0], [0, 1, 2, 3])
    assert sbc_ranks(truth, draws).dtype.kind == "i"


def test_ranks_are_uniform_only_for_the_posterior(posterior):
    X, mean, noise = posterior
    right = sbc_ranks(X, mean[:, None] + noise)
    narrow = sbc_ranks(X, mean[:, None] + 0.8 * noise)
    assert ((right >= 0) & (right <= 39)).all()
    for column in (0, 1):
        assert uniformity(right[:, column], 39) > 1e-3
        assert uniformity(narrow[:, column], 39) < 1e-10


def test_ties_are_broken_evenly_and_the_same_way_each_time():
    # Whole numbers, as of tracks: most of the truth equals some draws.
    rng = np.random.default_rng(0)
    truth, draws = rng.poisson(1.0, size=(8000, 1)), rng.poisson(1.0, size=(8000, 9, 1))
    ranks = sbc_ranks(truth, draws)
    assert uniformity(ranks[:, 0], 9) > 1e-3
    assert_array_equal(ranks, sbc_ranks(truth, draws))
    assert (ranks != sbc_ranks(truth, draws, random_state=1)).any()
    assert uniformity((draws < truth[:, None]).sum(axis=1)[:, 0], 9) < 1e-10
    levels = np.array([0.1, 0.5, 0.9])
    coverage, error = posterior_coverage(truth, draws, levels)
    assert (np.abs(coverage[:, 0] - levels) < 4 * error).all()
    constant = sbc_ranks(np.ones((8000, 1)), np.ones((8000, 9, 1)))
    assert uniformity(constant[:, 0], 9) > 1e-3


def angles(truth_width=0.2, draws_width=0.2):
    """Directions all around, measured; truth and draws turn about them, within (-pi, pi]."""
    rng = np.random.default_rng(3)
    direction = rng.uniform(-np.pi, np.pi, size=(4000, 1))
    truth = direction + rng.normal(0, truth_width, size=(4000, 1))
    draws = direction[:, None] + rng.normal(0, draws_width, size=(4000, 19, 1))
    truth, draws = (np.angle(np.exp(1j * phi)) for phi in (truth, draws))
    return truth, draws


def test_angles_are_ranked_about_their_posterior():
    truth, draws = angles()
    table = pd.DataFrame(truth, columns=["met_phi"])
    ranks = sbc_ranks(table, draws)
    assert uniformity(ranks[:, 0], 19) > 1e-3
    # Turning everything changes nothing, but for rounding at ties that there are none of.
    turned = np.angle(np.exp(1j * (draws + 2.0)))
    moved = pd.DataFrame(np.angle(np.exp(1j * (truth + 2.0))), columns=["met_phi"])
    assert_array_equal(sbc_ranks(moved, turned), ranks)
    plain = sbc_ranks(truth, draws)  # no name: a number like any other
    beside = np.abs(truth[:, 0]) > 2.9
    assert (plain != ranks)[beside].any()
    assert_array_equal(plain[np.abs(truth[:, 0]) < 2], ranks[np.abs(truth[:, 0]) < 2])


def test_wide_angles_stay_uniform():
    # The direction of nearly flat posteriors is noise, which must not favour the draws.
    truth, draws = angles(3.0, 3.0)
    ranks = sbc_ranks(pd.DataFrame(truth, columns=["phi"]), draws)
    assert uniformity(ranks[:, 0], 19) > 1e-3
    coverage, error = posterior_coverage(pd.DataFrame(truth, columns=["phi"]), draws)
    assert (np.abs(coverage["phi"] - LEVELS) < 4 * error).all()


def test_input_is_not_changed():
    truth, draws = angles()
    table, before = pd.DataFrame(truth, columns=["phi"]), (truth.copy(), draws.copy())
    sbc_ranks(table, draws)
    posterior_coverage(table, draws)
    assert_array_equal(truth, before[0])
    assert_array_equal(draws, before[1])


def test_blocks_do_not_matter(posterior, monkeypatch):
    X, mean, noise = posterior
    draws = mean[:, None] + noise
    whole = sbc_ranks(X, draws)
    monkeypatch.setattr("skjetsim.utils._scores._BLOCK", 10_000)
    assert_array_equal(sbc_ranks(X, draws), whole)


def test_bad_posteriors(posterior):
    X, mean, noise = posterior
    draws = mean[:, None] + noise
    with pytest.raises(ValueError, match="posterior_draws must hold several draws"):
        sbc_ranks(X, mean)
    with pytest.raises(ValueError, match="3000 events but posterior_draws has draws for 2999"):
        sbc_ranks(X, draws[1:])
    with pytest.raises(ValueError, match="X contains NaN in column 'jet_eta'"):
        posterior_coverage(X.assign(jet_eta=np.nan), draws)
    with pytest.raises(ValueError, match="between 0 and 1"):
        posterior_coverage(X, draws, [0.0, 0.5])
    with pytest.raises(ValueError, match="at least 99 are needed"):
        posterior_coverage(X, draws, [0.01])
    with pytest.raises(ValueError, match="at least 99 are needed"):
        posterior_coverage(X, draws, [0.98], central=True)
    with pytest.raises(ValueError, match="negative in row 0"):
        posterior_coverage(X, draws, sample_weight=-np.ones(len(X)))

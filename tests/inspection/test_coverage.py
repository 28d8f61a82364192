"""CoverageDisplay: coverage, its floor, and what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression

from skjetsim.inspection import CoverageDisplay
from skjetsim.metrics import quantile_coverage


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture
def draws():
    """Truth and draws of two columns; the draws of the second are twice too narrow."""
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=(1000, 2)), rng.normal(size=(1000, 39, 2))
    return pd.DataFrame(truth, columns=["jet_pt", "jet_eta"]), draws * [1.0, 0.5]


def test_coverage_and_its_floor(draws):
    display = CoverageDisplay.from_samples(*draws)
    assert_allclose(display.levels, np.arange(1, 20) / 20)
    assert_allclose(display.coverage, quantile_coverage(*draws, display.levels))
    assert_allclose(display.floor, np.sqrt(display.levels * (1 - display.levels) / 1000))
    assert np.abs(display.pull[:, 0]).max() < 4
    assert np.abs(display.pull[:, 1]).max() > 8


def test_coverage_of_weighted_events(draws):
    weight = np.repeat([0.0, 2.0], 500)
    display = CoverageDisplay.from_samples(*draws, levels=[0.5], sample_weight=weight)
    half = CoverageDisplay.from_samples(draws[0][500:], draws[1][500:], levels=[0.5])
    assert_allclose(display.coverage, half.coverage)
    assert_allclose(display.floor, half.floor)


def test_coverage_is_drawn(draws):
    figure, axes = plt.subplots(2, 1)
    display = CoverageDisplay.from_samples(*draws).plot(axes)
    assert display.figure_ is figure
    assert display.axes_ == tuple(axes)
    lines = {line.get_label(): line for line in axes[0].lines}
    assert_allclose(lines["jet $p_T$"].get_ydata(), display.coverage[:, 0])
    lines = {line.get_label(): line for line in axes[1].lines}
    assert_allclose(lines[r"jet $\eta$"].get_ydata(), display.coverage[:, 1] - display.levels)
    for ax, middle in zip(axes, (display.levels, 0 * display.levels), strict=True):
        band = np.vstack([path.vertices for path in ax.collections[0].get_paths()])
        for level, low, high in zip(
            display.levels, middle - display.floor, middle + display.floor, strict=True
        ):
            at = band[np.isclose(band[:, 0], level), 1]
            assert_allclose([at.min(), at.max()], [low, high], atol=1e-12)
    assert legend_texts(axes[0]) == ["floor", "jet $p_T$", r"jet $\eta$"]


def test_the_legend_names_the_worst_columns():
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=(300, 14)), rng.normal(size=(300, 19, 14))
    draws[:, :, 11] *= 0.3
    display = CoverageDisplay.from_samples(truth, draws).plot()
    named = legend_texts(display.axes_[0])
    assert len(named) == 1 + 10
    assert "column 11" in named


def test_coverage_of_a_simulator(smear, pairs):
    X, y = pairs
    display = CoverageDisplay.from_estimator(smear, X, y, n_samples=19, random_state=0)
    generated = smear.sample(X, n_samples=19, random_state=0)
    assert_allclose(display.coverage, quantile_coverage(y, generated, display.levels))
    assert display.names == ["jet $p_T$", r"jet $\eta$", r"jet $\phi$"]


def test_coverage_of_an_unfolder(sharpen, pairs):
    X, y = pairs
    display = CoverageDisplay.from_estimator(sharpen, X, y, n_samples=19, random_state=0)
    unfolded = sharpen.sample_inverse(y, n_samples=19, random_state=0)
    assert_allclose(display.coverage, quantile_coverage(X, unfolded, display.levels))


def test_bad_coverage(draws, smear, pairs):
    make = CoverageDisplay.from_samples
    with pytest.raises(ValueError, match="probabilities that increase"):
        make(*draws, levels=[0.5, 0.4])
    with pytest.raises(ValueError, match="between 0 and 1"):
        make(*draws, levels=[0.5, 1.0])
    with pytest.raises(ValueError, match="at least 19 are needed"):
        make(draws[0], draws[1][:, :9], levels=[0.05])
    with pytest.raises(TypeError, match="LinearRegression is neither an unfolder nor a simulator"):
        CoverageDisplay.from_estimator(LinearRegression(), *pairs)
    with pytest.raises(TypeError, match="n_samples must be an integer"):
        CoverageDisplay.from_estimator(smear, *pairs, n_samples=None)
    with pytest.raises(ValueError, match="axes must be 2"):
        make(*draws).plot(plt.subplots(1, 3)[1])

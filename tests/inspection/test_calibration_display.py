"""CalibrationDisplay: coverage, ranks, their floors, and what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from skjetsim.inspection import CalibrationDisplay
from skjetsim.metrics import posterior_coverage, quantile_coverage, sbc_ranks


@pytest.fixture
def draws():
    """Truth and draws of two columns; the draws of the second are twice too narrow."""
    rng = np.random.default_rng(0)
    truth, draws = rng.normal(size=(1000, 2)), rng.normal(size=(1000, 39, 2))
    return pd.DataFrame(truth, columns=["jet_pt", "jet_eta"]), draws * [1.0, 0.5]


def test_coverage_and_ranks_and_their_floors(draws):
    display = CalibrationDisplay.from_samples(*draws)
    assert_allclose(display.levels, np.arange(1, 20) / 20)
    coverage, error = posterior_coverage(*draws, display.levels)
    assert_allclose(display.coverage, coverage)
    assert_allclose(display.floor, error)
    assert_allclose(display.edges, np.linspace(0, 1, 21))
    ranks = sbc_ranks(*draws)
    for column in (0, 1):
        counts = np.bincount(ranks[:, column] // 2, minlength=20)
        assert_allclose(display.ranks[:, column], counts / 50)
    assert_allclose(display.ranks_floor, np.sqrt(0.95 / 0.05 / 1000))
    assert np.abs(display.pull[:, 0]).max() < 4
    assert np.abs(display.ranks_pull[:, 0]).max() < 4
    assert np.abs(display.pull[:, 1]).max() > 8
    assert (display.ranks_pull[[0, -1], 1] > 8).all()  # too narrow: high at both ends


def test_bins_that_do_not_divide_the_ranks(draws):
    display = CalibrationDisplay.from_samples(*draws, bins=7)
    width = np.diff(display.edges) * 40
    assert_allclose(width, width.round())
    assert_allclose((display.ranks * np.diff(display.edges)[:, None]).sum(axis=0), 1)
    assert np.abs(display.ranks_pull[:, 0]).max() < 4


def test_weighted_events(draws):
    weight = np.repeat([0.0, 2.0], 500)
    display = CalibrationDisplay.from_samples(*draws, levels=[0.5], sample_weight=weight)
    half = CalibrationDisplay.from_samples(draws[0][500:], draws[1][500:], levels=[0.5])
    for name in ("coverage", "floor", "ranks", "ranks_floor"):
        assert_allclose(getattr(display, name), getattr(half, name))


def test_one_column_without_names():
    rng = np.random.default_rng(0)
    display = CalibrationDisplay.from_samples(rng.normal(size=500), rng.normal(size=(500, 19)))
    assert display.names == ["column 0"]
    assert display.ranks.shape == (20, 1)


def test_calibration_is_drawn(draws):
    figure, axes = plt.subplots(2, 1)
    display = CalibrationDisplay.from_samples(*draws).plot(axes)
    assert display.figure_ is figure
    assert display.axes_ == tuple(axes)
    lines = {line.get_label(): line for line in axes[0].lines}
    difference = display.coverage - display.levels[:, None]
    assert_allclose(lines["jet $p_T$"].get_ydata(), difference[:, 0])
    assert_allclose(lines[r"jet $\eta$"].get_ydata(), difference[:, 1])
    band = np.vstack([path.vertices for path in axes[0].collections[0].get_paths()])
    for level, floor in zip(display.levels, display.floor, strict=True):
        at = band[np.isclose(band[:, 0], level), 1]
        assert_allclose([at.min(), at.max()], [-floor, floor], atol=1e-12)
    stairs = [patch.get_data() for patch in axes[1].patches if isinstance(patch, StepPatch)]
    assert_allclose(stairs[0].values, 1 + display.ranks_floor)
    assert_allclose(stairs[0].baseline, 1 - display.ranks_floor)
    assert_allclose([data.values for data in stairs[1:]], display.ranks.T)
    legend = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert legend == ["floor", "jet $p_T$", r"jet $\eta$"]
    for ax, drawn in zip(axes, (difference, display.ranks), strict=True):
        low, high = ax.get_ylim()
        assert low < drawn.min()
        assert high > drawn.max()


def test_a_column_has_one_colour(draws):
    display = CalibrationDisplay.from_samples(*draws).plot()
    above, below = display.axes_
    lines = [line for line in above.lines if line.get_label() in display.names]
    steps = [patch for patch in below.patches if patch.get_label() in display.names]
    colours = [plt.matplotlib.colors.to_hex(line.get_color()) for line in lines]
    assert len(set(colours)) == 2
    assert [plt.matplotlib.colors.to_hex(step.get_edgecolor()) for step in steps] == colours


def test_calibration_of_a_simulator(smear, pairs):
    X, y = pairs
    display = CalibrationDisplay.from_estimator(smear, X, y, n_samples=19, random_state=0)
    generated = smear.sample(X, n_samples=19, random_state=0)
    assert_allclose(display.coverage, quantile_coverage(y, generated, display.levels))
    assert display.names == ["jet $p_T$", r"jet $\eta$", r"jet $\phi$"]


def test_calibration_of_an_unfolder(sharpen, pairs):
    X, y = pairs
    display = CalibrationDisplay.from_estimator(sharpen, X, y, n_samples=19, random_state=0)
    unfolded = sharpen.sample_inverse(y, n_samples=19, random_state=0)
    assert_allclose(display.coverage, quantile_coverage(X, unfolded, display.levels))
    scaled = CalibrationDisplay.from_estimator(
        sharpen,
        X,
        y,
        n_samples=19,
        random_state=0,
        transformer=StandardScaler().set_output(transform="pandas"),
    )
    # A scaler keeps the order of numbers, but does not know that of angles.
    assert_allclose(scaled.coverage[:, :2], display.coverage[:, :2])


def test_bad_calibration(draws, smear, sharpen, pairs):
    make = CalibrationDisplay.from_samples
    with pytest.raises(ValueError, match="probabilities that increase"):
        make(*draws, levels=[0.5, 0.4])
    with pytest.raises(ValueError, match="at least 19 are needed"):
        make(draws[0], draws[1][:, :9], levels=[0.05])
    with pytest.raises(ValueError, match="bins=20, but 9 draws per event give only 10 ranks"):
        make(draws[0], draws[1][:, :9], bins=20)
    with pytest.raises(ValueError, match="bins must be at least 2"):
        make(*draws, bins=1)
    with pytest.raises(ValueError, match="draws contains NaN"):
        make(draws[0], draws[1] * np.nan)
    from_estimator = CalibrationDisplay.from_estimator
    with pytest.raises(TypeError, match="LinearRegression is neither an unfolder nor a simulator"):
        from_estimator(LinearRegression(), *pairs)
    with pytest.raises(TypeError, match="n_samples must be an integer"):
        from_estimator(smear, *pairs, n_samples=None)
    with pytest.raises(ValueError, match="Sharpen is an unfolder: pass the detector level y"):
        from_estimator(sharpen, pairs[0], None)
    with pytest.raises(ValueError, match="X has column 'jet_phi' at position 0"):
        from_estimator(sharpen, pairs[0].iloc[:, ::-1], pairs[1])
    with pytest.raises(ValueError, match="axes must be 2"):
        make(*draws).plot(plt.subplots(1, 3)[1])

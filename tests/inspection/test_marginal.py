"""MarginalDisplay: the numbers that are drawn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skjetsim.inspection import MarginalDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(90, 3, size=4000), rng.normal(90, 3, size=8000)


def test_contents_are_fractions_with_overflow(samples):
    display = MarginalDisplay.from_samples(*samples, bins=20, range=(88, 92))
    assert_allclose(display.truth.sum(), 1)
    assert_allclose(display.generated.sum(), 1)
    assert_allclose(display.truth[0], (samples[0] < 88.2).mean())


def test_ratio_lies_in_the_floor_for_equal_densities(samples):
    display = MarginalDisplay.from_samples(*samples, bins=20)
    pull = (display.ratio - 1) / display.ratio_floor
    assert 0.5 < np.std(pull) < 1.5
    shifted = MarginalDisplay.from_samples(samples[0], samples[1] + 1, bins=20)
    assert np.abs((shifted.ratio - 1) / shifted.ratio_floor).max() > 5


def test_weights_act_as_repeated_events(samples):
    weight = np.random.default_rng(1).integers(1, 4, size=len(samples[1])).astype(float)
    repeated = np.repeat(samples[1], weight.astype(int))
    weighted = MarginalDisplay.from_samples(*samples, generated_weight=weight, bins=10)
    counted = MarginalDisplay.from_samples(samples[0], repeated, bins=10)
    assert_allclose(weighted.generated, counted.generated)


def test_plot_draws_on_given_axes(samples):
    figure, (ax, ratio_ax) = plt.subplots(2, 1)
    display = MarginalDisplay.from_samples(*samples, name="mass [GeV]", bins=15)
    assert display.plot(ax, ratio_ax=ratio_ax, log=True) is display
    (points,) = [line for line in ratio_ax.lines if len(line.get_xdata()) == 15]
    assert_allclose(points.get_ydata(), display.ratio)
    assert ratio_ax.get_xlabel() == "mass [GeV]"
    assert ax.get_yscale() == "log"
    assert display.figure_ is figure
    plt.close(figure)
    display.plot()
    assert display.ratio_ax_ is not None
    plt.close(display.figure_)


def test_bad_samples_are_named():
    with pytest.raises(ValueError, match=r"truth contains NaN .* row 1"):
        MarginalDisplay.from_samples([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(ValueError, match="generated"):
        MarginalDisplay.from_samples([1.0, 2.0], [])
    constant = MarginalDisplay.from_samples(np.ones(5), np.ones(5), bins=4)
    assert_allclose(constant.truth.sum(), 1)

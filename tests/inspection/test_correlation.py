"""CorrelationDisplay: matrices, their errors, and what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture

from skjetsim.inspection import CorrelationDisplay
from skjetsim.inspection._correlation import correlation_matrix
from skjetsim.metrics import correlation_difference


def mesh(ax):
    return np.asarray(ax.collections[0].get_array())


@pytest.fixture
def correlated():
    """Two samples of three columns; the correlation of the first two differs."""
    rng = np.random.default_rng(0)
    truth, generated = rng.normal(size=(2, 3000, 3))
    truth[:, 1] += truth[:, 0]
    names = ["jet_pt", "jet_mass", "met_phi"]
    return pd.DataFrame(truth, columns=names), pd.DataFrame(generated, columns=names)


def test_correlations_are_those_of_numpy(correlated):
    truth, generated = correlated
    display = CorrelationDisplay.from_samples(truth, generated)
    on_circle = (
        side.assign(met_phi=np.cos(side["met_phi"]), sine=np.sin(side["met_phi"]))
        for side in (truth, generated)
    )
    for matrix, side in zip((display.truth, display.generated), on_circle, strict=True):
        assert_allclose(matrix, np.corrcoef(side.T), atol=1e-14)
    largest = correlation_difference(truth, generated, multioutput="raw_values")
    assert_allclose(display.difference[:2, :2], largest[:2, :2], atol=1e-14)
    of_angle = display.difference[:2, 2:]
    assert_allclose(np.abs(of_angle).max(axis=1), np.abs(largest[:2, 2]), atol=1e-14)
    assert display.names == ["jet $p_T$", "jet mass", r"cos met $\phi$", r"sin met $\phi$"]


def test_the_seam_of_an_angle_makes_no_difference(correlated):
    truth, generated = correlated
    turned = truth.assign(met_phi=truth["met_phi"] - 2 * np.pi * (truth["met_phi"] > 1))
    one = CorrelationDisplay.from_samples(truth, generated)
    two = CorrelationDisplay.from_samples(turned, generated)
    assert_allclose(one.truth, two.truth, atol=1e-12)


def test_weights_act_as_repeated_rows(correlated):
    truth, generated = correlated
    weight = np.random.default_rng(1).integers(0, 3, size=len(truth)).astype(float)
    repeated = truth.loc[np.repeat(truth.index, weight.astype(int))]
    weighted = CorrelationDisplay.from_samples(truth, generated, sample_weight=weight)
    assert_allclose(weighted.truth, CorrelationDisplay.from_samples(repeated, generated).truth)
    swapped = CorrelationDisplay.from_samples(generated, truth, generated_weight=weight)
    assert_allclose(swapped.generated, weighted.truth)


def test_errors_are_those_of_resampling():
    rng = np.random.default_rng(0)
    x = rng.standard_exponential(size=(400, 2)) @ [[1.0, 0.7], [0.0, 1.0]]
    weight = rng.uniform(0.2, 2, size=400)
    _, error = correlation_matrix(x, weight)
    resampled = []
    for _ in range(400):
        rows = rng.integers(0, 400, size=400)
        resampled.append(np.cov(x[rows].T, aweights=weight[rows]))
    r = [c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]) for c in resampled]
    assert_allclose(error[0, 1], np.std(r), rtol=0.15)
    assert_allclose(np.diag(error), 0, atol=1e-8)
    _, error = correlation_matrix(rng.normal(size=(10_000, 2)))
    assert_allclose(error[0, 1], 0.01, rtol=0.1)


def test_correlations_are_drawn(correlated):
    figure, axes = plt.subplots(1, 3)
    display = CorrelationDisplay.from_samples(*correlated)
    assert display.plot(axes) is display
    assert display.figure_ is figure
    assert display.axes_ == tuple(axes)
    for ax, matrix in zip(
        axes, (display.truth, display.generated, display.difference), strict=True
    ):
        assert_allclose(mesh(ax), matrix)
        low, high = ax.get_ylim()
        assert low > high  # the first row is on top
        labels = [text.get_text() for text in ax.get_xticklabels()]
        assert labels == [text.get_text() for text in ax.get_yticklabels()] == display.names
        at = {tuple(text.get_position()): float(text.get_text()) for text in ax.texts}
        assert_allclose(
            [at[column, row] for row in range(4) for column in range(4)],
            matrix.ravel(),
            atol=0.0051,
        )
    frames = {patch.get_xy() for patch in axes[2].patches if isinstance(patch, Rectangle)}
    assert frames == {(0.5, -0.5), (-0.5, 0.5)}


def test_a_perfect_model_can_be_drawn(correlated):
    display = CorrelationDisplay.from_samples(correlated[0], correlated[0]).plot()
    assert_allclose(display.pull, 0)
    assert len(display.axes_[2].patches) == 0
    assert display.axes_[2].collections[0].norm.vmax == 0.01


def test_many_columns_have_no_numbers():
    rows = np.random.default_rng(0).normal(size=(2, 100, 20))
    display = CorrelationDisplay.from_samples(*rows).plot()
    assert len(display.axes_[0].texts) == 0
    assert display.names[3] == "column 3"


def test_correlations_of_an_estimator(smear, pairs):
    X, y = pairs
    display = CorrelationDisplay.from_estimator(smear, X, y, random_state=0)
    pt, eta, phi = smear.sample(X, random_state=0).T
    expected = np.corrcoef([pt, eta, np.cos(phi), np.sin(phi)])
    assert_allclose(display.generated, expected, atol=1e-14)
    assert display.names[1:] == [r"jet $\eta$", r"cos jet $\phi$", r"sin jet $\phi$"]
    model = GaussianMixture(random_state=0).fit(y)
    assert CorrelationDisplay.from_estimator(model, y, random_state=0).generated.shape == (4, 4)


def test_bad_correlations(correlated):
    truth, generated = correlated
    make = CorrelationDisplay.from_samples
    with pytest.raises(ValueError, match="at least two columns"):
        make(truth[["jet_pt"]], generated[["jet_pt"]])
    with pytest.raises(ValueError, match="column 'jet_mass' of truth is constant"):
        make(truth.assign(jet_mass=4.2), generated)
    with pytest.raises(ValueError, match="sample_weight is negative"):
        make(truth, generated, sample_weight=-np.ones(len(truth)))
    with pytest.raises(ValueError, match="truth contains NaN in column 'jet_pt', first bad row 0"):
        make(truth.assign(jet_pt=np.nan), generated)
    # A constant model is a finding, not an error.
    constant = make(truth, generated.assign(jet_mass=4.2))
    assert_allclose(constant.generated[0, 1], 0, atol=1e-12)
    with pytest.raises(ValueError, match="axes must be 3"):
        make(truth, generated).plot(plt.subplots()[1])

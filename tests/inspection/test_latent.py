"""LatentDisplay: latent columns against the normal, and what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import StepPatch
from numpy.testing import assert_allclose
from scipy.stats import norm
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim.flows import FlowGenerator
from skjetsim.inspection import LatentDisplay


def mesh(ax):
    return np.asarray(ax.collections[0].get_array())


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture
def latent():
    return np.random.default_rng(0).normal(size=(4000, 3)) * [1.0, 1.0, 1.3]


def test_latent_contents_and_pulls(latent):
    display = LatentDisplay.from_samples(latent, bins=12)
    reach = norm.isf(10 / 4000)
    assert_allclose(display.edges, np.linspace(-reach, reach, 13))
    inside = np.clip(latent, -reach, reach)
    for column, contents in enumerate(display.contents):
        counts = np.histogram(inside[:, column], display.edges)[0]
        assert_allclose(contents, counts / 4000)
    assert_allclose(display.expected.sum(), 1)
    assert_allclose(display.expected[0], norm.cdf(display.edges[1]))
    error = np.sqrt(display.expected * (1 - display.expected) / 4000)
    assert_allclose(display.pull, (display.contents - display.expected) / error)
    assert np.abs(display.pull[:2]).max() < 4 < np.abs(display.pull[2]).max()
    assert_allclose(display.correlation, np.corrcoef(latent.T))
    assert display.names == ["z0", "z1", "z2"]


def test_latent_weights(latent):
    weight = np.repeat([0.0, 3.0], 2000)
    display = LatentDisplay.from_samples(latent, sample_weight=weight)
    half = LatentDisplay.from_samples(latent[2000:])
    assert_allclose(display.contents, half.contents)
    assert_allclose(display.pull, half.pull)
    assert_allclose(display.correlation, half.correlation)


def test_latent_is_drawn(latent):
    figure, axes = plt.subplots(1, 3)
    display = LatentDisplay.from_samples(latent, bins=12).plot(axes)
    assert display.figure_ is figure
    assert display.axes_ == tuple(axes)
    drawn = [patch.get_data().values for patch in axes[0].patches if isinstance(patch, StepPatch)]
    assert_allclose(drawn, [display.expected, *display.contents])
    assert_allclose(mesh(axes[1]), display.pull)
    assert [text.get_text() for text in axes[1].get_yticklabels()] == display.names
    assert_allclose(mesh(axes[2]), display.correlation)
    assert legend_texts(axes[0]) == ["normal", "z0", "z1", "z2", "with overflow"]
    LatentDisplay.from_samples(latent, bins=4, range=(-50, 50)).plot()  # bins that expect nothing
    LatentDisplay.from_samples(latent[:5, :1]).plot()


def test_latent_space_of_generators():
    X = np.random.default_rng(0).normal(size=(200, 2))
    X = np.column_stack([X, np.full(200, 5.0)])
    flow = FlowGenerator(
        n_transforms=2, hidden_features=(8,), n_bins=4, max_epochs=1, device="cpu", random_state=0
    )
    model = make_pipeline(StandardScaler(), flow).fit(X)
    with pytest.warns(UserWarning, match=r"\['z2'\] are zero in every event"):
        display = LatentDisplay.from_estimator(model, X, bins=10)
    expected = LatentDisplay.from_samples(model.transform(X)[:, :2], bins=10)
    assert_allclose(display.contents, expected.contents)
    assert display.names == ["z0", "z1"]


def test_bad_latent(latent, smear, pairs):
    make = LatentDisplay.from_samples
    with pytest.raises(ValueError, match="bins must be at least 2"):
        make(latent, bins=1)
    with pytest.raises(ValueError, match="low < high"):
        make(latent, range=(3, -3))
    with pytest.raises(ValueError, match="latent contains NaN"):
        make(latent * np.nan)
    with pytest.raises(ValueError, match="zero in every column"):
        make(np.zeros((10, 2)))
    with pytest.raises(TypeError, match="Smear is not a generator"):
        LatentDisplay.from_estimator(smear, pairs[0])
    with pytest.raises(TypeError, match="StandardScaler is not a generator"):
        LatentDisplay.from_estimator(StandardScaler().fit(latent), latent)
    with pytest.raises(TypeError, match="GaussianMixture has no transform"):
        LatentDisplay.from_estimator(GaussianMixture().fit(latent), latent)

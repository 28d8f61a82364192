"""PosteriorDisplay: posteriors of single events, and what is drawn with them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch
from numpy.testing import assert_allclose
from sklearn.base import clone

from skjetsim.inspection import PosteriorDisplay
from skjetsim.preprocessing import CartesianToCylindrical


@pytest.fixture
def events():
    """Truth, draws and measured values of two events with three columns."""
    truth = pd.DataFrame({"jet_pt": [40.0, 60.0], "jet_phi": [3.1, 0.0], "n": [2.0, 2.0]})
    noise = np.random.default_rng(0).normal(size=(2, 400, 3)) * [5.0, 0.2, 0.0]
    draws = truth.to_numpy()[:, None] + noise
    draws[..., 1] = np.angle(np.exp(1j * draws[..., 1]))
    measured = pd.DataFrame({"met_pt": [9.0, 9.0], "jet_phi": [-3.1, 0.1], "jet_pt": [44.0, 66.0]})
    return truth, draws, measured


def test_posterior_is_a_density(events):
    truth, draws, measured = events
    display = PosteriorDisplay.from_samples(truth, draws, measured=measured, bins=20)
    assert display.edges.shape == (2, 3, 21)
    assert display.contents.shape == (2, 3, 20)
    values, edges = draws[1, :, 0], display.edges[1, 0]
    counts = np.histogram(values, edges)[0]
    assert_allclose(display.contents[1, 0], counts / 400 / np.diff(edges))
    assert 390 <= counts.sum() <= 400
    low, high = np.quantile(values, [0.025, 0.975])
    assert_allclose(edges[0], min(low, 60, 66) - 0.25 * (high - low))
    assert_allclose(edges[-1], max(high, 60, 66) + 0.25 * (high - low))
    assert display.prior is None
    assert display.names == ["jet $p_T$ [GeV]", r"jet $\phi$ [rad]", "n"]


def test_measured_values_are_found_by_name(events):
    truth, draws, measured = events
    display = PosteriorDisplay.from_samples(truth, draws, measured=measured)
    assert_allclose(display.measured[:, 0], [44, 66])
    assert np.isnan(display.measured[:, 2]).all()
    by_position = PosteriorDisplay.from_samples(
        truth.to_numpy(), draws, measured=measured.to_numpy()
    )
    assert_allclose(by_position.measured, measured)
    none = PosteriorDisplay.from_samples(truth, draws, measured=np.ones((2, 5)))
    assert np.isnan(none.measured).all()


def test_angles_stay_in_one_piece(events):
    truth, draws, measured = events
    display = PosteriorDisplay.from_samples(truth, draws, measured=measured, prior=truth)
    edges, contents = display.edges[0, 1], display.contents[0, 1]
    assert edges[-1] - edges[0] < 2
    assert contents[:2].max() < 0.2 * contents.max()
    assert_allclose(np.exp(1j * display.truth[0, 1]), np.exp(1j * 3.1))
    assert abs(display.truth[0, 1] - display.measured[0, 1]) < 0.1
    assert_allclose(
        display.prior[0, 1].sum() * np.diff(edges)[0], 0.5
    )  # one of two, the other at 0


def test_constant_columns_and_prior(events):
    truth, draws, _ = events
    prior = pd.DataFrame({"jet_pt": [41.0, 500.0], "jet_phi": [0.0, 0.0], "n": [2.0, 2.0]})
    display = PosteriorDisplay.from_samples(truth, draws, prior=prior)
    assert_allclose(display.contents[0, 2].sum() * np.diff(display.edges[0, 2])[0], 1)
    width = np.diff(display.edges[0, 0])[0]
    assert_allclose(display.prior[0, 0].sum() * width, 0.5)


def test_features_are_chosen(events):
    truth, draws, measured = events
    display = PosteriorDisplay.from_samples(truth, draws, measured=measured, features=["n", 0])
    assert display.names == ["n", "jet $p_T$ [GeV]"]
    assert_allclose(display.truth, truth[["n", "jet_pt"]])
    assert_allclose(display.measured[:, 1], [44, 66])


def test_posteriors_are_drawn(events):
    truth, draws, measured = events
    figure, axes = plt.subplots(2, 3)
    display = PosteriorDisplay.from_samples(truth, draws, measured=measured, prior=truth).plot(axes)
    assert display.figure_ is figure
    assert (display.axes_ == axes).all()
    for at in np.ndindex(2, 3):
        stairs = [p.get_data() for p in axes[at].patches if isinstance(p, StepPatch)]
        assert_allclose([data.values for data in stairs], [display.prior[at], display.contents[at]])
        assert_allclose(stairs[1].edges, display.edges[at])
        lines = {line.get_label(): line.get_xdata()[0] for line in axes[at].lines}
        assert lines["truth"] == display.truth[at]
        assert lines.get("measured") == (None if at[1] == 2 else display.measured[at])
        assert axes[at].get_xlim() == (display.edges[at][0], display.edges[at][-1])
    assert [ax.get_xlabel() for ax in axes[1]] == display.names
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["event 0", "event 1"]
    texts = [text.get_text() for text in axes[0, 0].get_legend().get_texts()]
    assert sorted(texts) == ["measured", "posterior", "prior", "truth"]


def test_a_figure_of_its_own(events):
    truth, draws, _ = events
    display = PosteriorDisplay.from_samples(truth, draws).plot()
    assert display.axes_.shape == (2, 3)
    [legend] = display.figure_.legends
    assert sorted(text.get_text() for text in legend.get_texts()) == ["posterior", "truth"]
    display.figure_.draw_without_rendering()


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_the_legend_is_inside_the_figure(events, n_features):
    truth, draws, measured = events
    features = list(truth)[:n_features]
    settings = {"measured": measured, "prior": truth, "features": features}
    figure = PosteriorDisplay.from_samples(truth, draws, **settings).plot().figure_
    figure.draw_without_rendering()
    [legend] = figure.legends
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == 4
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height


def test_posteriors_of_an_unfolder(sharpen, pairs):
    X, y = pairs
    display = PosteriorDisplay.from_estimator(
        sharpen, X[:3], y[:3], n_samples=50, prior=X, random_state=0
    )
    draws = sharpen.sample_inverse(y[:3], n_samples=50, random_state=0)
    expected = PosteriorDisplay.from_samples(X[:3], draws, measured=y[:3], prior=X)
    for name in ("edges", "contents", "truth", "measured", "prior"):
        assert_allclose(getattr(display, name), getattr(expected, name))


def test_other_coordinates(sharpen):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(0, 30, size=(50, 3)), columns=["jet_px", "jet_py", "jet_pz"])
    y = 1.1 * X
    to_cylindrical = CartesianToCylindrical()
    settings = {"transformer": to_cylindrical, "n_samples": 50, "random_state": 0}
    unfolder = clone(sharpen).fit(X, y)
    display = PosteriorDisplay.from_estimator(unfolder, X[:2], y[:2], prior=X, **settings)
    assert display.names == ["jet $p_T$ [GeV]", r"jet $\eta$", r"jet $\phi$ [rad]"]
    cylindrical = to_cylindrical.fit(X).transform(y[:2])
    assert_allclose(display.measured[:, :2], cylindrical.to_numpy()[:, :2])
    assert_allclose(display.truth[:, 0], np.hypot(X["jet_px"], X["jet_py"])[:2])
    # y may be in these coordinates already, as after a Pipeline.
    mixed = clone(sharpen).fit(X, to_cylindrical.transform(y))
    display = PosteriorDisplay.from_estimator(mixed, X[:2], cylindrical, **settings)
    assert_allclose(display.measured[:, 0], cylindrical["jet_pt"])


def test_bad_posteriors(events, pairs, smear):
    truth, draws, measured = events
    make = PosteriorDisplay.from_samples
    with pytest.raises(ValueError, match="13 events are too many"):
        make(np.zeros((13, 1)), np.zeros((13, 5, 1)))
    with pytest.raises(ValueError, match="draws must hold several draws"):
        make(truth, draws[:, 0])
    with pytest.raises(ValueError, match="feature='jet_mass' is not a column"):
        make(truth, draws, features=["jet_mass"])
    with pytest.raises(TypeError, match="features must be a sequence"):
        make(truth, draws, features="jet_pt")
    with pytest.raises(ValueError, match="truth has 2 events, but measured has 1"):
        make(truth, draws, measured=measured[:1])
    with pytest.raises(ValueError, match="'n' in truth but 'met_pt' in prior"):
        make(
            truth[["n", "jet_pt", "jet_phi"]],
            draws,
            prior=measured[["met_pt", "jet_phi", "jet_pt"]],
        )
    with pytest.raises(ValueError, match="bins must be at least 2"):
        make(truth, draws, bins=1)
    with pytest.raises(TypeError, match="Smear cannot unfold: it has no sample_inverse"):
        PosteriorDisplay.from_estimator(smear, *pairs)
    with pytest.raises(ValueError, match="axes must be 6"):
        make(truth, draws).plot(plt.subplots(1, 3)[1])

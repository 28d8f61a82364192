"""MarginalDisplay: the numbers, and how they are drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skjetsim.inspection import MarginalDisplay


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(90, 3, size=4000), rng.normal(90, 3, size=8000)


def steps(ax):
    """(values, baseline) of every histogram and band on the axes."""
    drawn = [patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch)]
    return [(np.asarray(data.values), data.baseline) for data in drawn]


def drawn_as(ax, values):
    """Whether a histogram of these values is on the axes."""
    return any(np.allclose(one, values, equal_nan=True) for one, _ in steps(ax))


def band_on(ax, low, high):
    return any(
        np.ndim(baseline) == 1
        and np.allclose(baseline, low, equal_nan=True)
        and np.allclose(values, high, equal_nan=True)
        for values, baseline in steps(ax)
    )


def arrows(ax, marker):
    return [x for line in ax.lines if line.get_marker() == marker for x in line.get_xdata()]


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# Numbers.


def test_contents_are_fractions_with_overflow(samples):
    display = MarginalDisplay.from_samples(*samples, bins=20, range=(88, 92))
    assert_allclose(display.truth.sum(), 1)
    assert_allclose(display.generated.sum(), 1)
    assert_allclose(display.truth[0], (samples[0] < 88.2).mean())


def test_default_range_is_the_central_part_of_the_truth(samples):
    display = MarginalDisplay.from_samples(*samples)
    limits = np.quantile(samples[0], [0.002, 0.998], method="hazen")
    assert_allclose(display.edges[[0, -1]], limits)
    edges = [80, 85, 90, 95]
    display = MarginalDisplay.from_samples(*samples, bins=edges)
    assert_allclose(display.edges, edges)
    assert_allclose(display.truth[1], ((samples[0] >= 85) & (samples[0] < 90)).mean())


def test_a_column_that_is_mostly_one_value_keeps_its_tail():
    truth = np.zeros(5000)
    truth[:5] = [1, 2, 3, 4, 5]
    display = MarginalDisplay.from_samples(truth, truth, bins=5)
    assert_allclose(display.edges, range(6))


def test_ratio_lies_in_the_floor_for_equal_densities(samples):
    display = MarginalDisplay.from_samples(*samples, bins=20)
    pull = (display.ratio - 1) / display.ratio_floor
    assert 0.5 < np.std(pull) < 1.5
    assert_allclose(display.pull, pull)
    shifted = MarginalDisplay.from_samples(samples[0], samples[1] + 1, bins=20)
    assert np.abs((shifted.ratio - 1) / shifted.ratio_floor).max() > 5


def test_weights_act_as_repeated_events(samples):
    weight = np.random.default_rng(1).integers(1, 4, size=len(samples[1])).astype(float)
    repeated = np.repeat(samples[1], weight.astype(int))
    weighted = MarginalDisplay.from_samples(*samples, generated_weight=weight, bins=10)
    counted = MarginalDisplay.from_samples(samples[0], repeated, bins=10)
    assert_allclose(weighted.generated, counted.generated)
    # but an event of weight two is still one event
    assert (weighted.generated_error > counted.generated_error).all()


def test_draws_of_one_event_count_as_one_event(samples):
    truth, generated = samples
    display = MarginalDisplay.from_samples(truth, np.repeat(generated[:, None], 7, axis=1))
    single = MarginalDisplay.from_samples(truth, generated)
    assert_allclose(display.generated, single.generated)
    assert_allclose(display.generated_error, single.generated_error)


def test_members_give_mean_and_systematic_band(samples):
    truth = samples[0]
    members = np.stack([truth - 1, truth, truth + 1])
    edges = np.linspace(80, 100, 11)
    display = MarginalDisplay.from_samples(truth, members=members, bins=edges)
    counts = [np.histogram(np.clip(m, 80, 100), edges)[0] / len(truth) for m in members]
    assert_allclose(display.generated, np.mean(counts, axis=0))
    assert_allclose(display.systematic, np.std(counts, axis=0, ddof=1))
    assert_allclose(display.total_error**2, display.generated_error**2 + display.systematic**2)
    error = np.hypot(display.total_error, display.truth_error)
    assert_allclose(display.pull, (display.generated - display.truth) / error)
    # The floor is the sample's, not the model's.
    floor = np.hypot(display.truth_error, display.generated_error) / display.truth
    assert_allclose(display.ratio_floor, floor)


def test_bins_without_events_have_no_pull():
    edges = [0, 1, 2, 3, 4]
    display = MarginalDisplay.from_samples([0.5, 1.5], [0.5, 2.5], bins=edges)
    assert_allclose(display.ratio, [1, 0, np.nan, np.nan])
    assert np.isnan(display.pull[3])
    assert display.pull[2] > 0


# Drawing.


def test_what_is_drawn(samples):
    display = MarginalDisplay.from_samples(*samples, name="mass [GeV]", bins=15)
    assert display.plot() is display
    ax, ratio_ax = display.ax_, display.ratio_ax_
    assert drawn_as(ax, display.truth)
    assert drawn_as(ax, display.generated)
    error = display.generated_error
    assert band_on(ax, display.generated - error, display.generated + error)
    assert band_on(ratio_ax, 1 - display.ratio_floor, 1 + display.ratio_floor)
    error = error / display.truth
    assert band_on(ratio_ax, display.ratio - error, display.ratio + error)
    (points,) = [line for line in ratio_ax.lines if line.get_marker() == "."]
    assert_allclose(points.get_ydata(), display.ratio)
    assert ratio_ax.get_xlabel() == "mass [GeV]"
    assert legend_texts(ax) == ["truth", "model", "stat. error", "with overflow", "floor"]
    assert ax.get_xlim() == ratio_ax.get_xlim() == (display.edges[0], display.edges[-1])


def test_band_of_members_is_drawn(samples):
    members = samples[0] + np.array([[-0.5], [0.0], [0.5]])
    display = MarginalDisplay.from_samples(samples[0], members=members, bins=15).plot()
    error = display.total_error
    assert band_on(display.ax_, display.generated - error, display.generated + error)
    assert r"stat. $\oplus$ syst. error" in legend_texts(display.ax_)


@pytest.mark.parametrize("log", [False, True])
def test_all_contents_and_the_legend_have_room(samples, log):
    display = MarginalDisplay.from_samples(*samples, bins=15).plot(log=log)
    low, high = display.ax_.get_ylim()
    assert display.ax_.get_yscale() == ("log" if log else "linear")
    contents = np.concatenate([display.truth, display.generated])
    assert low <= contents[contents > 0].min()
    assert contents.max() < high
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    points = np.column_stack([np.repeat(display.edges, 2)[1:-1], np.repeat(display.truth, 2)])
    assert not any(legend.contains(*xy) for xy in display.ax_.transData.transform(points))


def test_arrows_stand_where_the_ratio_leaves_the_panel():
    edges = [0, 1, 2, 3, 4, 5]
    truth = np.repeat([0.5, 1.5, 2.5, 3.5], [10, 10, 10, 2])
    generated = np.repeat([0.5, 1.5, 2.5, 4.5], [10, 20, 5, 3])  # no truth in the last bin
    display = MarginalDisplay.from_samples(truth, generated, bins=edges)
    display.plot(ratio_range=(0.8, 1.2))
    outside = display.ratio > 1.2
    assert arrows(display.ratio_ax_, "^") == [1.5, 4.5]
    assert outside[1]
    assert arrows(display.ratio_ax_, "v") == [2.5, 3.5]
    wide = MarginalDisplay.from_samples(truth, generated, bins=edges).plot(ratio_range=(-1, 3))
    assert arrows(wide.ratio_ax_, "^") == [4.5]
    assert arrows(wide.ratio_ax_, "v") == []


def test_negative_weights_are_drawn(samples):
    weight = np.where(samples[0] > 94, -1.0, 1.0)
    display = MarginalDisplay.from_samples(*samples, sample_weight=weight, bins=15).plot()
    assert display.truth.min() < 0
    assert display.ax_.get_ylim()[0] < display.truth.min()


def test_plot_draws_on_given_axes(samples):
    figure, (ax, ratio_ax) = plt.subplots(2, 1)
    display = MarginalDisplay.from_samples(*samples, name="mass [GeV]", bins=15)
    display.plot(ax, ratio_ax=ratio_ax, log=True)
    assert display.figure_ is figure
    assert (display.ax_, display.ratio_ax_) == (ax, ratio_ax)
    assert plt.get_fignums() == [figure.number]
    figure, ax = plt.subplots()
    display.plot(ax)
    assert display.ratio_ax_ is None
    assert ax.get_xlabel() == "mass [GeV]"
    with pytest.raises(ValueError, match="ratio_ax was given without ax"):
        display.plot(ratio_ax=ratio_ax)
    with pytest.raises(ValueError, match="ratio_range"):
        display.plot(ratio_range=(1.2, 1.5))


# From estimators.


def test_simulator(smear, pairs):
    X, y = pairs
    display = MarginalDisplay.from_estimator(
        smear, X, y, feature="jet_pt", random_state=3, bins=12, range=(20, 100)
    )
    generated = smear.sample(X, random_state=3)[:, 0]
    expected = MarginalDisplay.from_samples(y["jet_pt"], generated, bins=12, range=(20, 100))
    assert_allclose(display.truth, expected.truth)
    assert_allclose(display.generated, expected.generated)
    assert display.name == "jet $p_T$ [GeV]"
    by_position = MarginalDisplay.from_estimator(
        smear, X, y, feature=0, random_state=3, bins=12, range=(20, 100), name="pT"
    )
    assert_allclose(by_position.generated, display.generated)
    assert by_position.name == "pT"


def test_draws_weights_and_pipelines(smear, pairs):
    X, y = pairs
    weight = np.linspace(0.5, 2, len(X))
    pipeline = make_pipeline(FunctionTransformer(), smear)
    display = MarginalDisplay.from_estimator(
        pipeline, X, y, feature="jet_pt", n_samples=4, random_state=0, sample_weight=weight
    )
    draws = smear.sample(X, n_samples=4, random_state=0)[..., 0]
    expected = MarginalDisplay.from_samples(
        y["jet_pt"], draws, sample_weight=weight, generated_weight=weight
    )
    assert_allclose(display.generated, expected.generated)
    assert_allclose(display.generated_error, expected.generated_error)


def test_ensembles_show_their_members(ensemble, pairs):
    X, y = pairs
    pipeline = make_pipeline(FunctionTransformer(), ensemble)
    for model in (ensemble, pipeline):
        display = MarginalDisplay.from_estimator(
            model, X, y, feature="jet_pt", n_samples=2, random_state=0
        )
        members = ensemble.sample_members(X, n_samples=2, random_state=0)[..., 0]
        expected = MarginalDisplay.from_samples(y["jet_pt"], members=members)
        assert_allclose(display.systematic, expected.systematic)


def test_angles_go_full_circle(smear, pairs):
    display = MarginalDisplay.from_estimator(smear, *pairs, feature="jet_phi", random_state=0)
    assert_allclose(display.edges[[0, -1]], [-np.pi, np.pi])
    assert display.name == r"jet $\phi$ [rad]"


def test_transformer_makes_other_quantities(ensemble, smear, pairs):
    X, y = pairs

    def px(table):
        table = pd.DataFrame(np.asarray(table), columns=X.columns)
        return pd.DataFrame({"jet_px": table["jet_pt"] * np.cos(table["jet_phi"])})

    transformer = FunctionTransformer(px)
    settings = {"feature": "jet_px", "transformer": transformer, "random_state": 0}
    display = MarginalDisplay.from_estimator(smear, X, y, n_samples=3, **settings)
    draws = smear.sample(X, n_samples=3, random_state=0)
    expected = MarginalDisplay.from_samples(
        px(y)["jet_px"], draws[..., 0] * np.cos(draws[..., 2]), bins=display.edges
    )
    assert_allclose(display.generated, expected.generated)
    assert_allclose(display.truth, expected.truth)
    assert display.name == "jet $p_x$ [GeV]"
    assert MarginalDisplay.from_estimator(ensemble, X, y, **settings).systematic is not None


def test_unfitted_transformer_is_fitted_on_the_truth_alone(smear, pairs):
    X, y = pairs
    smear.scale = 2.0
    scaler = StandardScaler()
    display = MarginalDisplay.from_estimator(
        smear, X, y, feature="jet_pt", transformer=scaler, random_state=0, bins=10
    )
    generated = (
        StandardScaler()
        .fit(y)
        .transform(pd.DataFrame(smear.sample(X, random_state=0), columns=y.columns))
    )
    expected = MarginalDisplay.from_samples(
        StandardScaler().fit_transform(y)[:, 0], generated[:, 0], bins=10
    )
    assert_allclose(display.generated, expected.generated)
    assert not hasattr(scaler, "mean_")


def test_generator(pairs):
    X, _ = pairs
    model = GaussianMixture(random_state=0).fit(X)
    weight = np.linspace(0.5, 2, len(X))
    display = MarginalDisplay.from_estimator(
        model, X, feature="jet_eta", n_samples=5, random_state=0, sample_weight=weight
    )
    assert_allclose(display.generated.sum(), 1)
    counts = display.generated * 5 * len(X)  # five times as many events, of equal weight
    assert_allclose(counts, counts.round(), atol=1e-8)
    assert_allclose(display.generated_error, np.sqrt(counts) / (5 * len(X)))
    with pytest.raises(ValueError, match="'met_pt' is not a column of X"):
        MarginalDisplay.from_estimator(model, X, feature="met_pt")
    with pytest.raises(TypeError, match="generator"):
        MarginalDisplay.from_estimator(model, X, X, feature="jet_eta")


# Errors.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bins": 1}, "bins must be at least 2"),
        ({"bins": 0}, "bins must be at least 1"),
        ({"bins": [0.0, 1.0]}, "at least three edges"),
        ({"bins": [80.0, 100.0, 90.0]}, "increase"),
        ({"bins": [0.0, 1.0, np.nan]}, "increase"),
        ({"bins": [80, 90, 100], "range": (80, 100)}, "range and edges exclude each other"),
        ({"range": (92, 88)}, "low < high"),
        ({"range": (88, np.inf)}, "low < high"),
        ({"range": 88}, "two numbers"),
        ({"range": (0, 50)}, r"All of the truth lies in one .* Choose bins or range"),
        ({"sample_weight": np.zeros(4000)}, "zero"),
        ({"sample_weight": np.ones(3)}, "sample_weight has shape"),
        ({"generated_weight": np.ones(3)}, "generated_weight has shape"),
        ({"generated_weight": -np.ones(8000)}, "generated_weight sums to"),
    ],
)
def test_bad_settings(samples, settings, message):
    with pytest.raises(ValueError, match=message):
        MarginalDisplay.from_samples(*samples, **settings)


def test_bad_samples_are_named(samples):
    make = MarginalDisplay.from_samples
    with pytest.raises(ValueError, match=r"truth contains NaN .* row 1"):
        make([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(ValueError, match="generated is empty"):
        make([1.0, 2.0], [])
    with pytest.raises(ValueError, match=r"truth is 1 in every event: a constant"):
        make(np.ones(5), np.ones(5), bins=4)
    with pytest.raises(ValueError, match="All of the truth lies in one of the 2 bins"):
        make([1.0, 2.0], [1.0, 2.0], bins=[0, 5, 10])
    weight = (samples[0] > 95).astype(float)
    with pytest.raises(ValueError, match="All of the truth lies in one"):
        make(*samples, sample_weight=weight, bins=2, range=(80, 100))
    with pytest.raises(ValueError, match="truth has 2 columns"):
        make(np.ones((5, 2)), np.ones(5))
    with pytest.raises(ValueError, match=r"generated is a table of the columns \['a', 'b'\]"):
        make(samples[0], pd.DataFrame({"a": samples[0], "b": samples[0]}))
    with pytest.raises(ValueError, match=r"generated has shape \(2, 2, 2\)"):
        make([1.0, 2.0], np.ones((2, 2, 2)))
    # A model that fills one bin is a finding, not an error.
    assert make(samples[0], np.full(10, 90.0), bins=10).generated.max() == 1


def test_generated_or_members(samples):
    make = MarginalDisplay.from_samples
    with pytest.raises(TypeError, match="exactly one"):
        make(samples[0])
    with pytest.raises(TypeError, match="exactly one"):
        make(*samples, members=[samples[1]] * 2)
    with pytest.raises(ValueError, match="member 1 has shape"):
        make(samples[0], members=[samples[1], samples[1][:-1]])
    with pytest.raises(ValueError, match="members"):
        make(samples[0], members=[])
    with pytest.raises(ValueError, match="generated_weight has shape"):
        make(samples[0], members=[samples[1]] * 2, generated_weight=np.ones(2))


def test_bad_features_and_estimators(smear, pairs):
    X, y = pairs

    def make(feature="jet_pt", X=X, y=y, estimator=smear):
        return MarginalDisplay.from_estimator(estimator, X, y, feature=feature, random_state=0)

    with pytest.raises(ValueError, match=r"'jet_mass' is not a column of y: \['jet_pt'"):
        make("jet_mass")
    with pytest.raises(ValueError, match="feature=3 is not a column of y, which has 3"):
        make(3)
    with pytest.raises(TypeError, match="name or position"):
        make(1.5)
    with pytest.raises(ValueError, match="no column names"):
        make(y=y.to_numpy())
    with pytest.raises(ValueError, match="pass the detector level y"):
        make(y=None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make(y=y[:-1])
    with pytest.raises(ValueError, match="indices differ"):
        make(y=y[::-1])
    with pytest.raises(ValueError, match="'jet_phi' at position 0 where 'jet_pt' was fitted"):
        make(y=y[["jet_phi", "jet_eta", "jet_pt"]])
    with pytest.raises(TypeError, match="neither a generator nor a simulator"):
        make(estimator=LinearRegression())

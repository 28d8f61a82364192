"""TransportPlanDisplay: plans, quantiles, marginals and costs, and what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from skjetsim.flows import FlowSimulator
from skjetsim.inspection import TransportPlanDisplay
from skjetsim.metrics import transport_cost
from skjetsim.preprocessing import KinematicFeatures

make = TransportPlanDisplay.from_samples
from_estimator = TransportPlanDisplay.from_estimator


def cells(ax):
    """Drawn cells, x first, zero where nothing is drawn."""
    (mesh,) = [each for each in ax.collections if isinstance(each, QuadMesh)]
    return np.ma.filled(np.ma.masked_invalid(mesh.get_array()), 0).T


def stairs(ax):
    return [patch.get_data().values for patch in ax.patches]


def assert_same(display, expected):
    assert_allclose(display.edges, expected.edges)
    assert list(display.contents) == list(expected.contents)
    for title in expected.contents:
        assert_allclose(display.contents[title], expected.contents[title])
        assert_allclose(display.quantiles[title], expected.quantiles[title])
        assert_allclose(display.costs[title], expected.costs[title])
    assert list(display.moved) == list(expected.moved)
    for title in expected.moved:
        assert_allclose(display.moved[title], expected.moved[title])
    assert_allclose(display.source, expected.source)


@pytest.fixture
def moved():
    """Energies of 4000 events on both levels."""
    rng = np.random.default_rng(0)
    energy = rng.uniform(20, 100, 4000)
    return energy, energy * rng.normal(1, 0.1, 4000)


# Plans of samples.


def test_the_median_of_an_identity_lies_on_the_diagonal(moved):
    x, _ = moved
    display = make(x, x, bins=20)
    centre = 0.5 * (display.edges[1:] + display.edges[:-1])
    width = display.edges[1] - display.edges[0]
    low, median, high = display.quantiles["model"]
    assert_allclose(median, centre, atol=0.1 * width)
    assert_allclose(high - low, 0.68 * width, rtol=0.2)
    assert_allclose(display.contents["model"], np.diag(display.source))
    assert display.costs["model"] == (0.0, 0.0)


def test_a_shuffled_plan_is_flat(moved):
    x, y = moved
    shuffled = np.random.default_rng(1).permutation(y)
    display = make(x, shuffled, y, bins=10)
    low, median, high = display.quantiles["model"]
    for found, level in ((low, 0.16), (median, 0.5), (high, 0.84)):
        assert np.nanmax(np.abs(found - np.quantile(y, level))) < 8
    assert np.nanmax(np.diff(display.quantiles["truth"][1])) > 5
    assert_allclose(display.moved["model"], display.moved["truth"])  # marginals do not tell
    (cost, optimal), (true_cost, true_optimal) = display.costs.values()
    assert cost > 5 * true_cost
    assert_allclose(optimal, true_optimal)


def test_contents_marginals_and_costs(moved):
    x, y = moved
    edges = np.linspace(30, 90, 13)
    display = make(x, 1.1 * x, y, bins=edges)
    assert list(display.contents) == ["model", "truth"]
    for title, side in (("model", 1.1 * x), ("truth", y)):
        counts, _, _ = np.histogram2d(x, side, [edges, edges])
        assert_allclose(display.contents[title], counts / 4000)
        assert_allclose(display.moved[title], np.histogram(side, edges)[0] / 4000)
        optimal = transport_cost(x, side, plan="optimal")
        assert_allclose(display.costs[title], [*transport_cost(x, side), *optimal])
    assert_allclose(display.source, np.histogram(x, edges)[0] / 4000)
    in_bin = (x >= edges[3]) & (x < edges[4])
    expected = np.quantile(y[in_bin], [0.16, 0.5, 0.84], method="hazen")
    assert_allclose(display.quantiles["truth"][:, 3], expected)


def test_draws_and_weights_are_events(moved):
    x, y = moved
    draws = np.stack([y, 1.1 * y], axis=1)
    edges = {"bins": np.linspace(10, 120, 12)}
    both = np.concatenate([y, 1.1 * y])
    assert_same(make(x, draws, **edges), make(np.tile(x, 2), both, **edges))
    repeats = np.random.default_rng(0).integers(1, 4, len(x))
    weighted = make(x, 1.1 * x, y, **edges, sample_weight=repeats)
    twice = make(*(np.repeat(side, repeats) for side in (x, 1.1 * x, y)), **edges)
    assert_allclose(weighted.costs["truth"], twice.costs["truth"])
    assert_allclose(weighted.contents["model"], twice.contents["model"])
    assert_allclose(weighted.moved["truth"], twice.moved["truth"])
    assert_allclose(weighted.quantiles["model"], twice.quantiles["model"], rtol=0.02)
    zeros = np.where(x < 60, 1.0, 0.0)
    half = make(x[x < 60], y[x < 60], **edges)
    assert_same(make(x, y, **edges, sample_weight=zeros), half)


def test_bins_of_few_events_have_no_quantiles(moved):
    x, y = moved
    display = make(x[:200], y[:200], bins=np.array([0.0, 15.0, 60.0, 100.0]))
    assert_array_equal(np.isnan(display.quantiles["model"][1]), [True, False, False])
    display = make(x, y, range=(0, 2000), bins=40)
    assert np.isnan(display.quantiles["model"][:, 5:]).all()
    display.plot()


def test_an_unpaired_truth_has_a_marginal_alone(moved):
    x, y = moved
    other = y[:1500]
    display = make(x, x, other, paired=False, bins=20)
    assert list(display.contents) == list(display.costs) == ["model"]
    assert_allclose(display.moved["truth"], np.histogram(other, display.edges)[0] / 1500)
    weight = np.linspace(0, 1, 1500)
    display = make(x, x, other, paired=False, truth_weight=weight)
    counts = np.histogram(other, display.edges, weights=weight)[0]
    assert_allclose(display.moved["truth"], counts / weight.sum())
    assert_allclose(display.moved["model"], display.source)


def test_angles_have_no_seam():
    rng = np.random.default_rng(0)
    phi = rng.uniform(-np.pi, np.pi, 6000)
    moved = phi + rng.normal(0.3, 0.1, 6000) + 2 * np.pi * rng.integers(-1, 2, 6000)
    display = make(phi, moved, name="met_phi", bins=30)
    assert_allclose(display.edges[[0, -1]], [-np.pi, np.pi])
    assert_allclose(display.contents["model"].sum(), 1)
    centre = 0.5 * (display.edges[1:] + display.edges[:-1])
    gap = (display.quantiles["model"][1] - centre - 0.3 + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(gap).max() < 0.05
    assert_allclose(display.costs["model"][0], np.hypot(0.3, 0.1), rtol=0.02)
    assert display.costs["model"][1] < 0.1
    # An angle without a direction has no median either.
    for weight in (None, rng.uniform(0.5, 1, 6000)):
        shuffled = make(
            phi, rng.permutation(phi), name="met_phi", bins=30, sample_weight=weight
        ).quantiles["model"]
        assert np.isnan(shuffled).mean() > 0.9


def test_labels_are_those_of_the_columns(pairs):
    X, y = pairs
    pt = "jet $p_T$, theory level [GeV]", "jet $p_T$, detector level [GeV]"
    assert make(X["jet_pt"], y["jet_pt"]).labels == pt
    assert make(X["jet_pt"].to_numpy(), y["jet_pt"].to_numpy(), y["jet_pt"]).labels == pt
    assert make(y["jet_pt"], X["jet_pt"], direction="inverse").labels == pt[::-1]
    renamed = X["jet_pt"].rename("quark_pt")
    labels = make(renamed, y["jet_pt"]).labels
    assert labels[0] == "quark $p_T$, theory level [GeV]"
    assert labels == make(X["jet_pt"], y["jet_pt"], name=("quark_pt", "jet_pt")).labels
    assert make(np.arange(9.0), np.arange(9.0)).labels == ("theory level", "detector level")


# What is drawn.


def test_plans_are_drawn(moved):
    x, y = moved
    figure, axes = plt.subplots(1, 2)
    display = make(x, 1.1 * x, y, bins=np.linspace(30, 90, 13), name="E")
    assert display.plot(axes) is display
    assert display.figure_ is figure
    assert display.axes_ == tuple(axes)
    for ax, (title, contents) in zip(axes, display.contents.items(), strict=True):
        assert_allclose(cells(ax), contents)
        cost, optimal = display.costs[title]
        note = ax.texts[0].get_text()
        assert f"cost {cost:.3g}, optimal {optimal:.3g}" in note
        assert f"{100 * (1 - contents.sum()):.2f}% outside" in note
        assert_allclose(ax.lines[1].get_ydata(), display.quantiles[title][1])
        assert ax.get_xlabel() == "$E$, theory level [GeV]"
    assert axes[0].get_ylabel() == "$E$, detector level [GeV]"
    assert axes[0].collections[0].norm is axes[1].collections[0].norm
    *above, right = display.marginal_axes_
    assert [ax.get_title() for ax in above] == ["model", "truth"]
    for ax in above:
        assert_allclose(stairs(ax), [display.source])
    truth, _, model = stairs(right)
    assert_allclose(truth, display.moved["truth"])
    assert_allclose(model, display.moved["model"])
    with pytest.raises(ValueError, match=r"axes must be 2 .* got 1"):
        display.plot(axes[0])


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_marginals_stand_in_line_with_the_plan(moved, log, given):
    x, y = moved
    display = make(x, y).plot(plt.subplots()[1] if given else None, log=log)
    display.figure_.canvas.draw()
    (ax,), (above, right) = display.axes_, display.marginal_axes_
    plan, top, side = (each.get_window_extent() for each in (ax, above, right))
    assert_allclose([top.x0, top.x1], [plan.x0, plan.x1])
    assert_allclose([side.y0, side.y1], [plan.y0, plan.y1])
    assert above.get_xlim() == ax.get_xlim()
    assert right.get_ylim() == ax.get_ylim()
    everything = display.figure_.get_tightbbox()
    assert everything.y1 <= display.figure_.get_figheight()
    assert above.get_yscale() == right.get_xscale() == ("log" if log else "linear")


# From estimators.


def test_from_simulator(smear, pairs):
    X, y = pairs
    drawn = smear.sample(X, n_samples=2, random_state=0)
    display = from_estimator(smear, X, y, feature="jet_phi", n_samples=2, random_state=0)
    assert_same(display, make(X["jet_phi"], drawn[..., 2], y["jet_phi"]))
    assert display.labels[0] == r"jet $\phi$, theory level [rad]"
    alone = from_estimator(smear, X, feature="jet_pt", random_state=0)
    assert_same(alone, make(X["jet_pt"], smear.sample(X, random_state=0)[:, 0]))
    assert alone.labels[1] == "jet $p_T$, detector level [GeV]"
    position = from_estimator(smear, X[X.columns[::-1]], y, feature=0, random_state=0)
    assert position.labels[0] == "jet $p_T$, theory level [GeV]"  # the column of that name


def test_columns_of_another_name(smear, pairs):
    X, y = pairs
    quarks = X.rename(columns=lambda name: name.replace("jet", "quark"))
    display = from_estimator(
        smear, quarks, y, feature="jet_pt", theory_feature="quark_pt", random_state=0
    )
    assert_same(display, from_estimator(smear, X, y, feature="jet_pt", random_state=0))
    assert display.labels[0] == "quark $p_T$, theory level [GeV]"
    with pytest.raises(ValueError, match=r"'jet_pt' is not a column of X: \['quark_pt'"):
        from_estimator(smear, quarks, y, feature="jet_pt")


def test_unpaired_truth_of_an_estimator(smear, pairs):
    X, y = pairs
    other = y[:400].reset_index(drop=True)
    settings = {"feature": "jet_pt", "random_state": 0}
    display = from_estimator(smear, X, other, paired=False, **settings)
    drawn = smear.sample(X, random_state=0)[:, 0]
    assert_same(display, make(X["jet_pt"], drawn, other["jet_pt"], paired=False))
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 600 and 400"):
        from_estimator(smear, X, other, **settings)


def test_inverse_direction(sharpen, pairs):
    X, y = pairs
    settings = {"feature": "jet_pt", "direction": "inverse", "random_state": 0}
    drawn = sharpen.sample_inverse(y, random_state=0)[:, 0]
    display = from_estimator(sharpen, X, y, **settings)
    assert_same(display, make(y["jet_pt"], drawn, X["jet_pt"]))
    assert display.labels == ("jet $p_T$, detector level [GeV]", "jet $p_T$, theory level [GeV]")
    unknown = from_estimator(sharpen, None, y, **settings)
    assert_same(unknown, make(y["jet_pt"], drawn))
    renamed = y.rename(columns={"jet_pt": "pt"})
    display = from_estimator(
        sharpen, X, renamed, **settings | {"feature": "pt", "theory_feature": "jet_pt"}
    )
    assert display.labels[0] == "$p_T$, detector level [GeV]"


def test_transformer_acts_on_all_levels(smear, pairs):
    X, y = pairs
    scaler = StandardScaler().set_output(transform="pandas")
    display = from_estimator(smear, X, y, feature="jet_pt", transformer=scaler, random_state=0)
    scaler.fit(y)
    drawn = pd.DataFrame(smear.sample(X, random_state=0), columns=y.columns)
    sides = [scaler.transform(table)["jet_pt"] for table in (X, drawn, y)]
    assert_same(display, make(*sides))
    alone = from_estimator(smear, X, feature="jet_pt", transformer=scaler, random_state=0)
    assert_same(alone, make(*sides[:2]))


def test_levels_of_other_columns_have_a_transformer_each(relabel, levels):
    X, y = levels
    features = KinematicFeatures(["px(jet)"], passthrough=False)
    sides = [clone(features).fit(side).transform(side)["jet_px"] for side in levels]
    for direction, (source, truth) in (("forward", sides), ("inverse", sides[::-1])):
        settings = {"feature": "jet_px", "direction": direction}
        display = from_estimator(relabel, X, y, transformer=features, **settings)
        assert_same(display, make(source, source, truth))
    lacks = "X has no column 'met_pt', which the transformer takes"
    with pytest.raises(ValueError, match=lacks):
        from_estimator(relabel, X, y, feature="jet_px", transformer=features.fit(y))
    # One scaler for each level would hide how they differ.
    scaler = StandardScaler().set_output(transform="pandas")
    with pytest.raises(ValueError, match=lacks):
        from_estimator(relabel, X, y, feature="jet_pt", transformer=scaler)


def test_from_a_flow_with_one_target(pairs):
    X, y = (table[["jet_pt"]] for table in pairs)
    settings = {"n_transforms": 1, "hidden_features": (8,), "n_bins": 4, "max_epochs": 1}
    for target in (y, y["jet_pt"]):
        flow = FlowSimulator(**settings, device="cpu", random_state=0).fit(X, target)
        for n_samples in (None, 2):
            known = from_estimator(
                flow, X, target, feature="jet_pt", n_samples=n_samples, random_state=0
            )
            unknown = from_estimator(
                flow, X, feature="jet_pt", n_samples=n_samples, random_state=0, bins=known.edges
            )
            assert_allclose(unknown.contents["model"], known.contents["model"])
            assert unknown.labels == known.labels


# Warnings and errors.


def test_rows_that_plainly_do_not_correspond(moved):
    x, y = moved
    weight, phi = np.linspace(0, 1, 4000), np.pi * (x - 60) / 40
    order = np.random.default_rng(0).permutation(4000)
    for before, after, settings in (
        (x, y + 1000, {}),
        (x, y, {"sample_weight": weight}),
        (phi, phi + 0.5, {"name": "met_phi"}),
    ):
        make(before, after, after, **settings)
        with pytest.warns(UserWarning, match=r"correlation of .* Pass paired=False"):
            make(before, after, after[order], **settings)
        make(before, after, after[order], paired=False, **{**settings, "sample_weight": None})
    make(x, y, np.full(4000, 60.0))
    make(x[:300], y[:300], y[order][:300])  # too few to say


def test_bad_samples(moved):
    x, y = moved
    with pytest.raises(ValueError, match="direction must be one of"):
        make(x, y, direction="backward")
    with pytest.raises(ValueError, match="X has 4000 events, but generated has 3999"):
        make(x, y[1:])
    with pytest.raises(ValueError, match=r"truth has 10: .*paired=False"):
        make(x, y, y[:10])
    with pytest.raises(ValueError, match="truth_weight is for an unpaired truth"):
        make(x, y, y, truth_weight=np.ones(4000))
    with pytest.raises(ValueError, match="sample_weight is negative"):
        make(x, y, sample_weight=-np.ones(4000))
    with pytest.raises(ValueError, match="generated contains NaN"):
        make(x, y * np.nan)
    with pytest.raises(ValueError, match="X has 2 columns"):
        make(np.stack([x, x], axis=1), y)
    with pytest.raises(ValueError, match="bins must be at least 2"):
        make(x, y, bins=1)
    with pytest.raises(ValueError, match="name must be a name, or a pair"):
        make(x, y, name=("a", "b", "c"))
    with pytest.raises(ValueError, match="No event lies between 0 and 120"):
        make(x, y + 1000, range=(0, 120))
    with pytest.raises(ValueError, match=r"Row i of X and truth must be the same event"):
        make(pd.Series(x), y, pd.Series(y)[::-1])


def test_bad_estimators(smear, sharpen, pairs):
    X, y = pairs
    with pytest.raises(TypeError, match="GaussianMixture is a generator"):
        from_estimator(GaussianMixture().fit(X), X, y, feature="jet_pt")
    with pytest.raises(TypeError, match="Sharpen is an unfolder"):
        from_estimator(sharpen, X, y, feature="jet_pt", direction="forward")
    with pytest.raises(TypeError, match="Smear cannot unfold"):
        from_estimator(smear, X, y, feature="jet_pt", direction="inverse")
    with pytest.raises(ValueError, match="draws X for y with Sharpen: pass y"):
        from_estimator(sharpen, X, feature="jet_pt", direction="inverse")
    with pytest.raises(ValueError, match=r"'met_pt' is not a column of y: \['jet_pt'"):
        from_estimator(smear, X, y, feature="met_pt")
    rejected = y.copy()
    rejected.iloc[3] = 0.0
    with pytest.raises(ValueError, match="y is zero in all columns of row 3"):
        from_estimator(smear, X, rejected, feature="jet_pt")

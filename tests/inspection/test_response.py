"""ResponseDisplay: residuals, and detector level against another level."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skjetsim.inspection import MarginalDisplay, ResponseDisplay
from skjetsim.preprocessing import KinematicFeatures

FEATURE = {"feature": "jet_pt"}


def cells(ax):
    """Drawn cells, x first, zero where nothing is drawn."""
    (mesh,) = [each for each in ax.collections if isinstance(each, QuadMesh)]
    return np.ma.filled(np.ma.masked_invalid(mesh.get_array()), 0).T


# Residuals.


def test_residuals(pairs):
    X, y = pairs
    generated = X * 1.05
    display = ResponseDisplay.from_samples(y, generated, X=X, **FEATURE, bins=20)
    expected = MarginalDisplay.from_samples(
        y["jet_pt"] - X["jet_pt"], generated["jet_pt"] - X["jet_pt"], bins=20
    )
    assert_allclose(display.marginal.edges, expected.edges)
    assert_allclose(display.marginal.generated, expected.generated)
    assert display.marginal.name == "jet $p_T$: detector $-$ generator [GeV]"


def test_residuals_of_angles_are_wrapped(pairs):
    X, y = pairs
    display = ResponseDisplay.from_samples(y, X, X=X, feature="jet_phi")
    assert np.abs(display.marginal.edges).max() < 0.5
    arrays = ResponseDisplay.from_samples(y["jet_phi"], X["jet_phi"], X=X, feature="jet_phi")
    assert_allclose(arrays.marginal.truth, display.marginal.truth)


def test_residuals_of_draws_and_members(pairs):
    X, y = pairs
    theory = X["jet_pt"].to_numpy()
    draws = theory[:, None] * np.array([0.9, 1.0, 1.1])
    display = ResponseDisplay.from_samples(
        y["jet_pt"].to_numpy(), draws, X=theory, **FEATURE, bins=20
    )
    residual = (y["jet_pt"] - X["jet_pt"]).to_numpy()
    expected = MarginalDisplay.from_samples(residual, draws - theory[:, None], bins=20)
    assert_allclose(display.marginal.generated, expected.generated)
    assert_allclose(display.marginal.generated_error, expected.generated_error)
    members = np.stack([draws, 1.01 * draws])  # (n_members, n, k)
    display = ResponseDisplay.from_samples(
        y["jet_pt"].to_numpy(), X=theory, members=members, **FEATURE, bins=20
    )
    expected = MarginalDisplay.from_samples(
        residual, members=members - theory[None, :, None], bins=20
    )
    assert_allclose(display.marginal.systematic, expected.systematic)
    table = np.stack([y.to_numpy(), X.to_numpy()])  # (n_members, n, d)
    display = ResponseDisplay.from_samples(y, X=X, members=table, **FEATURE, bins=20)
    expected = MarginalDisplay.from_samples(residual, members=[residual, np.zeros(len(X))], bins=20)
    assert_allclose(display.marginal.systematic, expected.systematic)


def test_weights_count_on_both_sides(pairs):
    X, y = pairs
    weight = np.where(X["jet_pt"] > 60, 3.0, 1.0)
    display = ResponseDisplay.from_samples(y, y, X=X, **FEATURE, sample_weight=weight)
    assert_allclose(display.marginal.generated, display.marginal.truth)
    unweighted = ResponseDisplay.from_samples(y, y, X=X, **FEATURE)
    assert not np.allclose(display.marginal.truth, unweighted.marginal.truth)


def test_residuals_are_drawn_by_the_marginal_display(pairs):
    X, y = pairs
    figure, axes = plt.subplots(2, 1)
    display = ResponseDisplay.from_samples(y, X * 1.05, X=X, **FEATURE)
    assert display.plot(axes) is display
    assert display.figure_ is figure
    assert display.axes_ == tuple(axes)
    assert axes[0].get_yscale() == "log"
    assert axes[1].get_xlabel() == display.marginal.name
    with pytest.raises(ValueError, match="axes must be 2"):
        display.plot(axes[0])


# Two levels.


def test_generator_against_detector_level(pairs):
    X, y = pairs
    generated = X * 1.05
    edges = np.linspace(20, 90, 15)
    display = ResponseDisplay.from_samples(
        y, generated, X=X, **FEATURE, kind="gen_vs_reco", bins=edges
    )
    assert list(display.contents) == ["truth", "simulated"]
    for title, side in (("truth", y), ("simulated", generated)):
        pt = X["jet_pt"], side["jet_pt"]
        counts, _, _ = np.histogram2d(*pt, [edges, edges])
        assert_allclose(display.contents[title], counts / len(X))
        assert_allclose(display.correlations[title], np.corrcoef(*pt)[0, 1])
    display.plot()
    for ax, contents in zip(display.axes_, display.contents.values(), strict=True):
        assert_allclose(cells(ax), contents)
        note = ax.texts[0].get_text()
        assert f"{100 * (1 - contents.sum()):.2f}% outside" in note
    first, second = display.axes_
    assert f"r = {display.correlations['truth']:.4f}" in first.texts[0].get_text()
    assert first.get_title() == "truth"
    assert first.get_xlabel() == "jet $p_T$, generator level [GeV]"
    assert first.get_ylabel() == "jet $p_T$, detector level [GeV]"
    norms = [ax.collections[0].norm for ax in (first, second)]
    assert norms[0] is norms[1]  # one colour means one fraction
    assert norms[0].vmax == max(table.max() for table in display.contents.values())


def test_predicted_against_second_pass(pairs):
    X, y = pairs
    second_pass = y * 1.01
    display = ResponseDisplay.from_samples(
        y, X, X=X, **FEATURE, kind="pred_vs_reco", second_pass=second_pass
    )
    assert list(display.contents) == ["simulated", "second detector pass"]
    assert_allclose(display.correlations["second detector pass"], 1)
    assert_allclose(display.correlations["simulated"], np.corrcoef(X["jet_pt"], y["jet_pt"])[0, 1])
    alone = ResponseDisplay.from_samples(y, X, X=X, **FEATURE, kind="pred_vs_reco").plot()
    assert len(alone.axes_) == 1
    assert alone.axes_[0].get_ylabel() == "jet $p_T$, simulated [GeV]"
    assert_allclose(alone.contents["simulated"], display.contents["simulated"])


def test_draws_and_weights_in_two_dimensions(pairs):
    X, y = pairs
    weight = np.linspace(1, 2, len(X))
    draws = np.stack([y.to_numpy(), 1.1 * y.to_numpy()], axis=1)  # (n, k, d)
    settings = {"X": X, "kind": "pred_vs_reco", "bins": np.linspace(10, 120, 12), **FEATURE}
    display = ResponseDisplay.from_samples(y, draws, **settings, sample_weight=weight)
    twice = pd.concat([y, y], ignore_index=True)
    expected = ResponseDisplay.from_samples(
        twice,
        pd.concat([y, 1.1 * y], ignore_index=True),
        **settings | {"X": twice},
        sample_weight=np.tile(weight, 2),
    )
    assert_allclose(display.contents["simulated"], expected.contents["simulated"])
    assert_allclose(display.correlations["simulated"], expected.correlations["simulated"])
    members = np.moveaxis(draws, 1, 0)
    display = ResponseDisplay.from_samples(y, members=members, **settings, sample_weight=weight)
    assert_allclose(display.contents["simulated"], expected.contents["simulated"])


def test_correlation_of_angles_has_no_seam(pairs):
    X, y = pairs
    settings = {"X": X, "feature": "jet_phi", "kind": "pred_vs_reco"}
    rotated = y.assign(jet_phi=(y["jet_phi"] + 0.1 + np.pi) % (2 * np.pi) - np.pi)
    near = ResponseDisplay.from_samples(y, rotated, **settings)
    assert near.correlations["simulated"] > 0.99
    assert_allclose(near.edges[[0, -1]], [-np.pi, np.pi])
    shuffled = y.sample(frac=1, random_state=0)
    far = ResponseDisplay.from_samples(y, shuffled.to_numpy(), **settings)
    assert abs(far.correlations["simulated"]) < 0.15


def test_a_constant_model_has_no_correlation(pairs):
    X, y = pairs
    display = ResponseDisplay.from_samples(y, y * 0 + 5, X=X, **FEATURE, kind="gen_vs_reco")
    assert np.isnan(display.correlations["simulated"])
    display.plot(log=False)


@pytest.mark.parametrize("kind", ["gen_vs_reco", "pred_vs_reco"])
def test_bins_must_hold_events(pairs, kind):
    X, y = pairs
    low, below = (side.assign(jet_pt=side["jet_pt"] - 1000) for side in (X, y))
    with pytest.raises(ValueError, match=r"No event lies between .* choose bins or range"):
        ResponseDisplay.from_samples(y, below, X=low, **FEATURE, kind=kind, range=(20, 100))


def test_given_axes_are_kept(pairs):
    X, y = pairs
    figure, axes = plt.subplots(1, 2)
    display = ResponseDisplay.from_samples(y, X, X=X, **FEATURE, kind="gen_vs_reco").plot(axes)
    assert display.axes_ == tuple(axes)
    assert display.figure_ is figure
    with pytest.raises(ValueError, match=r"axes must be 2 .* got 1"):
        display.plot(axes[0])


# From estimators.


def test_from_simulator(smear, ensemble, pairs):
    X, y = pairs
    for kind in ("residual", "gen_vs_reco", "pred_vs_reco"):
        display = ResponseDisplay.from_estimator(
            smear, X, y, **FEATURE, kind=kind, n_samples=2, random_state=0
        )
        draws = smear.sample(X, n_samples=2, random_state=0)
        expected = ResponseDisplay.from_samples(y, draws, X=X, **FEATURE, kind=kind)
        if kind == "residual":
            assert_allclose(display.marginal.generated, expected.marginal.generated)
        else:
            assert_allclose(display.contents["simulated"], expected.contents["simulated"])
    display = ResponseDisplay.from_estimator(ensemble, X, y, **FEATURE, random_state=0)
    assert (display.marginal.systematic > 0).any()


def test_transformer_acts_on_all_levels(smear, pairs):
    X, y = pairs
    smear.width = 0.0
    wider = X.assign(neutrino_pt=1.0)  # the theory level knows more
    scaler = StandardScaler().set_output(transform="pandas")
    display = ResponseDisplay.from_estimator(
        _OfColumns(smear, list(y.columns)),
        wider,
        y,
        **FEATURE,
        kind="pred_vs_reco",
        transformer=scaler,
        second_pass=y,
    )
    scaled = scaler.fit_transform(y)["jet_pt"], scaler.transform(X)["jet_pt"]
    counts, _, _ = np.histogram2d(*scaled, [display.edges] * 2)
    assert_allclose(display.contents["simulated"], counts / len(X))
    assert_allclose(display.correlations["second detector pass"], 1)


class _OfColumns(FunctionTransformer):
    """A simulator that looks at some columns of X."""

    def __init__(self, simulator, columns):
        super().__init__()
        self.simulator = simulator
        self.columns = columns

    def __sklearn_tags__(self):
        return self.simulator.__sklearn_tags__()

    def sample(self, X, **settings):
        return self.simulator.sample(X[self.columns], **settings)


def test_levels_of_other_columns_have_a_transformer_each(relabel, levels):
    X, y = levels
    features = KinematicFeatures(["px(jet)"], passthrough=False)
    display = ResponseDisplay.from_estimator(relabel, X, y, feature="jet_px", transformer=features)
    before, after = (clone(features).fit(side).transform(side) for side in levels)
    expected = ResponseDisplay.from_samples(after, before, X=before, feature="jet_px")
    assert_allclose(display.marginal.truth, expected.marginal.truth)
    assert_allclose(display.marginal.generated, expected.marginal.generated)


# Errors.


def test_bad_settings(pairs):
    X, y = pairs

    def make(truth=y, generated=X, X=X, **settings):
        return ResponseDisplay.from_samples(truth, generated, X=X, **FEATURE | settings)

    with pytest.raises(ValueError, match="kind must be one of"):
        make(kind="reco_vs_gen")
    with pytest.raises(ValueError, match="second_pass is for kind"):
        make(second_pass=y)
    with pytest.raises(ValueError, match="bins must be at least 2"):
        make(bins=1, kind="gen_vs_reco")
    with pytest.raises(TypeError, match="exactly one"):
        make(members=[X, X])
    with pytest.raises(ValueError, match="sample_weight is negative"):
        make(kind="gen_vs_reco", sample_weight=-np.ones(len(X)))
    with pytest.raises(ValueError, match=r"'met_pt' is not a column of truth: \['jet_pt'"):
        make(feature="met_pt")
    with pytest.raises(ValueError, match=r"'jet_pt' is not a column of X: \['jet_eta'\]"):
        make(X=X[["jet_eta"]])
    with pytest.raises(ValueError, match="truth has 600 events, but X has 599"):
        make(X=X[1:])
    with pytest.raises(ValueError, match="truth has 600 events, but generated has 599"):
        make(generated=X[1:])
    with pytest.raises(ValueError, match="truth has 600 events, but generated has 599"):
        make(generated=X[1:].to_numpy())
    with pytest.raises(ValueError, match=r"generated has shape \(600,\)"):
        make(generated=X["jet_pt"].to_numpy())
    with pytest.raises(ValueError, match="member 1 has shape"):
        make(generated=None, members=[X, X[1:]])
    with pytest.raises(ValueError, match="generated contains NaN"):
        make(generated=X.to_numpy() * np.nan)
    with pytest.raises(ValueError, match="truth has 600 events, but second_pass has 10"):
        make(second_pass=y[:10], kind="pred_vs_reco")


def test_bad_estimators(smear, pairs):
    X, y = pairs
    with pytest.raises(TypeError, match="GaussianMixture is neither a simulator nor an unfolder"):
        ResponseDisplay.from_estimator(GaussianMixture(), X, y, **FEATURE)
    with pytest.raises(ValueError, match="pass the detector level y"):
        ResponseDisplay.from_estimator(smear, X, None, **FEATURE)
    with pytest.raises(ValueError, match=r"X has no column 'jet_eta', which the transformer"):
        ResponseDisplay.from_estimator(
            _Ignorant(smear, ["jet_pt"]),
            X[["jet_pt"]],
            y,
            **FEATURE,
            transformer=StandardScaler(),
        )


class _Ignorant(_OfColumns):
    """A simulator of three columns from one."""

    def sample(self, X, **settings):
        return np.repeat(self.simulator.sample(X, **settings), 3, axis=1)

"""Unfolder: posteriors in closed form, and conventions of scikit-learn with any simulator."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from unfolding_toys import NOISE, GaussianRegression, NoDensity, frames, gaussian_pairs, posterior

import skjetsim
from skjetsim import load, log_prob, sample_inverse, save
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.compose import EnsembleSimulator, ResidualTransformer, TransformedSimulator, Unfolder
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import LogLikelihoodScorer, energy_score, get_scorer, get_scorer_names
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer
from skjetsim.response import QuantileSimulator, make_wjet_pipeline

SMALL_NETWORK = {"hidden_features": (8,), "max_epochs": 2, "device": "cpu", "random_state": 0}
FLOW = SMALL_NETWORK | {"n_transforms": 2, "n_bins": 4}

SIMULATORS = {
    "flow": FlowSimulator(**FLOW),
    "quantiles": QuantileSimulator(n_quantiles=4, **SMALL_NETWORK),
    "transformed": TransformedSimulator(FlowSimulator(**FLOW), [StandardScaler()]),
    "residual": TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()]),
    "pipeline": make_pipeline(StandardScaler(), FlowSimulator(**FLOW)),
    "ensemble": EnsembleSimulator(FlowSimulator(**FLOW), n_estimators=2, random_state=0),
}
every_simulator = pytest.mark.parametrize("simulator", SIMULATORS.values(), ids=SIMULATORS)


@pytest.fixture(scope="module")
def toy():
    """An unfolder that is fitted on DataFrames, and the DataFrames."""
    X, y = frames()
    return Unfolder(GaussianRegression(random_state=0)).fit(X, y), X, y


# Posteriors.


def test_posterior_of_a_gaussian():
    unfolder = Unfolder(GaussianRegression()).fit(*gaussian_pairs(20_000))
    y = np.array([[-1.5], [0.0], [2.0]])
    drawn = unfolder.sample_inverse(y, n_samples=4000, random_state=0)
    mean, width = posterior(y)
    assert_allclose(drawn.mean(axis=1), mean, atol=0.04)
    assert_allclose(drawn.std(axis=1), width, atol=0.02)
    X = np.array([[-1.0], [0.3], [1.0]])
    expected = norm.logpdf(X, mean, width)[:, 0]
    assert_allclose(unfolder.score_samples(X, y), expected, atol=0.03)
    assert unfolder.score(X, y) == pytest.approx(expected.mean(), abs=0.03)


def test_posterior_of_a_flow():
    flow = FlowSimulator(**FLOW | {"max_epochs": 8, "batch_size": 128, "weight_decay": 0.0})
    unfolder = Unfolder(flow).fit(*gaussian_pairs(2000))
    y = np.array([[-1.0], [0.0], [1.0]])
    drawn = unfolder.sample_inverse(y, n_samples=2000, random_state=0)
    mean, width = posterior(y)
    assert_allclose(drawn.mean(axis=1), mean, atol=0.1)
    assert_allclose(drawn.std(axis=1), width, atol=0.08)
    # The inverse of the smearing alone would be as wide as the noise.
    assert (drawn.std(axis=1) < NOISE - 0.05).all()


def test_prior_is_that_of_the_training_events():
    X, y = gaussian_pairs(20_000)
    weight = np.exp(0.5 * X[:, 0] - 0.125)  # N(0, 1) becomes N(0.5, 1)
    weighted = Unfolder(GaussianRegression()).fit(X, y, sample_weight=weight)
    at = np.array([[0.0]])
    drawn = weighted.sample_inverse(at, n_samples=4000, random_state=0)
    assert drawn.mean() == pytest.approx(posterior(0.0, mean=0.5)[0], abs=0.04)


def test_one_draw_a_row_spreads_like_the_prior():
    X, y = gaussian_pairs(5000)
    unfolder = Unfolder(GaussianRegression(random_state=0)).fit(X, y)
    unfolded = unfolder.inverse_transform(y)
    assert np.std(unfolded) == pytest.approx(1.0, abs=0.05)
    assert np.std(y) > 1.15
    assert_array_equal(unfolded, unfolder.inverse_transform(y))


def test_score_without_a_density_is_minus_the_energy_score():
    X, y = gaussian_pairs(300)
    unfolder = Unfolder(NoDensity(random_state=0)).fit(X, y)
    assert not hasattr(unfolder, "score_samples")
    drawn = unfolder.sample_inverse(y, n_samples=10, random_state=0)
    assert unfolder.score(X, y) == pytest.approx(-energy_score(X, drawn, scale="std"))
    weight = np.linspace(0, 1, 300)
    expected = -energy_score(X, drawn, sample_weight=weight, scale="std")
    assert unfolder.score(X, y, sample_weight=weight) == pytest.approx(expected)
    order = np.random.default_rng(0).permutation(300)
    assert unfolder.score(X, y[order]) < unfolder.score(X, y) - 0.2


# Any simulator.


@every_simulator
def test_any_simulator_unfolds(simulator):
    X, y = (side.to_numpy() for side in frames())
    unfolder = Unfolder(simulator).fit(X, y)
    assert unfolder.inverse_transform(y[:5]).shape == (5, 2)
    draws = unfolder.sample_inverse(y[:5], n_samples=3, random_state=0)
    assert draws.shape == (5, 3, 2)
    assert (np.ptp(draws, axis=1) > 0).all()
    density = unfolder.score_samples(X, y)
    assert np.isfinite(density).all()
    assert unfolder.score(X, y) == pytest.approx(density.mean())
    by_hand = clone(simulator).fit(y, X)
    assert_array_equal(
        unfolder.sample_inverse(y, random_state=2), skjetsim.sample(by_hand, y, random_state=2)
    )
    assert_allclose(density, log_prob(by_hand, y, X))


@every_simulator
def test_weights_reach_the_simulator(simulator):
    X, y = (side.to_numpy() for side in frames())
    far = np.full((2, 2), 1e6)
    weight = np.r_[np.ones(len(X)), 0.0, 0.0]
    weighted = Unfolder(simulator).fit(np.r_[X, far], np.r_[y, far], sample_weight=weight)
    drawn = weighted.sample_inverse(y, random_state=0)
    assert np.abs(drawn).max() < 1e4


@every_simulator
def test_the_same_events_come_back_from_a_file(simulator, tmp_path):
    X, y = (side.to_numpy() for side in frames())
    unfolder = Unfolder(simulator).fit(X, y)
    save(unfolder, tmp_path / "unfolder.skjetsim")
    again = load(tmp_path / "unfolder.skjetsim")
    assert repr(again) == repr(unfolder)
    assert sorted(vars(again)) == sorted(vars(unfolder))
    assert_array_equal(
        again.sample_inverse(y, random_state=1), unfolder.sample_inverse(y, random_state=1)
    )


def test_a_search_inside_is_refitted_and_used():
    X, y = gaussian_pairs(200)
    search = GridSearchCV(GaussianRegression(), {"random_state": [3]}, cv=2)
    unfolder = Unfolder(search).fit(X, y)
    assert unfolder.sample_inverse(y).shape == (200, 1)
    assert unfolder.score_samples(X, y).shape == (200,)


def test_canonical_coordinates_of_w_jet():
    X, y = skjetsim.datasets.load_wjet(return_X_y=True)
    X, y = X[:600], y[:600]
    unfolder = Unfolder(make_wjet_pipeline(FlowSimulator(**FLOW))).fit(X, y)
    unfolder.set_output(transform="pandas")
    drawn = unfolder.inverse_transform(y)
    assert list(drawn.columns) == list(X.columns)
    assert (drawn["jet_mass"] > 0).all()
    # The muon is measured well, so that residuals are small.
    assert np.median(np.abs(drawn["muon_px"] - X["muon_px"])) < 2.0


def test_parameters_are_cloned_and_not_fitted():
    simulator = GaussianRegression()
    unfolder = Unfolder(simulator).fit(*gaussian_pairs(50))
    assert not hasattr(simulator, "line_")
    assert not hasattr(clone(unfolder), "simulator_")
    assert unfolder.set_params(simulator__random_state=5).random_state == 5
    piped = Unfolder(make_pipeline(StandardScaler(), GaussianRegression(random_state=7)))
    assert piped.random_state == 7


# Kind, names and shapes.


def test_kind_and_methods(toy):
    unfolder, X, _ = toy
    piped = make_pipeline(StandardScaler(), Unfolder(GaussianRegression()))
    search = GridSearchCV(unfolder, {"simulator__random_state": [0]})
    for model in (unfolder, piped, search):
        assert is_unfolder(model)
        assert not is_simulator(model)
        assert not is_generator(model)
    for method in ("sample", "transform", "fit_transform", "predict"):
        assert not hasattr(unfolder, method)
    with pytest.raises(TypeError, match="draws X for a given y"):
        skjetsim.sample(unfolder, X)


def test_names_of_both_sides(toy):
    unfolder, X, y = toy
    assert list(unfolder.feature_names_in_) == ["muon_pt", "jet_pt"]
    assert list(unfolder.target_names_in_) == ["reco_muon_pt", "reco_jet_pt"]
    assert (unfolder.n_features_in_, unfolder.n_targets_) == (2, 2)
    condition, target, _ = unfolder.simulator_.seen_
    assert list(condition.columns) == list(y.columns)
    assert list(target.columns) == list(X.columns)


def test_set_output_names_the_theory_level(toy):
    X, y = toy[1:]
    unfolder = Unfolder(GaussianRegression(random_state=0)).set_output(transform="pandas").fit(X, y)
    rows = y.iloc[10:15]
    for drawn in (unfolder.inverse_transform(rows), unfolder.sample_inverse(rows)):
        assert list(drawn.columns) == list(X.columns)
        assert list(drawn.index) == list(rows.index)
    assert type(unfolder.sample_inverse(rows, n_samples=2)) is np.ndarray
    assert (
        clone(unfolder).fit(X, y).inverse_transform(rows).equals(unfolder.inverse_transform(rows))
    )
    plain = unfolder.set_output(transform=None).set_output(transform="default")
    assert type(plain.inverse_transform(rows)) is np.ndarray
    unnamed = clone(unfolder).set_output(transform="pandas").fit(X.to_numpy(), y.to_numpy())
    assert list(unnamed.inverse_transform(y.to_numpy()).columns) == ["x0", "x1"]


def test_one_measured_column():
    X, y = gaussian_pairs(100)
    unfolder = Unfolder(FlowSimulator(**FLOW)).fit(X, y[:, 0])
    assert unfolder.target_shape_ == ()
    assert unfolder.inverse_transform(y[:7, 0]).shape == (7, 1)
    named = Unfolder(FlowSimulator(**FLOW)).fit(X, pd.Series(y[:, 0], name="reco_pt"))
    assert list(named.target_names_in_) == ["reco_pt"]
    drawn = named.sample_inverse(pd.Series(y[:7, 0], name="reco_pt"), random_state=0)
    assert_array_equal(drawn, unfolder.sample_inverse(y[:7, 0], random_state=0))


def test_clouds_come_back_as_clouds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4, 3))
    y = X[:, :3] + 0.1 * rng.normal(size=(60, 3, 3))
    unfolder = Unfolder(FlowSimulator(**FLOW)).set_output(transform="pandas").fit(X, y)
    assert unfolder.inverse_transform(y[:5]).shape == (5, 4, 3)
    assert unfolder.sample_inverse(y[:5], n_samples=2).shape == (5, 2, 4, 3)
    assert unfolder.score_samples(X, y).shape == (60,)


def test_no_events_give_an_empty_result(toy):
    unfolder, _, y = toy
    assert unfolder.sample_inverse(y.iloc[:0]).shape == (0, 2)
    assert unfolder.sample_inverse(y.iloc[:0], n_samples=4).shape == (0, 4, 2)


# Pipelines, searches and scorers.


def momenta(n_events=150):
    rng = np.random.default_rng(0)
    names = ["muon_px", "muon_py", "muon_pz"]
    X = rng.normal(0, 30, (n_events, 3))
    y = X + rng.normal(0, 0.5, X.shape)
    return pd.DataFrame(X, columns=names), pd.DataFrame(y, columns=names)


def test_last_in_a_pipeline_by_hand():
    X, y = momenta()
    into = CartesianToCylindrical().fit(X)
    model = make_pipeline(CartesianToCylindrical(), Unfolder(FlowSimulator(**FLOW))).fit(X, y)
    flow = FlowSimulator(**FLOW).fit(y, into.transform(X))
    expected = into.inverse_transform(flow.sample(y, random_state=2))
    assert_allclose(sample_inverse(model, y, random_state=2), expected)
    assert_allclose(model.inverse_transform(y), into.inverse_transform(flow.transform(y)))
    draws = sample_inverse(model, y, n_samples=3, random_state=2)
    assert draws.shape == (150, 3, 3)
    density = flow.score_samples(y, into.transform(X)) + into.log_det_jacobian(X)
    assert_allclose(log_prob(model, X, y), density)
    assert LogLikelihoodScorer().score(model, X, y) == pytest.approx(density.mean())


def test_density_through_a_step_without_jacobian():
    X, y = gaussian_pairs(50)
    model = make_pipeline(FunctionTransformer(np.sinh, np.arcsinh), Unfolder(GaussianRegression()))
    model.fit(X, y)
    assert model.inverse_transform(y).shape == (50, 1)
    with pytest.raises(TypeError, match="FunctionTransformer"):
        log_prob(model, X, y)


@pytest.mark.parametrize("name", get_scorer_names())
def test_scorers_prefer_the_posterior(name):
    X, y = gaussian_pairs(600)
    scorer = get_scorer(name)
    if name != "log_likelihood":
        scorer.set_params(direction="inverse")
    if name == "neg_abs_auc_minus_half":
        scorer.set_params(classifier="trees")
    unfolder = Unfolder(GaussianRegression(random_state=0)).fit(X, y)
    order = np.random.default_rng(0).permutation(600)
    untaught = Unfolder(GaussianRegression(random_state=0)).fit(X[order], y)
    good = scorer(make_pipeline(StandardScaler(), unfolder).fit(X, y), X, y)
    assert good > scorer(untaught, X, y)


def test_forward_scorers_refuse_it(toy):
    with pytest.raises(TypeError, match='score it with direction="inverse"'):
        get_scorer("neg_energy_score")(*toy)


def test_model_selection():
    X, y = momenta()
    model = make_pipeline(CartesianToCylindrical(), Unfolder(FlowSimulator(**FLOW)))
    scores = cross_val_score(model, X, y, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    search = GridSearchCV(
        model,
        {"unfolder__simulator__n_bins": [2, 4]},
        scoring=get_scorer("neg_energy_score").set_params(direction="inverse"),
        cv=KFold(2, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(X, y)
    assert sample_inverse(search, y, n_samples=2).shape == (150, 2, 3)
    assert search.inverse_transform(y).shape == (150, 3)


def test_weights_through_a_pipeline():
    X, y = gaussian_pairs(50)
    weight = np.linspace(0, 1, 50)
    model = make_pipeline(StandardScaler(), Unfolder(GaussianRegression()))
    model.fit(X, y, unfolder__sample_weight=weight)
    assert_array_equal(model[-1].simulator_.seen_[2], weight)


# Bad input and faults.


@pytest.mark.parametrize(
    "simulator",
    [LinearRegression(), StandardScaler(), FlowGenerator(), FlowSimulator, None],
    ids=["regressor", "transformer", "generator", "class", "none"],
)
def test_the_simulator_must_be_a_simulator(simulator):
    with pytest.raises(TypeError, match="simulator must be a simulator, got"):
        Unfolder(simulator).fit(*gaussian_pairs(20))


def test_errors_of_bad_events_name_the_level(toy):
    unfolder, X, y = toy
    fresh = clone(unfolder)
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 200 and 199"):
        fresh.fit(X.to_numpy(), y.to_numpy()[:-1])
    with pytest.raises(ValueError, match="indices differ from row 0"):
        fresh.fit(X, y.sort_index())
    with pytest.raises(ValueError, match="requires y to be passed"):
        fresh.fit(X, None)
    bad = y.copy()
    bad.iloc[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"Input y contains NaN in column 'reco_jet_pt'.* row 3"):
        fresh.fit(X, bad)
    with pytest.raises(ValueError, match=r"Input y contains NaN in column 'reco_jet_pt'.* row 3"):
        unfolder.inverse_transform(bad)
    bad = X.copy()
    bad.iloc[5, 0] = np.inf
    with pytest.raises(ValueError, match=r"Input X contains infinity.* 'muon_pt'.* row 5"):
        fresh.fit(bad, y)
    with pytest.raises(ValueError, match="y has column 'reco_jet_pt' at position 0"):
        unfolder.sample_inverse(y[["reco_jet_pt", "reco_muon_pt"]])
    with pytest.raises(ValueError, match="y has 1 columns, but Unfolder was fitted with 2"):
        unfolder.sample_inverse(y[["reco_jet_pt"]])
    with pytest.raises(ValueError, match="feature names should match"):
        unfolder.score_samples(X[["jet_pt", "muon_pt"]], y)
    with pytest.raises(ValueError, match="sample_weight is negative in row 0"):
        fresh.fit(X, y, sample_weight=-np.ones(200))
    for n_samples in (0, -1, 2.5):
        with pytest.raises((TypeError, ValueError), match="n_samples"):
            unfolder.sample_inverse(y, n_samples=n_samples)


def test_errors_of_the_simulator_name_the_level():
    X, y = gaussian_pairs(50)
    simulator = make_pipeline(LogTransformer([0]), GaussianRegression())
    with pytest.raises(ValueError, match=r"(?s)no logarithm.*whose X is the measured y"):
        Unfolder(simulator).fit(X, y)


def test_unfitted():
    _, y = gaussian_pairs(20)
    unfolder = Unfolder(GaussianRegression())
    for method in (unfolder.sample_inverse, unfolder.inverse_transform):
        with pytest.raises(NotFittedError):
            method(y)


def test_a_failed_fit_leaves_nothing_fitted():
    X, y = gaussian_pairs(20)
    unfolder = Unfolder(GaussianRegression()).fit(X, y)
    for error in (RuntimeError("disk full"), KeyboardInterrupt()):
        unfolder.set_params(simulator__fail_with=None).fit(X, y)
        unfolder.set_params(simulator=GaussianRegression(fail_with=error))
        with pytest.raises(type(error)):
            unfolder.fit(X, y)
        with pytest.raises(NotFittedError):
            unfolder.inverse_transform(y)


class Interrupted(GaussianRegression):
    """Has learnt something before Ctrl-C."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        raise KeyboardInterrupt


def test_interrupted_fit_leaves_a_usable_unfolder():
    X, y = gaussian_pairs(100)
    unfolder = Unfolder(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        unfolder.fit(X, y)
    assert np.isfinite(unfolder.inverse_transform(y)).all()
    assert np.isfinite(unfolder.score(X, y))

"""IterativeUnfolder: finds a hidden spectrum in the steps of iterative Bayesian unfolding."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from unfolding_toys import NOISE, GaussianRegression, NoDensity, frames, gaussian_pairs

from skjetsim import load, log_prob, sample_inverse, save
from skjetsim.base import is_simulator, is_unfolder
from skjetsim.compose import IterativeUnfolder, Unfolder
from skjetsim.flows import FlowSimulator
from skjetsim.metrics import get_scorer

MEAN, WIDTH = 0.4, 0.9  # of the hidden spectrum; the simulated one is N(0, 1)
# The log-ratio of two Gaussians is a parabola: this classifier only has statistical errors.
PARABOLA = make_pipeline(PolynomialFeatures(2, include_bias=False), LogisticRegression(C=1e6))
FLOW = {
    "n_transforms": 2,
    "hidden_features": (8,),
    "n_bins": 4,
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


def iterative(classifier=PARABOLA, **params):
    return IterativeUnfolder(
        Unfolder(GaussianRegression(random_state=0)), classifier=classifier, **params
    )


def measured(n_events, seed=5):
    return gaussian_pairs(n_events, MEAN, WIDTH, seed)


def iterated_bayes(n_iterations):
    """Mean and width of the unfolded spectrum after each iteration, for infinitely many events."""
    mean, width, steps = 0.0, 1.0, []
    for _ in range(n_iterations + 1):
        share = width**2 / (width**2 + NOISE**2)
        mean = (1 - share) * mean + share * MEAN
        width = np.sqrt((1 - share) * width**2 + share**2 * (WIDTH**2 + NOISE**2))
        steps.append((mean, width))
    return np.array(steps)


@pytest.fixture(scope="module")
def unfolded():
    """An unfolder after four iterations, the measured events, and the unfolded ones."""
    model = iterative(tol=0).fit(*gaussian_pairs(20_000))
    _, y = measured(20_000)
    return model, y, model.unfold(y, random_state=0)


# The spectrum.


def test_iterations_are_those_of_iterative_bayes(unfolded):
    model, y, _ = unfolded
    draws = [each.sample_inverse(y, random_state=1) for each in model.unfolders_]
    found = [(drawn.mean(), drawn.std()) for drawn in draws]
    assert_allclose(found, iterated_bayes(4), atol=0.02)


def test_iterations_find_the_hidden_spectrum(unfolded):
    model, y, X = unfolded
    before = model.unfolders_[0].sample_inverse(y, random_state=1)
    assert before.mean() < MEAN - 0.1
    assert X.mean() == pytest.approx(MEAN, abs=0.025)
    assert X.std() == pytest.approx(WIDTH, abs=0.025)
    assert X.shape == y.shape


def test_trees_find_the_hidden_spectrum():
    model = iterative(None, n_iterations=2, tol=0, n_folds=2).fit(*gaussian_pairs(6000))
    X = model.unfold(measured(6000)[1], random_state=0)
    assert X.mean() == pytest.approx(MEAN, abs=0.06)


def test_posterior_follows_the_new_prior(unfolded):
    model, _, _ = unfolded
    at = np.array([[0.0]])
    before, after = (
        each.sample_inverse(at, n_samples=4000, random_state=0).mean()
        for each in (model.unfolders_[0], model)
    )
    share = WIDTH**2 / (WIDTH**2 + NOISE**2)
    assert before == pytest.approx(0, abs=0.04)
    assert after == pytest.approx((1 - share) * MEAN, abs=0.05)


def test_weights_are_the_likelihood_ratio(unfolded):
    model = unfolded[0]
    x = model.X_train_[:, 0]
    # The weights of the last training have the spectrum of the iteration before.
    mean, width = iterated_bayes(3)[-1]
    log_ratio = -0.5 * ((x - mean) / width) ** 2 - np.log(width) + 0.5 * x**2
    core = np.abs(x) < 2
    assert_allclose(np.log(model.weights_[core]), log_ratio[core], atol=0.1)
    assert model.weights_.sum() == pytest.approx(len(x))
    assert_array_equal(model.unfolder_.simulator_.seen_[2], model.weights_)


def test_reweighted_simulation_agrees_with_the_measured_events(unfolded):
    model, y, _ = unfolded
    simulated = np.average(model.y_train_[:, 0], weights=model.weights_)
    assert simulated == pytest.approx(y.mean(), abs=0.02)
    assert model.y_train_.mean() < y.mean() - 0.3


def test_record_of_the_iterations(unfolded):
    records = pd.DataFrame(unfolded[0].iterations_)
    assert len(records) == 4
    assert (np.diff(records["moved"]) < 0).all()
    # The first iteration is nearest to the simulation.
    assert records["auc"].iloc[0] == records["auc"].min() > 0.55
    assert (records["bounded"] < 0.005).all()
    weights = unfolded[0].weights_
    expected = weights.sum() ** 2 / (weights**2).sum()
    assert records["effective_size"].iloc[-1] == pytest.approx(expected)


def test_nothing_moves_if_the_simulation_is_right():
    model = iterative().fit(*gaussian_pairs(5000))
    X = model.unfold(gaussian_pairs(5000, seed=3)[1], random_state=0)
    assert X.mean() == pytest.approx(0, abs=0.05)
    assert all(record["moved"] < 0.04 for record in model.iterations_)


class Offset(GaussianRegression):
    """Draws that are wrong by half a width."""

    def sample(self, X, *, n_samples=None, random_state=None):
        return 0.5 + super().sample(X, n_samples=n_samples, random_state=random_state)


def test_errors_of_the_model_are_not_taken_for_a_spectrum():
    model = IterativeUnfolder(Unfolder(Offset()), classifier=PARABOLA).fit(*gaussian_pairs(5000))
    model.unfold(gaussian_pairs(5000, seed=3)[1], random_state=0)
    assert all(record["moved"] < 0.04 for record in model.iterations_)


def test_tol_stops_without_another_training():
    model = iterative(tol=0.04, n_iterations=9).fit(*gaussian_pairs(5000))
    model.unfold(measured(5000)[1], random_state=0)
    moved = [record["moved"] for record in model.iterations_]
    assert 1 < len(moved) < 9
    assert moved[-1] < 0.04
    assert min(moved[:-1]) >= 0.04
    assert len(model.unfolders_) == len(moved)
    assert_array_equal(model.unfolder_.simulator_.seen_[2], model.weights_)


# Weights.


def test_weights_of_measured_events_count():
    truth, y = gaussian_pairs(20_000, seed=5)
    weight = np.exp(0.5 * truth[:, 0] - 0.125)  # N(0, 1) becomes N(0.5, 1)
    model = iterative(tol=0).fit(*gaussian_pairs(20_000))
    X = model.unfold(y, sample_weight=weight, random_state=0)
    assert np.average(X[:, 0], weights=weight) == pytest.approx(0.5, abs=0.04)


def test_weights_of_simulated_events_are_the_first_prior():
    X, y = gaussian_pairs(20_000)
    weight = np.exp(0.5 * X[:, 0] - 0.125)
    weight[:7] = 0.0
    model = iterative(tol=0).fit(X, y, sample_weight=weight)
    at = np.zeros((1, 1))
    assert model.sample_inverse(at, n_samples=2000, random_state=0).mean() > 0.1
    unfolded = model.unfold(measured(20_000)[1], random_state=0)
    assert unfolded.mean() == pytest.approx(MEAN, abs=0.03)
    assert (model.weights_[:7] == 0).all()
    assert model.weights_.sum() == pytest.approx(weight.sum())
    assert_array_equal(model.prior_weights_, weight)


def test_a_bounded_ratio_warns():
    model = iterative(max_ratio=1.2, n_iterations=1, tol=0).fit(*gaussian_pairs(3000))
    with pytest.warns(UserWarning, match="at its bounds, 1/1.2 and 1.2") as caught:
        model.unfold(measured(3000)[1], random_state=0)
    assert caught[0].filename == __file__
    assert model.weights_.max() / model.weights_.min() == pytest.approx(1.2**2)
    assert 0.05 < model.iterations_[0]["bounded"] < 1


# Classifiers.


@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(20, min_samples_leaf=200),
        GaussianNB(),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2),
        KNeighborsClassifier(200),
    ],
    ids=["forest", "naive Bayes", "search", "without weights"],
)
def test_scores_of_any_classifier_become_ratios(classifier):
    model = iterative(classifier, n_iterations=1, tol=0, n_folds=3).fit(*gaussian_pairs(3000))
    model.unfold(measured(3000)[1], random_state=0)
    shifted = np.average(model.X_train_[:, 0], weights=model.weights_)
    assert shifted == pytest.approx(iterated_bayes(1)[0, 0], abs=0.08)


def test_weights_need_a_classifier_that_takes_them():
    model = iterative(KNeighborsClassifier()).fit(*gaussian_pairs(200))
    _, y = measured(100)
    with pytest.raises(ValueError, match="KNeighborsClassifier does not take sample_weight"):
        model.unfold(y, sample_weight=np.linspace(0.5, 1, 100))


def test_scores_are_of_events_the_classifier_has_not_seen():
    """A classifier that memorises its events would give each of them the bound."""
    model = iterative(KNeighborsClassifier(1), n_iterations=1, tol=0).fit(*gaussian_pairs(500))
    model.unfold(gaussian_pairs(500, seed=3)[1], random_state=0)
    assert model.iterations_[0]["moved"] < 0.2
    assert 0.4 < model.iterations_[0]["auc"] < 0.6


# State, randomness, files.


def test_unfold_starts_from_the_fit_and_repeats():
    model = iterative(n_iterations=2, tol=0, max_ratio=100.0).fit(*gaussian_pairs(1000))
    _, y = measured(500)
    first, weights = model.unfold(y, random_state=3), model.weights_
    model.unfold(gaussian_pairs(500, mean=-0.3, seed=7)[1], random_state=3)
    assert not np.array_equal(weights, model.weights_)
    assert_array_equal(first, model.unfold(y, random_state=3))
    assert_array_equal(weights, model.weights_)
    assert not np.array_equal(first, model.unfold(y, random_state=4))
    assert not np.array_equal(model.unfold(y), model.unfold(y))
    assert len(model.unfolders_) == 3


def test_before_unfold_it_is_the_unfolder():
    X, y = gaussian_pairs(300)
    model = iterative().fit(X, y)
    plain = Unfolder(GaussianRegression(random_state=0)).fit(X, y)
    assert_array_equal(model.inverse_transform(y), plain.inverse_transform(y))
    assert_allclose(model.score_samples(X, y), plain.score_samples(X, y))
    assert model.score(X, y) == pytest.approx(plain.score(X, y))
    assert model.iterations_ == []
    assert_array_equal(model.weights_, np.ones(300))
    assert model.sample_inverse(y[:0]).shape == (0, 1)


def test_the_users_arrays_are_not_kept():
    X, y = gaussian_pairs(300)
    model = iterative(n_iterations=1, tol=0).fit(X, y)
    twin = iterative(n_iterations=1, tol=0).fit(X.copy(), y.copy())
    X[:], y[:] = 0.0, 0.0
    _, seen = measured(100)
    assert_array_equal(model.unfold(seen, random_state=0), twin.unfold(seen, random_state=0))


def test_the_same_events_come_back_from_a_file(tmp_path):
    flow = Unfolder(FlowSimulator(**FLOW))
    model = IterativeUnfolder(flow, classifier=PARABOLA, n_iterations=1, tol=0).fit(
        *gaussian_pairs(300)
    )
    _, y = measured(100)
    model.unfold(y, random_state=0)
    path = tmp_path / "model.skjetsim"
    save(model, path)
    again = load(path)
    assert repr(again) == repr(model)
    assert sorted(vars(again)) == sorted(vars(model))
    assert again.iterations_ == model.iterations_
    expected = model.sample_inverse(y, random_state=1)
    assert_array_equal(again.sample_inverse(y, random_state=1), expected)
    assert_array_equal(again.unfold(y, random_state=2), model.unfold(y, random_state=2))
    save(again.unfolders_[0], path)
    assert load(path).sample_inverse(y).shape == (100, 1)


def test_clone_and_parameters():
    model = iterative().fit(*gaussian_pairs(100))
    fresh = clone(model)
    assert not [name for name in vars(fresh) if name.endswith("_")]
    assert not hasattr(model.unfolder, "simulator_")
    assert fresh.set_params(unfolder__simulator__random_state=8).random_state == 8
    with pytest.raises(NotFittedError):
        fresh.unfold(measured(100)[1])
    with pytest.raises(NotFittedError):
        fresh.inverse_transform(measured(100)[1])


# Tables, Pipelines and model selection.


def test_names_and_index():
    X, y = frames()
    model = iterative(None, n_iterations=1, n_folds=2).set_output(transform="pandas").fit(X, y)
    rows = frames(60, seed=1)[1]
    for drawn in (model.unfold(rows), model.inverse_transform(rows), model.sample_inverse(rows)):
        assert list(drawn.columns) == ["muon_pt", "jet_pt"]
        assert list(drawn.index) == list(rows.index)
    assert list(model.feature_names_in_) == list(X.columns)
    assert list(model.target_names_in_) == list(y.columns)
    assert list(model.unfolder_.target_names_in_) == list(y.columns)


def test_classifier_sees_names():
    X, y = frames()
    ratio = make_pipeline(
        FunctionTransformer(lambda table: table[["muon_pt"]] / table[["jet_pt"]].to_numpy()),
        LogisticRegression(),
    )
    iterative(ratio, n_iterations=1).fit(X, y).unfold(frames(60, seed=1)[1])


def test_one_measured_column_and_clouds():
    X, y = gaussian_pairs(200)
    flat = iterative(n_iterations=1).fit(X, y[:, 0])
    assert flat.unfold(measured(60)[1][:, 0]).shape == (60, 1)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3, 2))
    model = IterativeUnfolder(Unfolder(FlowSimulator(**FLOW)), n_iterations=1, n_folds=2)
    model.fit(X, X + 0.1 * rng.normal(size=X.shape))
    assert model.unfold(X[:60] + 0.1).shape == (60, 3, 2)


def test_a_pipeline_inside():
    X, y = gaussian_pairs(20_000)
    piped = make_pipeline(StandardScaler(), Unfolder(GaussianRegression(random_state=0)))
    model = IterativeUnfolder(piped, classifier=PARABOLA, tol=0).fit(X, y)
    unfolded = model.unfold(measured(20_000)[1], random_state=0)
    assert unfolded.mean() == pytest.approx(MEAN, abs=0.03)
    assert model.random_state == 0
    assert_allclose(model.score_samples(X, y), log_prob(model.unfolder_, X, y))
    warped = make_pipeline(FunctionTransformer(np.sinh, np.arcsinh), Unfolder(GaussianRegression()))
    assert not hasattr(IterativeUnfolder(warped), "score_samples")
    assert not hasattr(IterativeUnfolder(Unfolder(NoDensity())), "score_samples")


def test_last_in_a_pipeline_and_in_searches():
    X, y = gaussian_pairs(300)
    model = make_pipeline(StandardScaler(), iterative()).fit(X, y)
    assert is_unfolder(model)
    assert not is_simulator(model)
    assert sample_inverse(model, y, n_samples=2).shape == (300, 2, 1)
    assert log_prob(model, X, y).shape == (300,)
    scorer = get_scorer("neg_energy_score").set_params(direction="inverse")
    assert np.isfinite(cross_val_score(model, X, y, scoring=scorer, cv=2)).all()
    grid = {"iterativeunfolder__unfolder__simulator__random_state": [0, 1]}
    GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)


# Bad input and faults.


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"unfolder": GaussianRegression()}, TypeError, "unfolder must be an unfolder, got Gauss"),
        ({"unfolder": LinearRegression()}, TypeError, "unfolder must be an unfolder"),
        ({"unfolder": Unfolder}, TypeError, "unfolder must be an unfolder"),
        ({"classifier": LinearRegression()}, TypeError, "classifier must be a classifier"),
        ({"classifier": LogisticRegression}, TypeError, "classifier must be a classifier"),
        ({"n_iterations": 0}, ValueError, "n_iterations must be at least 1"),
        ({"n_folds": 1}, ValueError, "n_folds must be at least 2"),
        ({"tol": -0.1}, ValueError, "tol must be zero or more and below 1"),
        ({"tol": "auto"}, TypeError, "tol must be a number"),
        ({"max_ratio": 1.0}, ValueError, "max_ratio must be above 1"),
    ],
)
def test_parameters_out_of_range(params, error, message):
    with pytest.raises(error, match=message):
        iterative().set_params(**params).fit(*gaussian_pairs(100))


def test_measured_events_that_do_not_fit():
    X, y = frames()
    model = iterative().fit(X, y)
    bad = y.copy()
    bad.iloc[4, 0] = np.nan
    for rows, message in (
        (y[["reco_jet_pt", "reco_muon_pt"]], "y has column 'reco_jet_pt' at position 0"),
        (y[["reco_jet_pt"]], "y has 1 columns, but IterativeUnfolder was fitted with 2"),
        (bad, r"NaN in column 'reco_muon_pt', first bad row 4"),
        (y.iloc[:49], "y_measured has 49 events of positive weight, and at least 50"),
        (y.iloc[:0], "0 sample"),
    ):
        with pytest.raises(ValueError, match=message):
            model.unfold(rows)
    with pytest.raises(ValueError, match="sample_weight is negative in row 0"):
        model.unfold(y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="y_measured has 3 events of positive weight"):
        model.unfold(y, sample_weight=np.r_[np.ones(3), np.zeros(len(y) - 3)])
    with pytest.raises(ValueError, match="the simulation has 40 events"):
        iterative().fit(X[:40], y[:40]).unfold(y)
    assert model.iterations_ == []  # the error comes before any change


def test_pairs_that_do_not_fit():
    X, y = frames()
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 200 and 199"):
        iterative().fit(X.to_numpy(), y.to_numpy()[:-1])
    with pytest.raises(ValueError, match="indices differ from row 0"):
        iterative().fit(X, y.sort_index())


class Stops(GaussianRegression):
    """Is interrupted if it is given weights that differ."""

    def fit(self, X, y, sample_weight=None):
        if sample_weight is not None and np.ptp(sample_weight) > 1.5:
            raise KeyboardInterrupt
        return super().fit(X, y, sample_weight=sample_weight)


def test_interrupted_iterations_keep_the_complete_ones():
    model = IterativeUnfolder(Unfolder(Stops()), classifier=PARABOLA, tol=0).fit(
        *gaussian_pairs(5000)
    )
    _, y = measured(5000)
    with pytest.raises(KeyboardInterrupt):
        model.unfold(y, random_state=0)
    assert len(model.unfolders_) < 5
    assert model.sample_inverse(y).shape == y.shape
    seen = model.unfolder_.simulator_.seen_[2]
    assert_array_equal(np.ones(5000) if seen is None else seen, model.weights_)


def test_a_failed_fit_leaves_nothing_fitted():
    X, y = gaussian_pairs(100)
    model = iterative().fit(X, y)
    model.set_params(unfolder__simulator__fail_with=RuntimeError("disk full"))
    with pytest.raises(RuntimeError):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.inverse_transform(y)

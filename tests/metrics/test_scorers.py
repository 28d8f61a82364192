import pickle
import re

import joblib
import numpy as np
import pytest
import sklearn
from metrics_toys import LinearSimulator, LinearUnfolder
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim.base import is_generator
from skjetsim.metrics import (
    ClassifierAUCScorer,
    EMDSumScorer,
    EnergyScorer,
    LogLikelihoodScorer,
    QuantileMSEScorer,
    ResponseScorer,
    WassersteinScorer,
    get_scorer,
    get_scorer_names,
    ks_distance,
    make_generative_scorer,
    sliced_wasserstein_distance,
    wasserstein_distance,
)

SCORERS = [
    WassersteinScorer(),
    EMDSumScorer(histogram_bins=20),
    QuantileMSEScorer(),
    EnergyScorer(n_draws=4),
    ClassifierAUCScorer(classifier=LogisticRegression()),
    LogLikelihoodScorer(),
    ResponseScorer(),
    make_generative_scorer(ks_distance),
    make_generative_scorer(sliced_wasserstein_distance, n_slices=10, p=2),
]
every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda s: str(s)[:40])


@every_scorer
def test_permuting_y_worsens_every_simulator_score(scorer, smeared):
    X, y = smeared
    if isinstance(scorer, ClassifierAUCScorer):
        # A linear classifier needs the products that hold the correlation.
        scorer = clone(scorer).set_params(features=lambda X, y: X * y.to_numpy())
    model = LinearSimulator().fit(X, y)
    shuffled = y.sample(frac=1, random_state=0).reset_index(drop=True)
    assert scorer(model, X, shuffled) < scorer(model, X, y) - 1e-3


@every_scorer
def test_a_model_that_ignores_X_loses_and_a_wider_one_too(scorer, smeared):
    X, y = smeared
    good = LinearSimulator().fit(X, y)
    if not isinstance(scorer, (LogLikelihoodScorer, ClassifierAUCScorer)):
        ignorant = LinearSimulator(ignore_X=True).fit(X, y)
        assert scorer(ignorant, X, y) < scorer(good, X, y) - 1e-3
    if not isinstance(scorer, ClassifierAUCScorer):
        assert scorer(LinearSimulator(width=3.0).fit(X, y), X, y) < scorer(good, X, y)


@every_scorer
def test_unfolding_is_scored_in_the_inverse_direction(scorer, smeared):
    X, y = smeared
    if isinstance(scorer, LogLikelihoodScorer):
        pytest.skip("a density has its direction from the estimator")
    model = LinearUnfolder().fit(X, y)
    with pytest.raises(TypeError, match="is an unfolder: score it with direction=") as error:
        scorer(model, X, y)
    # The call that the message gives works as it stands.
    made = re.search(r"here (.*)\.$", str(error.value))[1]
    calls = (get_scorer, make_generative_scorer)
    proposed = eval(made, {call.__name__: call for call in calls} | {"metric": ks_distance})
    assert proposed.direction == "inverse"
    assert type(proposed) is type(scorer)
    inverse = clone(scorer).set_params(direction="inverse")
    if isinstance(scorer, ClassifierAUCScorer):
        inverse.set_params(features=lambda X, y: X * y.to_numpy())
    shuffled = y.sample(frac=1, random_state=0).reset_index(drop=True)
    assert inverse(model, X, shuffled) < inverse(model, X, y) - 1e-3


@every_scorer
@pytest.mark.parametrize(
    "model",
    [
        GaussianMixture(random_state=0),
        pytest.param(
            KernelDensity(),
            marks=pytest.mark.skipif(
                not is_generator(KernelDensity()), reason="has no density tag in this scikit-learn"
            ),
        ),
    ],
)
def test_generators(scorer, model, smeared):
    X, _ = smeared
    good = clone(model).fit(X)
    bad = clone(model).fit(X * [2.0, 0.3] + [1.0, 0.0])
    assert scorer(bad, X) < scorer(good, X)
    assert scorer(good, X) == scorer(good, X, np.zeros(len(X)))


@every_scorer
def test_cloned_pickled_and_repeatable(scorer, smeared):
    X, y = smeared
    model = LinearSimulator().fit(X, y)
    score = scorer(model, X, y)
    assert isinstance(score, float)
    for copy in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert copy.get_params().keys() == scorer.get_params().keys()
        assert copy(model, X, y) == score == copy.score(model, X, y)
    assert not [name for name in vars(scorer) if name.endswith("_")]  # scoring leaves no state


@every_scorer
def test_weights_select_events(scorer, smeared):
    X, y = smeared
    model = LinearSimulator().fit(X, y)
    wrong = y.copy()
    wrong.iloc[1000:] += 5.0
    weight = np.repeat([1.0, 0.0], 1000)
    if isinstance(scorer, ClassifierAUCScorer):
        scorer = clone(scorer)
    weighted = scorer(model, X, wrong, sample_weight=weight)
    assert weighted > scorer(model, X, wrong)
    with pytest.raises(ValueError, match=r"sample_weight is (zero|negative)"):
        scorer(model, X, y, sample_weight=-0.0 * weight)


@every_scorer
def test_cross_validate_with_routing(scorer, smeared):
    X, y = smeared
    X, y = X.iloc[:400], y.iloc[:400]
    weight = np.random.default_rng(0).uniform(0.1, 2.0, size=400)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LinearSimulator().set_fit_request(sample_weight=True)
        routed = clone(scorer).set_score_request(sample_weight=True)
        options = {"cv": 2, "params": {"sample_weight": weight}, "error_score": "raise"}
        with_weights = cross_validate(model, X, y, scoring=routed, return_estimator=True, **options)
        unrouted = clone(scorer).set_score_request(sample_weight=False)
        without = cross_validate(model, X, y, scoring=unrouted, **options)
        assert all(each.weighted_ for each in with_weights["estimator"])
        assert (with_weights["test_score"] != without["test_score"]).any()
        several = cross_validate(model, X, y, scoring={"a": routed, "b": unrouted}, **options)
        np.testing.assert_array_equal(several["test_a"], with_weights["test_score"])
        np.testing.assert_array_equal(several["test_b"], without["test_score"])


def test_a_scorer_requests_weights_and_nothing_else():
    for scorer in SCORERS:
        requests = scorer.get_metadata_routing().score.requests
        assert requests == {"sample_weight": None}


@every_scorer
def test_grid_search_finds_the_right_width(scorer, smeared):
    X, y = smeared
    if isinstance(scorer, ClassifierAUCScorer):
        scorer = clone(scorer).set_params(features=lambda X, y: (y - X.to_numpy()) ** 2)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LinearSimulator()),
        {"linearsimulator__width": [0.3, 1.0, 3.0]},
        scoring=scorer,
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"linearsimulator__width": 1.0}
    assert search.score(X, y) == scorer(search, X, y)
    clone(search)
    assert "GridSearchCV" in search._repr_html_()


def test_grid_search_in_processes_with_several_scorers(smeared):
    X, y = smeared
    scoring = {"emd": WassersteinScorer(n_samples=200), "energy": EnergyScorer(n_draws=2)}
    searches = [
        GridSearchCV(
            LinearSimulator(), {"width": [1.0, 2.0]}, scoring=scoring, refit="emd", cv=2, n_jobs=n
        ).fit(X, y)
        for n in (1, 2)
    ]
    for name in ("mean_test_emd", "mean_test_energy"):
        one, two = (search.cv_results_[name] for search in searches)
        np.testing.assert_array_equal(one, two)
    nested = GridSearchCV(LinearSimulator(), {"width": [1.0]}, scoring=WassersteinScorer())
    nested.set_params(scoring__n_samples=50)
    assert nested.scoring.n_samples == 50
    assert joblib.hash(nested.scoring) == joblib.hash(WassersteinScorer(n_samples=50))


def test_n_samples_and_seed(smeared):
    X, y = smeared
    model = LinearSimulator().fit(X, y)
    seeds = {WassersteinScorer(random_state=seed)(model, X, y) for seed in (0, 1, 0)}
    assert len(seeds) == 2
    assert WassersteinScorer(n_samples=100)(model, X, y) < WassersteinScorer()(model, X, y)
    mixture = GaussianMixture().fit(X)
    assert WassersteinScorer(n_samples=50)(mixture, X) < WassersteinScorer(n_samples=5000)(
        mixture, X
    )


def test_unpaired_estimators_are_scored_marginally(smeared):
    X, y = smeared
    shuffled = y.sample(frac=1, random_state=0).reset_index(drop=True)
    paired, unpaired = (LinearSimulator().fit(X, y) for _ in range(2))
    unpaired.paired_ = False
    for scorer in SCORERS:
        if isinstance(scorer, LogLikelihoodScorer):
            continue
        for model in (unpaired, make_pipeline("passthrough", unpaired)):
            assert scorer(model, X, shuffled) > scorer(model, X, y) - 0.05
    scorer = WassersteinScorer()
    assert scorer(unpaired, X, shuffled) > scorer(paired, X, shuffled) + 0.1


def test_custom_metric_sees_names_and_its_own_parameters(smeared):
    X, y = smeared
    seen = []

    def metric(truth, generated, *, power):
        seen.append(list(truth.columns))
        return float(np.abs(truth["jet_pt"].mean() - generated["jet_pt"].mean()) ** power)

    scorer = make_generative_scorer(metric, power=2, bins=2)
    scorer(LinearSimulator().fit(X, y), X, y)
    assert seen == [["jet_pt", "jet_eta", "jet_pt_residual", "jet_eta_residual"]] * 4
    best = make_generative_scorer(lambda a, b: 3.0, greater_is_better=True)
    assert best(GaussianMixture().fit(X), X) == 3.0


def test_emd_sum_ranges(smeared):
    X, y = smeared
    model = LinearSimulator().fit(X, y)
    for ranges in ({"jet_pt": (-5, 5)}, [(-5, 5)]):
        assert EMDSumScorer(ranges=ranges)(model, X, y) != EMDSumScorer()(model, X, y)
    with pytest.raises(ValueError, match="ranges names column 'pt'"):
        EMDSumScorer(ranges={"pt": (0, 1)})(model, X, y)
    with pytest.raises(ValueError, match="ranges has 5 entries"):
        EMDSumScorer(ranges=[None] * 5)(model, X, y)


def test_clouds_are_targets_too():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 1))
    y = (X + 0.1 * rng.normal(size=(100, 6))).reshape(100, 2, 3)

    class CloudSimulator(LinearSimulator):
        def sample(self, X, *, n_samples=None, random_state=None):
            rows = super().sample(X, n_samples=n_samples, random_state=random_state)
            return rows.reshape(*rows.shape[:-1], 2, 3)

    model = CloudSimulator().fit(X, y.reshape(100, 6))
    for scorer in (WassersteinScorer(), EnergyScorer(), ClassifierAUCScorer(classifier="network")):
        assert scorer(model, X, y) <= 0


def test_wide_conditions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 40))
    y = X[:, :2] + 0.1 * rng.normal(size=(300, 2))
    model = LinearSimulator().fit(X, y)
    assert WassersteinScorer()(model, X, y) < 0
    assert QuantileMSEScorer()(GaussianMixture().fit(X[:, :1]), X[:, :1]) < 0


def test_get_scorer():
    assert get_scorer_names() == sorted(get_scorer_names())
    for name in get_scorer_names():
        assert get_scorer(name) is not get_scorer(name)
        assert callable(get_scorer(name))
    scorer = WassersteinScorer()
    assert get_scorer(scorer) is scorer
    with pytest.raises(ValueError, match=r"'r2' is not a scorer. There are\n  'log_lik") as error:
        get_scorer("r2")
    for name in get_scorer_names():
        assert f"  {name!r}: M" in str(error.value)
        assert f'"{name}" ' in get_scorer.__doc__


def test_bad_input(smeared):
    X, y = smeared
    model = LinearSimulator().fit(X, y)
    with pytest.raises(ValueError, match="pass y as well as X"):
        WassersteinScorer()(model, X)
    with pytest.raises(TypeError, match="neither a generator nor a simulator"):
        WassersteinScorer()(LinearRegression().fit(X, y), X, y)
    with pytest.raises(ValueError, match="direction must be one of"):
        WassersteinScorer(direction="backward")(model, X, y)
    with pytest.raises(ValueError, match="more cells than the 20 events"):
        QuantileMSEScorer()(model, X.iloc[:20], y.iloc[:20])
    assert make_generative_scorer(wasserstein_distance)(model, X.iloc[:2], y.iloc[:2]) < 0

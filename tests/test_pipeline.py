"""GenerativePipeline: events and densities in units of X; searches, routing, the full model."""

import numpy as np
import pytest
import sklearn
from _instances import SMALL
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    StandardScaler,
)

from skjetsim import log_prob, sample
from skjetsim.compose import (
    EfficiencySimulator,
    NearestAssignment,
    ResidualTransformer,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import EnergyScorer, LogLikelihoodScorer, WassersteinScorer
from skjetsim.pipeline import GenerativePipeline, make_generative_pipeline
from skjetsim.preprocessing import CartesianToCylindrical, LogMassTransformer


def masses(n_events=400, seed=0):
    """The Z mass and a transverse momentum, in GeV."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(91.2, 2.5, n_events), 10 + rng.exponential(20, n_events)])


MODELS = [
    GaussianMixture(2, random_state=0),
    KernelDensity(bandwidth=0.3),
    FlowGenerator(**SMALL | {"max_epochs": 30, "batch_size": 100}),
]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


@every_model
def test_events_come_in_the_units_of_X(model):
    X = masses()
    pipeline = make_generative_pipeline(StandardScaler(), model).fit(X)
    drawn = pipeline.sample(2000, random_state=0)
    assert drawn.shape == (2000, 2)
    assert_allclose(drawn.mean(axis=0), X.mean(axis=0), rtol=0.1)
    assert_allclose(drawn.std(axis=0), X.std(axis=0), rtol=0.4)
    assert_array_equal(drawn, pipeline.sample(n_samples=2000, random_state=0))
    assert_array_equal(drawn, sample(pipeline, n_samples=2000, random_state=0))
    assert not np.array_equal(pipeline.sample(3), pipeline.sample(3))
    assert pipeline.sample().shape == (1, 2)


@every_model
def test_density_is_in_units_of_X(model):
    X = masses()
    pipeline = make_generative_pipeline(StandardScaler(), model).fit(X)
    scaler = StandardScaler().fit(X)
    inner = pipeline[-1].score_samples(scaler.transform(X))
    assert_allclose(pipeline.score_samples(X), inner - np.log(scaler.scale_).sum())
    assert pipeline.score(X) == pytest.approx(pipeline.score_samples(X).mean())
    weight = np.arange(len(X))
    expected = np.average(pipeline.score_samples(X), weights=weight)
    assert pipeline.score(X, sample_weight=weight) == pytest.approx(expected)
    x = np.linspace(60, 120, 601)
    pt = np.linspace(-150, 400, 1101)
    grid = np.stack(np.meshgrid(x, pt, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(pipeline.score_samples(grid)).reshape(601, 1101)
    assert np.trapezoid(np.trapezoid(density, pt), x) == pytest.approx(1, abs=0.02)


def test_density_against_the_closed_form():
    X = masses(4000)[:, :1]
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture(1)).fit(X)
    expected = stats.norm.logpdf(X[:, 0], X.mean(), X.std())
    assert_allclose(pipeline.score_samples(X), expected, atol=1e-4)


class Divider(StandardScaler):
    """Divides by a parameter, as in a search for the best scale."""

    def __init__(self, divisor=1.0):
        super().__init__()
        self.divisor = divisor

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X)
        self.mean_ = np.zeros(X.shape[1])
        self.scale_ = np.full(X.shape[1], self.divisor)
        return self


def test_a_search_over_a_divisor_is_flat_unlike_that_of_scikit_learn():
    X, divisors = masses(), [0.1, 1.0, 10.0]
    scores = {}
    for make in (make_pipeline, make_generative_pipeline):
        pipeline = make(Divider(), GaussianMixture(1, reg_covar=1e-12))
        search = GridSearchCV(pipeline, {"divider__divisor": divisors}, cv=2).fit(X)
        scores[make] = search.cv_results_["mean_test_score"]
    assert np.ptp(scores[make_generative_pipeline]) < 1e-6
    assert np.ptp(scores[make_pipeline]) > 5


def test_density_is_absent_if_a_step_has_no_jacobian():
    for step in (PCA(1), FunctionTransformer(np.log, np.exp), MinMaxScaler(clip=True)):
        pipeline = make_generative_pipeline(step, GaussianMixture())
        assert not hasattr(pipeline, "score_samples")
        assert not hasattr(pipeline, "score")
        assert hasattr(pipeline, "sample")
    for step in (StandardScaler(), MinMaxScaler(), PowerTransformer(), "passthrough"):
        assert hasattr(GenerativePipeline([("s", step), ("g", GaussianMixture())]), "score")
    pipeline = make_generative_pipeline(StandardScaler(), PCA(1), GaussianMixture())
    for name in ("score", "score_samples"):
        with pytest.raises(AttributeError, match=f"{name}': PCA has neither .*neg_energy_score"):
            getattr(pipeline, name)
    # the condition needs no Jacobian
    assert hasattr(make_generative_pipeline(PCA(1), FlowSimulator()), "score_samples")


ORDER = NearestAssignment(["jet1", "jet2"], ["u", "d"])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        Unfolder,
        lambda model: EfficiencySimulator(model),
        lambda model: GridSearchCV(model, {"simulator__n_bins": [2]}),
        lambda model: make_pipeline(PCA(1), model),
    ],
)
def test_the_step_without_a_density_is_named(wrap):
    model = wrap(TransformedSimulator(FlowSimulator(), [StandardScaler(), ORDER]))
    pipeline = make_generative_pipeline(StandardScaler(), model)
    assert not hasattr(pipeline, "score")
    with pytest.raises(AttributeError, match="'score': NearestAssignment has neither density"):
        _ = pipeline.score


def test_other_attributes_that_are_missing_keep_their_message():
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    with pytest.raises(AttributeError, match="'StandardScaler' object has no attribute 'n_feat"):
        _ = pipeline.n_features_in_
    with pytest.raises(AttributeError, match=r"no attribute 'likelihood'$"):
        _ = pipeline.likelihood


def test_several_steps_and_passthrough():
    X = masses()
    steps = [
        ("power", PowerTransformer()),
        ("nothing", "passthrough"),
        ("range", MinMaxScaler((-1, 1))),
        ("mix", GaussianMixture(2, random_state=0)),
    ]
    pipeline = GenerativePipeline(steps).fit(X)
    drawn = pipeline.sample(3000, random_state=0)
    assert_allclose(drawn.mean(axis=0), X.mean(axis=0), rtol=0.1)
    assert_allclose(log_prob(Pipeline(steps), X), pipeline.score_samples(X))


def test_a_transformer_without_inverse():
    pipeline = make_generative_pipeline(_NoInverse(), GaussianMixture()).fit(masses())
    with pytest.raises(TypeError, match="_NoInverse has no inverse_transform"):
        pipeline.sample(3)


class _NoInverse(FunctionTransformer):
    inverse_transform = property()


def test_numbers_of_events_given_twice_or_wrongly():
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture()).fit(masses())
    with pytest.raises(TypeError, match="twice"):
        pipeline.sample(3, n_samples=4)
    with pytest.raises(TypeError, match="takes no X"):
        pipeline.sample(masses())


# Simulators in last place: the transformers act on the condition.


def energies(n_events=300):
    rng = np.random.default_rng(0)
    X = rng.uniform(20, 100, (n_events, 1))
    return X, X * rng.normal(1, 0.1, X.shape)


def test_simulator_in_last_place():
    X, y = energies()
    pipeline = make_generative_pipeline(StandardScaler(), FlowSimulator(**SMALL)).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    flow = FlowSimulator(**SMALL).fit(scaled, y)
    assert_array_equal(pipeline.sample(X, random_state=1), flow.sample(scaled, random_state=1))
    assert pipeline.sample(X, n_samples=4).shape == (300, 4, 1)
    assert_array_equal(pipeline.transform(X), flow.transform(scaled))
    assert_array_equal(pipeline.score_samples(X, y), flow.score_samples(scaled, y))
    assert pipeline.score(X, y) == pytest.approx(flow.score(scaled, y))
    for wrong in (None, 5):
        with pytest.raises(TypeError, match="is a simulator"):
            pipeline.sample(wrong)
    with pytest.raises(TypeError, match="pass y too"):
        pipeline.score_samples(X)


def test_metadata_routing():
    X, y = energies()
    weight = np.random.default_rng(0).uniform(0.1, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        flow = FlowSimulator(**SMALL).set_fit_request(sample_weight=True)
        flow.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        pipeline = make_generative_pipeline(scaler, flow).fit(X, y, sample_weight=weight)
        assert_allclose(pipeline[0].mean_, np.average(X, axis=0, weights=weight))
        plain = make_generative_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            FlowSimulator(**SMALL).set_fit_request(sample_weight=False),
        ).fit(X, y)
        assert not np.array_equal(pipeline.transform(X), plain.transform(X))
        scorer = LogLikelihoodScorer().set_score_request(sample_weight=True)
        scores = cross_val_score(
            pipeline, X, y, scoring=scorer, cv=2, params={"sample_weight": weight}
        )
        assert np.isfinite(scores).all()
        wrapped = TransformedSimulator(FlowSimulator(**SMALL), [StandardScaler()])
        wrapped.set_fit_request(sample_weight=True)
        search = GridSearchCV(wrapped, {"simulator__n_bins": [4]}, scoring=scorer, cv=2)
        search.fit(X, y, sample_weight=weight)
        mean = np.average(y, axis=0, weights=weight)
        assert_allclose(search.best_estimator_.transformers_[0].mean_, mean)


# The full model.


@pytest.fixture(scope="module")
def wjet():
    X, y = load_wjet(return_X_y=True)
    return X[:600], y[:600]


def canonical():
    flow = FlowSimulator(**SMALL)
    return make_pipeline(
        CartesianToCylindrical(["muon", "jet"]),
        LogMassTransformer(["jet_mass"]),
        TransformedSimulator(
            flow,
            [
                CartesianToCylindrical(["muon", "jet"]),
                LogMassTransformer(["jet_mass"]),
                ResidualTransformer(),
            ],
        ),
    )


def test_canonical_model_simulates_w_and_jet(wjet):
    X, y = wjet
    model = canonical().fit(X, y)
    drawn = sample(model, X, random_state=0)
    assert type(drawn) is np.ndarray
    assert np.isfinite(drawn).all()
    assert (drawn[:, list(y.columns).index("jet_mass")] > 0).all()
    named = sample(canonical().set_output(transform="pandas").fit(X, y), X, random_state=0)
    assert list(named.columns) == list(y.columns)
    assert_array_equal(named, drawn)
    assert sample(model, X[:5], n_samples=3).shape == (5, 3, 9)
    assert np.isfinite(log_prob(model, X, y)).all()
    order = np.random.default_rng(0).permutation(len(y))
    other = y.iloc[order].reset_index(drop=True)
    assert log_prob(model, X, y).mean() > log_prob(model, X, other).mean() + 1


def test_grid_search_over_the_canonical_model_in_two_processes(wjet):
    X, y = wjet
    search = GridSearchCV(
        canonical(),
        {
            "transformedsimulator__simulator__n_bins": [3, 4],
            "logmasstransformer__columns": [["jet_mass"]],
        },
        scoring={
            "w1": WassersteinScorer(n_samples=100),
            "energy": EnergyScorer(n_samples=50),
            "loglike": LogLikelihoodScorer(),
        },
        refit="energy",
        cv=2,
        n_jobs=2,
    ).fit(X, y)
    for name in ("w1", "energy", "loglike"):
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()
    assert (search.cv_results_["mean_test_energy"] < 0).all()
    drawn = sample(search, X[:20], random_state=0)
    assert_array_equal(drawn, sample(search.best_estimator_, X[:20], random_state=0))
    assert log_prob(search, X[:20], y[:20]).shape == (20,)


def test_cross_validate_repeats(wjet):
    X, y = wjet
    scores = [
        cross_validate(canonical(), X, y, scoring=WassersteinScorer(n_samples=100), cv=2)
        for _ in range(2)
    ]
    assert_array_equal(scores[0]["test_score"], scores[1]["test_score"])


# Weights.


def weighted_events(n_events=300):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_events, 1))
    return X, X + rng.normal(size=X.shape), np.exp(X[:, 0])


def weighted_pipeline(last=None):
    last = FlowSimulator(**SMALL) if last is None else last
    return GenerativePipeline([("scale", StandardScaler()), ("last", last)])


@pytest.mark.parametrize(
    ("last", "names"),
    [
        (None, ["scale", "last"]),
        (make_pipeline(StandardScaler(), FlowSimulator(**SMALL)), ["scale", "last__flowsimulator"]),
    ],
)
def test_weights_reach_the_model_and_the_transformers(last, names):
    X, y, weight = weighted_events()
    model = weighted_pipeline(last).fit(X, y, sample_weight=weight)
    by_name = {f"{name}__sample_weight": weight for name in names}
    expected = weighted_pipeline(last).fit(X, y, **by_name)
    assert_array_equal(model.sample(X, random_state=0), expected.sample(X, random_state=0))
    assert model["scale"].mean_ == pytest.approx(np.average(X, axis=0, weights=weight))
    plain = weighted_pipeline(last).fit(X, y)
    assert not np.array_equal(model.sample(X, random_state=0), plain.sample(X, random_state=0))
    none = weighted_pipeline(last).fit(X, y, sample_weight=None)
    assert_array_equal(none.sample(X, random_state=0), plain.sample(X, random_state=0))


def test_models_without_weights_say_so():
    with pytest.raises(ValueError, match="GaussianMixture does not take sample_weight"):
        make_generative_pipeline(StandardScaler(), GaussianMixture()).fit(
            masses(), sample_weight=np.ones(400)
        )


def test_weights_through_cross_validation():
    X, y, weight = weighted_events()
    settings = {"cv": 2, "params": {"sample_weight": weight}, "error_score": "raise"}
    plain = cross_validate(weighted_pipeline(), X, y, cv=2)["test_score"]
    weighted = cross_validate(weighted_pipeline(), X, y, **settings)["test_score"]
    assert not np.allclose(weighted, plain)
    with sklearn.config_context(enable_metadata_routing=True):
        model = weighted_pipeline()
        with pytest.raises(Exception, match="not explicitly set as requested"):
            model.fit(X, y, sample_weight=weight)
        model["last"].set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model["scale"].set_fit_request(sample_weight=True)
        routed = cross_validate(model, X, y, **settings)["test_score"]
    # The scores, too, are weighted if they are routed.
    halves = np.array_split(np.arange(len(X)), 2)
    for fold, test in enumerate(halves):
        train = halves[1 - fold]
        model = weighted_pipeline().fit(X[train], y[train], sample_weight=weight[train])
        assert weighted[fold] == pytest.approx(model.score(X[test], y[test]))
        score = model.score(X[test], y[test], sample_weight=weight[test])
        assert routed[fold] == pytest.approx(score)

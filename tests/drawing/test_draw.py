"""sample, sample_inverse and log_prob on estimators, Pipelines and searches."""

import numpy as np
import pytest
from _instances import SMALL, paired_events
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import skjetsim
from skjetsim import log_prob, sample, sample_inverse
from skjetsim.base import SimulatorMixin
from skjetsim.compose import TransformedSimulator, Unfolder
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline

X, Y = paired_events()
GENERATORS = [
    FlowGenerator(**SMALL),
    KernelDensity(),
    GaussianMixture(2, random_state=0),
    make_pipeline(StandardScaler(), FlowGenerator(**SMALL)),
    make_pipeline(StandardScaler(), "passthrough", GaussianMixture(2, random_state=0)),
    make_generative_pipeline(StandardScaler(), KernelDensity()),
    make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), GaussianMixture())),
    GridSearchCV(GaussianMixture(random_state=0), {"n_components": [1, 2]}, cv=2),
    RandomizedSearchCV(
        make_pipeline(StandardScaler(), KernelDensity()),
        {"kerneldensity__bandwidth": [0.1, 1.0]},
        n_iter=2,
        cv=2,
        random_state=0,
    ),
    make_pipeline(StandardScaler(), GridSearchCV(GaussianMixture(), {"n_components": [2]}, cv=2)),
]
SIMULATORS = [
    FlowSimulator(**SMALL),
    make_pipeline(StandardScaler(), FlowSimulator(**SMALL)),
    make_generative_pipeline(StandardScaler(), FlowSimulator(**SMALL)),
    GridSearchCV(FlowSimulator(**SMALL), {"n_bins": [3, 4]}, cv=2),
    GridSearchCV(
        make_pipeline(StandardScaler(), FlowSimulator(**SMALL)),
        {"flowsimulator__n_bins": [4]},
        cv=2,
    ),
]


def kind(estimator):
    inner = getattr(estimator, "estimator", None)
    steps = getattr(estimator, "steps", None)
    parts = [type(estimator).__name__]
    if inner is not None:
        parts.append(kind(inner))
    if steps is not None:
        parts.append(kind(steps[-1][1]))
    return "-".join(parts)


@pytest.fixture(params=GENERATORS, ids=kind)
def generator(request):
    return request.param.fit(X)


@pytest.fixture(params=SIMULATORS, ids=kind)
def simulator(request):
    return request.param.fit(X, Y)


def test_generators_draw(generator):
    before = str(generator.get_params())
    drawn = sample(generator, n_samples=6, random_state=0)
    assert type(drawn) is np.ndarray
    assert drawn.shape == (6, 2)
    assert_array_equal(drawn, sample(generator, n_samples=6, random_state=0))
    assert not np.array_equal(drawn, sample(generator, n_samples=6, random_state=1))
    assert not np.array_equal(sample(generator, n_samples=6), sample(generator, n_samples=6))
    assert sample(generator).shape == (1, 2)
    for make in (np.random.default_rng, np.random.RandomState):
        first = sample(generator, n_samples=6, random_state=make(0))
        assert_array_equal(first, sample(generator, n_samples=6, random_state=make(0)))
    assert str(generator.get_params()) == before
    many = sample(generator, n_samples=3000, random_state=0)
    assert_allclose(many.mean(axis=0), X.mean(axis=0), atol=0.5 * X.std(axis=0).max())


def test_generators_take_no_events(generator):
    for given in (X, 5):
        with pytest.raises(TypeError, match="takes no X"):
            sample(generator, given)


def test_density_of_generators_is_in_units_of_X(generator):
    density = log_prob(generator, X)
    assert density.shape == (len(X),)
    # Importance sampling: the density integrates to one with any scaler inside.
    low, high = X.min(axis=0) - 3 * X.std(axis=0), X.max(axis=0) + 3 * X.std(axis=0)
    points = np.random.default_rng(0).uniform(low, high, (60_000, 2))
    integral = np.exp(log_prob(generator, points)).mean() * np.prod(high - low)
    assert integral == pytest.approx(1, abs=0.1)


def test_simulators_draw(simulator):
    drawn = sample(simulator, X, random_state=0)
    assert drawn.shape == Y.shape
    assert_array_equal(drawn, sample(simulator, X, random_state=0))
    assert not np.array_equal(sample(simulator, X), sample(simulator, X))
    assert sample(simulator, X[:3], n_samples=4).shape == (3, 4, 2)


def test_simulators_need_events(simulator):
    with pytest.raises(TypeError, match="pass the theory-level events"):
        sample(simulator)
    with pytest.raises(TypeError, match="given the integer 7"):
        sample(simulator, 7)


def test_no_events_give_none(simulator):
    assert sample(simulator, X[:0]).shape == (0, 2)
    assert sample(simulator, X[:0], n_samples=3).shape == (0, 3, 2)


def test_arguments_in_the_wrong_order(simulator):
    for function in (sample, log_prob, sample_inverse):
        with pytest.raises(TypeError, match="first argument must be a fitted estimator, got a nda"):
            function(X, simulator)
        with pytest.raises(TypeError, match="first argument must be a fitted estimator, got <cl"):
            function(FlowSimulator, X)


def test_density_of_simulators(simulator):
    assert log_prob(simulator, X, Y).shape == (len(X),)
    with pytest.raises(TypeError, match="pass y too"):
        log_prob(simulator, X)


def test_conditional_density_does_not_know_the_scaler_of_its_condition():
    scaler = StandardScaler().fit(X)
    flow = FlowSimulator(**SMALL).fit(scaler.transform(X), Y)
    pipeline = Pipeline([("scale", scaler), ("flow", flow)])
    assert_array_equal(log_prob(pipeline, X, Y), flow.score_samples(scaler.transform(X), Y))


# Errors.


def test_neither_generator_nor_simulator():
    model = LinearRegression().fit(X, Y)
    with pytest.raises(TypeError, match="LinearRegression is neither"):
        sample(model, X)
    with pytest.raises(TypeError, match="LinearRegression is neither"):
        sample_inverse(model, Y)
    with pytest.raises(TypeError, match="no tractable density"):
        log_prob(model, X)
    with pytest.raises(TypeError, match="neither"):
        sample_inverse(KernelDensity().fit(X), X)


def test_a_search_that_was_not_refitted():
    search = GridSearchCV(KernelDensity(), {"bandwidth": [0.1, 1]}, refit=False, cv=2).fit(X)
    for function in (sample, lambda search: log_prob(search, X)):
        with pytest.raises(TypeError, match="refit=True"):
            function(search)


def test_steps_without_inverse_or_jacobian():
    model = make_pipeline(PCA(2), GaussianMixture()).fit(X)
    assert sample(model, n_samples=3).shape == (3, 2)  # PCA has an inverse
    with pytest.raises(TypeError, match="PCA"):
        log_prob(model, X)


class Turn(SimulatorMixin, BaseEstimator):
    """A simulator that can unfold: y = -X, X = -y."""

    def fit(self, X, y):
        self.target_names_in_ = np.array(["y0", "y1"], dtype=object)
        self.random_state = None
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        return -np.asarray(X) if n_samples is None else -np.repeat(X[:, None], n_samples, 1)

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        return self.sample(np.asarray(y), n_samples=n_samples)


def test_unfolding_goes_back_through_the_transformers():
    scaler = StandardScaler().fit(X)
    for model in (
        make_pipeline(StandardScaler(), Turn()),
        make_generative_pipeline(StandardScaler(), Turn()),
        make_pipeline(StandardScaler(), make_pipeline("passthrough", Turn())),
    ):
        model.fit(X, Y)
        expected = scaler.inverse_transform(-Y)
        assert_allclose(sample_inverse(model, Y), expected)
        draws = sample_inverse(model, Y, n_samples=3)
        assert draws.shape == (len(Y), 3, 2)
        assert_allclose(draws, np.repeat(expected[:, None], 3, axis=1))
    assert_allclose(sample_inverse(Turn().fit(X, Y), Y), -Y)
    with pytest.raises(TypeError, match=r"FlowSimulator cannot unfold: .* Unfolder\(simulator\)"):
        sample_inverse(FlowSimulator(**SMALL).fit(X, Y), Y)


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: make_pipeline(model)])
def test_unfolders_do_not_simulate(wrap):
    model = wrap(Unfolder(FlowSimulator(**SMALL))).fit(X, Y)
    with pytest.raises(TypeError, match=r"is an unfolder: .*sample_inverse\(unfolder, y\)"):
        sample(model, Y)


def half_bound():
    """A simulator behind a transformer without a Jacobian, which is not the first."""
    return TransformedSimulator(FlowSimulator(**SMALL), [StandardScaler(), MinMaxScaler(clip=True)])


@pytest.mark.parametrize(
    ("model", "step", "scorer"),
    [
        (half_bound(), "MinMaxScaler", r'get_scorer\("neg_energy_score"\)\.$'),
        (make_pipeline(PCA(2), half_bound()), "MinMaxScaler", r'score"\)\.$'),
        (make_generative_pipeline(PCA(2), half_bound()), "MinMaxScaler", r'score"\)\.$'),
        (Unfolder(half_bound()), "MinMaxScaler", r'score"\)\.set_params\(direction="inverse"\).$'),
        (Turn(), "Turn", r'score"\)\.$'),
    ],
)
def test_densities_that_are_not_known_name_the_step(model, step, scorer):
    with pytest.raises(TypeError, match=f"no tractable density: {step} has neither .*{scorer}"):
        log_prob(model.fit(X, Y), X, Y)


def test_unknown_export():
    with pytest.raises(AttributeError, match="no attribute 'simulate'"):
        _ = skjetsim.simulate

"""TransformedSimulator: the same steps by hand, and densities in units of y."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from skjetsim import log_prob, sample, sample_inverse
from skjetsim.base import SimulatorMixin, is_simulator
from skjetsim.compose import ConditionalTransformerMixin, ResidualTransformer, TransformedSimulator
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import CartesianToCylindrical, LogTransformer

FLOW = {
    "n_transforms": 2,
    "hidden_features": (8,),
    "n_bins": 4,
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


class GaussianSmear(SimulatorMixin, BaseEstimator):
    """y = shift + width * noise for any X, with densities in closed form."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        y = np.asarray(y)
        self.shift_ = np.average(y, axis=0, weights=sample_weight)
        self.width_ = np.sqrt(np.average((y - self.shift_) ** 2, axis=0, weights=sample_weight))
        self.n_features_in_ = np.shape(X)[1]
        self.target_names_in_ = np.array([f"y{j}" for j in range(y.shape[1])], dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rng = np.random.default_rng(random_state)
        repeats = () if n_samples is None else (n_samples,)
        return rng.normal(self.shift_, self.width_, (len(X), *repeats, len(self.shift_)))

    def predict(self, X):
        return np.tile(self.shift_, (len(X), 1))

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        y = np.asarray(y)
        return y if n_samples is None else np.repeat(y[:, None], n_samples, axis=1)

    def score_samples(self, X, y):
        z = (np.asarray(y) - self.shift_) / self.width_
        return (-0.5 * z**2 - np.log(self.width_) - 0.5 * np.log(2 * np.pi)).sum(axis=1)


class Response(ConditionalTransformerMixin, BaseEstimator):
    """The ratio y / x, which has another Jacobian in each row."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def transform_target(self, X, y):
        return np.asarray(y) / np.asarray(X)

    def inverse_transform_target(self, X, y):
        return np.asarray(y) * np.asarray(X)

    def log_det_target(self, X, y):
        return -np.log(np.asarray(X)).sum(axis=1)

    def get_target_names_out(self, names):
        return [f"{name}_response" for name in names]


def energies(n_events=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(20, 100, (n_events, 2))
    return X, X * rng.normal(1, 0.1, X.shape)


def log_normal(y, mean, width):
    return -0.5 * ((y - mean) / width) ** 2 - np.log(width) - 0.5 * np.log(2 * np.pi)


def test_plain_transformer_by_hand():
    X, y = energies()
    model = TransformedSimulator(FlowSimulator(**FLOW), [StandardScaler()]).fit(X, y)
    scaler = StandardScaler().fit(y)
    flow = FlowSimulator(**FLOW).fit(X, scaler.transform(y))
    by_hand = scaler.inverse_transform(flow.sample(X, random_state=3))
    assert_allclose(model.sample(X, random_state=3), by_hand, rtol=1e-12)
    draws = flow.sample(X, n_samples=4, random_state=3)
    many = model.sample(X, n_samples=4, random_state=3)
    for k in range(4):
        assert_allclose(many[:, k], scaler.inverse_transform(draws[:, k]), rtol=1e-12)
    density = flow.score_samples(X, scaler.transform(y)) - np.log(scaler.scale_).sum()
    assert_allclose(model.score_samples(X, y), density, rtol=1e-12)


def test_conditional_transformer_by_hand():
    X, y = energies()
    model = TransformedSimulator(FlowSimulator(**FLOW), [Response()]).fit(X, y)
    flow = FlowSimulator(**FLOW).fit(X, y / X)
    assert_allclose(model.sample(X, random_state=3), flow.sample(X, random_state=3) * X)
    draws = flow.sample(X, n_samples=3, random_state=3)
    assert_allclose(model.sample(X, n_samples=3, random_state=3), draws * X[:, None])
    assert_allclose(model.score_samples(X, y), flow.score_samples(X, y / X) - np.log(X).sum(axis=1))


def test_errors_of_transformers_name_y():
    X, y = energies()
    model = TransformedSimulator(GaussianSmear(), [Response(), LogTransformer([1])])
    step = r"(?s)column 1, first bad row 3 .*in y, transformers\[1\] \(LogTransformer\)$"
    bad = y.copy()
    bad[3, 1] = -1.0
    with pytest.raises(ValueError, match=step):
        model.fit(X, bad)
    with pytest.raises(ValueError, match=step):
        model.fit(X, y).score_samples(X, bad)


def test_density_of_a_response_in_closed_form():
    X, y = energies()
    model = TransformedSimulator(GaussianSmear(), [Response()]).fit(X, y)
    ratio = y / X
    expected = log_normal(y, X * ratio.mean(axis=0), X * ratio.std(axis=0)).sum(axis=1)
    assert_allclose(model.score_samples(X, y), expected)
    assert model.score(X, y) == pytest.approx(expected.mean())


def test_chain_of_plain_and_conditional_keeps_all_jacobians():
    X, y = energies()
    transformers = [Response(), FunctionlessScaler(), PowerTransformer()]
    model = TransformedSimulator(GaussianSmear(random_state=0), transformers).fit(X, y)
    # At each x, the density integrates to one over both columns of y.
    x = np.array([50.0, 80.0])
    grids = [np.linspace(0.3 * value, 1.8 * value, 301) for value in x]
    points = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(model.score_samples(np.tile(x, (len(points), 1)), points))
    density = density.reshape(301, 301)
    assert np.trapezoid(np.trapezoid(density, grids[1]), grids[0]) == pytest.approx(1, abs=0.01)
    drawn = model.sample(np.tile(x, (20000, 1)), random_state=0)
    assert_allclose(drawn.mean(axis=0), x, rtol=0.02)


class FunctionlessScaler(StandardScaler):
    """A subclass, which the registry of Jacobians also finds."""


def test_density_changes_with_the_unit_of_y():
    X, y = energies()
    gev = TransformedSimulator(GaussianSmear(), [StandardScaler()]).fit(X, y)
    mev = TransformedSimulator(GaussianSmear(), [StandardScaler()]).fit(X, 1000 * y)
    assert_allclose(
        mev.score_samples(X, 1000 * y), gev.score_samples(X, y) - 2 * np.log(1000), rtol=1e-9
    )


def test_density_is_absent_without_a_jacobian():
    shift = FunctionTransformer(np.log, np.exp)
    model = TransformedSimulator(GaussianSmear(), [shift])
    assert not hasattr(model, "score_samples")
    assert hasattr(TransformedSimulator(GaussianSmear(), [StandardScaler()]), "score_samples")
    X, y = energies()
    model.fit(X, np.abs(y))
    with pytest.raises(TypeError, match="no tractable density"):
        log_prob(model, X, y)
    assert model.score(X, y) < 0  # minus the energy score, which only needs draws


def test_predictions_are_transformed_back():
    X, y = energies()
    model = TransformedSimulator(GaussianSmear(), [StandardScaler()]).fit(X, y)
    assert_allclose(model.predict(X), np.tile(y.mean(axis=0), (len(X), 1)))
    flow = TransformedSimulator(FlowSimulator(**FLOW), [StandardScaler()]).fit(X, y)
    inside = flow.simulator_.predict(X)
    assert_allclose(flow.predict(X), flow.transformers_[0].inverse_transform(inside))


def test_unfolding_goes_through_plain_transformers_only():
    X, y = energies()
    model = TransformedSimulator(GaussianSmear(random_state=0), [StandardScaler()]).fit(X, y)
    scaled = StandardScaler().fit_transform(y)
    assert_allclose(model.sample_inverse(y), scaled)
    assert_allclose(model.inverse_transform(y), scaled)
    assert sample_inverse(model, y, n_samples=3).shape == (200, 3, 2)
    for transformers, simulator in (
        ([Response()], GaussianSmear()),
        ([StandardScaler()], FlowSimulator()),
    ):
        other = TransformedSimulator(simulator, transformers)
        assert not hasattr(other, "sample_inverse")


def test_weights_reach_transformers_and_simulator():
    X, y = energies()
    weight = np.linspace(0, 2, len(X))
    model = TransformedSimulator(GaussianSmear(), [StandardScaler(), PowerTransformer()])
    model.fit(X, y, sample_weight=weight)
    mean = np.average(y, axis=0, weights=weight)
    assert_allclose(model.transformers_[0].mean_, mean)
    simulator = GaussianSmear().fit(
        X, model.transformers_[1].transform(model.transformers_[0].transform(y)), weight
    )
    assert_allclose(model.simulator_.shift_, simulator.shift_)


def test_weights_reach_a_simulator_behind_transformers_of_the_condition():
    X, y = energies()
    weight = np.linspace(0, 2, len(X))
    inner = make_generative_pipeline(StandardScaler(), GaussianSmear())
    model = TransformedSimulator(inner, [StandardScaler()]).fit(X, y, sample_weight=weight)
    assert_allclose(model.simulator_[-1].shift_, 0, atol=1e-12)  # scaled with the weighted mean
    assert_allclose(model.transformers_[0].mean_, np.average(y, axis=0, weights=weight))


def test_parameters_are_cloned_and_not_fitted():
    X, y = energies()
    scaler, flow = StandardScaler(), GaussianSmear()
    model = TransformedSimulator(flow, [scaler]).fit(X, y)
    assert not hasattr(scaler, "mean_")
    assert not hasattr(flow, "shift_")
    assert model.transformers == [scaler]


def test_the_simulator_may_be_a_pipeline():
    X, y = energies()
    inner = make_pipeline(StandardScaler(), FlowSimulator(**FLOW))
    model = TransformedSimulator(inner, [StandardScaler()]).fit(X, y)
    scale_x, scale_y = StandardScaler().fit(X), StandardScaler().fit(y)
    flow = FlowSimulator(**FLOW).fit(scale_x.transform(X), scale_y.transform(y))
    drawn = flow.sample(scale_x.transform(X), random_state=1)
    assert_allclose(model.sample(X, random_state=1), scale_y.inverse_transform(drawn))
    density = flow.score_samples(scale_x.transform(X), scale_y.transform(y))
    assert_allclose(model.score_samples(X, y), density - np.log(scale_y.scale_).sum())
    # The seed is that of the simulator inside.
    assert_array_equal(model.transform(X), model.transform(X))


@pytest.mark.parametrize(
    ("simulator", "transformers", "message"),
    [
        (FlowGenerator(), [StandardScaler()], "must be a simulator, got FlowGenerator"),
        (StandardScaler(), [], "must be a simulator, got StandardScaler"),
        (FlowSimulator(), StandardScaler(), "must be a list of transformers"),
        (FlowSimulator(), None, "must be a list of transformers"),
    ],
)
def test_bad_simulators_and_transformers(simulator, transformers, message):
    with pytest.raises(TypeError, match=message):
        TransformedSimulator(simulator, transformers).fit(*energies())


def test_no_transformers_is_the_simulator_alone():
    X, y = energies()
    model = TransformedSimulator(FlowSimulator(**FLOW), []).fit(X, y)
    flow = FlowSimulator(**FLOW).fit(X, y)
    assert_array_equal(model.sample(X, random_state=0), flow.sample(X, random_state=0))
    assert_array_equal(model.score_samples(X, y), flow.score_samples(X, y))


# Names.

NAMES = ["muon_px", "muon_py", "muon_pz"]


def momenta(n_events=150):
    rng = np.random.default_rng(0)
    pt, phi = rng.uniform(20, 60, n_events), rng.uniform(-np.pi, np.pi, n_events)
    X = np.column_stack([pt * np.cos(phi), pt * np.sin(phi), rng.normal(0, 30, n_events)])
    y = X + rng.normal(0, 0.5, X.shape)
    return pd.DataFrame(X, columns=NAMES), pd.DataFrame(y, columns=NAMES)


def canonical(**params):
    return make_pipeline(
        CartesianToCylindrical(),
        TransformedSimulator(
            FlowSimulator(**FLOW | params), [CartesianToCylindrical(), ResidualTransformer()]
        ),
    )


def test_names_reach_every_step():
    X, y = momenta()
    model = canonical().fit(X, y)
    simulator = model[-1]
    assert simulator.stage_names_[1] == ["muon_pt", "muon_eta", "muon_phi"]
    assert list(simulator.simulator_.target_names_in_) == [
        "muon_pt_residual",
        "muon_eta_residual",
        "muon_phi_residual",
    ]
    assert list(simulator.target_names_in_) == NAMES
    assert_array_equal(simulator.simulator_.condition_encoder_.angles_, [2])
    assert_array_equal(simulator.transformers_[1].angles_, [False, False, True])
    assert list(model.get_feature_names_out()) == NAMES


def test_canonical_model_by_hand():
    X, y = momenta()
    model = canonical(max_epochs=4).fit(X, y)
    into = CartesianToCylindrical().fit(X)
    x_cyl, y_cyl = into.transform(X), into.transform(y)
    residual = ResidualTransformer().fit(x_cyl, y_cyl)
    scaled = residual.transform_target(x_cyl, y_cyl)
    names = [f"{name}_residual" for name in x_cyl.columns]
    flow = FlowSimulator(**FLOW | {"max_epochs": 4}).fit(x_cyl, pd.DataFrame(scaled, columns=names))
    drawn = flow.sample(x_cyl, random_state=2)
    expected = into.inverse_transform(residual.inverse_transform_target(x_cyl, drawn))
    assert_allclose(sample(model, X, random_state=2), expected, rtol=1e-9)
    density = (
        flow.score_samples(x_cyl, pd.DataFrame(scaled, columns=names))
        + residual.log_det_target(x_cyl, y_cyl)
        + into.log_det_jacobian(y)
    )
    assert_allclose(log_prob(model, X, y), density, rtol=1e-9)
    assert is_simulator(model)


def test_frames_of_another_index():
    X, y = momenta()
    model = canonical().fit(X, y)
    shuffled = X.sample(frac=1, random_state=0)
    drawn = sample(model, shuffled, random_state=0)
    again = sample(model, shuffled.reset_index(drop=True), random_state=0)
    assert_array_equal(np.asarray(drawn), np.asarray(again))
    model = canonical().fit(shuffled, y.loc[shuffled.index])
    assert np.abs(model[-1].transformers_[1].scale_).min() > 1e-3


def test_same_columns_are_demanded():
    X, y = momenta()
    with pytest.raises(ValueError, match="y has 'jet_px', X has only"):
        TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()]).fit(
            X, y.rename(columns={"muon_px": "jet_px"})
        )


@pytest.mark.parametrize(("pipe", "message"), [(lambda X, y: (X, y[NAMES[::-1]]), "at position 0")])
def test_score_refuses_other_columns(pipe, message):
    X, y = momenta()
    model = TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()]).fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.score_samples(*pipe(X, y))


def shuffled_frames():
    order = np.random.default_rng(1).permutation(200)
    names = ["muon_pt", "jet_pt"]
    return [pd.DataFrame(side, columns=names).iloc[order] for side in energies()]


@pytest.mark.parametrize("wrapped", [False, True])
def test_different_rows_of_X_and_y(wrapped):
    X, y = shuffled_frames()
    model = FlowSimulator(**FLOW)
    model = TransformedSimulator(model, [ResidualTransformer()]) if wrapped else model
    with pytest.raises(ValueError, match="indices differ from row 0"):
        model.fit(X, y.sort_index())
    with pytest.raises(ValueError, match="indices differ from row 0"):
        make_pipeline(LogTransformer(["muon_pt"]), model).fit(X, y.sort_index())


def test_searches_and_pipelines_keep_the_index():
    X, y = shuffled_frames()
    simulator = TransformedSimulator(
        FlowSimulator(**FLOW | {"max_epochs": 1}), [LogTransformer(["muon_pt"])]
    )
    for model in (
        make_pipeline(LogTransformer(["muon_pt"]), simulator),
        make_pipeline(StandardScaler().set_output(transform="pandas"), simulator),
    ):
        cross_validate(model, X, y, cv=2, error_score="raise")
        GridSearchCV(
            model,
            {"transformedsimulator__simulator__n_bins": [4]},
            cv=KFold(2, shuffle=True, random_state=0),
            error_score="raise",
        ).fit(X, y)


def test_no_events_give_an_empty_result():
    X, y = energies()
    model = TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()]).fit(X, y)
    assert model.sample(X[:0]).shape == (0, 2)
    assert model.sample(X[:0], n_samples=3).shape == (0, 3, 2)
    frames = shuffled_frames()
    piped = make_pipeline(LogTransformer(["muon_pt"]), FlowSimulator(**FLOW)).fit(*frames)
    piped.set_output(transform="pandas")
    table = sample(piped, frames[0].iloc[:0])
    assert list(table.columns) == ["muon_pt", "jet_pt"]
    assert len(table) == 0

"""Drawn events on their way back through transformers: inverses that are none, NaN, and memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

import skjetsim._drawing._back as back
import skjetsim._drawing._inverts as inverts
from skjetsim import sample, sample_chunks, sample_inverse
from skjetsim.compose import (
    ConditionalTransformerMixin,
    ResidualTransformer,
    TransformedSimulator,
    Unfolder,
)
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import LogTransformer

FLOW = {"n_transforms": 1, "hidden_features": (8,), "max_epochs": 1, "random_state": 0}


def skewed(n=2000, columns=("pt", "mass")):
    """Positive events with long tails, in GeV."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.exponential(1, (n, len(columns))) ** 2 + 0.01, columns=list(columns))


# Transformers that do not invert.

LOG = FunctionTransformer(np.log)


class Doubling(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * X

    def inverse_transform(self, X):
        return X


class HalfResidual(ConditionalTransformerMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def transform_target(self, X, y):
        return y - X

    def inverse_transform_target(self, X, y):
        return y + 0.5 * X

    def get_target_names_out(self, names):
        return names


def fit_transformed(step):
    X = skewed()
    return TransformedSimulator(FlowSimulator(**FLOW), [StandardScaler(), step]).fit(X, X)


def test_transformed_simulator_names_the_step_and_the_cure():
    X = skewed()
    with pytest.raises(ValueError, match=r"FunctionTransformer does not .* inverse_func=np.exp"):
        TransformedSimulator(FlowSimulator(**FLOW), [LOG]).fit(X, X)
    with pytest.raises(ValueError, match=r"Doubling does not take events back: .* in column 'pt'"):
        TransformedSimulator(FlowSimulator(**FLOW), [Doubling()]).fit(X, X)
    with pytest.raises(ValueError, match="HalfResidual does not"):
        TransformedSimulator(FlowSimulator(**FLOW), [HalfResidual()]).fit(X, X)


def test_generative_pipelines_find_out_before_the_model_is_trained():
    class NeverFitted(GaussianMixture):
        def fit(self, X, y=None):
            raise AssertionError

    with pytest.raises(ValueError, match=r"FunctionTransformer does not .* column 'pt'"):
        make_generative_pipeline(LOG, NeverFitted()).fit(skewed())


@pytest.mark.parametrize("n_samples", [1, 500])
def test_pipelines_find_out_when_they_draw(n_samples):
    generator = make_pipeline(FunctionTransformer(np.log), GaussianMixture()).fit(skewed())
    with pytest.raises(ValueError, match="FunctionTransformer does not take events back"):
        sample(generator, n_samples=n_samples)
    unfolder = Unfolder(FlowSimulator(**FLOW))
    unfolder = make_pipeline(FunctionTransformer(np.log), unfolder).fit(skewed(), skewed())
    with pytest.raises(ValueError, match="FunctionTransformer does not take events back"):
        sample_inverse(unfolder, skewed(n_samples))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("refit", [False, True])
def test_pipelines_find_out_after_a_step_was_changed(nested, refit):
    step = FunctionTransformer(np.log, inverse_func=np.exp)
    first = make_pipeline(StandardScaler(with_mean=False), step) if nested else step
    generator = make_pipeline(first, GaussianMixture()).fit(skewed())
    sample(generator, n_samples=50)
    step.set_params(inverse_func=None)
    if refit:
        generator.fit(skewed())
    with pytest.raises(ValueError, match="does not take events back"):
        sample(generator, n_samples=50)
    step.set_params(inverse_func=np.exp)
    sample(generator, n_samples=50)


@pytest.mark.parametrize(
    "step",
    [
        PowerTransformer(),
        QuantileTransformer(n_quantiles=100),
        LogTransformer(["pt"]),
        make_pipeline(StandardScaler(), PCA()),
        ColumnTransformer([("log", FunctionTransformer(np.log, np.exp), [0])]),
        FlowGenerator(**FLOW),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_steps_are_checked_once_for_each_fit(monkeypatch, step):
    checked = []
    monkeypatch.setattr(inverts, "check_inverts", lambda step, *_: checked.append(step))
    if not hasattr(step, "inverse_transform"):
        monkeypatch.setattr(
            type(step), "inverse_transform", lambda self, X: np.abs(X[:, [0, 0]]), raising=False
        )
    generator = make_pipeline(step, GaussianMixture()).fit(skewed())
    for _ in range(2):
        sample(generator, n_samples=20)
        sample(generator, n_samples=1)
        assert len(checked) == 1
    generator.fit(skewed())
    sample(generator, n_samples=1), sample(generator, n_samples=1)
    assert len(checked) == 2


@pytest.mark.parametrize(
    "step",
    [
        StandardScaler(),
        PowerTransformer(),
        PCA(),
        QuantileTransformer(n_quantiles=100, subsample=1000, random_state=0),
        FunctionTransformer(np.log, np.exp),
        make_pipeline(StandardScaler(), PCA()),
        "passthrough",
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_steps_that_invert_pass(step):
    model = make_generative_pipeline(step, GaussianMixture(random_state=0)).fit(skewed())
    assert model.sample(50, random_state=0).shape == (50, 2)
    if step != "passthrough":
        TransformedSimulator(FlowSimulator(**FLOW), [step]).fit(skewed(), skewed())


@pytest.mark.filterwarnings("ignore:Column .* holds integers")
@pytest.mark.parametrize("step", [PCA(1), KBinsDiscretizer(encode="ordinal")])
def test_steps_that_lose_detail_say_how_much(step):
    X = skewed()
    for fit in (
        lambda: make_generative_pipeline(step, GaussianMixture()).fit(X),
        lambda: TransformedSimulator(FlowSimulator(**FLOW), [step]).fit(X, X),
    ):
        with pytest.warns(
            UserWarning, match=r"loses detail: .* [0-9.]+ standard deviations off in"
        ):
            fit()


def _later(X):
    return X.where(X > 0, X + 2 * np.pi)


def _same(X, largest=None):
    return X


def test_angles_may_come_back_a_turn_later():
    X = pd.DataFrame({"muon_phi": np.linspace(-3, 3, 100)})
    turned = FunctionTransformer(_later, _same, check_inverse=False)
    TransformedSimulator(FlowSimulator(**FLOW), [turned]).fit(X, X)
    named = X.rename(columns={"muon_phi": "muon_pt"})
    with pytest.warns(UserWarning, match="loses detail"):
        TransformedSimulator(FlowSimulator(**FLOW), [turned]).fit(named, named)


# Draws without an inverse.


def powers(model):
    return make_generative_pipeline(PowerTransformer(), model).fit(skewed())


@pytest.mark.filterwarnings("ignore:Some values in column", "ignore:invalid value")
@pytest.mark.parametrize("model", [GaussianMixture(2, random_state=0), FlowGenerator(**FLOW)])
def test_draws_beyond_a_bound_are_drawn_again(model):
    model = powers(model)
    with pytest.warns(UserWarning, match=r"\d+ of 20000 drawn events had no inverse under Power"):
        events = model.sample(20_000, random_state=0)
    assert np.isfinite(events).all()
    assert len(np.unique(events, axis=0)) == len(events)
    with pytest.warns(UserWarning, match="no inverse"):
        assert_array_equal(events, model.sample(20_000, random_state=0))


@pytest.mark.filterwarnings("ignore:Some values in column", "ignore:invalid value")
@pytest.mark.filterwarnings("ignore:.* had no inverse")
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_replacements_do_not_depend_on_blocks_or_on_the_length_of_the_call(monkeypatch, container):
    if container == "polars":
        pytest.importorskip("polars")
    model = powers(FlowGenerator(**FLOW))
    model[0].set_output(transform=container), model[1].set_output(transform=container)
    many = np.asarray(model.sample(8192, random_state=0))
    np.testing.assert_allclose(model.sample(4096, random_state=0), many[:4096], rtol=1e-5)
    monkeypatch.setattr(back, "BLOCK_ROWS", 1000)
    assert_array_equal(np.asarray(model.sample(8192, random_state=0)), many)


class NeverBack(FunctionTransformer):
    """Identity; the inverse is NaN where `lost` says so."""

    def inverse_transform(self, X):
        X = np.array(X, dtype=float)
        X[np.abs(X).sum(axis=1) > self.kw_args["largest"]] = np.nan
        return X


class WithSum(TransformerMixin, BaseEstimator):
    """Drops the last column, which is the sum of the others."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[X.columns[:-1]] if hasattr(X, "columns") else X[:, :-1]

    def inverse_transform(self, X):
        if hasattr(X, "with_columns"):
            return X.with_columns(total=X["pt"] + X["mass"])
        if hasattr(X, "assign"):
            return X.assign(total=X.sum(axis=1))
        return np.column_stack([X, X.sum(axis=1)])


def _as_container(name):
    if name == "polars":
        return pytest.importorskip("polars").from_pandas
    return (lambda table: table) if name == "pandas" else np.asarray


class Bounded(NeverBack):
    """Has no inverse above `largest`, in the container that is given."""

    def inverse_transform(self, X):
        back = pd.DataFrame(super().inverse_transform(X), columns=["pt", "mass"])
        if hasattr(X, "index"):
            back.index = X.index
        return _as_container(type(X).__module__.split(".")[0])(back)


@pytest.mark.filterwarnings("ignore:.* had no inverse")
@pytest.mark.parametrize("block_rows", [1, 7, 1000])
@pytest.mark.parametrize("container", ["numpy", "pandas", "polars"])
def test_blocks_without_any_inverse_may_change_the_columns(monkeypatch, container, block_rows):
    to_container = _as_container(container)
    rng = np.random.default_rng(0)

    def draw(n, seed):
        values = np.random.default_rng(seed).random((n, 2))
        return pd.DataFrame(values, columns=["pt", "mass"])

    def again(rows, seed):
        return to_container(draw(len(rows), rng.integers(2**31)))

    def check(marks):
        assert not np.isnan(marks).any()

    monkeypatch.setattr(back, "BLOCK_ROWS", block_rows)
    stages = [
        (step, lambda X, rows, step=step: step.inverse_transform(X))
        for step in (Bounded(kw_args={"largest": 1.0}), WithSum())
    ]
    for n in (1, 2, 20):
        for seed in range(10):
            drawn = draw(n, seed).set_axis(np.arange(n) + 100)
            events = back.take_back(stages, to_container(drawn), check, again)
            assert type(events) is type(to_container(drawn))
            values, kept = np.asarray(events), np.asarray(drawn.sum(axis=1) <= 1)
            assert values.shape == (n, 3)
            np.testing.assert_allclose(values[:, :2].sum(axis=1), values[:, 2])
            assert (values[:, 2] <= 1).all()
            assert_array_equal(values[kept, :2], np.asarray(drawn)[kept])
            if container == "pandas":
                assert list(events.index) == list(drawn.index)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:.* had no inverse")
@pytest.mark.parametrize("container", ["numpy", "pandas", "polars"])
def test_single_events_without_an_inverse_get_all_columns(container):
    X = skewed()
    X["total"] = X.sum(axis=1)
    model = make_generative_pipeline(WithSum(), PowerTransformer(), GaussianMixture(2))
    model.fit(_as_container(container)(X))
    lost = 0
    for seed in range(60):
        drawn = np.asarray(model.sample(1, random_state=seed))
        assert drawn.shape == (1, 3)
        assert np.isfinite(drawn).all()
        with np.errstate(invalid="ignore"):
            point = sample(model[-1], n_samples=1, random_state=seed)
            lost += np.isnan(model[1].inverse_transform(point)).any()
    assert lost > 0


@pytest.mark.parametrize("n_samples", [None, 3])
def test_simulators_draw_again_for_the_same_event(n_samples):
    X = pd.DataFrame({"pt": np.repeat([10.0, 50.0], 300)})
    y = X + np.random.default_rng(0).normal(size=X.shape)
    step = NeverBack(_same, kw_args={"largest": 51.0})
    plain = TransformedSimulator(FlowSimulator(**FLOW | {"max_epochs": 20}), []).fit(X, y)
    first = plain.sample(X, n_samples=n_samples, random_state=0)
    plain.transformers_, plain.stage_names_ = [step.fit(y)], [["pt"], ["pt"]]
    with pytest.warns(UserWarning, match="drawn events had no inverse under NeverBack"):
        drawn = plain.sample(X, n_samples=n_samples, random_state=0)
    kept = first <= 51
    assert_array_equal(drawn[kept], first[kept])
    assert 0.7 < kept.mean() < 0.99
    assert (np.abs(drawn[~kept] - 50) < 10).all()
    assert (drawn <= 51).all()


def test_rows_without_any_inverse_are_errors_that_name_the_row():
    X = pd.DataFrame({"pt": np.linspace(10.0, 50.0, 300)})
    step = NeverBack(_same, kw_args={"largest": 1e3})
    model = TransformedSimulator(FlowSimulator(**FLOW), [step]).fit(X, X)
    X.loc[7] = 5e4
    with pytest.raises(ValueError, match=r"row 7 of X lies too far") as error:
        model.sample(X, random_state=0)
    assert "NeverBack took the events back" in error.value.__notes__[-1]


@pytest.mark.filterwarnings("ignore:Some values in column", "ignore:invalid value")
def test_latent_points_without_an_event_are_an_error():
    model = powers(FlowGenerator(**FLOW))
    points = np.array([[0.0, 0.0], [9.0, 9.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match=r"row 1 of Z lies too far"):
        model.inverse_transform(points)
    assert model.inverse_transform(points[[0, 2]]).shape == (2, 2)


# Mixtures.


@pytest.mark.parametrize("mixture", [GaussianMixture, BayesianGaussianMixture])
def test_mixtures_come_in_no_order(mixture):
    X = np.concatenate([np.full((100, 1), center) for center in (0.0, 10.0, 20.0)])
    X = X + np.random.default_rng(0).normal(size=X.shape)
    model = mixture(n_components=3, random_state=0).fit(X)
    drawn = sample(model, n_samples=3000, random_state=1)
    assert_array_equal(drawn, sample(model, n_samples=3000, random_state=1))
    thirds = drawn.reshape(3, 1000)
    assert np.ptp(thirds.mean(axis=1)) < 2
    assert thirds.std(axis=1).min() > 5


# No events, many events.


@pytest.mark.parametrize("make", [make_pipeline, make_generative_pipeline])
def test_unfolding_of_no_events(make):
    X = skewed(200)
    model = make(StandardScaler(), Unfolder(FlowSimulator(**FLOW))).fit(X, X)
    assert sample_inverse(model, X[:0]).shape == (0, 2)
    assert sample_inverse(model, X[:0], n_samples=3).shape == (0, 3, 2)
    if make is make_generative_pipeline:
        assert model.inverse_transform(X[:0]).shape == (0, 2)
        expected = sample_inverse(model, X[:5], random_state=0)
        assert_array_equal(model.inverse_transform(X[:5]), expected)


def peak(draw):
    """Largest memory during a draw, in units of its result."""
    tracemalloc.start()
    try:
        drawn = draw()
        return tracemalloc.get_traced_memory()[1] / drawn.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_memory_of_many_draws():
    X = skewed(2000, [f"c{i}" for i in range(6)])
    flow = FlowSimulator(**FLOW)
    steps = [StandardScaler(), ResidualTransformer()]
    models = [
        flow,
        make_generative_pipeline(StandardScaler(), TransformedSimulator(flow, steps)),
        make_pipeline(StandardScaler(), StandardScaler(), Unfolder(flow)),
    ]
    for model, draw in zip(models, (sample, sample, sample_inverse), strict=True):
        model.fit(X, X * 1.1)
        given = X if draw is sample else X * 1.1
        draw(model, given[:10], n_samples=2)
        assert peak(lambda m=model, d=draw, g=given: d(m, g, n_samples=150, random_state=0)) < 2.5


def test_memory_of_draws_of_few_columns():
    X = skewed(2000, ["c0", "c1", "c2", "c3"])
    model = TransformedSimulator(FlowSimulator(**FLOW), [ResidualTransformer()])
    model = make_generative_pipeline(model).fit(X, X * 1.1)
    model.sample(X[:10], n_samples=2)
    assert peak(lambda: model.sample(X, n_samples=100, random_state=0)) < 2.4


def test_draws_that_do_not_fit_into_memory_name_sample_chunks():
    X = np.broadcast_to(np.ones((1, 2)), (10**6, 2))
    simulator = FlowSimulator(**FLOW).fit(skewed(200), skewed(200))
    simulator.feature_names_in_ = None
    generator = FlowGenerator(**FLOW).fit(skewed(200))
    del simulator.feature_names_in_
    for draw in (
        lambda: simulator.sample(X, n_samples=10**7),
        lambda: generator.sample(10**13),
        lambda: sample(make_pipeline("passthrough", generator), n_samples=10**13),
    ):
        with pytest.raises(MemoryError, match=r"GB.*skjetsim\.sample_chunks"):
            draw()
    assert len(next(sample_chunks(generator, n_samples=10**13))) == 65_536


def test_memory_errors_of_a_draw_name_sample_chunks(monkeypatch):
    generator = FlowGenerator(**FLOW).fit(skewed(200))

    def fail(*args):
        raise MemoryError

    monkeypatch.setattr(generator, "_draw_events", fail)
    with pytest.raises(MemoryError, match="sample_chunks"):
        generator.sample(5)

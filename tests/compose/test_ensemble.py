"""EnsembleSimulator: the events of its members, its draws, and the meaning of its spread."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_info

import skjetsim
from skjetsim import load, log_prob, save
from skjetsim.base import SimulatorMixin, is_simulator
from skjetsim.compose import EnsembleSimulator, ResidualTransformer, TransformedSimulator, Unfolder
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import histogram_band
from skjetsim.preprocessing import LogTransformer

FLOW = {"n_transforms": 2, "hidden_features": (8,), "n_bins": 4, "max_epochs": 2, "device": "cpu"}


def threads_here():
    """Process, threads of torch, and the largest number of threads in other pools."""
    import torch

    pools = max(pool["num_threads"] for pool in threadpool_info())
    return f"{os.getpid()} {torch.get_num_threads()} {pools}"


class GaussianLine(SimulatorMixin, BaseEstimator):
    """y = intercept + slope x + noise by least squares, with errors in closed form."""

    def __init__(self, log=None, fail_at=None, random_state=None):
        self.log = log
        self.fail_at = fail_at
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        if self.log is not None:
            Path(self.log, f"{self.random_state}").write_text(threads_here())
        if self.fail_at is not None and 1.0 in np.asarray(X):
            raise self.fail_at
        self.seen_ = X, y, sample_weight
        names = getattr(y, "columns", ["y0"])
        self.target_names_in_ = np.asarray(names, dtype=object)
        x, y = np.asarray(X).reshape(len(X), -1)[:, 0], np.asarray(y).ravel()
        root = None if sample_weight is None else np.sqrt(sample_weight)
        self.slope_, self.intercept_ = np.polyfit(x, y, 1, w=root)
        self.width_ = np.std(y - self._line(x), ddof=2)
        return self

    def _line(self, x):
        return self.intercept_ + self.slope_ * x

    def _noisy(self, mean, width, n_samples, random_state):
        shape = (len(mean), 1) if n_samples is None else (len(mean), n_samples, 1)
        noise = np.random.default_rng(random_state).normal(size=shape)
        return mean.reshape(-1, *(1,) * (len(shape) - 1)) + width * noise

    def sample(self, X, *, n_samples=None, random_state=None):
        mean = self._line(np.asarray(X)[:, 0])
        return self._noisy(mean, self.width_, n_samples, random_state)

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        mean = (np.asarray(y).ravel() - self.intercept_) / self.slope_
        return self._noisy(mean, self.width_ / self.slope_, n_samples, random_state)

    def predict(self, X):
        return self._line(np.asarray(X)[:, 0])[:, None]

    def score_samples(self, X, y):
        return norm.logpdf(np.asarray(y).ravel(), self.predict(X)[:, 0], self.width_)


def line(n_events, seed=0, width=1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_events, 1))
    return x, x + width * rng.normal(size=x.shape)


def frames(n_events=60):
    X, y = line(n_events)
    return pd.DataFrame(X, columns=["pt"]), pd.DataFrame(y, columns=["reco_pt"])


@pytest.fixture(scope="module")
def toy():
    """An ensemble of three lines that are far apart, and its events."""
    X, y = line(90)
    model = EnsembleSimulator(GaussianLine(), n_estimators=3, random_state=0).fit(X, y)
    for number, member in enumerate(model.estimators_):
        member.intercept_, member.width_ = 100.0 * number, 1.0
    return model, X, y


# Events of the members.


def test_disjoint_parts_cover_all_events_once():
    X, y = line(95)
    model = EnsembleSimulator(GaussianLine(), n_estimators=10, random_state=0).fit(X, y)
    assert len(model.estimators_) == 10
    assert {len(rows) for rows in model.estimators_samples_} == {9, 10}
    assert_array_equal(np.sort(np.concatenate(model.estimators_samples_)), np.arange(95))
    for member, rows in zip(model.estimators_, model.estimators_samples_, strict=True):
        assert_array_equal(member.seen_[0], X[rows])
        assert_array_equal(member.seen_[1], y[rows])
    # random: no part is a contiguous piece of the file
    assert all(np.ptp(rows) > 2 * len(rows) for rows in model.estimators_samples_)


def test_bootstrap_and_folds():
    X, y = line(1000)
    model = EnsembleSimulator(
        GaussianLine(), n_estimators=4, resampling="bootstrap", random_state=0
    ).fit(X, y)
    for rows in model.estimators_samples_:
        assert len(rows) == 1000
        assert 0.6 < len(np.unique(rows)) / 1000 < 0.66  # 1 - 1/e of the events
    assert not np.array_equal(*model.estimators_samples_[:2])
    model = EnsembleSimulator(
        GaussianLine(), n_estimators=4, resampling="folds", random_state=0
    ).fit(X, y)
    left_out = [np.setdiff1d(np.arange(1000), rows) for rows in model.estimators_samples_]
    assert_array_equal(np.sort(np.concatenate(left_out)), np.arange(1000))
    assert_array_equal([len(rows) for rows in model.estimators_samples_], 750)


@pytest.mark.parametrize("resampling", ["disjoint", "bootstrap", "folds"])
def test_weights_follow_events_and_weight_zero_leaves_out(resampling):
    X, y = line(80)
    weight = np.arange(80.0) % 4
    model = EnsembleSimulator(GaussianLine(), n_estimators=3, resampling=resampling, random_state=0)
    model.fit(X, y, sample_weight=weight)
    for member, rows in zip(model.estimators_, model.estimators_samples_, strict=True):
        assert (weight[rows] > 0).all()
        assert_array_equal(member.seen_[2], weight[rows])
    assert model.estimators_samples_[0].size
    assert (
        EnsembleSimulator(GaussianLine(), n_estimators=3).fit(X, y).estimators_[0].seen_[2] is None
    )


def test_each_member_has_its_own_seeds():
    X, y = line(60)
    search = RandomizedSearchCV(
        make_pipeline(StandardScaler(), GaussianLine(random_state=5)),
        {"standardscaler__with_mean": [True, False]},
        n_iter=1,
        cv=2,
        random_state=5,
    )
    one = EnsembleSimulator(search, n_estimators=3, random_state=1).fit(X, y)
    again = EnsembleSimulator(search, n_estimators=3, random_state=1).fit(X, y)
    seeds = []
    for member, copy in zip(one.estimators_, again.estimators_, strict=True):
        params = member.get_params()
        mine = [params["random_state"], params["estimator__gaussianline__random_state"]]
        assert mine[0] == copy.random_state
        assert_array_equal(member.best_estimator_[-1].random_state, mine[1])
        seeds += mine
    assert len(set(seeds)) == 6
    assert search.random_state == 5
    other = EnsembleSimulator(search, n_estimators=3, random_state=2).fit(X, y)
    assert other.estimators_[0].random_state not in seeds
    assert not np.array_equal(other.estimators_samples_[0], one.estimators_samples_[0])
    fresh = [
        EnsembleSimulator(GaussianLine(), n_estimators=2).fit(X, y).estimators_[0] for _ in range(2)
    ]
    assert fresh[0].random_state != fresh[1].random_state


@pytest.fixture
def two_threads(monkeypatch):
    import torch

    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(variable, "2")  # for the processes that joblib starts
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield lambda: torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_members_are_fitted_on_one_thread(two_threads, tmp_path):
    EnsembleSimulator(GaussianLine(log=str(tmp_path)), n_estimators=2).fit(*line(20))
    assert [file.read_text() for file in tmp_path.iterdir()] == [f"{os.getpid()} 1 1"] * 2
    assert two_threads()


@pytest.mark.slow  # processes that import torch
def test_processes_fit_the_same_members(two_threads, tmp_path):
    X, y = line(200)
    X, y = np.hstack([X, -X]), np.hstack([y, y + 1])
    one = EnsembleSimulator(FlowSimulator(**FLOW), n_estimators=2, random_state=0).fit(X, y)
    two = clone(one).set_params(n_jobs=2).fit(X, y)
    assert_array_equal(two.sample_members(X, random_state=0), one.sample_members(X, random_state=0))
    assert_array_equal(two.score_samples(X, y), one.score_samples(X, y))
    EnsembleSimulator(GaussianLine(log=str(tmp_path)), n_estimators=2, n_jobs=2).fit(X, y[:, 0])
    for file in tmp_path.iterdir():
        process, *threads = file.read_text().split()
        assert int(process) != os.getpid()
        assert threads == ["1", "1"]
    assert two_threads()


def test_each_member_has_its_own_checkpoint(tmp_path):
    X, y = line(80)
    path = tmp_path / "flow.pt"
    flow = FlowSimulator(**FLOW, checkpoint=str(path))
    first = EnsembleSimulator(flow, n_estimators=2, random_state=0).fit(X, y)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["flow.pt.0", "flow.pt.1"]
    again = EnsembleSimulator(flow, n_estimators=2, random_state=0).fit(X, y)
    assert_array_equal(first.sample(X, random_state=0), again.sample(X, random_state=0))
    with pytest.raises(ValueError, match="checkpoint needs an int as random_state of Ensemble"):
        EnsembleSimulator(flow, n_estimators=2).fit(X, y)


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_errors_of_members_name_the_row_of_the_whole_table():
    X, y = line(80)
    X, bad = X + 10, X + 10
    bad[41] = -1.0
    logs = make_pipeline(LogTransformer([0]), GaussianLine())
    with pytest.raises(ValueError, match=r"(?s)first bad row .*it is row 41\.$"):
        EnsembleSimulator(logs, n_estimators=2, random_state=0).fit(bad, y)
    model = EnsembleSimulator(logs, n_estimators=2, random_state=0).fit(X, y)
    for draws in (None, 3):
        with pytest.raises(ValueError, match=r"(?s)first bad row .*it is row 41\.$"):
            model.sample(bad, n_samples=draws, random_state=0)


# Draws.


def test_rows_and_draws_come_from_random_members(toy):
    model, X, _ = toy
    many = np.tile(X, (40, 1))
    member = np.round(model.sample(many, random_state=0) / 100).ravel()
    assert_allclose(np.bincount(member.astype(int)) / len(many), 1 / 3, atol=0.03)
    draws = model.sample(X, n_samples=40, random_state=0)
    assert draws.shape == (90, 40, 1)
    member = np.round(draws[..., 0] / 100)
    assert all(len(np.unique(row)) == 3 for row in member)  # each draw has another member
    # Draws are in the right rows: without member and condition, unit noise remains.
    noise = draws[..., 0] - 100 * member - model.estimators_[0].slope_ * X
    assert noise.std() == pytest.approx(1, abs=0.1)


def test_draws_repeat_for_a_seed(toy):
    model, X, _ = toy
    one = model.sample(X, n_samples=3, random_state=1)
    assert_array_equal(one, model.sample(X, n_samples=3, random_state=1))
    assert not np.array_equal(one, model.sample(X, n_samples=3, random_state=2))
    assert_array_equal(model.sample(X, random_state=1)[:5], model.sample(X[:5], random_state=1))


def test_all_members_draw_for_all_rows(toy):
    model, X, _ = toy
    assert model.sample_members(X).shape == (3, 90, 1)
    draws = model.sample_members(X, n_samples=5, random_state=0)
    assert draws.shape == (3, 90, 5, 1)
    for number in range(3):
        assert_array_equal(np.round(draws[number] / 100), number)
    noise = draws - 100 * np.arange(3).reshape(3, 1, 1, 1)
    assert not np.allclose(noise[0], noise[1], atol=0.1)  # each member has other noise
    assert_array_equal(draws, model.sample_members(X, n_samples=5, random_state=0))


def test_no_events_give_an_empty_result(toy):
    model, X, _ = toy
    assert model.sample(X[:0]).shape == (0, 1)
    assert model.sample(X[:0], n_samples=4).shape == (0, 4, 1)
    assert model.sample_members(X[:0]).shape == (3, 0, 1)
    assert model.sample_members(X[:0], n_samples=4).shape == (3, 0, 4, 1)


def test_prediction_and_its_spread(toy):
    model, X, _ = toy
    each = np.stack([member.predict(X) for member in model.estimators_])
    assert_allclose(model.predict(X), each.mean(axis=0))
    assert_allclose(model.predict_std(X), each.std(axis=0, ddof=1))


def test_azimuths_are_averaged_on_the_circle():
    X, y = frames()
    model = EnsembleSimulator(GaussianLine(), n_estimators=2).fit(
        X, y.set_axis(["muon_phi"], axis=1)
    )
    for member, phi in zip(model.estimators_, (3.1, -3.0), strict=True):
        member.intercept_, member.slope_ = phi, 0.0
    middle = (3.1 - 3.0 + 2 * np.pi) / 2 - 2 * np.pi
    assert_allclose(model.predict(X), middle)
    assert_allclose(model.predict_std(X), (2 * np.pi - 6.1) / np.sqrt(2))


def test_density_is_the_mean_of_the_members(toy):
    model, X, y = toy
    each = [member.score_samples(X, y) for member in model.estimators_]
    assert_allclose(model.score_samples(X, y), np.log(np.mean(np.exp(each), axis=0)))
    grid = np.linspace(-10, 210, 5000)[:, None]
    density = np.exp(model.score_samples(np.full_like(grid, 0.3), grid))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1)
    assert model.score(X, y) == pytest.approx(model.score_samples(X, y).mean())


def test_unfolding_is_a_mixture(toy):
    model, _, y = toy
    member = -model.sample_inverse(y, random_state=0) * model.estimators_[0].slope_ / 100
    assert set(np.round(member.ravel())) == {0, 1, 2}
    assert model.sample_inverse(y, n_samples=7).shape == (90, 7, 1)
    assert model.inverse_transform(y).shape == (90, 1)
    assert_array_equal(
        skjetsim.sample_inverse(model, y, random_state=3), model.sample_inverse(y, random_state=3)
    )
    assert not hasattr(EnsembleSimulator(FlowSimulator()), "sample_inverse")
    assert not hasattr(EnsembleSimulator(FlowSimulator()), "inverse_transform")


# Members of all kinds.


def test_members_may_be_pipelines_and_searches():
    X, y = frames(120)
    weight = np.linspace(0, 2, 120)
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), GaussianLine())
    search = GridSearchCV(pipe, {"standardscaler__with_std": [True]}, cv=KFold(2))
    for inner in (pipe, search, make_pipeline(pipe)):
        model = EnsembleSimulator(inner, n_estimators=2, random_state=0).fit(
            X, y, sample_weight=weight
        )
        assert is_simulator(model)
        densities = [log_prob(member, X, y) for member in model.estimators_]
        assert_allclose(model.score_samples(X, y), logsumexp(densities, axis=0) - np.log(2))
        assert model.sample(X, n_samples=2).shape == (120, 2, 1)
        assert model.predict(X).shape == (120, 1)
        assert np.corrcoef(model.sample_inverse(y).ravel(), X.to_numpy().ravel())[0, 1] > 0.3
        assert list(model.target_names_in_) == ["reco_pt"]
    weighted = model.estimators_[0][-1][-1].seen_[2]
    assert_array_equal(weighted, weight[model.estimators_samples_[0]])


def test_weights_under_metadata_routing():
    from sklearn import config_context

    X, y = line(40)
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), GaussianLine().set_fit_request(sample_weight=True))
        pipe[0].set_fit_request(sample_weight=False)
        model = EnsembleSimulator(pipe, n_estimators=2).fit(X, y, sample_weight=np.ones(40))
    assert_array_equal(model.estimators_[0][-1].seen_[2], 1)


def test_residuals_of_a_transformed_simulator_find_their_columns():
    X, y = line(80)
    X = pd.DataFrame(np.c_[np.exp(X), X], columns=["pt", "eta"])
    y = pd.DataFrame(np.exp(0.1 * y) * X[["pt"]].to_numpy(), columns=["pt"])
    steps = [LogTransformer(["pt"]), ResidualTransformer()]
    inner = TransformedSimulator(FlowSimulator(**FLOW), steps)
    model = make_pipeline(
        LogTransformer(["pt"]), EnsembleSimulator(inner, n_estimators=2, random_state=0)
    )
    model.fit(X, y)
    assert np.isfinite(log_prob(model, X, y)).all()
    assert (skjetsim.sample(model, X) > 0).all()


def test_names_follow_set_output():
    X, y = frames()
    model = EnsembleSimulator(GaussianLine(), n_estimators=2, random_state=0).set_output(
        transform="pandas"
    )
    model.fit(X, y)
    assert list(model.feature_names_in_) == ["pt"]
    assert list(model.get_feature_names_out()) == ["reco_pt"]
    rows = X.iloc[[7, 3]]
    for table in (model.sample(rows), model.predict(rows), model.predict_std(rows)):
        assert list(table.columns) == ["reco_pt"]
        assert list(table.index) == [7, 3]
    assert list(model.inverse_transform(y.iloc[[7, 3]]).columns) == ["pt"]
    assert type(model.sample_members(rows)) is np.ndarray
    for member in model.estimators_:
        assert list(member.seen_[0].columns) == ["pt"]


def test_a_column_and_clouds_keep_their_shapes():
    X, y = line(40)
    model = EnsembleSimulator(GaussianLine(), n_estimators=2).fit(X, y[:, 0])
    assert model.estimators_[0].seen_[1].ndim == 1
    assert model.sample(X).shape == (40,)
    assert model.sample_members(X, n_samples=3).shape == (2, 40, 3)
    assert model.predict_std(X).shape == (40,)
    series = pd.Series(y[:, 0], name="reco_pt")
    member = (
        EnsembleSimulator(GaussianLine(), n_estimators=2)
        .fit(pd.DataFrame(X), series)
        .estimators_[0]
    )
    assert member.seen_[1].name == "reco_pt"
    clouds = np.random.default_rng(0).normal(size=(40, 3, 2))
    model = EnsembleSimulator(GaussianLine(), n_estimators=2).fit(clouds, y)
    assert model.estimators_[0].seen_[0].shape == (20, 3, 2)


def test_a_member_fitted_before_on_other_columns():
    X, y = frames()
    fitted = FrozenEstimator(GaussianLine().fit(X, y))
    model = EnsembleSimulator(fitted, n_estimators=2).fit(X, y)
    assert model.sample(X).shape == (60, 1)
    with pytest.raises(ValueError, match=r"member 0, a FrozenEstimator, .*\['reco_pt'\].*\['pt'\]"):
        EnsembleSimulator(fitted, n_estimators=2).fit(X, X)
    with pytest.raises(ValueError, match=r"simulates the columns \['reco_pt'\], but y has"):
        EnsembleSimulator(fitted, n_estimators=2).fit(np.c_[X, X], np.c_[y, y])


# Errors.


@pytest.mark.parametrize(
    ("simulator", "params", "error", "message"),
    [
        (FlowGenerator(), {}, TypeError, "must be a simulator, got FlowGenerator"),
        (StandardScaler(), {}, TypeError, "would not learn y given X"),
        (Unfolder(FlowSimulator()), {}, TypeError, "put Unfolder around the whole"),
        (FlowSimulator, {}, TypeError, "must be a simulator, got <class"),
        ("flow", {}, TypeError, "must be a simulator, got 'flow'"),
        (GaussianLine(), {"n_estimators": 1}, ValueError, "n_estimators must be at least 2"),
        (GaussianLine(), {"n_estimators": 2.0}, TypeError, "n_estimators must be an integer"),
        (GaussianLine(), {"n_estimators": True}, TypeError, "n_estimators must be an integer"),
        (GaussianLine(), {"n_jobs": 0}, ValueError, "n_jobs must not be 0"),
        (GaussianLine(), {"resampling": "jackknife"}, ValueError, "resampling must be one of"),
        (GaussianLine(), {"n_estimators": 11}, ValueError, "need 22 events.*n_samples = 20"),
        (
            GaussianLine(),
            {"n_estimators": 21, "resampling": "folds"},
            ValueError,
            "need 21 events.*n_samples = 20",
        ),
        (GaussianLine(), {"random_state": "seed"}, TypeError, "random_state"),
    ],
)
def test_parameters_out_of_range(simulator, params, error, message):
    with pytest.raises(error, match=message):
        EnsembleSimulator(simulator, **params).fit(*line(20))


def test_events_of_weight_zero_do_not_count_as_enough():
    X, y = line(20)
    with pytest.raises(ValueError, match=r"need 4 events.*n_samples = 3"):
        EnsembleSimulator(GaussianLine(), n_estimators=2).fit(X, y, sample_weight=np.arange(20) < 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError("diverged")])
def test_an_interrupted_fit_leaves_nothing_fitted(error):
    X, y = line(40)
    model = EnsembleSimulator(GaussianLine(), n_estimators=2, random_state=0).fit(X, y)
    X[model.estimators_samples_[1][0]] = 1.0  # only the second member sees it
    model.set_params(simulator__fail_at=error)
    with pytest.raises((KeyboardInterrupt, ValueError)):
        model.fit(X, y)
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(model)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_ctrl_c_keeps_two_finished_members_or_more(at):
    X, y = line(80)
    settings = {"n_estimators": 4, "random_state": 0}
    whole = EnsembleSimulator(GaussianLine(), **settings).fit(X, y)
    X[whole.estimators_samples_[at][0]] = 1.0  # only this member sees it
    simulator = GaussianLine(fail_at=KeyboardInterrupt)
    model = EnsembleSimulator(simulator, **settings)
    if at < 2:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        with pytest.raises(Exception, match="not fitted"):
            check_is_fitted(model)
        return
    kept = f"interrupted and keeps the {at} members, of 4"
    with pytest.warns(UserWarning, match=kept), pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(model.estimators_) == len(model.estimators_samples_) == at
    for member, full in zip(model.estimators_, whole.estimators_, strict=False):
        assert (member.slope_, member.width_) == (full.slope_, full.width_)
    assert model.sample(X, random_state=0).shape == y.shape
    assert model.sample_members(X).shape[0] == at


def test_round_trip_through_a_file(tmp_path):
    X, y = frames(80)
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), FlowSimulator(**FLOW))
    model = EnsembleSimulator(pipe, n_estimators=2, random_state=0).fit(X, y)
    save(model, tmp_path / "ensemble.skjetsim")
    loaded = load(tmp_path / "ensemble.skjetsim")
    assert_array_equal(loaded.sample(X, random_state=0), model.sample(X, random_state=0))
    members = (each.sample_members(X, random_state=0) for each in (loaded, model))
    assert_array_equal(*members)
    assert_array_equal(loaded.score_samples(X, y), model.score_samples(X, y))
    for ours, theirs in zip(model.estimators_samples_, loaded.estimators_samples_, strict=True):
        assert_array_equal(ours, theirs)


# The meaning of the spread.


def error_of_a_line(x, events):
    """Standard error of least squares at x, for unit noise."""
    centre = events.mean()
    return np.sqrt(1 / len(events) + (x - centre) ** 2 / ((events - centre) ** 2).sum())


@pytest.mark.parametrize(
    ("resampling", "expected"),
    [
        ("disjoint", np.sqrt(40)),  # the error of a model with 1/40 of the events
        ("bootstrap", 1.0),  # the error of a model with all events
        ("folds", np.sqrt(40) / 39),  # the factor of a jackknife
    ],
)
def test_members_disagree_as_their_statistics_allow(resampling, expected):
    X, y = line(8000)
    model = EnsembleSimulator(
        GaussianLine(), n_estimators=40, resampling=resampling, random_state=0
    ).fit(X, y)
    x = np.linspace(-1, 1, 21)[:, None]
    ratio = model.predict_std(x) / error_of_a_line(x, X)
    assert np.sqrt(np.mean(ratio**2)) == pytest.approx(expected, rel=0.2)


def test_the_band_covers_the_truth_in_68_percent_of_the_bins():
    edges = np.linspace(-3, 3, 21)
    cumulative = norm(scale=np.sqrt(1.25)).cdf(edges)
    cumulative[[0, -1]] = 0, 1  # overflow is counted in the outer bins
    truth = np.diff(cumulative)
    one, mean, without = [], [], []
    for seed in range(15):
        model = EnsembleSimulator(GaussianLine(), n_estimators=10, random_state=seed)
        model.fit(*line(2000, seed, width=0.5))
        events, _ = line(20_000, 1000 + seed)
        drawn = model.sample_members(events, random_state=seed)[..., 0]
        band = histogram_band(drawn, edges)
        each = np.stack([np.histogram(row, edges)[0] for row in np.clip(drawn, -3, 3)]) / 20_000
        one.append(np.abs(each - truth) < band.total)
        mean.append(np.abs(band.content - truth) < band.total)
        without.append(np.abs(each - truth) < band.statistical)
    assert np.mean(one) == pytest.approx(0.68, abs=0.05)  # the band is the error of one model
    assert np.mean(mean) > np.mean(one)  # the error of the mean is smaller
    assert np.mean(without) < 0.5  # more drawn events do not improve a model

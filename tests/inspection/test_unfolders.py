"""Displays and reports of unfolded events: X drawn for y, compared with X."""

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim import sample_inverse
from skjetsim.base import SimulatorMixin, UnfolderMixin
from skjetsim.compose import IterativeUnfolder, Unfolder
from skjetsim.flows import FlowSimulator, InvertibleUnfolder
from skjetsim.inspection import (
    CalibrationDisplay,
    CorrelationDisplay,
    CoverageDisplay,
    MarginalDisplay,
    PosteriorDisplay,
    ResponseDisplay,
    TransportPlanDisplay,
    _facts,
    _floors,
    _report,
    closure_report,
    model_report,
)
from skjetsim.metrics import posterior_coverage, residual_wasserstein, wasserstein_distance

DISPLAYS = [
    (MarginalDisplay, {"feature": "jet_pt", "bins": 10}),
    (CorrelationDisplay, {}),
    (CoverageDisplay, {"n_samples": 19}),
    (CalibrationDisplay, {"n_samples": 19}),
    (ResponseDisplay, {"feature": "jet_pt", "bins": 10}),
    (TransportPlanDisplay, {"feature": "jet_pt", "bins": 10}),
]


class Posterior(UnfolderMixin, BaseEstimator):
    """The exact posterior of `gaussians`, shifted by `shift` and `narrow` times as wide."""

    def __init__(self, *, shift=0.0, narrow=1.0):
        self.shift = shift
        self.narrow = narrow

    def fit(self, X, y):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        rows = np.asarray(y)
        if n_samples is not None:
            rows = np.repeat(rows[:, None], n_samples, axis=1)
        noise = np.random.default_rng(random_state).normal(size=rows.shape)
        return 50 + self.shift + 0.8 * (rows - 50) + self.narrow * np.sqrt(20) * noise


class BothWays(SimulatorMixin, BaseEstimator):
    """A simulator of unpaired events that can also go back."""

    paired_ = False

    def fit(self, X, y):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        return np.random.default_rng(random_state).normal(np.asarray(X), 5)

    def sample_inverse(self, y, *, n_samples=None, random_state=None):
        return Posterior().sample_inverse(y, n_samples=n_samples, random_state=random_state)


@pytest.fixture
def gaussians():
    """Two columns with a normal prior of width 10 and a normal response of width 5."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(50, 10, (2000, 2)), columns=["jet_pt", "muon_pt"])
    return X, X + rng.normal(0, 5, X.shape)


@pytest.fixture
def page(tmp_path):
    return tmp_path / "report.html"


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(_facts, "TIMED_SECONDS", 0)
    monkeypatch.setattr(_floors, "N_REPEATS", 20)


@pytest.mark.parametrize(("display", "settings"), DISPLAYS)
def test_displays_draw_unfolded_events(display, settings, gaussians):
    X, y = gaussians
    model = Posterior().fit(X, y)
    natural = display.from_estimator(model, X, y, random_state=0, **settings)
    inverse = display.from_estimator(model, X, y, direction="inverse", random_state=0, **settings)
    for name, value in vars(natural).items():
        if isinstance(value, np.ndarray):
            assert_allclose(value, getattr(inverse, name))
    natural.plot()
    with pytest.raises(TypeError, match="Posterior is an unfolder: it draws X for a given y"):
        display.from_estimator(model, X, y, direction="forward", **settings)
    with pytest.raises(ValueError, match="direction must be one of"):
        display.from_estimator(model, X, y, direction="backward", **settings)


def test_the_truth_of_an_unfolder_is_the_theory_level(gaussians):
    X, y = gaussians
    model = Posterior().fit(X, y)
    drawn = sample_inverse(model, y, random_state=0)
    marginal = MarginalDisplay.from_estimator(model, X, y, feature="muon_pt", random_state=0)
    expected = MarginalDisplay.from_samples(X["muon_pt"], drawn[:, 1])
    assert_allclose(marginal.truth, expected.truth)
    assert_allclose(marginal.generated, expected.generated)
    response = ResponseDisplay.from_estimator(model, X, y, feature="muon_pt", random_state=0)
    residual = MarginalDisplay.from_samples(
        X["muon_pt"] - y["muon_pt"], drawn[:, 1] - y["muon_pt"].to_numpy()
    )
    assert_allclose(response.marginal.truth, residual.truth)
    assert_allclose(response.marginal.generated, residual.generated)
    assert "generator $-$ detector" in response.marginal.name
    plans = ResponseDisplay.from_estimator(model, X, y, feature="muon_pt", kind="gen_vs_reco")
    assert list(plans.contents) == ["truth", "unfolded"]
    assert "detector level" in plans.labels[0]
    assert "generator level" in plans.labels[1]


def test_the_way_back_of_a_simulator(gaussians):
    X, y = gaussians
    model = BothWays().fit(X, y)
    settings = {"feature": "jet_pt", "random_state": 0}
    forward = MarginalDisplay.from_estimator(model, X, y[:1500], **settings)
    back = MarginalDisplay.from_estimator(model, X[:1500], y, direction="inverse", **settings)
    for display, truth in ((forward, y), (back, X)):
        reach = np.quantile(truth["jet_pt"][:1500], [0.002, 0.998], method="hazen")
        assert_allclose(display.edges[[0, -1]], reach)
    coverage = CoverageDisplay.from_estimator(model, X, y, direction="inverse", n_samples=19)
    assert np.abs(coverage.pull).max() < 4
    posterior = PosteriorDisplay.from_estimator(model, X[:2], y[:2], n_samples=50)
    assert_allclose(posterior.truth, X[:2])


@pytest.mark.parametrize(
    "unfolder",
    [
        Unfolder(FlowSimulator(**SMALL)),
        make_pipeline(StandardScaler(), Unfolder(FlowSimulator(**SMALL))),
        IterativeUnfolder(Unfolder(FlowSimulator(**SMALL))),
        InvertibleUnfolder(max_epochs=2, random_state=0),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_fitted_unfolders(unfolder, gaussians):
    X, y = (side[:300] for side in gaussians)
    unfolder.fit(X, y)
    for display, settings in DISPLAYS:
        if isinstance(unfolder, InvertibleUnfolder):
            settings = {**settings, "random_state": 0}
        display.from_estimator(unfolder, X, y, **settings)


def test_figures_of_a_report(gaussians, page, monkeypatch):
    monkeypatch.setattr(_report, "_draw", lambda *_: {})
    X, y = gaussians
    model = Posterior(shift=2).fit(X, y)
    found = model_report(model, X, y, page, by="muon_pt", random_state=0, verbose=0)
    marginal, response = found.distances["marginal W1 / std"], found.distances["response W1 / std"]
    assert_allclose(marginal["identity"], wasserstein_distance(X, y, scale="std"))
    identity = residual_wasserstein(X, y, X=y, by="muon_pt").max()
    assert_allclose(response["identity"], identity)
    assert found.facts["column of the four bins of the response"] == "muon_pt"
    assert any(key.startswith("unfolded events / s") for key in found.facts)
    assert sum("above the floor" in line for line in found.verdict) == 2
    assert any("not calibrated" in line for line in found.verdict)
    good = model_report(Posterior().fit(X, y), X, y, page, random_state=0, verbose=0)
    assert sum("at the floor" in line for line in good.verdict) == 2
    assert any("model is calibrated" in line for line in good.verdict)
    assert any("y passed off as X" in line for line in good.verdict)
    assert good.auc < 0.56


def test_posteriors_that_are_too_narrow_are_not_calibrated(gaussians, page, monkeypatch):
    monkeypatch.setattr(_report, "_draw", lambda *_: {})
    X, y = gaussians
    found = model_report(Posterior(narrow=0.6).fit(X, y), X, y, page, random_state=0, verbose=0)
    assert any("not calibrated" in line for line in found.verdict)
    below = found.calibration["truth below the 16% quantile"]
    assert (below[["jet_pt", "muon_pt"]] > 0.2).all()
    draws = Posterior(narrow=0.6).sample_inverse(y, n_samples=39, random_state=1)
    expected, error = posterior_coverage(X, draws, (0.16, 0.5, 0.84))
    assert_allclose(below["jet_pt"], expected["jet_pt"].iloc[0], atol=5 * error[0])


def test_pictures_of_a_report(gaussians, page):
    X, y = (side[:400] for side in gaussians)
    found = model_report(Posterior().fit(X, y), X, y, page, random_state=0, verbose=0)
    assert list(found.pictures) == [
        "features",
        "responses",
        "detector against generator level",
        "correlations",
        "coverage",
        "calibration",
    ]
    assert "Calibration" in page.read_text()


def test_the_way_back_in_a_report(gaussians, page, monkeypatch):
    monkeypatch.setattr(_report, "_draw", lambda *_: {})
    X, y = gaussians
    model = BothWays().fit(X, y)
    settings = {"random_state": 0, "verbose": 0}
    back = model_report(model, X[:1500], y, page, direction="inverse", **settings)
    drawn = Posterior().sample_inverse(y, random_state=5)
    value = back.distances["marginal W1 / std", "model"]
    assert_allclose(value, wasserstein_distance(X[:1500], drawn, scale="std"), atol=0.1)
    assert back.calibration is None
    assert "response W1 / std" not in back.distances


def test_closure_by_a_column_of_the_measured_level(gaussians):
    X, y = gaussians
    settings = {"by": "jet_pt", "bins": 2, "random_state": 0, "verbose": 0}
    found = closure_report(Posterior().fit(X, y), X, y, **settings)
    low = y["jet_pt"] < y["jet_pt"].median()
    assert list(found.table["events"]) == [low.sum(), len(y) - low.sum(), len(y)]
    assert (found.table["model / mean floor"] < found.table["limit"]).all()
    worse = closure_report(Posterior(shift=3).fit(X, y), X, y, **settings)
    assert (worse.table["model / mean floor"] > worse.table["limit"]).all()


def test_generators_have_no_direction(gaussians, page):
    X, y = gaussians
    mixture = GaussianMixture(random_state=0).fit(X)
    with pytest.raises(TypeError, match="GaussianMixture is a generator: it has no direction"):
        MarginalDisplay.from_estimator(mixture, X, feature="jet_pt", direction="inverse")
    with pytest.raises(TypeError, match="GaussianMixture is a generator: it has no direction"):
        model_report(mixture, X, path=page, direction="forward")
    with pytest.raises(TypeError, match="neither an unfolder nor a simulator"):
        CoverageDisplay.from_estimator(mixture, X, y)

"""Displays, reports and scorers read containers of all kinds by the names of their columns."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.neighbors import KernelDensity

from skjetsim.flows import FlowGenerator
from skjetsim.inspection import (
    CalibrationDisplay,
    CorrelationDisplay,
    CoverageDisplay,
    LatentDisplay,
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
from skjetsim.metrics import LogLikelihoodScorer, WassersteinScorer

pl = pytest.importorskip("polars")

every_kind = pytest.mark.parametrize(
    "kind",
    [
        lambda table: {name: table[name].to_numpy() for name in table},
        lambda table: table.to_records(index=False),
        lambda table: pa.table({name: table[name].to_numpy() for name in table}),
        lambda table: pl.DataFrame({name: table[name].to_numpy() for name in table}),
    ],
    ids=["dict", "records", "pyarrow", "polars"],
)
PT = {"feature": "jet_pt"}


def content(display):
    """Arrays of a display, and of the display inside it."""
    found = {}
    for name, value in vars(display).items():
        if isinstance(value, np.ndarray):
            found[name] = value
        elif hasattr(value, "from_samples"):
            found |= content(value)
    return found


def assert_alike(one, two):
    one, two = content(one), content(two)
    assert one
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert_array_equal(value, two[name])


@every_kind
@pytest.mark.parametrize(
    ("display", "settings"),
    [
        (MarginalDisplay, PT),
        (CorrelationDisplay, {}),
        (CoverageDisplay, {"n_samples": 19}),
        (CalibrationDisplay, {"n_samples": 19}),
        (ResponseDisplay, PT),
        (TransportPlanDisplay, PT),
    ],
)
def test_displays_of_simulators(display, settings, kind, smear, pairs):
    settings = settings | {"random_state": 0}
    expected = display.from_estimator(smear, *pairs, **settings)
    assert_alike(display.from_estimator(smear, *map(kind, pairs), **settings), expected)


@every_kind
def test_second_pass(kind, smear, pairs):
    X, y = pairs
    settings = PT | {"kind": "pred_vs_reco", "random_state": 0}
    expected = ResponseDisplay.from_estimator(smear, X, y, second_pass=X, **settings)
    found = ResponseDisplay.from_estimator(smear, kind(X), kind(y), second_pass=kind(X), **settings)
    assert_alike(found, expected)


@every_kind
def test_posteriors(kind, sharpen, pairs):
    X, y = (table[:3] for table in pairs)
    expected = PosteriorDisplay.from_estimator(sharpen, X, y, n_samples=20, random_state=0)
    found = PosteriorDisplay.from_estimator(sharpen, kind(X), kind(y), n_samples=20, random_state=0)
    assert_alike(found, expected)


@every_kind
def test_latent_space_and_score_of_a_flow(kind, pairs):
    X = pairs[0]
    flow = FlowGenerator(n_transforms=1, max_epochs=1, random_state=0).fit(X)
    assert_alike(LatentDisplay.from_estimator(flow, kind(X)), LatentDisplay.from_estimator(flow, X))
    scorer, weight = LogLikelihoodScorer(), np.linspace(0.5, 1.5, len(X))
    found = scorer(flow, kind(X), sample_weight=weight)
    assert found == scorer(flow, X, sample_weight=weight)


@every_kind
@pytest.mark.parametrize("n_samples", [None, 200])
def test_scores(kind, smear, pairs, n_samples):
    scorer = WassersteinScorer(n_samples=n_samples)
    assert scorer(smear, *map(kind, pairs)) == scorer(smear, *pairs)


@every_kind
def test_scores_of_a_generator(kind, pairs):
    X = pairs[0]
    density = KernelDensity().fit(X.to_numpy())
    assert WassersteinScorer()(density, kind(X)) == WassersteinScorer()(density, X)


@every_kind
def test_reports(kind, smear, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(_facts, "TIMED_SECONDS", 0)
    monkeypatch.setattr(_floors, "N_REPEATS", 5)
    monkeypatch.setattr(_report, "_draw", lambda *_: {})
    X, y = pairs
    settings = {"random_state": 0, "verbose": 0}

    def reports(X, y, again):
        second_pass = (again, np.ones(600, dtype=bool))
        more = settings | {"second_pass": second_pass}
        report = model_report(smear, X, y, tmp_path / "report.html", **more)
        return report.distances, closure_report(smear, X, y, by="jet_pt", bins=2, **more).table

    expected = reports(X, y, X)
    for found, table in zip(reports(kind(X), kind(y), kind(X)), expected, strict=True):
        assert_array_equal(found.to_numpy(), table.to_numpy())

"""Displays and reports raise if indices say that rows of two tables are different events."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

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

DISPLAYS = [
    (MarginalDisplay, {"feature": "jet_pt"}),
    (CorrelationDisplay, {}),
    (CoverageDisplay, {"n_samples": 19}),
    (CalibrationDisplay, {"n_samples": 19}),
    (ResponseDisplay, {"feature": "jet_pt"}),
    (TransportPlanDisplay, {"feature": "jet_pt"}),
]
OUT_OF_STEP = "must be the same event, but their indices differ"


@pytest.fixture
def part(pairs):
    """Half of the events, in random order and with their index."""
    X, _, y, _ = train_test_split(*pairs, random_state=0)
    return X, y


@pytest.fixture
def weight(part):
    return pd.Series(np.linspace(0.5, 1.5, len(part[0])), index=part[0].index)


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(_facts, "TIMED_SECONDS", 0)
    monkeypatch.setattr(_floors, "N_REPEATS", 5)
    monkeypatch.setattr(_report, "_draw", lambda *_: {})
    return tmp_path / "report.html"


@pytest.mark.parametrize(("display", "settings"), DISPLAYS)
def test_from_estimator(display, settings, smear, part, weight):
    X, y = part
    make = display.from_estimator
    make(smear, X, y, sample_weight=weight, random_state=0, **settings)
    with pytest.raises(ValueError, match=OUT_OF_STEP):
        make(smear, X, y[::-1], **settings)
    with pytest.raises(ValueError, match=OUT_OF_STEP):
        make(smear, X, y, sample_weight=weight[::-1], **settings)


def test_weights_change_the_display_event_by_event(smear, part, weight):
    X, y = part
    settings = {"feature": "jet_pt", "random_state": 0}
    series = MarginalDisplay.from_estimator(smear, X, y, sample_weight=weight, **settings)
    array = MarginalDisplay.from_estimator(smear, X, y, sample_weight=weight.to_numpy(), **settings)
    np.testing.assert_array_equal(series.truth, array.truth)


def test_posteriors(sharpen, part):
    X, y = part
    PosteriorDisplay.from_estimator(sharpen, X[:3], y[:3], n_samples=10)
    with pytest.raises(ValueError, match=OUT_OF_STEP):
        PosteriorDisplay.from_estimator(sharpen, X[:3], y[:3][::-1], n_samples=10)
    draws = np.zeros((3, 10, 3)) + X[:3].to_numpy()[:, None]
    PosteriorDisplay.from_samples(X[:3], draws, measured=y[:3])
    with pytest.raises(ValueError, match=OUT_OF_STEP):
        PosteriorDisplay.from_samples(X[:3], draws, measured=y[:3][::-1])


def test_from_samples(smear, part, weight):
    X, y = part
    drawn = pd.DataFrame(smear.sample(X, random_state=0), columns=y.columns)  # a new index
    response = {"X": X, "feature": "jet_pt"}
    ResponseDisplay.from_samples(y, drawn, **response, sample_weight=weight)
    again = {"kind": "pred_vs_reco", "second_pass": y[::-1]}
    for truth, settings in (
        (y[::-1], response),
        (y, {**response, **again}),
        (y, {**response, "sample_weight": weight[::-1]}),
        (y, {**response, "generated": drawn.set_index(y.index)[::-1]}),
    ):
        with pytest.raises(ValueError, match=OUT_OF_STEP):
            ResponseDisplay.from_samples(truth, **{"generated": drawn, **settings})
    draws = np.repeat(np.asarray(drawn)[:, None], 19, axis=1)
    calls = (
        lambda weight: MarginalDisplay.from_samples(
            y["jet_pt"], drawn["jet_pt"], sample_weight=weight
        ),
        lambda weight: CorrelationDisplay.from_samples(y, drawn, sample_weight=weight),
        lambda weight: CoverageDisplay.from_samples(y, draws, sample_weight=weight),
        lambda weight: CalibrationDisplay.from_samples(y, draws, sample_weight=weight),
        lambda weight: LatentDisplay.from_samples(y, sample_weight=weight),
        lambda weight: TransportPlanDisplay.from_samples(
            X["jet_pt"], drawn["jet_pt"], sample_weight=weight
        ),
    )
    for call in calls:
        call(weight)
        with pytest.raises(ValueError, match=OUT_OF_STEP):
            call(weight[::-1])


def test_reports(smear, part, page):
    X, y = part
    accepted = pd.Series(True, index=y.index)
    good = {"second_pass": (y, accepted), "random_state": 0, "verbose": 0}
    mask = X["jet_pt"] < 60
    found = model_report(smear, X, y, page, selection=lambda table: table["jet_pt"] > 50, **good)
    assert found.yields is not None
    closure_report(smear, X, y, by={"low": mask}, **good)
    closure_report(smear, X, y, by=lambda X: X["jet_pt"] < 60, **good)
    for settings in (
        {"y": y[::-1]},
        {"second_pass": (y[::-1], accepted)},
        {"second_pass": (y, accepted[::-1])},
        {"selection": lambda table: (table["jet_pt"] > 50)[::-1]},
    ):
        arguments = {"X": X, "y": y, **good, **settings}
        with pytest.raises(ValueError, match=OUT_OF_STEP):
            model_report(smear, path=page, **arguments)
        with pytest.raises(ValueError, match=OUT_OF_STEP):
            closure_report(smear, by={"low": mask}, **arguments)
    for by in ({"low": mask[::-1]}, mask[::-1], lambda X: (X["jet_pt"] < 60)[::-1]):
        with pytest.raises(ValueError, match=OUT_OF_STEP):
            closure_report(smear, X, y, by=by, **good)

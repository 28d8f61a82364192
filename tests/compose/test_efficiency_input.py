"""Errors of EfficiencySimulator."""

import numpy as np
import pytest
from efficiency_toys import Smear, jets, two_jets
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skjetsim.compose import EfficiencySimulator, TransformedSimulator
from skjetsim.flows import FlowGenerator
from skjetsim.preprocessing import LogTransformer


def _change(column, row, value):
    def change(y):
        y = y.copy()
        y.loc[row, column] = value
        return y

    return change


def _first(y, accepted):
    return int(np.flatnonzero(y["accepted"] == accepted)[0])


FIRST_REJECTED = _first(jets()[1], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y.drop(columns="accepted"), "y has no column 'accepted', which says whether"),
        (lambda y: y.to_numpy(), "accepted.* 'accepted'.*, but y has no column names"),
        (_change("accepted", 7, 2.0), "'accepted' .* must be 0 or 1, but row 7 has 2 .1 bad"),
        (_change("accepted", 7, np.nan), "NaN in column 'accepted', first bad row 7"),
        (_change("jet_eta", 9, np.inf), "infinity .* 'jet_eta', first bad row 9"),
        (
            _change("jet_eta", FIRST_REJECTED, 0.5),
            f"Row {FIRST_REJECTED} of y is rejected but not zero: column 'jet_eta' has 0.5 .1 bad",
        ),
        (lambda y: 0 * y, "No event of y is accepted"),
        (lambda y: y[:-1], "inconsistent numbers of samples|indices"),
    ],
)
def test_bad_y(change, message):
    X, y = jets()
    with pytest.raises(ValueError, match=message):
        EfficiencySimulator(Smear()).fit(X, change(y))


def test_rows_are_checked_in_score_too():
    X, y = jets()
    model = EfficiencySimulator(Smear(), classifier=DummyClassifier()).fit(X, y)
    with pytest.raises(ValueError, match="is rejected but not zero"):
        model.score_samples(X, _change("jet_pt", FIRST_REJECTED, 30.0)(y))


def test_a_rare_pattern_is_named():
    X, y = two_jets(400)
    keep = (y["accepted"] == 1) & (y["jet2_pt"] != 0) & (X["jet2_pt"] > 0)
    lost = (y["accepted"] == 1) & (y["jet2_pt"] == 0) & (X["jet2_pt"] > 0)
    rows = np.r_[np.flatnonzero(keep), np.flatnonzero(lost)[:4]]
    X, y = X.iloc[rows], y.iloc[rows]
    model = EfficiencySimulator(Smear(), objects=["jet2"])
    message = "'without jet2' has too few events to learn from: 4, and 5 .* name fewer objects"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    y.iloc[-4:] = 0.0
    with pytest.raises(ValueError, match="'rejected' has too few events"):
        model.fit(X, y)


def test_errors_of_simulators_name_the_pattern():
    X, y = two_jets()
    logs = TransformedSimulator(Smear(), [LogTransformer(["jet2_pt"])])
    with pytest.raises(ValueError, match=r"(?s)jet2_pt.*in the events of pattern 'without jet2'"):
        EfficiencySimulator(logs, classifier=DummyClassifier(), objects=["jet2"]).fit(X, y)


def test_rows_are_those_of_the_whole_table():
    """Row numbers within a pattern would name the wrong event."""
    X, y = two_jets(600)
    row = int(np.flatnonzero(y["accepted"] == 1)[-1])
    bad_X, bad_y = X.copy(), y.copy()
    bad_X.loc[row, "jet1_pt"] = bad_y.loc[row, "jet1_pt"] = 0.0
    logs = TransformedSimulator(Smear(), [LogTransformer(["jet1_pt"])])
    behind = make_pipeline(LogTransformer(["jet1_pt"]), Smear())
    with pytest.raises(
        ValueError, match=rf"(?s)first bad row .*in the events of pattern .*it is row {row}\."
    ):
        EfficiencySimulator(logs, classifier=DummyClassifier(), objects=["jet2"]).fit(X, bad_y)
    weight = np.arange(len(X)) % 3  # events of weight zero are left out, but keep their row numbers
    weight[row] = 1
    with pytest.raises(ValueError, match=rf"(?s)first bad row .*it is row {row}\.$"):
        EfficiencySimulator(logs, classifier=DummyClassifier(), objects=["jet2"]).fit(
            X, bad_y, weight
        )
    model = EfficiencySimulator(behind, classifier=DummyClassifier(), objects=["jet2"]).fit(X, y)
    for draws in (1, 4):
        with pytest.raises(ValueError, match=rf"(?s)first bad row .*it is row {row}\.$"):
            model.sample(bad_X, n_samples=draws, random_state=0)
    with pytest.raises(ValueError, match=rf"(?s)first bad row .*it is row {row}\.$"):
        model.score_samples(bad_X, y)


def test_a_classifier_that_is_certain_of_something_wrong():
    X, y = jets(300)
    with pytest.raises(ValueError, match=r"certain of something wrong: .*'rejected',.*Calibrated"):
        EfficiencySimulator(
            Smear(), classifier=DummyClassifier(strategy="constant", constant=1)
        ).fit(X, y)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"classifier": LinearSVC()}, TypeError, "predict_proba"),
        ({"classifier": LogisticRegression}, TypeError, "predict_proba"),
        ({"simulator": FlowGenerator()}, TypeError, "must be a simulator"),
        ({"simulator": Smear}, TypeError, "must be a simulator"),
        ({"objects": "jet"}, TypeError, "list of prefixes"),
        ({"objects": [1]}, TypeError, "list of prefixes"),
        ({"objects": ["tau"]}, ValueError, "no columns of object 'tau'"),
        ({"objects": ["jet", "jet"]}, ValueError, "'jet_pt' of y belongs to object 'jet' and to"),
        ({"accepted": True}, TypeError, "name or position"),
        ({"accepted": 3}, ValueError, "accepted: y has 3 column.* no column 3"),
        ({"accepted": "jet_pt"}, ValueError, "'jet_pt' of y says whether .* 0 or 1, but row 0"),
    ],
)
def test_bad_parameters(params, error, message):
    model = EfficiencySimulator(Smear()).set_params(**params)
    with pytest.raises(error, match=message):
        model.fit(*jets(100))


def test_objects_need_names():
    X, y = (side.to_numpy() for side in jets(100))
    with pytest.raises(ValueError, match="y has no column names"):
        EfficiencySimulator(Smear(), accepted=1, objects=["jet"]).fit(X, y)

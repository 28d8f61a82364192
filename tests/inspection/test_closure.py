"""closure_report: regions, their figures, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.mixture import GaussianMixture
from sklearn.utils import Bunch

from skjetsim.base import SimulatorMixin
from skjetsim.inspection import _floors, _pictures, _summary, closure_report
from skjetsim.metrics import residual_wasserstein


class Detector(SimulatorMixin, BaseEstimator):
    """Shifts pT by a GeV above `wrong_above`, whatever the seed."""

    def __init__(self, *, wrong_above=np.inf, random_state=None):
        self.wrong_above = wrong_above
        self.random_state = random_state

    def fit(self, X, y):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rng = np.random.default_rng(0)
        pt, phi = X["jet_pt"].to_numpy(), X["jet_phi"].to_numpy()
        pt_reco = pt + rng.normal(0, 1, len(X)) + (pt > self.wrong_above)
        return np.stack([pt_reco, phi + rng.normal(0, 0.1, len(X))], axis=1)


@pytest.fixture
def events():
    """Theory level with one column that the model does not know, and two detector passes."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame(
        {
            "jet_pt": rng.uniform(20, 100, 1000),
            "jet_phi": rng.uniform(-3, 3, 1000),
            "antimuon_pt": rng.uniform(10, 50, 1000),
        }
    )
    y, second_pass = (
        X[["jet_pt", "jet_phi"]] + rng.normal(size=(1000, 2)) * [1.0, 0.1] for _ in range(2)
    )
    accepted = np.arange(1000) % 10 > 0
    second_pass[~accepted] = 0.0
    return X, y, (second_pass, accepted)


@pytest.fixture
def model(events):
    X, y, _ = events
    return Detector(wrong_above=60).fit(X[["jet_pt", "jet_phi"]], y)


@pytest.fixture(autouse=True)
def _few_comparisons(monkeypatch):
    monkeypatch.setattr(_floors, "N_REPEATS", 20)


def test_figures_of_a_region_are_those_of_its_events(model, events):
    X, y, second_pass = events
    found = closure_report(
        model,
        X,
        y,
        by="jet_pt",
        bins=[20, 60, 100],
        second_pass=second_pass,
        selection=lambda events: events["jet_pt"].to_numpy() > 50,
        random_state=0,
    )
    table = found.table
    low, high, everything = table.index
    assert (low, high, everything) == ("jet_pt in [20, 60)", "jet_pt in [60, 100]", "all")
    drawn = pd.DataFrame(model.sample(X), columns=y.columns)
    for name, inside in ((low, X["jet_pt"] < 60), (high, X["jet_pt"] >= 60), ("all", X.jet_pt > 0)):
        expected = residual_wasserstein(
            y[inside], drawn[inside], X=X[inside], by=np.zeros(inside.sum()), bins=1
        ).iloc[0]
        assert table.loc[name, "events"] == inside.sum()
        assert_allclose(found.responses.loc[name], expected)
        row = table.loc[name]
        assert_allclose(row["response W1 / std"], expected[row["feature"]])
        assert_allclose(row["floor 95%"], found.floors.loc[name, row["feature"]])
        shift = (drawn - y)["jet_pt"][inside].mean() / (y["jet_pt"] - X["jet_pt"])[inside].std(
            ddof=0
        )
        assert_allclose(found.shifts.loc[name, "jet_pt"], shift)
        true, selected = (side["jet_pt"][inside] > 50 for side in (y, drawn))
        assert table.loc[name, "true selected"] == true.sum()
        assert_allclose(table.loc[name, "selected / true - 1"], selected.sum() / true.sum() - 1)
        assert_allclose(
            table.loc[name, "yield error"], (true != selected).sum() ** 0.5 / true.sum()
        )
        assert_allclose(table.loc[name, "AUC error"], 1 / np.sqrt(6 * round(0.4 * inside.sum())))
    # The model is right in the first region and wrong in the second.
    assert table.loc[low, "model / mean floor"] < table.loc[low, "limit"]
    assert table.loc[high, "model / mean floor"] > 3 * table.loc[high, "limit"]
    assert table.loc[high, "feature"] == "jet_pt"
    assert table.loc[low, "AUC"] < 0.6 < table.loc[high, "AUC"]
    assert found.pictures == {}
    assert found.path is None


def test_the_ways_to_name_regions(model, events, monkeypatch):
    monkeypatch.setattr(_summary, "joint_auc", lambda *_: (0.5, 0.01))
    X, y, _ = events
    by_column = closure_report(model, X, y, by="antimuon_pt", bins=2)
    assert list(by_column.table["events"]) == [500, 500, 1000]
    assert any("['antimuon_pt']" in note for note in by_column.notes)
    central = (X["jet_pt"] > 60).to_numpy()
    called = closure_report(model, X, y, by=lambda X: X["jet_pt"].to_numpy() > 60)
    labelled = closure_report(model, X, y, by=np.where(central, "central", "other"))
    masked = closure_report(model, X, y, by={"central": central, "twice": central})
    for found, name in ((called, "True"), (labelled, "central"), (masked, "twice")):
        assert found.table.loc[name, "events"] == central.sum()
    assert_allclose(masked.responses.loc["central"], masked.responses.loc["twice"])
    inner = closure_report(model, X, y, by="jet_pt", bins=[40, 80])
    outside = 1000 - inner.table["events"].iloc[0]
    assert any(f"{outside} events outside the edges of jet_pt" in n for n in inner.notes)


def test_page(model, events, tmp_path, monkeypatch):
    monkeypatch.setattr(_pictures, "DPI", 30)
    X, y, second_pass = events
    page = tmp_path / "closure.html"
    regions = {"<low>": X["jet_pt"] < 60, "high": X["jet_pt"] >= 60}
    found = closure_report(
        model, X, y, by=regions, second_pass=second_pass, path=page, random_state=0
    )
    names = ["responses: <low>", "responses: high", "responses: all"]
    assert list(found.pictures) == ["regions", *names]
    text = page.read_text()
    assert text.count('src="data:image/png;base64,') == 4
    assert "<low>" not in text
    assert "&lt;low&gt;" in text
    second_pass = Bunch(target=second_pass[0], accepted=second_pass[1])
    again = closure_report(model, X, y, by=regions, second_pass=second_pass, random_state=0)
    pd.testing.assert_frame_equal(found.table, again.table)


def test_bad_regions(model, events):
    X, y, second_pass = events

    def refuse(error, match, **by):
        with pytest.raises(error, match=match):
            closure_report(model, X, y, **by)

    nothing = np.zeros(1000, dtype=bool)
    refuse(ValueError, "Region 'none' is empty.*Leave it out", by={"none": nothing})
    refuse(ValueError, r"Region 'jet_pt in \[200, 300\]' is empty", by="jet_pt", bins=[200, 300])
    few = np.arange(1000) < 150
    refuse(ValueError, "'few' has 150 events, too few to judge: 200 are needed", by={"few": few})
    refuse(ValueError, "by='jet_mass' is not a column of X", by="jet_mass")
    refuse(ValueError, "one bool per event, 1000 in all; got bool of shape", by={"short": few[:5]})
    refuse(ValueError, "one bool per event, 1000 in all; got int64", by={"number": np.arange(1000)})
    refuse(ValueError, "one label per event, 1000", by=np.zeros(10))
    refuse(ValueError, "1000 different labels", by=X["jet_pt"].to_numpy())
    refuse(ValueError, "no label to row 0", by=np.where(few, np.nan, 1.0))
    refuse(ValueError, 'No region may be called "all"', by={"all": ~nothing})
    refuse(ValueError, "by has no regions", by={})
    refuse(ValueError, "two regions with the same name", by={1: ~nothing, "1": ~nothing})
    refuse(ValueError, "must be at least two and increase", by="jet_pt", bins=[3, 2])
    refuse(ValueError, "bins must be at least 1", by="jet_pt", bins=0)
    rejecting = (
        second_pass[0],
        second_pass[1] & (X["jet_pt"] > 90).to_numpy() | (np.arange(1000) > 990),
    )
    with pytest.raises(ValueError, match=r"accepts .* events of region .*: 100 are needed"):
        closure_report(model, X, y, by="jet_pt", bins=2, second_pass=rejecting)


def test_bad_input(model, events):
    X, y, _ = events
    with pytest.raises(ValueError, match="X has no column 'jet_phi', which Detector was fitted"):
        closure_report(model, X.drop(columns="jet_phi"), y, by="jet_pt")
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 1000 and 999"):
        closure_report(model, X, y[:999], by="jet_pt")
    with pytest.raises(TypeError, match="GaussianMixture is neither a simulator nor an"):
        closure_report(GaussianMixture(), X, y, by="jet_pt")
    renamed = y.rename(columns=lambda name: f"reco_{name}")
    other = Detector().fit(X[["jet_pt", "jet_phi"]], renamed)
    with pytest.raises(ValueError, match="X and y have no common column"):
        closure_report(other, X, renamed, by="jet_pt")

"""model_report: its figures are those of the metrics, and everything is in one file."""

import os
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from skjetsim.base import SimulatorMixin
from skjetsim.compose import EnsembleSimulator
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.inspection import _facts, _floors, _report, _summary, _verdict, model_report
from skjetsim.metrics import (
    metric_floor,
    nearest_neighbour_ratio,
    residual_wasserstein,
    wasserstein_distance,
)


class Scale(SimulatorMixin, BaseEstimator):
    """y is X times a number, whatever the seed, so the figures of a report can be computed."""

    def __init__(self, *, scale=1.0, random_state=None):
        self.scale = scale
        self.random_state = random_state

    def fit(self, X, y):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.target_names_in_ = np.asarray(y.columns, dtype=object)
        return self

    def sample(self, X, *, n_samples=None, random_state=None):
        rows = np.asarray(X)[:, : len(self.target_names_in_)] * self.scale
        return rows if n_samples is None else np.repeat(rows[:, None], n_samples, axis=1)


class Detector(Scale):
    """The detector of `pairs` itself: 10% in pT and 0.05 in eta."""

    def sample(self, X, *, n_samples=None, random_state=None):
        rng = np.random.default_rng(random_state)
        shape = (len(X),) if n_samples is None else (len(X), n_samples)
        at_event = (slice(None),) + (None,) * (len(shape) - 1)
        pt, eta = (X[name].to_numpy()[at_event] for name in ("jet_pt", "jet_eta"))
        return np.stack([pt * rng.normal(1, 0.1, shape), eta + rng.normal(0, 0.05, shape)], -1)


def second_pass(X):
    """Another detector pass of the events, which rejects every fifth."""
    again = pd.DataFrame(Detector().sample(X, random_state=1), columns=X.columns)
    accepted = np.arange(len(X)) % 5 > 0
    again[~accepted] = 0.0
    return again, accepted


@pytest.fixture
def page(tmp_path):
    return tmp_path / "deep" / "report.html"


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Skip the half second of timing, and make floors of few comparisons."""
    monkeypatch.setattr(_facts, "TIMED_SECONDS", 0)
    monkeypatch.setattr(_floors, "N_REPEATS", 20)


@pytest.fixture
def quick(monkeypatch):
    """No pictures."""
    monkeypatch.setattr(_report, "_draw", lambda *_: {})


@pytest.fixture
def no_classifier(quick, monkeypatch):
    monkeypatch.setattr(_summary, "joint_auc", lambda *_: (0.5, 0.01))


@pytest.fixture
def judged(pairs, page, quick):
    X, y = (side[["jet_pt", "jet_eta"]] for side in pairs)
    return X, y, second_pass(X)


def hard(events):
    return events["jet_pt"].to_numpy() > 50


def test_figures_are_those_of_the_metrics(judged, page):
    X, y, second_pass = judged
    model = Scale(scale=1.02).fit(X, y)
    found = model_report(model, X, y, page, second_pass=second_pass, selection=hard, random_state=0)
    marginal, response = found.distances["marginal W1 / std"], found.distances["response W1 / std"]
    generated = 1.02 * X
    assert_allclose(marginal["model"], wasserstein_distance(y, generated, scale="std"))
    assert_allclose(marginal["identity"], wasserstein_distance(y, X, scale="std"))
    assert (marginal["shuffled"] == 0).all()
    by_bin = {"X": X, "by": "jet_pt", "bins": 4}
    assert_allclose(response["model"], residual_wasserstein(y, generated, **by_bin).max())
    assert_allclose(response["identity"], residual_wasserstein(y, X, **by_bin).max())
    both = second_pass[1]
    floor = metric_floor(
        lambda truth, other, X: residual_wasserstein(truth, other, X=X, by="jet_pt").max(),
        y[both].reset_index(drop=True),
        replica=second_pass[0][both].reset_index(drop=True),
        X=X[both].reset_index(drop=True),
        n_repeats=50,
        random_state=1,
    )
    assert_allclose(response["floor 95%"], floor.quantiles[2], rtol=0.25)
    assert (response[["model", "identity", "shuffled"]].min(axis=1) > response["floor 95%"]).all()
    assert found.auc > 0.9
    assert_allclose(found.auc_error, 1 / np.sqrt(6 * 240))
    true, drawn = hard(y), hard(generated)
    assert list(found.yields["selected"]) == [
        true.sum(),
        drawn.sum(),
        hard(second_pass[0])[both].sum(),
    ]
    assert list(found.yields["events"]) == [600, 600, 480]
    row = found.yields.loc["model"]
    assert_allclose(row["selected / true - 1"], drawn.sum() / true.sum() - 1)
    assert_allclose(row["error"], np.sqrt((true != drawn).sum()) / true.sum())


def test_it_says_whether_model_and_controls_fail(judged, page):
    X, y, second_pass = judged
    bad = model_report(
        Scale(scale=1.2).fit(X, y), X, y, page, second_pass=second_pass, random_state=0
    )
    assert any("response W1 / std" in line and "above the floor" in line for line in bad.verdict)
    assert any("controls of the response fail, as they must" in line for line in bad.verdict)
    assert any("tells the model from the truth" in line for line in bad.verdict)
    assert float(bad.facts["joint AUC of the second detector pass"].split()[0]) < 0.57
    good = model_report(Detector().fit(X, y), X, y, page, second_pass=second_pass, random_state=0)
    assert sum("at the floor" in line for line in good.verdict) == 2
    assert any("cannot tell the model from the truth" in line for line in good.verdict)
    without = model_report(Detector().fit(X, y), X, y, page, random_state=0)
    assert sum("at the floor" in line for line in without.verdict) == 2
    assert any("disjoint halves of the truth" in line for line in without.verdict)
    wrong = model_report(Scale(scale=1.2).fit(X, y), X, y, page, random_state=0)
    assert sum("above the floor" in line for line in wrong.verdict) == 2
    # If the detector does nothing, the identity cannot fail.
    exact = model_report(Scale(scale=1.01).fit(X, y), X, X, page, random_state=0)
    assert any("but X passed off as y is not." in line for line in exact.verdict)


@pytest.mark.parametrize(
    ("value", "other", "shown"),
    [
        (0.01632, 0.01628, ["0.01632", "0.01628"]),
        (0.5, 0.25, ["0.5000", "0.2500"]),
        (0.25, 0.25, ["0.2500", "0.2500"]),
        (np.nan, np.nan, ["nan", "nan"]),
    ],
)
def test_different_numbers_look_different(value, other, shown):
    assert _verdict.told_apart(value, other) == shown


def test_a_verdict_does_not_contradict_itself():
    kind = _summary.MARGINAL
    columns = {"model": [0.5, 0.03], "floor 95%": [0.6, 0.02], "model / mean floor": [1.1, 1.632]}
    table = pd.DataFrame({(kind, key): values for key, values in columns.items()})
    table.index = ["jet_pt", "jet_phi"]
    line = _verdict._against_floor(table, kind, Bunch(limit=1.628))
    assert line.startswith(
        f"{kind}: above the floor. The model is farthest from its floor in jet_phi"
    )
    assert "1.632 times" in line
    assert "at most 1.628 for 95% of perfect models" in line


def test_the_file_holds_everything(smear, pairs, page):
    X, y = (side[["jet_pt", "jet_phi"]].rename(columns={"jet_phi": "<i>phi"}) for side in pairs)
    names = list(X.columns)
    found = model_report(
        smear.fit(X, y), X, y, page, facts={"card": "<script>1</script>"}, title="a < b"
    )
    assert found.path == page
    assert list(found.pictures) == [
        "features",
        "responses",
        "generator against detector level",
        "correlations",
        "coverage",
        "calibration",
    ]
    assert all(picture.startswith(b"\x89PNG") for picture in found.pictures.values())
    text = page.read_text()
    assert text.count('src="data:image/png;base64,') == len(found.pictures)
    assert not re.search(r"https?://|<script|<link|<i>phi|a < b", text)
    assert "a &lt; b" in text
    assert "&lt;i&gt;phi" in text
    assert list(found.distances.index) == names
    assert [file.name for file in page.parent.iterdir()] == ["report.html"]
    assert plt.get_fignums() == []


@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_same_figures(smear, pairs, page):
    X, y = pairs
    one, two, other = (model_report(smear, X, y, page, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one.distances, two.distances)
    assert one.auc == two.auc
    assert not one.distances.equals(other.distances)


@pytest.mark.usefixtures("no_classifier")
def test_generators(pairs, page):
    _, y = pairs
    model = GaussianMixture(3, random_state=0).fit(y[:300])
    found = model_report(model, y[300:], path=page, train=y[:300], selection=hard, random_state=0)
    assert list(found.distances.columns) == [
        ("marginal W1 / std", "model"),
        ("marginal W1 / std", "floor 95%"),
        ("marginal W1 / std", "model / mean floor"),
    ]
    key = "distance to training over held-out events (1: no memory)"
    assert 0.8 < float(found.facts[key]) < 1.2
    copy = model_report(
        KernelDensity(bandwidth=1e-3).fit(y[:300]), y[300:], path=page, train=y[:300]
    )
    copied = KernelDensity(bandwidth=1e-3).fit(y[:300]).sample(300, random_state=0)
    expected = nearest_neighbour_ratio(y[:300], copied, held_out=y[300:])
    assert_allclose(float(copy.facts[key]), expected, atol=0.01)
    scaled = make_pipeline(StandardScaler(), KernelDensity(bandwidth=0.1)).fit(y)
    assert model_report(scaled, y, path=page).distances.shape == (3, 3)


@pytest.mark.parametrize("wrap", [lambda model: model, make_pipeline])
def test_unpaired_simulators_are_judged_by_distributions(smear, pairs, page, wrap):
    X, y = pairs
    smear.paired_ = False
    model, other = wrap(smear), y[:450].sample(frac=1, random_state=0)
    settings = {"selection": hard, "random_state": 0}
    found = model_report(model, X, other, page, **settings)
    assert list(found.distances.columns) == [
        ("marginal W1 / std", "model"),
        ("marginal W1 / std", "floor 95%"),
        ("marginal W1 / std", "model / mean floor"),
    ]
    assert found.auc < 0.6
    assert "AUC, 450 events per side (0.5: cannot be told apart)" in found.facts
    assert list(found.pictures) == ["features", "correlations"]
    assert list(found.yields["events"]) == [450, 600]
    assert abs(found.yields.loc["model", "selected / true - 1"]) < 0.15  # of shares
    assert any("learns from unpaired events" in note for note in found.notes)
    in_order = model_report(model, X, y[:450], page, **settings)
    pd.testing.assert_series_equal(
        in_order.distances["marginal W1 / std", "model"],
        found.distances["marginal W1 / std", "model"],
    )
    with pytest.raises(ValueError, match="train is for generators"):
        model_report(model, X, y, page, train=y)
    with pytest.raises(ValueError, match=r"nor a simulator of unpaired events .* leave it out"):
        model_report(model, X, y, page, second_pass=(y, np.ones(len(y), dtype=bool)))


def test_latent_space_of_a_flow(pairs, page):
    y = pairs[1][["jet_pt", "jet_eta"]]
    flow = FlowGenerator(**SMALL).fit(y)
    found = model_report(flow, y, path=page, random_state=0)
    assert list(found.pictures) == ["features", "correlations", "latent space"]
    assert "numbers stored in the model" in found.facts


def test_ensembles(pairs, page, monkeypatch):
    monkeypatch.setattr(_report, "N_CALIBRATED", 50)
    X, y = (side[["jet_pt"]] for side in pairs)
    members = EnsembleSimulator(FlowSimulator(**SMALL), n_estimators=2, random_state=0).fit(X, y)
    found = model_report(members, X, y, page, random_state=0)
    assert found.facts["model"] == "EnsembleSimulator, FlowSimulator"
    assert {"features", "responses", "coverage"} < set(found.pictures)


@pytest.mark.usefixtures("no_classifier")
def test_pipelines_and_searches(smear, pairs, page):
    X, y = pairs
    piped = make_pipeline(StandardScaler(), FlowSimulator(**SMALL)).fit(X, y)
    assert model_report(piped, X, y, page).distances.shape == (3, 11)
    search = GridSearchCV(smear, {"width": [0.1]}, cv=2).fit(X, y)
    assert model_report(search, X, y, page).facts["model"] == "GridSearchCV, Smear"


@pytest.mark.usefixtures("no_classifier")
def test_columns_the_model_does_not_know(pairs, page):
    X, y = pairs
    model = Scale().fit(X, y)
    more_X, more_y = X.assign(pile_up=np.arange(len(X)) % 4), y.assign(antimuon_pt=30.0)
    found = model_report(
        model, more_X, more_y[[*y.columns[::-1], "antimuon_pt"]], page, by="pile_up"
    )
    assert found.facts["column of the four bins of the response"] == "pile_up"
    assert list(found.distances.index) == list(y.columns)
    assert "['pile_up']" in found.notes[0]
    assert "['antimuon_pt']" in found.notes[1]
    with pytest.raises(ValueError, match="X has no column 'jet_eta', which Scale was fitted with"):
        model_report(model, X.drop(columns="jet_eta"), y, page)
    with pytest.raises(ValueError, match="by='jet_E' is not a column of X"):
        model_report(model, X, y, page, by="jet_E")


@pytest.mark.usefixtures("no_classifier")
def test_levels_without_a_common_column(pairs, page):
    X, y = pairs
    energy = X.rename(columns=lambda name: f"true_{name}")
    found = model_report(Scale().fit(energy, y), energy, y, page)
    assert list(found.distances["marginal W1 / std"].columns) == [
        "model",
        "floor 95%",
        "model / mean floor",
        "shuffled",
    ]
    assert "response W1 / std" not in found.distances
    assert any("no response" in line for line in found.verdict)


def test_what_is_not_drawn_is_said(smear, pairs, page, monkeypatch):
    monkeypatch.setattr(_report, "CALIBRATION_SECONDS", 0)
    X, y = (side[["jet_pt"]].assign(jet_mass=4.2) for side in pairs)
    found = model_report(smear.fit(X, y), X, y, page)
    assert any("never varies there: ['jet_mass']" in note for note in found.notes)
    assert any("Calibration is not shown" in note for note in found.notes)
    assert list(found.pictures) == ["features", "responses", "generator against detector level"]


@pytest.mark.usefixtures("no_classifier")
def test_images_and_a_single_column(page):
    rng = np.random.default_rng(0)
    energy, image = rng.uniform(1, 2, (200, 1)), rng.normal(size=(200, 2, 2))
    model = FlowSimulator(**SMALL).fit(energy, image)
    found = model_report(model, energy, image, page, selection=lambda image: image[:, 0, 0] > 0)
    assert list(found.distances.index) == [f"column {i}" for i in range(4)]
    assert found.yields.loc["truth", "selected"] == (image[:, 0, 0] > 0).sum()
    y = image[:, 0, 0]
    assert model_report(FlowSimulator(**SMALL).fit(energy, y), energy, y, page).distances.shape == (
        1,
        11,
    )


@pytest.mark.usefixtures("no_classifier")
def test_a_model_that_cannot_be_saved(smear, pairs, page):
    smear.note_ = open  # a function is neither a number nor a name
    found = model_report(smear, *pairs, page)
    assert found.facts["model file"].startswith("cannot be saved: Smear.note_")


def test_bad_input(smear, sharpen, pairs, page, quick):
    X, y = pairs
    with pytest.raises(ValueError, match="Smear is a simulator: pass the detector level y"):
        model_report(smear, X, path=page)
    with pytest.raises(TypeError, match="Sharpen is an unfolder: it draws X for a given y"):
        model_report(sharpen, X, y, page, direction="forward")
    with pytest.raises(ValueError, match="nor an unfolder, nor a simulator of unpaired"):
        model_report(sharpen, X, y, page, second_pass=(y, np.ones(600, dtype=bool)))
    with pytest.raises(ValueError, match="Sharpen is an unfolder: pass the detector level y"):
        model_report(sharpen, X, path=page)
    with pytest.raises(TypeError, match=r"LinearRegression is neither .*: it draws no events"):
        model_report(LinearRegression(), X, y, page)
    with pytest.raises(TypeError, match="is a generator"):
        model_report(GaussianMixture().fit(y), X, y, page)
    with pytest.raises(ValueError, match="train is for generators"):
        model_report(smear, X, y, page, train=X)
    rejected = y.copy()
    rejected.iloc[[3, 5]] = 0.0
    with pytest.raises(ValueError, match=r"all columns of row 3 \(2 such rows"):
        model_report(smear, X, rejected, page)
    with pytest.raises(ValueError, match="There are 30 events, and 40 are needed"):
        model_report(smear, X[:30], y[:30], page)
    with pytest.raises(ValueError, match="one bool per event"):
        model_report(smear, X, y, page, selection=lambda events: events["jet_pt"])
    with pytest.raises(TypeError, match="second_pass must be the same events"):
        model_report(smear, X, y, page, second_pass=y)
    with pytest.raises(ValueError, match="a boolean mask of shape"):
        model_report(smear, X, y, page, second_pass=(y, np.ones(len(y))))
    with pytest.raises(ValueError, match="accepts fewer than two events"):
        model_report(smear, X, y, page, second_pass=(y, np.zeros(len(y), dtype=bool)))
    assert not page.exists()


def test_an_old_file_survives_a_failure(smear, pairs, page, no_classifier, monkeypatch):
    X, y = pairs
    page.parent.mkdir()
    page.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            model_report(smear, X, y, page)
    assert page.read_text() == "old"
    assert len(list(page.parent.iterdir())) == 1
    with pytest.raises(IsADirectoryError, match="is a folder: pass the name of an HTML file"):
        model_report(smear, X, y, page.parent)
    with pytest.raises(OSError, match="Nothing can be written to the folder"):
        model_report(smear, X, y, page / "report.html")


@pytest.mark.usefixtures("no_classifier")
def test_progress_is_shown_unless_it_is_silenced(smear, pairs, page, capsys):
    model_report(smear, *pairs, page)
    shown = capsys.readouterr()
    assert shown.out == ""
    for section in ("events of the model", "distances and floors", "classifier", "pictures"):
        assert re.search(rf"report: {section}, \d+\.\d s", shown.err)
    model_report(smear, *pairs, page, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("no_classifier")
def test_one_event_that_decides_is_named(judged, page):
    X, y, second_pass = judged
    model = Detector().fit(X, y)
    settings = {"second_pass": second_pass, "random_state": 0, "verbose": 0}
    found = model_report(model, X, y, page, **settings)
    part = found.distances["response W1 / std", "of one event"]
    assert (part < 0.25 * found.distances["response W1 / std", "model"]).all()
    assert not any("One event decides" in line for line in found.verdict)
    model.sample = lambda X, **kwargs: _with_outlier(Detector().sample(X, **kwargs))
    outlier = model_report(model, X, y, page, **settings)
    (line,) = [line for line in outlier.verdict if "One event is worth" in line]
    assert "of jet_eta" in line
    assert "One event decides this distance" in line
    width = found.response_quantiles.loc[("jet_eta", "half_width_68"), "generated"]
    again = outlier.response_quantiles.loc[("jet_eta", "half_width_68"), "generated"]
    assert_allclose(again, width, rtol=0.02)


def _with_outlier(events):
    events[..., 7, 1] += 40.0
    return events


def test_classifiers_see_some_of_many_events(judged, page, monkeypatch):
    X, y, second_pass = judged
    monkeypatch.setattr(_summary, "MOST_CLASSIFIED", 200)
    model = Scale(scale=1.2).fit(X, y)
    found = model_report(model, X, y, page, second_pass=second_pass, random_state=0, verbose=0)
    assert "joint AUC, 200 events per side (0.5: cannot be told apart)" in found.facts
    assert_allclose(found.auc_error, 1 / np.sqrt(6 * 80))
    assert found.auc > 0.8
    mixture = GaussianMixture(random_state=0).fit(y)
    model_report(mixture, y, path=page, random_state=0, verbose=0)


@pytest.mark.usefixtures("no_classifier")
@pytest.mark.parametrize("own", [False, True])
def test_floors_of_fewer_events_are_brought_to_all(judged, page, monkeypatch, own):
    X, y, second_pass = judged
    settings = {"random_state": 0, "verbose": 0} | ({} if own else {"second_pass": second_pass})
    model = Detector().fit(X, y)
    monkeypatch.setattr(_floors, "N_REPEATS", 100)
    whole = model_report(model, X, y, page, **settings).distances
    monkeypatch.setattr(_floors, "MOST_EVENTS", 150)
    part = model_report(model, X, y, page, **settings).distances
    for kind in ("marginal W1 / std", "response W1 / std"):
        for column in ("floor 95%", "model / mean floor"):
            assert_allclose(part[kind, column], whole[kind, column], rtol=0.3)

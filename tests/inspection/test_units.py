"""Axes have the units that tables state, and the package's GeV if they state none."""

import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from skjetsim.inspection import (
    MarginalDisplay,
    PosteriorDisplay,
    ResponseDisplay,
    TransportPlanDisplay,
    _facts,
    _floors,
    _pictures,
    model_report,
)
from skjetsim.inspection._labels import axis_label, units_of

MEV = {"jet_pt": "MeV"}


@pytest.fixture
def in_mev(pairs):
    X, y = pairs
    for table in pairs:
        table["jet_pt"] *= 1000
        table.attrs["units"] = dict(MEV)
    return X, y


def test_labels():
    assert axis_label("jet_pt") == axis_label("jet_pt", units={}) == "jet $p_T$ [GeV]"
    assert axis_label("jet_pt", units=MEV) == "jet $p_T$ [MeV]"
    assert axis_label("jet_mass", units=MEV) == "jet mass [MeV]"  # of the same momenta
    assert axis_label("jet_mass", units={"jet_mass": ""}) == "jet mass"
    assert axis_label("jet_mass", units={"jet_px": "MeV", "muon_px": "GeV"}) == "jet mass"
    assert axis_label("jet_phi", units=MEV) == r"jet $\phi$ [rad]"
    assert axis_label("vertex_z", units={"vertex_z": "mm"}, suffix=", truth") == (
        "vertex z, truth [mm]"
    )
    assert axis_label("jet_pt", units=MEV, unit=False) == "jet $p_T$"


def test_only_stated_units_count():
    table = pd.DataFrame({"jet_pt": [1.0]})
    assert units_of(table, [[1.0]], None) == {}
    table.attrs["units"] = {"jet_pt": "MeV", "n": 3}
    other = table.copy()
    other.attrs["units"] = {"jet_pt": "GeV"}
    assert units_of(table) == {"jet_pt": "MeV"}
    assert units_of(table, other) == {"jet_pt": "GeV"}
    table.attrs["units"] = "MeV"
    assert units_of(table) == {}


@pytest.mark.parametrize("transformer", [None, FunctionTransformer()])
def test_displays_of_simulators(smear, in_mev, transformer):
    settings = {"feature": "jet_pt", "transformer": transformer}
    marginal = MarginalDisplay.from_estimator(smear, *in_mev, **settings)
    response = ResponseDisplay.from_estimator(smear, *in_mev, **settings)
    plan = TransportPlanDisplay.from_estimator(smear, *in_mev, **settings)
    levels = ResponseDisplay.from_estimator(smear, *in_mev, kind="gen_vs_reco", **settings)
    for label in (marginal.name, response.marginal.name, *plan.labels, *levels.labels):
        assert label.endswith("[MeV]")


def test_from_samples(sharpen, in_mev):
    X, y = in_mev
    response = ResponseDisplay.from_samples(y, y, X=X, feature="jet_pt")
    assert response.marginal.name.endswith("[MeV]")
    for truth in (y["jet_pt"], None):
        plan = TransportPlanDisplay.from_samples(X["jet_pt"], y["jet_pt"].to_numpy(), truth)
        assert all(label.endswith("[MeV]") for label in plan.labels)
    posterior = PosteriorDisplay.from_estimator(sharpen, X[:2], y[:2], n_samples=10)
    assert posterior.names[0] == "jet $p_T$ [MeV]"


def test_reports(smear, in_mev, tmp_path, monkeypatch):
    monkeypatch.setattr(_facts, "TIMED_SECONDS", 0)
    monkeypatch.setattr(_floors, "N_REPEATS", 5)
    names = {}

    def recorded(heading, displays):
        names[heading] = displays[0][0].name
        return {}

    monkeypatch.setattr(_pictures, "_ratio_sheets", recorded)
    model_report(smear, *in_mev, tmp_path / "report.html", random_state=0, verbose=0)
    assert names["features"] == "jet $p_T$ [MeV]"
    assert names["responses"].endswith("[MeV]")

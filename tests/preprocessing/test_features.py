"""KinematicFeatures against the package `vector`, and its vocabulary."""

import numpy as np
import pandas as pd
import pytest
import vector

from skjetsim.preprocessing import (
    CartesianToCylindrical,
    KinematicFeatures,
    LogMassTransformer,
    pair_and_triple_masses,
)


def momenta(events):
    """Muon and jet from (p, E), tau massless, missing momentum transverse, as `vector` objects."""
    column = {name: events[name].to_numpy() for name in events}
    muon, jet = (
        vector.array({c: column[f"{obj}_{c}"] for c in ("px", "py", "pz", "E")})
        for obj in ("muon", "jet")
    )
    tau = {"pt": column["tau_pt"], "eta": column["tau_eta"], "phi": column["tau_phi"]}
    met = vector.array({"px": column["met_px"], "py": column["met_py"]})
    return muon, jet, vector.array(tau | {"mass": np.zeros(len(events))}), met


def expected(events):
    muon, jet, tau, met = momenta(events)
    return {
        "mass(muon, jet)": (muon + jet).mass,
        "mass(muon, jet, tau)": (muon + jet + tau).mass,
        "pt(muon, jet)": (muon + jet).pt,
        "eta(muon, jet)": (muon + jet).eta,
        "phi(muon, met)": (muon.to_2D() + met).phi,
        "rapidity(muon, tau)": (muon + tau).rapidity,
        "rapidity(jet)": jet.rapidity,
        "E(jet, tau)": (jet + tau).E,
        "px(jet, tau)": (jet + tau).px,
        "py(tau)": tau.py,
        "pz(muon, tau)": (muon + tau).pz,
        "delta_phi(muon, jet)": muon.deltaphi(jet),
        "delta_eta(muon, jet)": muon.deltaeta(jet),
        "delta_r(tau, jet)": tau.deltaR(jet),
        "mt(muon, met)": np.sqrt(2 * muon.pt * met.rho * (1 - np.cos(muon.deltaphi(met)))),
        "st(muon, jet, met)": muon.pt + jet.pt + met.rho,
        "ht(tau, jet)": tau.pt + jet.pt,
        "missing_pt(muon, jet, tau)": (muon + jet + tau).pt,
        "missing_phi(muon, jet)": (-(muon + jet).to_2D()).phi,
    }


@pytest.mark.parametrize("coordinates", ["cartesian", "cylindrical", "log mass"])
def test_every_quantity_agrees_with_vector(events, coordinates):
    oracle = expected(events)
    if coordinates != "cartesian":
        events = CartesianToCylindrical().fit_transform(events)
    if coordinates == "log mass":
        events = LogMassTransformer().fit_transform(events)
    features = KinematicFeatures(list(oracle), passthrough=False)
    out = features.fit_transform(events)
    for column, (feature, values) in zip(out, oracle.items(), strict=True):
        np.testing.assert_allclose(
            out[column], values, rtol=1e-9, atol=1e-6, err_msg=f"{feature} as {column}"
        )
    assert list(out)[:3] == ["muon_jet_mass", "muon_jet_tau_mass", "muon_jet_pt"]


def test_wjet_preset(events):
    out = KinematicFeatures("wjet", passthrough=False).fit_transform(events)
    assert list(out) == [
        *("muon_pt", "muon_eta", "muon_phi", "jet_pt", "jet_eta", "jet_phi", "jet_mass"),
        *("met_pt", "met_phi", "muon_met_mt", "muon_jet_met_st"),
    ]
    through = KinematicFeatures("wjet").fit_transform(events)
    assert list(through) == [*events, *(c for c in out if c != "jet_mass")]
    cylindrical = CartesianToCylindrical().fit_transform(events)
    added = KinematicFeatures("wjet").fit_transform(cylindrical)
    assert list(added) == [*cylindrical, "muon_met_mt", "muon_jet_met_st"]
    np.testing.assert_allclose(added[out.columns], out, rtol=1e-12, atol=1e-12)


def test_passthrough_false_has_no_inverse(events):
    model = KinematicFeatures("wjet", passthrough=False).fit(events)
    assert not hasattr(model, "inverse_transform")
    assert not hasattr(model, "log_det_jacobian")


def test_tables_without_names():
    X = np.random.default_rng(0).normal(size=(20, 7))
    out = KinematicFeatures(["mass(p0, p1)", "pt(p1)"]).fit_transform(X)
    np.testing.assert_array_equal(out[:, :7], X)
    np.testing.assert_allclose(out[:, 8], np.hypot(X[:, 3], X[:, 4]))


def test_unnamed_object():
    events = pd.DataFrame({"px": [3.0], "py": [4.0], "pz": [0.0], "E": [13.0]})
    out = KinematicFeatures(["mass()", "pt()"], passthrough=False).fit_transform(events)
    assert out.to_dict("list") == {"mass": [12.0], "pt": [5.0]}


def test_pair_and_triple_masses():
    assert len(pair_and_triple_masses(list("abcdef"))) == 15 + 20
    assert pair_and_triple_masses(["a", "b"]) == ["mass(a, b)"]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["mass muon"], "not of the form"),
        ([3], "not of the form"),
        (["charge(muon)"], "unknown quantity 'charge' in 'charge.muon.'; known are"),
        (["delta_r(muon, jet, tau)"], "delta_r is of two objects, got 3"),
        (["mass(muon, muon)"], "names an object twice"),
        (["mass(muon, electron)"], "no object 'electron'"),
        (["mass(muon, met)"], "'met' has no 'met_eta' and no columns to compute it from"),
        (["mass(tau)"], "'tau' has no mass and no E among its columns"),
        (["eta(met)"], "'met' has no 'met_pz'"),
        (["pt(muon, tau)", "pt(muon,tau)"], "features names 'muon_tau_pt' twice"),
        ("ttbar", "features must be a list or one of .'wjet'."),
    ],
)
def test_wrong_features(features, message, events):
    with pytest.raises(ValueError, match=message):
        KinematicFeatures(features).fit(events)


def test_nothing_to_give(events):
    with pytest.raises(ValueError, match="features is empty"):
        KinematicFeatures([], passthrough=False).fit(events)


def test_undefined_quantity_names_column_and_row(events):
    features = KinematicFeatures(["eta(jet)"]).fit(events)
    events.loc[108, ["jet_px", "jet_py"]] = 0.0
    with pytest.raises(ValueError, match=r"column 'jet_eta', first bad row 8 .*eta needs pT > 0"):
        features.transform(events)


def test_columns_that_exist_already(events):
    with pytest.raises(ValueError, match="two columns 'muon_jet_mass'"):
        KinematicFeatures(["mass(muon, jet)"]).fit(events.assign(muon_jet_mass=1.0))

"""CartesianToCylindrical, AngleEncoder and PhiRotation: round trips, physics, bad events."""

import warnings

import numpy as np
import pandas as pd
import pytest
import vector
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skjetsim.preprocessing import (
    AngleEncoder,
    CartesianToCylindrical,
    KinematicFeatures,
    PhiRotation,
)

MOMENTUM = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda p: p == 0 or abs(p) > 1e-12)
rows = st.integers(1, 5)


def momenta(columns):
    return rows.flatmap(lambda n: arrays(np.float64, (n, columns), elements=MOMENTUM))


@given(momenta(8))
@settings(deadline=None)
def test_cylindrical_round_trip(X):
    zero = (X[:, [0, 3]] == 0) & (X[:, [1, 4]] == 0)
    X[:, [0, 3]] += zero
    model = CartesianToCylindrical({"muon": [0, 1, 2], "jet": [3, 4, 5], "met": [6, 7]}).fit(X)
    Z = model.transform(X)
    assert (np.abs(Z[:, [2, 5, 7]]) <= np.pi).all()
    assert (Z[:, [2, 5, 7]] > -np.pi).all()
    back = model.inverse_transform(Z)
    for columns in ([0, 1], [2], [3, 4], [5], [6, 7]):
        scale = np.linalg.norm(X[:, columns], axis=1, keepdims=True)
        assert (np.abs(back[:, columns] - X[:, columns]) <= 1e-9 * scale).all()


def test_cylindrical_agrees_with_vector(events):
    out = CartesianToCylindrical().fit_transform(events)
    for obj in ("muon", "jet"):
        oracle = vector.array({c: events[f"{obj}_{c}"].to_numpy() for c in ("px", "py", "pz")})
        np.testing.assert_allclose(out[f"{obj}_pt"], oracle.pt, rtol=1e-14)
        np.testing.assert_allclose(out[f"{obj}_eta"], oracle.eta, rtol=1e-12)
        np.testing.assert_allclose(out[f"{obj}_phi"], oracle.phi, rtol=1e-12)
    assert list(out.columns) == [
        *("muon_pt", "muon_eta", "muon_phi", "muon_E", "jet_pt", "jet_eta", "jet_phi", "jet_E"),
        *("jet_mass", "met_pt", "met_phi", "tau_pt", "tau_eta", "tau_phi", "weight"),
        *("photon_pt", "photon_eta", "photon_phi", "top_pt", "top_eta", "top_phi", "top_E"),
    ]


def test_negative_pt_is_the_opposite_direction():
    model = CartesianToCylindrical().fit(np.ones((1, 3)))
    back = model.inverse_transform([[-2.0, 1.0, 0.5], [2.0, -1.0, 0.5 - np.pi]])
    np.testing.assert_allclose(back[0], back[1])


@pytest.mark.parametrize("pz", [0.0, 5.0, -5.0])
def test_zero_pt_is_an_error_with_column_and_row(events, pz):
    fitted = CartesianToCylindrical().fit(events)
    events.loc[[104, 109], ["jet_px", "jet_py"]] = 0.0
    events.loc[[104, 109], "jet_pz"] = pz
    message = r"column 'jet_px', first bad row 4 \(2 bad rows in all\): pT = 0 .* Select events"
    for method in (fitted.transform, fitted.log_det_jacobian, CartesianToCylindrical().fit):
        with pytest.raises(ValueError, match=message):
            method(events)


def test_rows_of_zeros_may_be_rejected_events(events):
    events.loc[104] = 0.0
    with pytest.raises(ValueError, match=r"first bad row 4 .*1 bad row in all.*EfficiencySim"):
        CartesianToCylindrical().fit(events)


def test_negligible_pt_is_an_error():
    X = np.array([[1.0, 1.0, 1.0], [1e-300, 0.0, 1e100]])
    with pytest.raises(ValueError, match=r"column 0, first bad row 1 .* so eta is infinite"):
        CartesianToCylindrical().fit_transform(X)


def test_zero_missing_momentum_has_phi_zero():
    events = pd.DataFrame({"met_px": [0.0, 3.0], "met_py": [0.0, 4.0]})
    model = CartesianToCylindrical().fit(events)
    assert model.transform(events).iloc[0].tolist() == [0.0, 0.0]
    pd.testing.assert_frame_equal(model.inverse_transform(model.transform(events)), events)
    with pytest.raises(ValueError, match=r"'met_px', first bad row 0 .*Jacobian is infinite"):
        model.log_det_jacobian(events)


def test_energy_below_momentum(events):
    low = events.assign(muon_E=events["muon_E"].where(events.index != 106, 1.0))
    message = r"column 'muon_E', first bad row 6 .* E = 1 GeV is below \|p\| = .* check='warn'"
    with pytest.raises(ValueError, match=message):
        CartesianToCylindrical().fit(low)
    with pytest.raises(ValueError, match=message):
        CartesianToCylindrical().fit(events).transform(low)
    fitted = CartesianToCylindrical(check="warn").fit(events)
    with pytest.warns(UserWarning, match=message):
        out = fitted.transform(low)
    assert out["muon_E"].iloc[6] == 1.0
    rounded = events.assign(muon_E=events["muon_E"] * (1 - 5e-4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CartesianToCylindrical().fit_transform(rounded)
    with pytest.raises(ValueError, match="tolerance=1e-05"):
        CartesianToCylindrical(tolerance=1e-5).fit(rounded)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (["electron"], "no object 'electron' .* objects found: 'muon', 'jet', 'met', 'tau'"),
        (["tau"], "'tau' has no column 'tau_px'"),
        ({"muon": ["muon_px"]}, "object 'muon' needs two columns"),
        ({"a": ["muon_px", "muon_py"], "b": ["muon_py", "muon_pz"]}, "no other object uses"),
        ({"a": ["muon_px", "nothing"]}, "X has no column 'nothing'"),
        ({"a": [0, 99]}, "X has .* no column 99"),
    ],
)
def test_wrong_objects(objects, message, events):
    with pytest.raises(ValueError, match=message):
        CartesianToCylindrical(objects).fit(events)


def test_names_that_cannot_be_read(events):
    with pytest.raises(ValueError, match="found no momenta"):
        CartesianToCylindrical().fit(events[["weight", "tau_pt"]])
    with pytest.raises(ValueError, match="'jet' has no column 'jet_py'"):
        CartesianToCylindrical().fit(events.drop(columns="jet_py"))
    with pytest.raises(ValueError, match="two columns 'jet_pt'"):
        CartesianToCylindrical().fit(events.assign(jet_pt=1.0))
    with pytest.raises(ValueError, match="check must be one of"):
        CartesianToCylindrical(check="ignore").fit(events)
    with pytest.raises(ValueError, match="'met_px' is a name, but X has no column names"):
        CartesianToCylindrical({"met": ["met_px", "met_py"]}).fit(events.to_numpy())


@given(rows.flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(-np.pi, np.pi))))
@settings(deadline=None)
def test_angle_encoder_round_trip(X):
    X = np.where(np.abs(X) == np.pi, np.pi, X)
    model = AngleEncoder([0, 1]).fit(X)
    Z = model.transform(X)
    np.testing.assert_allclose(model.inverse_transform(Z), X, atol=1e-12)
    np.testing.assert_allclose(model.inverse_transform(3 * Z), X, atol=1e-12)


def test_angle_encoder_names(events):
    out = AngleEncoder().fit_transform(events[["weight", "tau_phi", "tau_pt"]])
    assert list(out.columns) == ["weight", "tau_cos_phi", "tau_sin_phi", "tau_pt"]
    np.testing.assert_allclose(out["tau_cos_phi"], np.cos(events["tau_phi"]))
    again = pd.DataFrame({"a_cos_phi": [1.0], "a_sin_phi": [0.0]})
    with pytest.raises(ValueError, match="found no angle"):
        AngleEncoder().fit(again)
    frame = pd.DataFrame({"a_b_delta_phi": [1.0], "phi": [2.0]})
    assert list(AngleEncoder().fit_transform(frame)) == [
        *("a_b_delta_cos_phi", "a_b_delta_sin_phi", "cos_phi", "sin_phi")
    ]


@given(momenta(9))
@settings(deadline=None)
def test_rotation_round_trip(X):
    model = PhiRotation("p1").fit(X)
    back = model.inverse_transform(model.transform(X))
    for columns in ([0, 1], [2], [3, 4], [5], [6, 7], [8]):
        scale = np.linalg.norm(X[:, columns], axis=1, keepdims=True)
        assert (np.abs(back[:, columns] - X[:, columns]) <= 1e-9 * scale).all()


@pytest.mark.parametrize("reference", ["muon", "tau"])
def test_rotation_changes_no_invariant(events, reference):
    events = events.assign(b_cos_phi=np.cos(events["weight"]), b_sin_phi=np.sin(events["weight"]))
    out = PhiRotation(reference).fit_transform(events)
    kept = [c for c in events if c.startswith(reference)]
    pd.testing.assert_frame_equal(out[kept], events[kept])
    others = [o for o in ("muon", "jet", "met", "tau") if o != reference]
    moving = [o for o in others if o != "met"]
    invariants = [f"mass({', '.join(moving)})", f"delta_r({', '.join(moving)})"]
    invariants += [f"delta_phi({a}, met)" for a in moving] + [f"mt({a}, met)" for a in moving]
    invariants += [f"st({', '.join(others)})", f"pt({', '.join(others)})", f"eta({moving[0]})"]
    before, after = (
        KinematicFeatures(invariants, passthrough=False).fit_transform(X) for X in (events, out)
    )
    pd.testing.assert_frame_equal(after, before, check_exact=False, rtol=1e-9, atol=1e-9)
    # and every phi is now that relative to the reference
    relative = KinematicFeatures(["phi(jet)"], passthrough=False).fit_transform(out)["jet_phi"]
    expected = KinematicFeatures([f"delta_phi(jet, {reference})"], passthrough=False)
    np.testing.assert_allclose(relative, expected.fit_transform(events).iloc[:, 0], atol=1e-12)
    b = np.arctan2(out["b_sin_phi"], out["b_cos_phi"]).to_numpy()
    phi = KinematicFeatures([f"phi({reference})"], passthrough=False).fit_transform(events)
    np.testing.assert_allclose(
        np.cos(b), np.cos(events["weight"] - phi.iloc[:, 0].to_numpy()), atol=1e-12
    )


@pytest.mark.parametrize("half", ["met_px", "met_py", "b_cos_phi"])
def test_rotation_of_half_a_vector(events, half):
    events = events.drop(columns=["met_px", "met_py"]).assign(**{half: 1.0})
    with pytest.raises(ValueError, match=f"has a column '{half}' but no "):
        PhiRotation("muon").fit(events)
    if half.startswith("met"):
        with pytest.raises(ValueError, match="'met' has no column 'met_p"):
            CartesianToCylindrical().fit(events)


def test_rotation_of_an_object_without_phi(events):
    with pytest.raises(ValueError, match="no object 'electron'"):
        PhiRotation("electron").fit(events)
    with pytest.raises(ValueError, match="'tau' has neither phi nor px and py"):
        PhiRotation("tau").fit(events.drop(columns="tau_phi"))


def test_differences_of_angles_stay():
    """They are the same from wherever phi is measured, also as cosine and sine."""
    events = pd.DataFrame({"muon_phi": [1.0, -2.0], "muon_met_delta_phi": [0.5, 2.0]})
    encoded = AngleEncoder("muon_met_delta_phi").fit_transform(events)
    for table in (events, encoded, encoded.drop(columns="muon_met_delta_sin_phi")):
        pd.testing.assert_frame_equal(PhiRotation("muon").fit_transform(table), table)


def test_only_the_named_objects_are_rotated():
    events = pd.DataFrame(
        {
            "jet_phi": [0.3, -2.0],
            "muon_phi": [1.0, 3.0],
            "met_px": [10.0, 5.0],
            "met_py": [0.0, 7.0],
        }
    )
    model = PhiRotation("jet", objects=["met"]).fit(events)
    out = model.transform(events)
    assert (out.muon_phi == events.muon_phi).all()
    angle = np.arctan2(events.met_py, events.met_px) - events.jet_phi
    np.testing.assert_allclose(np.hypot(out.met_px, out.met_py) * np.cos(angle), out.met_px)
    np.testing.assert_allclose(model.inverse_transform(out), events)
    with pytest.raises(ValueError, match="'jet' is the reference"):
        PhiRotation("jet", objects=["jet"]).fit(events)
    with pytest.raises(ValueError, match="tau"):
        PhiRotation("jet", objects=["tau"]).fit(events)

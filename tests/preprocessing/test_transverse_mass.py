"""TransverseMassTransformer: that of KinematicFeatures, the way back, and what has no angle."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numerical import numerical_log_det, rotated
from numpy.testing import assert_allclose

from skjetsim.compose import SymmetricSimulator, TransformedSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import (
    CartesianToCylindrical,
    KinematicFeatures,
    LogTransformer,
    TransverseMassTransformer,
)

MASS, OPPOSITE = "muon_met_mt", "muon_met_opposite_mt"


def events(n_events=60, seed=0):
    rng = np.random.default_rng(seed)
    columns = {
        "muon_pt": rng.uniform(5, 80, n_events),
        "muon_phi": rng.uniform(-np.pi, np.pi, n_events),
        "met_px": rng.normal(0, 30, n_events),
        "weight": rng.normal(size=n_events),
        "met_py": rng.normal(0, 30, n_events),
    }
    return pd.DataFrame(columns, index=np.arange(n_events) + 100)


def test_it_is_the_transverse_mass():
    X = events()
    out = TransverseMassTransformer("muon").fit_transform(X)
    known = KinematicFeatures(["mt(muon, met)"]).fit_transform(X)
    assert_allclose(out[MASS], known[MASS], rtol=1e-9)
    turned = X.assign(met_px=-X["met_px"], met_py=-X["met_py"])
    opposite = KinematicFeatures(["mt(muon, met)"]).fit_transform(turned)
    assert_allclose(out[OPPOSITE].abs(), opposite[MASS], rtol=1e-9)


def test_names_stand_in_the_places_of_the_components_and_the_rest_stays():
    X = events()
    out = TransverseMassTransformer("muon").fit_transform(X)
    assert list(out) == ["muon_pt", "muon_phi", MASS, "weight", OPPOSITE]
    untouched = ["muon_pt", "muon_phi", "weight"]
    pd.testing.assert_frame_equal(out[untouched], X[untouched])


def test_sign_says_on_which_side_the_missing_momentum_is():
    """Nearly back to back, both sides are neighbours: no model has to jump."""
    X = pd.DataFrame({"muon_pt": 40.0, "muon_phi": [3.0, 3.0], "met_px": [40.0, 40.0]})
    angle = np.array([3.0 + np.pi - 0.01, 3.0 + np.pi + 0.01])
    X = X.assign(met_px=40 * np.cos(angle), met_py=40 * np.sin(angle))
    out = TransverseMassTransformer("muon").fit_transform(X)
    assert_allclose(out[MASS], 80 * np.cos(0.005))
    assert_allclose(out[OPPOSITE], [80 * np.sin(0.005), -80 * np.sin(0.005)])


pt, component = st.floats(1e-3, 1e5), st.floats(-1e5, 1e5)


@given(st.lists(st.tuples(pt, st.floats(-np.pi, np.pi), component, component), min_size=1))
@settings(deadline=None, derandomize=True)
def test_inverse_is_exact(rows):
    X = pd.DataFrame(rows, columns=["muon_pt", "muon_phi", "met_px", "met_py"])
    X = X[np.hypot(X["met_px"], X["met_py"]) > 1e-3]
    if len(X) == 0:
        return
    mass = TransverseMassTransformer("muon").fit(X)
    back = mass.inverse_transform(mass.transform(X))
    size = np.hypot(X["met_px"], X["met_py"])
    for name in ("met_px", "met_py"):
        assert_allclose(back[name] / size, X[name] / size, atol=1e-12)


def test_log_det_is_that_of_a_numerical_jacobian():
    X = events()
    mass = TransverseMassTransformer("muon").fit(X)
    assert_allclose(mass.log_det_jacobian(X), numerical_log_det(mass, X), atol=1e-6)


@pytest.mark.parametrize("angle", [0.3, np.pi, -2.9])
def test_it_does_not_know_where_phi_is_zero(angle):
    X = events()
    mass = TransverseMassTransformer("muon").fit(X)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = rotated(X, angle).assign(
        met_px=cos * X["met_px"] - sin * X["met_py"], met_py=sin * X["met_px"] + cos * X["met_py"]
    )
    turned = mass.transform(turned)
    assert_allclose(turned[[MASS, OPPOSITE]], mass.transform(X)[[MASS, OPPOSITE]], rtol=1e-7)


def test_a_logarithm_behind_it_takes_every_draw_back():
    X = events()
    mass = TransverseMassTransformer("muon").fit(X)
    logs = LogTransformer([MASS]).fit(mass.transform(X))
    drawn = logs.transform(mass.transform(X)).assign(**{"muon_met_log_mt": -3.0})
    back = mass.inverse_transform(logs.inverse_transform(drawn))
    known = KinematicFeatures(["mt(muon, met)"]).fit_transform(back)
    assert_allclose(known[MASS], np.exp(-3.0), rtol=1e-6)


def test_mirror_image_changes_the_sign():
    X = events()
    mass = TransverseMassTransformer("muon").fit(X)
    mirrored = X.assign(muon_phi=-X["muon_phi"], met_py=-X["met_py"])
    expected = mass.transform(X) * [1, -1, 1, 1, -1]
    assert_allclose(mass.transform(mirrored), expected, rtol=1e-7)


def test_columns_turn_in_a_symmetric_simulator():
    """Inside it or around it, the reflected event is the reflected one."""
    rng = np.random.default_rng(3)
    momenta = ["muon_px", "muon_py", "muon_pz", "met_px", "met_py"]
    X = pd.DataFrame(rng.normal(0, 30, (300, 5)), columns=momenta)
    steps = [
        CartesianToCylindrical(["muon"]),
        TransverseMassTransformer("muon"),
        LogTransformer(["muon_pt", MASS]),
    ]
    response = TransformedSimulator(
        SymmetricSimulator(
            FlowSimulator(max_epochs=1, random_state=0), "muon", second_object="met"
        ),
        steps,
    ).fit(X, X + rng.normal(0, 1, X.shape))
    drawn = response.sample(X, random_state=1)
    mirrored = response.sample(X * [1, -1, 1, 1, -1], random_state=1)
    assert_allclose(mirrored, drawn * [1, -1, 1, 1, -1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("column", "cure"),
    [("muon_phi", "put CartesianToCylindrical"), ("met_py", "leave the missing momentum")],
)
def test_needed_columns(column, cure):
    with pytest.raises(ValueError, match=f"has no column '{column}'; {cure}"):
        TransverseMassTransformer("muon").fit(events().drop(columns=column))


def test_logarithms_come_behind_it():
    logs = LogTransformer(["muon_pt"]).fit_transform(events())
    message = "no column 'muon_pt'; put LogTransformer behind this step"
    with pytest.raises(ValueError, match=message):
        TransverseMassTransformer("muon").fit(logs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns=["met_px", "met_py"]), "there is no object 'met'"),
        (lambda X: X.assign(muon_met_mt=80.0), f"two columns '{MASS}'"),
        (lambda X: X.to_numpy(), "needs named columns"),
        (lambda X: X.assign(met_px=np.nan), "NaN in column 'met_px'"),
    ],
    ids=["missing", "there already", "no names", "nan"],
)
def test_bad_tables(change, message):
    with pytest.raises(ValueError, match=message):
        TransverseMassTransformer("muon").fit(change(events()))


def test_needs_two_objects():
    with pytest.raises(ValueError, match="must be two objects, got 'met' twice"):
        TransverseMassTransformer("met").fit(events())


def test_muons_and_missing_momenta_that_are_none():
    X = events()
    mass = TransverseMassTransformer("muon").fit(X)
    bad = X.copy()
    bad.loc[[103, 110], "muon_pt"] = 0.0
    with pytest.raises(ValueError, match=r"'muon_pt', first bad row 3 \(2 bad rows .*select_pt"):
        mass.transform(bad)
    bad = X.copy()
    bad.loc[107, ["met_px", "met_py"]] = 0.0
    with pytest.raises(ValueError, match=r"'met_px', first bad row 7 .*: there is no missing mom"):
        mass.log_det_jacobian(bad)


def test_draws_that_have_no_root():
    mass = TransverseMassTransformer("muon").fit(events())
    drawn = mass.transform(events())
    drawn.loc[104, MASS] = -0.5
    with pytest.raises(ValueError, match=rf"'{MASS}', first bad row 4 .*: -0\.5, .* LogTransform"):
        mass.inverse_transform(drawn)

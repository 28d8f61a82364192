"""LogMassTransformer and MassShellTransformer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skjetsim.preprocessing import CartesianToCylindrical, LogMassTransformer, MassShellTransformer

columns_of = st.integers(1, 5)


@given(columns_of.flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(1e-30, 1e30))))
@settings(deadline=None)
def test_log_mass_round_trip(X):
    model = LogMassTransformer([0, 1]).fit(X)
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, rtol=1e-12)


def test_log_mass_names(events):
    out = LogMassTransformer().fit_transform(events)
    assert "jet_log_mass" in out
    np.testing.assert_array_equal(out["jet_log_mass"], np.log(events["jet_mass"]))
    with pytest.raises(ValueError, match="found no mass"):
        LogMassTransformer().fit(out)
    with pytest.raises(ValueError, match="found no mass"):
        LogMassTransformer().fit(events.to_numpy())
    with pytest.raises(ValueError, match="two columns 'jet_log_mass'"):
        LogMassTransformer().fit(events.assign(jet_log_mass=1.0))


@pytest.mark.parametrize("mass", [0.0, -0.25])
def test_mass_without_logarithm(events, mass):
    fitted = LogMassTransformer().fit(events)
    events.loc[[102, 103], "jet_mass"] = mass
    message = rf"'jet_mass', first bad row 2 \(2 bad rows in all\): mass {mass:g} GeV .*select_mass"
    for method in (fitted.transform, fitted.log_det_jacobian, LogMassTransformer().fit):
        with pytest.raises(ValueError, match=message):
            method(events)


@given(
    columns_of.flatmap(lambda n: arrays(np.float64, (n, 3), elements=st.floats(-1e6, 1e6))),
    st.floats(1e-6, 1e3),
)
@settings(deadline=None)
def test_mass_shell_round_trip(p, mass):
    X = pd.DataFrame(p, columns=["px", "py", "pz"])
    X.insert(1, "E", np.sqrt((p**2).sum(axis=1) + mass**2))
    model = MassShellTransformer({"": mass}).fit(X)
    out = model.transform(X)
    assert list(out) == ["px", "py", "pz"]
    pd.testing.assert_frame_equal(model.inverse_transform(out), X, check_exact=False, rtol=1e-12)


@pytest.mark.parametrize("coordinates", ["cartesian", "cylindrical"])
def test_mass_shell_restores_drawn_events(events, coordinates):
    """Whatever a model draws for momenta and masses, the energy lies on the shell."""
    if coordinates == "cylindrical":
        events = CartesianToCylindrical().fit_transform(events)
    shell = MassShellTransformer({"muon": 0.1056584, "jet": "jet_mass"}).fit(events)
    assert shell.objects_ == ["muon", "jet"]
    drawn = shell.transform(events) * 1.5
    back = shell.inverse_transform(drawn)
    if coordinates == "cylindrical":
        p = back["jet_pt"] * np.cosh(back["jet_eta"])
    else:
        p = np.sqrt((back[["jet_px", "jet_py", "jet_pz"]] ** 2).sum(axis=1))
    np.testing.assert_allclose(back["jet_E"] ** 2, p**2 + (1.5 * events["jet_mass"]) ** 2)


def test_energy_off_the_shell(events):
    off = events.assign(muon_E=events["muon_E"].where(events.index != 105, 1e4))
    message = r"column 'muon_E', first bad row 5 .* E = 10000 GeV is off the mass shell"
    masses = {"muon": 0.1056584}
    with pytest.raises(ValueError, match=message):
        MassShellTransformer(masses).fit(off)
    with pytest.raises(ValueError, match=message):
        MassShellTransformer(masses).fit(events).transform(off)
    with pytest.warns(UserWarning, match=message):
        MassShellTransformer(masses, check="warn").fit(off)
    MassShellTransformer(masses).fit(events.assign(muon_E=events["muon_E"] * (1 + 5e-4)))


@pytest.mark.parametrize(
    ("masses", "message"),
    [
        ({}, "masses must be a dict"),
        (0.1, "masses must be a dict"),
        ({"electron": 0.0}, "no object 'electron'"),
        ({"met": 0.0}, "'met' has no column 'met_E'"),
        ({"muon": -1.0}, "mass of 'muon', unless it names a column, must be zero or more"),
        ({"muon": np.nan}, "must be zero or more"),
        ({"muon": True}, "must be a number in GeV, got True"),
        ({"muon": "muon_mass"}, "no mass column 'muon_mass' for 'muon'"),
    ],
)
def test_wrong_masses(masses, message, events):
    with pytest.raises((ValueError, TypeError), match=message):
        MassShellTransformer(masses).fit(events)


def test_mass_shell_needs_names(events):
    with pytest.raises(ValueError, match="needs named columns"):
        MassShellTransformer({"muon": 0.1}).fit(events.to_numpy())

"""EnergyToMass: the mass shell both ways, and energies that have no mass."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numerical import numerical_log_det
from numpy.testing import assert_allclose

from skjetsim.preprocessing import CartesianToCylindrical, EnergyToMass, LogMassTransformer


def jets(n_events=50, seed=0):
    """Two jets of known masses, and the missing momentum."""
    rng = np.random.default_rng(seed)
    columns, masses = {}, {}
    for jet in ("jet1", "jet2"):
        momentum = rng.normal(0, 40, (3, n_events))
        masses[jet] = rng.lognormal(2, 0.5, n_events)
        columns |= {f"{jet}_{c}": p for c, p in zip(("px", "py", "pz"), momentum, strict=True)}
        columns[f"{jet}_E"] = np.sqrt((momentum**2).sum(axis=0) + masses[jet] ** 2)
    columns["met_px"] = rng.normal(0, 20, n_events)
    return pd.DataFrame(columns, index=np.arange(n_events) + 100), masses


@pytest.mark.parametrize("coordinates", ["Cartesian", "cylindrical"])
def test_mass_and_energy_are_exact(coordinates):
    events, masses = jets()
    if coordinates == "cylindrical":
        events = CartesianToCylindrical(["jet1", "jet2"]).fit_transform(events)
    model = EnergyToMass().fit(events)
    out = model.transform(events)
    assert list(out) == [name.replace("_E", "_mass") for name in events]
    assert model.objects_ == ["jet1", "jet2"]
    for jet, mass in masses.items():
        assert_allclose(out[f"{jet}_mass"], mass, rtol=1e-9)
    back = model.inverse_transform(out)
    pd.testing.assert_frame_equal(back, events, check_exact=False, rtol=1e-14)


def test_objects_that_are_named_alone_lose_their_energy():
    events, masses = jets()
    model = EnergyToMass(["jet2"]).fit(events)
    out = model.transform(events)
    expected = [*list(events)[:7], "jet2_mass", "met_px"]
    assert list(out) == expected
    assert model.objects_ == ["jet2"]
    pd.testing.assert_series_equal(out["jet1_E"], events["jet1_E"])
    assert_allclose(out["jet2_mass"], masses["jet2"], rtol=1e-9)


@given(
    arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e6),
)
@settings(deadline=None, derandomize=True)
def test_every_mass_is_an_energy_and_comes_back(momentum, mass):
    drawn = pd.DataFrame(momentum, columns=["px", "py", "pz"]).assign(mass=mass)
    model = EnergyToMass().fit(drawn.rename(columns={"mass": "E"}).assign(E=1e8))
    events = model.inverse_transform(drawn)
    energy = np.linalg.norm(drawn, axis=1)
    assert_allclose(events["E"], energy, rtol=1e-14)
    clear = energy < 1e5 * mass  # where rounding of E leaves digits of the mass
    again = model.transform(events[clear]) if clear.any() else drawn[clear]
    assert_allclose(again["mass"], mass, rtol=1e-4)


def test_log_det_is_that_of_a_numerical_jacobian():
    events, _ = jets()
    for table in (events, CartesianToCylindrical(["jet1", "jet2"]).fit_transform(events)):
        model = EnergyToMass().fit(table)
        expected = numerical_log_det(model, table, step=1e-6)
        assert_allclose(model.log_det_jacobian(table), expected, atol=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.9, -1.5])
def test_energies_without_a_mass(share):
    events, _ = jets()
    fitted = EnergyToMass().fit(events)
    bad = events.copy()
    p = np.sqrt((events[["jet2_px", "jet2_py", "jet2_pz"]] ** 2).sum(axis=1))
    bad.loc[[104, 105], "jet2_E"] = share * p.loc[[104, 105]] * (1 - 1e-12)
    message = r"'jet2_E', first bad row 4 \(2 bad rows in all\): E = .* GeV is not above the mom"
    for method in (fitted.transform, fitted.log_det_jacobian, EnergyToMass().fit):
        with pytest.raises(ValueError, match=message):
            method(bad)
    EnergyToMass(["jet1"]).fit(bad)


def test_massless_objects_are_refused():
    photon = pd.DataFrame({"px": [3.0], "py": [0.0], "pz": [4.0], "E": [5.0]})
    with pytest.raises(ValueError, match=r"column 'E', first bad row 0 .* no mass"):
        EnergyToMass().fit(photon)


def test_float32_keeps_the_masses_of_jets_and_loses_those_of_electrons():
    events, masses = jets()
    rounded = events.astype("float32")
    out = EnergyToMass().fit_transform(rounded)
    for jet, mass in masses.items():
        error = 4e-7 * (events[f"{jet}_E"] / mass) ** 2
        assert (np.abs(out[f"{jet}_mass"] / mass - 1) < error).all()
    momentum = events[["jet1_px", "jet1_py", "jet1_pz"]].set_axis(["px", "py", "pz"], axis=1)
    electrons = momentum.assign(E=np.sqrt((momentum**2).sum(axis=1) + 0.000511**2))
    assert_allclose(EnergyToMass().fit_transform(electrons)["mass"], 0.000511, rtol=0.1)
    with pytest.raises(ValueError, match=r"no mass.* known mass to MassShellTransformer"):
        EnergyToMass().fit(electrons.astype("float32"))


@pytest.mark.parametrize("mass", [0.0, -2.0])
def test_masses_that_are_none_have_no_energy(mass):
    events, _ = jets()
    model = EnergyToMass().fit(events)
    drawn = model.transform(events)
    drawn.loc[106, "jet1_mass"] = mass
    message = rf"'jet1_mass', first bad row 6 .*: mass {mass:g} GeV.* LogMassTransformer"
    with pytest.raises(ValueError, match=message):
        model.inverse_transform(drawn)
    logs = LogMassTransformer().fit(model.transform(events))
    wild = logs.inverse_transform(logs.transform(model.transform(events)) - 20)
    assert (model.inverse_transform(wild)[["jet1_E", "jet2_E"]] > 0).all(axis=None)


@pytest.mark.parametrize(
    ("objects", "change", "message"),
    [
        (None, lambda X: X[["met_px"]], r"found no energy.*\['met_px'\]"),
        (None, lambda X: X.to_numpy(), "needs named columns"),
        (None, lambda X: X.assign(jet1_mass=5.0), "two columns 'jet1_mass'"),
        (None, lambda X: X.drop(columns="jet1_pz"), "'jet1' has no 'jet1_eta' and no columns"),
        (None, lambda X: X.assign(jet2_E=np.nan), "NaN in column 'jet2_E'"),
        (["tau"], lambda X: X, "no object 'tau'"),
        (["met"], lambda X: X, "'met' has no column 'met_E'"),
        ("jet1", lambda X: X, "None or a list of names .*, got 'jet1'"),
        ([], lambda X: X, r"None or a list of names .*, got \[\]"),
        (3, lambda X: X, "None or a list of names .*, got 3"),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_bad_tables_and_objects(objects, change, message):
    with pytest.raises(ValueError, match=message):
        EnergyToMass(objects).fit(change(jets()[0]))

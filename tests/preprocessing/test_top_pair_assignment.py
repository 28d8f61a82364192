"""TopPairAssignment on decays of known tops, and on events whose jets are in disorder."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from top_pair_toys import JETS, PARTONS, table, top_pairs

from skjetsim.datasets import load_ttbar
from skjetsim.preprocessing import CartesianToCylindrical, TopPairAssignment, TopPairFeatures

QUARKS = ("leptonic_b", "hadronic_b", "u", "d")
NAMES = ("neutrino", *QUARKS)


def by_pt(events):
    """Events whose jets fall in pT."""
    pt = np.array([np.hypot(events[f"{jet}_px"], events[f"{jet}_py"]) for jet in JETS])
    order, out = np.argsort(-pt, axis=0), events.copy()
    for component in ("px", "py", "pz", "E"):
        values = np.array([events[f"{jet}_{component}"] for jet in JETS])
        for place, jet in enumerate(JETS):
            out[f"{jet}_{component}"] = values[order[place], np.arange(len(events))]
    return out


@pytest.fixture(scope="module")
def pairs():
    return top_pairs()


@pytest.fixture(scope="module")
def events(pairs):
    return by_pt(table(pairs))


@pytest.fixture(scope="module")
def real():
    return load_ttbar(return_X_y=True)[1].drop(columns="met_E")


def mass(events, *names):
    total = sum(
        events[[f"{name}_{c}" for c in ("px", "py", "pz", "E")]].to_numpy() for name in names
    )
    return np.sqrt(total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1))


def test_jets_find_their_quarks(pairs, events):
    """Decays on shell: the right one of 24 ways has a chi2 of zero."""
    named = TopPairAssignment(partons=NAMES).fit_transform(events)
    right = np.abs(named["neutrino_pz"] - pairs["neutrino"][2]) < 1e-3
    assert right.mean() > 0.98
    for quark in ("leptonic_b", "hadronic_b"):
        for i, component in enumerate(("px", "py", "pz", "E")):
            np.testing.assert_allclose(
                named[f"{quark}_{component}"][right], pairs[quark][i][right], rtol=1e-9
            )
    both = named["u_px"] + named["d_px"]
    np.testing.assert_allclose(both[right], (pairs["u"][0] + pairs["d"][0])[right], rtol=1e-8)
    # Nothing tells the jets of a W apart: either comes first.
    swapped = np.abs(named["u_px"] - pairs["u"][0]) > 1e-6
    assert 0.35 < swapped[right].mean() < 0.65


def test_there_and_back(real):
    transformer = TopPairAssignment().fit(real)
    named = transformer.transform(real)
    pd.testing.assert_frame_equal(transformer.inverse_transform(named), real)
    assert list(transformer.get_feature_names_out()) == list(named.columns)
    pd.testing.assert_frame_equal(transformer.transform(real), named)  # the coin falls once


def test_the_better_of_both_solutions(real):
    """Where the features' solution is taken their masses come out, elsewhere a smaller chi2."""
    named = TopPairAssignment().fit_transform(real)
    features = TopPairFeatures().fit_transform(real)
    momentum = named[[f"antineutrino_{c}" for c in ("px", "py", "pz")]].to_numpy()
    named["antineutrino_E"] = np.sqrt((momentum**2).sum(axis=1))
    names = {
        "hadronic_w_mass": ("u", "antid"),
        "hadronic_top_mass": ("u", "antid", "b"),
        "leptonic_top_mass": ("electron", "antineutrino", "antib"),
    }
    masses = pd.DataFrame({name: mass(named, *objects) for name, objects in names.items()})
    same = np.isclose(named["antineutrino_pz"], features["neutrino_pz"], rtol=1e-9)
    assert 0.5 < same.mean() < 0.9
    for name in names:
        np.testing.assert_allclose(masses[name][same], features[name][same], rtol=1e-9)
    pulls = (masses - [80.4, 172.5, 172.5]) / [10.0, 15.0, 5.0]
    chi2 = (pulls**2).sum(axis=1)
    assert (chi2[~same] < features["assignment_chi2"][~same]).all()
    w = mass(named, "electron", "antineutrino")
    np.testing.assert_allclose(w[~same], 80.4, rtol=1e-6)  # either solution makes a W


def test_pz_has_a_column_of_its_own_where_met_has_none(events):
    assert "met_pz" not in events
    transformer = TopPairAssignment(partons=NAMES).fit(events)
    named = transformer.transform(events)
    assert named.columns[-1] == "neutrino_pz"
    pd.testing.assert_frame_equal(transformer.inverse_transform(named), events)


def test_drawn_events_come_back_by_falling_pt(events):
    """On the way back the order is that of pT, whatever a model has drawn."""
    transformer = TopPairAssignment(partons=NAMES).fit(events)
    named = transformer.transform(events)
    named[["u_px", "u_py"]] *= 1000.0
    back = transformer.inverse_transform(named)
    pt = np.array([np.hypot(back[f"{jet}_px"], back[f"{jet}_py"]) for jet in JETS])
    assert (np.diff(pt, axis=0) <= 0).all()
    np.testing.assert_array_equal(back["jet1_px"], named["u_px"])


def test_jets_in_other_coordinates(events):
    cylindrical = CartesianToCylindrical(["electron", *JETS])
    chain = make_pipeline(cylindrical, TopPairAssignment(partons=NAMES))
    named = chain.fit_transform(events)
    plain = TopPairAssignment(partons=NAMES).fit_transform(events)
    pt = np.hypot(plain["leptonic_b_px"], plain["leptonic_b_py"])
    np.testing.assert_allclose(named["leptonic_b_pt"], pt, rtol=1e-9)
    pd.testing.assert_frame_equal(chain.inverse_transform(named), events, rtol=1e-9)


def test_turning_the_event_turns_the_result(events):
    """The assignment and pz do not depend on phi."""
    angle, turned = 0.7, events.copy()
    for name in ("electron", "met", *JETS):
        x, y = events[f"{name}_px"], events[f"{name}_py"]
        turned[f"{name}_px"] = np.cos(angle) * x - np.sin(angle) * y
        turned[f"{name}_py"] = np.sin(angle) * x + np.cos(angle) * y
    plain, other = (TopPairAssignment(partons=NAMES).fit_transform(t) for t in (events, turned))
    for column in ("leptonic_b_pz", "hadronic_b_pz", "neutrino_pz"):
        np.testing.assert_allclose(other[column], plain[column], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"partons": ("nu", "b")}, "five different names"),
        ({"partons": ("nu", "b", "b", "u", "d")}, "five different names"),
        ({"partons": "quarks"}, "five different names"),
        ({"jets": ("jet1", "jet2")}, "four jets"),
        ({"lepton": "muon"}, "muon"),
        ({"w_mass": -1.0}, "w_mass must be above 0 GeV"),
        ({"partons": ("electron", "a", "c", "d", "e")}, "electron_px"),
    ],
)
def test_bad_parameters(events, parameters, message):
    with pytest.raises(ValueError, match=message):
        TopPairAssignment(**parameters).fit(events)


def test_bad_events(events, real):
    transformer = TopPairAssignment(partons=NAMES).fit(events)
    rising = events.copy()
    rising.loc[3, ["jet4_px", "jet4_py"]] = 5e3
    with pytest.raises(ValueError, match=r"must fall in pT.*first bad row 3 \(1 bad"):
        transformer.transform(rising)
    wrong = real.copy()
    wrong.loc[2, "met_pz"] = 4.0
    with pytest.raises(ValueError, match=r"'met_pz', first bad row 2 .*transverse"):
        TopPairAssignment().fit(wrong)
    with pytest.raises(ValueError, match="Drop energy and mass"):
        TopPairAssignment().fit(real.assign(met_E=1.0))
    with pytest.raises(ValueError, match="same columns to change places"):
        TopPairAssignment().fit(events.drop(columns="jet2_E"))
    with pytest.raises(ValueError, match="needs named columns"):
        TopPairAssignment().fit(events.to_numpy())
    zeros = events * 0.0
    with pytest.raises(ValueError, match="not accepted"):
        transformer.transform(zeros)


def test_clone_and_names():
    transformer = TopPairAssignment(partons=PARTONS[1:])
    assert clone(transformer).get_params() == transformer.get_params()

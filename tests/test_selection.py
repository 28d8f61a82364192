"""Cuts as boolean masks."""

import numpy as np
import pandas as pd
import pytest

from skjetsim.preprocessing import CartesianToCylindrical, LogMassTransformer
from skjetsim.selection import select_abs_eta, select_mass, select_pt, wjet_selection


@pytest.fixture
def events():
    """Nine W + jet events; each except the first fails one cut, exactly at its bound."""
    cylindrical = {
        "muon_pt": [25.0, 20.0, 25, 25, 25, 25, 25, 25, 25],
        "muon_eta": [1.0, 1, 2.4, -2.5, 1, 1, 1, 1, 1],
        "muon_phi": [0.5] * 9,
        "jet_pt": [40.0, 40, 40, 40, 30.0, 25, 40, 40, 40],
        "jet_eta": [-1.0, 1, 1, 1, 1, 1, 2.6, 1, 1],
        "jet_phi": [-2.0] * 9,
        "jet_mass": [7.0, 7, 7, 7, 7, 7, 7, 0.0, -0.5],
        "note": list("abcdefghi"),
    }
    return pd.DataFrame(cylindrical, index=np.arange(9) * 2)


def test_wjet_selection(events):
    np.testing.assert_array_equal(wjet_selection(events), [True] + [False] * 8)
    assert events[wjet_selection(events)]["note"].tolist() == ["a"]


def test_coordinates_do_not_matter():
    rng = np.random.default_rng(0)
    columns = [f"{o}_{c}" for o in ("muon", "jet") for c in ("px", "py", "pz")]
    events = pd.DataFrame(rng.normal(0, 30, (5000, 6)), columns=columns)
    events["jet_mass"] = rng.normal(5, 3, 5000)
    expected = wjet_selection(events)
    assert 500 < expected.sum() < 3000
    cylindrical = CartesianToCylindrical().fit_transform(events)
    np.testing.assert_array_equal(wjet_selection(cylindrical), expected)
    positive = cylindrical[cylindrical["jet_mass"] > 0]
    logged = LogMassTransformer().fit_transform(positive)
    np.testing.assert_array_equal(wjet_selection(logged), wjet_selection(positive))


def test_masks_combine(events):
    mask = select_pt(events, "muon", maximum=22) | ~select_abs_eta(events, "jet", maximum=2.4)
    np.testing.assert_array_equal(np.flatnonzero(mask), [1, 6])
    window = select_mass(events, "jet", minimum=-1, maximum=0)
    np.testing.assert_array_equal(np.flatnonzero(window), [8])
    assert (
        select_abs_eta(events, "muon", minimum=2.45).tolist() == [False] * 3 + [True] + [False] * 5
    )


def test_rejected_rows_of_zeros_fail():
    zeros = pd.DataFrame(np.zeros((2, 3)), columns=["px", "py", "pz"])
    assert not select_pt(zeros, "", minimum=0).any()
    assert not select_abs_eta(zeros, "", maximum=10).any()
    assert not select_abs_eta(zeros, "", minimum=0).any()


def test_mass_from_energy():
    events = pd.DataFrame({"px": [3.0, 3.0], "py": [0.0, 0.0], "pz": [4.0, 4.0], "E": [13.0, 4.9]})
    assert select_mass(events, "", minimum=11).tolist() == [True, False]
    assert select_mass(events, "", maximum=0).tolist() == [False, True]


def test_empty_tables_give_empty_masks(events):
    assert wjet_selection(events.iloc[:0]).shape == (0,)


def test_bad_input(events):
    with pytest.raises(ValueError, match=r"no object 'electron' .* objects found: 'muon', 'jet'"):
        select_pt(events, "electron", minimum=20)
    with pytest.raises(ValueError, match="'jet' has no mass and no E"):
        wjet_selection(events.drop(columns="jet_mass"))
    with pytest.raises(ValueError, match="'jet' has no 'jet_pz'"):
        wjet_selection(events.drop(columns="jet_eta"))
    with pytest.raises(TypeError, match="needs a DataFrame, got ndarray"):
        select_pt(np.ones((3, 3)), "muon", minimum=1)
    broken = events.assign(jet_mass=[1.0, np.nan] + [1.0] * 7)
    with pytest.raises(ValueError, match="NaN in column 'jet_mass', first bad row 1"):
        wjet_selection(broken)
    assert select_pt(broken, "muon", minimum=20).sum() == 8

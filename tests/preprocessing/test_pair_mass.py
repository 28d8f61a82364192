"""PairMassTransformer: the mass of four-vectors, the way back, and what has no mass."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numerical import numerical_log_det, rotated
from numpy.testing import assert_allclose, assert_array_equal

from skjetsim.preprocessing import (
    CartesianToCylindrical,
    KinematicFeatures,
    LogTransformer,
    PairMassTransformer,
)

PAIR = ("electron", "positron")
MASS, RATIO = "electron_positron_mass", "electron_positron_pt_ratio"


def pairs(n_events=60, seed=0):
    rng = np.random.default_rng(seed)
    columns = {}
    for name in PAIR:
        columns[f"{name}_pt"] = rng.uniform(5, 80, n_events)
        columns[f"{name}_eta"] = rng.normal(0, 1.5, n_events)
        columns[f"{name}_phi"] = rng.uniform(-np.pi, np.pi, n_events)
        columns[f"{name}_charge"] = rng.normal(size=n_events)
    return pd.DataFrame(columns, index=np.arange(n_events) + 100)


def test_mass_is_that_of_the_four_vectors():
    events = pairs()
    out = PairMassTransformer(*PAIR).fit_transform(events)
    known = KinematicFeatures(["mass(electron, positron)"]).fit_transform(events)
    assert_allclose(out[MASS], known[MASS], rtol=1e-9)
    assert_allclose(out[RATIO], events["electron_pt"] / events["positron_pt"], rtol=1e-14)


def test_names_stand_in_the_places_of_pt_and_the_rest_stays():
    events = pairs()
    out = PairMassTransformer("positron", "electron").fit_transform(events)
    expected = list(events)
    expected[0], expected[4] = "positron_electron_pt_ratio", "positron_electron_mass"
    assert list(out) == expected
    untouched = [name for name in events if not name.endswith("_pt")]
    pd.testing.assert_frame_equal(out[untouched], events[untouched])


pt = st.floats(1e-3, 1e5)
eta, phi = st.floats(-6, 6), st.floats(-np.pi, np.pi)


@given(st.lists(st.tuples(pt, eta, phi, pt, eta, phi), min_size=1, max_size=5))
@settings(deadline=None, derandomize=True)
def test_inverse_is_exact(rows):
    names = [f"{name}_{part}" for name in PAIR for part in ("pt", "eta", "phi")]
    events = pd.DataFrame(rows, columns=names)
    apart = np.hypot(*(events[f"electron_{a}"] - events[f"positron_{a}"] for a in ("eta", "phi")))
    # phi = -pi and pi are one direction, too.
    events = events[(apart > 1e-6) & (abs(events["electron_phi"] - events["positron_phi"]) < 6.28)]
    if len(events) == 0:
        return
    pair = PairMassTransformer(*PAIR).fit(events)
    back = pair.inverse_transform(pair.transform(events))
    pd.testing.assert_frame_equal(back, events, check_exact=False, rtol=1e-12, atol=0)


def test_small_opening_angles_keep_their_digits():
    """1 - cos of 1e-7 has one digit left, and the mass has all."""
    events = pairs(1).assign(positron_eta=lambda e: e["electron_eta"])
    events["electron_phi"], events["positron_phi"] = 0.0, 1e-7
    out = PairMassTransformer(*PAIR).fit_transform(events)
    mean = np.sqrt(events["electron_pt"] * events["positron_pt"])
    assert_allclose(out[MASS], 1e-7 * mean, rtol=1e-12)


def test_log_det_is_that_of_a_numerical_jacobian():
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    assert_allclose(pair.log_det_jacobian(events), numerical_log_det(pair, events), atol=1e-6)


@pytest.mark.parametrize("angle", [0.3, np.pi, -2.9])
def test_mass_does_not_know_where_phi_is_zero(angle):
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    turned = pair.transform(rotated(events, angle))
    assert_allclose(turned[[MASS, RATIO]], pair.transform(events)[[MASS, RATIO]], rtol=1e-9)
    back = pair.inverse_transform(turned)
    assert_allclose(back[["electron_pt", "positron_pt"]], events[["electron_pt", "positron_pt"]])


def test_a_logarithm_behind_it_makes_every_draw_a_pair():
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    logs = LogTransformer([MASS, RATIO]).fit(pair.transform(events))
    names = ["electron_positron_log_pt_ratio", "electron_positron_log_mass"]
    assert sorted(set(logs.get_feature_names_out()) - set(pair.transform(events))) == names[::-1]
    with pytest.raises(ValueError, match="pt_ratio 0 has no logarithm"):
        logs.transform(pair.transform(events).assign(**{RATIO: 0.0}))
    drawn = logs.transform(pair.transform(events)) - 3
    back = pair.inverse_transform(logs.inverse_transform(drawn))
    assert (back[["electron_pt", "positron_pt"]] > 0).all(axis=None)
    masses = KinematicFeatures(["mass(electron, positron)"]).fit_transform(back)[MASS]
    assert_allclose(masses, pair.transform(events)[MASS] * np.exp(-3), rtol=1e-9)


def test_fitting_again_forgets_the_first_events():
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    other = events[events.columns[::-1]]
    again = pair.fit(other).transform(other)
    assert_array_equal(again[MASS], PairMassTransformer(*PAIR).fit_transform(events)[MASS])


@pytest.mark.parametrize("part", ["pt", "eta", "phi"])
def test_needs_cylindrical_columns(part):
    message = f"'positron' has no column 'positron_{part}'; put Cartesian"
    with pytest.raises(ValueError, match=message):
        PairMassTransformer(*PAIR).fit(pairs().drop(columns=f"positron_{part}"))


def test_logarithms_come_behind_it():
    logs = LogTransformer(["electron_pt"]).fit_transform(pairs())
    message = "no column 'electron_pt'; put LogTransformer behind this step"
    with pytest.raises(ValueError, match=message):
        PairMassTransformer(*PAIR).fit(logs)


@pytest.mark.parametrize(
    ("part", "cure"),
    [
        ("mass", "KinematicFeatures adds"),
        ("log_mass", "KinematicFeatures adds"),
        ("E", "MassShellTransformer drops"),
    ],
)
def test_massive_objects_are_refused(part, cure):
    message = f"'electron' has the column 'electron_{part}', but only massless .*{cure}"
    with pytest.raises(ValueError, match=message):
        PairMassTransformer(*PAIR).fit(pairs().assign(**{f"electron_{part}": 100.0}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns=[name for name in X if "positron" in name]), "no object"),
        (lambda X: X.assign(electron_positron_mass=91.0), f"two columns '{MASS}'"),
        (lambda X: X.to_numpy(), "needs named columns"),
        (lambda X: X.assign(electron_pt=np.nan), "NaN in column 'electron_pt'"),
    ],
    ids=["missing", "there already", "no names", "nan"],
)
def test_bad_tables(change, message):
    with pytest.raises(ValueError, match=message):
        PairMassTransformer(*PAIR).fit(change(pairs()))


def test_an_object_is_no_pair():
    with pytest.raises(ValueError, match="two objects, got 'electron' twice"):
        PairMassTransformer("electron", "electron").fit(pairs())


@pytest.mark.parametrize("pt", [0.0, -3.0])
@pytest.mark.parametrize("name", PAIR)
def test_momenta_that_are_none(name, pt):
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    events.loc[[103, 110], f"{name}_pt"] = pt
    message = rf"'{name}_pt', first bad row 3 \(2 bad rows in all\): pT {pt:g} GeV.*select_pt"
    for method in (pair.transform, pair.log_det_jacobian, PairMassTransformer(*PAIR).fit):
        with pytest.raises(ValueError, match=message):
            method(events)


def test_same_direction_names_the_row():
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    out = pair.transform(events)
    for table, method in ((events, pair.transform), (out, pair.inverse_transform)):
        table.loc[107, ["positron_eta", "positron_phi"]] = [1.0, 2.0]
        table.loc[107, ["electron_eta", "electron_phi"]] = [1.0, 2.0]
        with pytest.raises(ValueError, match=r"'positron_eta', first bad row 7 .* same direction"):
            method(table)


@pytest.mark.parametrize("column", [MASS, RATIO])
def test_draws_that_are_no_pair(column):
    events = pairs()
    pair = PairMassTransformer(*PAIR).fit(events)
    drawn = pair.transform(events)
    drawn.loc[104, column] = -0.5
    with pytest.raises(ValueError, match=rf"'{column}', first bad row 4 .*: -0\.5, .* LogTransf"):
        pair.inverse_transform(drawn)


def test_behind_cartesian_momenta():
    rng = np.random.default_rng(1)
    names = [f"{name}_{part}" for name in PAIR for part in ("px", "py", "pz")]
    events = pd.DataFrame(rng.normal(0, 30, (50, 6)), columns=names)
    cylindrical = CartesianToCylindrical().fit(events)
    out = PairMassTransformer(*PAIR).fit_transform(cylindrical.transform(events))
    electron, positron = (events[[f"{name}_{c}" for c in ("px", "py", "pz")]] for name in PAIR)
    p, q = (np.linalg.norm(side, axis=1) for side in (electron, positron))
    dot = (electron.to_numpy() * positron.to_numpy()).sum(axis=1)
    assert_allclose(out[MASS], np.sqrt(2 * (p * q - dot)), rtol=1e-9)

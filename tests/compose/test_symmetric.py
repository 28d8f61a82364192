"""SymmetricSimulator: draws and densities turn with the event, by rules that are written twice."""

import numpy as np
import pandas as pd
import pytest
from efficiency_toys import Smear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from symmetric_toys import (
    FLOW,
    Lopsided,
    assert_same_events,
    cartesian,
    cylindrical,
    frames,
    mixed,
    move,
    wrapped,
)

from skjetsim.compose import EfficiencySimulator, SymmetricSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import AngleEncoder, KinematicFeatures

TABLES = [cartesian, cylindrical, mixed]
MOVES = {
    "rotation": {"angle": 2.0},
    "reflection of z": {"along": True},
    "both": {"angle": -1.3, "along": True},
}
HANDED = {"reflection of y": {"across": True}, "all": {"angle": 0.7, "along": True, "across": True}}


# The symmetries.


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("how", [*MOVES, *HANDED])
def test_draws_turn_with_the_event(table, how):
    X, moves = table(), MOVES | HANDED
    second = "jet" if how in HANDED else None
    model = frames(SymmetricSimulator(Lopsided(), "muon", second_object=second).fit(X, X))
    drawn = model.sample(X, random_state=1)
    assert_same_events(
        model.sample(move(X, **moves[how]), random_state=1), move(drawn, **moves[how])
    )
    many = model.sample(X, n_samples=3, random_state=1)
    again = model.sample(move(X, **moves[how]), n_samples=3, random_state=1)
    for k in range(3):
        column = pd.DataFrame(many[:, k], columns=X.columns)
        assert_same_events(again[:, k], move(column, **moves[how]))
    assert_same_events(
        model.predict(move(X, **moves[how])),
        move(pd.DataFrame(model.predict(X), columns=X.columns), **moves[how]),
    )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("second", [None, "jet"])
def test_density_is_that_of_the_turned_event(table, second):
    X, y = table(seed=0), table(seed=0) + 0.01
    model = SymmetricSimulator(Lopsided(), "muon", second_object=second).fit(X, y)
    seen_X, seen_y, _ = model.simulator_.seen_
    density = model.simulator_.score_samples(seen_X, seen_y)
    assert_array_equal(model.score_samples(X, y), density)
    assert np.ptp(density) > 1
    for how in [*MOVES.values(), *(HANDED.values() if second else [])]:
        moved = model.score_samples(move(X, **how), move(y, **how))
        assert_allclose(moved, density, rtol=1e-9)


@pytest.mark.parametrize("table", TABLES)
def test_without_a_second_object_phi_is_not_reflected(table):
    X = table()
    model = frames(SymmetricSimulator(Lopsided(), "muon").fit(X, X))
    drawn = model.sample(X, random_state=1)
    mirrored = model.sample(move(X, across=True), random_state=1)
    with pytest.raises(AssertionError):
        assert_same_events(mirrored, move(drawn, across=True), atol=0.05)


@pytest.mark.parametrize("table", TABLES)
def test_the_simulator_inside_sees_all_images_as_one_event(table):
    X = table()
    model = SymmetricSimulator(Lopsided(), "muon", second_object="jet")
    seen, target, _ = model.fit(X, X).simulator_.seen_
    for how in HANDED.values():
        image = clone(model).fit(move(X, **how), X).simulator_.seen_[0]
        assert_same_events(image, seen)
    # Exactly along x: the scaling of a constant column would turn its rounding into noise.
    if "muon_phi" in X:
        assert (seen["muon_phi"] == 0).all()
    if "muon_py" in X:
        assert (seen["muon_py"] == 0).all()
        assert_allclose(seen["muon_px"], np.hypot(X["muon_px"], X["muon_py"]))
    if "muon_cos_phi" in X:
        assert (seen["muon_cos_phi"] == 1).all()
        assert (seen["muon_sin_phi"] == 0).all()
    assert (seen["muon_pz" if "muon_pz" in X else "muon_eta"] >= 0).all()
    assert (seen["jet_phi" if "jet_phi" in X else "jet_py"] > 0).all()
    for name in set(X) & {"n_tracks", "jet_mass", "jet_E", "met_pt", "jet_abs_eta"}:
        assert_array_equal(seen[name], X[name])
    assert_same_events(target, seen)  # y turns like X


def test_angles_come_back_inside_the_circle():
    X = cylindrical()
    drawn = frames(SymmetricSimulator(Lopsided(), "muon").fit(X, X)).sample(X, random_state=0)
    for name in ("muon_phi", "jet_phi", "met_phi"):
        assert (drawn[name] <= np.pi).all()
        assert (drawn[name] > -np.pi).all()
        assert np.abs(drawn[name]).max() > 3


def test_masses_and_relative_angles_are_those_that_were_drawn():
    X = cartesian()
    model = frames(SymmetricSimulator(Lopsided(), "muon", second_object="jet").fit(X, X))
    drawn = model.sample(X, random_state=1)
    inside = pd.DataFrame(
        model.simulator_.sample(model.simulator_.seen_[0], random_state=1), columns=X.columns
    )
    features = KinematicFeatures(
        ["mass(jet)", "mass(muon, jet)", "mt(muon, met)", "delta_r(muon, jet)"], passthrough=False
    )
    assert_allclose(features.fit_transform(drawn), features.fit_transform(inside), rtol=1e-9)


def test_names_as_the_transformers_make_them():
    """Cosine and sine of a difference of angles are not a vector."""
    features = make_pipeline(
        KinematicFeatures(["delta_phi(muon, jet)"]), AngleEncoder(["muon_jet_delta_phi"])
    )
    X = features.fit_transform(cylindrical())
    assert "muon_jet_delta_sin_phi" in X
    model = SymmetricSimulator(Lopsided(), "muon", second_object="jet").fit(X, X)
    seen = model.simulator_.seen_[0]
    assert_allclose(seen["muon_jet_delta_cos_phi"], np.cos(seen["jet_phi"]))
    assert_allclose(seen["muon_jet_delta_sin_phi"], -np.sin(seen["jet_phi"]))


def test_a_reference_without_a_side_is_not_reflected_along_the_beam():
    X = cylindrical()
    model = frames(SymmetricSimulator(Lopsided(), "met").fit(X, X))
    assert_array_equal(model.simulator_.seen_[0]["jet_eta"], X["jet_eta"])
    drawn = model.sample(X, random_state=1)
    assert_same_events(model.sample(move(X, 2.0), random_state=1), move(drawn, 2.0))


def test_rapidity_gives_the_side():
    X = mixed()
    seen = SymmetricSimulator(Lopsided(), "jet").fit(X, X).simulator_.seen_[0]
    assert_array_equal(seen["jet_rapidity"], X["jet_rapidity"].abs())
    assert_array_equal(seen["muon_eta"], X["muon_eta"] * np.sign(X["jet_rapidity"]))


def test_objects_without_a_prefix():
    X = cylindrical()[["muon_pt", "muon_eta", "muon_phi"]]
    X.columns = ["pt", "eta", "phi"]
    seen = SymmetricSimulator(Lopsided(), "").fit(X, X).simulator_.seen_[0]
    assert (seen["phi"] == 0).all()
    assert_array_equal(seen["eta"], X["eta"].abs())


def test_targets_need_no_object_of_the_condition():
    X = cylindrical()
    y = X[["met_pt", "met_phi"]].rename(columns=lambda name: name.replace("met", "recoil"))
    y["n_tracks"] = 3.0
    seen = SymmetricSimulator(Lopsided(), "muon").fit(X, y).simulator_.seen_[1]
    assert list(seen) == list(y)
    assert (seen["n_tracks"] == 3).all()
    assert_allclose(wrapped(seen["recoil_phi"] + X["muon_phi"] - y["recoil_phi"]), 0, atol=1e-9)


def test_flow_by_hand():
    X = cartesian()
    y = X * np.random.default_rng(1).normal(1, 0.05, X.shape)
    model = SymmetricSimulator(FlowSimulator(**FLOW), "muon").fit(X, y)
    phi = np.arctan2(X["muon_py"], X["muon_px"])
    side = np.sign(X["muon_pz"])

    def by_hand(table):
        out = table.copy()
        for obj in ("muon", "jet", "met"):
            x, y = table[f"{obj}_px"], table[f"{obj}_py"]
            out[f"{obj}_px"] = np.cos(phi) * x + np.sin(phi) * y
            out[f"{obj}_py"] = np.cos(phi) * y - np.sin(phi) * x
        return out.assign(muon_pz=side * table["muon_pz"], jet_pz=side * table["jet_pz"])

    into = by_hand(X).assign(muon_py=0.0)
    flow = FlowSimulator(**FLOW).fit(into, by_hand(y))
    assert_allclose(model.score_samples(X, y), flow.score_samples(into, by_hand(y)), atol=1e-4)
    turned = move(X, 1.0, along=True), move(y, 1.0, along=True)
    assert_allclose(model.score_samples(*turned), model.score_samples(X, y), atol=1e-4)
    assert model.score(X, y) == pytest.approx(model.score_samples(X, y).mean())
    drawn = frames(model).sample(X, random_state=1)
    assert_allclose(by_hand(drawn), flow.sample(into, random_state=1), rtol=1e-4, atol=1e-3)


# Absent objects.


def lost(n_events=300):
    """A quarter of the events is rejected, and half of all events have a jet."""
    X = cylindrical(n_events)
    X.loc[X.index % 2 == 0, [name for name in X if name.startswith("jet")]] = 0.0
    y = X.copy()
    y["accepted"] = (X.index % 4 != 3).astype(float)
    y[y["accepted"] == 0] = 0.0
    return X, y


def test_zeros_stay_zeros():
    X, y = lost()
    model = SymmetricSimulator(Lopsided(), "muon", second_object="jet").fit(
        X, y.drop(columns="accepted")
    )
    seen_X, seen_y, _ = model.simulator_.seen_
    absent = X.index % 2 == 0
    assert (seen_X.loc[absent, "jet_phi"] == 0).all()
    assert (seen_X.loc[~absent, "jet_phi"] > 0).all()
    # Without the second object, phi is not reflected.
    ahead = wrapped(X["met_phi"] - X["muon_phi"])
    assert_allclose(seen_X.loc[absent, "met_phi"], ahead[absent], atol=1e-9)
    rejected = (y == 0).all(axis=1)
    assert rejected.any()
    assert (seen_y[rejected] == 0).all(axis=None)


@pytest.mark.parametrize("table", [cartesian, cylindrical])
def test_efficiency_inside_is_symmetric_too(table):
    X = table()
    y = (X * np.random.default_rng(1).normal(1, 0.05, X.shape)).assign(accepted=1.0)
    y[X.index % 4 == 0] = 0.0
    inside = EfficiencySimulator(Smear(), random_state=0)
    model = frames(SymmetricSimulator(inside, "muon").fit(X, y))
    assert np.isfinite(model.score_samples(X, y)).all()
    X = table(seed=1)  # thresholds of the trees are values of the training events
    drawn = model.sample(X, random_state=1)
    assert set(drawn["accepted"]) == {0.0, 1.0}
    rejected = drawn[drawn["accepted"] == 0].to_numpy()
    assert (rejected == 0).all()
    assert not np.signbit(rejected).any()
    assert (drawn.loc[drawn["accepted"] == 1, X.columns] != 0).all(axis=None)
    moved = model.sample(move(X, 1.0, along=True), random_state=1)
    assert_same_events(moved, move(drawn, 1.0, along=True) * drawn[["accepted"]].to_numpy())


def test_inside_an_efficiency():
    X, y = lost(1200)
    response = SymmetricSimulator(Smear(), "muon")
    model = EfficiencySimulator(response, objects=["jet"], random_state=0).fit(X, y)
    seen = model.simulators_["without jet"].simulator_.seen_[0]
    assert (seen["muon_phi"] == 0).all()
    assert (seen["jet_phi"] == 0).all()
    assert model.sample(X, random_state=0).shape == y.shape

"""Values that a network cannot hold are refused and do not become NaN. Degrees are refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skjetsim.flows import (
    FlowGenerator,
    FlowMatchingGenerator,
    FlowMatchingSimulator,
    FlowSimulator,
    InvertibleUnfolder,
)

SHORT = {"hidden_features": (8,), "max_epochs": 1, "random_state": 0}
TINY = SHORT | {"n_transforms": 2}


@pytest.fixture(scope="module")
def events():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["pt", "eta"])


def with_value(events, value):
    changed = events.copy()
    changed.loc[7, "eta"] = value
    return changed


@pytest.mark.parametrize("value", [1e300, -1e200])
def test_fit_refuses_overflow(events, value):
    with pytest.raises(ValueError, match=r"X column 'eta', row 7: .* too large.* unit"):
        FlowGenerator(**TINY).fit(with_value(events, value))
    with pytest.raises(ValueError, match=r"y column 'eta', row 7: .* too large.* unit"):
        FlowSimulator(**TINY).fit(events, with_value(events, value))


def test_fit_names_the_unit_of_columns_of_any_scale(events):
    with pytest.raises(ValueError, match=r"X column 'pt', row 0: 1.*e\+299 is too large .* unit"):
        FlowGenerator(**TINY).fit(1e300 * events.abs())
    small = 1e-200 * events
    with pytest.raises(ValueError, match=r"X column 'pt' varies by 9.*e-201 about .* too little"):
        FlowGenerator(**TINY).fit(small)
    for cls in (FlowSimulator, InvertibleUnfolder):
        with pytest.raises(ValueError, match=r"y column 'pt' .* Change the column's unit"):
            cls(**TINY).fit(events, small)
        with pytest.raises(ValueError, match=r"X column 'pt' .* Change the column's unit"):
            cls(**TINY).fit(small, events)


def test_columns_that_vary_by_rounding_are_refused(events):
    """Such a scale is noise. When it was used, masses of 0.1057 were drawn as 0.1 to 1."""
    rng = np.random.default_rng(0)
    noise = np.spacing(0.1057) * rng.integers(-3, 4, len(events))
    muons = events.assign(mass=0.1057 + noise)
    with pytest.raises(ValueError, match=r"X column 'mass' varies by .* rounding .* constant"):
        FlowGenerator(**TINY).fit(muons)
    with pytest.raises(ValueError, match=r"y column 'mass' varies by"):
        FlowSimulator(**TINY).partial_fit(events, muons)
    weight = np.ones(len(events))
    FlowGenerator(**TINY).fit(events.assign(mass=0.1057), sample_weight=weight)
    fine = events.assign(mass=0.1057 + 2e3 * np.spacing(0.1057) * rng.normal(size=len(events)))
    drawn = FlowGenerator(**TINY).fit(fine).sample(500, random_state=0)[:, 2]
    assert np.abs(drawn - 0.1057).max() < 1e5 * np.spacing(0.1057)
    # A batch of a stream may vary less.
    FlowGenerator(**TINY).partial_fit(fine).partial_fit(muons)


def test_fitted_flows_refuse_values_too_far_from_the_fit(events):
    far = with_value(events, 1e20)
    generator = FlowGenerator(**TINY).fit(events)
    for method in (generator.score_samples, generator.transform):
        with pytest.raises(ValueError, match=r"X column 'eta', row 7"):
            method(far)
    simulator = FlowSimulator(**TINY).fit(events, events)
    with pytest.raises(ValueError, match=r"X column 'eta', row 7"):
        simulator.sample(far)
    with pytest.raises(ValueError, match=r"y column 'eta', row 7"):
        simulator.score_samples(events, far)


def test_outliers_within_reach_stay_finite(events):
    simulator = FlowSimulator(**TINY).fit(events, events)
    far = with_value(events, 1e6)
    assert np.isfinite(simulator.sample(far, random_state=0)).all()
    assert np.isfinite(simulator.score_samples(events, far)).all()


def test_unknown_device_is_named(events):
    with pytest.raises(ValueError, match="device='gpu'"):
        FlowGenerator(device="gpu", **TINY).fit(events)


# Angles.

FLOWS = [FlowGenerator(**TINY), FlowMatchingGenerator(**SHORT)]
SIMULATORS = [FlowSimulator(**TINY), FlowMatchingSimulator(**SHORT)]


def class_name(estimator):
    return type(estimator).__name__


def turned(events, largest=np.pi):
    phi = np.random.default_rng(1).uniform(-largest, largest, len(events))
    phi[:5] = 0.0
    return events.assign(jet_phi=phi)


REFUSED = r"column 'jet_phi', row 5: .* radians.* np\.deg2rad.* name"


@pytest.mark.parametrize("flow", FLOWS, ids=class_name)
def test_degrees_are_refused(flow, events):
    with pytest.raises(ValueError, match=f"X {REFUSED}"):
        clone(flow).fit(turned(events, 180.0))


@pytest.mark.parametrize("simulator", SIMULATORS, ids=class_name)
def test_degrees_are_refused_on_both_sides(simulator, events):
    degrees, radians = turned(events, 180.0), turned(events)
    for X, y, side in ((degrees, radians, "X"), (radians, degrees, "y")):
        with pytest.raises(ValueError, match=f"{side} {REFUSED}"):
            clone(simulator).fit(X, y)
        stream = clone(simulator).partial_fit(radians, radians)
        with pytest.raises(ValueError, match=f"{side} {REFUSED}"):
            stream.partial_fit(X, y)


def test_a_momentum_is_not_an_angle(events):
    pt = pd.DataFrame({"pt": np.random.default_rng(0).uniform(20, 270, 200)})
    for bijection in ("circular", {"pt": "circular"}):
        with pytest.raises(ValueError, match=r"column 'pt', row 0: .* bijection"):
            FlowGenerator(bijection=bijection, **TINY).fit(pt)
        with pytest.raises(ValueError, match=r"y column 'pt', row 0: .* bijection"):
            FlowSimulator(bijection=bijection, **TINY).fit(pt, pt)


def test_a_column_that_is_not_an_angle_may_have_any_value(events):
    degrees = turned(events, 180.0)
    FlowGenerator(bijection={"jet_phi": "rqs"}, **TINY).fit(degrees)
    FlowGenerator(bijection="planar", **TINY).fit(degrees)
    FlowSimulator(**TINY).fit(degrees.rename(columns={"jet_phi": "jet_degrees"}), events)


def test_an_angle_may_be_a_whole_turn(events):
    """This includes a turn in single precision, which is a little larger."""
    turn = np.float32(2 * np.pi)
    table = turned(events).assign(jet_phi=lambda table: np.abs(table.jet_phi))
    table.loc[3, "jet_phi"] = turn
    drawn = FlowGenerator(**TINY).fit(table).sample(100)[:, 2]
    assert np.abs(drawn).max() <= np.pi
    FlowSimulator(**TINY).fit(table, table)

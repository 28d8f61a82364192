"""Values that single precision cannot hold are refused, not turned into NaN."""

import numpy as np
import pandas as pd
import pytest

from skjetsim.flows import FlowGenerator, FlowSimulator

TINY = {"n_transforms": 2, "hidden_features": (8,), "max_epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def events():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["pt", "eta"])


def with_value(events, value):
    changed = events.copy()
    changed.loc[7, "eta"] = value
    return changed


@pytest.mark.parametrize("value", [1e300, -1e200])
def test_fit_refuses_overflow(events, value):
    with pytest.raises(ValueError, match=r"X column 'eta', row 7"):
        FlowGenerator(**TINY).fit(with_value(events, value))
    with pytest.raises(ValueError, match=r"y column 'eta', row 7"):
        FlowSimulator(**TINY).fit(events, with_value(events, value))


def test_fitted_flows_refuse_what_lies_too_far(events):
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

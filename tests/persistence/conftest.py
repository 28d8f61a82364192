"""A small model, and a path for its file."""

import pytest
from _instances import SMALL, paired_events

from skjetsim.flows import FlowGenerator


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skjetsim"


@pytest.fixture(scope="module")
def model():
    return FlowGenerator(**SMALL | {"hidden_features": (16,)}).fit(paired_events()[1])

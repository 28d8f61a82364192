"""Estimators that the tests of the contract run over."""

import pytest
from _instances import (
    generators,
    label,
    pipelines,
    residual_simulators,
    simulators,
)

ALL_SIMULATORS = [*simulators(), *residual_simulators()]
EVERYTHING = [*generators(), *ALL_SIMULATORS, *pipelines()]
every_estimator = pytest.mark.parametrize("estimator", EVERYTHING, ids=label)
every_simulator = pytest.mark.parametrize("estimator", ALL_SIMULATORS, ids=label)
every_generator = pytest.mark.parametrize("estimator", generators(), ids=label)
ours = pytest.mark.parametrize("estimator", [*generators(), *ALL_SIMULATORS], ids=label)

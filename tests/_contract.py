"""Estimators that the tests of the contract run over."""

import pytest
from _instances import (
    generators,
    label,
    pipelines,
    residual_simulators,
    simulators,
)

from skjetsim.transport import OTUSSimulator

ALL_SIMULATORS = [*simulators(), *residual_simulators()]
EVERYTHING = [*generators(), *ALL_SIMULATORS, *pipelines()]
every_estimator = pytest.mark.parametrize("estimator", EVERYTHING, ids=label)
every_simulator = pytest.mark.parametrize("estimator", ALL_SIMULATORS, ids=label)
every_generator = pytest.mark.parametrize("estimator", generators(), ids=label)
ours = pytest.mark.parametrize("estimator", [*generators(), *ALL_SIMULATORS], ids=label)

# Why a model of unpaired events is no other simulator.
NO_ROWS = "unpaired: row i of X and y is not the same event, and either may be longer"
NO_DENSITY = "a decoder draws, and has no density"
NOTHING_TO_MOVE = "unpaired: a level that never varies says nothing of the other, and is an error"
DRAWN_BY_WEIGHT = "unpaired: rows are drawn by weight, in batches of the smaller level at most"


def but_for_unpaired(estimators, reason):
    """Parametrise by estimators, of which those that learn unpaired events fail."""
    mark = pytest.mark.xfail(reason=reason)
    chosen = [
        pytest.param(estimator, marks=mark if isinstance(estimator, OTUSSimulator) else ())
        for estimator in estimators
    ]
    return pytest.mark.parametrize("estimator", chosen, ids=label)

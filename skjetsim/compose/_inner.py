"""What meta-estimators ask of, and do with, the estimator inside."""

from __future__ import annotations

import re
from contextlib import contextmanager

from sklearn import get_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skjetsim.base import is_simulator, is_unfolder
from skjetsim.base._tags import innermost

__all__ = [
    "check_simulator",
    "fit_simulator",
    "inner_has",
    "is_fitted",
    "learns_from_pairs",
    "numbered_checkpoints",
    "rows_of",
    "weight_name",
]


def check_simulator(simulator):
    """Raise TypeError unless a parameter is a simulator."""
    if isinstance(simulator, type) or not hasattr(simulator, "fit"):
        raise TypeError(f"simulator must be a simulator, got {simulator!r}.")
    if not is_simulator(simulator):
        cure = " Take the simulator inside it, and put Unfolder around the whole."
        raise TypeError(
            f"simulator must be a simulator, got {simulator!r}, which would not learn y given X."
            + (cure if is_unfolder(simulator) else "")
        )


def inner_has(method):
    """Condition of `available_if`: the simulator inside, fitted or not, has the method."""

    def check(self):
        return hasattr(getattr(self, "simulator_", self.simulator), method)

    return check


def learns_from_pairs(estimator):
    """Whether row i of X and y have to be the same event, as for all but unpaired models."""
    return getattr(innermost(estimator), "_learns_from_pairs", True)


def fit_simulator(estimator, X, y, weight, **fit_params):
    """Fit the clone in its place, so that what it had learnt by Ctrl-C can be used."""
    estimator.simulator_ = clone(estimator.simulator)
    weights = {} if weight is None else {weight_name(estimator.simulator_): weight}
    try:
        estimator.simulator_.fit(X, y, **weights, **fit_params)
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt) or not is_fitted(estimator.simulator_):
            del estimator.simulator_
        raise


def is_fitted(estimator):
    """Whether an estimator can be used: also one whose fit was interrupted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def numbered_checkpoints(simulator, number):
    """Parameters that give one of several clones checkpoints of its own; empty without any."""
    return {
        name: f"{value}.{number}"
        for name, value in simulator.get_params(deep=True).items()
        if name.split("__")[-1] == "checkpoint" and value is not None
    }


@contextmanager
def rows_of(at):
    """Give the rows in the errors of an estimator that sees the rows `at` alone as the user's."""

    def numbered(found):
        word, row = found[1], int(found[2])
        return f"{word} {at[row]}" if row < len(at) else found[0]

    try:
        yield
    except ValueError as error:
        raise type(error)(re.sub(r"\b([Rr]ow) (\d+)\b", numbered, str(error))) from error


def weight_name(estimator):
    """Keyword by which `fit` hands weights to the simulator inside a Pipeline."""
    prefix = ""
    while not get_config()["enable_metadata_routing"]:
        if isinstance(estimator, Pipeline):
            name, estimator = estimator.steps[-1]
            prefix += f"{name}__"
        elif hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
            estimator = estimator.estimator
        else:
            break
    return f"{prefix}sample_weight"

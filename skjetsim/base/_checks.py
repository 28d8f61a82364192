"""Checks of what `fit` is given: events or pairs of events, and their weights."""

import numpy as np

from skjetsim.base._hints import give_hints
from skjetsim.base._tags import is_unfolder
from skjetsim.utils._angle_checks import check_turns
from skjetsim.utils._ranges import remember_ranges
from skjetsim.utils._tables import given_names
from skjetsim.utils._validation import (
    check_same_events,
    check_sample_weight,
    validate_events,
    validate_target,
)


def read_events(estimator, X, y, sample_weight, *, reset=True, min_samples=1, paired=True):
    """Checked X, y and weights, with all their rows; X and y are equally long if `paired`."""
    if paired or sample_weight is not None:
        check_same_events(X, y, sample_weight)
    X = validate_events(estimator, X, reset=reset, min_samples=min_samples)
    y = validate_target(estimator, y, n_samples=len(X) if paired else None, reset=reset)
    weight = check_sample_weight(sample_weight, len(X))
    _take_note(estimator, weight, X, y, reset=reset)
    return X, y, weight


def _take_note(estimator, weight, X, y=None, *, reset):
    """Refuse degrees, warn of likely mistakes, and remember the ranges of the columns."""
    names = {"X": getattr(estimator, "feature_names_in_", None)}
    rows = {"X": _that_count(X, weight)}
    if y is not None:
        names["y"] = given_names(estimator.target_names_in_)
        rows["y"] = _that_count(y, weight)
    if reset:
        for side in rows:
            check_turns(rows[side], names[side], side, every=True, estimator=estimator)
        give_hints(estimator, rows["X"], rows.get("y"), names["X"], names.get("y"))
    drawn = "X" if y is None or is_unfolder(estimator) else "y"
    sides = {side: (rows[side], names[side], reset) for side in rows}
    remember_ranges(estimator, drawn=drawn, **sides)


def _that_count(rows, weight):
    """Rows without those of weight zero; all rows of the side that the weights do not belong to."""
    return rows if weight is None or len(weight) != len(rows) else rows[weight > 0]


def used_events(estimator, weight):
    """Rows of the events that have a weight; raise ValueError if they are fewer than two."""
    used = np.flatnonzero(weight > 0)
    if len(used) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs two events of positive weight, got n_samples = "
            f"{len(used)}."
        )
    return used


def weighted_events(estimator, weight, *tables):
    """Weights and tables without the events of weight zero; None if all weights are equal."""
    if weight is None:
        return weight, *tables
    used = used_events(estimator, weight)
    weight, *tables = (array[used] for array in (weight, *tables))
    return None if (weight == weight[0]).all() else weight, *tables


def check_sample(estimator, X, sample_weight=None, *, reset):
    """Validate the events that p(X) is learnt from, and leave out those of weight zero.

    Parameters
    ----------
    estimator : estimator
        Its `n_features_in_`, `feature_names_in_` and `input_shape_` are set if `reset`. If not, X
        is compared with them.
    X : array-like of shape (n_samples, n_features)
    sample_weight : array-like of shape (n_samples,), optional
    reset : bool
        True in `fit`, False in a later `partial_fit`.

    Returns
    -------
    X : ndarray of float64
    weight : ndarray or None
        None if all weights are equal.

    Raises
    ------
    ValueError
        On NaN or infinity (naming column and row), negative weights, or fewer than two events of
        positive weight.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from skjetsim.base import check_sample
    >>> estimator = BaseEstimator()
    >>> X, weight = check_sample(estimator, [[80.0], [91.0], [100.0]], [1, 1, 0], reset=True)
    >>> X.ravel(), weight, estimator.n_features_in_
    (array([80., 91.]), None, 1)
    """
    check_same_events(X, None, sample_weight)
    X = validate_events(estimator, X, reset=reset, min_samples=2)
    weight = check_sample_weight(sample_weight, len(X))
    _take_note(estimator, weight, X, reset=reset)
    weight, X = weighted_events(estimator, weight, X)
    return X, weight


def check_pairs(estimator, X, y, sample_weight=None, *, reset):
    """Validate the pairs that p(y given X) is learnt from, and leave out those of weight zero.

    Parameters
    ----------
    estimator : estimator
        Its `n_features_in_`, `feature_names_in_`, `input_shape_`, `n_targets_`, `target_names_in_`
        and `target_shape_` are set if `reset`. If not, X and y are compared with them.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples, n_targets) or (n_samples,)
        Row i of both is the same event.
    sample_weight : array-like of shape (n_samples,), optional
    reset : bool
        True in `fit`, False in a later `partial_fit`.

    Returns
    -------
    X, y : ndarray of float64
    weight : ndarray or None
        None if all weights are equal.

    Raises
    ------
    ValueError
        On NaN or infinity (naming column and row), different lengths or indices of X and y,
        negative weights, or fewer than two events of positive weight.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from skjetsim.base import check_pairs
    >>> estimator = BaseEstimator()
    >>> X, y, weight = check_pairs(estimator, [[50.0], [70.0]], [[48.0], [71.0]], reset=True)
    >>> y.ravel(), list(estimator.target_names_in_)
    (array([48., 71.]), ['y0'])
    """
    X, y, weight = read_events(estimator, X, y, sample_weight, reset=reset, min_samples=2)
    weight, X, y = weighted_events(estimator, weight, X, y)
    return X, y, weight

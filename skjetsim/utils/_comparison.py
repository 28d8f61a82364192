"""Checks of the input of metrics, and the units and averages that metrics share."""

from dataclasses import dataclass

import numpy as np

from skjetsim.utils._angle_checks import hint_azimuths
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._circle import angle_columns, circular_std
from skjetsim.utils._containers import refuse_masked
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import (
    check_events,
    check_option,
    check_same_events,
    check_sample_weight,
)
from skjetsim.utils._warnings import gives_hints

MULTIOUTPUTS = ("raw_values", "uniform_average", "max")


@dataclass
class Pair:
    """Two validated samples over the same columns."""

    truth: np.ndarray
    generated: np.ndarray
    weight: np.ndarray | None
    generated_weight: np.ndarray | None
    names: list | None

    @property
    def n_columns(self):
        """Number of features."""
        return self.truth.shape[1]

    @property
    def circular(self):
        """Which features are angles, by their names."""
        return angle_columns(self.names, self.n_columns)

    def columns(self):
        """Yield (truth, generated, weight, generated_weight) of each column."""
        for truth, generated in zip(self.truth.T, self.generated.T, strict=True):
            yield truth, generated, self.weight, self.generated_weight

    def label(self, column):
        """Name of a column as messages print it."""
        return repr(self.names[column]) if self.names is not None else str(column)


def rng_from(random_state):
    """Private Generator from None, an int, a Generator or a RandomState."""
    return np.random.default_rng(as_seed_sequence(random_state))


def check_table(X, *, what, min_samples=1):
    """Events as (float64 rows, names); one-dimensional input is one column."""
    return check_events(X, what=what, min_samples=min_samples, allow_1d=np.ndim(X) == 1)


def same_columns(names, other_names, n_columns, other_n_columns, *, what, other):
    """Return the common column names, or raise naming the first column that differs."""
    if n_columns != other_n_columns:
        raise ValueError(
            f"{other} has {other_n_columns} columns, but {what} has {n_columns}: a metric "
            "compares the same columns of both."
        )
    if names is None or other_names is None:
        return names if names is not None else other_names
    for position, (name, other_name) in enumerate(zip(names, other_names, strict=True)):
        if name != other_name:
            hint = ""
            if sorted(names) == sorted(other_names):
                hint = f" The names agree in another order: pass {other}[{what}.columns]."
            raise ValueError(
                f"column {position} is {name!r} in {what} but {other_name!r} in {other}.{hint}"
            )
    return names


def check_weight(weight, n_rows, name, *, allow_negative=False):
    """Validate weights, called `name` in messages; negative ones must have a positive sum."""
    try:
        weight = check_sample_weight(weight, n_rows, allow_negative=allow_negative)
    except ValueError as error:
        raise ValueError(str(error).replace("sample_weight", name)) from None
    if weight is not None and weight.sum() <= 0:
        raise ValueError(f"{name} sums to {weight.sum():g}: there is no positive yield to compare.")
    return weight


def check_pair(
    truth,
    generated,
    sample_weight=None,
    generated_weight=None,
    *,
    min_samples=1,
    allow_negative=False,
):
    """Validate the arguments that every `metric(truth, generated)` has.

    Parameters
    ----------
    truth, generated : array-like of shape (n, n_features)
        Arrays of more dimensions are flattened to rows. 1-D input is one column.
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated.
    min_samples : int
        Fewer rows than this, on either side, are an error.
    allow_negative : bool
        Whether negative weights have a meaning in the metric.

    Returns
    -------
    Pair
    """
    a, names = check_table(truth, what="truth", min_samples=min_samples)
    b, other_names = check_table(generated, what="generated", min_samples=min_samples)
    names = same_columns(
        names, other_names, a.shape[1], b.shape[1], what="truth", other="generated"
    )
    _hint(a, names, "truth")
    check_same_events(truth, None, sample_weight, names=("truth", ""))
    check_same_events(
        generated, generated_weight, names=("generated", "generated_weight"), drawn=True
    )
    return Pair(
        a,
        b,
        check_weight(sample_weight, len(a), "sample_weight", allow_negative=allow_negative),
        check_weight(generated_weight, len(b), "generated_weight", allow_negative=allow_negative),
        names,
    )


def _hint(array, names, what):
    """Warn of angles that are not read as angles. Without names there are none."""
    if names is not None and gives_hints():
        hint_azimuths(array, names, what)


def check_theory(X, pair, truth, generated):
    """Theory-level events of a pair of samples, row by row, as (float64 rows, names).

    `truth` and `generated` are the tables that were given, whose indices are compared.
    """
    theory, names = check_table(X, what="X")
    if not len(theory) == len(pair.truth) == len(pair.generated):
        raise ValueError(
            f"X has {len(theory)} events, truth {len(pair.truth)} and generated "
            f"{len(pair.generated)}: row i of all three must be the same event."
        )
    check_same_events(X, truth, names=("X", "truth"))
    check_same_events(X, generated, names=("X", "generated"), drawn=True)
    return theory, names


def check_ensemble(truth, generated, *, min_draws=1, what="truth", other="generated"):
    """Validate several draws for each event, and the truth.

    Parameters
    ----------
    truth : array-like of shape (n, ...)
    generated : array-like of shape (n, n_draws, ...)
        With a single feature also (n, n_draws).
    what, other : str
        How messages call them.

    Returns
    -------
    truth : ndarray of shape (n, d)
    draws : ndarray of shape (n, n_draws, d)
    names : list of str or None
    """
    check_same_events(truth, generated, names=(what, other), drawn=True)
    a, names = check_table(truth, what=what)
    _hint(a, names, what)
    draws = np.asarray(refuse_masked(generated, other), dtype=np.float64)
    if draws.ndim == 2 and a.shape[1] == 1:
        draws = draws[:, :, None]
    if draws.ndim < 3:
        raise ValueError(
            f"{other} must hold several draws for each event, shape (n, n_draws, {a.shape[1]}), "
            f"got shape {draws.shape}. Draw them with n_samples=k."
        )
    draws = draws.reshape(*draws.shape[:2], -1)
    if len(draws) != len(a):
        raise ValueError(
            f"{what} has {len(a)} events but {other} has draws for {len(draws)}: row i of both "
            "must be the same event."
        )
    if draws.shape[1] < min_draws:
        raise ValueError(
            f"{other} has {draws.shape[1]} draws per event, but at least {min_draws} are needed."
        )
    same_columns(names, None, a.shape[1], draws.shape[2], what=what, other=other)
    check_table(draws.reshape(-1, draws.shape[2]), what=other)
    return a, draws, names


def check_scale(scale, array, weight, circular):
    """Return the unit of each column: ones, or the truth's standard deviations."""
    check_option(scale, "scale", (None, "std"))
    if scale is None:
        return np.ones(array.shape[1])
    return circular_std(array, circular, weight)


def aggregate(values, multioutput):
    """One value for each feature, or their average or maximum as a float."""
    if multioutput == "uniform_average":
        return float(np.mean(values))
    if multioutput == "max":
        return float(np.max(values))
    return values


def shared_columns(names_X, names_y, n_X, n_y):
    """Positions in X and in y of the columns that both have, in the order of y.

    Columns are matched by name; without names, by position if the widths agree.
    """
    if names_X is not None and names_y is not None:
        at = {name: i for i, name in enumerate(names_X)}
        columns = [i for i, name in enumerate(names_y) if name in at]
        return [at[names_y[i]] for i in columns], columns
    same = list(range(n_y)) if n_X == n_y else []
    return same, same


def shared_differences(X, y, names_X, names_y, *, angles=None):
    """Return y - X for the columns that both have (`shared_columns`), with phi wrapped.

    Returns
    -------
    differences : ndarray of shape (n, n_shared)
    columns : list of int
        Positions in y.
    """
    partners, columns = shared_columns(names_X, names_y, X.shape[1], y.shape[1])
    difference = y[:, columns] - X[:, partners]
    names = names_y if names_y is not None else names_X
    for k, column in enumerate(columns):
        by_name = names is not None and is_angle(names[column])
        if by_name if angles is None else column in angles:
            difference[:, k] = wrap_phi(difference[:, k])
    return difference, columns

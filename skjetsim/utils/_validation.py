"""Checks of users' input: each error names the column, the first bad row and the cure."""

import numbers
import sys

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skjetsim.utils._angle_checks import check_turns
from skjetsim.utils._containers import is_polars, read_container
from skjetsim.utils._dtypes import keep_dtypes
from skjetsim.utils._numbers import as_array, check_numbers, check_real
from skjetsim.utils._ranges import warn_outside


def column_names(X):
    """Column names of a table, or None if it has none (arrays, or non-string columns).

    Parameters
    ----------
    X : array-like, or any container that `read_container` reads

    Returns
    -------
    list of str or None
    """
    if not isinstance(X, pd.DataFrame) and not is_polars(X):
        X = read_container(X)
    if isinstance(X, pd.Series):
        return [X.name] if isinstance(X.name, str) else None
    names = list(getattr(X, "columns", [None]))
    return names if all(isinstance(name, str) for name in names) else None


def counted(number, noun):
    """A number and its noun, in the plural unless it is one: "1 bad row", "2 bad rows"."""
    return f"{int(number)} {noun}{'' if number == 1 else 's'}"


def first_duplicate(names):
    """Return the first name that occurs a second time, or None."""
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def first_difference(names, others):
    """Return the first position at which two sequences differ, or None."""
    pairs = enumerate(zip(names, others, strict=False))
    return next((position for position, (one, other) in pairs if one != other), None)


def _different_names(X, what):
    """Column names of a table, or raise if two columns have the same."""
    names = column_names(X)
    if names is not None and (twice := first_duplicate(names)) is not None:
        raise ValueError(f"{what} has two columns named {twice!r}; rename one of them.")
    return names


def all_finite(array):
    """Whether an array has neither NaN nor infinity."""
    # Unless it overflows, the sum of finite doubles is finite: clean data take one pass.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum(dtype=np.float64)):
            return True
    return bool(np.isfinite(array).all())


def check_finite(array, names=None, *, what="X"):
    """Raise ValueError naming the column and the first row that hold NaN or infinity.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_columns)
    names : list of str, optional
        Column names; without names, positions are named.
    what : str
        How the array is called in the message.
    """
    if all_finite(array):
        return
    bad = ~np.isfinite(array)
    column = int(np.flatnonzero(bad.any(axis=0))[0])
    row = int(np.flatnonzero(bad[:, column])[0])
    kind = "NaN" if np.isnan(array[row, column]) else "infinity (inf)"
    label = repr(names[column]) if names is not None else str(column)
    raise ValueError(
        f"Input {what} contains {kind} in column {label}, first bad row {row} "
        f"({counted(bad.any(axis=1).sum(), 'bad row')} in all). Select or repair these events "
        "before passing them on; nothing is dropped or imputed for you."
    )


def flatten_rows(X):
    """Clouds and images (n, ...) as rows (n, features); tables stay as they are."""
    return X.reshape(len(X), -1) if isinstance(X, np.ndarray) and X.ndim > 2 else X


def check_events(X, *, what="X", min_samples=1, allow_1d=False, estimator=None):
    """Validate a table of events; no estimator remembers its columns.

    Parameters
    ----------
    X : array-like or table of shape (n_samples, n_columns)
        Rows are events. 3-D and 4-D arrays are flattened to rows. Tables of all kinds are read by
        name (`read_container`).
    what : str
        How X is called in messages.
    min_samples : int
        Fewer rows than this are an error.
    allow_1d : bool
        Whether a 1-D array is taken as one column.
    estimator : estimator, optional
        Named in scikit-learn's messages.

    Returns
    -------
    array : ndarray of float64, shape (n_samples, n_columns)
    names : list of str or None

    Raises
    ------
    ValueError
        On NaN, infinity, masked elements, text, angles in degrees, too few rows or a wrong number
        of dimensions.
    """
    X = read_container(X, what)
    names = _different_names(X, what)
    if min_samples > 0 and hasattr(X, "__len__") and len(X) == 0:
        raise ValueError(
            f"{what} is empty: it has 0 sample(s) and at least {min_samples} are required."
        )
    check_numbers(X, what)
    X = flatten_rows(X)
    array = check_array(
        X,
        dtype=np.float64,
        ensure_2d=not allow_1d,
        ensure_all_finite=False,
        ensure_min_samples=min_samples,
        input_name=what,
        estimator=estimator,
    )
    if array.ndim == 1:
        array = array[:, None]
    check_finite(array, names, what=what)
    check_turns(array, names, what, estimator=estimator)
    return array, names


def validate_events(estimator, X, *, reset, min_samples=1):
    """Validate X for `estimator` and remember, or compare with, its width and names.

    Sets `n_features_in_`, `feature_names_in_` and `input_shape_` when `reset`.

    Parameters
    ----------
    estimator : estimator
    X : array-like or table
        Rows are events. Arrays of more than two dimensions are flattened to rows, and tables of all
        kinds are read by name (`read_container`).
    reset : bool
        True in `fit`, False afterwards.
    min_samples : int
        Fewer rows than this are an error.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_features_in_)
    """
    if not reset and (rows := _clean_rows(estimator, X, min_samples)) is not None:
        return rows
    container, X = X, read_container(X)
    if not reset and X is not container:
        return validate_events(estimator, X, reset=reset, min_samples=min_samples)
    names = _different_names(X, "X")
    check_numbers(X, "X")
    row_shape = np.shape(X)[1:] if isinstance(X, np.ndarray) else None
    if not reset and row_shape is not None:
        _check_row_shape(estimator, row_shape, estimator.input_shape_, "X")
    array = validate_data(
        estimator,
        flatten_rows(X),
        reset=reset,
        dtype=np.float64,
        ensure_all_finite=False,
        ensure_min_samples=min_samples,
    )
    check_finite(array, names)
    check_turns(array, names, "X", estimator=estimator)
    if not reset:
        warn_outside(estimator, array, "X", names)
    else:
        many = row_shape is not None and len(row_shape) > 1
        estimator.input_shape_ = tuple(row_shape) if many else (array.shape[1],)
        keep_dtypes(estimator, "input_dtypes_", X)
    return array


def _clean_rows(estimator, X, min_samples):
    """Rows of a table that is just like the fitted one, without slower checks; else None."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        rows = X if type(X) is np.ndarray else None
    elif type(X) is pd.DataFrame and X.columns.tolist() == names.tolist():
        rows = X.to_numpy()
    else:
        return None
    if rows is None or rows.dtype != np.float64 or rows.ndim != 2:
        return None
    if len(rows) < min_samples or rows.shape[1] != estimator.n_features_in_:
        return None
    check_finite(rows, names)
    check_turns(rows, names, "X", estimator=estimator)
    warn_outside(estimator, rows, "X", names)
    return rows


def _check_row_shape(estimator, row_shape, expected, what):
    """Raise ValueError unless rows have the shape of the fit, or are flat."""
    if len(row_shape) > 1 and row_shape != expected:
        raise ValueError(
            f"{what} has rows of shape {row_shape}, but {type(estimator).__name__} was fitted with "
            f"rows of shape {expected}."
        )


def check_sample_weight(sample_weight, n_samples, *, allow_negative=False):
    """Validate event weights.

    Parameters
    ----------
    sample_weight : None, float or array-like of shape (n_samples,)
    n_samples : int
    allow_negative : bool
        Whether negative Monte Carlo weights are meaningful to the caller.

    Returns
    -------
    ndarray of float64, shape (n_samples,), or None

    Raises
    ------
    ValueError
        On a wrong length, NaN, negative weights if they are not allowed, or weights that are all
        zero.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Number):
        sample_weight = np.full(n_samples, float(sample_weight))
    sample_weight = read_container(sample_weight, "sample_weight")
    rows = sample_weight if isinstance(sample_weight, pd.Series) else as_array(sample_weight)
    if rows.ndim == 1:
        check_real(pd.Series(rows), "sample_weight")
    weight = check_array(
        sample_weight,
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite=False,
        input_name="sample_weight",
    )
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}, but there are {n_samples} events: "
            f"expected ({n_samples},)."
        )
    check_finite(weight[:, None], ["sample_weight"], what="sample_weight")
    if not allow_negative and (weight < 0).any():
        row = int(np.flatnonzero(weight < 0)[0])
        raise ValueError(
            f"sample_weight is negative in row {row} ({weight[row]:g}; "
            f"{int((weight < 0).sum())} in all), and this method has no meaning for negative "
            "weights. The response p(y given X) of a detector does not need the weights of the "
            "generator: leave them out. For p(X), reweight to positive weights first (cell "
            "resampling, or a classifier reweighter); they are not clipped for you."
        )
    if not weight.any():
        raise ValueError("sample_weight is zero for every event: there is nothing to learn from.")
    return weight


def check_int(value, name, *, minimum=1):
    """Return `value` as an int, or raise naming the parameter."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {_brief(value)}.")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}.")
    return int(value)


def check_n_jobs(n_jobs):
    """Return a number of workers, or raise unless joblib takes it."""
    if n_jobs is not None and check_int(n_jobs, "n_jobs", minimum=-sys.maxsize) == 0:
        raise ValueError("n_jobs must not be 0: 1 is one worker, -1 is one for each core.")
    return n_jobs


def check_option(value, name, options):
    """Raise ValueError unless `value` is one of `options`."""
    if not any(value is option or value == option for option in options):
        raise ValueError(f"{name} must be one of {list(options)}, got {value!r}.")


def _brief(value):
    """Value as a message prints it; of a table, only its type and shape."""
    if hasattr(value, "shape"):
        return f"a {type(value).__name__} of shape {value.shape}"
    text = repr(value)
    return text if len(text) < 80 else f"a {type(value).__name__}"


def refuse_count(estimator, X):
    """Raise TypeError if X, the events for a simulator, is an integer."""
    if isinstance(X, numbers.Integral):
        raise TypeError(
            f"{type(estimator).__name__} is a simulator and was given the integer {X} for X. Pass "
            "theory-level events; n_samples= is the number of draws for each."
        )


def validate_target(estimator, y, *, n_samples, reset):
    """Validate the detector side y of a simulator and remember, or compare with, its columns.

    Sets `target_names_in_`, `n_targets_` and `target_shape_`, the shape of one row, `()` for 1-D y,
    when `reset`.

    Parameters
    ----------
    estimator : estimator
    y : array-like, DataFrame or Series
        Row i belongs to row i of X.
    n_samples : int or None
        Number of rows of X; None if y stands alone.
    reset : bool
        True in `fit`, False afterwards.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_targets_)
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: "
            "a Simulator learns y from X."
        )
    y = read_container(y, "y")
    row_shape = (y if hasattr(y, "shape") else np.asarray(y)).shape[1:]
    array, names = check_events(y, what="y", allow_1d=True, estimator=estimator)
    if n_samples is not None:
        check_same_length(n_samples, len(array))
    if reset:
        estimator.target_shape_ = tuple(row_shape)
        keep_dtypes(estimator, "target_dtypes_", y)
        estimator.n_targets_ = array.shape[1]
        default = [f"y{i}" for i in range(array.shape[1])]
        estimator.target_names_in_ = np.asarray(names or default, dtype=object)
        return array
    _check_row_shape(estimator, row_shape, getattr(estimator, "target_shape_", ()), "y")
    fitted = list(estimator.target_names_in_)
    if array.shape[1] != len(fitted):
        raise ValueError(
            f"y has {array.shape[1]} columns, but {type(estimator).__name__} was fitted with "
            f"{len(fitted)}: {fitted}."
        )
    check_names_match(names, estimator.target_names_in_, what="y")
    warn_outside(estimator, array, "y", fitted)
    return array


def check_same_length(n_X, n_y):
    """Raise ValueError unless X and y have as many rows."""
    if n_X != n_y:
        raise ValueError(
            f"X and y have inconsistent numbers of samples: {n_X} and {n_y}. Row i of both must be "
            "the same event."
        )


def check_same_events(X, y, sample_weight=None, *, names=("X", "y"), drawn=False):
    """Raise ValueError if indices of tables show that their rows do not belong together.

    Cross-validation and Pipelines keep all indices alike. If they differ, one side was sorted,
    shuffled or cut without the other, and a fit would learn noise.

    Parameters
    ----------
    X, y : array-like
        Only pandas tables and Series have an index.
    sample_weight : array-like, optional
        Weights of the same events.
    names : tuple of str
        How messages call X and y.
    drawn : bool
        Whether y was drawn for the rows of X. Then a new index, 0 to n - 1, on either side passes:
        drawn arrays are often made tables without the index of X. It does not pass if the other
        side has the same labels in another order.
    """
    what = names[0]
    for other, name in ((y, names[1]), (sample_weight, "sample_weight")):
        if not (_has_index(X) and _has_index(other)):
            continue
        if len(X) != len(other) or X.index.equals(other.index):
            continue
        if drawn and _is_new(X.index, other.index):
            continue
        row = first_difference(X.index, other.index) or 0
        raise ValueError(
            f"Row i of {what} and {name} must be the same event, but their indices differ from row "
            f"{row} on: {X.index[row]} in {what}, {other.index[row]} in {name}. If the rows are in "
            f"the same order, pass {what}.reset_index(drop=True) and "
            f"{name}.reset_index(drop=True); else sort or select both alike."
        )


def _has_index(table):
    return isinstance(table, (pd.DataFrame, pd.Series))


def _is_new(one, two):
    """Whether one of two different indices is 0 to n - 1, and the other has other labels."""
    new = pd.RangeIndex(len(one))
    for index, other in ((one, two), (two, one)):
        if index.equals(new):
            integers = pd.api.types.is_integer_dtype(other.dtype)
            return not (integers and other.sort_values().equals(new))
    return False


def check_names_match(names, expected, *, what):
    """Raise ValueError naming the first column whose name differs from the fitted one."""
    if names is None or list(names) == list(expected):
        return
    position = first_difference(names, expected)
    if position is None:
        raise ValueError(f"{what} has columns {list(names)}, but {list(expected)} were fitted.")
    raise ValueError(
        f"{what} has column {names[position]!r} at position {position} where "
        f"{expected[position]!r} was fitted. Select the columns in the fitted order: "
        f"{list(expected)}."
    )

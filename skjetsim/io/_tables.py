"""Tables to write: checked, with both levels of an event side by side."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from skjetsim.io._units import GEN, RECO, WEIGHT, resolve_units
from skjetsim.utils._containers import read_container
from skjetsim.utils._validation import check_same_events, check_same_length, first_duplicate

NO_CHUNKS = (str, bytes, pd.Series, np.ndarray)
CURE = "Columns need names: pandas.DataFrame(X, columns=[...])."


def file_tables(X, y, sample_weight):
    """Tables as a file has them, from one table, a pair, or an iterable of either.

    Parameters
    ----------
    X : container with names, or iterable of such containers or of tuple
        A container is what `read_container` makes a DataFrame of.
    y : container with names, Series or None
    sample_weight : array-like or None

    Yields
    ------
    DataFrame
    """
    X = read_container(X)
    if isinstance(X, pd.DataFrame):
        yield side_by_side(X, y, sample_weight)
        return
    if not isinstance(X, Iterable) or isinstance(X, NO_CHUNKS):
        raise TypeError(
            f"X must be a DataFrame, or an iterable of them, got {type(X).__name__}. {CURE}"
        )
    if y is not None or sample_weight is not None:
        raise TypeError(
            "X is an iterable of chunks, and y or sample_weight is not None: let the iterable give "
            "tuples (X, y) or (X, y, sample_weight)."
        )
    for number, chunk in enumerate(X):
        parts = chunk if isinstance(chunk, tuple) else (chunk,)
        parts = [read_container(part) for part in parts[:1]] + list(parts[1:])
        if not 1 <= len(parts) <= 3 or not isinstance(parts[0], pd.DataFrame):
            raise TypeError(
                f"Chunk {number} of X must be a DataFrame, (X, y) or (X, y, sample_weight), got "
                f"{type(chunk).__name__}. {CURE}"
            )
        yield side_by_side(*parts, *[None] * (3 - len(parts)))


def side_by_side(X, y, sample_weight):
    """Columns of one table as the file names them, in the order X, y, weight."""
    y = None if y is None else read_container(y, "y")
    if isinstance(y, pd.Series):
        y = y.to_frame()
    if y is not None and not isinstance(y, pd.DataFrame):
        raise TypeError(
            f"y must be a DataFrame or a Series with a name, got {type(y).__name__}. "
            f"{CURE.replace('(X', '(y')}"
        )
    _check_table(X, "X")
    prefix = "" if y is None else GEN
    columns = {f"{prefix}{name}": X[name].to_numpy() for name in X}
    units = _units(X, prefix)
    if y is not None:
        _check_table(y, "y")
        check_same_length(len(X), len(y))
        columns |= {f"{RECO}{name}": y[name].to_numpy() for name in y}
        units |= _units(y, RECO)
    check_same_events(X, y, sample_weight)
    if sample_weight is not None:
        if WEIGHT in columns:
            raise ValueError(
                f"X has a column {WEIGHT!r}, and sample_weight is given: pass one of them."
            )
        columns[WEIGHT] = _weight(sample_weight, len(X))
    table = pd.DataFrame(columns, copy=False)
    text = X.attrs.get("description")
    table.attrs = {"units": units, "description": text if isinstance(text, str) else None}
    return table


def _check_table(table, what):
    if table.shape[1] == 0:
        raise ValueError(f"{what} has no columns: there is nothing to write.")
    names = list(table.columns)
    unnamed = [name for name in names if not isinstance(name, str) or not name]
    if unnamed:
        raise ValueError(
            f"{what} has a column named {unnamed[0]!r}; files need names that are text. Set "
            f"{what}.columns, or a Series' name."
        )
    if (twice := first_duplicate(names)) is not None:
        raise ValueError(f"{what} has two columns named {twice!r}; rename one of them.")
    for name, dtype in table.dtypes.items():
        _check_dtype(table[name], dtype, f"{what} column {name!r}")
    index = table.index
    if index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu":
        kind = "several levels" if index.nlevels > 1 else f"dtype {index.dtype}"
        raise ValueError(
            f"{what} has an index with a name or a meaning (name {index.name!r}, {kind}), which "
            f"files do not keep. Pass {what}.reset_index() to write it as a column, or "
            f"{what}.reset_index(drop=True) to leave it out."
        )


def _check_dtype(values, dtype, what):
    if isinstance(dtype, np.dtype) and (dtype.kind in "biu" or dtype.str[1:] in ("f4", "f8")):
        return
    text = f"{what} has dtype {dtype}"
    if dtype.kind == "O" and len(values):
        text += f" (row 0 holds {values.iloc[0]!r})"
    cure = "convert it with .astype('float64') or another dtype of"
    if isinstance(dtype, (pd.CategoricalDtype, pd.StringDtype)):
        cure = "number its values with .astype('category').cat.codes, or convert it to"
    raise ValueError(
        f"{text}, which files do not keep: {cure} 32- or 64-bit floats, integers or bool."
    )


def _weight(sample_weight, n_rows):
    if np.ma.isMaskedArray(sample_weight):
        raise ValueError("sample_weight is a masked array, and files keep no mask: fill it.")
    weight = np.asarray(sample_weight)
    if weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}, but there are {n_rows} events: expected "
            f"({n_rows},)."
        )
    _check_dtype(pd.Series(weight), weight.dtype, "sample_weight")
    return weight


def _units(table, prefix):
    """Units that a table states in its attributes, where `read_events` puts them."""
    units = table.attrs.get("units")
    if not isinstance(units, dict):
        return {}
    return {f"{prefix}{name}": unit for name, unit in units.items() if isinstance(unit, str)}


def like_first(tables, units):
    """Pass tables on with the units of their columns, as long as each is like the first.

    Parameters
    ----------
    tables : iterator of DataFrame
        `attrs["units"]` has what they state.
    units : str, dict of str to str, or None
        Units that the user gives.

    Yields
    ------
    DataFrame

    Raises
    ------
    ValueError
        If there is no table, or if columns, dtypes or units differ.
    """
    first = None
    for number, table in enumerate(tables):
        table.attrs["units"] = resolve_units(list(table), table.attrs["units"], units)
        if first is None:
            first = table
        elif list(table) != list(first):
            different = [
                name for name in [*table, *first] if name not in table or name not in first
            ]
            how = f"{different[0]!r} is in one of them" if different else "their order differs"
            raise ValueError(f"Chunk {number} of X has other columns than the first: {how}.")
        else:
            _check_like(table, first, number)
        yield table
    if first is None:
        raise ValueError("X is an iterable without chunks: there is nothing to write.")


def _check_like(table, first, number):
    units, first_units = table.attrs["units"], first.attrs["units"]
    for name in first:
        if table[name].dtype != first[name].dtype:
            raise ValueError(
                f"Chunk {number} of X has dtype {table[name].dtype} in column {name!r}, and "
                f"the first has {first[name].dtype}: convert it."
            )
        if units.get(name) != first_units.get(name):
            raise ValueError(
                f"Chunk {number} of X has unit {units.get(name)!r} in column {name!r}, and the "
                f"first has {first_units.get(name)!r}: convert it, or say by units= what is true."
            )

"""Containers of events: each is read by the names of its columns, or refused with the cure.

Arrays, lists and pandas tables stay as they are. All other tables with names become a DataFrame. No
library is imported to find out what a container is.
"""

import sys
from collections.abc import Mapping

import numpy as np
import pandas as pd

# How a table of these libraries becomes one that is read.
CURES = {
    "xarray": "Pass X.to_dataframe() of a Dataset, or X.to_pandas() of a DataArray.",
    "dask": "Pass X.compute().",
    "dask_expr": "Pass X.compute().",
    "pyspark": "Pass X.toPandas().",
}
RECORDS = "Pass pandas.DataFrame(X), which reads the columns by name."


def read_container(X, what="X"):
    """Events as an array, a list or a pandas table, whatever container they came in.

    Parameters
    ----------
    X : object
        A dict of arrays, a structured array, a table of polars or pyarrow, or an awkward array of
        records becomes a DataFrame. Arrays, lists and pandas tables come back as they are.
    what : str
        How X is called in messages.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If an element is masked, or if a column does not hold one value per event.
    TypeError
        If X is a table that cannot be read by name. The message says how to convert it.
    """
    kind = type(X)
    if kind is np.ndarray and X.dtype.names is None:
        return X
    if isinstance(X, (pd.DataFrame, pd.Series)):
        return X if kind is pd.Series else _named_alike(X, what)
    if isinstance(X, np.ndarray):
        masked = isinstance(X, np.ma.MaskedArray)
        return _from_array(X, what) if masked or X.dtype.names is not None else X
    if isinstance(X, (list, tuple)):
        return _from_list(X, what)
    if isinstance(X, Mapping) and library(X) != "scipy":  # a sparse matrix is a mapping, too
        return _from_columns(X, what)
    return _from_library(X, what)


def library(X):
    """Name of the package that a container is from."""
    return type(X).__module__.partition(".")[0]


def is_polars(X):
    """Whether X is a table of polars."""
    return library(X) == "polars" and type(X).__name__ == "DataFrame"


def table_like(X, values, names):
    """Rows in the kind of container of X: a DataFrame of pandas or polars, or an array.

    Parameters
    ----------
    X : object
        The events that the rows were made of. A pandas table gives its index. Containers with
        names that are not tables of polars give a pandas table.
    values : ndarray of shape (n_samples, n_columns)
    names : sequence of str

    Returns
    -------
    ndarray or DataFrame
    """
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame(values, index=X.index, columns=names, copy=False)
    if is_polars(X):
        return sys.modules["polars"].DataFrame(values, schema=list(names), orient="row")
    if isinstance(read_container(X), pd.DataFrame):
        return pd.DataFrame(values, columns=names, copy=False)
    return values


def refuse_masked(array, what):
    """Data of a masked array; raise ValueError if an element is masked."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    mask = np.ma.getmaskarray(array)
    if mask.dtype.names is not None:
        mask = np.logical_or.reduce([mask[name] for name in mask.dtype.names])
    if mask.any():
        row, *column = (int(i) for i in np.argwhere(mask)[0])
        place = f" and column {column[0]}" if len(column) == 1 else ""
        raise ValueError(
            f"{what} is a masked array, and its element in row {row}{place} is masked "
            f"({int(mask.sum())} in all). Leave these events out, or give the elements a value "
            f"with {what}.filled(...). None is left out or filled for you."
        )
    return np.ma.getdata(array)


def _named_alike(table, what):
    """Raise unless the names of a DataFrame's columns are all text, or all numbers."""
    columns = table.columns
    if columns.nlevels > 1 or any(isinstance(name, tuple) for name in columns):
        raise TypeError(
            f"{what} has column names of several levels, such as {columns[0]!r}. Make one name of "
            f'each: {what}.columns = ["_".join(map(str, name)) for name in {what}.columns].'
        )
    text = [isinstance(name, str) for name in columns]
    if any(text) and not all(text):
        name = columns[text.index(False)]
        raise TypeError(
            f"{what} has a column named {name!r}, and others whose names are text. Feature names "
            "are only supported if all input features have string names: rename the columns, for "
            f"example {what}.columns = {what}.columns.astype(str)."
        )
    return table


def _from_array(array, what):
    """Data of a masked array, or the table of a structured one."""
    array = refuse_masked(array, what)
    if array.dtype.names is None:
        return array
    if array.ndim != 1:
        raise ValueError(
            f"{what} is a structured array of shape {array.shape}: pass one record per event."
        )
    return _from_columns({name: array[name] for name in array.dtype.names}, what)


def _from_list(rows, what):
    """A list, unless its elements have names or are masked."""
    if rows and isinstance(rows[0], np.void):
        return _from_array(np.array(rows), what)
    if rows and (isinstance(rows[0], Mapping) or hasattr(rows[0], "_fields")):
        raise TypeError(f"{what} is a list of records of type {type(rows[0]).__name__}. {RECORDS}")
    if any(isinstance(row, np.ma.MaskedArray) for row in rows):
        return [refuse_masked(row, f"{what}[{i}]") for i, row in enumerate(rows)]
    return rows


def _from_columns(columns, what):
    """DataFrame of a mapping of names to columns of equal length."""
    found = {name: _one_column(columns[name], f"{what}[{name!r}]") for name in columns}
    if not found:
        raise ValueError(f"{what} has no columns.")
    lengths = {name: len(column) for name, column in found.items()}
    first = next(iter(found))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise ValueError(
                f"{what} has {lengths[first]} events in column {first!r}, but {length} in column "
                f"{name!r}."
            )
    return _named_alike(pd.DataFrame(found), what)


def _one_column(values, place):
    """One value per event, as a 1-D array."""
    if isinstance(values, pd.Series):
        return values.to_numpy()
    if library(values) == "awkward":
        values = _from_awkward(values, place)
    elif library(values) in ("polars", "pyarrow"):
        values = values.to_numpy()
    values = refuse_masked(values, place)
    array = values if isinstance(values, np.ndarray) else None
    if array is None and not isinstance(values, (str, bytes, Mapping)):
        try:
            array = np.asarray(values)
        except ValueError:  # rows of different lengths
            array = None
    if array is None or array.ndim != 1 or array.dtype.names is not None:
        shape = "" if array is None else f", shape {array.shape}"
        raise ValueError(
            f"{place} has type {type(values).__name__}{shape}. A column must hold one value per "
            "event: give each component, and each position in a list, a column of its own."
        )
    return array


def _from_library(X, what):
    """A container of another library, by its names if it has any."""
    source, kind = library(X), type(X).__name__
    if source == "polars" and kind == "LazyFrame":
        raise TypeError(f"{what} is a LazyFrame, which is not computed yet. Pass {what}.collect().")
    if is_polars(X):
        for column in X:
            if not column.dtype.is_float():
                _refuse_missing(column.null_count(), column.name, column.dtype, what)
        if set(X.dtypes) == {sys.modules["polars"].Float64}:
            return pd.DataFrame(X.to_numpy(), columns=X.columns, copy=False)
        return pd.DataFrame({name: X[name].to_numpy() for name in X.columns})
    if source == "polars" and kind == "Series":
        return pd.Series(X.to_numpy(), name=X.name or None)
    if source == "pyarrow" and hasattr(X, "column_names"):
        for name, column in zip(X.column_names, X.columns, strict=True):
            if not sys.modules["pyarrow"].types.is_floating(column.type):
                _refuse_missing(column.null_count, name, column.type, what)
        return X.to_pandas()
    if source == "pyarrow" and hasattr(X, "to_numpy"):
        return np.asarray(X.to_pandas())
    if source == "awkward":
        return _from_awkward(X, what)
    if source in CURES:
        cure = CURES[source].replace("X.", f"{what}.")
        raise TypeError(f"{what} is a {source} {kind}, which is not read by name. {cure}")
    if getattr(getattr(X, "dtype", None), "names", None):  # a data set of records in a file
        return _from_array(np.asarray(X), what)
    if hasattr(X, "__arrow_c_stream__"):
        import pyarrow

        return pyarrow.table(X).to_pandas()
    if hasattr(X, "columns"):
        raise TypeError(
            f"{what} is a {kind} of {source}, which is not read by name. Pass a pandas DataFrame."
        )
    return X


def _refuse_missing(n_missing, name, dtype, what):
    """Raise ValueError if values are missing in a column whose type has no NaN."""
    if n_missing:
        raise ValueError(
            f"{what} column {name!r} has missing values ({n_missing} in all), for which {dtype} "
            "has no number: fill them, or leave these events out."
        )


def _from_awkward(X, what):
    """DataFrame of awkward records, or the array of awkward numbers."""
    ak = sys.modules["awkward"]
    if ak.fields(X):
        if not isinstance(X, ak.Array):
            raise TypeError(f"{what} is one awkward record: pass an array of records.")
        return _from_columns({name: X[name] for name in ak.fields(X)}, what)
    try:
        array = ak.to_numpy(X)
    except ValueError:
        raise ValueError(
            f"{what} is an awkward array of type {X.type}: events differ in length. Give them one "
            "length, for example with ak.fill_none(ak.pad_none(array, n, clip=True), 0), and give "
            "each position a column of its own."
        ) from None
    if np.ma.is_masked(array):
        raise ValueError(
            f"{what} is an awkward array in which values are missing (None). Leave these events "
            "out, or give them a value with ak.fill_none. None is left out or filled for you."
        )
    return np.asarray(array)

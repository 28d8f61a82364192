"""Types of columns: drawn events have those of the events that a model was fitted on.

Models compute in double precision. What they draw has the types of the fit again:

- single precision stays single precision, and half precision becomes single;
- in tables, a column of integers or booleans has its type if all its drawn values are integers, or
  0 and 1. Otherwise, it is in double precision;
- an array is in single precision if no column of the fit needs double precision, as integers do.
  Otherwise, it is in double precision.

Transformers do not keep types. They give double precision, because single precision would lose
digits in each step.
"""

import numpy as np
import pandas as pd


def column_dtypes(X):
    """Names of the types of the columns of a table or an array.

    Parameters
    ----------
    X : ndarray, DataFrame, Series or array-like

    Returns
    -------
    tuple of str or None
        One name for an array, one for each column of a table. None if all are in double precision.
    """
    if isinstance(X, pd.DataFrame):
        dtypes = list(X.dtypes)
    elif isinstance(X, (pd.Series, np.ndarray)):
        dtypes = [X.dtype]
    elif hasattr(X, "get_column"):  # polars
        dtypes = [X.get_column(name).head(0).to_numpy().dtype for name in X.columns]
    else:
        return None
    names = tuple(_kept_name(dtype) for dtype in dtypes)
    return None if set(names) <= {"float64"} else names


def keep_dtypes(estimator, attribute, X):
    """Set an attribute of an estimator to the types of X, unless all are in double precision."""
    vars(estimator).pop(attribute, None)
    dtypes = column_dtypes(X)
    if dtypes is not None:
        setattr(estimator, attribute, dtypes)


def _kept_name(dtype):
    """Name of numpy's type for a type of pandas or numpy."""
    dtype = getattr(dtype, "numpy_dtype", dtype)  # of nullable columns
    if pd.api.types.is_bool_dtype(dtype):
        return "bool"
    if not isinstance(dtype, np.dtype):
        return "float64"
    if dtype.kind in "iu":
        return dtype.name
    return "float32" if dtype.itemsize < 8 else "float64"


def with_dtypes(rows, dtypes):
    """Array in single precision, if the columns of the fit were, else in double precision.

    Parameters
    ----------
    rows : ndarray of float64, shape (..., n_columns)
    dtypes : tuple of str or None
        From `column_dtypes`.

    Returns
    -------
    ndarray
    """
    single = dtypes is not None and "float32" in dtypes and set(dtypes) <= {"float32", "bool"}
    return rows.astype(np.float32) if single else rows


def frame_with_dtypes(frame, rows, dtypes):
    """Table of pandas or polars, made of `rows`, with the types of its columns.

    Parameters
    ----------
    frame : DataFrame
    rows : ndarray of float64, shape (n_samples, n_columns)
    dtypes : tuple of str or None
        From `column_dtypes`.

    Returns
    -------
    DataFrame
    """
    if dtypes is None:
        return frame
    of_column = dtypes if len(dtypes) > 1 else dtypes * rows.shape[1]
    found = [_possible(values, name) for values, name in zip(rows.T, of_column, strict=True)]
    if isinstance(frame, pd.DataFrame):
        return frame.astype(dict(zip(frame.columns, found, strict=True)))
    columns = zip(frame.columns, rows.T, found, strict=True)
    return type(frame)({name: column.astype(dtype) for name, column, dtype in columns})


def _possible(values, name):
    """Type of this name, or double precision if it cannot hold the values."""
    dtype = np.dtype(name)
    if dtype.kind == "f":
        return dtype
    limits = None if dtype.kind == "b" else np.iinfo(dtype)
    low, high = (0, 1) if limits is None else (limits.min, limits.max)
    whole = (values == np.floor(values)).all() and (values >= low).all() and (values <= high).all()
    return dtype if whole else np.dtype(np.float64)

"""Whether values are real numbers: errors name the column and the first row that is not."""

import numpy as np
import pandas as pd

# The words of scikit-learn, which its checks look for.
COMPLEX = "Complex data not supported"
TWO_COLUMNS = "Give real and imaginary part, or size and phase, as columns of their own."
SECONDS = "Convert it to a number in a unit that you choose, such as seconds since the first event."


def check_numbers(X, what):
    """Raise ValueError naming the first column that cannot be read as real numbers."""
    if isinstance(X, pd.DataFrame):
        for name, values in X.items():
            check_real(values, f"{what} column {name!r}")
    elif isinstance(X, pd.Series):
        check_real(X, what)
    elif isinstance(X, (np.ndarray, list, tuple)):
        _check_kind(as_array(X), what)


def as_array(values):
    """Array of values; numbers next to text in a list stay numbers."""
    array = np.asarray(values)
    if array is values or array.dtype.kind not in "SU":
        return array
    return np.asarray(values, dtype=object)


def _check_kind(array, what):
    """Raise ValueError if an array holds complex numbers, times or text, and say in which column.

    scikit-learn refuses arrays of strings, but reads digits in an array of objects as numbers. Here
    text is refused in both, since a column of text may have either dtype.
    """
    if array.dtype.kind == "c" and array.ndim > 1:
        some = np.any(array.imag, axis=(0, *range(2, array.ndim)))
        what = f"{what} (column {np.argmax(some)})" if some.any() else what
    _check_dtype(array.dtype, what)
    if array.ndim and array.dtype.kind in "OSTU" and (text := _is_text(array.flat)).any():
        row, *column = np.unravel_index(np.argmax(text), array.shape)
        place = f"{what} (column {column[0]})" if column else what
        _refuse_value(place, array.dtype, row, array.flat[np.argmax(text)])


def _is_text(values):
    """Which values are text, digits included."""
    return np.array([isinstance(value, (str, bytes)) for value in values], dtype=bool)


def _refuse_value(place, dtype, row, value):
    """Raise ValueError for a value that is not a real number."""
    value = value.item() if isinstance(value, np.generic) else value
    kind = "text, not a number" if isinstance(value, (str, bytes)) else "not a number"
    raise ValueError(
        f"{place} has dtype {dtype} and row {row} holds {value!r}, which is {kind}. Convert the "
        "column to numbers first."
    )


def _check_dtype(dtype, place):
    """Raise ValueError if a dtype is of complex numbers or of times."""
    if pd.api.types.is_complex_dtype(dtype):
        raise ValueError(f"{COMPLEX}: {place} has dtype {dtype}. {TWO_COLUMNS}")
    if dtype.kind in "mM" or isinstance(dtype, pd.PeriodDtype):
        raise ValueError(f"{place} has dtype {dtype}, which is a time. {SECONDS}")


def check_real(values, place):
    """Raise ValueError if a Series holds what is not a real number, naming the first row."""
    dtype = values.dtype
    _check_dtype(dtype, place)
    if pd.api.types.is_numeric_dtype(dtype):
        return
    numeric = pd.to_numeric(values, errors="coerce")
    bad = np.iscomplex(numeric) | (numeric.isna() & ~values.isna()).to_numpy() | _is_text(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        _refuse_value(place, dtype, row, values.iloc[row])

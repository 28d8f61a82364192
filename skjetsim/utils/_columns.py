"""Columns that a parameter names, as positions in a table."""

import numbers

import numpy as np

from skjetsim.utils._validation import first_duplicate


def find_columns(columns, names, n_columns, parameter, table):
    """Positions of columns that are given by name or position.

    Parameters
    ----------
    columns : list of str or int
    names : list of str or None
        Columns of the table.
    n_columns : int
        Their number.
    parameter, table : str
        What messages call the parameter and the table.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If `columns` is not a list of different names or positions of the table.
    """
    if isinstance(columns, str):
        raise ValueError(f"{parameter} must be a list of names: give [{columns!r}].")
    if (
        not np.iterable(columns)
        or not len(columns)
        or not all(isinstance(c, str) or _is_int(c) for c in columns)
    ):
        raise ValueError(f"{parameter} must be a list of names or positions, got {columns!r}.")
    found = [find_column(column, names, n_columns, parameter, table) for column in columns]
    if (twice := first_duplicate(found)) is not None:
        column = columns[found.index(twice)]
        raise ValueError(f"{parameter} has the column {column!r} twice, got {columns!r}.")
    return found


def other_columns(columns, n_columns):
    """Positions of the columns that are not among `columns`."""
    return [column for column in range(n_columns) if column not in set(columns)]


def find_column(column, names, n_columns, parameter, table):
    """Position of one column, as `find_columns` finds it."""
    if isinstance(column, str):
        if names is None:
            raise ValueError(
                f"{parameter} names {column!r}, but {table} has no column names: pass a DataFrame, "
                "or positions."
            )
        if column not in names:
            raise ValueError(
                f"{parameter} names {column!r}, which is not a column of {table}: {names}."
            )
        return names.index(column)
    if not _is_int(column):
        raise TypeError(f"{parameter} must be a column's name or position, got {column!r}.")
    if not -n_columns <= column < n_columns:
        raise ValueError(f"{parameter} has {column}, but {table} has {n_columns} column(s).")
    return int(column) % n_columns


def _is_int(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))

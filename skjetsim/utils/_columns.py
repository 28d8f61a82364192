"""Columns that a parameter names, as positions in a table."""

import numbers

import numpy as np

from skjetsim.utils._validation import first_duplicate


def column_positions(columns, names, n_columns, owner, table="X"):
    """Positions of the columns that a parameter names.

    Parameters
    ----------
    columns : str, int, slice of positions, boolean mask, or list of str or int
    names : list of str or None
        Column names of the table, None if it has none.
    n_columns : int
        Number of columns of the table.
    owner, table : str
        How messages call the estimator or the parameter, and the table.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a column is not in the table, or is named twice.
    TypeError
        If a column is neither a name nor a position.
    """
    if isinstance(columns, slice):
        return list(range(n_columns))[columns]
    columns = [columns] if _is_column(columns) else list(columns)
    if columns and all(isinstance(column, (bool, np.bool_)) for column in columns):
        if len(columns) != n_columns:
            raise ValueError(
                f"{owner}: a boolean mask of {len(columns)} entries was given for {n_columns} "
                "columns."
            )
        return [int(i) for i in np.flatnonzero(columns)]
    found = [find_column(column, names, n_columns, owner, table) for column in columns]
    if (twice := first_duplicate(found)) is not None:
        column = columns[found.index(twice)]
        raise ValueError(f"{owner}: the column {column!r} is given twice in {columns!r}.")
    return found


def find_columns(columns, names, n_columns, parameter, table):
    """Positions of the columns in a list of names or positions, which must not be empty.

    The arguments and errors are those of `column_positions`.
    """
    if isinstance(columns, str):
        raise ValueError(f"{parameter} must be a list of names: give [{columns!r}].")
    if not np.iterable(columns) or not len(columns) or not all(map(_is_column, columns)):
        raise ValueError(f"{parameter} must be a list of names or positions, got {columns!r}.")
    return column_positions(columns, names, n_columns, parameter, table)


def other_columns(columns, n_columns):
    """Positions of the columns that are not among `columns`."""
    return [column for column in range(n_columns) if column not in set(columns)]


def _is_column(value):
    """Whether a value is a name or a position."""
    integer = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    return integer or isinstance(value, str)


def find_column(column, names, n_columns, parameter, table):
    """Position of one column, as `find_columns` finds it."""
    if not _is_column(column):
        raise TypeError(f"{parameter} must be a column's name or position, got {column!r}.")
    if isinstance(column, str):
        if names is None:
            raise ValueError(
                f"{parameter}: {column!r} is a name, but {table} has no column names. Pass a "
                "DataFrame, or positions."
            )
        if column not in names:
            raise ValueError(
                f"{parameter}: {table} has no column {column!r}. Its columns are {list(names)}."
            )
        return list(names).index(column)
    if not -n_columns <= column < n_columns:
        width = f"{n_columns} {'feature' if table == 'X' else 'column'}(s)"
        raise ValueError(f"{parameter}: {table} has {width}, so there is no column {column}.")
    return int(column) % n_columns

"""Columns of what a file holds: which ones to read, and lists as columns of their own."""

from collections import defaultdict

import numpy as np
import pandas as pd

from skjetsim.io._files import did_you_mean

SCALAR, FIXED, LIST = "number", "array", "list"
READABLE = {SCALAR, FIXED, LIST}


def choose_columns(file, columns, max_length):
    """Return the names to read from a file, checked.

    Parameters
    ----------
    file : ParquetReader or RootReader
        It has `names`, and `kind(name)`, which is `SCALAR`, `FIXED` or `LIST`, or says in words
        what is not a column.
    columns : list of str or None
        Names to read, in this order; None reads all.
    max_length : int or None

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        On a name that is not there, that is not a column, or a list without a length.
    """
    path = file.path
    names = file.names if columns is None else columns
    _check_there(path, names, file.names)
    kinds = {name: file.kind(name) for name in names}
    wrong = [name for name in names if kinds[name] not in READABLE]
    if wrong:
        raise ValueError(
            f"{path}: {_some(wrong)} cannot be columns of numbers ({wrong[0]!r} holds "
            f"{kinds[wrong[0]]}). Name the ones to read in columns=."
        )
    lists = [name for name in names if kinds[name] == LIST]
    if lists and max_length is None:
        raise ValueError(
            f"{path} holds lists that differ in length from event to event: {_some(lists)}. Pass "
            f"max_length=4 for {lists[0]}_0 to {lists[0]}_3, shorter lists filled with 0 and "
            "longer ones cut, or name other columns in columns=."
        )
    return names


def _check_there(path, names, there):
    if not there:
        raise ValueError(f"{path} has no columns: there is nothing to read.")
    missing = min(set(names).difference(there), default=None)
    if missing is not None:
        shown = there if len(there) <= 20 else [*there[:20], "..."]
        hint = did_you_mean(missing, there) or f": it has {shown}."
        raise ValueError(f"{path} has no column {missing!r}{hint}")


def _some(names):
    """Return the first few of many names."""
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + rest


def as_frame(path, arrays, max_length, units, description):
    """Table of what was read from a file.

    Parameters
    ----------
    path : str
    arrays : dict of str to ndarray or tuple of ndarray
        1-D: a column. 2-D: a column for each position. Lists: their lengths, and all their
        entries one after another.
    max_length : int or None
    units : dict of str to str
    description : str or None

    Returns
    -------
    DataFrame
    """
    table = {}
    for name, values in arrays.items():
        if isinstance(values, tuple):
            values = _padded(*values, max_length)
        columns = {name: values}
        if values.ndim == 2:
            columns = {f"{name}_{i}": values[:, i] for i in range(values.shape[1])}
        for column, entries in columns.items():
            if column in table:
                raise ValueError(
                    f"{path}: the lists of {name!r} need the name {column!r}, which another column "
                    "has. Leave one of them out by columns=."
                )
            table[column] = entries
    _own(table)
    # Without copying: each column stays the array that it was read into.
    frame = pd.DataFrame(table, copy=False)
    stated = {column: units[column] for column in table if column in units}
    frame.attrs = {"units": stated, "description": description}
    return frame


def _own(table):
    """Copy columns that lie in the read-only memory of a file or a library."""
    foreign = defaultdict(list)
    for column, entries in table.items():
        if not (entries.flags.writeable and entries.flags.c_contiguous):
            foreign[entries.dtype].append(column)
    for dtype, columns in foreign.items():
        # One allocation for all: the system hands out large ones in large pages, much faster.
        block = np.empty((len(columns), len(table[columns[0]])), dtype=dtype)
        for own, column in zip(block, columns, strict=True):
            own[:] = table[column]
            table[column] = own


def _padded(lengths, entries, max_length):
    """Lists as rows of one length: shorter ones end in zeros, longer ones are cut."""
    lengths = np.asarray(lengths, dtype=np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(entries)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    inside = position < max_length
    rows = np.zeros((len(lengths), max_length), dtype=entries.dtype, order="F")
    rows[row[inside], position[inside]] = entries[inside]
    return rows

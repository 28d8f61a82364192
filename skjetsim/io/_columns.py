"""Columns of what a file holds: which ones to read, and lists as columns of their own."""

from collections import defaultdict

import numpy as np
import pandas as pd

SCALAR, FIXED, LIST = "number", "array", "list"
READABLE = {SCALAR, FIXED, LIST}


def choose_columns(file, columns, max_length):
    """Return the names to read from a file, checked, each with the length of its lists.

    Parameters
    ----------
    file : ParquetReader or RootReader
        It has `names`, and `kind(name)`, which is `SCALAR`, `FIXED` or `LIST`, or says in words
        what is not a column.
    columns : list of str or None
        Names and patterns to read, in this order; None reads all.
    max_length : int, dict of str to int, or None

    Returns
    -------
    dict of str to int or None
        None for what is not a list.

    Raises
    ------
    ValueError
        If a name is not there or means several columns, if it is not a column, or if a list has no
        length.
    """
    path = file.path
    names = file.names.choose(columns)
    kinds = {name: file.kind(name) for name in names}
    wrong = [name for name in names if kinds[name] not in READABLE]
    if wrong:
        raise ValueError(
            f"{path}: {_some(wrong)} cannot be columns of numbers ({wrong[0]!r} holds "
            f"{kinds[wrong[0]]}). Name the ones to read in columns=. Uproot and pyarrow can read "
            "what is inside lists of lists and objects."
        )
    lists = [name for name in names if kinds[name] == LIST]
    lengths = _lengths(file.names, lists, max_length)
    short = [name for name in lists if lengths[name] is None]
    if short:
        raise ValueError(_without_length(path, short))
    return {name: lengths.get(name) for name in names}


def _lengths(names, lists, max_length):
    """Length of each of these lists; None if it has none."""
    if not isinstance(max_length, dict):
        return dict.fromkeys(lists, max_length)
    by_position = {}
    # An exact name comes before patterns, and the first of several patterns counts.
    for key in sorted(max_length, key=lambda key: key not in names.position):
        found = names.matching(key)
        if not found:
            raise ValueError(f"max_length: {names.path} has no column that matches {key!r}.")
        for at in found:
            by_position.setdefault(at, max_length[key])
    return {name: by_position.get(names.position[name]) for name in lists}


def _without_length(path, lists):
    first = lists[0]
    pattern = f"{first.split('_')[0]}_*" if "_" in first[1:] else first
    return (
        f"{path} holds lists that differ in length from event to event: {_some(lists)}. Pass "
        f"max_length=4 for {first}_0 to {first}_3, shorter lists filled with 0 and longer ones "
        f"cut, or lengths by name as in max_length={{{pattern!r}: 4}}, or name other columns in "
        "columns=."
    )


def _some(names):
    """Return the first few of many names."""
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + rest


def as_frame(path, arrays, units, description):
    """Table of what was read from a file.

    Parameters
    ----------
    path : str
    arrays : dict of str to ndarray
        1-D: a column. 2-D: a column for each position.
    units : dict of str to str
    description : str or None

    Returns
    -------
    DataFrame
    """
    table = {}
    for name, values in arrays.items():
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


def padded(lengths, entries, max_length):
    """Lists as rows of one length: shorter ones end in zeros, longer ones are cut.

    Parameters
    ----------
    lengths : array-like of shape (n_samples,)
    entries : ndarray of shape (sum of lengths,)
        The entries of all lists, one list after another.
    max_length : int

    Returns
    -------
    ndarray of shape (n_samples, max_length)
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(entries)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    inside = position < max_length
    rows = np.zeros((len(lengths), max_length), dtype=entries.dtype, order="F")
    rows[row[inside], position[inside]] = entries[inside]
    return rows

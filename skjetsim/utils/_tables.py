"""Rows and their column names: arrays as tables, and parts of tables."""

import sys

import numpy as np
import pandas as pd

from skjetsim.utils._containers import is_polars, read_container


def as_table(rows, names):
    """Rows as a DataFrame with these column names, or as they are if `names` is None."""
    return rows if names is None else pd.DataFrame(rows, columns=list(names))


def with_rows(table, what="X"):
    """Events in a container whose length is their number; None stays None.

    Parameters
    ----------
    table : object
        Any container that `read_container` reads, or None. A table of polars stays one, since a
        step of a Pipeline may be for such tables.
    what : str
        How the table is called in messages.
    """
    return table if table is None or is_polars(table) else read_container(table, what)


def take_rows(table, rows):
    """Rows of an array or a table by position, in the container of the table; None stays None.

    Parameters
    ----------
    table : object
        Any container that `read_container` reads, or None. A table of pandas or polars stays one.
    rows : ndarray of int, ndarray of bool or slice
    """
    if table is None:
        return None
    table = with_rows(table)
    if is_polars(table):
        return table[rows if isinstance(rows, slice) else _positions(rows)]
    return table.iloc[rows] if hasattr(table, "iloc") else np.asarray(table)[rows]


def _positions(rows):
    """Positions of rows, which polars takes, of a mask or of positions."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def given_names(names):
    """Names of the fitted y, or None if they are y0, y1, ..., which stand for positions."""
    positions = names is None or list(names) == [f"y{i}" for i in range(len(names))]
    return None if positions else names


def has_target_names(estimator):
    """Whether the columns of the fitted y had names."""
    return given_names(estimator.target_names_in_) is not None


def rechunk(frames, n_rows):
    """Yield tables of exactly `n_rows` rows, the last one excepted, from tables of any sizes.

    Arrays and tables of polars are cut and joined in the same way. If there are no rows, one empty
    table is given, so that the columns are known.
    """
    held, n_held, n_given = [], 0, 0
    for frame in frames:
        start, rows = 0, getattr(frame, "iloc", frame)
        while n_held + len(frame) - start >= n_rows:
            stop = start + n_rows - n_held
            yield _joined([*held, rows[start:stop]])
            held, n_held, start, n_given = [], 0, stop, n_given + n_rows
        if start < len(frame) or not (held or n_given):
            held.append(rows[start:])
            n_held += len(frame) - start
    if held:
        yield _joined(held)


def _joined(frames):
    if len(frames) == 1:
        return frames[0]
    if isinstance(frames[0], np.ndarray):
        return np.concatenate(frames)
    if is_polars(frames[0]):
        return sys.modules["polars"].concat(frames)
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs = frames[0].attrs
    return frame

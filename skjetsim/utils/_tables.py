"""Rows and their column names: arrays as tables, and parts of both."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["as_table", "given_names", "has_target_names", "take_rows"]


def as_table(rows, names):
    """Rows as a DataFrame under `names`, or as they are if that is None."""
    return rows if names is None else pd.DataFrame(rows, columns=list(names))


def take_rows(table, rows):
    """Rows of an array or a DataFrame by position."""
    return table.iloc[rows] if hasattr(table, "iloc") else np.asarray(table)[rows]


def given_names(names):
    """Names of the fitted y, or None if they are y0, y1, ..., which stand for positions."""
    positions = names is None or list(names) == [f"y{i}" for i in range(len(names))]
    return None if positions else names


def has_target_names(estimator):
    """Whether the columns of the fitted y had names."""
    return given_names(estimator.target_names_in_) is not None

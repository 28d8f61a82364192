"""Rows of checked events as they were handed to `fit`: with their names and their shape."""

from __future__ import annotations

import pandas as pd

__all__ = ["has_target_names", "measured_table", "target_table", "theory_table"]


def theory_table(estimator, rows):
    """Rows of X with the names and the shape they were fitted with."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return rows.reshape(len(rows), *estimator.input_shape_)
    return pd.DataFrame(rows, columns=list(names))


def has_target_names(estimator):
    """Whether y was a table, or had the names of one that has none."""
    names = list(estimator.target_names_in_)
    return names != [f"y{i}" for i in range(len(names))]


def target_table(estimator, rows):
    """Rows of y with the names and the shape they were fitted with."""
    if not has_target_names(estimator):
        return rows.reshape(len(rows), *estimator.target_shape_)
    table = pd.DataFrame(rows, columns=list(estimator.target_names_in_))
    return table if estimator.target_shape_ else table.iloc[:, 0]


def measured_table(estimator, rows):
    """Rows of y as a condition, which has two dimensions at least."""
    if has_target_names(estimator):
        return pd.DataFrame(rows, columns=list(estimator.target_names_in_))
    return rows.reshape(len(rows), *(estimator.target_shape_ or (1,)))

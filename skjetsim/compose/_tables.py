"""Rows of checked events with the names and the shape that estimators inside were fitted with."""

import numpy as np

from skjetsim.utils._tables import as_table, has_target_names


def flat_table(estimator, rows):
    """Rows of X with their names; clouds and images stay flat, as classifiers take them."""
    return as_table(rows, getattr(estimator, "feature_names_in_", None))


def theory_table(estimator, rows):
    """Rows of X with the names and the shape of the fit."""
    if hasattr(estimator, "feature_names_in_"):
        return flat_table(estimator, rows)
    return rows.reshape(len(rows), *estimator.input_shape_)


def target_table(estimator, rows):
    """Rows of y with the names and the shape of the fit."""
    if not has_target_names(estimator):
        return rows.reshape(len(rows), *estimator.target_shape_)
    table = as_table(rows, estimator.target_names_in_)
    return table if estimator.target_shape_ else table.iloc[:, 0]


def target_columns(estimator, rows, columns):
    """Some columns of y with their names; without names, all columns have the shape of y."""
    if has_target_names(estimator):
        return as_table(rows[:, columns], estimator.target_names_in_[columns])
    if len(columns) == estimator.n_targets_:
        return rows.reshape(len(rows), *estimator.target_shape_)
    return rows[:, columns]


def measured_table(estimator, rows):
    """Rows of y as a condition, which has at least two dimensions."""
    if has_target_names(estimator):
        return as_table(rows, estimator.target_names_in_)
    return rows.reshape(len(rows), *(estimator.target_shape_ or (1,)))


def flat_rows(drawn, n_rows):
    """Events that an estimator inside has drawn, as an array of shape (n_rows, n_columns)."""
    return np.asarray(drawn, dtype=np.float64).reshape(n_rows, -1)

"""Events as `fit` reads them, and their rows with the names and the shape that they had."""

from skjetsim.utils._tables import as_table, has_target_names
from skjetsim.utils._validation import (
    check_same_events,
    check_sample_weight,
    validate_events,
    validate_target,
)


def read_events(estimator, X, y, sample_weight, *, min_samples=1, paired=True):
    """Checked arrays of what `fit` is given; of equal length if rows are `paired`."""
    if paired or sample_weight is not None:
        check_same_events(X, y, sample_weight)
    X = validate_events(estimator, X, reset=True, min_samples=min_samples)
    y = validate_target(estimator, y, n_samples=len(X) if paired else None, reset=True)
    return X, y, check_sample_weight(sample_weight, len(X))


def flat_table(estimator, rows):
    """Rows of X with their names, as a classifier takes them: clouds and images flat."""
    return as_table(rows, getattr(estimator, "feature_names_in_", None))


def theory_table(estimator, rows):
    """Rows of X with the names and the shape they were fitted with."""
    if hasattr(estimator, "feature_names_in_"):
        return flat_table(estimator, rows)
    return rows.reshape(len(rows), *estimator.input_shape_)


def target_table(estimator, rows):
    """Rows of y with the names and the shape they were fitted with."""
    if not has_target_names(estimator):
        return rows.reshape(len(rows), *estimator.target_shape_)
    table = as_table(rows, estimator.target_names_in_)
    return table if estimator.target_shape_ else table.iloc[:, 0]


def target_columns(estimator, rows, columns):
    """Some columns of y; all of them have the shape of y, without names."""
    if has_target_names(estimator):
        return as_table(rows[:, columns], estimator.target_names_in_[columns])
    if len(columns) == estimator.n_targets_:
        return rows.reshape(len(rows), *estimator.target_shape_)
    return rows[:, columns]


def measured_table(estimator, rows):
    """Rows of y as a condition, which has two dimensions at least."""
    if has_target_names(estimator):
        return as_table(rows, estimator.target_names_in_)
    return rows.reshape(len(rows), *(estimator.target_shape_ or (1,)))

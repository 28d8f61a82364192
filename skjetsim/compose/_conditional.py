"""Transformations of y that depend on X."""

from skjetsim.base._tags import with_pairs
from skjetsim.utils._validation import (
    check_events,
    check_names_match,
    check_same_events,
    check_same_length,
)


class ConditionalTransformerMixin:
    """Mixin for transformations of the detector level that depend on the theory level.

    scikit-learn cannot chain transformers with two arguments. These are therefore not
    `TransformerMixin`, and `TransformedSimulator` applies them. A subclass defines

    - `fit(X, y)`;
    - `transform_target(X, y)`, the transformed y;
    - `inverse_transform_target(X, y)`, which takes the transformed y back;
    - `log_det_target(X, y)`, log|det d transform / d y| of each row, if it is a bijection;
    - `get_target_names_out(names)`, names of the transformed columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from skjetsim.compose import ConditionalTransformerMixin
    >>> class Response(ConditionalTransformerMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         return self
    ...     def transform_target(self, X, y):
    ...         return y / X
    ...     def inverse_transform_target(self, X, y):
    ...         return y * X
    ...     def log_det_target(self, X, y):
    ...         return -np.log(np.abs(X)).sum(axis=1)
    >>> Response().fit(None, None).transform_target(np.array([[50.0]]), np.array([[40.0]]))
    array([[0.8]])
    """

    def __sklearn_tags__(self):
        return with_pairs(super().__sklearn_tags__())

    def get_target_names_out(self, names):
        """Names of the transformed columns; the same unless a subclass says otherwise.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        list of str
        """
        return list(names)


def read_sides(transformer, X, y, widths=(), names=(None, None)):
    """Both levels as arrays, and their names; compared with those of the fit if given.

    Parameters
    ----------
    transformer : estimator
    X, y : array-like
    widths : (int, int), optional
        Numbers of columns of X and of y in the fit.
    names : (sequence of str or None, sequence of str or None)
        Names of these columns.

    Returns
    -------
    (X, y), (x_names, y_names)
    """
    check_same_events(X, y, drawn=True)
    X, x_names = check_events(X, what="X", estimator=transformer)
    y, y_names = check_events(y, what="y", estimator=transformer)
    for own, fitted, what in zip((x_names, y_names), names, "Xy", strict=True):
        if fitted is not None:
            check_names_match(own, fitted, what=what)
    for table, width, what in zip((X, y), widths, "Xy", strict=False):
        if table.shape[1] != width:
            raise ValueError(
                f"{what} has {table.shape[1]} columns, but {type(transformer).__name__} was fitted "
                f"with {width}."
            )
    check_same_length(len(X), len(y))
    return (X, y), (x_names, y_names)

"""Transformations of y that depend on X."""

from __future__ import annotations

__all__ = ["ConditionalTransformerMixin"]


class ConditionalTransformerMixin:
    """Mixin for transformations of the detector level that look at the theory level.

    scikit-learn cannot chain transformers of two arguments, so these are no `TransformerMixin`:
    `TransformedSimulator` applies them. A subclass defines

    - `fit(X, y)`;
    - `transform_target(X, y)`, the transformed y;
    - `inverse_transform_target(X, y)`, back from it;
    - `log_det_target(X, y)`, log|det d transform / d y| of each row, where it is a bijection;
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

"""Rows as users see them: in the shape, and under the names, of what was fitted."""

from skjetsim._sklearn_compat import wrap_like_transform


def feature_names(estimator):
    """Names of the columns of X; x0, x1, ... if it had none."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{i}" for i in range(estimator.n_features_in_)] if names is None else list(names)


def target_names(estimator):
    """Names of the columns of y; y0, y1, ... if it had none."""
    return list(estimator.target_names_in_)


def as_events(estimator, rows, original=None):
    """Give rows of X the shape and, under `set_output`, the names that were fitted.

    Parameters
    ----------
    estimator : fitted estimator
        It has `input_shape_`.
    rows : ndarray of shape (..., n_features)
    original : DataFrame, optional
        The index of the result is taken from it.

    Returns
    -------
    ndarray or DataFrame
    """
    if rows.ndim == 2 and len(estimator.input_shape_) == 1:
        return wrap_like_transform(estimator, rows, feature_names(estimator), original)
    return rows.reshape(rows.shape[:-1] + estimator.input_shape_)


def as_target(estimator, rows, original=None):
    """Give rows of y the shape and, under `set_output`, the names that were fitted.

    Parameters
    ----------
    estimator : fitted estimator
        It has `target_shape_`.
    rows : ndarray of shape (..., n_targets)
    original : DataFrame, optional
        The index of the result is taken from it.

    Returns
    -------
    ndarray or DataFrame
    """
    if rows.ndim == 2 and len(estimator.target_shape_) == 1:
        return wrap_like_transform(estimator, rows, target_names(estimator), original)
    return rows.reshape(rows.shape[:-1] + estimator.target_shape_)

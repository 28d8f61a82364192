"""Rows as users see them: in the shape, and under the names, of the fitted events."""

import functools
import math
import os
from contextlib import contextmanager

import numpy as np

from skjetsim._sklearn_compat import output_container, wrap_like_transform
from skjetsim.utils._dtypes import frame_with_dtypes, with_dtypes
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_int


def feature_names(estimator):
    """Names of the columns of X; x0, x1, ... if it had none."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{i}" for i in range(estimator.n_features_in_)] if names is None else list(names)


def target_names(estimator):
    """Names of the columns of y; y0, y1, ... if it had none."""
    return list(estimator.target_names_in_)


def as_events(estimator, rows, original=None):
    """Rows of X with the shape and the types that were fitted, and its names under `set_output`.

    Parameters
    ----------
    estimator : fitted estimator
        It has `input_shape_`.
    rows : ndarray of shape (..., n_features)
    original : DataFrame, optional
        The result takes its index.

    Returns
    -------
    ndarray or DataFrame
    """
    names, dtypes = feature_names(estimator), getattr(estimator, "input_dtypes_", None)
    return _as_fitted(estimator, rows, estimator.input_shape_, names, dtypes, original)


def as_target(estimator, rows, original=None, *, keep_dtypes=True):
    """Rows of y with the shape and the types that were fitted, and its names under `set_output`.

    Parameters
    ----------
    estimator : fitted estimator
        It has `target_shape_`.
    rows : ndarray of shape (..., n_targets)
    original : DataFrame, optional
        The result takes its index.
    keep_dtypes : bool
        False if the rows are not events, but their errors.

    Returns
    -------
    ndarray or DataFrame
    """
    names = target_names(estimator)
    dtypes = getattr(estimator, "target_dtypes_", None) if keep_dtypes else None
    return _as_fitted(estimator, rows, estimator.target_shape_, names, dtypes, original)


def _as_fitted(estimator, rows, shape, names, dtypes, original):
    if rows.ndim == 2 and len(shape) == 1 and output_container(estimator) != "default":
        frame = wrap_like_transform(estimator, rows, names, original)
        return frame_with_dtypes(frame, rows, dtypes)
    return with_dtypes(rows, dtypes).reshape(rows.shape[:-1] + shape)


def drawn_rows(draw, rows, n_samples, random_state, n_columns):
    """Events drawn for each of `rows`, along a second axis if `n_samples` is not None.

    Parameters
    ----------
    draw : callable
        Takes `rows`, `n_samples` and `random_state`. It is not called if there are no rows.
    rows : ndarray
    n_samples : int or None
    random_state : None, int, Generator or RandomState
    n_columns : int
        Columns of a drawn event.

    Returns
    -------
    ndarray of shape (n, n_columns), or (n, n_samples, n_columns)
    """
    repeats = () if n_samples is None else (check_int(n_samples, "n_samples"),)
    shape = (len(rows), *repeats, n_columns)
    if not len(rows):
        as_seed_sequence(random_state)  # a bad seed is an error here, too
        return np.empty(shape)
    with fitting_memory(shape):
        return np.asarray(draw(rows, n_samples, random_state), dtype=np.float64).reshape(shape)


@contextmanager
def fitting_memory(shape):
    """Raise MemoryError with the cure if events of this shape do not fit into memory."""
    n_bytes = 8 * math.prod(shape)
    message = (
        f"Events of shape {shape} take {n_bytes / 1e9:.3g} GB, and twice as much while they are "
        "drawn. Draw a part at a time: skjetsim.sample_chunks gives tables of bounded size."
    )
    if 2 * n_bytes > _memory():
        raise MemoryError(message)
    try:
        yield
    except MemoryError as error:
        raise MemoryError(message) from error


@functools.cache
def _memory():
    """Bytes of the memory of this machine; infinity if they are not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return math.inf

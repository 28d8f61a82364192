"""Probabilities of a classifier that do not depend on how many rows are asked, and draws."""

import numpy as np
from threadpoolctl import threadpool_limits

from skjetsim._drawing._chunked import CHUNK_ROWS
from skjetsim.utils._tables import as_table


def log_proba(classifier, n_classes, X, names):
    """Log-probabilities of a classifier, on full chunks and one thread of BLAS.

    So the rounding of a row does not depend on how many come with it.

    Parameters
    ----------
    classifier : classifier or None
        None stands for a single class.
    n_classes : int
    X : ndarray of shape (n_samples, n_features)
    names : sequence of str or None
        Column names that the classifier knows.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    result = np.zeros((len(X), n_classes))
    if classifier is None:
        return result
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, len(X), CHUNK_ROWS):
            rows = np.minimum(np.arange(start, start + CHUNK_ROWS), len(X) - 1)
            proba = classifier.predict_proba(as_table(X[rows], names))
            part = result[start : start + CHUNK_ROWS]
            # Never zero: what is left when others are excluded may be what it excludes.
            part[:] = np.log(np.maximum(proba[: len(part)], np.finfo(np.float64).tiny))
    return result


def draw_classes(probability, repeats, rng):
    """Class of each draw, those of one event side by side.

    Parameters
    ----------
    probability : ndarray of shape (n_samples, n_classes)
    repeats : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n_samples * repeats,)
    """
    below = np.cumsum(probability, axis=1)
    # Rounding must not leave room for a class that cannot be.
    left = np.cumsum(probability[:, ::-1], axis=1)[:, ::-1]
    below[:, :-1][left[:, 1:] == 0] = 1.0
    uniform = rng.random((len(probability), repeats))
    number = np.zeros(uniform.shape, dtype=np.int64)
    for edge in below[:, :-1].T:
        number += uniform >= edge[:, None]
    return number.ravel()

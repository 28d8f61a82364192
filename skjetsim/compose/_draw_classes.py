"""Classes of events: a classifier that learns them, its probabilities, and draws."""

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from skjetsim._classifiers._training import boosted_trees, ones_per_class
from skjetsim._drawing._chunked import CHUNK_ROWS
from skjetsim.base._inside import fit_weighted
from skjetsim.utils._seeds import as_seed_sequence, int_seed
from skjetsim.utils._tables import take_rows
from skjetsim.utils._threads import fit_threads

CLASSIFIER = 0  # branch of the seed of `fit`


def fitted_classifier(estimator, table, number, n_classes, weight):
    """Fit a clone of the parameter `classifier`, or the default trees.

    Parameters
    ----------
    estimator : estimator
        With the parameters `classifier` and `random_state`.
    table : array-like of shape (n_samples, n_features)
    number : ndarray of int, shape (n_samples,)
        Class of each event.
    n_classes : int
    weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    classifier or None
        None if there is one class.
    """
    if n_classes == 1:
        return None
    if estimator.classifier is not None:
        with fit_threads(len(table)):
            return fit_weighted(clone(estimator.classifier), table, number, weight=weight)
    seed = int_seed(as_seed_sequence(estimator.random_state), CLASSIFIER)
    trees = boosted_trees("probabilities", seed, n_rows=len(table), n_classes=n_classes)
    rows, weight = ones_per_class(number, weight)
    with fit_threads(len(rows)):
        return fit_weighted(trees, take_rows(table, rows), number[rows], weight=weight)


def log_proba(classifier, n_classes, table):
    """Log-probabilities of a classifier, on full chunks and one thread of BLAS.

    The rounding of a row then does not depend on the number of rows.

    Parameters
    ----------
    classifier : classifier or None
        None if there is a single class.
    n_classes : int
    table : array-like of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    result = np.zeros((len(table), n_classes))
    if classifier is None:
        return result
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, len(table), CHUNK_ROWS):
            rows = np.minimum(np.arange(start, start + CHUNK_ROWS), len(table) - 1)
            proba = classifier.predict_proba(take_rows(table, rows))
            part = result[start : start + CHUNK_ROWS]
            # Not zero: if all other classes are excluded, this one is left.
            part[:] = np.log(np.maximum(proba[: len(part)], np.finfo(np.float64).tiny))
    return result


def draw_classes(probability, repeats, rng):
    """Draw the class of each event `repeats` times; draws of an event are next to each other.

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
    # Rounding must not leave room for a class of probability zero.
    left = np.cumsum(probability[:, ::-1], axis=1)[:, ::-1]
    below[:, :-1][left[:, 1:] == 0] = 1.0
    uniform = rng.random((len(probability), repeats))
    number = np.zeros(uniform.shape, dtype=np.int64)
    for edge in below[:, :-1].T:
        number += uniform >= edge[:, None]
    return number.ravel()

"""Probabilities of classes: a default classifier, in full chunks, and draws from them."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from skjetsim._sampling import CHUNK_ROWS

__all__ = ["check_classifier", "default_classifier", "draw_classes", "log_proba"]


def check_classifier(classifier):
    """Raise TypeError unless it gives probabilities, or is None."""
    if classifier is not None and (
        isinstance(classifier, type) or not hasattr(classifier, "predict_proba")
    ):
        raise TypeError(
            f"classifier must be a classifier with predict_proba, or None, got {classifier!r}."
        )


def default_classifier(n_rows, seed):
    """Gradient-boosted trees with early stopping.

    Parameters
    ----------
    n_rows : int
        Of the fit.
    seed : numpy.random.SeedSequence
    """
    # By held-out log-loss of the acceptance of W + jet (benchmarks/efficiency.py). A tenth of
    # fewer events could not say when to stop.
    early = n_rows >= 1000
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=1000 if early else 100,
        max_leaf_nodes=15,
        min_samples_leaf=int(np.clip(n_rows // 1000, 20, 100)),
        early_stopping=early,
        random_state=int(seed.generate_state(1)[0]),
    )


def log_proba(classifier, n_classes, X, to_table):
    """Log-probabilities of a classifier, on full chunks and one thread of BLAS.

    So the rounding of a row does not depend on how many come with it.

    Parameters
    ----------
    classifier : classifier or None
        None stands for a single class.
    n_classes : int
    X : ndarray of shape (n_samples, n_features)
    to_table : callable
        Makes of rows of X what the classifier takes.

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
            proba = classifier.predict_proba(to_table(X[rows]))
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

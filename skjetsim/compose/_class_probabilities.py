"""Probabilities of classes: classifiers and their weights, in full chunks, and draws from them."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from skjetsim._drawing._chunked import CHUNK_ROWS
from skjetsim.base._tags import innermost
from skjetsim.compose._inner import weight_name

__all__ = [
    "alone_as_halves",
    "check_classifier",
    "default_classifier",
    "draw_classes",
    "fit_classifier",
    "log_proba",
    "used_events",
]


def check_classifier(classifier):
    """Raise TypeError unless it gives probabilities, or is None."""
    if classifier is not None and (
        isinstance(classifier, type) or not hasattr(classifier, "predict_proba")
    ):
        raise TypeError(
            f"classifier must be a classifier with predict_proba, or None, got {classifier!r}."
        )


def used_events(weight):
    """Rows of the events that count, at least two."""
    used = np.flatnonzero(weight > 0)
    if len(used) < 2:
        raise ValueError(f"At least two events of positive weight are needed, got {len(used)}.")
    return used


def default_classifier(n_rows, seed, n_classes=2):
    """Gradient-boosted trees with early stopping.

    Parameters
    ----------
    n_rows : int
        Of the fit.
    seed : numpy.random.SeedSequence
    n_classes : int
    """
    # By held-out log-loss of the acceptance of W + jet (benchmarks/simulation/efficiency.py). A
    # tenth of fewer events could not say when to stop, nor hold one of each class.
    early = n_rows >= max(1000, 10 * n_classes)
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=1000 if early else 100,
        max_leaf_nodes=15,
        min_samples_leaf=int(np.clip(n_rows // 1000, 20, 100)),
        early_stopping=early,
        random_state=int(seed.generate_state(1)[0]),
    )


def alone_as_halves(number, weight):
    """Rows and weights in which an event alone in its class is two of half the weight.

    Early stopping splits each class, for which it wants two events. The likelihood is the same.

    Parameters
    ----------
    number : ndarray of int, shape (n_samples,)
        Class of each event.
    weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    rows : ndarray of int
    weight : ndarray or None
    """
    alone = np.flatnonzero(np.bincount(number)[number] == 1)
    rows = np.concatenate([np.arange(len(number)), alone])
    if len(alone):
        weight = np.ones(len(number)) if weight is None else weight.copy()
        weight[alone] /= 2
        weight = weight[rows]
    return rows, weight


def fit_classifier(classifier, table, number, weight):
    """Fit a classifier, with weights where there are any.

    Parameters
    ----------
    classifier : classifier
        Fitted in place.
    table : DataFrame or ndarray of shape (n_samples, ...)
    number : ndarray of int, shape (n_samples,)
        Class of each event.
    weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    classifier

    Raises
    ------
    ValueError
        Where there are weights, which its `fit` does not take.
    """
    weights = {} if weight is None else {weight_name(classifier): weight}
    if weights and not has_fit_parameter(innermost(classifier), "sample_weight"):
        raise ValueError(
            f"{type(innermost(classifier)).__name__} does not take sample_weight in fit: take "
            "another classifier, or unweight the events first."
        )
    return classifier.fit(table, number, **weights)


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

"""Checks, fits and log-odds of classifiers, and the default trees that stand for None."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from skjetsim.utils._threads import protect_forks


def check_classifier(classifier, *methods):
    """Raise TypeError unless a classifier is None or has one of the methods."""
    present = any(hasattr(classifier, name) for name in methods)
    if classifier is not None and (isinstance(classifier, type) or not present):
        raise TypeError(
            f"classifier must be a classifier with {' or '.join(methods)}, or None, got "
            f"{classifier!r}."
        )


def boosted_trees(purpose, random_state=None, *, n_rows=0, n_classes=2):
    """Gradient-boosted trees with the settings for a purpose.

    Parameters
    ----------
    purpose : {"probabilities", "ratio", "test"}
        The trees give probabilities of classes or the ratio of two densities, or test whether two
        samples differ.
    random_state : int or None
    n_rows, n_classes : int
        Size of the fit, which "probabilities" needs.

    Returns
    -------
    HistGradientBoostingClassifier
    """
    if purpose == "probabilities":
        # Chosen by held-out log-loss for the acceptance of W + jet
        # (benchmarks/simulation/efficiency.py). If there are fewer events, a tenth of them cannot
        # tell when to stop, or lacks a class.
        early = n_rows >= max(1000, 10 * n_classes)
        params = {
            "learning_rate": 0.05,
            "max_iter": 1000 if early else 100,
            "max_leaf_nodes": 15,
            "min_samples_leaf": int(np.clip(n_rows // 1000, 20, 100)),
            "early_stopping": early,
        }
    elif purpose == "ratio":
        # A ratio of two spectra is smooth: small trees with large leaves fit less noise.
        params = {"max_iter": 300, "max_leaf_nodes": 8, "min_samples_leaf": 50}
        params["early_stopping"] = True
    else:
        # A fixed number of trees: early stopping would split the events row by row, but both
        # versions of an event have to be on the same side.
        params = {"learning_rate": 0.15, "max_iter": 100, "early_stopping": False}
    protect_forks()
    return HistGradientBoostingClassifier(**params, random_state=random_state)


def ones_per_class(number, weight):
    """Rows and weights with two events of half the weight in place of the only one of a class.

    Early stopping splits each class, and needs two events to do so. The likelihood is the same.

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


def log_odds(classifier, table):
    """Log-odds of the second of two classes: `decision_function` if there is one.

    Parameters
    ----------
    classifier : fitted classifier
        With `decision_function` or `predict_proba`.
    table : array-like of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if hasattr(classifier, "decision_function"):
        return classifier.decision_function(table)
    probability = classifier.predict_proba(table)[:, 1]
    tiny = np.finfo(np.float32).eps  # bounds the odds if all votes agree
    return np.log(np.maximum(probability, tiny)) - np.log(np.maximum(1 - probability, tiny))

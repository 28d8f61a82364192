"""The ratio of two densities, which a classifier learns in folds, and its calibration."""

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from skjetsim._classifiers._training import log_odds
from skjetsim.base._inside import fit_weighted, takes_weight
from skjetsim.utils._repeated_rows import repeated_rows
from skjetsim.utils._tables import as_table
from skjetsim.utils._threads import fit_threads


def equal_weights(parts, counts):
    """Joined weights of several samples. Each sample has the same sum, and the mean is one.

    With these weights the odds of a classifier are the ratio of the densities.

    Parameters
    ----------
    parts : sequence of ndarray or None
        Weights of each sample.
    counts : sequence of int
        Number of events of each sample.

    Returns
    -------
    ndarray of shape (sum of counts,)
    """
    shares = [
        np.full(n, 1 / n) if weight is None else weight / weight.sum()
        for weight, n in zip(parts, counts, strict=True)
    ]
    return np.concatenate(shares) * (sum(counts) / len(counts))


def _folds(below, above, label, n_folds, seed):
    """Yield the rows of training and of each fold; copies of a row are in one fold."""
    settings = {"shuffle": True, "random_state": seed}
    value = repeated_rows(below, above)
    if value is None:
        yield from StratifiedKFold(n_folds, **settings).split(label, label)
        return
    alone = np.flatnonzero(value < 0)
    value[alone] = value.max() + 1 + np.arange(len(alone))
    first = np.unique(value, return_index=True)[1]  # one row of each value
    n_folds = min(n_folds, np.bincount(label[first]).min())
    for _, held_out in StratifiedKFold(n_folds, **settings).split(first, label[first]):
        chosen = np.isin(value, held_out)
        yield np.flatnonzero(~chosen), np.flatnonzero(chosen)


def log_ratio(classifier, below, above, weights, *, n_folds, seed, names=None, at=None):
    """Log of the density of `above` over that of `below`, at the events of `below`.

    The classifier that scores an event was trained on the other folds, and on no copy of the event.
    A logistic regression of two parameters calibrates the scores of all events to log-odds.

    Parameters
    ----------
    classifier : classifier
        A clone is fitted for each fold.
    below, above : ndarray of shape (n_below, n_features), (n_above, n_features)
    weights : pair of ndarray or None
        Weights of the events of `below` and `above`.
    n_folds : int
    seed : int
        Seed of the folds.
    names : sequence of str, optional
        Column names for the classifier.
    at : ndarray of shape (n_below, n_features), optional
        Points at which the ratio is computed, instead of the events of `below`.

    Returns
    -------
    log_ratio : ndarray of shape (n_below,)
    auc : float
        Area under the ROC curve of the scores.

    Raises
    ------
    ValueError
        If there are weights, and `fit` of the classifier does not take them.
    """
    rows = np.concatenate([below, above])
    label = np.repeat([0, 1], [len(below), len(above)])
    weight = equal_weights(weights, [len(below), len(above)])
    weighted = any(part is not None and np.ptp(part) > 0 for part in weights)
    handed = weight if weighted or takes_weight(classifier) else None
    scores, asked = np.empty((len(rows), 1)), np.empty(len(below))
    for training, held_out in _folds(below, above, label, n_folds, seed):
        own = None if handed is None else handed[training]
        table = as_table(rows[training], names)
        with fit_threads(len(training)):
            fitted = fit_weighted(clone(classifier), table, label[training], weight=own)
        scores[held_out, 0] = log_odds(fitted, as_table(rows[held_out], names))
        events = held_out[held_out < len(below)]
        asked[events] = scores[events, 0]
        if at is not None:
            asked[events] = log_odds(fitted, as_table(at[events], names))
    # If the classifier learnt nothing, the sign of the slope is random.
    line = LogisticRegression(C=1e9).fit(scores, label, sample_weight=weight)
    slope = max(float(line.coef_[0, 0]), 0.0)
    centre = line.intercept_[0] if slope > 0 else 0.0
    auc = float(roc_auc_score(label, scores[:, 0], sample_weight=weight))
    return slope * asked + centre, auc

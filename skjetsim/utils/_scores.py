"""Scores of draws, for the metrics and for `score` of estimators."""

import numpy as np

# Doubles held at once: draws are compared in blocks of events of this many numbers.
_BLOCK = 4_000_000


def event_blocks(n_events, numbers_per_event):
    """Slices of events that hold some four million numbers each."""
    size = max(1, _BLOCK // max(1, numbers_per_event))
    return [slice(start, start + size) for start in range(0, n_events, size)]


def energy_scores(y, draws, *, fair=True):
    """Energy score of each event, E||y' - y|| - E||y' - y''|| / 2.

    Parameters
    ----------
    y : ndarray of shape (n, n_columns)
    draws : ndarray of shape (n, n_draws, n_columns)
    fair : bool
        Leave out the pairs of a draw with itself.

    Returns
    -------
    ndarray of shape (n,)
    """
    n_draws = draws.shape[1]
    n_pairs = n_draws * (n_draws - 1) / 2 if fair else n_draws**2 / 2
    score = np.empty(len(y))
    for rows in event_blocks(len(y), draws[0].size):
        block = draws[rows]
        spread = np.zeros(len(block))
        for lag in range(1, n_draws):
            spread += np.linalg.norm(block[:, lag:] - block[:, :-lag], axis=2).sum(axis=1)
        accuracy = np.linalg.norm(block - y[rows, None], axis=2).mean(axis=1)
        score[rows] = accuracy - 0.5 * spread / n_pairs
    return score

"""Scores of draws, for the metrics and for `score` of estimators."""

import numpy as np

from skjetsim.utils._angles import TWO_PI

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


def chord_scores(y, draws, *, fair=True):
    """CRPS of each event and angle, with chords 2 sin(delta / 2) for distances.

    Parameters
    ----------
    y : ndarray of shape (n, n_columns)
        Angles.
    draws : ndarray of shape (n, n_draws, n_columns)
    fair : bool
        Leave out the pairs of a draw with itself.

    Returns
    -------
    ndarray of shape (n, n_columns)
    """
    n_draws = draws.shape[1]
    n_pairs = n_draws * (n_draws - 1) / 2 if fair else n_draws**2 / 2
    # In a sorted turn no half difference has a negative sine, so that the sum over pairs of
    # sin((b - a) / 2) needs only the sums of sines and cosines of the draws below each.
    half = 0.5 * np.sort(np.mod(draws, TWO_PI), axis=1)
    sine, cosine = np.sin(half), np.cos(half)
    below = (np.cumsum(each, axis=1) - each for each in (cosine, sine))
    cosines, sines = below
    spread = 2.0 * (sine * cosines - cosine * sines).sum(axis=1)
    accuracy = 2.0 * np.abs(np.sin(0.5 * (draws - y[:, None]))).mean(axis=1)
    return accuracy - 0.5 * spread / n_pairs

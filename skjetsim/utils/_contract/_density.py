"""Check that events are drawn from the density that `score_samples` gives."""

import warnings

import numpy as np
import pandas as pd

from skjetsim._drawing._sample import log_prob, sample, sample_inverse
from skjetsim.base import is_generator, is_unfolder
from skjetsim.utils._contract._events import fitted, hold

N_DRAWS = 8000  # half of them choose the box
N_POINTS = 4000
N_CONDITIONS = 3
FEWEST = 50  # draws in the box that can be compared
MARGIN = 0.1  # of the share of the draws
N_SIGMA = 5


def check_draws_follow_the_density(name, estimator, events):
    """`sample` and `score_samples` describe the same density.

    They are compared in a box that holds half of the draws. There, the integral of the density is
    the share of the draws, and the mean of log p over the draws is at least that of a flat density
    of the same share (Gibbs' inequality).
    """
    model, (X, y) = fitted(estimator, events), events()
    if not hasattr(model, "score_samples"):
        return
    with warnings.catch_warnings():  # a box of draws may lie anywhere
        warnings.filterwarnings("ignore", ".* events outside the range")
        _compare_both(name, model, X, y)


def _compare_both(name, model, X, y):
    if is_generator(model):
        drawn = sample(model, n_samples=N_DRAWS, random_state=0)
        _compare(name, drawn, lambda table: log_prob(model, pd.DataFrame(table, columns=list(X))))
        return
    given, asked, draws = (y, X, sample_inverse) if is_unfolder(model) else (X, y, sample)
    for row in range(N_CONDITIONS):
        condition = given.iloc[[row]]
        drawn = draws(model, condition, n_samples=N_DRAWS, random_state=0)[0]

        def density(table, condition=condition):
            sides = (
                condition.iloc[np.zeros(len(table), dtype=int)].reset_index(drop=True),
                pd.DataFrame(table, columns=list(asked)),
            )
            return log_prob(model, *(sides[::-1] if is_unfolder(model) else sides))

        _compare(f"{name}, {'y' if is_unfolder(model) else 'X'} of row {row}", drawn, density)


def _compare(what, drawn, density):
    """Compare draws with a log-density in a box, within the errors of both."""
    low, high = _box(drawn[::2])
    drawn = drawn[1::2]
    near = drawn[((low <= drawn) & (drawn <= high)).all(axis=1)]
    if len(near) < FEWEST:
        return
    share, volume = len(near) / len(drawn), np.prod((high - low)[high > low])
    log_p = density(near)
    flat = np.log(share / volume)
    error = MARGIN + N_SIGMA * np.sqrt((1 + log_p.var()) / len(near))
    hold(
        log_p.mean() > flat - error,
        f"{what}: score_samples of its own draws averages {log_p.mean():.3g}, where a flat density "
        f"has {flat:.3g}: events are drawn from another density.",
    )
    points = np.random.default_rng(0).uniform(low, high, (N_POINTS, len(low)))
    integrand = volume * np.exp(density(points))
    integral = integrand.mean()
    error = np.hypot(integrand.std() / np.sqrt(N_POINTS), np.sqrt(share / len(drawn)))
    hold(
        integral < (1 + MARGIN) * share + N_SIGMA * error,
        f"{what}: {share:.1%} of the draws lie in a box where the integral of score_samples is "
        f"{integral:.1%}: events are drawn from another density.",
    )


def _box(drawn):
    """Bounds of the middle of each column, or the value that repeats most, twice."""
    n_columns = drawn.shape[1]
    bounds, kept, free = np.empty((2, n_columns)), np.ones(len(drawn), dtype=bool), []
    for column in sorted(range(n_columns), key=lambda c: len(np.unique(drawn[:, c]))):
        values, counts = np.unique(drawn[kept, column], return_counts=True)
        if counts.max() > 0.01 * len(drawn):
            bounds[:, column] = values[counts.argmax()]
            kept &= drawn[:, column] == bounds[0, column]
        else:
            free.append(column)
    share = 0.5 ** (1 / max(len(free), 1))
    bounds[:, free] = np.quantile(drawn[kept][:, free], [0.5 - share / 2, 0.5 + share / 2], axis=0)
    return bounds

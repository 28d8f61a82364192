"""Scores of per-event draws: CRPS, energy score, coverage of the posterior's quantiles."""

from __future__ import annotations

import numpy as np

from skjetsim._validation import check_option
from skjetsim.metrics._checks import (
    MULTIOUTPUTS,
    aggregate,
    check_ensemble,
    check_scale,
    check_weight,
)

# Doubles held at once: draws are compared in blocks of events of this many numbers.
_BLOCK = 4_000_000


def _blocks(n_events, numbers_per_event):
    size = max(1, _BLOCK // max(1, numbers_per_event))
    return [slice(start, start + size) for start in range(0, n_events, size)]


def crps(truth, generated, *, sample_weight=None, fair=True, scale=None, multioutput="raw_values"):
    """Continuous ranked probability score of each feature, from per-event draws.

    Parameters
    ----------
    truth : array-like of shape (n, n_features)
    generated : array-like of shape (n, n_draws, n_features)
        Draws for each event, as `sample(X, n_samples=n_draws)` gives them; (n, n_draws) for one
        feature.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    fair : bool, default=True
        Unbiased in the number of draws [2]_: the pairs of a draw with itself are left out.
        Needs two draws.
    scale : {None, "std"}, default=None
        In the column's unit, or in standard deviations of the truth.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"

    Returns
    -------
    ndarray of shape (n_features,), or float
        E|y' - y| - E|y' - y''| / 2 [1]_, averaged over events. Lower is better, smallest in
        expectation for the true conditional distribution; never zero unless that is sharp.

    Raises
    ------
    ValueError
        On NaN, infinity, too few draws, unequal numbers of events or columns, negative weights.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and
       estimation", J. Am. Stat. Assoc. 102 (2007) 359, equation 21.
    .. [2] C. A. T. Ferro, "Fair scores for ensemble forecasts", Q. J. R. Meteorol. Soc. 140
       (2014) 1917.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import crps
    >>> crps(np.array([[0.0]]), np.array([[[-1.0], [1.0]]]), fair=False)
    array([0.5])
    """
    check_option(multioutput, "multioutput", MULTIOUTPUTS)
    y, draws, _ = check_ensemble(truth, generated, min_draws=2 if fair else 1)
    weight = check_weight(sample_weight, len(y), "sample_weight")
    n_draws = draws.shape[1]
    n_pairs = n_draws * (n_draws - 1) if fair else n_draws**2
    # In sorted order, the sum over pairs of |y' - y''| is linear in the draws.
    rank = (2 * np.arange(n_draws) - n_draws + 1)[None, :, None]
    score = np.empty_like(y)
    for rows in _blocks(len(y), draws[0].size):
        ordered = np.sort(draws[rows], axis=1)
        accuracy = np.abs(ordered - y[rows, None]).mean(axis=1)
        score[rows] = accuracy - (ordered * rank).sum(axis=1) / n_pairs
    values = np.average(score, axis=0, weights=weight) / check_scale(scale, y, weight)
    return aggregate(values, multioutput)


def energy_score(truth, generated, *, sample_weight=None, fair=True, scale=None):
    """Energy score of per-event draws: the CRPS in many dimensions.

    Parameters
    ----------
    truth : array-like of shape (n, n_features)
    generated : array-like of shape (n, n_draws, n_features)
        Draws for each event; (n, n_draws) for one feature.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    fair : bool, default=True
        Unbiased in the number of draws: the pairs of a draw with itself are left out. Needs two
        draws.
    scale : {None, "std"}, default=None
        With "std" each column is divided by the truth's standard deviation first, which columns
        of different units (GeV and radians) need.

    Returns
    -------
    float
        E||y' - y|| - E||y' - y''|| / 2 [1]_, averaged over events. Lower is better, smallest in
        expectation for the true p(y given X).

    Raises
    ------
    ValueError
        On NaN, infinity, too few draws, unequal numbers of events or columns, negative weights.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and
       estimation", J. Am. Stat. Assoc. 102 (2007) 359, equation 22.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import energy_score
    >>> draws = np.array([[[3.0, 4.0], [-3.0, -4.0]]])
    >>> energy_score(np.zeros((1, 2)), draws, fair=False)
    2.5
    """
    y, draws, _ = check_ensemble(truth, generated, min_draws=2 if fair else 1)
    weight = check_weight(sample_weight, len(y), "sample_weight")
    if scale is not None:
        unit = check_scale(scale, y, weight)
        y, draws = y / unit, draws / unit
    n_draws = draws.shape[1]
    n_pairs = n_draws * (n_draws - 1) / 2 if fair else n_draws**2 / 2
    score = np.empty(len(y))
    for rows in _blocks(len(y), draws[0].size):
        block = draws[rows]
        spread = np.zeros(len(block))
        for lag in range(1, n_draws):
            spread += np.linalg.norm(block[:, lag:] - block[:, :-lag], axis=2).sum(axis=1)
        accuracy = np.linalg.norm(block - y[rows, None], axis=2).mean(axis=1)
        score[rows] = accuracy - 0.5 * spread / n_pairs
    return float(np.average(score, weights=weight))


def quantile_coverage(truth, generated, levels=None, *, sample_weight=None, central=False):
    """How often the truth falls below each quantile of its event's draws.

    Parameters
    ----------
    truth : array-like of shape (n, n_features)
    generated : array-like of shape (n, n_draws, n_features)
        Posterior (or simulated) draws for each event; (n, n_draws) for one feature.
    levels : array-like of shape (n_levels,), optional
        Probabilities in (0, 1); by default 0.1, 0.2, ..., 0.9.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    central : bool, default=False
        True counts the truth inside the central interval of each level instead.

    Returns
    -------
    ndarray of shape (n_levels, n_features)
        Equal to `levels` for a calibrated model, up to sqrt(q (1 - q) / n). Draws from the
        prior are calibrated too: show it beside the CRPS.

    Raises
    ------
    ValueError
        On NaN, infinity, levels outside (0, 1), unequal numbers of events or columns, or too few
        draws for a level: (n_draws + 1) times its tail must reach one.

    Notes
    -----
    The check of the conditional INN in [1]_. Quantiles are taken at rank q (n_draws + 1), for
    which coverage is exact at any number of draws; a truth equal to a quantile counts half.

    References
    ----------
    .. [1] M. Bellagente et al., "Invertible networks or partons to detector and back again",
       SciPost Phys. 9 (2020) 074, arXiv:2006.06685.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import quantile_coverage
    >>> rng = np.random.default_rng(0)
    >>> truth, draws = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 99))
    >>> quantile_coverage(truth, draws, [0.5]).round(1)
    array([[0.5]])
    """
    y, draws, _ = check_ensemble(truth, generated)
    weight = check_weight(sample_weight, len(y), "sample_weight")
    levels = np.linspace(0.1, 0.9, 9) if levels is None else np.asarray(levels, dtype=np.float64)
    if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(f"levels must be probabilities between 0 and 1, got {levels!r}.")
    cuts = np.concatenate([(1 - levels) / 2, (1 + levels) / 2]) if central else levels
    tail = min(cuts.min(), 1 - cuts.max())
    if tail * (draws.shape[1] + 1) < 1 - 1e-9:
        raise ValueError(
            f"{draws.shape[1]} draws an event do not reach the quantile {tail:g} from the end: "
            f"at least {int(np.ceil(1 / tail - 1e-9)) - 1} are needed."
        )
    coverage = np.zeros((len(cuts), y.shape[1]))
    share = np.full(len(y), 1.0 / len(y)) if weight is None else weight / weight.sum()
    for rows in _blocks(len(y), draws[0].size):
        quantiles = np.quantile(draws[rows], cuts, axis=1, method="weibull")
        below = (y[rows] < quantiles) + 0.5 * (y[rows] == quantiles)
        coverage += np.einsum("n,knd->kd", share[rows], below)
    if central:
        lower, upper = np.split(coverage, 2)
        return upper - lower
    return coverage

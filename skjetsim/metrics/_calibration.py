"""Scores of several draws for each event: CRPS and energy score."""

import numpy as np

from skjetsim.utils._circle import angle_columns, on_circle
from skjetsim.utils._comparison import (
    MULTIOUTPUTS,
    aggregate,
    check_ensemble,
    check_scale,
    check_weight,
)
from skjetsim.utils._scores import chord_scores, energy_scores, event_blocks
from skjetsim.utils._validation import check_option, check_same_events


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
        None gives the score in the column's unit, "std" in standard deviations of the truth.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"
        The average and the maximum need columns of one unit, or `scale="std"`.

    Returns
    -------
    ndarray of shape (n_features,), or float
        E|y' - y| - E|y' - y''| / 2 [1]_, averaged over events. Lower is better. Its expectation is
        smallest for the true conditional distribution, and zero only if that has no width.

    Raises
    ------
    ValueError
        On NaN, infinity, too few draws, unequal numbers of events or columns, negative weights.

    Notes
    -----
    For columns of truth that are angles by their names, |y' - y| is the chord 2 sin(delta / 2),
    which is the angle in radians if that is small. With it the score is strictly proper on the
    circle.

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
    y, draws, names = check_ensemble(truth, generated, min_draws=2 if fair else 1)
    check_same_events(truth, None, sample_weight, names=("truth", ""))
    weight = check_weight(sample_weight, len(y), "sample_weight")
    circular = angle_columns(names, y.shape[1])
    n_draws = draws.shape[1]
    n_pairs = n_draws * (n_draws - 1) if fair else n_draws**2
    # In sorted order, the sum over pairs of |y' - y''| is linear in the draws.
    rank = (2 * np.arange(n_draws) - n_draws + 1)[None, :, None]
    score = np.empty_like(y)
    for rows in event_blocks(len(y), draws[0].size):
        ordered = np.sort(draws[rows], axis=1)
        accuracy = np.abs(ordered - y[rows, None]).mean(axis=1)
        score[rows] = accuracy - (ordered * rank).sum(axis=1) / n_pairs
        if circular.any():
            angles = y[rows][:, circular], draws[rows][..., circular]
            score[rows, circular] = chord_scores(*angles, fair=fair)
    values = np.average(score, axis=0, weights=weight) / check_scale(scale, y, weight, circular)
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
        Unbiased in the number of draws: the pairs of a draw with itself are left out. It needs two
        draws.
    scale : {None, "std"}, default=None
        With "std" each column is divided by the truth's standard deviation first. Columns of
        different units (GeV and radians) need this.

    Returns
    -------
    float
        E||y' - y|| - E||y' - y''|| / 2 [1]_, averaged over events. Lower is better. Its expectation
        is smallest for the true p(y given X).

    Raises
    ------
    ValueError
        On NaN, infinity, too few draws, unequal numbers of events or columns, negative weights.

    Notes
    -----
    A column of truth that is an angle by its name enters as its cosine and its sine, so that
    distances are chords.

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
    y, draws, names = check_ensemble(truth, generated, min_draws=2 if fair else 1)
    check_same_events(truth, None, sample_weight, names=("truth", ""))
    weight = check_weight(sample_weight, len(y), "sample_weight")
    circular = angle_columns(names, y.shape[1])
    if scale is not None or circular.any():
        unit = check_scale(scale, y, weight, circular)
        y, draws = (on_circle(table, circular, unit) for table in (y, draws))
    return float(np.average(energy_scores(y, draws, fair=fair), weights=weight))

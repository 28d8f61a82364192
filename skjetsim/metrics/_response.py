"""Quantiles of the detector response y - X, which no single event decides."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from skjetsim.metrics._residuals import Residuals
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._circle import mean_direction
from skjetsim.utils._comparison import MULTIOUTPUTS, aggregate
from skjetsim.utils._validation import check_option
from skjetsim.utils._weighted import effective_size, weighted_quantile

QUANTITIES = ("bias", "half_width_68", "half_width_95", "beyond_5")
_LEVELS = np.array([0.5, 0.16, 0.84, 0.025, 0.975])
_FAR = 5.0


def response_quantiles(
    truth,
    generated,
    *,
    X,
    by=None,
    bins=4,
    angles=None,
    sample_weight=None,
    generated_weight=None,
):
    """Bias, widths and tails of the true and the generated detector response y - X.

    Parameters
    ----------
    truth : array-like of shape (n, n_features)
        Detector-level events y.
    generated : array-like of shape (n, n_features)
        Simulated detector-level events, row i for the same theory-level event.
    X : array-like of shape (n, n_columns)
        Theory-level events. With names it must hold every column of truth and may hold more.
        Without names it must have as many columns as truth.
    by : str, int or array-like of shape (n,), optional
        A column of X, or one value per event. The response is described in bins of it. By default
        all events are one bin.
    bins : int or array-like of edges, default=4
        As in `residual_wasserstein`.
    angles : sequence of str or int, optional
        Columns whose difference is wrapped into (-pi, pi]. By default those that are angles by
        their name.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    generated_weight : array-like of shape (n,), optional
        By default sample_weight, since both sides are the same events.

    Returns
    -------
    DataFrame
        Columns `truth`, `generated`, `difference` (generated minus truth) and `error`, the standard
        error of the difference. The index has the levels `column` and `quantity`, behind the bin if
        there is `by`. The quantities are

        - `bias`: the median,
        - `half_width_68`: half the distance of the 16% and the 84% quantile, which is one standard
          deviation of a Gaussian,
        - `half_width_95`: half the distance of the 2.5% and the 97.5% quantile,
        - `beyond_5`: the share of events further than five `half_width_68` of the truth from the
          truth's median. It is 6e-7 for a Gaussian.

    Raises
    ------
    ValueError
        On NaN, infinity, unequal lengths or indices, a column of truth that X lacks, or an empty
        bin.

    See Also
    --------
    response_difference : One number for each column.
    residual_wasserstein : A distance to which the tails contribute by their length.

    Notes
    -----
    Errors follow from the influence of each event on the quantiles. True and generated response of
    an event are compared as a pair. A share of zero gets the error of one event.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.metrics import response_quantiles
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"muon_pt": rng.uniform(20.0, 100.0, size=5000)})
    >>> reco, drawn = X + rng.normal(0, 1, size=(5000, 1)), X + rng.normal(0, 2, size=(5000, 1))
    >>> table = response_quantiles(reco, drawn, X=X)
    >>> table.loc[("muon_pt", "half_width_68")].round(1)
    truth         1.0
    generated     2.0
    difference    1.0
    error         0.0
    Name: (muon_pt, half_width_68), dtype: float64
    """
    residuals = Residuals(truth, generated, X, angles, sample_weight, generated_weight)
    columns = residuals.names or list(range(residuals.n_columns))
    tables, keys = [], []
    for interval, rows in residuals.bins(by, bins):
        true, drawn, weight, drawn_weight = residuals.part(rows)
        for k, column in enumerate(columns):
            tables.append(
                _described(true[:, k], drawn[:, k], weight, drawn_weight, residuals.circular[k])
            )
            keys.append((column,) if by is None else (interval, column))
    names = ["column"] if by is None else [residuals.label, "column"]
    keys = keys if by is not None else [key[0] for key in keys]
    return pd.concat(tables, keys=keys, names=names)


def response_difference(
    truth,
    generated,
    *,
    X,
    by=None,
    bins=4,
    angles=None,
    sample_weight=None,
    generated_weight=None,
    multioutput="raw_values",
):
    """How far bias and widths of the detector response y - X are off: one number for each column.

    Parameters
    ----------
    truth, generated, X, by, bins, angles, sample_weight, generated_weight
        As in `response_quantiles`.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"

    Returns
    -------
    ndarray of shape (n_features,), DataFrame or ndarray of shape (n_bins, n_features), or float
        The mean of the absolute differences of `bias`, `half_width_68` and `half_width_95`, in
        units of the truth's `half_width_68`. With `by` it has a row for each bin, as in
        `residual_wasserstein`. No single event decides it: a quantile moves by the distance to the
        next event at most.

    Raises
    ------
    ValueError
        As `response_quantiles`.

    Notes
    -----
    If more than 68% of the true residuals are equal, the unit is `half_width_95`, and that of the
    column if this is zero, too.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import response_difference
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(20.0, 100.0, size=(5000, 1))
    >>> reco, drawn = X + rng.normal(0, 1, size=(5000, 1)), X + rng.normal(0, 2, size=(5000, 1))
    >>> response_difference(reco, drawn, X=X).round(1)
    array([1.])
    >>> drawn = X + rng.normal(0, 1, size=(5000, 1))
    >>> drawn[0] += 1e6  # one event is far off
    >>> bool(response_difference(reco, drawn, X=X) < 0.1)
    True
    """
    check_option(multioutput, "multioutput", MULTIOUTPUTS)
    residuals = Residuals(truth, generated, X, angles, sample_weight, generated_weight)
    table = [
        differences(*residuals.part(rows), residuals.circular)
        for _, rows in residuals.bins(by, bins)
    ]
    if multioutput != "raw_values":
        return aggregate(np.array(table), multioutput)
    return table[0] if by is None else residuals.as_table(table)


def differences(truth, generated, weight=None, generated_weight=None, circular=None):
    """Mean difference of bias and widths of each column, in half-widths of the truth."""
    values = np.empty(truth.shape[1])
    for k, (a, b) in enumerate(zip(truth.T, generated.T, strict=True)):
        if circular is not None and circular[k]:
            a, b, _ = _about_truth(a, b, weight)
        one = _core(weighted_quantile(a, _LEVELS, weight))
        two = _core(weighted_quantile(b, _LEVELS, generated_weight))
        values[k] = np.mean(np.abs(two - one)) / _unit(one)
    return values


def _described(truth, generated, weight, generated_weight, circular):
    """Quantities of one column: of truth, of generated, their difference and its error."""
    direction = 0.0
    if circular:
        truth, generated, direction = _about_truth(truth, generated, weight)
    one = _core(weighted_quantile(truth, _LEVELS, weight))
    two = _core(weighted_quantile(generated, _LEVELS, generated_weight))
    window = one[0], _FAR * _unit(one)
    share, influence = _influence(truth, weight, window)
    other_share, other = _influence(generated, generated_weight, window)
    least = 1.0 / min(effective_size(len(truth), each) for each in (weight, generated_weight))
    error = np.sqrt(np.square(other - influence).sum(axis=1))
    error[3] = max(error[3], least)
    values = np.array([[*one, share], [*two, other_share]])
    difference = values[1] - values[0]
    values[:, 0] = wrap_phi(values[:, 0] + direction) if circular else values[:, 0]
    return pd.DataFrame(
        {"truth": values[0], "generated": values[1], "difference": difference, "error": error},
        index=pd.Index(QUANTITIES, name="quantity"),
    )


def _about_truth(truth, generated, weight):
    """Angles measured from the mean direction of the truth."""
    direction = mean_direction(truth, weight)
    return wrap_phi(truth - direction), wrap_phi(generated - direction), direction


def _core(quantiles):
    """Median and half-widths from the quantiles at `_LEVELS`."""
    median, low, high, lowest, highest = quantiles
    return np.array([median, (high - low) / 2, (highest - lowest) / 2])


def _unit(core):
    """Half-width that differences are measured in."""
    return next((width for width in core[1:] if width > 0), 1.0)


def _influence(values, weight, window):
    """Share of events beyond the window, and the part of each event in each quantity."""
    n_events = len(values)
    share = np.full(n_events, 1.0 / n_events) if weight is None else weight / weight.sum()
    levels = _LEVELS[:, None]
    quantiles = weighted_quantile(values, _LEVELS, weight)[:, None]
    slope = _quantile_slope(values, weight)[:, None]
    median, low, high, lowest, highest = (levels - (values <= quantiles)) * slope
    beyond = np.abs(values - window[0]) > window[1]
    total = float(share @ beyond)
    parts = [median, (high - low) / 2, (highest - lowest) / 2, beyond - total]
    return total, share * parts


def _quantile_slope(values, weight):
    """Derivative of the quantile function at `_LEVELS`, one over the density.

    The width of the difference quotient is that of P. Hall, S. J. Sheather, J. R. Stat. Soc. B 50
    (1988) 381.
    """
    z = norm.ppf(_LEVELS)
    step = (norm.ppf(0.975) ** 2 * 1.5 * norm.pdf(z) ** 2 / (2 * z**2 + 1)) ** (1 / 3)
    step = step * effective_size(len(values), weight) ** (-1 / 3)
    step = np.minimum(step, 0.9 * np.minimum(_LEVELS, 1 - _LEVELS))
    around = weighted_quantile(values, np.concatenate([_LEVELS - step, _LEVELS + step]), weight)
    return (around[len(_LEVELS) :] - around[: len(_LEVELS)]) / (2 * step)

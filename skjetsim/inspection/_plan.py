"""A transport plan of one quantity in numbers: bins of both levels, quantiles, and costs."""

import warnings

import numpy as np
import pandas as pd

from skjetsim.inspection._binning import bin_edges, spread_draws
from skjetsim.metrics import transport_cost
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._weighted import weighted_quantile

BAND = (0.16, 0.5, 0.84)
FEWEST = 20  # events in a bin that has quantiles
N_ERRORS = 3  # standard errors between zero and a mean direction that counts
# If a quantity has a smaller correlation between both levels of so many events, rows are mixed up.
LEAST_CORRELATION, MANY = 0.1, 1000


def common_edges(before, after, bins, range):
    """Edges from two weighted samples that count equally."""
    values, shares = [], []
    for sample, weight in (before, after):
        sample, weight = spread_draws(sample, weight)
        values.append(sample)
        shares.append(weight / weight.sum())
    weighted = before[1] is not None or after[1] is not None or len(values[0]) != len(values[1])
    weight = np.concatenate(shares) if weighted else None
    return bin_edges(np.concatenate(values), bins, range, weight)


def fractions(values, edges, weight):
    """Fractions of all events in bins of values (n,) or (n, k)."""
    values, weight = spread_draws(values, weight)
    return np.histogram(values, edges, weights=weight)[0] / weight.sum()


def quantiles_in_bins(x, y, edges, weight, angle):
    """Band and median of y in bins of x; NaN for few events, or angles that have no direction."""
    quantiles = np.full((len(BAND), len(edges) - 1), np.nan)
    bins = np.clip(np.searchsorted(edges, x, side="right") - 1, -1, len(edges) - 1)
    bins[x == edges[-1]] -= 1  # as numpy: the last bin is closed
    for k in range(len(edges) - 1):
        rows = np.flatnonzero(bins == k)
        if weight is not None:
            rows = rows[weight[rows] > 0]
        if len(rows) < FEWEST:
            continue
        own = None if weight is None else weight[rows]
        values, shares = spread_draws(y[rows], own)
        around = 0.0
        if angle:
            around = _direction(values, shares, 0.5 * (edges[k] + edges[k + 1]))
            values = wrap_phi(values - around)
        quantiles[:, k] = around + weighted_quantile(values, BAND, None if own is None else shares)
    return quantiles


def _direction(angles, weight, nearest):
    """Mean direction of angles, within pi of `nearest`; NaN if they have no direction."""
    shares = weight / weight.sum()
    mean = np.sum(shares * np.exp(1j * angles))
    # Angles without a direction pass N_ERRORS standard errors once in 8,000 bins.
    if np.abs(mean) ** 2 < N_ERRORS**2 * np.sum(shares**2):
        return np.nan
    return nearest + wrap_phi(np.angle(mean) - nearest)


def costs(x, y, weight, angle):
    """Cost of a plan, and of the cheapest one between the same marginals."""
    y, spread, x = spread_draws(y, weight, x)
    sides = [pd.Series(side, name="phi" if angle else "quantity") for side in (x, y)]
    settings = {"sample_weight": None if weight is None else spread, "multioutput": "max"}
    return tuple(transport_cost(*sides, plan=plan, **settings) for plan in ("rows", "optimal"))


def warn_of_shuffled(x, truth, weight, angle):
    """Warn if the truth follows x no more than it would in a random pairing."""
    if len(x) < MANY or x.std() == 0 or truth.std() == 0:
        return
    correlation = _correlation(x, truth, weight, angle)
    if not correlation < LEAST_CORRELATION:
        return
    warnings.warn(
        f"The quantity has a correlation of {correlation:.3f} between X and truth, as if their "
        "rows did not correspond. The true plan and its cost are then those of a random pairing. "
        "Pass paired=False unless row i of both is the same event.",
        UserWarning,
        stacklevel=3,
    )


def _correlation(x, y, weight, angle):
    """Pearson's coefficient; for angles, the modulus of the covariance of their unit vectors."""
    if not angle:
        covariance = np.cov(x, y, aweights=weight)
        return covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    x, y = (np.exp(1j * side) for side in (x, y))
    both, one, other = (np.average(z, weights=weight) for z in (x * y.conj(), x, y))
    return np.abs(both - one * other.conj())

"""The ranges of the events of a fit, and a warning about events outside them."""

import sys

import numpy as np

from skjetsim.utils._angles import angle_positions
from skjetsim.utils._warnings import gives_hints, warn_user

# Probability of as many events outside the range if they are of the same kind as those of the fit.
IMPROBABLE = 1e-8
SHARE = 0.01  # of the events; fewer are not worth a warning
# Of the side that is drawn, whose density is often asked on a grid that is wider than the events.
SHARE_DRAWN = 0.98
# A few events are too few for a probability. They are outside if they lie ten times the range of
# the fit above or below it, or are thirty times smaller than the smallest positive value.
WIDTHS, FACTOR = 10.0, 30.0
MOST_EMPTY = 0.5  # events at one end of the range, such as cells without energy
N_LOOKED_AT = 10_000  # rows that tell this
FEWEST = 20  # events of a fit that show how wide a column is
MANY, SMALL = 100, 0.05  # events, and the part of the range that they must fill
THOUSAND, NEAR = 3.0, 0.2  # powers of ten
MOST_NAMED = 4  # columns in one message
ROUNDING = 1e-6  # of numbers in single precision


def remember_ranges(estimator, *, drawn, **tables):
    """Keep the smallest and the largest value of each column in `estimator._ranges`.

    Angles have no range. A later batch of a stream widens the ranges.

    Parameters
    ----------
    estimator : estimator
    drawn : {"X", "y"}
        The side that the estimator draws. The other one is what it is given.
    **tables : tuple of (ndarray, list of str or None, bool)
        X and y: checked rows, their names, and whether this is the first batch.
    """
    found = dict(getattr(estimator, "_ranges", {}))
    for side, (rows, names, reset) in tables.items():
        ends = np.array([rows.min(axis=0), rows.max(axis=0)])
        reach = _reach(rows, *ends)
        ends[:, angle_positions(names)] = [[-np.inf], [np.inf]]
        count = np.full(ends.shape[1], float(len(rows)))
        if not reset and side in found:
            low, high, _, before, least = found[side][:5]
            ends = np.array([np.minimum(ends[0], low), np.maximum(ends[1], high)])
            count, reach = count + before, np.maximum(reach, least)
        margin = ROUNDING * np.abs(ends).max(axis=0)
        share = np.full_like(count, SHARE_DRAWN if side == drawn else SHARE)
        found[side] = np.vstack([ends, margin, count, reach, share, sizes(rows)])
    estimator._ranges = found


def _reach(rows, low, high):
    """How far beyond the range even one event is too far; infinite if the range tells little."""
    few = rows[:N_LOOKED_AT]
    rest = np.maximum((few == low).mean(axis=0), (few == high).mean(axis=0))
    size = np.where(rest == 1, np.maximum(np.abs(low), np.abs(high)), high - low)
    sparse = ((rest > MOST_EMPTY) & (rest < 1)) | (size == 0) | (len(rows) < FEWEST)
    return np.where(sparse, np.inf, WIDTHS * size)


def warn_outside(estimator, rows, side, names):
    """Warn if more events lie outside the range of the fit than events of its kind would.

    Parameters
    ----------
    estimator : estimator
    rows : ndarray of shape (n_samples, n_columns)
        Checked events.
    side : {"X", "y"}
    names : sequence of str or None
    """
    ranges = getattr(estimator, "_ranges", {}).get(side)
    if ranges is None or not len(rows):
        return
    low, high, margin, share = ranges[[0, 1, 2, 5]]
    low, high = low - margin, high + margin
    if ((rows >= low) & (rows <= high)).all():
        _warn_of_unit(estimator, rows, side, names, ranges)
        return
    outside = [
        _report(rows[:, j], *ranges[:2, j], int(j) if names is None else names[j])
        for j in np.flatnonzero(((rows < low) | (rows > high)).mean(axis=0) > share)
        if _is_outside(rows[:, j], low[j], high[j], *ranges[3:6, j])
    ]
    if outside and gives_hints() and not is_inside_another(estimator):
        warn_user(
            f"{side} has events outside the range that {type(estimator).__name__} was fitted on: "
            f"{listed(outside)}. What is drawn or scored there is an extrapolation. Look at the "
            "units and at the selection."
        )


def _warn_of_unit(estimator, rows, side, names, ranges):
    """Warn if the values of columns inside the range are about a thousandth of those of the fit."""
    if len(rows) < MANY:
        return
    largest = SMALL * np.maximum(-ranges[0], ranges[1])
    small = [
        repr(int(j) if names is None else names[j])
        for j in np.flatnonzero((np.abs(rows) < largest).all(axis=0) & np.isfinite(largest))
        if thousandfold(ranges[6:, j], sizes(rows[:, j])) is not None
    ]
    if small and gives_hints() and not is_inside_another(estimator):
        warn_user(
            f"{side} has columns whose values are about a thousandth of those that "
            f"{type(estimator).__name__} was fitted on: {listed(small)}. Look at the units, such "
            "as GeV and MeV."
        )


def sizes(rows):
    """Median and 90% quantile of the absolute values of each column, of some of the rows."""
    return np.quantile(np.abs(rows[:: 1 + len(rows) // N_LOOKED_AT]), [0.5, 0.9], axis=0)


def thousandfold(before, after):
    """Power of ten between two pairs of sizes if it is near 3 or -3; else None."""
    if not (np.all(before) and np.all(after)):
        return None
    powers = np.log10(after) - np.log10(before)
    near = (np.abs(np.abs(powers) - THOUSAND) < NEAR).all() and powers[0] * powers[1] > 0
    return powers[0] if near else None


def listed(items):
    """Items as a message lists them; not all if they are many."""
    more = len(items) - MOST_NAMED
    return "; ".join([*items[:MOST_NAMED], *([f"and {more} more columns"] if more > 0 else [])])


def is_inside_another(estimator):
    """Whether an estimator is called by another one, which has checked the user's events."""
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if (
            owner is not None
            and owner is not estimator
            and "_ranges" in getattr(owner, "__dict__", ())
        ):
            return True
        frame = frame.f_back
    return False


def _is_outside(values, low, high, count, reach, share):
    """Whether the events of a column are too many outside, or too far, to be of the same kind."""
    below, above = values < low, values > high
    improbable = min(_probability(values, side, count) for side in (below, above)) < IMPROBABLE
    far = (values > high + reach) | (values < low - reach)
    if low > 0 and np.isfinite(reach):
        far |= values < low / FACTOR
    return improbable or far.mean() > share


def _probability(values, outside, count):
    """Probability that the largest of all events, of the fit and these, are all of these.

    If both are samples of one distribution, any order of all events is equally probable. Equal
    values count once, as repeated events do.
    """
    n_outside, n_values = len(np.unique(values[outside])), len(values)
    taken = np.arange(n_outside)
    return np.exp(np.log((n_values - taken) / (count + n_values - taken)).sum())


def _report(values, low, high, name):
    fit = f"({low:.4g} to {high:.4g} in the fit"
    if len(values) == 1:
        return f"column {name!r} {fit}, {values[0]:.4g} here)"
    share = 100 * np.mean((values < low) | (values > high))
    here = f"{values.min():.4g} to {values.max():.4g} here)"
    return f"column {name!r} in {share:.3g}% of the {len(values)} events {fit}, {here}"

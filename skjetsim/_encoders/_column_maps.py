"""Per-column maps into the range where a spline flow works, with their log-determinants.

A rational-quadratic flow acts on about [-5, 5], with bins of about one. Residuals of a detector
have cores a hundred times narrower than their tails. Each column is standardised where that brings
all of it into range and spreads its core over several bins, and mapped through its own quantiles
to a normal where it does not. Both maps are smooth, strictly monotone and inverted in closed form.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from skjetsim.utils._angles import TWO_PI, is_angle, wrap_phi
from skjetsim.utils._weighted import weighted_quantile, weighted_std

__all__ = [
    "apply_maps",
    "check_condition_reach",
    "check_radians",
    "check_reach",
    "check_spread",
    "encode_condition",
    "invert_maps",
    "learn_condition",
    "learn_maps",
    "n_inputs",
    "quantile_normal",
    "standardisation",
]

# A column is left at standardisation where its events lie within so many standard deviations, and
# the two middle thirds of them over as many as this share of a normal's.
STANDARD_EXTREME = 5.0
STANDARD_CORE = 0.6
LARGEST_VALUE = 1e100  # whose square is a double
LEAST_SPREAD = 1 / LARGEST_VALUE
ROUNDING = 20 * np.finfo(np.float64).eps  # of values about their mean
LARGEST_ANGLE = TWO_PI * (1 + 1e-6)  # a turn, in single precision too
LARGEST_REACH = 1e12  # in widths of the fitted column, whose square is a float
MIN_ROWS_FOR_QUANTILES = 500
KNOT_SPACING = 0.15  # in units of the normal
ROWS_BEYOND_LAST_KNOT = 20

# Position in `tail`, position of the end knot, direction.
TAILS = ((0, 0, -1.0), (1, -1, 1.0))
KEYS = ("x", "u", "slope", "tail", "far", "beyond")


def standardisation(values, weight=None):
    """Map of a column to zero mean and unit variance; an all-equal column gets slope one.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    dict of ndarray
        Knots `x` and `u`, slopes du/dx at them, and for the lower and the upper tail its length
        (infinite: a straight line) and how far it reaches before a straight line goes on.
    """
    mean = np.average(values, weights=weight)
    scale = float(weighted_std(values[:, None], weight)[0])
    return {
        "x": np.array([mean - scale, mean + scale]),
        "u": np.array([-1.0, 1.0]),
        "slope": np.array([1 / scale, 1 / scale]),
        "tail": np.array([np.inf, np.inf]),
        "far": np.array([np.inf, np.inf]),
        "beyond": np.array([1.0, 1.0]),
    }


def quantile_normal(values, weight=None):
    """Map of a column to a standard normal through its quantiles.

    Between the knots a monotone rational quadratic (Gregory and Delbourgo 1982), beyond them a
    logarithm whose length is set by the farthest event, u = u_k + a log(1 + m (x - x_k) / a), and
    beyond that event a straight line: what is drawn out there has seen no data, and an exponential
    would let it run away. That line is at most as steep as standardisation, or one event a little
    beyond a sharp edge would weigh as much as thousands inside.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    dict of ndarray
        As `standardisation`.
    """
    n_rows = len(values)
    edge = -ndtri(min(0.2, ROWS_BEYOND_LAST_KNOT / n_rows))
    u = np.linspace(-edge, edge, 2 * int(np.ceil(edge / KNOT_SPACING)) + 1)
    x = weighted_quantile(values, ndtr(u), weight)
    x, u = _merge_ties(x, u)
    if len(x) < 3:
        return standardisation(values, weight)
    slope = _monotone_slopes(x, u)
    farthest = -ndtri(0.5 / n_rows)
    far = slope[[0, -1]] * np.array([x[0] - values.min(), values.max() - x[-1]])
    rise = farthest - np.array([-u[0], u[-1]])
    tail = np.array([_tail_length(far[side], rise[side]) for side in (0, 1)])
    flattest = 1 / float(weighted_std(values[:, None], weight)[0])
    steepest = slope[[0, -1]] / (1 + far / tail)
    beyond = np.minimum(1.0, flattest / steepest)
    return {"x": x, "u": u, "slope": slope, "tail": tail, "far": far, "beyond": beyond}


def _merge_ties(x, u):
    """One knot for each distinct x, at the mean u of the quantiles that share it."""
    tolerance = 1e-9 * max(np.ptp(x), np.finfo(float).tiny)
    group = np.concatenate([[0], np.cumsum(np.diff(x) > tolerance)])
    count = np.bincount(group)
    return np.bincount(group, x) / count, np.bincount(group, u) / count


def _monotone_slopes(x, u):
    """Slopes at the knots: the weighted harmonic mean that PCHIP uses, never zero."""
    step, secant = np.diff(x), np.diff(u) / np.diff(x)
    left, right = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    inner = (left + right) / (left / secant[:-1] + right / secant[1:])
    return np.concatenate([[secant[0]], inner, [secant[-1]]])


def _tail_length(far, rise):
    """Length a of the logarithmic tail: a log(1 + far / a) = rise; infinite if straight."""
    if rise <= 0 or far <= rise:
        return np.inf
    low, high = rise * 1e-6, rise * 1e12
    for _ in range(200):
        middle = np.sqrt(low * high)
        if middle * np.log1p(far / middle) < rise:
            low = middle
        else:
            high = middle
    return high


def _tail_forward(reach, length, far, outer):
    """Rise of u at a reach beyond the last knot, in units of its slope; and log(slope) there."""
    inside = np.minimum(reach, far)
    if np.isinf(length):
        rise, log_slope = inside, np.zeros_like(reach)
    else:
        log_slope = -np.log1p(inside / length)
        rise = -length * log_slope
    log_slope = np.where(reach > far, log_slope + np.log(outer), log_slope)
    return rise + (reach - inside) * np.exp(log_slope), log_slope


def _tail_inverse(rise, length, far, outer):
    """Inverse of `_tail_forward`."""
    if np.isinf(length):
        inside = np.minimum(rise, far)
        return inside + (rise - inside) / outer
    inside = np.minimum(rise, length * np.log1p(far / length))
    return length * np.expm1(inside / length) + (rise - inside) * (1 + far / length) / outer


def choose_map(values, weight=None):
    """Standardisation where that is enough, else the quantile-normal map.

    The quantile map straightens what a column is alone, and bends what it is with others: edges and
    peaks of a joint density become outer. It is for columns that need it.
    """
    standard = standardisation(values, weight)
    if len(values) < MIN_ROWS_FOR_QUANTILES:
        return standard
    z = _forward(values, standard)[0]
    low, high = weighted_quantile(z, ndtr(np.array([-1.0, 1.0])), weight)
    if np.abs(z).max() < STANDARD_EXTREME and high - low > 2 * STANDARD_CORE:
        return standard
    return quantile_normal(values, weight)


def _forward(values, knots):
    """Mapped column and log(du/dx)."""
    if knots is None:  # an angle
        return wrap_phi(values), np.zeros_like(values)
    x, u, slope, tail, far, outer = (knots[key] for key in KEYS)
    index = np.clip(np.searchsorted(x, values, side="right") - 1, 0, len(x) - 2)
    width, height = x[index + 1] - x[index], u[index + 1] - u[index]
    secant = height / width
    t = np.clip((values - x[index]) / width, 0, 1)
    t1 = t * (1 - t)
    left, right = slope[index], slope[index + 1]
    denominator = secant + (left + right - 2 * secant) * t1
    mapped = u[index] + height * (secant * t * t + left * t1) / denominator
    numerator = right * t * t + 2 * secant * t1 + left * (1 - t) ** 2
    log_slope = 2 * np.log(secant / denominator) + np.log(numerator)
    for side, end, sign in TAILS:
        beyond = np.flatnonzero(sign * (values - x[end]) > 0)
        reach = slope[end] * np.abs(values[beyond] - x[end])
        rise, extra = _tail_forward(reach, tail[side], far[side], outer[side])
        mapped[beyond] = u[end] + sign * rise
        log_slope[beyond] = np.log(slope[end]) + extra
    return mapped, log_slope


def _inverse(mapped, knots):
    """Solve the rational quadratic for x, and the tails in closed form."""
    if knots is None:
        return wrap_phi(mapped)
    x, u, slope, tail, far, outer = (knots[key] for key in KEYS)
    index = np.clip(np.searchsorted(u, mapped, side="right") - 1, 0, len(u) - 2)
    width, height = x[index + 1] - x[index], u[index + 1] - u[index]
    secant = height / width
    rise = np.clip(mapped - u[index], 0, height)
    bend = slope[index] + slope[index + 1] - 2 * secant
    a = height * (secant - slope[index]) + rise * bend
    b = height * slope[index] - rise * bend
    c = -secant * rise
    values = x[index] + width * (2 * c / (-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0))))
    for side, end, sign in TAILS:
        beyond = np.flatnonzero(sign * (mapped - u[end]) > 0)
        reach = _tail_inverse(np.abs(mapped[beyond] - u[end]), tail[side], far[side], outer[side])
        values[beyond] = x[end] + sign * reach / slope[end]
    return values


def check_reach(table, maps, names, what):
    """Refuse values that single precision cannot hold once they are mapped.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    maps : list of dict of ndarray, or None
        None before the maps are learnt.
    names : list
        Of the columns, their positions where they have none.
    what : str
        "X" or "y".

    Raises
    ------
    ValueError
        Naming the column and the first row.
    """
    for j, column in enumerate(table.T):
        if maps is None or maps[j] is None:
            far = np.abs(column) > LARGEST_VALUE
            why = "is too large to learn from in double precision"
        else:
            x = maps[j]["x"]
            far = np.abs(column - x.mean()) > LARGEST_REACH * (x[-1] - x[0])
            why = "lies too far from the events of the fit for single precision"
        if far.any():
            row = int(np.flatnonzero(far)[0])
            raise ValueError(
                f"{what} column {names[j]!r}, row {row}: {column[row]:g} {why}. "
                "Change the column's unit, or look at this event."
            )


def check_spread(table, weight, names, what):
    """Refuse columns that vary, but by less than a map can hold.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    weight : ndarray of shape (n_samples,) or None
    names : list
        Of the columns, their positions where they have none.
    what : str
        "X" or "y".

    Raises
    ------
    ValueError
        Naming the first such column.
    """
    mean = np.average(table, axis=0, weights=weight)
    spread = weighted_std(table - mean, weight)
    rounding = ROUNDING * np.abs(mean)
    narrow = (table != table[0]).any(axis=0) & (spread <= np.maximum(rounding, LEAST_SPREAD))
    if not narrow.any():
        return
    j = int(np.argmax(narrow))
    label = f"{what} column {names[j]!r} varies by {spread[j]:.3g} about {mean[j]:.6g}"
    if rounding[j] < LEAST_SPREAD:
        raise ValueError(
            f"{label}, too little to learn from in double precision. Change the column's unit."
        )
    raise ValueError(
        f"{label}, which is the rounding of double precision. Round the column so that it is "
        "constant, or subtract what its values have in common."
    )


def check_radians(table, angles, names, what):
    """Refuse angles more than a turn from zero: they are degrees, or no angles.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    angles : sequence of bool
        Which columns are angles.
    names : list
        Of the columns, their positions where they have none.
    what : str
        "X" or "y".

    Raises
    ------
    ValueError
        Naming the column and the first row.
    """
    for j in np.flatnonzero(angles):
        beyond = np.abs(table[:, j]) > LARGEST_ANGLE
        if beyond.any():
            row = int(np.argmax(beyond))
            raise ValueError(
                f"{what} column {names[j]!r}, row {row}: {table[row, j]:g} is more than a turn, "
                "but the column is an angle in radians, by its name or by bijection. Convert "
                "degrees by np.deg2rad; where it is no angle, choose another name or bijection."
            )


def learn_maps(table, weight=None, circular=None):
    """Choose a map for each column.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    weight : ndarray of shape (n_samples,), optional
    circular : ndarray of bool, shape (n_columns,), optional
        Columns that are angles, of which there is no map: they are wrapped into (-pi, pi].

    Returns
    -------
    list of dict of ndarray, None for angles
    """
    if circular is None:
        circular = np.zeros(table.shape[1], dtype=bool)
    return [
        None if angle else choose_map(column, weight)
        for column, angle in zip(table.T, circular, strict=True)
    ]


def apply_maps(maps, table):
    """Mapped table, and the sum over columns of log|du/dx| for each row."""
    mapped = np.empty_like(table)
    log_det = np.zeros(len(table))
    for j, knots in enumerate(maps):
        mapped[:, j], log_slope = _forward(table[:, j], knots)
        log_det += log_slope
    return mapped, log_det


def invert_maps(maps, mapped):
    """Table in its own units."""
    table = np.empty_like(mapped)
    for j, knots in enumerate(maps):
        table[:, j] = _inverse(mapped[:, j], knots)
    return table


def learn_condition(table, names, weight=None):
    """How a conditioning table becomes network inputs.

    Columns named `phi` or `..._phi` are angles and enter as (cos, sin), since -pi and pi are one
    direction; all-equal columns say nothing and are left out; the others get a map each.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    names : list of str or None
    weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    dict
        `angle` and `plain`, column numbers, and `maps` of the plain ones.
    """
    names = names if names is not None else [""] * table.shape[1]
    varying = (table != table[0]).any(axis=0)
    periodic = np.array([is_angle(name) for name in names])
    angle = np.flatnonzero(varying & periodic)
    plain = np.flatnonzero(varying & ~periodic)
    maps = learn_maps(table[:, plain], weight)
    plain_names = [names[j] or j for j in plain]
    return {"angle": angle, "plain": plain, "names": plain_names, "maps": maps}


def encode_condition(condition, table):
    """Network inputs, float64 of shape (n_samples, n_inputs), for a conditioning table."""
    angle = table[:, condition["angle"]]
    plain, _ = apply_maps(condition["maps"], table[:, condition["plain"]])
    return np.concatenate([plain, np.cos(angle), np.sin(angle)], axis=1)


def check_condition_reach(condition, table):
    """`check_reach` of a conditioning table."""
    check_reach(table[:, condition["plain"]], condition["maps"], condition["names"], "X")


def n_inputs(condition):
    """Width of what `encode_condition` returns."""
    return len(condition["plain"]) + 2 * len(condition["angle"])

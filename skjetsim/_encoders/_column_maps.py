"""Maps of columns into the range in which networks work, with their log-determinants.

A rational-quadratic flow acts on about [-5, 5], with bins of about one. Residuals of a detector
have cores a hundred times narrower than their tails. A column is standardised if that brings all of
it into range and spreads its core over several bins. Otherwise it is mapped to a normal through its
own quantiles. Both maps are smooth, strictly monotone and inverted in closed form.

The maps of a table are a dict of arrays. All columns that are mapped through quantiles are computed
together: the intervals between their knots are in one array, and bisection finds the interval of
each value in all columns at once.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from skjetsim._encoders._repeats import is_repeated
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._weighted import weighted_quantile, weighted_std

# A column is only standardised if all events lie within STANDARD_EXTREME standard deviations, and
# the central 68% are at least STANDARD_CORE times as wide as those of a normal.
STANDARD_EXTREME = 5.0
STANDARD_CORE = 0.6
MIN_ROWS_FOR_QUANTILES = 500
KNOT_SPACING = 0.15  # in units of the normal
ROWS_BEYOND_LAST_KNOT = 20
BLOCK_VALUES = 65536  # computed together, so that temporaries stay in the cache
BLOCK_COLUMNS = 128
MANY_OTHERS = 0.7  # if more values than this share are above the lowest knot, compute all


def learn_maps(table, weight=None, circular=None, scale="normal"):
    """Choose a map for each column.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    weight : ndarray of shape (n_samples,), optional
    circular : ndarray of bool, shape (n_columns,), optional
        Columns that are angles. They are wrapped into (-pi, pi] and not scaled.
    scale : {"normal", "standard"}
        "standard" never takes quantiles.

    Returns
    -------
    dict of ndarray
        `circular`, `mean` and `std` have one value per column. `curved` has the numbers of the
        columns that are mapped through their quantiles. `intervals`, of shape (6, n_curved,
        n_intervals), describes the map between their knots. `ends`, of shape (6, 2, n_curved),
        describes their lower and upper tails.
    """
    return maps_and_repeats(table, weight, circular, scale, look=False)[0]


def maps_and_repeats(table, weight=None, circular=None, scale="normal", *, look=True):
    """Maps as `learn_maps`, and the columns in which a value is repeated, which it sees on the way.

    With `look=False`, it does not look for such columns if it needs no quantiles.

    Returns
    -------
    maps : dict of ndarray
    repeated : dict of int to ndarray
        Sorted values of each such column, by its number.
    """
    n_columns = table.shape[1]
    circular = np.zeros(n_columns, dtype=bool) if circular is None else np.array(circular, bool)
    maps = {"mean": np.zeros(n_columns), "std": np.ones(n_columns), "circular": circular}
    maps |= {"curved": np.zeros(0, dtype=np.intp)}
    maps |= {"intervals": np.zeros((6, 0, 1)), "ends": np.zeros((6, 2, 0))}
    if n_columns == 0:
        return maps, {}
    quantiles = scale == "normal" and len(table) >= MIN_ROWS_FOR_QUANTILES
    edge = -ndtri(min(0.2, ROWS_BEYOND_LAST_KNOT / len(table)))
    u = np.linspace(-edge, edge, 2 * int(np.ceil(edge / KNOT_SPACING)) + 1)
    levels = ndtr(np.r_[-1.0, 1.0, u]) if quantiles else ()
    parts, repeated = [], {}
    for start in range(0, n_columns, BLOCK_COLUMNS):
        block = table[:, start : start + BLOCK_COLUMNS]
        *numbers, ordered = _statistics(block, weight, levels, look)
        parts.append(numbers)
        repeated |= {start + j: column for j, column in ordered.items()}
    mean, std, low, high, x = (np.concatenate(each) for each in zip(*parts, strict=True))
    mean[circular], std[circular] = 0.0, 1.0
    maps |= {"mean": mean, "std": std}
    if not quantiles:
        return maps, repeated
    far = np.maximum(mean - low, high - mean) / std
    core = (x[:, 1] - x[:, 0]) / std
    x, u, n_knots = merge_ties(x[:, 2:], u)
    curved = ((far >= STANDARD_EXTREME) | (core <= 2 * STANDARD_CORE)) & (n_knots >= 3) & ~circular
    if not curved.any():
        return maps, repeated
    spread = (low, high, std)
    curves = curves_between(*(each[curved] for each in (x, u, n_knots, *spread)), len(table))
    return maps | {"curved": np.flatnonzero(curved)} | curves, repeated


def _statistics(table, weight, levels, look):
    """Mean, standard deviation, minimum, maximum and quantiles of each column, and its repeats."""
    columns = np.array(table.T, order="C")  # a copy in which the values of a column are adjacent
    mean, std = np.average(columns.T, axis=0, weights=weight), weighted_std(columns.T, weight)
    low, high = columns.min(axis=1), columns.max(axis=1)
    quantiles = np.empty((len(columns), 0))
    if len(levels) and weight is not None:
        quantiles = np.array([weighted_quantile(column, levels, weight) for column in columns])
    if look or (len(levels) and weight is None):
        columns = _sorted(columns)
    if len(levels) and weight is None:
        quantiles = _quantiles(columns, levels)
    return mean, std, low, high, quantiles, _repeated(columns) if look else {}


def sorted_repeats(table):
    """Sorted values of each column in which a value is repeated, by the number of the column."""
    return _repeated(_sorted(np.array(table.T, order="C")))


def _repeated(columns):
    return {int(j): columns[j] for j in np.flatnonzero(is_repeated(columns))}


def _sorted(columns):
    """Sort each row of `columns`, which is overwritten."""
    with np.errstate(over="ignore"):
        single = all(np.array_equal(column, column.astype(np.float32)) for column in columns)
    if single:  # as in most files; single precision sorts twice as fast
        columns = columns.astype(np.float32)
    columns.sort(axis=1)
    return columns


def _quantiles(columns, levels):
    """Quantiles of each row of sorted `columns`, equal to those of `weighted_quantile`."""
    n_rows = columns.shape[1]
    place = np.clip(n_rows * levels - 0.5, 0, n_rows - 1)
    below = np.minimum(place.astype(np.intp), n_rows - 2)
    share = place - below
    lower, upper = columns[:, [below, below + 1]].astype(np.float64).swapaxes(0, 1)
    step = upper - lower
    return np.where(share < 0.5, lower + step * share, upper - step * (1 - share))


def merge_ties(x, u):
    """One knot for each distinct x, at the mean u of the quantiles that share it.

    `x` and the results have shape (n_columns, n_levels), and `u` may have it. The first `n_knots`
    of a row are valid.
    """
    n_columns, n_levels = x.shape
    tolerance = 1e-9 * np.maximum(np.ptp(x, axis=1), np.finfo(float).tiny)
    group = np.zeros(x.shape, dtype=np.intp)
    np.cumsum(np.diff(x, axis=1) > tolerance[:, None], axis=1, out=group[:, 1:])
    n_knots = group[:, -1] + 1
    group += n_levels * np.arange(n_columns)[:, None]

    def sums(values):
        flat = np.bincount(group.ravel(), values, minlength=x.size)
        return flat.reshape(x.shape)

    count = np.maximum(sums(None), 1)
    return sums(x.ravel()) / count, sums(np.broadcast_to(u, x.shape).ravel()) / count, n_knots


def curves_between(x, u, n_knots, low, high, std, n_rows):
    """Intervals between the knots, and tails beyond the outermost.

    Between the knots, the map is a monotone rational quadratic (Gregory and Delbourgo 1982). Beyond
    the outermost knots it is a logarithm, u = u_k + a log(1 + m (x - x_k) / a), whose length a is
    set by the farthest event. Beyond that event it is a straight line: there are no data there, and
    the inverse, an exponential, would draw values without bound. The line is at most as steep as
    standardisation. Otherwise one event a little beyond a sharp edge would weigh as much as
    thousands inside.
    """
    n_columns = len(x)
    x, u = x[:, : n_knots.max()], u[:, : n_knots.max()]
    width, height = np.diff(x, axis=1), np.diff(u, axis=1)
    inside = np.arange(width.shape[1]) < n_knots[:, None] - 1
    width[~inside], height[~inside] = 1.0, 1.0
    slope = _monotone_slopes(width, height / width, n_knots)
    left, right = width * slope[:, :-1], width * slope[:, 1:]
    bend = (left + right) / height - 2
    intervals = np.array([x[:, :-1], width, u[:, :-1], left, height, bend])
    intervals[[0, 2]] = np.where(inside, intervals[[0, 2]], np.inf)
    n_padded = 1 << int(width.shape[1] - 1).bit_length()  # a power of two, for bisection
    padding = np.ones((6, n_columns, n_padded - width.shape[1]))
    padding[[0, 2]] = np.inf
    intervals = np.concatenate([intervals, padding], axis=2)
    rows, last = np.arange(n_columns), n_knots - 1
    x_end = np.array([x[:, 0], x[rows, last]])
    u_end = np.array([u[:, 0], u[rows, last]])
    slope_end = np.array([slope[:, 0], slope[rows, last]])
    far = slope_end * np.array([x_end[0] - low, high - x_end[1]])
    rise = -ndtri(0.5 / n_rows) - np.array([-u_end[0], u_end[1]])
    length = _tail_length(far, rise)
    outer = np.minimum(1.0, 1 / std / (slope_end / (1 + far / length)))
    return {
        "intervals": intervals,
        "ends": np.array([x_end, u_end, slope_end, length, far, outer]),
    }


def _monotone_slopes(step, secant, n_knots):
    """Slopes at the knots: the weighted harmonic mean of PCHIP, which is never zero."""
    left, right = 2 * step[:, 1:] + step[:, :-1], step[:, 1:] + 2 * step[:, :-1]
    inner = (left + right) / (left / secant[:, :-1] + right / secant[:, 1:])
    slope = np.concatenate([secant[:, :1], inner, secant[:, -1:]], axis=1)
    rows = np.arange(len(step))
    slope[rows, n_knots - 1] = secant[rows, n_knots - 2]
    return slope


def _tail_length(far, rise):
    """Length a of each logarithmic tail: a log(1 + far / a) = rise. Infinite if straight."""
    straight = (rise <= 0) | (far <= rise)
    far, rise = np.where(straight, 2.0, far), np.where(straight, 1.0, rise)
    low, high = rise * 1e-6, rise * 1e12
    for _ in range(200):
        middle = np.sqrt(low * high)
        if ((middle == low) | (middle == high)).all():
            break
        short = middle * np.log1p(far / middle) < rise
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(straight, np.inf, high)


def some_maps(maps, columns):
    """Maps of some columns, given by their numbers, in that order."""
    where = np.full(len(maps["mean"]), -1)
    where[maps["curved"]] = np.arange(len(maps["curved"]))
    chosen = where[columns]
    kept = chosen[chosen >= 0]
    return {
        **{key: maps[key][columns] for key in ("mean", "std", "circular")},
        "curved": np.flatnonzero(chosen >= 0),
        "intervals": maps["intervals"][:, kept],
        "ends": maps["ends"][:, :, kept],
    }


def straight_maps(maps, columns):
    """Maps with the identity in some columns, given by their numbers."""
    maps = {key: value.copy() for key, value in maps.items()}
    maps["mean"][columns], maps["std"][columns] = 0.0, 1.0
    kept = ~np.isin(maps["curved"], columns)
    return maps | {
        "curved": maps["curved"][kept],
        "intervals": maps["intervals"][:, kept],
        "ends": maps["ends"][:, :, kept],
    }


def apply_maps(maps, table):
    """Mapped table."""
    return _mapped(maps, curve_to_normal, table, lambda: _standardised(maps, table))


def invert_maps(maps, mapped):
    """Table in its own units."""
    return _mapped(maps, curve_from_normal, mapped, lambda: mapped * maps["std"] + maps["mean"])


def log_slopes(maps, table):
    """log(du/dx) at each value of a table."""
    return _mapped(
        maps, curve_slopes, table, lambda: np.tile(-np.log(maps["std"]), (len(table), 1))
    )


def _standardised(maps, table):
    table = table - maps["mean"]
    table /= maps["std"]
    return table


def _mapped(maps, curve, values, straight):
    """Apply `curve` to columns that are mapped through quantiles; the others are `straight()`."""
    curved, circular = maps["curved"], maps["circular"]
    result = straight() if len(curved) < len(circular) else np.empty_like(values)
    if circular.any() and curve is not curve_slopes:
        result[:, circular] = wrap_phi(result[:, circular])
    for start in range(0, len(curved), BLOCK_COLUMNS):
        part = slice(start, start + BLOCK_COLUMNS)
        columns = curved[part]
        if len(columns) == columns[-1] - columns[0] + 1:  # adjacent: no copy
            columns = slice(columns[0], columns[-1] + 1)
        intervals = np.ascontiguousarray(maps["intervals"][:, part])
        ends = maps["ends"][:, :, part]
        n_rows = max(1, BLOCK_VALUES // intervals.shape[1])
        for row in range(0, len(values), n_rows):
            rows = slice(row, row + n_rows)
            result[rows, columns] = _mapped_block(curve, values[rows, columns], intervals, ends)
    return result


def _mapped_block(curve, block, intervals, ends):
    """Apply `curve` to a block of columns: once to the lowest knots, then to all other values.

    In a column of mostly empty cells, the lowest knot is the empty cell.
    """
    lowest = ends[int(curve is curve_from_normal), 0]
    others = block != lowest
    columns = np.arange(block.shape[1])
    column = np.broadcast_to(columns, block.shape).flatten()
    if np.count_nonzero(others) > MANY_OTHERS * block.size:
        return curve(block.ravel(), column, intervals, ends).reshape(block.shape)
    result = np.broadcast_to(curve(lowest, columns, intervals, ends), block.shape).flatten()
    place = np.flatnonzero(others)
    result[place] = curve(block.take(place), column.take(place), intervals, ends)
    return result.reshape(block.shape)


def _find(values, column, starts):
    """Interval of each value, as its index in the flattened intervals.

    `column` is the column of each value. `starts` (n_columns, n_intervals) holds the lower ends of
    the intervals. Those after the last interval are infinite.
    """
    flat, step = starts.ravel(), starts.shape[1]
    place = column * step
    while step > 1:
        step //= 2
        beyond = flat[step:].take(place) <= values
        place += np.multiply(beyond, step, dtype=place.dtype)
    return place


def _share(values, start, size):
    """Position of each value in its interval, from 0 to 1. Outside it beyond the end knots."""
    share = values - start
    share /= size
    return share, np.clip(share, 0.0, 1.0)


def curve_to_normal(values, column, intervals, ends):
    """Mapped values."""
    x, width, u, left, height, bend = intervals
    place = _find(values, column, x)
    share, t = _share(values, x.take(place), width.take(place))
    top = (height - left).take(place)
    top *= t
    top += left.take(place)
    top *= t
    bottom = bend.take(place)
    bottom *= t
    bottom *= np.subtract(1.0, t, out=t)
    bottom += 1.0
    top /= bottom
    top += u.take(place)
    for side, place, (x_end, u_end, slope, *tail) in _beyond(share, column, ends):
        rise, _ = _tail_forward(slope * np.abs(values[place] - x_end), *tail)
        top[place] = u_end + (2 * side - 1) * rise
    return top


def curve_slopes(values, column, intervals, ends):
    """Logarithm of the slope of the map at values."""
    x, width, _, left, height, bend = intervals
    place = _find(values, column, x)
    share, t = _share(values, x.take(place), width.take(place))
    rest = 1 - t
    top = (height * (bend + 2) - left).take(place)
    top *= t
    top += (2 * height).take(place) * rest
    top *= t
    top += left.take(place) * rest * rest
    rest *= t
    rest *= bend.take(place)
    rest += 1.0
    rest *= rest
    rest *= width.take(place)
    top /= rest
    result = np.log(top, out=top)
    for _, place, (x_end, _, slope, *tail) in _beyond(share, column, ends):
        _, extra = _tail_forward(slope * np.abs(values[place] - x_end), *tail)
        result[place] = np.log(slope) + extra
    return result


def curve_from_normal(mapped, column, intervals, ends):
    """Solve the rational quadratic for x, and the tails in closed form."""
    x, width, u, left, height, bend = intervals
    place = _find(mapped, column, u)
    share, rise = _share(mapped, u.take(place), height.take(place))
    half = (-0.5 * bend - 1).take(place)
    half *= rise
    half += (0.5 * left / height).take(place)
    square = rise * rise
    np.subtract(rise, square, out=square)
    square += half * half
    half += rise
    half += np.sqrt(square, out=square)
    rise /= half
    rise *= width.take(place)
    rise += x.take(place)
    for side, place, (x_end, u_end, slope, *tail) in _beyond(share, column, ends):
        reach = _tail_inverse(np.abs(mapped[place] - u_end), *tail)
        rise[place] = x_end + (2 * side - 1) * reach / slope
    return rise


def _beyond(share, column, ends):
    """For each side, the indices of values beyond the end knot, and their tails."""
    for side, beyond in enumerate((share < 0, share > 1)):
        place = np.flatnonzero(beyond)
        if len(place):
            yield side, place, ends[:, side].take(column[place], axis=1)


def _tail_forward(reach, length, far, outer):
    """Rise of u at a distance beyond the end knot, in units of its slope, and log(slope) there."""
    inside = np.minimum(reach, far)
    straight = np.isinf(length)
    log_slope = -np.log1p(inside / length)  # zero if straight
    rise = np.where(straight, inside, -np.where(straight, 1.0, length) * log_slope)
    log_slope = np.where(reach > far, log_slope + np.log(outer), log_slope)
    return rise + (reach - inside) * np.exp(log_slope), log_slope


def _tail_inverse(rise, length, far, outer):
    """Inverse of `_tail_forward`."""
    straight = np.isinf(length)
    finite = np.where(straight, 1.0, length)
    most = np.where(straight, far, finite * np.log1p(far / finite))
    inside = np.minimum(rise, most)
    reach = np.where(straight, inside, finite * np.expm1(inside / finite))
    return reach + (rise - inside) * (1 + far / length) / outer

"""Wasserstein distances in one dimension, on the line and on the circle, by sorting."""

import numpy as np

from skjetsim.utils._angles import TWO_PI, wrap_phi
from skjetsim.utils._circle import within_half_turn


def distances_1d(pair, circular):
    """W1 of each column of two samples; that of angles on the circle."""
    return np.array(
        [
            (wasserstein_circle if angle else wasserstein_1d)(*column)
            for column, angle in zip(pair.columns(), circular, strict=True)
        ]
    )


def wasserstein_1d(a, b, a_weight=None, b_weight=None, *, p=1):
    """W_p to the power p of two one-dimensional samples."""
    if a_weight is None and b_weight is None and len(a) == len(b):
        gap = np.sort(a)
        gap -= np.sort(b)
        np.abs(gap, out=gap)
        return float(np.mean(gap if p == 1 else gap**p))
    a, a_weight = sorted_shares(a, a_weight)
    b, b_weight = sorted_shares(b, b_weight)
    if p == 1:
        values, gap = cdf_gap(a, b, a_weight, b_weight)
        return float(np.sum(np.abs(gap[:-1]) * np.diff(values)))
    return _quantile_cost(a, b, a_weight, b_weight, p)


def wasserstein_circle(a, b, a_weight=None, b_weight=None, *, p=1):
    """W_p to the power p of two samples of angles, which move the short way round.

    The best plan keeps the order around the circle. It differs from that of the line by the share
    of b that goes to the other side of the seam. The cost is convex in that share, which is between
    a turn back and a turn on: J. Delon, J. Salomon and A. Sobolevski, SIAM J. Appl. Math. 70
    (2010) 2239, arXiv:0902.3527. The share is found by bisection, up to rounding.
    """
    a, b = wrap_phi(a), wrap_phi(b)
    if within_half_turn(a, b):  # no way across the seam is shorter
        return wasserstein_1d(a, b, a_weight, b_weight, p=p)
    if a_weight is None and b_weight is None and len(a) == len(b):
        gap = _circle_gaps(np.sort(a), np.sort(b), p)
        return float(np.mean(gap if p == 1 else gap**p))
    return float(np.sum(_circle_moves(a, b, a_weight, b_weight, p)[0]))


def _circle_moves(a, b, a_weight, b_weight, p):
    """Moves of the best plan on the circle, as `_moves` returns them."""
    a, a_share = sorted_shares(a, a_weight)
    b, b_share = sorted_shares(b, b_weight)
    a_level, b_level = _levels(a_share), _levels(b_share)
    low, high = -1.0, 1.0
    for _ in range(np.finfo(np.float64).nmant + 1):
        middle = 0.5 * (low + high)
        if _circle_slope(a, b, a_level, b_level, middle, p) > 0:
            high = middle
        else:
            low = middle
    # For equal samples a share of exactly zero is the best, and bisection only comes close to it.
    plans = (b, b_share), _turned(b, b_level, middle)
    return min((_moves(a, to, a_share, share, p) for to, share in plans), key=lambda m: m[0].sum())


def _circle_gaps(a, b, p):
    """Moves of equally many sorted angles in order, from the best start on the circle."""
    n = len(a)
    laps = np.concatenate([b - TWO_PI, b, b + TWO_PI])

    def gaps(shift):
        return np.abs(laps[n + shift : 2 * n + shift] - a)

    def cost(shift):
        return np.mean(gaps(shift) if p == 1 else gaps(shift) ** p)

    low, high = -n, n
    while low < high:
        middle = (low + high) // 2
        if cost(middle + 1) < cost(middle):
            low = middle + 1
        else:
            high = middle
    return gaps(low)


def _circle_slope(a, b, a_level, b_level, share, p):
    """Derivative of the cost by the share of b that is moved past the seam."""
    level = b_level - share
    turn = np.floor(level)
    at = np.searchsorted(a_level, level - turn, side="right")
    partner = a[np.minimum(at, len(a) - 1)] + TWO_PI * turn
    following = np.append(b[1:], b[0] + TWO_PI)
    return np.sum(np.abs(following - partner) ** p - np.abs(b - partner) ** p)


def _turned(b, level, share):
    """Angles and shares of b once around the circle, from the angle at this level on."""
    turn = np.floor(share)
    start = share - turn
    first = min(np.searchsorted(level, start, side="right"), len(b) - 1)
    turned = np.concatenate([b[first:], b[: first + 1] + TWO_PI]) + TWO_PI * turn
    levels = np.concatenate([[start], level[first:], level[:first] + 1.0, [start + 1.0]])
    return turned, np.diff(levels)


def sorted_shares(values, weight):
    """Sort the values and give each its share of the total weight."""
    if weight is None:
        return np.sort(values), np.full(len(values), 1.0 / len(values))
    order = np.argsort(values, kind="stable")
    return values[order], weight[order] / weight.sum()


def _levels(shares):
    """Cumulative distribution at each value; rounding must not keep the last from one."""
    levels = np.cumsum(shares)
    levels[-1] = 1.0
    return levels


def cdf_gap(a, b, a_share, b_share):
    """Merged values of two sorted samples, and at each the gap of the cumulative distributions."""
    values = np.concatenate([a, b])
    order = np.argsort(values, kind="stable")  # timsort merges two sorted runs in linear time
    gap = np.cumsum(np.concatenate([a_share, -b_share])[order])
    return values[order], gap


def _quantile_cost(a, b, a_share, b_share, p):
    """Integral over the probability of |a's quantile - b's quantile|^p."""
    return float(np.sum(_moves(a, b, a_share, b_share, p)[0]))


def _moves(a, b, a_share, b_share, p):
    """Cost of each move between sorted samples, and the events of a and of b that it joins."""
    a_level, b_level = _levels(a_share), _levels(b_share)
    level = np.sort(np.concatenate([a_level, b_level]), kind="stable")
    width = np.diff(level, prepend=0.0)
    at_a = np.minimum(np.searchsorted(a_level, level), len(a) - 1)
    at_b = np.minimum(np.searchsorted(b_level, level), len(b) - 1)
    return width * np.abs(a[at_a] - b[at_b]) ** p, at_a, at_b


def largest_part(a, b, a_weight=None, b_weight=None, *, circular=False):
    """Part of W1 that belongs to the event with the largest part, of either sample."""
    if circular:
        a, b = wrap_phi(a), wrap_phi(b)
        circular = not within_half_turn(a, b)
    if a_weight is None and b_weight is None and len(a) == len(b):
        a, b = np.sort(a), np.sort(b)
        return float(np.max(_circle_gaps(a, b, 1) if circular else np.abs(a - b))) / len(a)
    if circular:
        cost, *events = _circle_moves(a, b, a_weight, b_weight, 1)
    else:
        a, a_share = sorted_shares(a, a_weight)
        b, b_share = sorted_shares(b, b_weight)
        cost, *events = _moves(a, b, a_share, b_share, 1)
    return float(max(np.bincount(event, weights=cost).max() for event in events))

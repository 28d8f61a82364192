"""Wasserstein distances: on the line and the circle by sorting, sliced in more; KS distance."""

import numpy as np

from skjetsim.utils._angles import TWO_PI, wrap_phi
from skjetsim.utils._comparison import MULTIOUTPUTS, aggregate, check_pair, check_scale, rng_from
from skjetsim.utils._validation import check_int, check_option

# Doubles held at once while slicing: 64 MB each for the projections of both samples.
_SLICE_BUDGET = 8_000_000


def wasserstein_distance(
    truth,
    generated,
    *,
    sample_weight=None,
    generated_weight=None,
    scale=None,
    multioutput="raw_values",
):
    """Wasserstein-1 ("earth mover's") distance of each feature.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
    generated : array-like of shape (n_generated, n_features)
        The two need not be equally long.
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated; each is normalised. Negative weights are an error.
    scale : {None, "std"}, default=None
        None gives the distance in the column's unit, "std" in standard deviations of the truth.
        A constant truth column keeps its own unit.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"

    Returns
    -------
    ndarray of shape (n_features,), or float
        GeV for a column in GeV, or standard deviations.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input, different columns, or negative weights.

    Notes
    -----
    W1 is the area between the two cumulative distributions, and for equally long unweighted
    samples the mean distance of the sorted values, which is computed here. It ignores all
    correlations between features: see `sliced_wasserstein_distance`.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import wasserstein_distance
    >>> truth = np.array([[10.0], [20.0], [30.0]])
    >>> wasserstein_distance(truth, truth + 2.5)
    array([2.5])
    """
    check_option(multioutput, "multioutput", MULTIOUTPUTS)
    pair = check_pair(truth, generated, sample_weight, generated_weight)
    values = np.array([wasserstein_1d(*column) for column in pair.columns()])
    return aggregate(values / check_scale(scale, pair.truth, pair.weight), multioutput)


def wasserstein_1d(a, b, a_weight=None, b_weight=None, *, p=1):
    """W_p to the power p of two one-dimensional samples."""
    if a_weight is None and b_weight is None and len(a) == len(b):
        gap = np.sort(a)
        gap -= np.sort(b)
        np.abs(gap, out=gap)
        return float(np.mean(gap if p == 1 else gap**p))
    a, a_weight = _sorted_shares(a, a_weight)
    b, b_weight = _sorted_shares(b, b_weight)
    if p == 1:
        values, gap = _cdf_gap(a, b, a_weight, b_weight)
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
    if a_weight is None and b_weight is None and len(a) == len(b):
        return _circle_of_pairs(np.sort(a), np.sort(b), p)
    a, a_share = _sorted_shares(a, a_weight)
    b, b_share = _sorted_shares(b, b_weight)
    a_level, b_level = _levels(a_share), _levels(b_share)
    low, high = -1.0, 1.0
    for _ in range(np.finfo(np.float64).nmant + 1):
        middle = 0.5 * (low + high)
        if _circle_slope(a, b, a_level, b_level, middle, p) > 0:
            high = middle
        else:
            low = middle
    turned, share = _turned(b, b_level, middle)
    # For equal samples a share of exactly zero is the best, and bisection only comes close to it.
    unturned = _quantile_cost(a, b, a_share, b_share, p)
    return min(unturned, _quantile_cost(a, turned, a_share, share, p))


def _circle_of_pairs(a, b, p):
    """Least cost of pairing equally many sorted angles in order, over all starts on the circle."""
    n = len(a)
    laps = np.concatenate([b - TWO_PI, b, b + TWO_PI])

    def cost(shift):
        gap = np.abs(laps[n + shift : 2 * n + shift] - a)
        return float(np.mean(gap if p == 1 else gap**p))

    low, high = -n, n
    while low < high:
        middle = (low + high) // 2
        if cost(middle + 1) < cost(middle):
            low = middle + 1
        else:
            high = middle
    return cost(low)


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


def _sorted_shares(values, weight):
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


def _cdf_gap(a, b, a_share, b_share):
    """Merged values of two sorted samples, and at each the gap of the cumulative distributions."""
    values = np.concatenate([a, b])
    order = np.argsort(values, kind="stable")  # timsort merges two sorted runs in linear time
    gap = np.cumsum(np.concatenate([a_share, -b_share])[order])
    return values[order], gap


def _quantile_cost(a, b, a_share, b_share, p):
    """Integral over the probability of |a's quantile - b's quantile|^p."""
    a_level, b_level = _levels(a_share), _levels(b_share)
    level = np.sort(np.concatenate([a_level, b_level]), kind="stable")
    width = np.diff(level, prepend=0.0)
    at_a = a[np.minimum(np.searchsorted(a_level, level), len(a) - 1)]
    at_b = b[np.minimum(np.searchsorted(b_level, level), len(b) - 1)]
    return float(np.sum(width * np.abs(at_a - at_b) ** p))


def ks_distance(
    truth, generated, *, sample_weight=None, generated_weight=None, multioutput="raw_values"
):
    """Kolmogorov-Smirnov distance of each feature: the largest gap of the cumulative distributions.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
    generated : array-like of shape (n_generated, n_features)
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative Monte Carlo weights are allowed as long as
        their sum is positive.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"

    Returns
    -------
    ndarray of shape (n_features,), or float
        Between 0 and 1 for positive weights; no unit. Two samples of n events of one
        distribution are 1.23 / sqrt(n) apart on average.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input or different columns.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import ks_distance
    >>> ks_distance(np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[1.0], [2.0], [9.0], [9.0]]))
    array([0.5])
    """
    check_option(multioutput, "multioutput", MULTIOUTPUTS)
    pair = check_pair(truth, generated, sample_weight, generated_weight, allow_negative=True)
    return aggregate(np.array([_ks_1d(*column) for column in pair.columns()]), multioutput)


def _ks_1d(a, b, a_weight, b_weight):
    a, a_share = _sorted_shares(a, a_weight)
    b, b_share = _sorted_shares(b, b_weight)
    merged, gap = _cdf_gap(a, b, a_share, b_share)
    # The distributions are compared behind all events of the same value, not between them.
    last_of_value = np.append(np.diff(merged) > 0, False)
    return np.max(np.abs(gap[last_of_value]), initial=0.0)


def sliced_wasserstein_distance(
    truth,
    generated,
    *,
    sample_weight=None,
    generated_weight=None,
    n_slices=100,
    p=1,
    scale=None,
    random_state=None,
):
    """Sliced Wasserstein distance: mean over random directions of the projected distance.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
    generated : array-like of shape (n_generated, n_features)
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative weights are an error.
    n_slices : int, default=100
        Directions, uniform on the sphere.
    p : {1, 2}, default=1
    scale : {None, "std"}, default=None
        With "std" the columns are divided by the truth's standard deviations first. Columns of
        different units (GeV and radians) need this.
    random_state : None, int, Generator or RandomState
        Governs the directions.

    Returns
    -------
    float
        (mean over slices of W_p^p)^(1/p), in the columns' unit.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input, different columns, or negative weights.

    Notes
    -----
    Many slices do not give the Wasserstein distance, only a metric equivalent to it [1]_. Memory
    is bounded: slices are projected in blocks.

    References
    ----------
    .. [1] N. Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures", Journal of
       Mathematical Imaging and Vision 51 (2015) 22.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import sliced_wasserstein_distance
    >>> truth = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> sliced_wasserstein_distance(truth, truth, random_state=0)
    0.0
    """
    check_option(p, "p", (1, 2))
    n_slices = check_int(n_slices, "n_slices")
    pair = check_pair(truth, generated, sample_weight, generated_weight)
    a, b = pair.truth, pair.generated
    if scale is not None:
        unit = check_scale(scale, a, pair.weight)
        a, b = a / unit, b / unit
    directions = rng_from(random_state).standard_normal((pair.n_columns, n_slices))
    directions /= np.linalg.norm(directions, axis=0)
    block = max(1, _SLICE_BUDGET // max(len(a), len(b)))
    total = 0.0
    for start in range(0, n_slices, block):
        chosen = directions[:, start : start + block].T
        for a_line, b_line in zip(chosen @ a.T, chosen @ b.T, strict=True):
            total += wasserstein_1d(a_line, b_line, pair.weight, pair.generated_weight, p=p)
    return float((total / n_slices) ** (1.0 / p))

"""Wasserstein distances, of each column and sliced, and the KS distance."""

import numpy as np

from skjetsim.metrics._one_dimension import cdf_gap, distances_1d, sorted_shares, wasserstein_1d
from skjetsim.utils._circle import on_circle
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
        The average and the maximum need columns of one unit, or `scale="std"`.

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

    Columns that are angles by their names move the short way round the circle. Arrays have no
    names, so their columns are lines.

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
    values = distances_1d(pair, pair.circular)
    unit = check_scale(scale, pair.truth, pair.weight, pair.circular)
    return aggregate(values / unit, multioutput)


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

    Notes
    -----
    Angles are compared on the line, from -pi to pi, since this distance is one of probabilities. A
    small turn moves a small share of the events past the seam, and changes it by that share at
    most.

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
    a, a_share = sorted_shares(a, a_weight)
    b, b_share = sorted_shares(b, b_weight)
    merged, gap = cdf_gap(a, b, a_share, b_share)
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
    An angle, by the name of its column, enters as its cosine and its sine, with the standard
    deviation of the angle for a unit if `scale="std"`.

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
    if scale is not None or pair.circular.any():
        unit = check_scale(scale, a, pair.weight, pair.circular)
        a, b = (on_circle(table, pair.circular, unit) for table in (a, b))
    directions = rng_from(random_state).standard_normal((a.shape[1], n_slices))
    directions /= np.linalg.norm(directions, axis=0)
    block = max(1, _SLICE_BUDGET // max(len(a), len(b)))
    total = 0.0
    for start in range(0, n_slices, block):
        chosen = directions[:, start : start + block].T
        for a_line, b_line in zip(chosen @ a.T, chosen @ b.T, strict=True):
            total += wasserstein_1d(a_line, b_line, pair.weight, pair.generated_weight, p=p)
    return float((total / n_slices) ** (1.0 / p))

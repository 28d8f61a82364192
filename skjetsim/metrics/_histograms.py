"""Comparisons in bins: EMD_sum of the jet VAE papers, chi-square per degree of freedom."""

from collections.abc import Mapping

import numpy as np

from skjetsim.metrics._one_dimension import wasserstein_1d
from skjetsim.utils._angles import TWO_PI, wrap_phi
from skjetsim.utils._circle import mean_direction, within_half_turn
from skjetsim.utils._comparison import MULTIOUTPUTS, aggregate, check_pair
from skjetsim.utils._validation import check_int, check_option
from skjetsim.utils._weighted import weighted_quantile


def per_column(setting, names, n_columns, parameter, *, fewer=False):
    """Spread a parameter over the columns; columns without an entry get None.

    Parameters
    ----------
    setting : sequence, mapping from column name (or position) to entry, or None
    names : list of str or None
    n_columns : int
    parameter : str
        Named in messages.
    fewer : bool
        Whether a sequence may end before the last column.

    Returns
    -------
    list
    """
    if setting is None:
        return [None] * n_columns
    if isinstance(setting, Mapping):
        names = names if names is not None else list(range(n_columns))
        unknown = [key for key in setting if key not in names]
        if unknown:
            raise ValueError(
                f"{parameter} names column {unknown[0]!r}, but the columns are {names}."
            )
        return [setting.get(key) for key in names]
    missing = n_columns - len(setting)
    if missing < 0 or (missing and not fewer):
        raise ValueError(f"{parameter} has {len(setting)} entries for {n_columns} columns.")
    return [*setting, *[None] * missing]


def default_range(values, weight=None, circular=False):
    """Axis range of a column: the central 99.8% of its events; of angles, about their direction."""
    weight = None if weight is None else np.clip(weight, 0.0, None)
    if circular and not within_half_turn(wrap_phi(values)):
        direction = mean_direction(values, weight)
        low, high = weighted_quantile(wrap_phi(values - direction), [0.001, 0.999], weight)
        return direction + low, direction + high
    low, high = weighted_quantile(values, [0.001, 0.999], weight)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _check_range(given, pair, column, circular):
    """Axis range of a column: as given, or from the truth."""
    if given is None:
        return default_range(pair.truth[:, column], pair.weight, circular)
    low, high = (float(limit) for limit in given)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"the range of column {pair.label(column)} must be two finite numbers, low < high, "
            f"got {given!r}."
        )
    return low, high


def emd_sum(
    truth,
    generated,
    *,
    sample_weight=None,
    generated_weight=None,
    bins=100,
    ranges=None,
    positions=True,
    multioutput="sum",
):
    """EMD_sum: earth mover's distances of normalised histograms, summed over the features.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
        The papers use jet mass, pT, energy, eta and phi.
    generated : array-like of shape (n_generated, n_features)
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative weights are allowed with `positions=True`, as
        long as their sum is positive.
    bins : int, default=100
        Bins of equal width per feature.
    ranges : sequence of (low, high), or mapping from column name to (low, high), optional
        Axis ranges. By default, and for columns a mapping leaves out, the central 99.8% of the
        truth, for angles about their mean direction. JetNet in [1]_: mass (0, 400), pT (0, 3000),
        E (200, 4000), eta and phi (-3, 3).
    positions : bool, default=True
        True gives the distance of the two histograms in units of the axis range. Underflow and
        overflow count as one more bin at either end. False repeats the published code, which
        passes the bin *heights* to a one-dimensional Wasserstein routine as if they were data. The
        positions of the bins do not enter, so a shifted peak is not seen, and events outside the
        range are dropped. Use it only to compare with the papers' figures.
    multioutput : {"sum", "raw_values"}, default="sum"

    Returns
    -------
    float, or ndarray of shape (n_features,)
        No unit. It falls with the sample size: compare at equal sizes only.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input, different columns or a bad range. With `positions=False`
        also on negative weights, or a sample wholly outside the range.

    Notes
    -----
    With `positions=True`, columns that are angles by their names are compared on the circle:
    underflow and overflow are neighbours.

    References
    ----------
    .. [1] B. Orzari et al., "LHC hadronic jet generation using convolutional variational
       autoencoders with normalizing flows", arXiv:2310.13138, and arXiv:2109.15197.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import emd_sum
    >>> mass = np.linspace(50.0, 150.0, 1001)[:, None]
    >>> shifted = mass + 60.0
    >>> round(emd_sum(mass, shifted, ranges=[(0.0, 400.0)]), 4)   # 60 GeV / 400 GeV
    0.15
    >>> emd_sum(mass, shifted, ranges=[(0.0, 400.0)], positions=False) < 1e-3
    True
    """
    check_option(multioutput, "multioutput", ("sum", "raw_values"))
    bins = check_int(bins, "bins")
    pair = check_pair(truth, generated, sample_weight, generated_weight, allow_negative=positions)
    ranges = per_column(ranges, pair.names, pair.n_columns, "ranges")
    values = histogram_distances(pair, pair.circular & positions, ranges, bins, positions)
    return float(values.sum()) if multioutput == "sum" else values


def histogram_distances(pair, circular, ranges, bins, positions):
    """Earth mover's distance of the histograms of each column, in units of its axis range."""
    values = np.empty(pair.n_columns)
    for column, (given, angle) in enumerate(zip(ranges, circular, strict=True)):
        low, high = _check_range(given, pair, column, angle)
        a, b = pair.truth[:, column], pair.generated[:, column]
        if angle:
            middle = 0.5 * (low + high)
            a, b = (middle + wrap_phi(phi - middle) for phi in (a, b))
        a = _flow_histogram(a, low, high, bins, pair.weight)
        b = _flow_histogram(b, low, high, bins, pair.generated_weight)
        if not positions:
            values[column] = wasserstein_1d(
                _inside_heights(a, pair, column, "truth"),
                _inside_heights(b, pair, column, "generated"),
            )
        elif angle:
            values[column] = _circular_emd(np.cumsum(a - b)[:-1], low, high, bins) / (high - low)
        else:
            values[column] = np.sum(np.abs(np.cumsum(a - b)[:-1])) / bins
    return values


def _circular_emd(gap, low, high, bins):
    """Least cost of moving a histogram on the circle, from the gaps of the cumulative shares.

    Any share may flow once around the circle. The best one is the median of the gaps, weighted by
    the way between the centres of their bins.
    """
    centres = low + (np.arange(-1, bins + 1) + 0.5) * (high - low) / bins
    middle = 0.5 * (low + high)
    way = np.diff(np.clip(centres, middle - np.pi, middle + np.pi))
    way, gap = np.append(way, TWO_PI - way.sum()), np.append(gap, 0.0)
    order = np.argsort(gap)
    half = np.searchsorted(np.cumsum(way[order]), np.pi)
    return np.sum(way * np.abs(gap - gap[order[min(half, len(gap) - 1)]]))


def _flow_histogram(values, low, high, bins, weight):
    """Normalised histogram of bins + 2 bins: underflow, the axis, overflow.

    As numpy does, the upper limit belongs to the last bin of the axis.
    """
    scaled = (values - low) * (bins / (high - low))
    inside = (values >= low) & (values <= high)
    index = np.where(values < low, 0, bins + 1)
    index[inside] = np.minimum(scaled[inside].astype(np.intp), bins - 1) + 1
    counts = np.bincount(index, weights=weight, minlength=bins + 2)
    return counts / counts.sum()


def _inside_heights(histogram, pair, column, what):
    heights = histogram[1:-1]
    if heights.sum() <= 0:
        raise ValueError(f"no event of {what} lies in the range of column {pair.label(column)}.")
    return heights / heights.sum()


def chi2_per_dof(
    truth,
    generated,
    *,
    sample_weight=None,
    generated_weight=None,
    bins=50,
    multioutput="raw_values",
):
    """Chi-square per degree of freedom of two normalised histograms, errors of both counted.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
    generated : array-like of shape (n_generated, n_features)
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated; a bin's variance is the sum of squared weights.
        Negative Monte Carlo weights are allowed as long as their sum is positive.
    bins : int, sequence of edge arrays, or mapping from column name to edges, default=50
        An int makes that many bins of equal probability from the truth's quantiles. Columns that a
        mapping leaves out have 50. Underflow and overflow belong to the outermost bins.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"

    Returns
    -------
    ndarray of shape (n_features,), or float
        About 1 for two samples of one distribution, with a standard deviation of
        sqrt(2 / dof). For different distributions it grows with the sample size. It is 0 if all
        events are in one bin.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input, different columns or edges that do not increase.

    Notes
    -----
    chi2 = sum over bins of (a/A - b/B)^2 / (s_a^2/A^2 + s_b^2/B^2), A and B the totals and s^2
    the sums of squared weights [1]_, over the number of filled bins minus one.

    References
    ----------
    .. [1] N. Gagunashvili, "Chi-square tests for comparing weighted histograms", Nucl. Instrum.
       Meth. A 614 (2010) 287, arXiv:0905.4221.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import chi2_per_dof
    >>> rng = np.random.default_rng(0)
    >>> truth, generated = rng.normal(size=(2, 10_000, 1))
    >>> bool(chi2_per_dof(truth, generated)[0] < 2)
    True
    """
    check_option(multioutput, "multioutput", MULTIOUTPUTS)
    pair = check_pair(truth, generated, sample_weight, generated_weight, allow_negative=True)
    if isinstance(bins, Mapping) or np.ndim(bins) > 0 or isinstance(bins, (list, tuple)):
        given = per_column(bins, pair.names, pair.n_columns, "bins")
        settings = [50 if each is None else each for each in given]
    else:
        settings = [check_int(bins, "bins")] * pair.n_columns
    values = np.array([_chi2_column(pair, c, setting) for c, setting in enumerate(settings)])
    return aggregate(values, multioutput)


def _inner_edges(pair, column, setting):
    """Edges between bins; the outer bins reach to infinity."""
    if isinstance(setting, int):
        weight = None if pair.weight is None else np.clip(pair.weight, 0.0, None)
        levels = np.arange(1, setting) / setting
        edges = np.unique(weighted_quantile(pair.truth[:, column], levels, weight))
        if len(edges) == 1 and setting > 1:  # a constant: values on either side of it must show
            edges = np.array([np.nextafter(edges[0], -np.inf), edges[0]])
        return edges
    edges = np.asarray(setting, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(
            f"the bin edges of column {pair.label(column)} must be at least two increasing "
            f"numbers, got {setting!r}."
        )
    return edges[1:-1]


def _chi2_column(pair, column, setting):
    edges = _inner_edges(pair, column, setting)
    # A value on a given edge belongs to the bin above it, as in numpy; one on a quantile edge to
    # the bin below it, so that a repeated value of the truth stays with its own quantile.
    side = "left" if isinstance(setting, int) else "right"
    a, a_variance = _shares(pair.truth[:, column], edges, side, pair.weight)
    b, b_variance = _shares(pair.generated[:, column], edges, side, pair.generated_weight)
    variance = a_variance + b_variance
    filled = variance > 0
    dof = int(filled.sum()) - 1
    if dof < 1:
        return 0.0
    return float(np.sum((a - b)[filled] ** 2 / variance[filled]) / dof)


def _shares(values, edges, side, weight):
    """Share of each bin in the total, and its variance."""
    index = np.searchsorted(edges, values, side=side)
    n_bins = len(edges) + 1
    if weight is None:
        counts = np.bincount(index, minlength=n_bins).astype(np.float64)
        return counts / len(values), counts / len(values) ** 2
    total = weight.sum()
    sums = np.bincount(index, weights=weight, minlength=n_bins)
    squares = np.bincount(index, weights=weight**2, minlength=n_bins)
    return sums / total, squares / total**2

"""Whether features depend on each other as they should: correlations, residuals in bins of X."""

import numbers

import numpy as np
import pandas as pd

from skjetsim.metrics._distances import wasserstein_1d
from skjetsim.utils._columns import column_positions
from skjetsim.utils._comparison import check_pair, check_table, check_theory, shared_differences
from skjetsim.utils._tables import take_rows
from skjetsim.utils._validation import check_int, check_option
from skjetsim.utils._weighted import weighted_quantile, weighted_std


def correlation_difference(
    truth, generated, *, sample_weight=None, generated_weight=None, multioutput="max"
):
    """Difference of the linear correlation matrices.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
        At least two features and two events.
    generated : array-like of shape (n_generated, n_features)
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative weights are an error.
    multioutput : {"max", "rms", "raw_values"}, default="max"
        Largest absolute difference, root mean square over the pairs, or the matrix itself
        (generated minus truth).

    Returns
    -------
    float, or ndarray of shape (n_features, n_features)
        Between 0 and 2; no unit. A constant column counts as uncorrelated.

    Raises
    ------
    ValueError
        On NaN, infinity, one event, one column, different columns, or negative weights.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import correlation_difference
    >>> truth = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> round(correlation_difference(truth, truth * [1.0, -1.0]), 12)
    2.0
    """
    check_option(multioutput, "multioutput", ("max", "rms", "raw_values"))
    pair = check_pair(truth, generated, sample_weight, generated_weight, min_samples=2)
    if pair.n_columns < 2:
        raise ValueError("correlations need at least two columns, got one.")
    difference = _correlation(pair.generated, pair.generated_weight)
    difference -= _correlation(pair.truth, pair.weight)
    if multioutput == "raw_values":
        return difference
    off_diagonal = difference[np.triu_indices(pair.n_columns, k=1)]
    if multioutput == "max":
        return float(np.abs(off_diagonal).max())
    return float(np.sqrt(np.mean(off_diagonal**2)))


def _correlation(array, weight):
    weight = np.full(len(array), 1.0 / len(array)) if weight is None else weight / weight.sum()
    centred = array - weight @ array
    centred /= weighted_std(array, weight)
    correlation = (centred * weight[:, None]).T @ centred
    np.fill_diagonal(correlation, 1.0)
    return correlation


def residual_wasserstein(
    truth,
    generated,
    *,
    X,
    by,
    bins=4,
    scale="residual_std",
    angles=None,
    sample_weight=None,
    generated_weight=None,
):
    """Wasserstein distance of the detector response y - X, in bins of a theory-level quantity.

    Parameters
    ----------
    truth : array-like of shape (n, n_features)
        Detector-level events y.
    generated : array-like of shape (n, n_features)
        Simulated detector-level events, row i for the same theory-level event.
    X : array-like of shape (n, n_columns)
        Theory-level events. With names it must hold every column of truth and may hold more.
        Without names it must have as many columns as truth.
    by : str, int or array-like of shape (n,)
        The quantity that is binned: a column of X, or any values, one per event.
    bins : int or array-like of edges, default=4
        An int makes bins of equal population, whose edges have as few decimals as the events
        allow. Events outside given edges are in no bin.
    scale : {"residual_std", None}, default="residual_std"
        Whether distances are in standard deviations of the true residual in the bin, or in the
        column's unit. A constant residual keeps its unit.
    angles : sequence of str or int, optional
        Columns whose difference is wrapped into (-pi, pi]. By default columns with `phi` as a part
        of their name, such as `muon_phi`.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    generated_weight : array-like of shape (n,), optional
        By default sample_weight, since both sides are the same events.

    Returns
    -------
    DataFrame or ndarray of shape (n_bins, n_features)
        A DataFrame indexed by interval if the columns have names.

    Raises
    ------
    ValueError
        On NaN, infinity, unequal lengths, a column of truth that X lacks, or an empty bin.

    Notes
    -----
    A model that copies X, or one that ignores X, can have a small marginal distance. Both have a
    large distance here: that of the copy is the mean absolute residual, about 0.8 standard
    deviations.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.metrics import residual_wasserstein
    >>> X = pd.DataFrame({"muon_pt": np.linspace(20.0, 100.0, 400)})
    >>> rng = np.random.default_rng(0)
    >>> reco = X + rng.normal(size=(400, 1))
    >>> copy = residual_wasserstein(reco, X, X=X, by="muon_pt", bins=2)
    >>> bool((copy["muon_pt"] > 0.6).all())
    True
    """
    check_option(scale, "scale", ("residual_std", None))
    pair, theory, theory_names = _check_paired(truth, generated, X, sample_weight, generated_weight)
    names = pair.names
    if angles is not None:
        angles = column_positions(angles, names, pair.n_columns, "angles", "truth")
    true_residual, residual = (
        shared_differences(theory, y, theory_names, names, angles=angles)[0]
        for y in (pair.truth, pair.generated)
    )
    values, label = _binning_values(by, theory, theory_names)
    edges = _bin_edges(values, bins, label, pair.weight)
    index = np.searchsorted(edges, values, side="right") - 1
    index[values == edges[-1]] = len(edges) - 2  # as numpy: the last bin is closed
    table = np.empty((len(edges) - 1, pair.n_columns))
    for k in range(len(edges) - 1):
        rows = np.flatnonzero(index == k)
        if len(rows) == 0:
            raise ValueError(f"no event has {label} in bin [{edges[k]:g}, {edges[k + 1]:g}).")
        table[k] = _bin_distances(true_residual[rows], residual[rows], pair, rows, scale)
    if names is None:
        return table
    intervals = pd.IntervalIndex.from_breaks(edges, closed="left", name=label)
    return pd.DataFrame(table, index=intervals, columns=names)


def _bin_distances(true_residual, residual, pair, rows, scale):
    """W1 of each column of the residuals in one bin."""
    weight, generated_weight = take_rows(pair.weight, rows), take_rows(pair.generated_weight, rows)
    for each in (weight, generated_weight):
        if each is not None and each.sum() <= 0:
            raise ValueError("all events of a bin have weight zero: use fewer bins.")
    unit = 1.0 if scale is None else weighted_std(true_residual, weight)
    distances = [
        wasserstein_1d(a, b, weight, generated_weight)
        for a, b in zip(true_residual.T, residual.T, strict=True)
    ]
    return np.array(distances) / unit


def _check_paired(truth, generated, X, sample_weight, generated_weight):
    if generated_weight is None:
        generated_weight = sample_weight
    pair = check_pair(truth, generated, sample_weight, generated_weight)
    theory, names = check_theory(X, pair)
    if names is not None and pair.names is not None:
        missing = [name for name in pair.names if name not in names]
        if missing:
            raise ValueError(
                f"truth has column {missing[0]!r}, which X lacks: a residual needs the same "
                f"column on both sides. Select the shared columns; X has {names}."
            )
    elif theory.shape[1] != pair.n_columns:
        raise ValueError(
            f"X has {theory.shape[1]} columns and truth has {pair.n_columns}: without names on "
            "both, residuals are taken by position and the widths must agree."
        )
    return pair, theory, names


def _binning_values(by, theory, names):
    """Values that are binned, and their name."""
    if isinstance(by, (str, numbers.Integral)) and not isinstance(by, bool):
        (column,) = column_positions(by, names, theory.shape[1], "by")
        return theory[:, column], f"column {column}" if names is None else names[column]
    values, by_names = check_table(by, what="by")
    if values.shape != (len(theory), 1):
        raise ValueError(f"by must hold one value per event, {len(theory)}, got {np.shape(by)}.")
    return values[:, 0], by_names[0] if by_names is not None else "by"


def _bin_edges(values, bins, label, weight):
    if np.ndim(bins) == 0:
        levels = np.linspace(0.0, 1.0, check_int(bins, "bins") + 1)
        edges = weighted_quantile(values, levels, weight)
        edges[0], edges[-1] = values.min(), values.max()
        edges = np.unique(edges)
        if len(edges) == 1:
            return np.append(edges, np.nextafter(edges, np.inf))
        # Repeated values and heavy weights can leave an empty bin, which is joined to the next.
        filled = np.histogram(values, edges)[0] > 0
        return _short(np.append(edges[:-1][filled], edges[-1]), np.sort(values))
    edges = np.asarray(bins, dtype=np.float64)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"the bin edges of {label} must increase, got {bins!r}.")
    return edges


def _short(edges, values):
    """Edges of few decimals with the same events between them, for sorted values."""
    first = np.searchsorted(values, edges[1:-1])  # event of each bin but the first
    below, above = values[first - 1], values[first]
    decimals = 2 - int(np.floor(np.log10(edges[-1] - edges[0])))
    for more in range(13):
        unit = 10.0 ** -(decimals + more)
        short = np.array(
            [
                np.floor(edges[0] / unit) * unit,
                *((below + above) / 2),
                np.ceil(edges[-1] / unit) * unit,
            ]
        ).round(decimals + more)
        inner = short[1:-1]
        around = short[0] <= edges[0] and edges[-1] <= short[-1]
        if around and (below < inner).all() and (inner <= above).all():
            return short
    return edges

"""Whether features depend on each other as they should: correlations, residuals in bins of X."""

import numpy as np

from skjetsim.metrics._one_dimension import distances_1d, largest_part
from skjetsim.metrics._residuals import Residuals
from skjetsim.utils._circle import on_circle
from skjetsim.utils._comparison import Pair, check_pair, check_scale
from skjetsim.utils._validation import check_option
from skjetsim.utils._weighted import weighted_std


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
        Between 0 and 2; no unit. A constant column counts as uncorrelated. An angle, by its name,
        enters as its cosine and its sine, and the larger difference counts.

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
    sides = (on_circle(table, pair.circular) for table in (pair.truth, pair.generated))
    before, after = map(_correlation, sides, (pair.weight, pair.generated_weight))
    difference = _of_angles(after - before, pair.circular)
    if multioutput == "raw_values":
        return difference
    off_diagonal = difference[np.triu_indices(pair.n_columns, k=1)]
    if multioutput == "max":
        return float(np.abs(off_diagonal).max())
    return float(np.sqrt(np.mean(off_diagonal**2)))


def _of_angles(difference, circular):
    """For pairs with an angle, the largest difference in magnitude of its cosine or its sine."""
    if not circular.any():
        return difference
    column = np.concatenate([np.arange(len(circular)), np.flatnonzero(circular)])
    result = np.zeros((len(circular), len(circular)))
    for i, row in enumerate(difference):
        for j, value in enumerate(row):
            at = column[i], column[j]
            if at[0] != at[1] and abs(value) > abs(result[at]):
                result[at] = value
    return result


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
    return_largest=False,
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
        Columns whose difference is wrapped into (-pi, pi]. By default those that are angles by
        their name, such as `muon_phi`.
    sample_weight : array-like of shape (n,), optional
        Weights of the events. Negative weights are an error.
    generated_weight : array-like of shape (n,), optional
        By default sample_weight, since both sides are the same events.
    return_largest : bool, default=False
        Also return how much one event is worth.

    Returns
    -------
    distance : DataFrame or ndarray of shape (n_bins, n_features)
        A DataFrame indexed by interval if the columns have names.
    largest : DataFrame or ndarray of shape (n_bins, n_features)
        Only with `return_largest`: the part of each distance that belongs to the single event with
        the largest part. If it is a large share of the distance, one event decides, and
        `response_difference` says whether the core is right.

    Raises
    ------
    ValueError
        On NaN, infinity, unequal lengths or indices, a column of truth that X lacks, or an empty
        bin.

    See Also
    --------
    response_quantiles : Bias, widths and tails, which no single event decides.

    Notes
    -----
    Each event of n contributes the length of its move, over n. One of 7,500 simulated events that
    is off by 2,000 standard deviations adds 2000 / 7500 = 0.27 to a distance that is 0.02 without
    it. Residuals of angles are compared on the circle.

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
    residuals = Residuals(truth, generated, X, angles, sample_weight, generated_weight)
    table, largest = [], []
    for _, rows in residuals.bins(by, bins):
        pair = Pair(*residuals.part(rows), residuals.names)
        scale_option = None if scale is None else "std"
        unit = check_scale(scale_option, pair.truth, pair.weight, residuals.circular)
        table.append(distances_1d(pair, residuals.circular) / unit)
        if return_largest:
            largest.append(_largest_parts(pair, residuals.circular) / unit)
    table = residuals.as_table(table)
    return (table, residuals.as_table(largest)) if return_largest else table


def _largest_parts(pair, circular):
    """Part of the distance of each column that one event makes, at most."""
    parts = [
        largest_part(*column, circular=angle)
        for column, angle in zip(pair.columns(), circular, strict=True)
    ]
    return np.array(parts)

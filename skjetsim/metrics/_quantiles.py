"""Quantile mean squared error of "GANplification", and how many events a model is worth."""

import numbers

import numpy as np

from skjetsim.utils._comparison import check_pair
from skjetsim.utils._validation import check_int


def quantile_mse(truth, generated, *, n_quantiles, sample_weight=None, generated_weight=None):
    """Mean squared error of the generated events over cells of equal true probability, MSE*.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
        Defines the cells: the first feature is cut at its quantiles, then the second one in each
        slice, and so on. It should be much longer than `generated`. If the true distribution is
        known, pass a grid of its quantiles.
    generated : array-like of shape (n_generated, n_features)
    n_quantiles : int or sequence of int
        Number of quantiles of each feature. The number of cells N is their product.
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative weights are an error.

    Returns
    -------
    float
        sum over cells of (p_j - 1/N)^2, with p_j the share of generated events in cell j. It is
        zero at best, and (1 - 1/N) / n for n independent events of the true distribution.

    Raises
    ------
    ValueError
        On NaN, infinity, different columns, negative weights, or more cells than true events.

    Notes
    -----
    Equation 3 of [1]_. Discrete columns have no cells of equal probability. Therefore p_j is
    compared with the share of the truth in the cell, which is 1/N for continuous columns.

    References
    ----------
    .. [1] A. Butter, S. Diefenbacher, G. Kasieczka, B. Nachman, T. Plehn, "GANplifying event
       samples", SciPost Phys. 10 (2021) 139, arXiv:2008.06545.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import quantile_mse
    >>> truth = np.arange(100.0)[:, None]
    >>> quantile_mse(truth, truth, n_quantiles=10)
    0.0
    >>> round(quantile_mse(truth, truth[:50], n_quantiles=10), 12)  # half hold all
    0.1
    """
    return _mse(truth, generated, n_quantiles, sample_weight, generated_weight)[0]


def equivalent_sample_size(
    truth, generated, *, n_quantiles, sample_weight=None, generated_weight=None
):
    """How many true events describe the distribution as well as the generated ones, n_equiv.

    Parameters
    ----------
    truth : array-like of shape (n_truth, n_features)
        Defines the cells, see `quantile_mse`.
    generated : array-like of shape (n_generated, n_features)
    n_quantiles : int or sequence of int
    sample_weight, generated_weight : array-like, optional
        Weights of truth and of generated. Negative weights are an error.

    Returns
    -------
    float
        (1 - 1/N) / MSE* [1]_, the number of independent true events whose expected MSE* is that of
        the generated sample. It is infinite if MSE* is zero. It cannot exceed the length of truth
        by much, since the cells are only known to that precision.

    Raises
    ------
    ValueError
        As `quantile_mse`.

    References
    ----------
    .. [1] A. Butter et al., "GANplifying event samples", SciPost Phys. 10 (2021) 139,
       arXiv:2008.06545.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import equivalent_sample_size
    >>> rng = np.random.default_rng(0)
    >>> truth, events = rng.normal(size=(100_000, 1)), rng.normal(size=(500, 1))
    >>> 200 < equivalent_sample_size(truth, events, n_quantiles=50) < 1200
    True
    """
    mse, true_share = _mse(truth, generated, n_quantiles, sample_weight, generated_weight)
    # 1 - sum of squared shares is 1 - 1/N for cells of equal probability.
    return float((1.0 - np.sum(true_share**2)) / mse) if mse > 0 else float("inf")


def _mse(truth, generated, n_quantiles, sample_weight, generated_weight):
    """MSE*, zero if it is only the rounding of the shares, and the true shares of the cells."""
    pair = check_pair(truth, generated, sample_weight, generated_weight)
    if isinstance(n_quantiles, numbers.Integral):
        counts = [check_int(n_quantiles, "n_quantiles", minimum=2)] * pair.n_columns
    else:
        counts = [check_int(count, "n_quantiles") for count in n_quantiles]
    if len(counts) != pair.n_columns:
        raise ValueError(f"n_quantiles has {len(counts)} entries for {pair.n_columns} columns.")
    n_cells = int(np.prod(counts, dtype=object))
    if n_cells > len(pair.truth):
        raise ValueError(
            f"n_quantiles makes {n_cells} cells out of {len(pair.truth)} true events: take fewer "
            "quantiles, or fewer columns."
        )
    true_share, share = quantile_cell_shares(
        pair.truth, pair.generated, counts, pair.weight, pair.generated_weight
    )
    mse = float(((share - true_share) ** 2).sum())
    return mse if mse > 1e-28 else 0.0, true_share


def quantile_cell_shares(truth, generated, counts, weight=None, generated_weight=None):
    """Share of truth and of generated in each cell of the recursive quantile grid.

    Returns
    -------
    true_share, share : ndarray of shape (n_cells,)
    """
    weight = np.ones(len(truth)) if weight is None else weight
    present = weight > 0  # an event of weight zero must not define an edge
    cell, generated_cell = np.zeros(present.sum(), np.intp), np.zeros(len(generated), np.intp)
    truth, weight = truth[present], weight[present]
    n_cells = 1
    for column, count in enumerate(counts):
        edges = _conditional_edges(truth[:, column], weight, cell, n_cells, count)
        cell = _refine(cell, truth[:, column], edges)
        generated_cell = _refine(generated_cell, generated[:, column], edges)
        n_cells *= count
    share = np.bincount(generated_cell, weights=generated_weight, minlength=n_cells)
    true_share = np.bincount(cell, weights=weight, minlength=n_cells)
    return true_share / true_share.sum(), share / share.sum()


def _conditional_edges(values, weight, cell, n_cells, count):
    """Quantiles of one column inside each cell, as an array of shape (n_cells, count - 1).

    An empty cell (only discrete columns make one) gets edges at infinity.
    """
    order = np.lexsort((values, cell))
    values, weight, cell = values[order], weight[order], cell[order]
    total = np.bincount(cell, weights=weight, minlength=n_cells)
    before = np.concatenate([[0.0], np.cumsum(total)])[cell]
    level = (np.cumsum(weight) - 0.5 * weight - before) / total[cell]
    key = cell + np.clip(level, 0.0, 1.0 - 1e-12)
    wanted = np.arange(n_cells)[:, None] + np.arange(1, count) / count
    above = np.searchsorted(key, wanted.ravel() - 1e-9).reshape(wanted.shape)
    above = np.minimum(above, len(values) - 1)
    below = np.maximum(above - 1, 0)
    # Half way between two events, unless the neighbour belongs to another cell.
    own = np.arange(n_cells)[:, None]
    low = np.where(cell[below] == own, values[below], values[above])
    high = np.where(cell[above] == own, values[above], low)
    return np.where(total[:, None] > 0, 0.5 * low + 0.5 * high, np.inf)


def _refine(cell, values, edges):
    """Append this column's bin to the cell number; a value on an edge belongs below."""
    position = np.zeros(len(values), np.intp)
    for edge in edges.T:
        position += values > edge[cell]
    return cell * (edges.shape[1] + 1) + position

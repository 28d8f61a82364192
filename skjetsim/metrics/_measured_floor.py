"""The metric that a perfect model would have: that between two samples of the truth."""

import numpy as np
import pandas as pd
from sklearn.utils.parallel import Parallel, delayed

from skjetsim.metrics._floor import make_floor
from skjetsim.metrics._own_response import check_by, response_halves
from skjetsim.metrics._sorted_floor import sorted_comparison
from skjetsim.utils._comparison import check_table, check_weight, same_columns
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._tables import take_rows
from skjetsim.utils._validation import (
    check_int,
    check_n_jobs,
    check_same_events,
    column_names,
    counted,
)
from skjetsim.utils._warnings import without_hints

# Keyword arguments of metrics that hold one entry for each event.
_ROWS = ("by", "groups")


def metric_floor(
    metric,
    truth,
    n_samples=None,
    n_repeats=500,
    random_state=None,
    *,
    replica=None,
    X=None,
    by=None,
    sample_weight=None,
    metric_params=None,
    levels=(0.05, 0.5, 0.95),
    n_jobs=None,
):
    """Measure a metric between samples of the truth many times.

    Parameters
    ----------
    metric : callable
        `metric(truth, generated, **metric_params)`; smaller is better.
    truth : array-like of shape (n, n_features)
    n_samples : int, optional
        Events per side. Take the number that the model is judged with, because floors fall with
        the sample size. By default all of the truth if there is a `replica` or X, else half of it.
    n_repeats : int, default=500
        Number of comparisons. The floor of a classifier needs far fewer than that of a distance.
    random_state : None, int, Generator or RandomState
        An int gives the same floor for any `n_jobs`.
    replica : array-like of shape (n, n_features), optional
        The truth once more: row i is the same theory-level event, passed a second time through
        the detector. A perfect *simulator* is compared with it. In each comparison both versions
        of an event are swapped at random. Events that the second pass does not accept have to be
        removed from all tables. Without a replica and X, each comparison is between two disjoint
        random subsets of the truth.
    X : array-like of shape (n, n_columns), optional
        Theory-level events, cut to the same rows and passed to the metric as `X=`. Without a
        replica, the responses y - X of disjoint halves are compared, see Notes.
    by : str, int or array-like of shape (n,), optional
        For X without a replica: the column of X, or one value per event, in whose bins the metric
        compares the response. By default the `by` in `metric_params`.
    sample_weight : array-like of shape (n,), optional
        Weights of the truth, passed to the metric for both sides.
    metric_params : dict, optional
        Further keyword arguments of the metric. If `by` or `groups` are arrays with one entry per
        event, they are cut to the same rows.
    levels : sequence of float, default=(0.05, 0.5, 0.95)
        Probabilities of the quantiles to return.
    n_jobs : int, optional
        Threads.

    Returns
    -------
    MetricFloor
        A Bunch with `mean`, `quantiles`, `samples`, `maximum`, `maximum_quantiles`, `limit`, and
        the methods `ratio(value)` and `at_floor(value)`.

    Raises
    ------
    ValueError
        On bad input, if rows of the replica alone are zeros, if indices show that rows are not the
        same events, or if the truth is too short for two disjoint subsets of `n_samples`.

    Notes
    -----
    A perfect model exceeds the mean floor half of the time in each feature. Therefore the value of
    each feature is divided by its own mean floor, and the maximum of these ratios over features is
    compared with the 95th percentile of its own distribution. Ratios have no unit, so that none
    can hide a feature behind another.

    Few have a second pass of the detector. With X and without a replica, events are sorted by `by`
    and neighbours are paired. One of each pair, at random, keeps its y. Its partner for the metric
    has the same X plus the residual y - X of the neighbour. So the responses of two disjoint halves
    are compared, alike in `by`. Each half has n / 2 events, and their distance is multiplied by
    sqrt(1/2) for n events per side. This holds for distances that fall as 1 / sqrt(n), such as
    `residual_wasserstein` and `response_difference`, and supposes that the response is the same
    for neighbours in `by`. If it also depends on other columns of X, the floor is a little too
    high, since the halves do not share these. A metric that is not zero between equal samples,
    such as the area under a ROC curve, is an error.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import metric_floor, wasserstein_distance
    >>> truth = np.random.default_rng(0).normal(size=(2000, 3))
    >>> floor = metric_floor(wasserstein_distance, truth, n_repeats=50, random_state=0)
    >>> floor.n_samples, floor.mean.shape
    (1000, (3,))
    >>> floor.at_floor(wasserstein_distance(truth[:1000], truth[1000:] + 0.5))
    False
    """
    n_repeats, n_jobs = check_int(n_repeats, "n_repeats"), check_n_jobs(n_jobs)
    params = dict(metric_params or {})
    n_rows = _check_rows(truth, replica, X, sample_weight)
    own = X is not None and replica is None
    if by is not None and not own:
        raise ValueError(
            "by says in which bins of X responses are compared: pass X and no replica."
        )
    most = n_rows // 2 if replica is None and X is None else n_rows
    n_samples = _check_n_samples(n_samples, n_rows, most)
    weight = check_weight(sample_weight, n_rows, "sample_weight", allow_negative=True)
    tables = {"truth": truth, "replica": replica, "X": X, "weight": weight}
    comparison = _compare
    if own:
        tables["by"] = check_by(metric, tables, params.get("by") if by is None else by, params)
        comparison = response_halves
    else:
        tables["sorted"] = sorted_comparison(metric, tables, n_samples, params)
    values = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(comparison)(metric, tables, n_samples, seed, params)
        for seed in as_seed_sequence(random_state).spawn(n_repeats)
    )
    samples = np.asarray(values, dtype=np.float64)
    return make_floor(samples, levels, n_samples, _columns(values[0], truth))


def _columns(value, truth):
    """Names of the last axis of the metric, if it has those of a table."""
    names = column_names(value) if isinstance(value, pd.DataFrame) else column_names(truth)
    return names if names is not None and np.shape(value)[-1:] == (len(names),) else None


def _check_rows(truth, replica, X, sample_weight):
    table, names = check_table(truth, what="truth", min_samples=2)
    if replica is not None:
        other, other_names = check_table(replica, what="replica")
        same_columns(
            names, other_names, table.shape[1], other.shape[1], what="truth", other="replica"
        )
    for other, what in ((replica, "replica"), (X, "X")):
        if other is not None and len(other) != len(table):
            raise ValueError(f"{what} has {len(other)} events, but truth has {len(table)}.")
    check_same_events(truth, X, sample_weight, names=("truth", "X"))
    check_same_events(truth, replica, names=("truth", "replica"), drawn=True)
    if replica is not None:
        _refuse_rejected(table, np.asarray(replica, dtype=np.float64).reshape(table.shape))
    return len(table)


def _refuse_rejected(truth, replica):
    """Raise if the replica holds the zeros of an event that its detector pass rejected."""
    if truth.shape[1] == 1:  # a single quantity, such as the mass of a jet, may be zero
        return
    rejected = truth.any(axis=1) & ~replica.any(axis=1)
    if rejected.any():
        raise ValueError(
            f"replica is zero in all columns of row {int(np.flatnonzero(rejected)[0])} "
            f"({counted(rejected.sum(), 'such row')} in all), but truth is not: the second pass "
            "did not accept these events. Take those that both accept: both = second.accepted; "
            "pass truth[both], replica[both] and X[both]."
        )


def _check_n_samples(n_samples, n_rows, most):
    if n_samples is None:
        return most
    n_samples = check_int(n_samples, "n_samples")
    if n_samples > most:
        need = "two disjoint subsets" if most < n_rows else "a subset"
        raise ValueError(
            f"n_samples={n_samples} is too many for {need} of {n_rows} events: at most {most}."
        )
    return n_samples


def _compare(metric, tables, n_samples, seed, metric_params):
    """One truth-against-truth comparison."""
    rng = np.random.default_rng(seed)
    truth, replica, X, weight = (tables[key] for key in ("truth", "replica", "X", "weight"))
    n_rows = len(truth)
    order = rng.permutation(n_rows)
    rows, other_rows = order[:n_samples], order[n_samples : 2 * n_samples]
    swap = None
    if replica is not None:
        other_rows, swap = rows, rng.random(n_samples) < 0.5
    if tables["sorted"] is not None:
        return tables["sorted"](rows, other_rows, swap)
    params = dict(metric_params)
    if replica is None:
        one, two = take_rows(truth, rows), take_rows(truth, other_rows)
    else:
        one, two = _swapped(take_rows(truth, rows), take_rows(replica, rows), swap)
        params |= _cut(params, rows, n_rows)
    if X is not None:
        params["X"] = take_rows(X, rows)
    if weight is not None:
        params.update(sample_weight=weight[rows], generated_weight=weight[other_rows])
    with without_hints():
        return metric(one, two, **params)


def _cut(params, rows, n_rows):
    """Rows of the parameters that hold one entry for each event."""
    whole = {name: params[name] for name in _ROWS if np.shape(params.get(name)) == (n_rows,)}
    return {name: take_rows(values, rows) for name, values in whole.items()}


def _swapped(truth, replica, swap):
    """Exchange the two versions of some events."""
    one, two = np.array(truth), np.array(replica).reshape(np.shape(truth))
    one[swap], two[swap] = two[swap], one[swap]
    if hasattr(truth, "columns"):
        index = getattr(truth, "index", None)
        return (pd.DataFrame(each, columns=truth.columns, index=index) for each in (one, two))
    return one, two

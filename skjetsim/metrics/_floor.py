"""The metric that a perfect model would have: that between two samples of the truth."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils.parallel import Parallel, delayed

from skjetsim.utils._comparison import check_table, check_weight, same_columns
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._tables import take_rows
from skjetsim.utils._validation import check_int, check_n_jobs, counted


class MetricFloor(Bunch):
    """Distribution of a metric over truth-against-truth comparisons, see `metric_floor`.

    Attributes
    ----------
    samples : ndarray of shape (n_repeats, ...)
        The metric of each comparison, with whatever shape the metric has.
    mean : float or ndarray
        Their mean.
    levels : ndarray of shape (n_levels,)
        The probabilities of the quantiles.
    quantiles : ndarray of shape (n_levels, ...)
        The metric's quantiles, feature by feature.
    maximum : ndarray of shape (n_repeats,)
        The largest over features of each comparison.
    maximum_quantiles : ndarray of shape (n_levels,)
        Quantiles of that maximum.
    limit : float
        The 95th percentile of that maximum: what `at_floor` compares with.
    n_samples : int
        Events per side.
    """

    def at_floor(self, value):
        """Whether a model's metric is as good as truth against truth.

        Parameters
        ----------
        value : float, ndarray or DataFrame
            The metric of the model against the truth, at `n_samples` events per side.

        Returns
        -------
        bool
            True if the maximum over features is at most the 95th percentile of that maximum over
            truth-against-truth comparisons.

        Raises
        ------
        ValueError
            If `value` does not have the shape of the metric that the floor was made with.
        """
        value = np.asarray(value, dtype=np.float64)
        if value.shape != self.samples.shape[1:]:
            raise ValueError(
                f"value has shape {value.shape}, but the floor was measured for a metric of shape "
                f"{self.samples.shape[1:]}."
            )
        return bool(value.max() <= self.limit)


def metric_floor(
    metric,
    truth,
    n_samples=None,
    n_repeats=500,
    random_state=None,
    *,
    replica=None,
    X=None,
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
        the sample size. By default half of the truth, or all of it if there is a `replica`.
    n_repeats : int, default=500
        Number of comparisons. The floor of a classifier needs far fewer than that of a distance.
    random_state : None, int, Generator or RandomState
        An int gives the same floor for any `n_jobs`.
    replica : array-like of shape (n, n_features), optional
        The truth once more: row i is the same theory-level event, passed a second time through
        the detector. A perfect *simulator* is compared with it. In each comparison both versions
        of an event are swapped at random. Events that the second pass does not accept have to be
        removed from all tables. Without a replica, each comparison is between two disjoint random
        subsets of the truth.
    X : array-like of shape (n, n_columns), optional
        Theory-level events, cut to the same rows and passed to the metric as `X=`. They need a
        replica.
    sample_weight : array-like of shape (n,), optional
        Weights of the truth, passed to the metric for both sides.
    metric_params : dict, optional
        Further keyword arguments of the metric.
    levels : sequence of float, default=(0.05, 0.5, 0.95)
        Probabilities of the quantiles to return.
    n_jobs : int, optional
        Threads.

    Returns
    -------
    MetricFloor
        A Bunch with `mean`, `quantiles`, `samples`, `maximum`, `maximum_quantiles`, `limit`, and
        the method `at_floor(value)`.

    Raises
    ------
    ValueError
        On bad input, if rows of the replica alone are zeros, or if the truth is too short for two
        disjoint subsets of `n_samples`.

    Notes
    -----
    A perfect model exceeds the mean floor half of the time in each feature. Therefore the maximum
    over features is compared with the 95th percentile of its own distribution.

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
    n_rows = _check_rows(truth, replica, X)
    n_samples = _check_n_samples(n_samples, n_rows, replica)
    weight = check_weight(sample_weight, n_rows, "sample_weight", allow_negative=True)
    seeds = as_seed_sequence(random_state).spawn(n_repeats)
    tables = {"truth": truth, "replica": replica, "X": X, "weight": weight}
    values = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_compare)(metric, tables, n_rows, n_samples, seed, metric_params or {})
        for seed in seeds
    )
    samples = np.asarray(values, dtype=np.float64)
    maximum = samples.reshape(n_repeats, -1).max(axis=1)
    mean = samples.mean(axis=0)
    levels = np.asarray(levels, dtype=np.float64)
    return MetricFloor(
        mean=float(mean) if mean.ndim == 0 else mean,
        levels=levels,
        quantiles=np.quantile(samples, levels, axis=0),
        samples=samples,
        maximum=maximum,
        maximum_quantiles=np.quantile(maximum, levels),
        limit=float(np.quantile(maximum, 0.95)),
        n_samples=n_samples,
    )


def _check_rows(truth, replica, X):
    table, names = check_table(truth, what="truth", min_samples=2)
    if replica is not None:
        other, other_names = check_table(replica, what="replica")
        same_columns(
            names, other_names, table.shape[1], other.shape[1], what="truth", other="replica"
        )
    elif X is not None:
        raise ValueError(
            "with X the floor is that of a simulator: pass replica, a second detector-level "
            "version of the same events."
        )
    for other, what in ((replica, "replica"), (X, "X")):
        if other is not None and len(other) != len(table):
            raise ValueError(f"{what} has {len(other)} events, but truth has {len(table)}.")
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


def _check_n_samples(n_samples, n_rows, replica):
    most = n_rows // 2 if replica is None else n_rows
    if n_samples is None:
        return most
    n_samples = check_int(n_samples, "n_samples")
    if n_samples > most:
        need = "two disjoint subsets" if replica is None else "a subset"
        raise ValueError(
            f"n_samples={n_samples} is too many for {need} of {n_rows} events: at most {most}."
        )
    return n_samples


def _compare(metric, tables, n_rows, n_samples, seed, metric_params):
    """One truth-against-truth comparison."""
    rng = np.random.default_rng(seed)
    truth, replica, X, weight = (tables[key] for key in ("truth", "replica", "X", "weight"))
    order = rng.permutation(n_rows)
    rows, other_rows = order[:n_samples], order[n_samples : 2 * n_samples]
    params = dict(metric_params)
    if replica is None:
        one, two = take_rows(truth, rows), take_rows(truth, other_rows)
    else:
        other_rows = rows
        one, two = _swapped(take_rows(truth, rows), take_rows(replica, rows), rng)
    if X is not None:
        params["X"] = take_rows(X, rows)
    if weight is not None:
        params.update(sample_weight=weight[rows], generated_weight=weight[other_rows])
    return metric(one, two, **params)


def _swapped(truth, replica, rng):
    """Exchange the two versions of about half of the events."""
    swap = rng.random(len(truth)) < 0.5
    one, two = np.array(truth), np.array(replica).reshape(np.shape(truth))
    one[swap], two[swap] = two[swap], one[swap]
    if hasattr(truth, "columns"):
        return (pd.DataFrame(each, columns=truth.columns) for each in (one, two))
    return one, two

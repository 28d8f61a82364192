"""Floor of the response from one pass of the detector: the responses of disjoint halves."""

import numpy as np
import pandas as pd

from skjetsim.metrics._residuals import binning_values
from skjetsim.utils._comparison import check_table, shared_columns
from skjetsim.utils._tables import take_rows
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._warnings import without_hints


def check_by(metric, tables, by, metric_params):
    """Values that the halves have to share; raise unless they and the metric are fit for it."""
    if by is None:
        raise ValueError(
            "with X the floor is that of a simulator: pass replica, a second detector-level "
            "version of the same events, or by (a column of X, or in metric_params), in whose bins "
            "the responses of disjoint halves of the events are compared."
        )
    check_same_events(tables["X"], by, names=("X", "by"), drawn=True)
    theory, names = check_table(tables["X"], what="X")
    values, _ = binning_values(by, theory, names)
    params = dict(metric_params)
    if tables["weight"] is not None:
        params |= {"sample_weight": tables["weight"], "generated_weight": tables["weight"]}
    with without_hints():
        same = metric(tables["truth"], tables["truth"], X=tables["X"], **params)
    if np.max(np.abs(np.asarray(same, dtype=np.float64))) > 1e-9:
        raise ValueError(
            "the metric is not zero between equal samples, so that its size for other numbers of "
            "events is not known: pass replica, a second detector-level version of the same events."
        )
    return values


def response_halves(metric, tables, n_samples, seed, metric_params):
    """The metric between responses of disjoint halves, brought to `n_samples` events per side."""
    rng = np.random.default_rng(seed)
    truth, X, weight, values = (tables[key] for key in ("truth", "X", "weight", "by"))
    chosen = rng.permutation(len(values))[:n_samples]
    chosen = chosen[np.argsort(values[chosen], kind="stable")]  # equal values in random order
    first = int(rng.integers(len(chosen) % 2 + 1))
    n_pairs = len(chosen) // 2
    pairs = chosen[first : first + 2 * n_pairs].reshape(n_pairs, 2)
    pairs = np.where(rng.random((n_pairs, 1)) < 0.5, pairs, pairs[:, ::-1])
    rows, other_rows = pairs.T
    params = dict(metric_params)
    if np.shape(params.get("by")) == (len(values),):
        params["by"] = take_rows(params["by"], rows)
    if weight is not None:
        params.update(sample_weight=weight[rows], generated_weight=weight[other_rows])
    y, theory = take_rows(truth, rows), take_rows(X, rows)
    moved = _with_response(take_rows(truth, other_rows), take_rows(X, other_rows), theory)
    distance = np.asarray(metric(y, moved, X=theory, **params), dtype=np.float64)
    return distance * np.sqrt(n_pairs / n_samples)


def _with_response(y, X, theory):
    """Events with the residuals y - X on other theory-level events, in the columns of y."""
    moved, names = check_table(y, what="truth")
    moved = moved.copy()
    X, X_names = check_table(X, what="X")
    index = getattr(theory, "index", None)
    theory, _ = check_table(theory, what="X")
    partners, columns = shared_columns(X_names, names, X.shape[1], moved.shape[1])
    moved[:, columns] += theory[:, partners] - X[:, partners]
    return moved if names is None else pd.DataFrame(moved, columns=names, index=index)

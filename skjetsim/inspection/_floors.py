"""Floors of the figures of a report: the same distances between two samples of the truth."""

import numpy as np
import pandas as pd

from skjetsim.inspection._compared import FLOOR
from skjetsim.metrics import metric_floor, wasserstein_distance
from skjetsim.utils._seeds import int_seed

N_REPEATS = 50
MOST_EVENTS = 50_000  # per side; floors of more events follow from theirs


class Floor:
    """Floor of one distance of each column, brought to the number of events of the model.

    Distances between samples of one distribution fall as the root of their number.

    Parameters
    ----------
    measured : MetricFloor
    columns : list of str
    factor : float
        By what the measured distances are multiplied.
    """

    def __init__(self, measured, columns, factor):
        self._measured, self._factor = measured, factor
        self.columns = columns
        self.limit = measured.limit

    @property
    def high(self):
        """95% quantile of each column."""
        return pd.Series(self._measured.quantiles[2] * self._factor, self.columns)

    def ratio(self, values):
        """Distances of the model over their own mean floors."""
        ratio = self._measured.ratio(np.asarray(values, dtype=np.float64) / self._factor)
        return pd.Series(ratio, self.columns)


def marginal_floor(events, root):
    """Floor of the marginals: the second pass, else disjoint halves of the truth."""
    truth, second_pass = events.truth, None
    n_events = min(len(truth), len(events.generated))
    n_samples = n_events // 2
    if events.second_pass is not None:
        truth, second_pass, _ = events.both()
        n_samples = len(truth)
    n_samples = min(n_samples, len(truth) // (2 if second_pass is None else 1), MOST_EVENTS)
    measured = metric_floor(
        wasserstein_distance,
        truth,
        n_samples=n_samples,
        n_repeats=N_REPEATS,
        random_state=int_seed(root, FLOOR, 1),
        replica=second_pass,
        metric_params={"scale": "std"},
    )
    return Floor(measured, list(truth.columns), np.sqrt(n_samples / n_events))


def response_floor(events, by, distances, root, *key):
    """Floor of the largest response distance of each shared column.

    It compares both detector passes, or the responses of disjoint halves of one pass.

    Parameters
    ----------
    events : Compared
    by : Series
        What disjoint halves have to share.
    distances : callable
        Takes truth, generated and X, and returns one distance of each column.
    root : SeedSequence
    *key : int
        Branch of the root.
    """
    truth, second_pass, given = events.truth, None, events.given
    values = by.to_numpy()
    if events.second_pass is not None:
        truth, second_pass, given = events.both()
        values = values[events.accepted]
    if by.name not in set(given.columns):
        given = given.assign(**{by.name: values})
    columns = events.shared
    n_samples = min(len(truth), MOST_EVENTS)
    measured = metric_floor(
        lambda truth, generated, X: distances(truth, generated, X).to_numpy(),
        truth[columns],
        n_samples=n_samples,
        n_repeats=N_REPEATS,
        random_state=int_seed(root, FLOOR, *key),
        replica=None if second_pass is None else second_pass[columns],
        X=given,
        by=by.name if second_pass is None else None,
    )
    return Floor(measured, columns, np.sqrt(n_samples / len(events.truth)))

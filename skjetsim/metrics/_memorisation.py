"""Whether a generator repeats its training events."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from skjetsim.utils._circle import angle_columns, on_circle
from skjetsim.utils._comparison import check_scale, check_table, rng_from, same_columns
from skjetsim.utils._validation import check_int, check_n_jobs, check_option

# In more columns a tree of 100,000 events is searched nearly as a whole, which is slower than
# all distances at once.
_TREE_COLUMNS = 8


def nearest_neighbour_ratio(
    train, generated, *, held_out, scale="std", n_samples=2_000, random_state=None, n_jobs=None
):
    """Distance of generated events to the training sample, over that to a held-out sample.

    Parameters
    ----------
    train : array-like of shape (n_train, n_features)
        The events the model was fitted to.
    generated : array-like of shape (n_generated, n_features)
        Any events of a generator. Events of a simulator must be simulated for theory-level events
        that are neither in `train` nor in `held_out`, because what it simulates for an event lies
        near that event, as a second pass through the detector does.
    held_out : array-like of shape (n_held_out, n_features)
        Events of the same distribution that the model has not seen.
    scale : {"std", None}, default="std"
        Whether distances are in standard deviations of the training sample, or in the units of the
        columns. Angles, by their names, enter as cosine and sine.
    n_samples : int or None, default=2_000
        Largest number of generated events that are looked up, chosen at random; None looks up all.
        The statistical error of the ratio is below 0.8 / sqrt(n_samples), 0.018 by default.
    random_state : None, int, Generator or RandomState
        Governs the choice of events. The longer one of `train` and `held_out` is cut to the length
        of the other, since distances shrink with the number of events, and `generated` is cut to
        `n_samples`.
    n_jobs : int, optional

    Returns
    -------
    float
        sum a/(a+b) over sum b/(a+b), with a and b the distances of an event to its nearest
        training and held-out events. It is 1 without memorisation, 0 for a copy of the training
        sample, and r if every event is r times nearer to a training event. A single outlier cannot
        hide the rest. A model should reach 1 within 0.05.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input or different columns.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import nearest_neighbour_ratio
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 500, 3))
    >>> nearest_neighbour_ratio(train, train, held_out=held_out)
    0.0
    """
    check_option(scale, "scale", ("std", None))
    check_n_jobs(n_jobs)
    rng = rng_from(random_state)
    seen, names = check_table(train, what="train")
    others = []
    for table, what in ((held_out, "held_out"), (generated, "generated")):
        other, other_names = check_table(table, what=what)
        same_columns(names, other_names, seen.shape[1], other.shape[1], what="train", other=what)
        others.append(other)
    unseen, drawn = others
    circular = angle_columns(names, seen.shape[1])
    unit = check_scale(scale, seen, None, circular)
    n_common = min(len(seen), len(unseen))
    n_samples = len(drawn) if n_samples is None else check_int(n_samples, "n_samples")
    seen, unseen = (_subset(table, n_common, rng) for table in (seen, unseen))
    drawn = _subset(drawn, n_samples, rng)
    seen, unseen, drawn = (on_circle(table, circular, unit) for table in (seen, unseen, drawn))
    near = _nearest(seen, drawn, n_jobs)
    far = _nearest(unseen, drawn, n_jobs)
    total = near + far
    share = np.divide(near, total, out=np.full(len(near), 0.5), where=total > 0)
    unseen_share = float(np.sum(1.0 - share))
    return float(np.sum(share)) / unseen_share if unseen_share > 0 else float("inf")


def _subset(table, n_rows, rng):
    if len(table) <= n_rows:
        return table
    return table[rng.choice(len(table), n_rows, replace=False)]


def _nearest(events, queries, n_jobs):
    algorithm = "kd_tree" if events.shape[1] <= _TREE_COLUMNS else "brute"
    index = NearestNeighbors(n_neighbors=1, algorithm=algorithm, n_jobs=n_jobs).fit(events)
    nearest = index.kneighbors(queries, return_distance=False)[:, 0]
    # Products of all events at once leave rounding where a copy has the distance zero.
    return np.linalg.norm(events[nearest] - queries, axis=1)

"""How far a model moves events, and how far they must be moved at least."""

import numpy as np

from skjetsim.metrics._one_dimension import wasserstein_1d, wasserstein_circle
from skjetsim.utils._circle import angle_columns
from skjetsim.utils._comparison import (
    MULTIOUTPUTS,
    aggregate,
    check_scale,
    check_table,
    check_weight,
    shared_columns,
    shared_differences,
)
from skjetsim.utils._validation import check_option, check_same_events

PLANS = ("rows", "optimal")


def transport_cost(
    source, target, *, sample_weight=None, p=2, scale=None, plan="rows", multioutput="raw_values"
):
    """How far events are moved from one level to the other, in each column that both have.

    Parameters
    ----------
    source : array-like of shape (n, n_source)
        Events before the move, such as the theory level.
    target : array-like of shape (n, n_target)
        Events after the move, such as the detector level that a model draws. If both have names,
        columns are matched by name, and columns that only one has are left out. Otherwise they are
        matched by position, and both must have as many. 1-D input is one column.
    sample_weight : array-like of shape (n,), optional
        Weights of the events, on both sides. Negative weights are an error.
    p : {1, 2}, default=2
        Power of the distance: 2 gives the root mean square of the moves, 1 their mean.
    scale : {None, "std"}, default=None
        None gives the cost in the column's unit, "std" in standard deviations of the source. A
        constant source column keeps its own unit.
    plan : {"rows", "optimal"}, default="rows"
        "rows" moves row i of the source to row i of the target, as a model did. "optimal" moves
        the distribution of each column in the cheapest way, which costs its one-dimensional
        Wasserstein-p distance. Source and target may then have different numbers of events, if no
        weights are given.
    multioutput : {"raw_values", "uniform_average", "max"}, default="raw_values"

    Returns
    -------
    ndarray of shape (n_shared,), or float
        (mean over events of |target - source|^p)^(1/p), in the order of the target's columns. GeV
        for a column in GeV, or standard deviations.

    Raises
    ------
    ValueError
        On NaN, infinity, empty input, no column in common, negative weights, and with
        `plan="rows"` on different numbers or indices of events.

    See Also
    --------
    wasserstein_distance : How far generated events are from the truth, which should be zero.
    residual_wasserstein : Whether a model moves events as the detector does.

    Notes
    -----
    The plan says which event goes where. Marginal distributions do not determine it: a model with
    perfect marginals can have any cost from the optimum to that of the worst pairing, even if it
    ignores its input. Models that learn from unpaired samples [1]_ need more information than the
    marginals to restrict it. The ratio of the cost to the optimum says how far a learnt plan is
    from the cheapest one. If pairs are known, the ratio of the detector says what it should be: a
    detector smears events, so its plan is not the cheapest, either.

    Up to rounding, "optimal" is at most "rows": for each column it is the least cost over all
    pairings of the same events.

    An angle (`phi`, by its name) moves the short way round, by pi at most. Its optimal plan is that
    on the circle, the least over all shifts of the sorted angles, also past the seam.

    References
    ----------
    .. [1] J. N. Howard et al., "Learning to simulate high energy particle collisions from
       unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import transport_cost
    >>> energy = np.array([[10.0], [20.0], [30.0]])
    >>> transport_cost(energy, energy + 3.0)
    array([3.])
    >>> reversed_order = energy[::-1] + 3.0  # the same marginal, another plan
    >>> transport_cost(energy, reversed_order).round(1)
    array([16.6])
    >>> transport_cost(energy, reversed_order, plan="optimal")
    array([3.])
    """
    check_option(p, "p", (1, 2))
    check_option(plan, "plan", PLANS)
    check_option(multioutput, "multioutput", MULTIOUTPUTS)
    if plan == "rows":
        check_same_events(source, target, names=("source", "target"), drawn=True)
        check_same_events(source, None, sample_weight, names=("source", ""))
    source, source_names = check_table(source, what="source")
    target, target_names = check_table(target, what="target")
    weight = check_weight(sample_weight, len(source), "sample_weight")
    _check_lengths(len(source), len(target), plan, weight)
    names = source_names, target_names
    partners, columns = _shared(names, source.shape[1], target.shape[1])
    circular = angle_columns(target_names or source_names, target.shape[1])[columns]
    if plan == "rows":
        moves, _ = shared_differences(source, target, *names)
        costs = np.average(np.abs(moves) ** p, axis=0, weights=weight)
    else:
        costs = np.empty(len(columns))
        for k, (partner, column) in enumerate(zip(partners, columns, strict=True)):
            distance = wasserstein_circle if circular[k] else wasserstein_1d
            costs[k] = distance(source[:, partner], target[:, column], weight, weight, p=p)
    unit = check_scale(scale, source[:, partners], weight, circular)
    return aggregate(costs ** (1.0 / p) / unit, multioutput)


def _check_lengths(n_source, n_target, plan, weight):
    if n_source == n_target:
        return
    counts = f"source has {n_source} events, but target has {n_target}"
    if plan == "rows":
        raise ValueError(
            f"{counts}: row i of source is moved to row i of target. If rows do not correspond, "
            'pass plan="optimal".'
        )
    if weight is not None:
        raise ValueError(
            f"{counts}, and sample_weight holds the weights of both: pass equally many, or no "
            "weights."
        )


def _shared(names, n_source, n_target):
    """Positions of the shared columns, at least one."""
    partners, columns = shared_columns(*names, n_source, n_target)
    if columns:
        return partners, columns
    if None in names:
        raise ValueError(
            f"source has {n_source} columns and target {n_target}: without names on both, columns "
            "are matched by position and the widths must agree. Pass DataFrames, or the columns "
            "to compare."
        )
    raise ValueError(
        f"source and target have no column in common: {names[0]} and {names[1]}. Rename those "
        "that hold the same quantity."
    )

"""Histograms of generated events with the errors of the sample and of the model."""

import numpy as np
from sklearn.utils import Bunch

from skjetsim.utils._comparison import check_weight
from skjetsim.utils._containers import refuse_masked
from skjetsim.utils._validation import counted
from skjetsim.utils._weighted import clustered_histogram


def histogram_band(members, edges, *, sample_weight=None):
    """Histogram of one quantity over the members of an ensemble, with its error band.

    Parameters
    ----------
    members : array-like of shape (n_members, n) or (n_members, n, k)
        One quantity of n events as each member simulates it, with k draws for each event. It is a
        column, `members[..., 0]`, of the tables from `EnsembleSimulator.sample_members`.
    edges : array-like of shape (n_bins + 1,)
        Increasing. The outer bins hold what lies beyond them too.
    sample_weight : array-like of shape (n,), optional
        Weights of the events; negative ones are allowed if their sum is positive.

    Returns
    -------
    Bunch
        Arrays of shape (n_bins,), all as fractions of the total:

        - `content`: mean over the members.
        - `statistical`: standard error from the number of theory-level events. All draws from one
          event count as one event, so more draws do not make it vanish. As usual for histograms,
          the number of events is taken as random. For a fixed number the square is smaller by
          content^2 / n, which matters if a bin holds much of the total.
        - `systematic`: standard deviation over the members, with n_members - 1 in the denominator,
          which is the uncertainty of one model. It contains the noise of a member's draws, which
          more draws or more events make small.
        - `total`: both in quadrature.

    Raises
    ------
    ValueError
        On fewer than two members or two bins, edges that do not increase, members of different
        shapes, NaN or infinity (member and row are named), weights without a positive sum, or if
        all events lie in one bin.

    References
    ----------
    arXiv:2010.01835, where ten models trained on disjoint samples give the band.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.metrics import histogram_band
    >>> rng = np.random.default_rng(0)
    >>> members = rng.normal(rng.normal(91.2, 0.1, size=(10, 1)), 2.5, size=(10, 1000))
    >>> band = histogram_band(members, np.linspace(85, 97, 7))
    >>> band.total.shape
    (6,)
    >>> bool((band.total >= band.systematic).all())
    True
    """
    edges = _check_edges(edges)
    members = _check_members(members)
    weight = check_weight(sample_weight, members.shape[1], "sample_weight", allow_negative=True)
    contents = [clustered_histogram(member, edges, weight)[0] for member in members]
    draws = np.moveaxis(members, 0, 1).reshape(members.shape[1], -1)
    content, statistical = clustered_histogram(draws, edges, weight)
    if np.count_nonzero(statistical) < 2:
        raise ValueError(
            f"All events lie in the bin {int(np.argmax(statistical))} of {len(edges) - 1}, and "
            "such a histogram says nothing. Choose edges that divide the events: they reach from "
            f"{members.min():g} to {members.max():g}."
        )
    systematic = np.std(contents, axis=0, ddof=1)
    return Bunch(
        content=content,
        statistical=statistical,
        systematic=systematic,
        total=np.hypot(statistical, systematic),
    )


def _check_edges(edges):
    edges = np.asarray(edges, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 3:
        raise ValueError(
            f"edges must be at least three numbers, for two bins or more, got shape {edges.shape}: "
            "the only bin of a histogram holds everything, whatever the model does."
        )
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise ValueError(f"edges must be finite and increase, got {edges.tolist()}.")
    return edges


def _check_members(members):
    """Return the members as one array (n_members, n, k)."""
    members = [np.asarray(refuse_masked(m, "members"), dtype=np.float64) for m in members]
    if len(members) < 2:
        raise ValueError(
            f"members holds {len(members)} member(s), and a spread takes at least two. Pass an "
            "array of shape (n_members, n), or (n_members, n, k) for k draws of each event."
        )
    for number, member in enumerate(members):
        if member.ndim not in (1, 2) or member.size == 0:
            raise ValueError(
                f"member {number} has shape {member.shape}, expected (n,) or (n, k): one quantity "
                "of n events, with k draws for each."
            )
        if member.shape != members[0].shape:
            raise ValueError(
                f"member {number} has shape {member.shape}, but member 0 has {members[0].shape}: "
                "all members must simulate the same events."
            )
        bad = ~np.isfinite(member.reshape(len(member), -1)).all(axis=1)
        if bad.any():
            raise ValueError(
                f"member {number} has NaN or infinity in row {int(np.flatnonzero(bad)[0])} "
                f"({counted(bad.sum(), 'bad row')} in all). Take these events out of all members."
            )
    return np.stack(members).reshape(len(members), len(members[0]), -1)

"""Angles that are not in radians, or that their names do not show."""

import numpy as np

from skjetsim.utils._angles import TWO_PI, angle_positions
from skjetsim.utils._warnings import warn_user

LARGEST_ANGLE = TWO_PI * (1 + 1e-6)  # a turn, also in single precision
MANY = 500  # events from which a column can look like an angle
N_BINS = 20
LEAST_FILL, LEAST_EDGE = 0.25, 0.5  # of the events that a bin would have if all had as many
ENDS = 10 * TWO_PI  # over the number of events: the largest gap at an end, once in e^10 samples
TWO_DIGITS = 0.002  # from 3.14 to pi
SEAM = 1e-6  # by which single precision may pass pi
FEW_FOR_STD = 50
BY_NAME = ("rqs", "affine", "circular")  # bijections with which angles by name are circular
# Outside fits, angles in (-pi, pi] may have a turn added, and models may draw a few far away.
LARGEST_TURNED, FEW = LARGEST_ANGLE + np.pi, 0.1


def first_beyond(array, columns, largest=LARGEST_ANGLE, few=0.0):
    """Column and row of the first angle that is too far from zero, or None.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_columns)
    columns : sequence of int
        The angles.
    largest : float
        By default a turn.
    few : float
        Columns in which at most this share of the events is too far are passed over.

    Returns
    -------
    tuple of int, or None
    """
    for column in columns:
        beyond = np.abs(array[:, column]) > largest
        if np.count_nonzero(beyond) > few * len(beyond):
            return int(column), int(np.argmax(beyond))
    return None


def check_turns(array, names, what, *, every=False, estimator=None):
    """Refuse columns that are angles by their names, and hold degrees.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_columns)
    names : sequence of str or None
        Without names there are no angles.
    what : str
        How the array is called in messages.
    every : bool
        Whether one angle beyond a turn is too many, as in a fit. Otherwise angles may be up to one
        and a half turns, and a tenth of the events may lie anywhere: models may draw such angles,
        and a metric has to judge them.
    estimator : estimator, optional
        Columns that it draws may have any value if its parameter `bijection` makes them numbers on
        a line.

    Raises
    ------
    ValueError
        If there are such angles. The message names the column and the first such row.
    """
    angles = angle_positions(names)
    if not angles:
        return
    limits = () if every else (LARGEST_TURNED, FEW)
    found = first_beyond(array, angles, *limits)
    if found is not None and estimator is not None:
        angles = [j for j in angles if not _is_number_by_choice(estimator, what, names[j])]
        found = first_beyond(array, angles, *limits)
    if found is not None:
        column, row = found
        raise ValueError(
            f"{what} column {names[column]!r}, row {row}: {array[row, column]:g} is more than a "
            "turn, but the column is an angle in radians by its name. Convert degrees by "
            "np.deg2rad, and larger angles in radians by skjetsim.preprocessing.wrap_phi. If it "
            "is not an azimuth, or if it was scaled, give it another name."
        )


def chosen_kinds(estimator):
    """Bijections that users have chosen, by column; "*" stands for all columns.

    Parameters
    ----------
    estimator : estimator
        Estimators inside it count, too.

    Returns
    -------
    dict of str to str
    """
    kinds = {}
    for key, value in estimator.get_params(deep=True).items():
        if key.split("__")[-1] == "bijection":
            kinds |= (
                {str(k): v for k, v in value.items()} if isinstance(value, dict) else {"*": value}
            )
    return kinds


def _is_number_by_choice(estimator, what, name):
    """Whether a column is drawn as a number on a line, whatever its name says."""
    kind = estimator.__sklearn_tags__().estimator_type
    if what != {"generator": "X", "simulator": "y"}.get(kind):
        return False
    kinds = chosen_kinds(estimator)
    if name in kinds:
        return kinds[name] != "circular"
    return kinds.get("*", "rqs") not in BY_NAME


def hint_azimuths(array, names, what, decided=()):
    """Warn of columns that look like azimuths, and whose names do not say so.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_columns)
    names : sequence of str or None
    what : str
        How the array is called in messages.
    decided : set of str
        Columns, by name or position, about which the user has decided.
    """
    if len(array) < MANY:
        return
    labels = list(range(array.shape[1])) if names is None else list(names)
    turns = _full_turns(array)
    turns[angle_positions(names)] = False
    found = [
        repr(labels[j])
        for j in np.flatnonzero(turns)
        if not {str(j), str(labels[j])} & set(decided) and _fills_turn(array[:, j])
    ]
    if found:
        warn_user(
            f"{what} has columns that look like azimuths, but their names do not say so: "
            f"{', '.join(found)}. "
            "They are read as numbers on a line, with a seam at +-pi. Name them like 'muon_phi' or "
            "'delta_phi' (a table without names cannot say it), or encode them with AngleEncoder."
        )


def _full_turns(array):
    """Which columns reach from -pi to pi, or from 0 to 2 pi, and not beyond."""
    # Several times as fast as along an axis of a table with few columns.
    low, high = (np.array([f(column) for column in array.T]) for f in (np.min, np.max))
    start = np.where(low >= 0, 0.0, -np.pi)
    gap = max(ENDS / len(array), TWO_DIGITS)
    below, above = low - start, start + TWO_PI - high
    return (below >= -SEAM) & (below <= gap) & (above >= -SEAM) & (above <= gap)


def _fills_turn(values):
    """Whether there are events in each part of the turn, and many at both ends."""
    start = 0.0 if values.min() >= 0 else -np.pi
    share = np.histogram(values, N_BINS, (start - SEAM, start + TWO_PI + SEAM))[0]
    share = share * N_BINS / len(values)
    return share.min() > LEAST_FILL and min(share[0], share[-1]) > LEAST_EDGE


def warn_of_scaled(array, names, what):
    """Warn of angles that were scaled, and whose names still say that they are angles.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_columns)
    names : sequence of str or None
    what : str
        How the array is called in messages.
    """
    if len(array) < FEW_FOR_STD:
        return
    found = [names[j] for j in angle_positions(names) if _looks_scaled(array[:, j])]
    if found:
        warn_user(
            f"{what} has angles that look as if they were scaled: {', '.join(map(repr, found))}. "
            "Their period is then not 2 pi, but they are read as angles in radians by their names. "
            "Leave angles out of the scaling, encode them with AngleEncoder before it, or give "
            "them other names, such as 'muon_phi_scaled'."
        )


def _looks_scaled(values):
    """Whether values have mean 0 and standard deviation 1, or end at 0 or -1 and at 1."""
    low, high = values.min(), values.max()
    if abs(high - 1) < 1e-9 and min(abs(low), abs(low + 1)) < 1e-9:
        return True
    error = 1 / np.sqrt(len(values))  # part of a scaled table has these errors
    centered = abs(values.mean()) < 4 * error and abs(values.std() - 1) < min(0.03, 2 * error)
    return bool(centered and max(-low, high) < 3.0)

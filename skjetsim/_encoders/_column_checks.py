"""Checks of columns, before and after their maps are learnt. Errors name column and row."""

import numpy as np

from skjetsim.utils._angle_checks import first_beyond
from skjetsim.utils._weighted import weighted_std

LARGEST_VALUE = 1e100  # its square is a double
LEAST_SPREAD = 1 / LARGEST_VALUE
ROUNDING = 20 * np.finfo(np.float64).eps  # relative to the mean of a column
LARGEST_REACH = 1e12  # in widths of the fitted column; its square is a float


def check_columns(table, names, what, *, weight=None, circular=(), spread=True):
    """Refuse a table that no encoder can learn from.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    names : list
        Names of the columns, or their positions if they have no names.
    what : str
        "X" or "y".
    weight : ndarray of shape (n_samples,), optional
    circular : sequence of bool
        Which columns are angles; empty for none.
    spread : bool
        Whether columns must vary by more than rounding. A batch of a stream need not.

    Raises
    ------
    ValueError
        If a check fails. The message names the column, and the first bad row.
    """
    check_reach(table, None, names, what)
    if spread:
        check_spread(table, weight, names, what)
    check_radians(table, circular, names, what)


def column_reach(mean, std, circular=()):
    """Middle of each column, and the largest distance from it that single precision can map.

    Parameters
    ----------
    mean, std : ndarray of shape (n_columns,)
    circular : sequence of bool
        Which columns are angles. They have no scale: any number that is not too large is allowed.

    Returns
    -------
    ndarray of shape (2, n_columns)
    """
    reach = np.array([mean, LARGEST_REACH * 2 * std])
    if len(circular):
        reach[:, circular] = [[0.0], [LARGEST_VALUE]]
    return reach


def check_reach(table, reach, names, what):
    """Refuse values that single precision cannot hold once they are mapped.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    reach : ndarray of shape (2, n_columns), or None
        The result of `column_reach`. None before maps are learnt.
    names : list
        Names of the columns, or their positions if they have no names.
    what : str
        "X" or "y".

    Raises
    ------
    ValueError
        If there is such a value. The message names its column and the first such row.
    """
    middle, largest = (0.0, LARGEST_VALUE) if reach is None else reach
    far = np.abs(table - middle) > largest
    if not far.any():
        return
    j = int(np.argmax(far.any(axis=0)))
    row = int(np.argmax(far[:, j]))
    why = "lies too far from the events of the fit for single precision"
    if reach is None or largest[j] == LARGEST_VALUE:
        why = "is too large to learn from in double precision"
    raise ValueError(
        f"{what} column {names[j]!r}, row {row}: {table[row, j]:g} {why}. "
        "Change the column's unit, or look at this event."
    )


def check_spread(table, weight, names, what):
    """Refuse columns that vary, but by too little for a map.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    weight : ndarray of shape (n_samples,) or None
    names : list
        Names of the columns, or their positions if they have no names.
    what : str
        "X" or "y".

    Raises
    ------
    ValueError
        If there is such a column. The message names the first one.
    """
    mean = np.average(table, axis=0, weights=weight)
    spread = weighted_std(table - mean, weight)
    rounding = ROUNDING * np.abs(mean)
    narrow = (table != table[0]).any(axis=0) & (spread <= np.maximum(rounding, LEAST_SPREAD))
    if not narrow.any():
        return
    j = int(np.argmax(narrow))
    label = f"{what} column {names[j]!r} varies by {spread[j]:.3g} about {mean[j]:.6g}"
    if rounding[j] < LEAST_SPREAD:
        raise ValueError(
            f"{label}, too little to learn from in double precision. Change the column's unit."
        )
    raise ValueError(
        f"{label}, which is the rounding of double precision. Round the column so that it is "
        "constant, or subtract what its values have in common."
    )


def check_radians(table, angles, names, what):
    """Refuse angles more than a turn from zero: they are in degrees, or they are not angles.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    angles : sequence of bool
        Which columns are angles; empty for none.
    names : list
        Names of the columns, or their positions if they have no names.
    what : str
        "X" or "y".

    Raises
    ------
    ValueError
        If there is such an angle. The message names its column and the first such row.
    """
    found = first_beyond(table, np.flatnonzero(angles))
    if found is not None:
        j, row = found
        raise ValueError(
            f"{what} column {names[j]!r}, row {row}: {table[row, j]:g} is more than a turn, but "
            "the column is an angle in radians, by its name or by bijection. Convert degrees by "
            "np.deg2rad. If it is not an angle, choose another name or bijection."
        )


def integer_mask(integer_columns, names, circular):
    """Mask of the columns that `integer_columns` names.

    Parameters
    ----------
    integer_columns : sequence of str or int
    names : list
        Names of all columns, or their positions if they have no names.
    circular : sequence of bool
        Which columns are angles.

    Returns
    -------
    ndarray of bool, shape (n_columns,)

    Raises
    ------
    TypeError, ValueError
        If `integer_columns` is not a sequence, or names an angle or an unknown column.
    """
    if isinstance(integer_columns, str) or not np.iterable(integer_columns):
        raise TypeError(
            'integer_columns must be a sequence of names or positions, such as ("n_jets",), '
            f"got {integer_columns!r}."
        )
    known = {str(name): j for j, name in enumerate(names)}
    chosen = np.zeros(len(names), dtype=bool)
    for column in integer_columns:
        if str(column) not in known:
            raise ValueError(
                f"integer_columns: there is no column {column!r}. The columns are {list(names)}."
            )
        j = known[str(column)]
        if circular[j]:
            raise ValueError(f"integer_columns: {names[j]!r} is an angle, not an integer.")
        chosen[j] = True
    return chosen


def refuse_fractions(table, names, integers):
    """Raise ValueError if a column of integers has a fraction."""
    if not np.any(integers):
        return
    fractions = (table != np.floor(table)) & integers
    if fractions.any():
        j = int(np.argmax(fractions.any(axis=0)))
        row = int(np.argmax(fractions[:, j]))
        raise ValueError(
            f"integer_columns: {names[j]!r} is {table[row, j]:g} in row {row}, not an integer."
        )


def refuse_new_variation(table, names, constants, varying):
    """Raise ValueError if a column differs from its constant of the first `partial_fit`."""
    new = (table != constants).any(axis=0) & ~varying
    if new.any():
        j = int(np.argmax(new))
        row = int(np.argmax(table[:, j] != constants[j]))
        raise ValueError(
            f"Column {names[j]!r} was {constants[j]:g} in every event of the first "
            f"partial_fit, and is {table[row, j]:g} in row {row}. Begin with events in which "
            "it varies."
        )


def refuse_new_values(table, names, new):
    """Raise ValueError if a value is marked as `new`: the first `partial_fit` did not allow it."""
    if new.any():
        j = int(np.argmax(new.any(axis=0)))
        row = int(np.argmax(new[:, j]))
        raise ValueError(
            f"Column {names[j]!r} is {table[row, j]:g} in row {row}, which the events of the first "
            "partial_fit exclude: they had only certain values there. Begin with events that have "
            "all of them, or name the column in integer_columns if it is a count."
        )

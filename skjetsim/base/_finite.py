"""Checks of what an estimator gives: events and densities are finite, or an error names the row."""

from contextlib import contextmanager

import numpy as np

from skjetsim.base._inside import explained
from skjetsim.utils._validation import all_finite, counted

CURE = "Look at this event, or change the unit of its columns."


def check_drawn(estimator, drawn, given=None, what="X", made="events drawn"):
    """Raise ValueError, naming the row, if drawn or predicted events are not finite.

    Parameters
    ----------
    estimator : estimator
    drawn : array-like of shape (n, ...) or (n * n_samples, ...)
        Anything but floats passes.
    given : array-like of shape (n, ...), optional
        The events that were drawn for. A generator has none.
    what : {"X", "y", "Z"}
        How `given` is called.
    made : str
        What `drawn` is.
    """
    drawn = np.asarray(drawn)
    if drawn.dtype.kind != "f" or all_finite(drawn):
        return
    name, n_rows = type(estimator).__name__, len(drawn if given is None else given)
    bad = np.flatnonzero(~np.isfinite(drawn.reshape(n_rows, -1)).all(axis=1))
    if given is None:
        raise ValueError(
            f"{name} drew an event that is not finite, row {bad[0]} of {n_rows} ({_in_all(bad)}). "
            "Look for outliers among the events of the fit, or keep columns within bounds by a "
            "BoundTransformer."
        )
    raise ValueError(
        f"{name}: row {bad[0]} of {what} lies too far from the events of the fit, and the {made} "
        f"for it are not finite ({_in_all(bad)}). {_largest(estimator, given, bad[0], what)} {CURE}"
    )


def check_density(estimator, density, given="X"):
    """Raise ValueError, naming the row, if a log-density is NaN or plus infinity.

    Parameters
    ----------
    estimator : estimator
    density : ndarray of shape (n_samples,)
        Minus infinity passes: such an event has probability zero.
    given : str
        How the events are called.

    Returns
    -------
    ndarray of shape (n_samples,)
        `density`.
    """
    if (density < np.inf).all():
        return density
    bad = np.flatnonzero(~(density < np.inf))
    raise ValueError(
        f"{type(estimator).__name__}: row {bad[0]} of {given} lies too far from the events of the "
        f"fit, and its log-density is {density[bad[0]]} ({_in_all(bad)}). {CURE}"
    )


@contextmanager
def taking_back(step):
    """Undo a transformer on drawn events, whose result is checked: overflow is not a warning."""
    note = f"in events that the model drew, which {type(step).__name__} takes back"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"), explained(note):
        yield


def _largest(estimator, given, row, what):
    """Sentence that names the column of the largest value of a row."""
    values = np.asarray(given, dtype=np.float64).reshape(len(given), -1)[row]
    column = int(np.argmax(np.abs(values)))
    attribute = {"X": "feature_names_in_", "y": "target_names_in_"}.get(what, "")
    names = getattr(estimator, attribute, ())
    label = repr(names[column]) if len(names) == len(values) else column
    return f"Its largest value is {values[column]:g} in column {label}."


def _in_all(bad):
    return f"{counted(len(bad), 'such row')} in all"

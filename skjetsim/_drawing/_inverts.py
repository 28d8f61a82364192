"""Check that a transformer gives events back: what is drawn behind it would not be an event."""

from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer

from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._tables import as_table
from skjetsim.utils._validation import all_finite, column_names
from skjetsim.utils._warnings import warn_user

N_CHECKED = 1000  # events
# In standard deviations of a column. Quantile maps interpolate, and single precision rounds, by
# less; what is learnt is known less precisely.
TOLERANCE = 1e-3
ROUNDING = 1e-6  # of the value itself
# Share of events that may come back otherwise: quantile maps move those beyond their subsample.
MOST_OFF = 0.01

# Parts of each step at its last check: a step that was fitted again is checked again.
_checked: WeakKeyDictionary = WeakKeyDictionary()


def some_rows(table):
    """At most `N_CHECKED` rows of a table, evenly spaced."""
    rows = np.unique(np.linspace(0, len(table) - 1, N_CHECKED).astype(int))
    return table.iloc[rows] if hasattr(table, "iloc") else np.asarray(table)[rows]


def check_inverts(step, events, there_and_back):
    """Raise ValueError unless a fitted transformer gives events back; warn if it loses detail.

    A transformer loses detail if what it gives back comes back unchanged, as from a PCA with fewer
    components.

    Parameters
    ----------
    step : transformer
    events : ndarray or DataFrame
        Some events in front of it.
    there_and_back : callable
        Transforms events and takes them back.
    """
    values = np.asarray(events)
    if values.dtype.kind not in "fiub" or not all_finite(values):
        return  # the fit says what is wrong
    names = column_names(events)
    once = _tried(there_and_back, events)
    off = _distances(events, once, names)
    if _agree(off):
        return
    twice = None if once is None else _tried(there_and_back, as_table(np.asarray(once), names))
    if not _agree(_distances(once, twice, names)):
        raise ValueError(_message(step, events, once, off, names))
    rms = np.sqrt((off**2).mean(axis=0))
    column = int(np.argmax(rms))
    warn_user(
        f"{type(step).__name__} loses detail: events come back {rms[column]:.2g} standard "
        f"deviations off in column {_label(column, names)}. What is drawn lacks this detail, too."
    )


def check_draws_invert(steps, events):
    """Do the same once for each fit of a step of a Pipeline, with events drawn behind the steps."""
    parts = [_parts(step) for step in steps]
    known = [_is_checked(step, own) for step, own in zip(steps, parts, strict=True)]
    if all(known):
        return
    for step, is_known in zip(reversed(steps), reversed(known), strict=True):
        with np.errstate(all="ignore"):
            events = step.inverse_transform(events)
        kept = (
            np.isfinite(np.asarray(events, dtype=np.float64)).reshape(len(events), -1).all(axis=1)
        )
        if not kept.any():
            return
        events = as_table(np.asarray(events)[kept], getattr(step, "feature_names_in_", None))

        def there_and_back(events, step=step):
            return step.inverse_transform(step.transform(events))

        if not is_known:
            check_inverts(step, events, there_and_back)
    for step, own in zip(steps, parts, strict=True):
        _checked[step] = own


def _parts(step):
    """Parameters and fitted attributes of an estimator, and of the estimators inside it."""
    parts, waiting = [], [step]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, BaseEstimator):
            waiting.extend(vars(value).values())
        else:
            parts.append(value)
    return parts


def _is_checked(step, parts):
    """Whether a step has the same parts as at its last check."""
    before = _checked.get(step)
    if before is None or len(before) != len(parts):
        return False
    return all(old is new for old, new in zip(before, parts, strict=True))


def _tried(there_and_back, events):
    try:
        with np.errstate(all="ignore"):
            return there_and_back(events)
    except ValueError:  # it refuses what it has given back
        return None


def _distances(before, after, names):
    """Distances in standard deviations, less the rounding; infinite if there is no value."""
    if before is None or after is None or np.shape(before) != np.shape(after):
        return None
    before, after = (np.asarray(t, dtype=np.float64).reshape(len(t), -1) for t in (before, after))
    with np.errstate(all="ignore"):
        away = after - before
        if names is not None:
            angles = [is_angle(name) for name in names]
            away[:, angles] = wrap_phi(away[:, angles])
        size, width = np.abs(before), before.std(axis=0)
        scale = np.where(width > 0, width, np.maximum(size, 1e-300))
        off = np.maximum(np.abs(away) - ROUNDING * size, 0) / scale
    return np.where(np.isfinite(off), off, np.inf)


def _agree(distances):
    return distances is not None and (distances > TOLERANCE).any(axis=1).mean() <= MOST_OFF


def _message(step, events, once, off, names):
    text = f"{type(step).__name__} does not take events back"
    if off is not None:
        row, column = np.unravel_index(int(np.argmax(off)), off.shape)
        before, after = (
            np.asarray(table, dtype=np.float64).reshape(len(table), -1)[row, column]
            for table in (events, once)
        )
        text += f": {before:g} in column {_label(column, names)} comes back as {after:g}"
    if isinstance(step, FunctionTransformer) and step.inverse_func is None:
        return (
            f"{text}. It has no inverse_func: give one, as in FunctionTransformer(np.log, "
            "inverse_func=np.exp)."
        )
    return f"{text}. Its inverse_transform must undo its transform, or drawn events mean nothing."


def _label(column, names):
    return repr(names[column]) if names is not None else str(column)

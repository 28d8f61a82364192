"""Checks of bad input: an error names the column and the first bad row."""

import numpy as np
from sklearn.base import clone

from skjetsim.base import is_generator, is_simulator
from skjetsim.base._tags import is_paired
from skjetsim.utils._contract._events import draw, fit, fitted, hold, refuses


def _spoilt(table, rows, value):
    """A table with `value` in some rows of its first column."""
    column = table.columns[0]
    values = table[column].astype(object if isinstance(value, str) else type(value))
    values.iloc[rows] = value
    return table.assign(**{column: values})


def _with_a_side_spoilt(estimator, events, rows, value):
    """Yield X and y with `value` in one of them, the column that has it, and the place in words."""
    for side in (0,) if is_generator(estimator) else (0, 1):
        tables = list(events())
        column = repr(tables[side].columns[0])
        tables[side] = _spoilt(tables[side], rows, value)
        yield tables, column, f"{value} in {'Xy'[side]}, column {column}, row {rows[0]}"


def check_not_finite(name, estimator, events):
    """NaN and infinity are errors in `fit` and in draws."""
    for value, kind in ((np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "inf")):
        for tables, column, place in _with_a_side_spoilt(estimator, events, [11, 17], value):
            with refuses(ValueError, f"{name}: {place}", kind, column, "row 11"):
                fit(clone(estimator), *tables)
    bad = [_spoilt(table, [4], np.nan) for table in events()]
    if not is_generator(estimator):
        with refuses(ValueError, f"{name}: drawn for NaN in row 4", "NaN", "row 4"):
            draw(fitted(estimator, events), *bad)


def check_text(name, estimator, events):
    """Text is an error; numbers in columns of objects are numbers."""
    fit(clone(estimator), *(table.astype(object) for table in events()))
    for tables, column, place in _with_a_side_spoilt(estimator, events, [3], "missing"):
        with refuses(ValueError, f"{name}: {place}", column, "row 3", "missing"):
            fit(clone(estimator), *tables)


def check_complex_numbers(name, estimator, events):
    """Complex numbers are an error."""
    for tables, _, place in _with_a_side_spoilt(estimator, events, [3], 1j):
        with refuses(ValueError, f"{name}: {place}", "omplex"):
            fit(clone(estimator), *tables)


def check_too_few_events(name, estimator, events):
    """One event is too few, and so is none."""
    X, y = events()
    for n_events in (0, 1):
        with refuses(ValueError, f"{name}: fitted with {n_events} events"):
            fit(clone(estimator), X[:n_events], y[:n_events])


def check_wrong_width(name, estimator, events):
    """Tables of another width than in the fit are errors, also without names."""
    model, (X, y) = fitted(estimator, events), events()
    if is_simulator(model):
        with refuses(ValueError, f"{name}.sample with a column too many"):
            draw(model, X.assign(other=1.0), y)
    if not is_generator(model):
        with refuses(ValueError, f"{name}.score with a column of y too many"):
            model.score(X, y.assign(other=1.0))


def check_missing_y(name, estimator, events):
    """`fit(X, None)` is an error of what needs pairs."""
    X, _ = events()
    with refuses(ValueError, f"{name}.fit(X, None)", "y"):
        clone(estimator).fit(X, None)


def check_lengths(name, estimator, events):
    """X and y of different lengths are an error of what needs pairs."""
    model, (X, y) = fitted(estimator, events), events()
    if not is_paired(model):
        return
    numbers = (str(len(X)), str(len(X) - 1))
    with refuses(ValueError, f"{name}.fit, y one event shorter", *numbers):
        clone(estimator).fit(X, y[:-1])
    hold(hasattr(model, "score"), f"{name} must have a score.")
    with refuses(ValueError, f"{name}.score, y one event shorter", *numbers):
        model.score(X, y[:-1])

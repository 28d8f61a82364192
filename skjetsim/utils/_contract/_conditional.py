"""Checks of transformers of y that look at X."""

import pickle

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skjetsim.utils._contract._events import fitted, hold, refuses, same


def _transformed(model, X, y):
    return np.asarray(model.transform_target(X, y))


def check_there_and_back(name, estimator, events):
    """`inverse_transform_target` undoes `transform_target`, and neither changes its input."""
    model, (X, y) = fitted(estimator, events), events()
    before = X.copy(), y.copy()
    back = np.asarray(model.inverse_transform_target(X, _transformed(model, X, y)))
    hold(
        np.allclose(back, y, rtol=1e-9, atol=1e-9),
        f"{name}: transform and its inverse do not give y back.",
    )
    hold(X.equals(before[0]) and y.equals(before[1]), f"{name} changes its input.")


def check_rows_are_transformed_alone(name, estimator, events):
    """What a row is transformed to does not depend on other rows."""
    model, (X, y) = fitted(estimator, events), events()
    alone = _transformed(model, X[5:6], y[5:6])
    hold(np.allclose(alone, _transformed(model, X, y)[5:6]), f"{name}: a row depends on others.")


def check_names_of_transformed_columns(name, estimator, events):
    """`get_target_names_out` has one name for each transformed column."""
    model, (X, y) = fitted(estimator, events), events()
    names, width = model.get_target_names_out(list(y)), _transformed(model, X, y).shape[1]
    hold(len(set(names)) == width, f"{name}: {width} transformed columns are called {names}.")


def check_volume_of_transform(name, estimator, events):
    """`log_det_target` is the logarithm of the determinant of numerical derivatives."""
    model, (X, y) = fitted(estimator, events), events()
    if not hasattr(model, "log_det_target"):
        return
    X, y = X[:10], y[:10]
    columns = []
    for name_of_column in y:
        step = 1e-6 * max(1.0, y[name_of_column].abs().max())
        low, high = (
            _transformed(model, X, y.assign(**{name_of_column: y[name_of_column] + move}))
            for move in (-step, step)
        )
        columns.append((high - low) / (2 * step))
    _, expected = np.linalg.slogdet(np.stack(columns, axis=-1))
    found = model.log_det_target(X, y)
    hold(
        np.allclose(found, expected, rtol=1e-4, atol=1e-4),
        f"{name}.log_det_target is off by {np.abs(found - expected).max():.2g}.",
    )


def check_unfitted_transformer(name, estimator, events):
    """To transform before `fit` is a NotFittedError."""
    for method in ("transform_target", "inverse_transform_target"):
        with refuses(NotFittedError, f"{name}.{method} before fit"):
            getattr(clone(estimator), method)(*events())


def check_copies_transform_the_same(name, estimator, events):
    """A pickled copy transforms in the same way, and a clone has the parameters alone."""
    model, (X, y) = fitted(estimator, events), events()
    twin = pickle.loads(pickle.dumps(model))
    expected = _transformed(model, X, y)
    same(_transformed(twin, X, y), expected, f"{name}: a pickled copy must transform the same.")
    hold(repr(clone(model)) == repr(estimator), f"{name}: its clone has other parameters.")

"""Events for the checks, and functions that fit and draw from estimators of any kind."""

import weakref
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import clone

from skjetsim._drawing._sample import sample, sample_inverse
from skjetsim.base import is_generator, is_unfolder


def paired_events(n_events=240, seed=0):
    """Muons: pT in GeV smeared by 10%, eta by 0.05.

    The columns of y are in another order than those of X, and the index is not a range, so that
    code that mixes them up fails.
    """
    rng = np.random.default_rng(seed)
    pt, eta = rng.uniform(20, 100, n_events), rng.normal(0, 1, n_events)
    index = np.arange(n_events) + 100
    X = pd.DataFrame({"muon_pt": pt, "muon_eta": eta}, index=index)
    measured = {"muon_eta": rng.normal(eta, 0.05), "muon_pt": rng.normal(pt, 0.1 * pt)}
    return X, pd.DataFrame(measured, index=index)


def fit(estimator, X, y, **fit_params):
    """Fit a generator on X, any other estimator on X and y."""
    arguments = (X,) if is_generator(estimator) else (X, y)
    return estimator.fit(*arguments, **fit_params)


_FITTED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def fitted(estimator, events):
    """Return a fitted copy, shared by the checks that do not change it."""
    copies = _FITTED.setdefault(estimator, {})
    if events not in copies:
        copies[events] = fit(clone(estimator), *events())
    return copies[events]


def draw(model, X, y, **params):
    """As many events as X has rows; for an unfolder, as y has."""
    if is_generator(model):
        return sample(model, n_samples=len(X), **params)
    if is_unfolder(model):
        return sample_inverse(model, y, **params)
    return sample(model, X, **params)


def score(model, X, y, **params):
    """Score of any kind."""
    arguments = (X,) if is_generator(model) else (X, y)
    return model.score(*arguments, **params)


def set_all(estimator, **values):
    """Set parameters by the last part of their names, of the estimator and of those inside."""
    params = {
        key: values[key.split("__")[-1]]
        for key in estimator.get_params()
        if key.split("__")[-1] in values
    }
    return estimator.set_params(**params)


def hold(condition, message):
    """Raise AssertionError with `message` unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def same(one, other, message):
    """Raise AssertionError unless both are the same events, bit for bit."""
    one, other = np.asarray(one), np.asarray(other)
    hold(one.shape == other.shape, f"{message} Shapes are {one.shape} and {other.shape}.")
    equal = (one == other) | ((one != one) & (other != other))
    hold(equal.all(), f"{message} {np.count_nonzero(~equal)} of {equal.size} numbers differ.")


def differ(one, other, message):
    """Raise AssertionError if both are the same events."""
    hold(not np.array_equal(one, other), message)


@contextmanager
def refuses(errors, situation, *words):
    """Raise AssertionError unless the block raises one of `errors` with `words` in its message."""
    try:
        yield
    except errors as error:
        missing = [word for word in words if word not in str(error)]
        hold(not missing, f"{situation}: the message should contain {missing}, and is: {error}")
        return
    names = errors.__name__ if isinstance(errors, type) else [one.__name__ for one in errors]
    raise AssertionError(f"{situation}: expected {names}, and nothing was raised.")

"""Checks of column names and containers."""

import copy

import numpy as np
import pandas as pd
from sklearn.base import clone

from skjetsim._drawing._sample import sample, sample_inverse
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.utils._contract._events import fit, fitted, hold, refuses


def _are(found, expected, what):
    hold(list(found) == list(expected), f"{what} is {list(found)}, expected {list(expected)}.")


def check_names(name, estimator, events):
    """Names of the columns of the fit are kept."""
    model, (X, y) = fitted(estimator, events), events()
    _are(getattr(model, "feature_names_in_", ()), X, f"{name}.feature_names_in_")
    hold(model.n_features_in_ == X.shape[1], f"{name}.n_features_in_ is {model.n_features_in_}.")
    if is_generator(model):
        return
    _are(getattr(model, "target_names_in_", ()), y, f"{name}.target_names_in_")
    if is_simulator(model):
        _are(model.get_feature_names_out(), y, f"{name}.get_feature_names_out()")


def check_set_output(name, estimator, events):
    """`set_output` gives tables with the names of the side that is drawn, and the index."""
    X, y = events()
    model = copy.deepcopy(fitted(estimator, events)).set_output(transform="pandas")
    if is_generator(model):
        _is_frame(sample(model, n_samples=3), X, None, f"{name}.sample")
        return
    rows = slice(10, 15)
    if is_simulator(model):
        for method in (sample, type(model).transform):
            _is_frame(method(model, X[rows]), y, X.index[rows], f"{name}.{method.__name__}")
        many = sample(model, X[rows], n_samples=2)
        hold(type(many) is np.ndarray, f"{name}.sample with n_samples is a {type(many).__name__}.")
    if hasattr(model, "sample_inverse"):
        _is_frame(sample_inverse(model, y[rows]), X, y.index[rows], f"{name}.sample_inverse")


def _is_frame(drawn, names, index, call):
    hold(isinstance(drawn, pd.DataFrame), f"{call} is a {type(drawn).__name__}, not a DataFrame.")
    _are(drawn.columns, names, f"{call}: columns of the table")
    if index is not None:
        _are(drawn.index, index, f"{call}: index of the table")


def check_wrong_names(name, estimator, events):
    """Columns in another order than in the fit, or of another name, are an error."""
    model, (X, y) = fitted(estimator, events), events()
    X_swapped, y_swapped = X[X.columns[::-1]], y[y.columns[::-1]]
    if X.shape[1] == 1:
        X_swapped = X.add_prefix("other_")
    if y.shape[1] == 1:
        y_swapped = y.add_prefix("other_")
    words = (repr(y_swapped.columns[0]),)
    if is_simulator(model):
        with refuses(ValueError, f"{name}.sample, columns of X swapped"):
            sample(model, X_swapped)
    elif is_generator(model) and hasattr(model, "score_samples"):
        with refuses(ValueError, f"{name}.score_samples, columns of X swapped"):
            model.score_samples(X_swapped)
    if not is_generator(model):
        with refuses(ValueError, f"{name}.score, columns of y swapped", *words):
            model.score(X, y_swapped)
    if is_unfolder(model):
        with refuses(ValueError, f"{name}.sample_inverse, columns of y swapped", *words):
            sample_inverse(model, y_swapped)


def check_two_columns_of_one_name(name, estimator, events):
    """Two columns of one name are an error that says the name."""
    X, y = events()
    for side in (0,) if is_generator(estimator) else (0, 1):
        tables = [X, y]
        first = tables[side].columns[0]
        tables[side] = pd.concat([tables[side].iloc[:, :1], tables[side]], axis=1)
        with refuses(ValueError, f"{name}: two columns {first!r} in {'Xy'[side]}", repr(first)):
            fit(clone(estimator), *tables)

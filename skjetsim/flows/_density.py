"""Fits of a flow to a table, and continued fits."""

import numpy as np

from skjetsim._encoders._column_checks import integer_mask
from skjetsim._encoders._table import TableEncoder
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng

# Branches of the constructor's random_state in addition to those of NetworkEstimator.
ORDERS, CELLS = 100, 101


def fit_density(model, table, names, what, *, given=None, weight=None):
    """Learn the encoder of a table, and train the network of `model` on it.

    Parameters
    ----------
    model : NetworkEstimator
        It has the parameter `integer_columns`. Its `_circular(names)` tells which columns are
        angles. Its `_settings(names, root)` returns the settings of its network.
    table : ndarray of shape (n_samples, n_columns)
    names : list
        Names of the columns, or their positions if they have no names.
    what : str
        "X" or "y".
    given : ndarray of shape (n_samples, n_context), optional
        Network inputs of the condition.
    weight : ndarray of shape (n_samples,), optional
    """
    root, plan = _begin(model, table, names, what, given, weight)
    if model.encoder_.n_outputs_:
        model._train(plan, root, _inputs(model, table, given, root, 0), weight)


def fit_density_further(model, table, names, what, *, given=None, weight=None):
    """Pass once over more rows. The first call also learns the encoder. As `fit_density`."""
    if hasattr(model, "net_"):
        root, plan = as_seed_sequence(model.random_state), _plan(model, table, given)
        model.encoder_.check_training(table)
    else:
        root, plan = _begin(model, table, names, what, given, weight)
    if model.encoder_.n_outputs_:
        inputs = _inputs(model, table, given, root, len(model.history_))
        model._train_once(plan, root, inputs, weight)
        model.encoder_.extend(table)


def _plan(model, table, given):
    n_columns = int((table != table[0]).any(axis=0).sum())
    n_columns += 0 if given is None else given.shape[1]
    return model._training_plan(len(table), n_columns)


def _begin(model, table, names, what, given, weight):
    """Learn the encoder and settings of the network, before training."""
    root, plan = as_seed_sequence(model.random_state), _plan(model, table, given)
    model._forget_fit()
    circular = np.array(model._circular(names), dtype=bool)
    integers = integer_mask(model.integer_columns, names, circular)
    encoder = TableEncoder(names, what=what, circular=circular, integers=integers)
    model.encoder_ = encoder.fit(table, weight, numpy_rng(root, CELLS, 0))
    # Settings are kept with the fit: parameters that are set later belong to the next fit.
    model._set_architecture({} if encoder.n_outputs_ == 0 else model._settings(names, root))
    if encoder.n_outputs_ == 0:
        model.net_ = None
    return root, plan


def _inputs(model, table, given, root, seen):
    mapped = model.encoder_.encode(table, numpy_rng(root, CELLS, seen))
    return (mapped,) if given is None else (mapped, given)

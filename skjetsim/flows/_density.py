"""Fits of a flow to a table, and continued fits."""

from dataclasses import dataclass

import numpy as np

from skjetsim._encoders._column_checks import check_radians, integer_mask
from skjetsim._encoders._outliers import Outliers
from skjetsim._encoders._table import TableEncoder
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng

# Branches of the constructor's random_state in addition to those of NetworkEstimator.
ORDERS, CELLS, OUTLIER_CELLS = 100, 101, 102


@dataclass
class Events:
    """A table to learn from.

    Attributes
    ----------
    table : ndarray of shape (n_samples, n_columns)
    given : ndarray of shape (n_samples, n_context), optional
        Network inputs of the condition.
    X : ndarray of shape (n_samples, n_features), optional
        The condition itself.
    weight : ndarray of shape (n_samples,), optional
    """

    table: np.ndarray
    given: np.ndarray | None = None
    X: np.ndarray | None = None
    weight: np.ndarray | None = None

    def rows(self, mask):
        """Some of the events."""
        return Events(*(None if array is None else array[mask] for array in vars(self).values()))


def fit_density(model, events, names, what):
    """Learn the encoder of a table, and train the network of `model` on it.

    Mismeasured events are left out of both, and become `model.outliers_`.

    Parameters
    ----------
    model : NetworkEstimator
        It has the parameter `integer_columns`. Its `_circular(names)` tells which columns are
        angles. Its `_settings(names, root)` returns the settings of its network.
    events : Events
    names : list
        Names of the columns, or their positions if they have no names.
    what : str
        "X" or "y".
    """
    root, plan, core = _begin(model, events, names, what)
    if model.encoder_.n_outputs_:
        model._train(plan, root, _inputs(model, core, root, 0), core.weight)


def fit_density_further(model, events, names, what):
    """Pass once over more rows. The first call also learns the encoder. As `fit_density`."""
    if hasattr(model, "net_"):
        root, plan = as_seed_sequence(model.random_state), _plan(model, events)
        model.encoder_.check_training(events.table)
        core = _set_aside(model, events, root)
    else:
        root, plan, core = _begin(model, events, names, what)
    if model.encoder_.n_outputs_:
        inputs = _inputs(model, core, root, len(model.history_))
        model._train_once(plan, root, inputs, core.weight)
        model.encoder_.extend(events.table)


def _plan(model, events):
    n_columns = int((events.table != events.table[0]).any(axis=0).sum())
    n_columns += 0 if events.given is None else events.given.shape[1]
    return model._training_plan(len(events.table), n_columns)


def _begin(model, events, names, what):
    """Learn the encoder and settings of the network before training. Also return the core."""
    root, plan = as_seed_sequence(model.random_state), _plan(model, events)
    model._forget_fit()
    circular = np.array(model._circular(names), dtype=bool)
    integers = integer_mask(model.integer_columns, names, circular)
    check_radians(events.table, circular, names, what)
    outliers = Outliers(model._smooth_features())
    far = outliers.find(
        events.table, events.X, events.weight, np.flatnonzero(~integers & ~circular)
    )
    core = events.rows(~far) if far.any() else events
    encoder = TableEncoder(names, what=what, circular=circular, integers=integers)
    model.encoder_ = encoder.fit(core.table, core.weight, numpy_rng(root, CELLS, 0))
    rng = numpy_rng(root, OUTLIER_CELLS, 0)
    model._learn_outliers(outliers, events.table, events.X, events.weight, far, rng)
    # Settings are kept with the fit: parameters that are set later belong to the next fit.
    model._set_architecture({} if encoder.n_outputs_ == 0 else model._settings(names, root))
    if encoder.n_outputs_ == 0:
        model.net_ = None
    return root, plan, core


def _set_aside(model, events, root):
    """Events of the core, after the mismeasured ones of a further call were kept."""
    outliers = model.outliers_
    if outliers is None:
        return events
    far = outliers.find_again(events.table, events.X)
    if far.all():
        return events
    core, outside = events.rows(~far), events.rows(far)
    rng = numpy_rng(root, OUTLIER_CELLS, len(model.history_))
    core_weight = len(core.table) if core.weight is None else core.weight.sum()
    inputs = model.encoder_.encode(outside.table, rng)
    outliers.extend(inputs, outside.X, outside.weight, core_weight, model.encoder_)
    return core


def _inputs(model, events, root, seen):
    mapped = model.encoder_.encode(events.table, numpy_rng(root, CELLS, seen))
    return (mapped,) if events.given is None else (mapped, events.given)

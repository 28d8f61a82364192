"""Checks of sample_weight."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from skjetsim.base import is_generator
from skjetsim.utils._contract._events import draw, fit, hold, refuses, set_all


def _full_batch(estimator):
    """A copy that sees all events in each step: only then do weights equal repeated events."""
    return set_all(clone(estimator), batch_size=10_000, validation_fraction=0.0)


def _learnt(model, X, y):
    """What shows what was learnt: the density of each event, or what is drawn."""
    if hasattr(model, "score_samples"):
        arguments = (X,) if is_generator(model) else (X, y)
        return np.maximum(model.score_samples(*arguments), -1e4)
    return draw(model, X, y, random_state=0)


def check_weights_equal_duplicates(name, estimator, events):
    """Events of weight two are learnt as events that come twice."""
    X, y = events()
    counts = np.random.default_rng(0).integers(0, 4, len(X))
    rows = np.repeat(np.arange(len(X)), counts)
    repeated = [table.iloc[rows].reset_index(drop=True) for table in (X, y)]
    model = _full_batch(estimator)
    expected = _learnt(fit(clone(model), *repeated), X, y)
    plain = _learnt(fit(clone(model), X, y), X, y)
    weighted = _learnt(fit(clone(model), X, y, sample_weight=counts.astype(float)), X, y)
    off, without = np.abs(weighted - expected).max(), np.abs(plain - expected).max()
    hold(
        off <= 0.1 * without,
        f"{name}: weights and repeated events differ by {off:.2g}, no weights by {without:.2g}.",
    )


def check_scale_of_weights(name, estimator, events):
    """Weights a thousand times smaller change nothing."""
    X, y = events()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    one, other = (
        _learnt(fit(clone(estimator), X, y, sample_weight=scale * weight), X, y)
        for scale in (1.0, 1e-3)
    )
    hold(
        np.allclose(one, other, rtol=1e-3, atol=1e-3),
        f"{name}: weights a thousand times smaller change the fit by {np.abs(one - other).max()}.",
    )


def check_events_of_weight_zero(name, estimator, events):
    """Events of weight zero play no part, not even in a scale or a range."""
    X, y = events()
    far = [pd.concat([table, _far(table)[:3]], ignore_index=True) for table in (X, y)]
    weight = np.ones(len(X))
    drawn = [
        draw(fit(clone(estimator), *tables, sample_weight=w), X, y, random_state=0)
        for tables, w in (((X, y), weight), (far, np.r_[weight, 0.0, 0.0, 0.0]))
    ]
    hold(
        np.allclose(*drawn, rtol=1e-4, atol=1e-4),
        f"{name}: events of weight zero change what is drawn.",
    )


def _far(table):
    """Events off the others in all columns that are not one of a few values."""
    return table * np.where(table.nunique() < 10, 1, 10)


def check_bad_weights(name, estimator, events):
    """Weights that are negative, all zero, NaN or too few are errors."""
    X, y = events()
    row = np.arange(len(X))
    cases = {
        "negative": (np.where(row == 3, -0.5, 1.0), "row 3"),
        "NaN": (np.where(row == 2, np.nan, 1.0), "row 2"),
        "all zero": (np.zeros(len(X)), "zero"),
        "one too few": (np.ones(len(X) - 1), "sample_weight"),
        "of a single event": ((row == 0) * 1.0, "two events"),
    }
    for what, (weight, word) in cases.items():
        with refuses(ValueError, f"{name}: weights that are {what}", word):
            fit(clone(estimator), X, y, sample_weight=weight)

"""Checks of fitting: it repeats, leaves everything else alone, and can be copied and saved."""

import copy
import os
import pickle
import sys
import tempfile

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skjetsim.base import is_generator
from skjetsim.utils._contract._events import draw, fit, fitted, hold, refuses, same, score

__all__ = [
    "check_clone",
    "check_copies_draw_the_same",
    "check_fit_leaves_input_alone",
    "check_fit_repeats",
    "check_global_state",
    "check_saved_and_loaded",
    "check_unfitted",
]


def check_fit_repeats(name, estimator, events):
    """Fitting twice, a new copy or the same one, gives the same events."""
    X, y = events()
    expected = draw(fitted(estimator, events), X, y, random_state=0)
    again = fit(clone(estimator), X, y)
    drawn = draw(again, X, y, random_state=0)
    same(drawn, expected, f"{name}: a second fit must draw the same events.")
    drawn = draw(fit(again, X, y), X, y, random_state=0)
    same(drawn, expected, f"{name}: to be fitted again must not depend on the earlier fit.")


def check_fit_leaves_input_alone(name, estimator, events):
    """`fit` and draws do not change the tables that they are given."""
    tables = events()
    before = [table.copy() for table in tables]
    draw(fit(clone(estimator), *tables), *tables, random_state=0)
    for table, old, side in zip(tables, before, "Xy", strict=True):
        hold(table.equals(old) and list(table) == list(old), f"{name} changes its input {side}.")


def check_unfitted(name, estimator, events):
    """To draw before `fit` is a NotFittedError."""
    with refuses(NotFittedError, f"{name}: drawn from before fit"):
        draw(clone(estimator), *events())


def check_clone(name, estimator, events):
    """A clone of a fitted estimator has its parameters and nothing that was learnt."""
    copied = clone(fitted(estimator, events))
    hold(repr(copied) == repr(estimator), f"{name}: its clone has other parameters: {copied!r}.")
    kept = [key for key in vars(copied) if key.endswith("_") and not key.startswith("_")]
    hold(not kept, f"{name}: its clone keeps fitted attributes {kept}.")


def check_copies_draw_the_same(name, estimator, events):
    """A pickled and a deep copy draw the same events."""
    model, tables = fitted(estimator, events), events()
    expected = draw(model, *tables, random_state=0)
    for how, twin in (
        ("pickled", pickle.loads(pickle.dumps(model))),
        ("deep", copy.deepcopy(model)),
    ):
        drawn = draw(twin, *tables, random_state=0)
        same(drawn, expected, f"{name}: a {how} copy must draw the same events.")


def check_saved_and_loaded(name, estimator, events):
    """`skjetsim.save` and `load` give back a model that draws the same events."""
    from skjetsim.persistence import load, save

    model, tables = fitted(estimator, events), events()
    expected = draw(model, *tables, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        save(model, path)
        loaded = load(path)
    drawn = draw(loaded, *tables, random_state=0)
    same(drawn, expected, f"{name}: saved and loaded, it must draw the same events.")


def _global_state():
    state = np.random.get_state()  # noqa: NPY002 the global state is what is checked
    state = [*state[1].tolist(), state[2]]
    torch = sys.modules.get("torch")
    if torch is not None:
        state += [*torch.get_rng_state().tolist(), torch.get_num_threads()]
        state.append(torch.is_grad_enabled())
    return state


def check_global_state(name, estimator, events):
    """No global seed is read or written, of numpy or of torch."""
    X, y = events()
    fitted(estimator, events)  # what is imported with the first fit may touch anything
    drawn = []
    for seed in (7, 8):
        np.random.seed(seed)  # noqa: NPY002
        before = _global_state()
        model = fit(clone(estimator), X, y)
        drawn.append(draw(model, X, y, random_state=0))
        draw(model, X, y)
        if hasattr(model, "score") and not (is_generator(model) and hasattr(model, "steps")):
            score(model, X, y)
        hold(_global_state() == before, f"{name} changes a global seed or number of threads.")
    if pd.Series(_seeds(estimator)).notna().all():
        same(*drawn, f"{name} reads the global seed of numpy.")


def _seeds(estimator):
    """Values of all parameters called random_state."""
    params = estimator.get_params()
    return [params[key] for key in params if key.split("__")[-1] == "random_state"]

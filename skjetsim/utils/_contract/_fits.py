"""Checks of fitting: it repeats, leaves everything else alone, and can be copied and saved."""

import copy
import inspect
import numbers
import os
import pickle
import sys
import tempfile

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from skjetsim._drawing._sample import split_steps
from skjetsim.base import is_generator
from skjetsim.utils._contract._events import draw, fit, fitted, hold, refuses, same, score

# Parameters that may be set after `fit`: how the network of the fit is drawn from.
WHEN_DRAWN = ("n_steps", "n_distill_steps", "solver")


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
    """A clone of a fitted estimator has its parameters, and no fitted attributes."""
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
    model, tables = fitted(estimator, events), events()
    expected = draw(model, *tables, random_state=0)
    drawn = draw(_saved_and_loaded(model), *tables, random_state=0)
    same(drawn, expected, f"{name}: saved and loaded, it must draw the same events.")


def _saved_and_loaded(model):
    """Copy of a model from a file. A class of a notebook has no files; its model comes back."""
    from skjetsim.persistence import load, save

    classes = set(_classes(model))
    if any(name.startswith("__main__.") for name in classes):
        return model
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        save(model, path)
        return load(path, trusted=classes)


def _classes(value):
    """Names of the classes of an estimator and of those inside it."""
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _classes(part)
    elif isinstance(value, BaseEstimator):
        yield f"{type(value).__module__}.{type(value).__qualname__}"
        yield from _classes(list(vars(value).values()))


def check_parameters_set_after_fit(name, estimator, events):
    """Parameters of a network that are set after `fit` belong to the next fit.

    The fitted network draws the same events, and so does its copy from a file. Parameters of the
    training and of the solver are left as they are.
    """
    model, tables = copy.deepcopy(fitted(estimator, events)), events()
    params = _params_of_network(split_steps(model)[1])
    if not params:
        return
    expected = draw(model, *tables, random_state=0)
    split_steps(model)[1].set_params(**params)
    for how, get in (("", lambda model: model), ("saved and loaded, ", _saved_and_loaded)):
        try:
            drawn = draw(get(model), *tables, random_state=0)
        except Exception as error:
            raise AssertionError(f"{name}: {how}{params} set after fit raises {error!r}") from error
        same(drawn, expected, f"{name}: {how}{params} set after fit must change nothing.")


def _params_of_network(model):
    """Other values of the parameters of a model that are its own, not those of its training."""
    from skjetsim._estimators._network import NetworkEstimator

    if not isinstance(model, NetworkEstimator):
        return {}
    kept = {*inspect.signature(NetworkEstimator).parameters, *WHEN_DRAWN}
    params = model.get_params(deep=False).items()
    others = {key: _other(value) for key, value in params if key not in kept}
    return {key: value for key, value in others.items() if value is not None}


def _other(value):
    """Another value of the same kind, or None if only the model knows one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, numbers.Real):
        return value + 1
    if isinstance(value, tuple):
        return (*value, 3)
    return {str: "other", type(None): 3}.get(type(value))


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
    fitted(estimator, events)  # modules that the first fit imports may change global state
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

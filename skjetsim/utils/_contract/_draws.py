"""Checks of draws: shapes, counts, empty tables, seeds."""

import copy
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skjetsim._drawing._sample import sample, sample_inverse
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.utils._contract._events import differ, draw, fit, fitted, hold, refuses, same, set_all


def check_tag(name, estimator, events):
    """An estimator is a generator, a simulator or an unfolder, and only one of them."""
    kinds = [is_generator(estimator), is_simulator(estimator), is_unfolder(estimator)]
    hold(sum(kinds) == 1, f"{name} must be one of generator, simulator, unfolder, is {kinds}.")
    if is_unfolder(estimator):
        there = [method for method in ("sample", "transform") if hasattr(estimator, method)]
        hold(not there, f"{name} is an unfolder and must not have {there}.")


def _is_table(drawn, shape, call):
    hold(type(drawn) is np.ndarray, f"{call} returns {type(drawn).__name__}, not an ndarray.")
    hold(drawn.shape == shape, f"{call} has shape {drawn.shape}, expected {shape}.")
    hold(drawn.dtype == np.float64, f"{call} has dtype {drawn.dtype}, expected float64.")
    hold(np.isfinite(drawn).all(), f"{call} holds numbers that are not finite.")


def _vary(drawn, call):
    share = (np.ptp(drawn, axis=1) > 0).any(axis=1).mean()
    hold(share > 0.5, f"{call}: the draws of {1 - share:.0%} of the events are all the same.")


def check_shapes_of_draws(name, estimator, events):
    """`sample`, `transform` and `predict` return float64 arrays of the shapes in the contract."""
    model, (X, y) = fitted(estimator, events), events()
    if is_generator(model):
        _is_table(sample(model), (1, X.shape[1]), f"{name}.sample()")
        _is_table(sample(model, n_samples=7), (7, X.shape[1]), f"{name}.sample(7)")
        return
    X, width = X[:6], y.shape[1]
    _is_table(sample(model, X), (6, width), f"{name}.sample(X)")
    _is_table(sample(model, X, n_samples=1), (6, 1, width), f"{name}.sample(X, n_samples=1)")
    many = sample(model, X, n_samples=5, random_state=0)
    _is_table(many, (6, 5, width), f"{name}.sample(X, n_samples=5)")
    _vary(many, f"{name}.sample(X, n_samples=5)")
    for method in ("transform", "predict"):
        if hasattr(model, method):
            _is_table(getattr(model, method)(X), (6, width), f"{name}.{method}(X)")


def check_shapes_of_unfolded_events(name, estimator, events):
    """`sample_inverse` and `inverse_transform` return theory-level events."""
    model, (X, y) = fitted(estimator, events), events()
    if is_generator(model) or not hasattr(model, "sample_inverse"):
        return
    y, width = y[:6], X.shape[1]
    _is_table(model.inverse_transform(y), (6, width), f"{name}.inverse_transform(y)")
    _is_table(sample_inverse(model, y), (6, width), f"{name}.sample_inverse(y)")
    many = sample_inverse(model, y, n_samples=5)
    _is_table(many, (6, 5, width), f"{name}.sample_inverse(y, n_samples=5)")


def check_counts_of_draws(name, estimator, events):
    """A number of draws is a positive int."""
    model, (X, y) = fitted(estimator, events), events()
    for bad in (0, -1, 2.5, "3", [[1.0]]):
        with refuses((TypeError, ValueError), f"{name}: n_samples={bad!r}", "n_samples"):
            if is_generator(model):
                sample(model, n_samples=bad)
            else:
                draw(model, X, y, n_samples=bad)


def check_a_number_is_not_an_event(name, estimator, events):
    """`sample(5)` of a simulator is a TypeError: X holds events."""
    model = fitted(estimator, events)
    for count in (5, np.int64(5)):
        with refuses(TypeError, f"{name}.sample({count!r})"):
            sample(model, count)


def check_empty_tables(name, estimator, events):
    """No events in, no events out, behind a Pipeline too."""
    model, (X, y) = fitted(estimator, events), events()
    if is_generator(model):
        return
    pipeline = Pipeline([("same", "passthrough"), ("model", model)])
    for one, what in ((model, name), (pipeline, f"{name} in a Pipeline")):
        if not is_unfolder(model):
            _empty(sample, one, X, y.shape[1], f"sample({what}")
        if hasattr(model, "sample_inverse") and one is model:
            _empty(sample_inverse, one, y, X.shape[1], f"sample_inverse({what}")


def _empty(function, model, rows, width, call):
    for shape, n_samples in (((0, width), None), ((0, 3, width), 3)):
        drawn = function(model, rows[:0], n_samples=n_samples)
        hold(
            drawn.shape == shape,
            f"{call}, empty, n_samples={n_samples}) has shape {drawn.shape}, expected {shape}.",
        )


def check_far_events(name, estimator, events):
    """Events far from those of the fit are an error, or what is drawn for them is finite."""
    model, (X, y) = fitted(estimator, events), events()
    if is_generator(model):
        return
    for factor in (1e4, 1e8, 1e12):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".* events outside the range")
                drawn = draw(model, X[:20] * factor, y[:20] * factor, random_state=0)
        except ValueError:
            continue
        message = f"{name}: X and y times {factor:g} are far away, and draws are not finite."
        hold(np.isfinite(drawn).all(), f"{message} A ValueError should name the row.")


def check_random_state(name, estimator, events):
    """None is fresh, an int repeats, a numpy generator is advanced, anything else is an error."""
    model, (X, y) = fitted(estimator, events), events()

    def drawn(seed):
        return draw(model, X, y, random_state=seed)

    first = drawn(3)
    same(first, drawn(3), f"{name}: random_state=3 twice must draw the same events.")
    same(first, drawn(np.int64(3)), f"{name}: np.int64(3) must be the seed 3.")
    for make in (np.random.default_rng, np.random.RandomState):
        rng = make(5)
        second = [drawn(rng), drawn(rng)]
        same(second[0], drawn(make(5)), f"{name}: {make.__name__}(5) must repeat its events.")
        if not is_unfolder(model):  # one without noise unfolds to one event
            differ(*second, f"{name}: a second draw must advance {make.__name__}.")
    if not is_unfolder(model):
        differ(first, drawn(4), f"{name}: another seed must draw other events.")
        differ(drawn(None), drawn(None), f"{name}: random_state=None must be fresh at each call.")
    for bad in (True, -1, "seed", 1.5):
        with refuses((TypeError, ValueError), f"{name}: random_state={bad!r}", "random_state"):
            drawn(bad)


def check_random_state_governs_transform(name, estimator, events):
    """An int in the constructor repeats the noise of `transform` and `inverse_transform`."""
    X, y = events()
    model = set_all(copy.deepcopy(fitted(estimator, events)), random_state=1)
    calls = [("transform", X)] if hasattr(model, "transform") else []
    if not is_generator(model) and hasattr(model, "sample_inverse"):
        calls.append(("inverse_transform", y))
    for method, rows in calls:
        call = getattr(model, method)
        same(call(rows), call(rows), f"{name}.{method} must repeat with an int as random_state.")


def check_any_number_of_workers(name, estimator, events):
    """One seed draws the same events on any number of workers, and none is an error."""
    model = copy.deepcopy(fitted(estimator, events))
    if not any(key.split("__")[-1] == "n_jobs" for key in model.get_params()):
        return
    with warnings.catch_warnings(), refuses(ValueError, f"{name}: n_jobs=0 in fit", "n_jobs"):
        warnings.simplefilter("ignore")  # classifiers inside may say that n_jobs has no effect
        fit(set_all(clone(estimator), n_jobs=0), *events())
    X, y = events(5000, 0)  # more than one chunk
    drawn = [draw(set_all(model, n_jobs=n_jobs), X, y, random_state=0) for n_jobs in (1, 2, None)]
    same(drawn[0], drawn[1], f"{name}: n_jobs=1 and 2 must draw the same events.")
    same(drawn[0], drawn[2], f"{name}: n_jobs=1 and None must draw the same events.")


def check_latent_points_come_back(name, estimator, events):
    """`inverse_transform` of a generator undoes `transform`, with the names of the events."""
    model, (X, _) = copy.deepcopy(fitted(estimator, events)), events()
    if not hasattr(model, "inverse_transform"):
        return
    latent = model.transform(X)
    back = model.inverse_transform(latent)
    hold(len(latent) == len(X), f"{name}.transform of {len(X)} events has {len(latent)} rows.")
    message = f"{name}.inverse_transform(transform(X)) is not X."
    hold(np.allclose(back, X, rtol=1e-3, atol=1e-3), message)
    if hasattr(model, "steps"):
        return
    model.set_output(transform="pandas")
    names = [list(model.transform(X)), list(model.inverse_transform(latent))]
    expected = [list(model.get_feature_names_out()), list(X)]
    hold(names == expected, f"{name}: columns of latent space and back are called {names}.")

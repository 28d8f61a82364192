"""Checks of estimators that take any table: clouds, single columns, columns that do not vary."""

import numpy as np
from sklearn.base import clone

from skjetsim._drawing._sample import sample
from skjetsim.base import is_generator, is_simulator
from skjetsim.utils._contract._events import draw, fit, hold, refuses, same, score


def _arrays(events):
    return tuple(table.to_numpy() for table in events())


def _finite(model, X, y, name):
    hold(np.isfinite(draw(model, X, y)).all(), f"{name} draws what is not finite.")
    if hasattr(model, "score"):
        hold(np.isfinite(score(model, X, y)), f"{name}.score is not finite.")


def check_default_names(name, estimator, events):
    """The columns of an array y are called y0, y1, ..."""
    model = clone(estimator).fit(*_arrays(events))
    found = list(model.target_names_in_)
    hold(found == ["y0", "y1"], f"{name}.target_names_in_ of an array is {found}.")


def check_one_dimensional_y(name, estimator, events):
    """A y of one dimension comes back as one."""
    X, y = _arrays(events)
    X, y = X[:, :1], y[:, 0]
    model = clone(estimator).fit(X, y)
    for drawn, shape in ((sample(model, X[:4]), (4,)), (sample(model, X[:4], n_samples=3), (4, 3))):
        hold(drawn.shape == shape, f"{name}, y of one dimension: {drawn.shape}, not {shape}.")


def check_clouds(name, estimator, events):
    """Arrays of three dimensions come back as they are, and flat rows are the same events."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4, 3))
    y = X + 0.1 * rng.normal(size=X.shape)
    model = fit(clone(estimator).set_output(transform="pandas"), X, y)
    hold(model.n_features_in_ == 12, f"{name}.n_features_in_ of 4 x 3 is {model.n_features_in_}.")
    hold(model.input_shape_ == (4, 3), f"{name}.input_shape_ of 4 x 3 is {model.input_shape_}.")
    drawn = draw(model, X[:5], y[:5], random_state=0)
    hold(drawn.shape == (5, 4, 3), f"{name}: clouds come back as {drawn.shape}.")
    if is_generator(model):
        return
    many = draw(model, X[:5], y[:5], n_samples=2)
    hold(many.shape == (5, 2, 4, 3), f"{name}: two draws of clouds have shape {many.shape}.")
    flat = draw(model, X[:5].reshape(5, 12), y[:5].reshape(5, 12), random_state=0)
    same(flat, drawn, f"{name}: flat rows must give the same events as clouds.")
    with refuses(ValueError, f"{name}: clouds of another shape", "(3, 4)"):
        draw(model, X[:5].reshape(5, 3, 4), y[:5].reshape(5, 3, 4))


def check_constant_columns(name, estimator, events):
    """A column that is constant in the fit is drawn as this constant."""
    X, y = (np.c_[side, np.full(len(side), 0.1057)] for side in _arrays(events))
    model = fit(clone(estimator), X, y)
    drawn = draw(model, X, y)
    hold(np.allclose(drawn[:, 2], 0.1057, rtol=1e-12), f"{name}: a constant column varies.")
    if is_generator(model) or is_simulator(model):
        hold(
            (np.ptp(drawn[:, :2], axis=0) > 0).all(),
            f"{name}: next to a constant column, no column varies.",
        )
    _finite(model, X, y, f"{name}, with a constant column,")
    if hasattr(model, "score_samples") and not hasattr(model, "sample_inverse"):
        off = np.c_[(X if is_generator(model) else y)[:, :2], np.full(len(X), 0.2)]
        density = model.score_samples(off) if is_generator(model) else model.score_samples(X, off)
        hold((density == -np.inf).all(), f"{name}.score_samples off a constant is not -inf.")


def check_nothing_varies(name, estimator, events):
    """If all events are alike, draws are equal to them."""
    X = np.tile([50.0, 0.5], (20, 1))
    model = fit(clone(estimator), X, X)
    hold(np.allclose(draw(model, X, X), X, rtol=1e-12), f"{name}: events all alike are not drawn.")


def check_condition_that_says_nothing(name, estimator, events):
    """Draws of y vary if X is constant."""
    _, y = _arrays(events)
    X = np.ones_like(y)
    drawn = sample(clone(estimator).fit(X, y), X)
    hold((np.ptp(drawn, axis=0) > 0).all(), f"{name}: with a constant X, y does not vary.")


def check_events_that_repeat(name, estimator, events):
    """A few events that are repeated many times lead to finite draws and scores."""
    X, y = (np.repeat(side[:20], 10, axis=0) for side in _arrays(events))
    _finite(fit(clone(estimator), X, y), X, y, f"{name}, with repeated events,")

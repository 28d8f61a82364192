"""Checks of scores, densities and searches."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from skjetsim._drawing._sample import log_prob
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.base._tags import is_paired
from skjetsim.utils._contract._events import draw, fitted, hold, same, score


def check_score(name, estimator, events):
    """`score` is finite, and repeats with an int as random_state."""
    model, tables = fitted(estimator, events), events()
    if not hasattr(model, "score"):
        return
    value = score(model, *tables)
    hold(np.ndim(value) == 0 and np.isfinite(value), f"{name}.score is {value!r}, not a number.")


def check_true_pairs_score_higher(name, estimator, events):
    """`score` of true pairs is above that of shuffled ones: it sees whether y belongs to X."""
    model = fitted(estimator, events)
    if is_generator(model) or not is_paired(model):
        return
    rng = np.random.default_rng(0)
    for seed in range(5):  # a model that ignores X has luck now and then, but not each time
        X, y = events(seed=seed)
        orders = [rng.permutation(len(y)) for _ in range(5)]
        shuffled = [model.score(X, y.iloc[order].set_axis(y.index)) for order in orders]
        true, typical = model.score(X, y), np.median(shuffled)
        message = f"{name}.score of true pairs is {true:.4g}, of shuffled ones {typical:.4g}."
        hold(true > typical, message)


def check_score_samples(name, estimator, events):
    """`score_samples` is one number per event, and `score` is its mean, weighted if asked."""
    model, (X, y) = fitted(estimator, events), events()
    if not hasattr(model, "score_samples"):
        return
    density = log_prob(model, X) if is_generator(model) else model.score_samples(X, y)
    hold(density.shape == (len(X),), f"{name}.score_samples has shape {density.shape}.")
    hold(np.isfinite(density).all(), f"{name}.score_samples of its own events is not finite.")
    weight = np.random.default_rng(0).uniform(size=len(X))
    for params in ({}, {"sample_weight": weight}):
        if params and hasattr(model, "steps"):
            continue  # a Pipeline hands no weights on unless metadata are routed
        expected = np.average(density, weights=params.get("sample_weight"))
        found = score(model, X, y, **params)
        message = f"{name}.score({', '.join(params)}) is {found}, not the mean {expected}."
        hold(np.isclose(found, expected, rtol=1e-4), message)


def check_search(name, estimator, events):
    """GridSearchCV chooses a parameter by `score` and by a scorer of this package."""
    X, y = events()
    model = fitted(estimator, events)
    split = ShuffleSplit(1, test_size=0.5, random_state=0)
    for scoring in (_scorer(model), None):
        if scoring is None and not hasattr(model, "score"):
            continue
        search = GridSearchCV(clone(estimator), _grid(estimator), scoring=scoring, cv=split)
        search.fit(X) if is_generator(model) else search.fit(X, y)
        scores = search.cv_results_["mean_test_score"]
        hold(np.isfinite(scores).all(), f"{name}: GridSearchCV, scoring={scoring}, has {scores}.")
    drawn = [
        draw(one, X, y, random_state=0) for one in (search, getattr(search, "best_estimator_", 0))
    ]
    same(*drawn, f"{name}: a fitted search must draw as its best estimator does.")


def _grid(estimator):
    """One value, its own, of a parameter: what is searched does not matter here."""
    params = estimator.get_params()
    seeds = [key for key in params if key.split("__")[-1] == "random_state"]
    names = seeds or list(estimator.get_params(deep=False))
    return {names[0]: [params[names[0]]]} if names else {}


def _scorer(model):
    from skjetsim.metrics import EnergyScorer, WassersteinScorer

    if is_simulator(model) and is_paired(model):
        return EnergyScorer()
    return WassersteinScorer(direction="inverse" if is_unfolder(model) else "forward")

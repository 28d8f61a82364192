"""The models inside compositions: Pipelines, searches and meta-estimators."""

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._tags import is_generator, is_simulator, is_unfolder

_KINDS = (is_generator, is_simulator, is_unfolder)


def innermost(estimator):
    """Find the model inside any composition, for what only it has, such as `history_`.

    Parameters
    ----------
    estimator : fitted estimator
        A Pipeline, a search, a meta-estimator of `skjetsim.compose`, or these inside each other.
        Any other estimator is the model itself.

    Returns
    -------
    estimator
        The fitted model, not a copy.

    Raises
    ------
    TypeError
        If the argument is not an estimator.
    ValueError
        If there are several models inside, as in an `EnsembleSimulator`. The message says where
        they are.
    sklearn.exceptions.NotFittedError
        If a composition is not fitted: what it has inside is then only a parameter.

    See Also
    --------
    skjetsim.inspection.LossCurveDisplay : The training of all models inside, in one plot.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim import innermost
    >>> from skjetsim.compose import Unfolder
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(20, 100, size=(200, 1))                             # GeV
    >>> y = rng.normal(X, 5.0)
    >>> unfolder = Unfolder(FlowSimulator(max_epochs=3, random_state=0))
    >>> model = make_pipeline(StandardScaler(), unfolder).fit(X, y)
    >>> innermost(model)
    FlowSimulator(max_epochs=3, random_state=0)
    >>> len(innermost(model).history_)
    3
    """
    models = models_inside(estimator)
    if len(models) == 1:
        return next(iter(models.values()))
    names = ", ".join(f"{name!r}" for name in list(models)[:5])
    more = f" and {len(models) - 5} more" if len(models) > 5 else ""
    raise ValueError(
        f"{type(estimator).__name__} has {len(models)} models inside: {names}{more}. Pass the part "
        f"that you mean, such as {_place_of_several(estimator)}."
    )


def models_inside(estimator):
    """All models inside a composition, by a name that says where each is.

    Parameters
    ----------
    estimator : fitted estimator

    Returns
    -------
    dict of str to estimator
        The name is empty for a model that is alone.

    Raises
    ------
    TypeError, sklearn.exceptions.NotFittedError
        As `innermost`.
    """
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"A fitted estimator is needed, got {estimator!r}.")
    parts = parts_of(estimator)
    if not parts:
        return {"": estimator}
    found = {}
    for name, part in parts.items():
        for inner, model in models_inside(part).items():
            found[", ".join(filter(None, (name, inner)))] = model
    return found


def parts_of(estimator):
    """The fitted estimators directly inside an estimator, by name; none in a model.

    A name is empty if the estimator has one part only.
    """
    if isinstance(estimator, FrozenEstimator):
        return {"": estimator.estimator}
    if hasattr(estimator, "steps"):
        return {"": estimator.steps[-1][1]}
    if hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
        return {"": _best(estimator)}
    # A network that has models inside, such as one of a latent space, is the model itself.
    if hasattr(estimator, "history_") or not any(kind(estimator) for kind in _KINDS):
        return {}
    several = _several(estimator)
    if several:
        return several
    if hasattr(estimator, "simulator_"):
        return {"": estimator.simulator_}
    if any(hasattr(estimator, name) for name in ("simulator", "simulators", "unfolder")):
        check_is_fitted(estimator)
    return {}


def _best(search):
    """Best estimator of a search."""
    check_is_fitted(search)
    if not hasattr(search, "best_estimator_"):
        raise NotFittedError(
            f"{type(search).__name__} has no best_estimator_: fit it with refit=True."
        )
    return search.best_estimator_


def _several(estimator):
    """Parts of an estimator that has several: members, iterations, or steps."""
    members = getattr(estimator, "estimators_", None)
    if isinstance(members, list) and all(isinstance(each, BaseEstimator) for each in members):
        return {f"member {number}": each for number, each in enumerate(members)}
    if hasattr(estimator, "unfolders_"):
        unfolders = estimator.unfolders_
        if len(unfolders) == 1:
            return {"": unfolders[0]}
        return {f"iteration {number}": each for number, each in enumerate(unfolders)}
    if hasattr(estimator, "simulators_"):
        return dict(estimator.simulators_)
    if hasattr(estimator, "generator_") and hasattr(estimator, "simulator_"):
        return {"generator": estimator.generator_, "simulator": estimator.simulator_}
    return {}


def _place_of_several(estimator):
    """Attribute that has the parts of the first composition with several."""
    while len(parts := parts_of(estimator)) == 1:
        estimator = next(iter(parts.values()))
    name = type(estimator).__name__
    if hasattr(estimator, "estimators_"):
        return f"{name}.estimators_[0]"
    if hasattr(estimator, "unfolders_"):
        return f"{name}.unfolders_[-1], the last iteration"
    if hasattr(estimator, "simulators_"):
        return f"{name}.simulators_[{next(iter(parts))!r}]"
    return f"{name}.simulator_"

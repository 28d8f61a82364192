"""Estimators inside estimators: their kinds, seeds, fits and errors."""

import re
from contextlib import contextmanager
from inspect import Parameter, signature

from sklearn import get_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skjetsim.base._tags import is_generator, is_simulator, is_unfolder, unwrapped
from skjetsim.utils._seeds import int_seed


def is_estimator(value, of_kind):
    """Whether a parameter is an estimator, and not a class, for which `of_kind` is true."""
    return not isinstance(value, type) and hasattr(value, "fit") and of_kind(value)


def check_simulator(simulator, name="simulator", learns="y given X"):
    """Raise TypeError unless a parameter is a simulator; `learns` is for the message."""
    if not is_estimator(simulator, is_simulator):
        text = f"{name} must be a simulator, got {simulator!r}"
        if is_estimator(simulator, lambda _: True):
            text += f", which would not learn {learns}"
        if is_estimator(simulator, is_unfolder):
            text += ". Take the simulator inside it, and put Unfolder around the whole"
        raise TypeError(f"{text}.")


def check_generator(generator, name="generator"):
    """Raise TypeError unless a parameter is a generator or a density of scikit-learn."""
    if not is_estimator(generator, is_generator):
        raise TypeError(f"{name} must be a generator, got {generator!r}.")


def parts_have(method, *names):
    """Condition of `available_if`: the estimators of these parameters, fitted or not, have it."""
    return lambda self: all(
        hasattr(getattr(self, f"{name}_", getattr(self, name)), method) for name in names
    )


def seed_inside(name):
    """Make a property `random_state`, which is that of the model inside the parameter `name`."""

    def random_state(self):
        return getattr(unwrapped(getattr(self, name)), "random_state", None)

    return property(random_state, doc="Seed of the model inside, which draws the noise.")


def set_seeds(estimator, root, *key, replace=False):
    """Set each `random_state` inside an estimator that is None to a seed of its own.

    Parameters
    ----------
    estimator : estimator
        Changed in place, and returned.
    root : SeedSequence
    *key : int
        Branch of the root.
    replace : bool
        Whether seeds that are not None are set, too.
    """
    names = sorted(
        name
        for name, value in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "random_state" and (replace or value is None)
    )
    seeds = {name: int_seed(root, *key, i) for i, name in enumerate(names)}
    return estimator.set_params(**seeds) if seeds else estimator  # a FrozenEstimator has none


def checkpoints_inside(estimator):
    """Parameters of an estimator, also of those inside, that name a checkpoint."""
    return {
        name: file
        for name, file in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "checkpoint" and file is not None
    }


def number_checkpoints(clones):
    """Append its number to the checkpoints of each clone, if several clones have one."""
    files = [checkpoints_inside(estimator) for estimator in clones]
    if sum(map(bool, files)) > 1:
        for number, (estimator, own) in enumerate(zip(clones, files, strict=True)):
            if own:  # a FrozenEstimator has no parameters to set
                estimator.set_params(**{name: f"{file}.{number}" for name, file in own.items()})


def fit_inside(estimator, name, *data, weight=None, seed=None, **fit_params):
    """Fit a clone of the parameter `name`, which is the attribute ``name_`` from the start.

    With `warm_start` the clone of the last fit is fitted again, with the present parameters.

    After Ctrl-C the clone can be used if it has learnt something. After any other error there is
    no such attribute.

    Parameters
    ----------
    estimator : estimator
    name : str
    *data : array-like
        X of a generator, X and y of a simulator.
    weight : ndarray, optional
    seed : SeedSequence, optional
        Seeds that are None in the parameter are derived from it.
    **fit_params
        Passed on to `fit`.

    Returns
    -------
    estimator
        The fitted clone.
    """
    inside = _going_on(vars(estimator).pop(_before(name), None), clone(getattr(estimator, name)))
    if seed is not None:
        set_seeds(inside, seed)
    setattr(estimator, f"{name}_", inside)
    try:
        return fit_weighted(inside, *data, weight=weight, **fit_params)
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt) or not is_fitted(inside):
            vars(estimator).pop(f"{name}_", None)
        raise


def fit_weighted(estimator, *data, weight=None, **fit_params):
    """Fit an estimator, and hand weights to the model inside Pipelines and searches.

    Raises
    ------
    ValueError
        If there are weights, and its `fit` does not take them.
    """
    if weight is not None:
        check_takes_weight(estimator)
        fit_params[weight_name(estimator)] = weight
    return estimator.fit(*data, **fit_params)


def check_takes_weight(estimator):
    """Raise ValueError unless `fit` of the model inside Pipelines and searches takes weights."""
    if not takes_weight(estimator):
        raise ValueError(
            f"{type(unwrapped(estimator)).__name__} does not take sample_weight in fit: take "
            "another estimator, or unweight the events first."
        )


def takes_weight(estimator):
    """Whether `fit` of the model inside Pipelines and searches takes weights."""
    parameters = signature(unwrapped(estimator).fit).parameters.values()
    return any(
        parameter.name == "sample_weight" or parameter.kind is Parameter.VAR_KEYWORD
        for parameter in parameters
    )


def forget(estimator, *names):
    """Delete attributes of an earlier fit. `fit_inside` and `going_on` still find warm ones."""
    for name in names:
        fitted = vars(estimator).pop(name, None)
        vars(estimator).pop(_before(name[:-1]), None)
        if any(map(_is_warm, _by_name(fitted).values())):
            setattr(estimator, _before(name[:-1]), fitted)


def going_on(estimator, name, fresh):
    """Put the estimators of the fit before in place of the fresh ones that go on from them.

    Parameters
    ----------
    estimator : estimator
    name : str
        The attribute ``name_`` has a list or a dict of fitted estimators.
    fresh : list or dict of str to estimator
        Clones with the present parameters.

    Returns
    -------
    list or dict of str to estimator
    """
    fitted = _by_name(vars(estimator).pop(_before(name), None))
    new = {key: _going_on(fitted.get(key), clone) for key, clone in _by_name(fresh).items()}
    return new if isinstance(fresh, dict) else list(new.values())


def _before(name):
    """Attribute with the estimator that the last fit has left, while a fit goes on."""
    return f"_{name}_before"


def _by_name(fitted):
    """Estimators of an attribute, which is one estimator, or a list or dict of them."""
    if isinstance(fitted, (list, tuple)):
        fitted = dict(enumerate(fitted))
    return fitted if isinstance(fitted, dict) else {"": fitted}


def _is_warm(estimator):
    if not hasattr(estimator, "get_params"):
        return False
    parameters = estimator.get_params(deep=True).items()
    return any(name.split("__")[-1] == "warm_start" and value is True for name, value in parameters)


def _going_on(fitted, fresh):
    """The fitted estimator with the parameters of a fresh one if it has all of them, or `fresh`."""
    if fitted is None or type(fitted) is not type(fresh) or not _is_warm(fresh):
        return fresh
    present, new = fitted.get_params(deep=True), fresh.get_params(deep=True)
    alike = all(
        name in new and type(value) is type(new[name])
        for name, value in present.items()
        if hasattr(value, "get_params")
    )
    if not alike or present.keys() != new.keys():
        return fresh
    names = [name for name in new if not _holds_estimators(new[name])]
    return fitted.set_params(**{name: new[name] for name in names})


def _holds_estimators(value):
    """Whether a parameter is an estimator, or a list such as the steps of a Pipeline."""
    if isinstance(value, (list, tuple)):
        return any(map(_holds_estimators, value))
    return hasattr(value, "get_params")


def is_fitted(estimator):
    """Whether an estimator can be used; its fit may have been interrupted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


@contextmanager
def explained(note=None, rows=None):
    """Add notes to the errors of an estimator inside, about the events that it was given.

    Parameters
    ----------
    note : str, optional
        Says where to look for the values of the message.
    rows : sequence of int, optional
        The rows of the user's table that the estimator was given. The row number of a message
        counts these.
    """
    try:
        yield
    except ValueError as error:
        if note is not None:
            error.add_note(note)
        text = "\n".join([str(error), *getattr(error, "__notes__", [])])
        found = re.findall(r"\b[Rr]ow (\d+)\b", text)
        if rows is not None and found and int(found[-1]) < len(rows):
            error.add_note(f"In the table that was passed on it is row {rows[int(found[-1])]}.")
        raise


def weight_name(estimator):
    """Keyword of `fit` that hands weights to the model inside a Pipeline."""
    prefix = ""
    while not get_config()["enable_metadata_routing"]:
        if isinstance(estimator, Pipeline):
            name, estimator = estimator.steps[-1]
            prefix += f"{name}__"
        elif hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
            estimator = estimator.estimator
        else:
            break
    return f"{prefix}sample_weight"

"""Names of classes and functions in model files, and the list of those that load.

The names stay when the code moves. A class has the name that users import,
`skjetsim.flows.FlowSimulator`. A class of fitted state that is ours but not public has a short name
in `STATE`. Estimators of skjetsim and scikit-learn load by their public names. Other classes and
functions load only if they are in one of the lists below.
"""

import importlib
from collections.abc import Collection

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim._persistence._registry import FUNCTIONS, OBJECTS, PARTS, RENAMED, STATE, UFUNC_MODULES

OURS = "skjetsim"
TRUSTED_PACKAGES = (OURS, "sklearn")

# Modules of scikit-learn whose import does more than define classes.
NOT_IMPORTED = frozenset(["conftest", "experimental", "externals", "tests"])


class UnknownTypeError(TypeError):
    """A type that a model file cannot hold, or that is not trusted when read from one."""


def full_name(obj):
    """Module and name of a class or function."""
    return f"{obj.__module__}.{obj.__qualname__}"


def is_ours(name):
    """Whether a full name belongs to this package."""
    return name.split(".")[0] == OURS


def name_in_files(obj):
    """Name of a class or function in model files.

    Raises
    ------
    UnknownTypeError
        If it is a private class that is not registered.
    """
    name = _name_in_files(obj)
    if name is None:
        raise UnknownTypeError(
            f"{full_name(obj)} is neither public nor registered, so a model file has no name for "
            "it. Developers: give it one in STATE of skjetsim/_persistence/_registry.py."
        )
    return name


def _name_in_files(obj):
    full = full_name(obj)
    public = _public_name(obj)
    if public is not None or not is_ours(full):
        return public or full
    return {where: name for name, where in STATE.items()}.get(full)


def _public_name(obj):
    """Name under which a class or function is exported by its outermost package, or None."""
    packages = obj.__module__.split(".")
    if obj.__qualname__ != obj.__name__ or obj.__name__.startswith("_"):
        return None
    for depth, package in enumerate(packages, start=1):
        if package.startswith("_"):
            return None
        module = importlib.import_module(".".join(packages[:depth]))
        exported = getattr(module, "__all__", vars(module))
        if obj.__name__ in exported and getattr(module, obj.__name__) is obj:
            return f"{module.__name__}.{obj.__name__}"
    return None


def trusted_names(trusted):
    """Names in files of the classes that a user trusts.

    Raises
    ------
    TypeError
        If `trusted` is not a collection of classes or of their names.
    """
    is_collection = isinstance(trusted, Collection) and not isinstance(trusted, str)
    if not is_collection or not all(isinstance(each, (str, type)) for each in trusted):
        raise TypeError(
            f"trusted must be a list of classes or of their names, got {trusted!r}. For one class "
            "write trusted=[Class]."
        )
    return {name_in_files(each) if isinstance(each, type) else each for each in trusted}


def find_class(name, trusted=frozenset()):
    """Return the class that a file names.

    Raises
    ------
    UnknownTypeError
        If the class is not one that loads, is not trusted, or cannot be imported.
    """
    name = RENAMED.get(name, name)
    if not (_may_load(name) or name in trusted):
        raise UnknownTypeError(
            f"The file holds a {name}, which is not an estimator of skjetsim or scikit-learn, nor "
            f"a part of one. If you trust it, load with trusted=[{name!r}]."
        )
    cls = _import(name)
    # A module also holds what it imports from any package: the name has to be that of the class.
    if not isinstance(cls, type) or _name_in_files(cls) != name:
        raise UnknownTypeError(f"The file names {name} as a class, which it is not.")
    if not (is_listed(cls) or name in trusted):
        raise UnknownTypeError(
            f"The file holds a {name}, which is not an estimator, nor a part of one. If you trust "
            f"it, load with trusted=[{name!r}]."
        )
    return cls


def is_listed(cls):
    """Whether a class loads without being trusted: a public estimator, or a registered class."""
    name = _name_in_files(cls)
    if name is None or _is_registered(name):
        return name is not None
    return _may_load(name) and issubclass(cls, BaseEstimator)


def _is_registered(name):
    return name in STATE or name in OBJECTS or name in PARTS


def _may_load(name):
    """Whether a class of this name is registered, or could be a public one."""
    package, *parts = name.split(".")
    public = not any(part.startswith("_") for part in parts) and NOT_IMPORTED.isdisjoint(parts)
    return _is_registered(name) or (package in TRUSTED_PACKAGES and public)


def _import(name):
    module, _, attribute = STATE.get(name, name).rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownTypeError(
            f"The file holds a {name}, which cannot be imported. If a newer version of its package "
            "wrote the file, upgrade."
        ) from error


def function_name(value):
    """Name in files of a registered function, or None if it is not registered."""
    name = getattr(value, "__name__", None)
    if isinstance(value, np.ufunc):
        names = [f"{module}.{name}" for module in UFUNC_MODULES]
    elif callable(value) and name is not None and name == getattr(value, "__qualname__", None):
        names = [_public_name(value), full_name(value)]
    else:
        return None
    return next((each for each in names if _function(each) is value), None)


def find_function(name):
    """Return the registered function of this name.

    Raises
    ------
    UnknownTypeError
        If it is not registered, or is not in the installed version.
    """
    name = RENAMED.get(name, name)
    function = _function(name)
    if function is None:
        raise UnknownTypeError(
            f"The file holds {name}, which is not a registered function. Those only compute "
            "numbers."
        )
    return function


def _function(name):
    if name in FUNCTIONS:
        return _import(name)
    module, _, attribute = (name or "").rpartition(".")
    if module not in UFUNC_MODULES:
        return None
    function = getattr(importlib.import_module(module), attribute, None)
    return function if isinstance(function, np.ufunc) else None

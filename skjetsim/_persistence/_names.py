"""Names of classes and functions in model files. They stay when the code moves.

A class has the name that users import, `skjetsim.flows.FlowSimulator`. A class of fitted state that
is ours but not public has a short name in `STATE`. A file may name the functions in `FUNCTIONS`.
"""

import importlib
from collections.abc import Collection

OURS = "skjetsim"
TRUSTED_PACKAGES = (OURS, "sklearn")

# Classes of fitted state: {name in files, for ever: where the class is today}.
STATE = {
    "CloudEncoder": "skjetsim._encoders._cloud.CloudEncoder",
    "ConditionEncoder": "skjetsim._encoders._condition.ConditionEncoder",
    "FarEvents": "skjetsim._encoders._far_events.FarEvents",
    "ImageEncoder": "skjetsim._encoders._image.ImageEncoder",
    "MapLayout": "skjetsim._nn._transport_map.MapLayout",
    "ObjectOrder": "skjetsim.utils._object_order.ObjectOrder",
    "OTUSLosses": "skjetsim._nn._otus.Losses",
    "OutlierDensity": "skjetsim._encoders._outlier_density.OutlierDensity",
    "OutlierRate": "skjetsim._encoders._outlier_rate.OutlierRate",
    "Outliers": "skjetsim._encoders._outliers.Outliers",
    "Patterns": "skjetsim.compose._patterns.Patterns",
    "PlaceAndWidth": "skjetsim._encoders._regression.PlaceAndWidth",
    "ResponseEncoder": "skjetsim._encoders._response.ResponseEncoder",
    "SmoothFeatures": "skjetsim._encoders._smooth_features.SmoothFeatures",
    "TableEncoder": "skjetsim._encoders._table.TableEncoder",
}

# Functions that a file may name. They compute a number from arrays and do nothing else: if a
# function wrote, ran or loaded something, a file could make a model do so.
FUNCTIONS = frozenset(
    [
        "skjetsim.datasets.camel_log_prob",
        "skjetsim.datasets.density_2d_log_prob",
        "skjetsim.datasets.shell_log_prob",
        "skjetsim.metrics.chi2_per_dof",
        "skjetsim.metrics.classifier_two_sample_auc",
        "skjetsim.metrics.correlation_difference",
        "skjetsim.metrics.crps",
        "skjetsim.metrics.emd_sum",
        "skjetsim.metrics.energy_score",
        "skjetsim.metrics.ks_distance",
        "skjetsim.metrics.nearest_neighbour_ratio",
        "skjetsim.metrics.quantile_mse",
        "skjetsim.metrics.residual_wasserstein",
        "skjetsim.metrics.sliced_wasserstein_distance",
        "skjetsim.metrics.transport_cost",
        "skjetsim.metrics.wasserstein_distance",
    ]
)

# Public names that were renamed: {name in older files: name today}.
RENAMED: dict[str, str] = {}

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
        If it belongs to this package, but is neither public nor registered.
    """
    name = _name_in_files(obj)
    if name is None:
        raise UnknownTypeError(
            f"{full_name(obj)} is neither public nor registered, so a model file has no name for "
            "it. Developers: give it one in STATE of skjetsim/_persistence/_names.py."
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


def find_class(name, base, trusted=frozenset()):
    """Return the class that a file names.

    Raises
    ------
    UnknownTypeError
        If the class is not trusted, cannot be imported or is not derived from `base`.
    """
    name = RENAMED.get(name, name)
    if not (name in STATE or name.split(".")[0] in TRUSTED_PACKAGES or name in trusted):
        raise UnknownTypeError(
            f"The file holds a {name}, which is not a class of skjetsim or scikit-learn. If you "
            f"trust it, load with trusted=[{name!r}]."
        )
    cls = _import(name)
    # A module also holds what it imports from any package: the name has to be that of the class.
    if not (isinstance(cls, type) and issubclass(cls, base) and _name_in_files(cls) == name):
        raise UnknownTypeError(f"The file names {name} as a {base.__name__}, which it is not.")
    return cls


def _import(name):
    module, _, attribute = STATE.get(name, name).rpartition(".")
    parts = module.split(".")
    private = is_ours(name) and any(part.startswith("_") for part in parts)
    try:
        if private or NOT_IMPORTED.intersection(parts):
            raise ImportError(f"{module} is not read from files")
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownTypeError(
            f"The file holds a {name}, which cannot be imported. If a newer version of its package "
            "wrote the file, upgrade."
        ) from error


def is_registered(function):
    """Whether a model file can name a function."""
    return is_ours(full_name(function)) and _public_name(function) in FUNCTIONS


def find_function(name):
    """Return the registered function of this name."""
    name = RENAMED.get(name, name)
    if name not in FUNCTIONS:
        raise UnknownTypeError(f"The file holds {name}, which is not a registered function.")
    return _import(name)

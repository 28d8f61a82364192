"""Estimators as JSON and arrays, and back: the structure inside a model file.

What is not in the vocabulary below is not written: numbers, text, lists, dicts, arrays, random
generators, estimators (as class and state) and networks (as tensors). Compiled parts of foreign
estimators, trees for example, go through skops, which has a list of trusted types of its own.
"""

from __future__ import annotations

import importlib
import inspect
import math

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

__all__ = ["Decoder", "Encoder", "UnknownTypeError"]

OURS = "skjetsim"
TRUSTED_PACKAGES = (OURS, "sklearn")

# Compiled parts of scikit-learn's estimators: read by skops, which trusts what is listed.
TRUSTED_PARTS = frozenset(
    [
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.tree._tree.Tree",
    ]
    + [
        f"sklearn.metrics._dist_metrics.{metric}Distance{bits}"
        for metric in (
            "Chebyshev",
            "Euclidean",
            "Haversine",
            "Manhattan",
            "Minkowski",
            "SEuclidean",
        )
        for bits in ("", "32", "64")
    ]
    + [
        f"sklearn._loss._loss.Cy{loss}"
        for loss in (
            "AbsoluteError",
            "ExponentialLoss",
            "HalfBinomialLoss",
            "HalfGammaLoss",
            "HalfMultinomialLoss",
            "HalfPoissonLoss",
            "HalfSquaredError",
            "HalfTweedieLoss",
            "HuberLoss",
            "PinballLoss",
        )
    ]
)


# What a node of the structure may be; `Decoder` has a method for each.
NODE_TYPES = frozenset(
    [
        "array",
        "dict",
        "estimator",
        "float",
        "frozenset",
        "function",
        "list",
        "masked",
        "object",
        "objects",
        "pipeline",
        "random",
        "records",
        "scalar",
        "set",
        "skops",
        "tuple",
    ]
)


class UnknownTypeError(TypeError):
    """A type that a model file cannot hold, or that is not trusted when read from one."""


class Encoder:
    """Turns an object into a JSON tree, setting arrays and foreign parts aside.

    Attributes
    ----------
    arrays : dict of str to ndarray
    blobs : dict of str to bytes
        Parts written by skops.
    foreign : set of str
        Estimators of other packages met on the way.
    """

    def __init__(self):
        self.arrays, self.blobs, self.foreign = {}, {}, set()

    def encode(self, value, where="estimator"):
        """Return the JSON node of `value`; `where` says in errors what could not be written."""
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"type": "float", "value": repr(value)}
        for kind, method in (
            (np.ma.MaskedArray, self._masked),
            (np.ndarray, self._array),
            (np.generic, self._scalar),
            (dict, self._dict),
            ((list, tuple, set, frozenset), self._sequence),
            ((np.random.Generator, np.random.RandomState), self._random),
            (BaseEstimator, self._estimator),
        ):
            if isinstance(value, kind):
                return method(value, where)
        return self._foreign_part(value, where)

    def _store(self, array):
        key = f"a{len(self.arrays)}"
        self.arrays[key] = np.ascontiguousarray(array).reshape(array.shape)
        return key

    def _array(self, value, where):
        if value.dtype.kind in "bifu":
            return {"type": "array", "key": self._store(value)}
        if value.dtype.names and not value.dtype.hasobject:
            descr = [list(field[:2]) for field in value.dtype.descr]
            raw = np.frombuffer(value.tobytes(), dtype=np.uint8)
            return {"type": "records", "descr": descr, "key": self._store(raw)}
        items = [self.encode(item, where) for item in value.ravel().tolist()]
        kind = "U" if value.dtype.kind == "U" else "O"
        if value.dtype.kind not in "UO":
            raise UnknownTypeError(f"{where} is an array of dtype {value.dtype}.")
        return {"type": "objects", "kind": kind, "shape": list(value.shape), "items": items}

    def _masked(self, value, where):
        parts = [self.encode(part, where) for part in (value.data, np.ma.getmaskarray(value))]
        return {"type": "masked", "items": parts}

    def _scalar(self, value, where):
        return {"type": "scalar", "value": self._array(np.asarray(value), where)}

    def _dict(self, value, where):
        items = [
            [self.encode(key, where), self.encode(item, f"{where}[{key!r}]")]
            for key, item in value.items()
        ]
        return {"type": "dict", "items": items}

    def _sequence(self, value, where):
        if type(value) not in (list, tuple, set, frozenset):
            raise UnknownTypeError(f"{where} has type {_full_name(type(value))}.")
        items = [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        return {"type": type(value).__name__, "items": items}

    def _random(self, value, where):
        bits = (
            value.bit_generator if isinstance(value, np.random.Generator) else value._bit_generator
        )
        return {
            "type": "random",
            "kind": type(value).__name__,
            "bits": type(bits).__name__,
            "state": self.encode(bits.state, where),
        }

    def _estimator(self, value, where):
        cls = type(value)
        if cls.__qualname__ != cls.__name__ or cls.__module__ == "__main__":
            raise UnknownTypeError(
                f"{where} is a {_full_name(cls)}, which cannot be imported again. Define the class "
                "at the top level of a module."
            )
        name = _full_name(cls)
        if isinstance(value, Pipeline):
            return {"type": "pipeline", "class": name, "params": self._params(value, where)}
        if name.split(".")[0] != OURS:
            self.foreign.add(name)
        state, networks = {}, {}
        for key, item in vars(value).items():
            if hasattr(item, "module_") and hasattr(value, "_restore_net"):
                networks[key] = {
                    parameter: self._store(tensor.detach().cpu().numpy())
                    for parameter, tensor in item.module_.state_dict().items()
                }
            else:
                state[key] = self.encode(item, f"{where}.{key}")
        return {"type": "estimator", "class": name, "state": state, "networks": networks}

    def _plain_object(self, value, where):
        name = _full_name(type(value))
        if name.split(".")[0] != OURS:
            self.foreign.add(name)
        state = {key: self.encode(item, f"{where}.{key}") for key, item in vars(value).items()}
        return {"type": "object", "class": name, "state": state}

    def _params(self, value, where):
        return {
            key: self.encode(item, f"{where}.{key}")
            for key, item in value.get_params(deep=False).items()
        }

    def _foreign_part(self, value, where):
        if _is_plain_object(value):
            return self._plain_object(value, where)
        if inspect.isfunction(value) and _find_function(_full_name(value)) is value:
            return {"type": "function", "name": _full_name(value)}
        name = _full_name(value if inspect.isroutine(value) else type(value))
        if name.split(".")[0] not in ("sklearn", "numpy", "scipy"):
            raise UnknownTypeError(
                f"{where} has type {name}, which a model file cannot hold. Use an estimator, a "
                "number, text or an array in its place."
            )
        import skops.io

        key = f"part{len(self.blobs)}.skops"
        self.blobs[key] = skops.io.dumps(value)
        self.foreign.add(name)
        return {"type": "skops", "key": key}


class Decoder:
    """Rebuilds what `Encoder` wrote. No code from the file runs: classes are looked up by name.

    Parameters
    ----------
    arrays : dict of str to ndarray
    blobs : dict of str to bytes
    trusted : collection of str
        Full names of classes accepted besides those of skjetsim and scikit-learn.
    """

    def __init__(self, arrays, blobs, trusted=()):
        self.arrays, self.blobs = arrays, blobs
        self.trusted = TRUSTED_PARTS.union(trusted)

    def decode(self, node):
        """Return the object of a JSON node."""
        if not isinstance(node, dict):
            return node
        if node["type"] not in NODE_TYPES:
            raise UnknownTypeError(f"The file holds a node of unknown type {node['type']!r}.")
        return getattr(self, "_" + node["type"])(node)

    def _float(self, node):
        return float(node["value"])

    def _array(self, node):
        return self.arrays[node["key"]].copy()

    def _records(self, node):
        dtype = np.dtype([(name, kind) for name, kind in node["descr"]])
        return np.frombuffer(self.arrays[node["key"]].tobytes(), dtype=dtype).copy()

    def _objects(self, node):
        items = [self.decode(item) for item in node["items"]]
        array = np.empty(len(items), dtype=object)
        array[:] = items
        array = array.reshape(node["shape"])
        return array.astype(str) if node["kind"] == "U" else array

    def _masked(self, node):
        data, mask = (self.decode(item) for item in node["items"])
        return np.ma.MaskedArray(data, mask=mask)

    def _scalar(self, node):
        return self.decode(node["value"])[()]

    def _dict(self, node):
        return {self.decode(key): self.decode(item) for key, item in node["items"]}

    def _items(self, node):
        return [self.decode(item) for item in node["items"]]

    _list = _items

    def _tuple(self, node):
        return tuple(self._items(node))

    def _set(self, node):
        return set(self._items(node))

    def _frozenset(self, node):
        return frozenset(self._items(node))

    def _random(self, node):
        if node["bits"] not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
            raise UnknownTypeError(f"The file holds a bit generator {node['bits']!r}.")
        bits = getattr(np.random, node["bits"])()
        bits.state = self.decode(node["state"])
        kinds = {"Generator": np.random.Generator, "RandomState": np.random.RandomState}
        return kinds[node["kind"]](bits)

    def _pipeline(self, node):
        cls = self._find_class(node["class"])
        known = inspect.signature(cls.__init__).parameters
        params = {key: self.decode(item) for key, item in node["params"].items() if key in known}
        return cls(**params)

    def _estimator(self, node):
        cls = self._find_class(node["class"])
        estimator = cls.__new__(cls)
        state = {
            name: parameter.default  # parameters that a newer version has added
            for name, parameter in inspect.signature(cls.__init__).parameters.items()
            if parameter.default is not inspect.Parameter.empty
        }
        state.update({key: self.decode(item) for key, item in node["state"].items()})
        vars(estimator).update(state)
        if node["networks"]:
            import torch

            for tensors in node["networks"].values():
                estimator._restore_net(
                    {name: torch.from_numpy(self.arrays[key]) for name, key in tensors.items()}
                )
        return estimator

    def _object(self, node):
        cls = self._find_class(node["class"], base=object)
        value = cls.__new__(cls)
        vars(value).update({key: self.decode(item) for key, item in node["state"].items()})
        return value

    def _function(self, node):
        function = _find_function(node["name"])
        if function is None:
            raise UnknownTypeError(f"The file holds {node['name']}, no function of skjetsim.")
        return function

    def _find_class(self, name, base=BaseEstimator):
        module, _, attribute = name.rpartition(".")
        if module.split(".")[0] not in TRUSTED_PACKAGES and name not in self.trusted:
            raise UnknownTypeError(
                f"The file holds a {name}, which is of neither skjetsim nor scikit-learn. If you "
                f"trust it, load with trusted=[{name!r}]."
            )
        try:
            cls = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UnknownTypeError(f"The file holds a {name}, which cannot be imported.") from error
        # Where it was defined counts: modules also hold what they import, of any package.
        if not (isinstance(cls, type) and issubclass(cls, base) and _full_name(cls) == name):
            raise UnknownTypeError(f"The file names {name} as an estimator, which it is not.")
        return cls

    def _skops(self, node):
        import skops.io

        data = self.blobs[node["key"]]
        untrusted = set(skops.io.get_untrusted_types(data=data)) - self.trusted
        if untrusted:
            raise UnknownTypeError(
                f"The file holds {sorted(untrusted)}, which is not trusted. If you trust it, load "
                f"with trusted={sorted(untrusted)}."
            )
        return skops.io.loads(data, trusted=sorted(self.trusted))


def _find_function(name):
    """Return skjetsim's own function of this name, a metric for example, or None."""
    module, _, attribute = name.rpartition(".")
    if module.split(".")[0] != OURS:
        return None
    try:
        function = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None
    return function if inspect.isfunction(function) and _full_name(function) == name else None


def _is_plain_object(value):
    """Whether an object of ours or scikit-learn's is its `__dict__`: splitters, losses, cards."""
    cls = type(value)
    return (
        cls.__module__.split(".")[0] in TRUSTED_PACKAGES
        and hasattr(value, "__dict__")
        and cls.__reduce_ex__ is object.__reduce_ex__
        and cls.__reduce__ is object.__reduce__
        and not isinstance(value, type)
    )


def _full_name(obj):
    return f"{obj.__module__}.{obj.__qualname__}"


def minor_version(version=None):
    """Major and minor part of a version, scikit-learn's own by default."""
    return ".".join((version or sklearn.__version__).split(".")[:2])

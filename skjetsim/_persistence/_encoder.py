"""Write estimators as JSON and arrays: the structure inside a model file.

It holds numbers, text, lists, dicts, arrays, random generators, estimators (as class and state),
networks (as tensors), parts of scikit-learn's estimators and registered functions. It holds nothing
else.
"""

import inspect
import math

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skjetsim._persistence._compiled import take_apart
from skjetsim._persistence._names import (
    TRUSTED_PACKAGES,
    UnknownTypeError,
    full_name,
    function_name,
    is_listed,
    is_ours,
    name_in_files,
)
from skjetsim._persistence._nodes import BUILTINS, DICTS, MOST_LEVELS, PATHS, SPARSE, is_kept_dtype

CANNOT_HOLD = (
    "A model file cannot hold it: use an estimator, a number, text, or an array of numbers instead."
)
LARGEST_ITEM = 8  # bytes of a number: safetensors has no longer ones


class Encoder:
    """Turns an object into a JSON tree, and collects its arrays.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Their names say where they are in the estimator.
    foreign : set of str
        Names of the estimators of other packages.
    left_out : set of str
        What was not written: callbacks, and paths of this machine.
    """

    def __init__(self):
        self.arrays, self.foreign, self.left_out, self.depth = {}, set(), set(), 0

    def encode(self, value, where="estimator"):
        """Return the JSON node of `value`; `where` is its name in errors."""
        if value is None or isinstance(value, (int, str)):
            return value
        if self.depth == MOST_LEVELS:
            raise UnknownTypeError(
                f"{where[:200]} lies more than {MOST_LEVELS} levels deep, or contains itself. A "
                "model file cannot hold it."
            )
        self.depth += 1
        try:
            return self._node(value, where)
        finally:
            self.depth -= 1

    def _node(self, value, where):
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
        return self._other(value, where)

    def _store(self, array, where):
        key = where
        while key in self.arrays:
            key += "'"
        native = array.dtype.newbyteorder("=")
        self.arrays[key] = np.ascontiguousarray(array, dtype=native).reshape(array.shape)
        return key

    def _array(self, value, where):
        kind = value.dtype.kind
        if kind in "bifu" and value.dtype.itemsize <= LARGEST_ITEM:
            return self._numbers(value, where)
        if kind == "V" and value.dtype.names:
            return self._records(value, where)
        if kind == "U":  # its characters as numbers, which have a known size
            native = np.ascontiguousarray(value, value.dtype.newbyteorder("=")).reshape(value.shape)
            characters = native[..., None].view(np.uint32)
            return {"type": "text", "key": self._store(characters, where)}
        if kind != "O":
            raise UnknownTypeError(f"{where} is an array of {value.dtype}. {CANNOT_HOLD}")
        items = self._items(value.ravel().tolist(), where)
        return {"type": "objects", "shape": list(value.shape), "items": items}

    def _numbers(self, value, where):
        # BLAS rounds products of row-major and column-major arrays in different ways.
        if value.flags.f_contiguous and not value.flags.c_contiguous:
            return {"type": "array", "order": "F", "key": self._store(value.T, where)}
        return {"type": "array", "order": "C", "key": self._store(value, where)}

    def _records(self, value, where):
        fields = value.dtype.fields
        layout = {
            "names": list(value.dtype.names),
            "formats": [fields[name][0].str for name in value.dtype.names],
            "offsets": [fields[name][1] for name in value.dtype.names],
            "itemsize": value.dtype.itemsize,
        }
        if not all(is_kept_dtype(fields[name][0]) for name in fields):
            raise UnknownTypeError(f"{where} is an array of {value.dtype}. {CANNOT_HOLD}")
        raw = np.frombuffer(value.tobytes(), np.uint8).reshape(*value.shape, value.dtype.itemsize)
        return {"type": "records", "layout": layout, "key": self._store(raw, where)}

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
        kind = type(value).__name__
        if DICTS.get(kind) is not type(value):
            raise UnknownTypeError(f"{where} has type {full_name(type(value))}. {CANNOT_HOLD}")
        return {"type": "dict", "kind": kind, "items": items}

    def _items(self, values, where):
        return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(values)]

    def _sequence(self, value, where):
        if type(value) not in (list, tuple, set, frozenset):
            raise UnknownTypeError(f"{where} has type {full_name(type(value))}. {CANNOT_HOLD}")
        return {"type": type(value).__name__, "items": self._items(value, where)}

    def _random(self, value, where):
        legacy = isinstance(value, np.random.RandomState)
        state = value.get_state(legacy=False) if legacy else value.bit_generator.state
        kind = "RandomState" if legacy else "Generator"
        return {"type": "random", "kind": kind, "state": self.encode(state, where)}

    def _estimator(self, value, where):
        cls = type(value)
        if cls.__qualname__ != cls.__name__ or cls.__module__ == "__main__":
            raise UnknownTypeError(
                f"{where} is a {full_name(cls)}, which cannot be imported again. Define the class "
                "at the top level of a module."
            )
        networks, state = {}, {}
        has_networks = hasattr(value, "_restore_net")
        for key, item in sorted(vars(value).items()):  # whatever the order they were set in
            if self._is_left_out(cls, key, item, has_networks):
                state |= {key: None} if key in PATHS else {}
            elif hasattr(item, "module_") and has_networks:
                networks[key] = self._network(item, f"{where}.{key}")
            else:
                state[key] = self.encode(item, f"{where}.{key}")
        name = self._name(cls)
        return {"type": "estimator", "class": name, "state": state, "networks": networks}

    def _is_left_out(self, cls, key, item, has_networks):
        """Whether to leave out an attribute: callbacks are code, and a path is of this machine."""
        if key == "callbacks" and has_networks:
            if item:
                self.left_out.add(f"{cls.__name__}.callbacks ({_class_names(item)})")
            return True
        if item is None or not is_path(cls, key):
            return False
        self.left_out.add(f"{cls.__name__}.{key}")
        return True

    def _network(self, net, where):
        from skjetsim._persistence._networks import check_numbers

        found = {}
        for name, tensor in net.module_.state_dict().items():
            check_numbers(tensor, f"{where}.{name}")
            found[name] = self._store(tensor.detach().cpu().numpy(), f"{where}.{name}")
        return found

    def _name(self, cls):
        name = name_in_files(cls)
        # A Pipeline is its parameters, which scikit-learn keeps from version to version.
        if not is_ours(full_name(cls)) and cls is not Pipeline:
            self.foreign.add(name)
        return name

    def _plain_object(self, value, where):
        state = {key: self.encode(item, f"{where}.{key}") for key, item in vars(value).items()}
        return {"type": "object", "class": self._name(type(value)), "state": state}

    def _other(self, value, where):
        if isinstance(value, slice):
            items = self._items([value.start, value.stop, value.step], where)
            return {"type": "slice", "items": items}
        if isinstance(value, (type, np.dtype)) and (node := _dtype(value)):
            return node
        if (name := function_name(value)) is not None:
            return {"type": "function", "name": name}
        if scipy.sparse.issparse(value) and type(value).__name__ in SPARSE:
            return self._sparse(value, where)
        if (apart := take_apart(value)) is not None:
            name, parts = apart
            self.foreign.add(name)
            return {"type": "compiled", "class": name, "items": self._items(parts, where)}
        if _is_plain_object(value):
            return self._plain_object(value, where)
        name = full_name(value if _has_name(value) else type(value))
        raise UnknownTypeError(f"{where} has type {name}. {CANNOT_HOLD}")

    def _sparse(self, value, where):
        kind = type(value).__name__
        matrix = value.tocsr() if kind.startswith("csr") else value.tocsc()
        parts = [matrix.data, matrix.indices, matrix.indptr]
        items = self._items(parts, where)
        return {"type": "sparse", "kind": kind, "shape": list(value.shape), "items": items}


def _dtype(value):
    """Node of a dtype, or of a type that stands for one. None for other types."""
    if isinstance(value, np.dtype):
        return (
            {"type": "dtype", "kind": "dtype", "name": value.str} if is_kept_dtype(value) else None
        )
    if BUILTINS.get(value.__name__) is value:
        return {"type": "dtype", "kind": "builtin", "name": value.__name__}
    if issubclass(value, np.generic) and getattr(np, value.__name__, None) is value:
        return {"type": "dtype", "kind": "numpy", "name": value.__name__}
    return None


def is_path(cls, key):
    """Whether an attribute is a parameter that names a file or folder."""
    known = cls.__module__.split(".")[0] in TRUSTED_PACKAGES
    return key in PATHS and known and key in inspect.signature(cls).parameters


def _has_name(value):
    return callable(value) and hasattr(value, "__qualname__")


def _class_names(callbacks):
    """Names of the classes of callbacks, or of pairs (name, callback)."""
    items = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    items = [item[-1] if isinstance(item, (list, tuple)) else item for item in items]
    return ", ".join(getattr(item, "__name__", type(item).__name__) for item in items)


def _is_plain_object(value):
    """Whether a `__dict__` is all of an object of a registered class: a splitter, a loss."""
    cls = type(value)
    return (
        cls.__module__.split(".")[0] in TRUSTED_PACKAGES
        and hasattr(value, "__dict__")
        and cls.__reduce_ex__ is object.__reduce_ex__
        and cls.__reduce__ is object.__reduce__
        and not isinstance(value, type)
        and (is_ours(cls.__module__) or is_listed(cls))
    )

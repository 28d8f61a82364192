"""Write estimators as JSON and arrays: the structure inside a model file.

It holds numbers, text, lists, dicts, arrays, random generators, estimators (as class and state),
networks (as tensors) and registered functions, and nothing else. skops writes compiled parts of
foreign estimators, trees for example. It has its own list of trusted types.
"""

import inspect
import math

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skjetsim._persistence._names import (
    TRUSTED_PACKAGES,
    UnknownTypeError,
    full_name,
    is_ours,
    is_registered,
    name_in_files,
)

CANNOT_HOLD = (
    "A model file cannot hold it: use an estimator, a number, text, or an array of numbers instead."
)
LARGEST_ITEM = 8  # bytes of a number: safetensors has no longer ones


class Encoder:
    """Turns an object into a JSON tree, and collects its arrays and foreign parts.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Their names say where they are in the estimator.
    blobs : dict of str to bytes
        Parts written by skops.
    foreign : set of str
        Names of the estimators of other packages.
    left_out : set of str
        What was not written: callbacks.
    """

    def __init__(self):
        self.arrays, self.blobs, self.foreign, self.left_out = {}, {}, set(), set()

    def encode(self, value, where="estimator"):
        """Return the JSON node of `value`; `where` is its name in errors."""
        if value is None or isinstance(value, (int, str)):
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
            return {"type": "array", "key": self._store(value, where)}
        if value.dtype.names and not value.dtype.hasobject:
            descr = [list(field[:2]) for field in value.dtype.descr]
            raw = np.frombuffer(value.tobytes(), dtype=np.uint8)
            return {"type": "records", "descr": descr, "key": self._store(raw, where)}
        if kind not in "UO":
            raise UnknownTypeError(f"{where} is an array of {value.dtype}. {CANNOT_HOLD}")
        items = self._items(value.ravel().tolist(), where)
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

    def _items(self, values, where):
        return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(values)]

    def _sequence(self, value, where):
        if type(value) not in (list, tuple, set, frozenset):
            raise UnknownTypeError(f"{where} has type {full_name(type(value))}. {CANNOT_HOLD}")
        return {"type": type(value).__name__, "items": self._items(value, where)}

    def _random(self, value, where):
        bits = getattr(value, "bit_generator", None) or value._bit_generator
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
                f"{where} is a {full_name(cls)}, which cannot be imported again. Define the class "
                "at the top level of a module."
            )
        networks, state = {}, {}
        has_networks = hasattr(value, "_restore_net")
        for key, item in sorted(vars(value).items()):  # whatever the order they were set in
            if key == "callbacks" and has_networks:  # any code, of use in training alone
                if item:
                    self.left_out.add(f"{cls.__name__}.callbacks ({_class_names(item)})")
            elif hasattr(item, "module_") and has_networks:
                networks[key] = self._network(item, f"{where}.{key}")
            else:
                state[key] = self.encode(item, f"{where}.{key}")
        name = self._name(cls)
        return {"type": "estimator", "class": name, "state": state, "networks": networks}

    def _network(self, net, where):
        return {
            parameter: self._store(tensor.detach().cpu().numpy(), f"{where}.{parameter}")
            for parameter, tensor in net.module_.state_dict().items()
        }

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
        if _is_plain_object(value):
            return self._plain_object(value, where)
        if inspect.isfunction(value) and is_registered(value):
            return {"type": "function", "name": name_in_files(value)}
        name = full_name(value if inspect.isroutine(value) else type(value))
        if name.split(".")[0] not in ("sklearn", "numpy", "scipy"):
            raise UnknownTypeError(f"{where} has type {name}. {CANNOT_HOLD}")
        import skops.io

        key = f"part{len(self.blobs)}.skops"
        self.blobs[key] = skops.io.dumps(value)
        self.foreign.add(name)
        return {"type": "skops", "key": key}


def _class_names(callbacks):
    """Names of the classes of callbacks, or of pairs (name, callback)."""
    items = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    items = [item[-1] if isinstance(item, (list, tuple)) else item for item in items]
    return ", ".join(getattr(item, "__name__", type(item).__name__) for item in items)


def _is_plain_object(value):
    """Whether a `__dict__` is all of an object of ours or scikit-learn's: a splitter, a loss."""
    cls = type(value)
    return (
        cls.__module__.split(".")[0] in TRUSTED_PACKAGES
        and hasattr(value, "__dict__")
        and cls.__reduce_ex__ is object.__reduce_ex__
        and cls.__reduce__ is object.__reduce__
        and not isinstance(value, type)
    )

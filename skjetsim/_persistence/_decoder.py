"""Read estimators from the structure and the arrays of a model file, as `_encoder` wrote them."""

import inspect
import re

import numpy as np
import scipy.sparse
import sklearn
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skjetsim._persistence import _compiled
from skjetsim._persistence._encoder import is_path
from skjetsim._persistence._names import UnknownTypeError, find_class, find_function, is_ours
from skjetsim._persistence._nodes import (
    BIT_GENERATORS,
    BUILTINS,
    DICTS,
    MOST_LEVELS,
    SEQUENCES,
    SPARSE,
    check_node,
    choice,
    shortened,
)

DTYPE = re.compile(r"[<>|=][biufSU]\d{1,6}|\|O")
LAST_CHARACTER = 0x10FFFF


class Decoder:
    """Rebuilds what `Encoder` wrote. No code from the file runs: classes are looked up by name.

    Each type of node in `_nodes.FIELDS` has a method `_node_...` that reads it.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Those that have been used are removed.
    trusted : collection of str
        Names of the other classes that may be loaded than skjetsim's and scikit-learn's.
    version : str or None
        Version of scikit-learn that wrote the file.

    Attributes
    ----------
    path : list of str
        Where the node is that is being read.
    foreign : set of str
        Names of the classes of other packages.
    """

    def __init__(self, arrays, trusted=(), version=None):
        self.arrays, self.trusted, self.version = dict(arrays), frozenset(trusted), version
        self.path, self.foreign = [], set()

    def decode(self, node, place=""):
        """Return the object of a JSON node; `place` is its name in the node that contains it."""
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        self.path.append(place)
        if len(self.path) > MOST_LEVELS:
            raise ValueError(f"its nodes are more than {MOST_LEVELS} levels deep.")
        kind = check_node(node)
        if kind in SEQUENCES:
            value = SEQUENCES[kind](self._items(node))
        else:
            value = getattr(self, f"_node_{kind}")(node)
        self.path.pop()  # not after an error, which then says where it happened
        return value

    def _items(self, node, n_items=None):
        items = node["items"]
        if n_items is not None and len(items) != n_items:
            raise ValueError(f"a node of type {node['type']!r} needs {n_items} items.")
        return [self.decode(item, f"[{i}]") for i, item in enumerate(items)]

    def _take(self, key, dtype=None):
        """Return an array. Each is used once, so that no file can ask for copies without end."""
        if key not in self.arrays:
            raise ValueError(f"the array {shortened(key)} is missing, or is used twice.")
        array = self.arrays.pop(key)
        if dtype is not None and (array.dtype != dtype or array.ndim == 0):
            raise ValueError(f"the array {shortened(key)} is not of {np.dtype(dtype)}.")
        return array

    def _node_float(self, node):
        return float(
            choice({name: name for name in ("nan", "inf", "-inf")}, node["value"], "a float")
        )

    def _node_array(self, node):
        array = self._take(node["key"])
        return choice({"C": array, "F": array.T}, node["order"], "an order of an array")

    def _node_text(self, node):
        characters = self._take(node["key"], np.uint32)
        length = characters.shape[-1]
        if length == 0 or characters.max(initial=0) > LAST_CHARACTER:
            raise ValueError("an array of text has something else than characters.")
        return np.ascontiguousarray(characters).view(f"U{length}")[..., 0]

    def _node_records(self, node):
        layout = node["layout"]
        if layout.keys() != {"names", "formats", "offsets", "itemsize"}:
            raise ValueError("the layout of an array of records lacks a part.")
        for name in layout["formats"]:
            _check_dtype(name)
        dtype, raw = np.dtype(layout), self._take(node["key"], np.uint8)
        if dtype.hasobject or raw.shape[-1] != dtype.itemsize:
            raise ValueError("the layout of an array of records does not fit its bytes.")
        return np.ascontiguousarray(raw).view(dtype)[..., 0]

    def _node_objects(self, node):
        # One by one, or lists would become another axis.
        items = self._items(node)
        return np.fromiter(items, object, len(items)).reshape(node["shape"])

    def _node_masked(self, node):
        return np.ma.MaskedArray(*self._items(node, 2))

    def _node_scalar(self, node):
        value = self.decode(node["value"], "")
        if not isinstance(value, np.ndarray) or value.ndim:
            raise ValueError("a node of type 'scalar' is not an array without axes.")
        return value[()]

    def _node_dict(self, node):
        items = {}
        for pair in node["items"]:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError("an item of a dict is not a pair of a key and a value.")
            key = self.decode(pair[0], "a key")
            items[key] = self.decode(pair[1], f"[{shortened(key)}]")
        kind = choice(DICTS, node["kind"], "a kind of dict")
        return kind(**items) if kind is Bunch else kind(items)

    def _node_slice(self, node):
        return slice(*self._items(node, 3))

    def _node_sparse(self, node):
        kind = choice({name: name for name in SPARSE}, node["kind"], "a kind of sparse matrix")
        matrix = getattr(scipy.sparse, kind)(tuple(self._items(node, 3)), shape=node["shape"])
        matrix.check_format(full_check=True)
        return matrix

    def _node_dtype(self, node):
        kind, name = node["kind"], node["name"]
        if kind == "builtin":
            return choice(BUILTINS, name, "a type of Python's numbers")
        if kind == "dtype":
            return np.dtype(_check_dtype(name))
        found = getattr(np, name, None) if name.isidentifier() else None
        if kind != "numpy" or not isinstance(found, type) or not issubclass(found, np.generic):
            raise ValueError(f"{shortened(name)} is not a type of numpy's numbers.")
        return found

    def _node_random(self, node):
        state = self.decode(node["state"], ".state")
        name = state.get("bit_generator") if isinstance(state, dict) else None
        bits = getattr(np.random, choice({b: b for b in BIT_GENERATORS}, name, "a bit generator"))(
            0
        )
        _check_place_in_block(state)
        if choice({"Generator": 0, "RandomState": 1}, node["kind"], "a random generator"):
            random_state = np.random.RandomState(bits)
            random_state.set_state(state)
            return random_state
        bits.state = state
        return np.random.Generator(bits)

    def _node_estimator(self, node):
        cls = self._class(node["class"])
        if not issubclass(cls, BaseEstimator):
            raise UnknownTypeError(
                f"The file names {node['class']} as an estimator, which it is not."
            )
        estimator = cls.__new__(cls)
        vars(estimator).update(_completed(cls, self._state(cls, node["state"])))
        for name, tensors in node["networks"].items():
            self._restore_net(estimator, name, tensors)
        _compiled.check_trees(estimator)
        return estimator

    def _restore_net(self, estimator, name, tensors):
        import torch

        from skjetsim._persistence._networks import SizeLimit, check_settings

        if not hasattr(estimator, "_restore_net"):
            raise ValueError(f"a {type(estimator).__name__} has no networks.")
        if not isinstance(tensors, dict) or not all(
            isinstance(key, str) for key in tensors.values()
        ):
            raise ValueError(f"the network {name} is not an object with names of tensors.")
        self.path.append(f".{name}")
        tensors = {key: torch.from_numpy(self._take(array)) for key, array in tensors.items()}
        limit = SizeLimit(list(tensors.values()))
        check_settings(estimator, limit)
        with limit:
            estimator._restore_net(name, tensors)
        self.path.pop()

    def _node_object(self, node):
        cls = self._class(node["class"])
        value = cls.__new__(cls)
        vars(value).update(self._state(cls, node["state"]))
        if cls.__name__ == "TreePredictor" and not is_ours(cls.__module__):
            _compiled.check_predictor(value)
        return value

    def _node_compiled(self, node):
        name = choice({name: name for name in _compiled.PARTS}, node["class"], "a compiled class")
        self._check_version(name)
        return _compiled.put_together(name, self._items(node))

    def _class(self, name):
        cls = find_class(name, self.trusted)
        # A Pipeline is its parameters, which scikit-learn keeps from version to version.
        if not is_ours(f"{cls.__module__}.") and cls is not Pipeline:
            self._check_version(name)
        return cls

    def _check_version(self, name):
        self.foreign.add(name)
        if self.version is not None and minor_version(self.version) != minor_version():
            raise VersionError(
                f"holds {name} as scikit-learn {self.version} wrote it, and {minor_version()} is "
                f"installed. Install scikit-learn {minor_version(self.version)}, or save it again "
                "there."
            )

    def _state(self, cls, state):
        found = {}
        for key, item in state.items():
            of_class = inspect.getattr_static(cls, key, None)
            if key.startswith("__") or hasattr(type(of_class), "__get__"):
                raise ValueError(f"a {cls.__name__} has no state {shortened(key)}.")
            found[key] = self.decode(item, f".{key}")
            if found[key] is not None and is_path(cls, key):
                raise ValueError(
                    f"it sets {cls.__name__}.{key} to {found[key]!r}, and a model file may "
                    "not name files that a model writes."
                )
        return found

    def _node_function(self, node):
        return find_function(node["name"])


class VersionError(ValueError):
    """The file holds estimators of another version of scikit-learn."""


def _check_dtype(name):
    if not isinstance(name, str) or not DTYPE.fullmatch(name):
        raise ValueError(f"{shortened(name)} is not a type of numbers or text.")
    return name


def _check_place_in_block(state):
    """Check where a generator stands in its block of numbers, which numpy does not check."""
    inner = state.get("state")
    places = [(inner, "pos", 624)] if state["bit_generator"] == "MT19937" else []
    places += [(state, "buffer_pos", 4)] if state["bit_generator"] == "Philox" else []
    for holder, key, last in places:
        if not isinstance(holder, dict) or holder.get(key) not in range(last + 1):
            raise ValueError("a random generator stands outside its block of numbers.")


def _completed(cls, state):
    """Add the defaults of parameters that are newer than the file to a state.

    Raises
    ------
    ValueError
        If the class lacks a parameter in the file, or the file a parameter without a default.
    """
    parameters = inspect.signature(cls).parameters
    empty = inspect.Parameter.empty
    for name, parameter in parameters.items():
        if parameter.default is not empty:
            state.setdefault(name, parameter.default)
    # Other classes may keep state under any name. Those of scikit-learn have the file's version.
    if is_ours(cls.__module__) or cls is Pipeline:
        unknown = [key for key in state.keys() - parameters.keys() if key.strip("_") == key]
        for what, names in (("without", parameters.keys() - state.keys()), ("with", unknown)):
            if names:
                raise ValueError(
                    f"it holds a {cls.__name__} {what} the parameter {min(names)!r}, unlike the "
                    "installed version. Upgrade to the version that wrote the file."
                )
    return state


def minor_version(version=None):
    """Major and minor part of a version, by default that of scikit-learn."""
    return ".".join((version or sklearn.__version__).split(".")[:2])

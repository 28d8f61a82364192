"""Read estimators from the structure and the arrays of a model file, as `_encoder` wrote them."""

import inspect
import io
import zipfile

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skjetsim._persistence._archive import check_stored
from skjetsim._persistence._names import UnknownTypeError, find_class, find_function, is_ours

SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}

DISTANCES = ("Chebyshev", "Euclidean", "Haversine", "Manhattan", "Minkowski", "SEuclidean")
LOSSES = """
    AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss
    HalfSquaredError HalfTweedieLoss HuberLoss PinballLoss
"""
# Compiled parts of scikit-learn's estimators. skops reads them, and trusts what is listed.
TRUSTED_PARTS = frozenset(
    [
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.tree._tree.Tree",
        *(f"sklearn._loss._loss.Cy{loss}" for loss in LOSSES.split()),
    ]
).union(
    f"sklearn.metrics._dist_metrics.{metric}Distance{bits}"
    for metric in DISTANCES
    for bits in ("", "32", "64")
)


class Decoder:
    """Rebuilds what `Encoder` wrote. No code from the file runs: classes are looked up by name.

    The type of a node is a sequence, or names the method `_node_...` that reads it.

    Parameters
    ----------
    arrays : dict of str to ndarray
    blobs : dict of str to bytes
    trusted : collection of str
        Names of the other classes that may be loaded than skjetsim's and scikit-learn's.
    """

    def __init__(self, arrays, blobs, trusted=()):
        self.arrays, self.blobs = arrays, blobs
        self.trusted = TRUSTED_PARTS.union(trusted)

    def decode(self, node):
        """Return the object of a JSON node."""
        if not isinstance(node, dict):
            return node
        kind = str(node["type"])
        if kind in SEQUENCES:
            return SEQUENCES[kind](map(self.decode, node["items"]))
        method = getattr(self, f"_node_{kind}", None)
        if method is None:
            raise UnknownTypeError(f"The file holds a node of unknown type {kind!r}.")
        return method(node)

    def _node_float(self, node):
        return float(node["value"])

    def _node_array(self, node):
        # No copy: no two nodes of a file share an array.
        return self.arrays[node["key"]]

    def _node_records(self, node):
        dtype = np.dtype([(name, kind) for name, kind in node["descr"]])
        return np.frombuffer(self.arrays[node["key"]].tobytes(), dtype=dtype).copy()

    def _node_objects(self, node):
        # One by one, or lists would become another axis.
        array = np.fromiter(map(self.decode, node["items"]), object).reshape(node["shape"])
        return array.astype(str) if node["kind"] == "U" else array

    def _node_masked(self, node):
        return np.ma.MaskedArray(*map(self.decode, node["items"]))

    def _node_scalar(self, node):
        return self.decode(node["value"])[()]

    def _node_dict(self, node):
        return {self.decode(key): self.decode(item) for key, item in node["items"]}

    def _node_random(self, node):
        if node["bits"] not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
            raise UnknownTypeError(f"The file holds a bit generator {node['bits']!r}.")
        bits = getattr(np.random, node["bits"])()
        bits.state = self.decode(node["state"])
        kinds = {"Generator": np.random.Generator, "RandomState": np.random.RandomState}
        return kinds[node["kind"]](bits)

    def _node_estimator(self, node):
        cls = find_class(node["class"], BaseEstimator, self.trusted)
        estimator = cls.__new__(cls)
        vars(estimator).update(_completed(cls, self._state(node)))
        for name, tensors in node["networks"].items():
            self._restore_net(estimator, name, tensors)
        return estimator

    def _restore_net(self, estimator, name, tensors):
        import torch

        from skjetsim._persistence._networks import SizeLimit

        if not hasattr(estimator, "_restore_net"):
            raise ValueError(f"a {type(estimator).__name__} has no networks.")
        tensors = {key: torch.from_numpy(self.arrays[array]) for key, array in tensors.items()}
        with SizeLimit(sum(tensor.numel() for tensor in tensors.values())):
            estimator._restore_net(name, tensors)

    def _node_object(self, node):
        cls = find_class(node["class"], object, self.trusted)
        value = cls.__new__(cls)
        vars(value).update(self._state(node))
        return value

    def _state(self, node):
        return {key: self.decode(item) for key, item in node["state"].items()}

    def _node_function(self, node):
        return find_function(node["name"])

    def _node_skops(self, node):
        import skops.io

        data = self.blobs[node["key"]]
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_stored(archive, len(data))
        untrusted = set(skops.io.get_untrusted_types(data=data)) - self.trusted
        if untrusted:
            raise UnknownTypeError(
                f"The file holds {sorted(untrusted)}, which is not trusted. If you trust it, load "
                f"with trusted={sorted(untrusted)}."
            )
        return skops.io.loads(data, trusted=sorted(self.trusted))


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

"""The nodes of `structure.json`: their fields, and the limits that writing and reading share.

A node is a number, a text, true, false or null, or an object with a "type" and the fields of it.
"""

import collections

import numpy as np
from sklearn.utils import Bunch

MOST_LEVELS = 100  # of nodes inside nodes; the deepest of our own models has 14

# Parameters that name files or folders of the machine, which a model may write to.
PATHS = frozenset(["checkpoint", "memory"])

DICTS = {"dict": dict, "OrderedDict": collections.OrderedDict, "Bunch": Bunch}
SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
BUILTINS = {"bool": bool, "float": float, "int": int, "object": object, "str": str}
SPARSE = ("csc_array", "csc_matrix", "csr_array", "csr_matrix")
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")

ITEMS = {"items": list}
FIELDS = {
    **dict.fromkeys(SEQUENCES, ITEMS),
    "array": {"key": str, "order": str},
    "compiled": {"class": str, **ITEMS},
    "dict": {"kind": str, **ITEMS},
    "dtype": {"kind": str, "name": str},
    "estimator": {"class": str, "state": dict, "networks": dict},
    "float": {"value": str},
    "function": {"name": str},
    "masked": ITEMS,
    "object": {"class": str, "state": dict},
    "objects": {"shape": list, **ITEMS},
    "random": {"kind": str, "state": dict},
    "records": {"layout": dict, "key": str},
    "scalar": {"value": dict},
    "slice": ITEMS,
    "sparse": {"kind": str, "shape": list, **ITEMS},
    "text": {"key": str},
}


def check_node(node):
    """Return the type of a node.

    Raises
    ------
    ValueError
        If it is not an object with the fields of its type.
    """
    kind = node.get("type") if isinstance(node, dict) else None
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise ValueError(f"{shortened(node)} is not a node of a known type.")
    if node.keys() != fields.keys() | {"type"}:
        raise ValueError(
            f"a node of type {kind!r} has the fields {sorted(node.keys() - {'type'})}, and needs "
            f"{sorted(fields)}."
        )
    for field, expected in fields.items():
        if type(node[field]) is not expected:
            raise ValueError(
                f"the field {field!r} of a node of type {kind!r} is {shortened(node[field])}, and "
                f"not a {expected.__name__}."
            )
    return kind


def choice(options, name, what):
    """Return the option of this name, or raise ValueError."""
    if name not in options:
        raise ValueError(f"{shortened(name)} is not {what}.")
    return options[name]


def shortened(value):
    """Repr of a value in at most about 60 characters."""
    text = repr(value) if not isinstance(value, (dict, list)) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_kept_dtype(dtype):
    """Whether a dtype is of numbers or text, without fields and without shape."""
    return (dtype.kind in "biufSU" and dtype.subdtype is None) or dtype == np.dtype(object)

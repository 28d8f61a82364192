"""The manifest of a model file: what people and other programs can read without loading it."""

import math
import platform
from importlib.metadata import version

import numpy as np

import skjetsim
from skjetsim.utils._archive import CHECKPOINT, FORMAT, MODEL

FIELDS = {
    "format": int,
    "holds": str,
    "estimator": str,
    "versions": dict,
    "columns": dict,
    "training": (dict, type(None)),
    "foreign": list,
    "parameters": int,
}


def describe(estimator, encoder):
    """Return the manifest of an estimator that has been encoded."""
    names = {
        attribute: [str(name) for name in value]
        for attribute in ("feature_names_in_", "target_names_in_")
        if (value := _attribute(estimator, attribute)) is not None
    }
    history = _attribute(estimator, "history_")
    training = None
    if history:
        training = {"epochs": len(history), "best_epoch": _attribute(estimator, "best_epoch_")}
        training["last"] = {key: _finite(value) for key, value in history[-1].items()}
    packages = ("numpy", "scikit-learn", "torch")
    return {
        "format": FORMAT,
        "holds": MODEL,
        "estimator": type(estimator).__name__,
        "versions": {
            "skjetsim": skjetsim.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "columns": names,
        "training": training,
        "foreign": sorted(encoder.foreign),
        "parameters": n_numbers(encoder.arrays),
    }


def _finite(value):
    """A float, or None for what JSON does not have."""
    return float(value) if math.isfinite(value) else None


def check_manifest(manifest):
    """Raise ValueError unless a manifest has all its fields."""
    if not isinstance(manifest, dict) or manifest.get("holds") == CHECKPOINT:
        raise ValueError(
            "it is the checkpoint of a training. Give its name as checkpoint= to the same fit"
            if isinstance(manifest, dict)
            else "manifest.json is not an object"
        )
    for field, expected in FIELDS.items():
        if field not in manifest:
            raise ValueError(f"manifest.json lacks {field!r}")
        if not isinstance(manifest[field], expected):
            raise ValueError(f"{field!r} in manifest.json is {manifest[field]!r}")
    if not isinstance(manifest["versions"].get("scikit-learn"), str):
        raise ValueError("manifest.json does not name the version of scikit-learn")


def check_agreement(manifest, structure, foreign, arrays):
    """Raise ValueError unless a manifest agrees with what was loaded."""
    expected = {
        "holds": MODEL,
        "estimator": structure["class"].rpartition(".")[2],
        "foreign": sorted(foreign),
        "parameters": n_numbers(arrays),
    }
    for field, value in expected.items():
        if manifest[field] != value:
            raise ValueError(
                f"{field!r} in manifest.json is {manifest[field]!r}, and the file holds {value!r}"
            )


def n_numbers(arrays):
    """Number of numbers in all arrays."""
    return int(sum(np.size(array) for array in arrays.values()))


def _attribute(estimator, name):
    """Attribute of an estimator, or of the fitted model inside a Pipeline or meta-estimator."""
    for inner in (estimator, *_inside(estimator)):
        try:
            value = getattr(inner, name, None)
        except Exception:  # an unfitted Pipeline's properties raise what their steps raise
            value = None
        if value is not None:
            return value
    return None


def _inside(estimator):
    for attribute in ("best_estimator_", "simulator_", "unfolder_"):
        if hasattr(estimator, attribute):
            inner = getattr(estimator, attribute)
            yield inner
            yield from _inside(inner)
    if hasattr(estimator, "steps"):
        inner = estimator.steps[-1][1]
        yield inner
        yield from _inside(inner)

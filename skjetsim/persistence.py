"""Models as files that hold no code: JSON for the structure, safetensors for the numbers."""

import inspect
import json
import platform
from importlib.metadata import version

import numpy as np

import skjetsim
from skjetsim._persistence._archive import (
    FORMAT,
    MANIFEST,
    STRUCTURE,
    read_archive,
    write_archive,
)
from skjetsim._persistence._decoder import Decoder, minor_version
from skjetsim._persistence._encoder import Encoder
from skjetsim._persistence._names import UnknownTypeError, trusted_names
from skjetsim.utils._atomic import replacing
from skjetsim.utils._warnings import warn_user

__all__ = ["load", "save"]


def save(estimator, path):
    """Write an estimator, fitted or not, to a file without pickle.

    The file is a zip archive. It holds a manifest (versions, column names, units, training
    summary), the structure as JSON, arrays and network weights as safetensors, compiled parts of
    scikit-learn's estimators as skops, and checksums of all. Classes have their public names, so
    later versions of skjetsim read the file even if the code has moved. An existing file is
    replaced in one step. If writing fails, it is left as it was.

    Callbacks are not written. A warning names them.

    Parameters
    ----------
    estimator : estimator, Pipeline, search or scorer
        From this package or scikit-learn, or composed of both.
    path : str or path-like

    Raises
    ------
    TypeError
        If it is not an estimator, but a table, a function or a class, for example; or if a
        parameter or attribute has a type that cannot be written. The message names it.
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can have this name.
    OSError
        If the disk is full; the message says how much is free.

    Examples
    --------
    >>> import numpy as np, tempfile, os
    >>> from skjetsim import load, save
    >>> from skjetsim.flows import FlowGenerator
    >>> flow = FlowGenerator(max_epochs=1, random_state=0).fit(np.eye(64)[:, :2])
    >>> path = os.path.join(tempfile.mkdtemp(), "flow.skjetsim")
    >>> save(flow, path)
    >>> bool((load(path).sample(5, random_state=1) == flow.sample(5, random_state=1)).all())
    True
    """
    _check_estimator(estimator)
    encoder = Encoder()
    structure = encoder.encode(estimator, where=type(estimator).__name__)
    entries = {
        MANIFEST: json.dumps(_describe(estimator, encoder), indent=1).encode(),
        STRUCTURE: json.dumps(structure, separators=(",", ":")).encode(),
        **encoder.blobs,
    }
    with replacing(path, "a model") as partial:
        write_archive(partial, entries, encoder.arrays)
    if encoder.left_out:
        warn_user(
            f"The model file does not keep {', '.join(sorted(encoder.left_out))}: callbacks act in "
            "training only. Set them again before another fit."
        )


def _check_estimator(value):
    """Raise TypeError unless a value is an estimator or a scorer."""
    is_code = isinstance(value, type) or inspect.isroutine(value)
    if is_code or not (hasattr(value, "get_params") or callable(value)):  # a scorer is called
        given = f"{value.__name__!r}" if is_code else f"a {type(value).__name__}"
        hint = " Make an estimator of the class first." if isinstance(value, type) else ""
        raise TypeError(
            f"A model file holds an estimator, a Pipeline, a search or a scorer, got {given}.{hint}"
        )


def load(path, *, trusted=()):
    """Read an estimator that `save` wrote. No code from the file runs.

    Parameters
    ----------
    path : str or path-like
    trusted : collection of type or str, optional
        Classes that the file may hold in addition to those of skjetsim and scikit-learn: the
        classes themselves, or their names as the error gives them. They have to be importable.

    Returns
    -------
    estimator
        Draws the same events for the same seed as the one that was saved.

    Raises
    ------
    TypeError
        If the file names a class that is not trusted or a function that is not registered, or
        `trusted` holds something else than classes and names.
    FileNotFoundError, IsADirectoryError
        If there is no file with this name.
    ValueError
        If it is not a model file, a part of it is damaged, its format or one of its parameters is
        newer than the installed version, its network is larger than its tensors, or it holds
        scikit-learn estimators of another minor version. The message names the part or the cure.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim import load, save
    >>> path = os.path.join(tempfile.mkdtemp(), "scaler.skjetsim")
    >>> save(StandardScaler().fit([[80.0], [100.0]]), path)
    >>> load(path).mean_
    array([90.])
    """
    names = trusted_names(trusted)
    entries, arrays = read_archive(path)
    _check_versions(path, json.loads(entries[MANIFEST]))
    try:
        return Decoder(arrays, entries, names).decode(json.loads(entries[STRUCTURE]))
    except UnknownTypeError:
        raise
    except Exception as error:
        reason = error if isinstance(error, ValueError) else repr(error)
        raise ValueError(f"{path} cannot be read as a skjetsim model: {reason}") from error


def _check_versions(path, manifest):
    saved = manifest["versions"]["scikit-learn"]
    if manifest["foreign"] and minor_version(saved) != minor_version():
        raise ValueError(
            f"{path} holds {manifest['foreign'][0]} as scikit-learn {saved} wrote it, and "
            f"{minor_version()} is installed. Install scikit-learn {minor_version(saved)}, or save "
            "it again there."
        )


def _describe(estimator, encoder):
    """Manifest: what people and other programs can read of a model without loading it."""
    names = {
        attribute: [str(name) for name in value]
        for attribute in ("feature_names_in_", "target_names_in_")
        if (value := _attribute(estimator, attribute)) is not None
    }
    history = _attribute(estimator, "history_")
    training = None
    if history:
        training = {"epochs": len(history), "best_epoch": _attribute(estimator, "best_epoch_")}
        training["last"] = {key: float(value) for key, value in history[-1].items()}
    packages = ("numpy", "scikit-learn", "torch")
    return {
        "format": FORMAT,
        "estimator": type(estimator).__name__,
        "versions": {
            "skjetsim": skjetsim.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "units": {"momentum, energy, mass": "GeV", "angle": "rad"},
        "columns": names,
        "training": training,
        "foreign": sorted(encoder.foreign),
        "parameters": int(sum(np.size(array) for array in encoder.arrays.values())),
    }


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

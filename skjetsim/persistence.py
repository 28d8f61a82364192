"""Models as files that hold no code: JSON for the structure, safetensors for the numbers."""

import inspect
import json

from skjetsim._persistence._decoder import Decoder, VersionError
from skjetsim._persistence._encoder import Encoder
from skjetsim._persistence._manifest import check_agreement, check_manifest, describe
from skjetsim._persistence._names import UnknownTypeError, trusted_names
from skjetsim.utils._archive import MANIFEST, STRUCTURE, read_archive, write_archive
from skjetsim.utils._atomic import replacing
from skjetsim.utils._warnings import warn_user

__all__ = ["load", "save"]


def save(estimator, path):
    """Write an estimator, fitted or not, to a file without pickle.

    The file is a zip archive. It holds a manifest (versions, column names, units, training
    summary), the structure as JSON, arrays and network weights as safetensors, and checksums of
    all. Classes have their public names, so later versions of skjetsim read the file even if the
    code has moved. An existing file is replaced in one step, and keeps its permissions. If writing
    fails, it is left as it was.

    Callbacks are not written, and neither are the parameters `checkpoint` and `memory`, which name
    files of this machine. A warning names what was left out.

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
    ValueError
        If a network holds NaN.
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can have this name, or the old file is read-only.
    OSError
        If the disk is full; the message says how much was free then.

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
        MANIFEST: json.dumps(describe(estimator, encoder), indent=1, allow_nan=False).encode(),
        STRUCTURE: json.dumps(structure, separators=(",", ":"), allow_nan=False).encode(),
    }
    with replacing(path, "a model") as partial:
        write_archive(partial, entries, encoder.arrays)
    if encoder.left_out:
        warn_user(
            f"The model file does not keep {', '.join(sorted(encoder.left_out))}: callbacks act in "
            "training only, and paths belong to this machine. Set them again before another fit."
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

    A file holds public estimators of skjetsim and scikit-learn, their registered parts, and
    registered functions, which only compute numbers. Anything else is an error that names it. A
    model from a file writes to no file.

    Parameters
    ----------
    path : str or path-like
    trusted : collection of type or str, optional
        Classes that the file may hold in addition to those of skjetsim and scikit-learn: the
        classes themselves, or their names as the error gives them. They have to be importable.
        Trust a class only if you know what it does.

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
        newer than the installed version, it exceeds a limit, a network holds NaN, or it holds
        scikit-learn estimators of another minor version. The message names the part or the cure.

    Notes
    -----
    Memory and time grow in proportion to the size of the file. These limits are checked before
    memory is taken:

    - No entry of the archive is compressed, and there are four.
    - Each array is used once.
    - A network makes at most four times as many numbers as its tensors hold, and a million. It is
      built in at most 100 calls of torch for each tensor, and 1,000. No number that it is built
      from exceeds that of the numbers in its tensors by more than 1,000.
    - Objects are at most 100 levels deep.

    The nodes of trees, forests and boosted trees are checked, and structures for neighbours are
    built anew. Other compiled code of scikit-learn trusts what a model has learnt: a forged support
    vector machine may crash the process when it predicts.

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
    manifest, structure, arrays = read_archive(path)
    decoder = None
    try:
        check_manifest(manifest)
        decoder = Decoder(arrays, names, manifest["versions"]["scikit-learn"])
        return _decoded(decoder, manifest, structure, arrays)
    except (UnknownTypeError, MemoryError):
        raise
    except VersionError as error:
        raise ValueError(f"{path} {error}") from error
    except Exception as error:
        where = "" if decoder is None or not decoder.path else f"{''.join(decoder.path)}: "
        in_words = isinstance(error, ValueError)
        reason = error if in_words else f"what is stored does not fit together ({error})"
        raise ValueError(f"{path} cannot be read as a skjetsim model: {where}{reason}") from error


def _decoded(decoder, manifest, structure, arrays):
    """Estimator of a structure, in which nothing is left over."""
    kind = structure.get("type") if isinstance(structure, dict) else None
    if kind not in ("estimator", "object"):
        raise ValueError("structure.json does not describe an estimator")
    value = decoder.decode(structure, "estimator")
    _check_estimator(value)
    if decoder.arrays:
        raise ValueError(f"nothing uses the array {min(decoder.arrays)!r}")
    check_agreement(manifest, structure, decoder.foreign, arrays)
    return value

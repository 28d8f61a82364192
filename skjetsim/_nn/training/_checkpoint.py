"""Training checkpoints: written in one step after each epoch, as JSON and safetensors.

A checkpoint is an archive as a model file is. It holds numbers, texts and tensors, and no classes.
"""

import hashlib
import json
import math
import os
from contextlib import contextmanager

import torch

from skjetsim.utils._archive import (
    CHECKPOINT,
    FORMAT,
    MANIFEST,
    STRUCTURE,
    read_archive,
    write_archive,
)
from skjetsim.utils._atomic import check_place, replacing
from skjetsim.utils._locks import holding

# Fields of a plan that change no weights; callbacks, which no text describes; and the number of
# epochs, which may be raised to go on.
NOT_OF_COURSE = ("verbose", "checkpoint", "callbacks", "max_epochs")


def fingerprint(plan, data, module):
    """Digest of all that decides the course of a training, to recognise a foreign checkpoint."""
    digest = hashlib.blake2b(digest_size=16)
    settings = {name: value for name, value in vars(plan).items() if name not in NOT_OF_COURSE}
    digest.update(repr(sorted(settings.items())).encode())
    digest.update(repr((type(data).__name__, data.n_rows)).encode())
    for tensor in (*data.tensors(), *module.state_dict().values()):
        digest.update(str((tuple(tensor.shape), tensor.dtype)).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def holding_checkpoint(path):
    """Keep other trainings from a checkpoint while this one runs. None is no checkpoint.

    Raises
    ------
    BlockingIOError
        If another training holds it.
    OSError
        If no file can be written there.
    """
    if path is None:
        yield
        return
    check_place(path, "a checkpoint")
    with holding(path, "checkpoint"):
        yield


def save_checkpoint(path, state):
    """Replace the file at `path` in one step, so that a kill leaves the old or the new one.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written to, or the disk is full.
    """
    arrays = {}
    structure = _encoded(state, arrays, "state")
    entries = {
        MANIFEST: json.dumps({"format": FORMAT, "holds": CHECKPOINT}).encode(),
        STRUCTURE: json.dumps(structure).encode(),
    }
    with replacing(path, "a checkpoint") as partial:
        write_archive(partial, entries, arrays)


def load_checkpoint(path, expected):
    """Read a checkpoint, or return None if there is no file yet.

    Raises
    ------
    ValueError
        If the file belongs to another training, is damaged, or is not a checkpoint.
    OSError
        If the file cannot be opened.
    """
    if not os.path.exists(path):
        return None
    try:
        state = _read(path)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"The checkpoint {path!r} cannot be read: it is damaged, or is something else. Delete "
            "it to start afresh, or give another path."
        ) from error
    if state.get("fingerprint") != expected:
        raise ValueError(
            f"The checkpoint {path!r} belongs to another training (other data, parameters or "
            "random_state). Delete it, or give another path."
        )
    return state


def _read(path):
    manifest, structure, arrays = read_archive(path)
    if not isinstance(manifest, dict) or manifest.get("holds") != CHECKPOINT:
        raise ValueError("it is not a checkpoint.")
    state = _decoded(structure, arrays)
    if not isinstance(state, dict):
        raise ValueError("it does not hold the state of a training.")
    return state


def _encoded(value, arrays, where):
    """JSON of a tree of dicts, lists and tuples, whose tensors are added to `arrays`.

    Lists are JSON's. Anything else than numbers and texts is an object with the name of its type.
    """
    if isinstance(value, torch.Tensor):
        arrays[where] = value.detach().cpu().contiguous().numpy()
        return {"tensor": where}
    if isinstance(value, dict):
        items = [[key, _encoded(item, arrays, f"{where}.{key}")] for key, item in value.items()]
        return {"dict": items}
    if isinstance(value, (list, tuple)):
        items = [_encoded(item, arrays, f"{where}.{i}") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _decoded(value, arrays):
    """Tree that `_encoded` wrote."""
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return torch.from_numpy(arrays.pop(content))
    if kind == "dict":
        return {key: _decoded(item, arrays) for key, item in content}
    if kind == "tuple":
        return tuple(_decoded(item, arrays) for item in content)
    return {"float": float}[kind](content)

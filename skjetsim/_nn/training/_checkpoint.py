"""Training checkpoints: written in one step after each epoch, as JSON and safetensors.

A checkpoint is an archive as a model file is. It holds numbers, texts and tensors, and no classes.
"""

import hashlib
import json
import os
from contextlib import contextmanager

import numpy as np
import torch

from skjetsim._persistence._archive import FORMAT, MANIFEST, STRUCTURE, read_archive, write_archive
from skjetsim._persistence._decoder import Decoder
from skjetsim._persistence._encoder import Encoder
from skjetsim._persistence._manifest import CHECKPOINT
from skjetsim.utils._atomic import check_place, replacing
from skjetsim.utils._locks import holding

# Fields of a plan that change no weights; callbacks, which no text describes; and the number of
# epochs, which may be raised to go on.
NOT_OF_COURSE = ("verbose", "checkpoint", "callbacks", "max_epochs")

NODES = frozenset(["array", "dict", "float", "list", "tuple"])


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
    encoder = Encoder()
    structure = encoder.encode(_changed(state, torch.Tensor, _as_array), "state")
    entries = {
        MANIFEST: json.dumps({"format": FORMAT, "holds": CHECKPOINT}).encode(),
        STRUCTURE: json.dumps(structure).encode(),
    }
    with replacing(path, "a checkpoint") as partial:
        write_archive(partial, entries, encoder.arrays)


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
    state = Decoder(arrays, kinds=NODES).decode(structure)
    if not isinstance(state, dict):
        raise ValueError("it does not hold the state of a training.")
    return _changed(state, np.ndarray, torch.from_numpy)


def _as_array(tensor):
    return tensor.detach().cpu().numpy()


def _changed(value, kind, change):
    """Copy of a tree of dicts, lists and tuples in which each item of a kind is changed."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, dict):
        return {key: _changed(item, kind, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_changed(item, kind, change) for item in value)
    return value

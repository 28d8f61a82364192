"""Training checkpoints: written atomically after each epoch, read back without pickle."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict

import torch

from skjetsim.utils._atomic import replacing

__all__ = ["fingerprint", "load_checkpoint", "save_checkpoint"]


def fingerprint(plan, training, module):
    """Digest of everything that decides a training's course, to recognise a foreign checkpoint."""
    digest = hashlib.blake2b(digest_size=16)
    settings = asdict(plan)
    for name in ("verbose", "checkpoint"):  # a file that was moved is still the same training
        del settings[name]
    digest.update(repr(sorted(settings.items())).encode())
    tensors = [*training.inputs, *module.state_dict().values()]
    if training.weight is not None:
        tensors.append(training.weight)
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(path, state):
    """Replace the file at `path` in one step, so that a kill leaves the old or the new one.

    Raises
    ------
    OSError
        Where the folder does not exist or cannot be written to, or the disk is full.
    """
    with replacing(path, "a checkpoint") as partial, open(partial, "wb") as file:
        torch.save(state, file)


def load_checkpoint(path, expected):
    """Read a checkpoint, None where there is none yet.

    Raises
    ------
    ValueError
        Where the file belongs to another training, is damaged, or is no checkpoint.
    OSError
        Where it may not be opened.
    """
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception:
            # PyTorch's own message advises to read the file without weights_only, and run its code.
            state = None
    if not isinstance(state, dict):
        raise ValueError(
            f"The checkpoint {path!r} cannot be read: it is damaged, or something else. Delete it "
            "to start afresh, or give another path."
        )
    if state.get("fingerprint") != expected:
        raise ValueError(
            f"The checkpoint {path!r} belongs to another training (other data, parameters or "
            "random_state). Delete it, or give another path."
        )
    return state

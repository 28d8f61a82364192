"""Training checkpoints: written in one step after each epoch, read back without pickle."""

import hashlib
import os

import torch

from skjetsim.utils._atomic import replacing

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


def save_checkpoint(path, state):
    """Replace the file at `path` in one step, so that a kill leaves the old or the new one.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written to, or the disk is full.
    """
    with replacing(path, "a checkpoint") as partial, open(partial, "wb") as file:
        torch.save(state, file)


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
    with open(path, "rb") as file:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception:
            # PyTorch's own message advises to read the file in a way that runs code from it.
            state = None
    if not isinstance(state, dict):
        raise ValueError(
            f"The checkpoint {path!r} cannot be read: it is damaged, or is something else. Delete "
            "it to start afresh, or give another path."
        )
    if state.get("fingerprint") != expected:
        raise ValueError(
            f"The checkpoint {path!r} belongs to another training (other data, parameters or "
            "random_state). Delete it, or give another path."
        )
    return state

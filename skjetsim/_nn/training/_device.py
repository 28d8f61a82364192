"""The device that a network is trained on."""

import torch


def resolve_device(device):
    """Return the torch device of "auto" (CUDA if there is one), "cpu", "cuda", ..."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f'device={device!r} is not known to torch. Use "auto", "cpu", "cuda" or "cuda:1".'
        ) from error
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if resolved.type == "cuda" and (resolved.index or 0) >= n_devices:
        raise ValueError(
            f"device={device!r}, but torch finds {n_devices} CUDA devices here. Use "
            'device="auto", which takes CUDA if there is one, or "cpu".'
        )
    return str(resolved)

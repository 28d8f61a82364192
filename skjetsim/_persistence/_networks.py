"""Networks in model files: tensors by name, copied into a network that the estimator builds."""

import math

import torch
from torch.overrides import TorchFunctionMode

MAKERS = "arange empty eye full linspace ones rand randint randn zeros"
FACTORIES = frozenset(getattr(torch, name) for name in MAKERS.split())

# What a network may need beyond its saved tensors: masks, tables, and the start of its weights.
ELEMENTS_PER_SAVED, MORE_ELEMENTS = 4, 1_000_000
CALLS_PER_TENSOR, MORE_CALLS = 100, 1_000
LARGER_SETTING = 1_000


class SizeLimit(TorchFunctionMode):
    """Context that limits how much torch does, by the tensors that are in the file.

    The widths of a network are read from the file before its weights: without a limit, a file of a
    few kB could ask for all the memory there is, or for layers without end. The context acts in its
    own thread only.

    Parameters
    ----------
    tensors : collection of Tensor
        In the file.
    """

    def __init__(self, tensors):
        super().__init__()
        self.n_saved = sum(tensor.numel() for tensor in tensors)
        self.left = ELEMENTS_PER_SAVED * self.n_saved + MORE_ELEMENTS
        self.calls_left = CALLS_PER_TENSOR * len(tensors) + MORE_CALLS

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Count elements before they are made, on "meta", where a tensor takes no memory."""
        kwargs = kwargs or {}
        self.calls_left -= 1
        if func in FACTORIES:
            self.left -= _size_on_meta(func, args, kwargs)
        elif self.calls_left >= 0 and _largest_size(args, kwargs) > self.left:
            self._check_size(func, args, kwargs)
        if self.left < 0 or self.calls_left < 0:
            raise ValueError("the network it describes is larger than the tensors it holds.")
        return func(*args, **kwargs)

    def _check_size(self, func, args, kwargs):
        """Refuse one result of more elements than are left."""
        try:
            size = _size_on_meta(func, args, kwargs)
        except Exception:  # the size of a selection by a mask depends on values
            selects = func is torch.Tensor.__getitem__
            size = args[0].numel() if selects else math.inf
        if size > self.left:
            self.left = -1


def check_settings(estimator, limit):
    """Raise ValueError if a number that a network is built from exceeds the numbers in the file."""
    most = limit.n_saved + LARGER_SETTING
    for number in _numbers(getattr(estimator, "_architecture", None)):
        if not -most <= number <= most:
            raise ValueError(
                f"the network it describes is larger than the tensors it holds: {number} is more "
                f"than {most}."
            )


def _numbers(value):
    if isinstance(value, int):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)


def _tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def _largest_size(args, kwargs):
    """Upper limit of the elements of a result: broadcasting, repeating or padding all arguments."""
    largest, left = 1.0, [args, kwargs]
    while left:
        value = left.pop()
        if isinstance(value, torch.Tensor):
            largest *= max(1, value.numel())
        elif isinstance(value, (tuple, list)):
            left.extend(value)
        elif isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, int):
            largest *= max(1, abs(value))
    return largest


def _size_on_meta(func, args, kwargs):
    """Elements of the result of a function, which is called without memory for them."""
    settings = {key: _on_meta(value) for key, value in kwargs.items() if key != "generator"}
    if func in FACTORIES or not any(True for _ in _tensors([args, kwargs])):
        settings["device"] = "meta"
    result = func(*_on_meta(args), **settings)
    return sum(tensor.numel() for tensor in _tensors([result]))


def _on_meta(value):
    if isinstance(value, torch.Tensor):
        return value.detach().to("meta")
    if isinstance(value, (list, tuple)):
        return type(value)(map(_on_meta, value))
    return value


def load_weights(module, tensors, name):
    """Copy saved tensors into a module.

    Parameters
    ----------
    module : torch.nn.Module
    tensors : dict of str to Tensor
    name : str
        Of the network, for messages.

    Raises
    ------
    ValueError
        If tensors are missing or unknown, their shape or type is not that in the module, or they
        hold NaN.
    """
    expected = module.state_dict()
    for what, left_over in (
        ("lacks the tensors", expected.keys() - tensors.keys()),
        ("holds unknown tensors", tensors.keys() - expected.keys()),
    ):
        if left_over:
            raise ValueError(f"the network {name} {what} {sorted(left_over)}.")
    for key, tensor in tensors.items():
        saved, own = ((tuple(t.shape), t.dtype) for t in (tensor, expected[key]))
        if saved != own:
            raise ValueError(
                f"the tensor {key!r} of the network {name} has shape {saved[0]} ({saved[1]}), and "
                f"{own[0]} ({own[1]}) is expected."
            )
        check_numbers(tensor, f"the tensor {key!r} of the network {name}")
    module.load_state_dict(tensors)
    module.eval()


def check_numbers(tensor, what):
    """Raise ValueError if a tensor holds NaN: a network with one gives NaN for all events."""
    if tensor.is_floating_point() and tensor.isnan().any():
        n_bad = int(tensor.isnan().sum())
        raise ValueError(f"{what} holds NaN in {n_bad:,} of {tensor.numel():,} places.")

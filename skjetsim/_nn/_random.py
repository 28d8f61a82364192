"""Private random numbers for torch modules: no global seed is read or written."""

import inspect

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_RANDOM_FUNCTIONS = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    torch.Tensor.bernoulli_,
    torch.Tensor.exponential_,
    torch.normal,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.randperm,
} | {
    # These pass through the mode themselves, and the functions that they call do not.
    function
    for _, function in inspect.getmembers(nn.init, inspect.isfunction)
    if "generator" in inspect.signature(function).parameters
}


class PrivateRandom(TorchFunctionMode):
    """Context in which torch's random functions draw from `generator`.

    `torch.nn` modules initialise themselves from the global generator. A seed for it would change
    the user's random numbers, and a fork of it is not safe between threads. This context acts in
    its own thread only.

    Parameters
    ----------
    generator : torch.Generator
        On the CPU, where modules are built before they are moved.
    """

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Give the private generator to random functions that have none."""
        kwargs = dict(kwargs or {})
        if func in _RANDOM_FUNCTIONS and kwargs.get("generator") is None:
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)

"""Private randomness for torch modules: no global seed is read or written."""

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
    # These hand themselves to the mode, and what they call no longer passes through it.
    function
    for _, function in inspect.getmembers(nn.init, inspect.isfunction)
    if "generator" in inspect.signature(function).parameters
}


class PrivateRandom(TorchFunctionMode):
    """Context in which torch's random functions draw from `generator`.

    `torch.nn` modules initialise themselves from the global generator. Seeding that
    would change the user's random numbers, and forking it is not safe between threads; a function
    mode belongs to its thread alone.

    Parameters
    ----------
    generator : torch.Generator
        On the CPU: modules are built there and moved afterwards.
    """

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Hand the private generator to random functions that were not given one."""
        kwargs = dict(kwargs or {})
        if func in _RANDOM_FUNCTIONS and kwargs.get("generator") is None:
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)

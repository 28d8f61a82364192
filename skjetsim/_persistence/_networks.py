"""Networks in model files: tensors by name, copied into a network that the estimator builds."""

import torch
from torch.overrides import TorchFunctionMode

MAKERS = "arange empty eye full linspace ones rand randint randn zeros"
FACTORIES = frozenset(getattr(torch, name) for name in MAKERS.split())


class SizeLimit(TorchFunctionMode):
    """Context that limits the number of elements of all tensors that torch makes.

    The widths of a network are read from the file before its weights: without a limit, a file of a
    few kB could ask for all the memory there is. The context acts in its own thread only.

    Parameters
    ----------
    n_saved : int
        Elements of the tensors in the file.
    """

    def __init__(self, n_saved):
        super().__init__()
        # A network has masks and tables that are not saved; a small one has relatively more.
        self.left = 4 * n_saved + 1_000_000

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Count elements before they are made, on "meta", where a tensor takes no memory."""
        kwargs = kwargs or {}
        if func in FACTORIES:
            settings = {key: value for key, value in kwargs.items() if key != "generator"}
            self.left -= func(*args, **settings | {"device": "meta"}).numel()
            if self.left < 0:
                raise ValueError("the network it describes is larger than the tensors it holds.")
        return func(*args, **kwargs)


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
        If tensors are missing or unknown, or their shape or type is not that in the module.
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
    module.load_state_dict(tensors)
    module.eval()

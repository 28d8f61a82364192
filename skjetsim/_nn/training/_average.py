"""Running average of the weights; skorch has none."""

from contextlib import contextmanager

from torch.optim.swa_utils import get_ema_multi_avg_fn


class RunningAverage:
    """Exponential running average of a module's parameters, which can take their place.

    It starts at what the parameters are when it is first updated, or at `module`'s now. Buffers
    are the module's own. torch's `AveragedModel` is a second module next to the first, and not what
    callbacks see.

    Parameters
    ----------
    decay : float
    module : Module, optional
        One that is trained already.
    """

    def __init__(self, decay, module=None):
        self.decay = decay
        self.values = None
        if module is not None:
            self.update(module)

    def update(self, module):
        """Take another step's parameters in."""
        now = [parameter.detach() for parameter in module.parameters()]
        if self.values is None:
            self.values = [value.clone() for value in now]
        else:
            get_ema_multi_avg_fn(self.decay)(self.values, now, None)

    def swap(self, module):
        """Exchange the module's parameters with the average; twice is as before."""
        if self.values is None:
            return
        for index, parameter in enumerate(module.parameters()):
            value = self.values[index].to(parameter.device)
            self.values[index], parameter.data = parameter.data, value

    @contextmanager
    def in_place(self, module):
        """Context in which the module has the averaged parameters."""
        self.swap(module)
        try:
            yield
        finally:
            self.swap(module)

    def __getstate__(self):
        values = self.values and [value.cpu() for value in self.values]
        return {"decay": self.decay, "values": values}

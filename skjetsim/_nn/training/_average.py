"""Running average of the weights, which skorch does not have."""

from contextlib import contextmanager

from torch.optim.swa_utils import get_ema_multi_avg_fn


class RunningAverage:
    """Exponential running average of a module's parameters, which can take their place.

    It starts at the parameters of `module`, or at those of the first update. It holds no buffers.
    torch's `AveragedModel` is a second module, which callbacks would not see.

    Parameters
    ----------
    decay : float
    module : Module, optional
        A trained module.
    """

    def __init__(self, decay, module=None):
        self.decay = decay
        self.values = None
        if module is not None:
            self.update(module)

    def update(self, module):
        """Add the parameters of another step."""
        now = [parameter.detach() for parameter in module.parameters()]
        if self.values is None:
            self.values = [value.clone() for value in now]
        else:
            get_ema_multi_avg_fn(self.decay)(self.values, now, None)

    def swap(self, module):
        """Exchange the module's parameters with the average. A second call undoes it."""
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

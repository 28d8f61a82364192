"""Base class of the networks: a torch module and its loss."""

from abc import ABCMeta, abstractmethod

import torch
from torch import nn

from skjetsim._nn.training._means import EpochMeans, WeightedMean

VALIDATION_ROWS = 4096  # at once, which bounds the memory


class Network(nn.Module, metaclass=ABCMeta):
    """A torch module and its loss. A new model overrides `losses`, and other methods if it has to.

    Attributes
    ----------
    steps : tuple of str
        Names of the optimization steps, in turn: ("loss",), or ("critic",) * 3 + ("generator",).
        Each step takes a mini-batch of its own. The turn continues from epoch to epoch, even if an
        epoch has few mini-batches, and checkpoints keep it.
    """

    steps = ("loss",)
    _logged: EpochMeans | None = None

    @abstractmethod
    def losses(self, step, batch, generator):
        """Return the losses that a step minimises.

        Parameters
        ----------
        step : str
            One of `steps`.
        batch : Rows
        generator : torch.Generator
            On the CPU. Draw all noise from it: checkpoints keep its state.

        Returns
        -------
        dict of str to Tensor
            Losses by name. A loss of shape (n_rows,) is averaged by the weights of the mini-batch.
            It may also hold several draws of all rows, one draw after another. A loss of shape ()
            is taken as it is. The sum of the losses is minimised. If there are several, `history_`
            has each by its name.
        """

    def groups(self):
        """Return the parameters of each step's optimizer.

        Returns
        -------
        dict of str to list of dict
            For each name in `steps` the parameter groups of torch. Each has "params", and may have
            "lr" (or "lr_factor", times the plan's rate), "weight_decay", "betas" and "eps" of its
            own. skorch's callbacks see the first optimizer.
        """
        return {"loss": [{"params": [p for p in self.parameters() if p.requires_grad]}]}

    def monitor(self, data, generator):
        """Return the number that is lowest in the best epoch, or None to keep the last epoch.

        It is called in evaluation mode, with the averaged weights if there is an average. By
        default it is the mean of the loss. If several steps have different losses, they say
        nothing about the quality, and the default is None.

        Parameters
        ----------
        data : Rows, Unpaired or Draws
            Held back for validation.
        generator : torch.Generator
            On the CPU, in the same state for each epoch.

        Returns
        -------
        float or None
        """
        if len(set(self.steps)) > 1:
            return None
        return weighted_mean(data, lambda batch: self.losses(self.steps[0], batch, generator))

    def log(self, name, values):
        """Write the mean of `values` over all rows of a training epoch into `history_`."""
        if self._logged is not None:
            self._logged.add(name, values.detach().sum(), values.numel())

    def check_epoch(self, entries):
        """Raise ValueError if the history entries of an epoch show that training is in vain."""


def check_groups(network):
    """Return `groups()` of a network; raise TypeError unless it has lists of dicts by step."""
    groups, call = network.groups(), f"{type(network).__name__}.groups()"
    form = "a dict such as {'loss': [{'params': [...]}]}, with a list of dicts for each step"
    if not isinstance(groups, dict):
        raise TypeError(f"{call} must return {form}, got a {type(groups).__name__}.")
    for step, of_step in groups.items():
        if not isinstance(of_step, (list, tuple)):
            raise TypeError(
                f"{call} must return {form}, but the step {step!r} has a {type(of_step).__name__}."
            )
        if not all(isinstance(group, dict) and "params" in group for group in of_step):
            raise TypeError(
                f"{call} must return {form}, but the list of the step {step!r} holds something "
                "else than a dict with 'params'."
            )
    return groups


@torch.no_grad()
def weighted_mean(data, losses):
    """Weighted mean of losses over data.

    Parameters
    ----------
    data : Rows, Unpaired or Draws
    losses : callable
        `losses(batch)` of a mini-batch returns the same as `Network.losses`.

    Returns
    -------
    float
    """
    criterion, total, n_rows = WeightedMean(), 0.0, 0
    for batch in data.batches(VALIDATION_ROWS):
        loss, _ = criterion(losses(batch), batch.weight)
        total += float(loss) * len(batch)
        n_rows += len(batch)
    return total / n_rows

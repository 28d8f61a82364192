"""Base class of the networks: a torch module that says what it learns from."""

from abc import ABCMeta, abstractmethod

import torch
from torch import nn

from skjetsim._nn.training._means import EpochMeans, WeightedMean

VALIDATION_ROWS = 4096  # at once: bounds the memory


class Network(nn.Module, metaclass=ABCMeta):
    """A torch module and its loss; a new model overrides `losses`, and more where it has to.

    Attributes
    ----------
    steps : tuple of str
        Names of the optimization steps, in turn: ("loss",), or ("critic",) * 3 + ("generator",).
        Each step takes a mini-batch of its own. The turn goes on over epochs, of however few
        mini-batches, and is kept by checkpoints.
    """

    steps = ("loss",)
    _logged: EpochMeans | None = None

    @abstractmethod
    def losses(self, step, batch, generator):
        """Return what a step minimises.

        Parameters
        ----------
        step : str
            One of `steps`.
        batch : Rows
        generator : torch.Generator
            On the CPU. All noise is drawn from it: checkpoints keep its state.

        Returns
        -------
        dict of str to Tensor
            Losses by name. Those of shape (n_rows,), or of several draws of the rows one after
            another, are averaged by the weights of the mini-batch; one of shape () is taken as it
            is. Their sum is minimised; if there are several, `history_` has each by its name.
        """

    def groups(self):
        """Return the parameters of each step's optimizer.

        Returns
        -------
        dict of str to list of dict
            For each name in `steps` torch's parameter groups: "params", and where they are not the
            plan's "lr", or "lr_factor" of the plan's, "weight_decay", "betas", "eps". The first
            optimizer is the one that skorch's callbacks know.
        """
        return {"loss": [{"params": [p for p in self.parameters() if p.requires_grad]}]}

    def monitor(self, data, generator):
        """Return by what the best epoch is chosen, lower being better; None keeps the last one.

        It is called in evaluation mode, with the averaged weights if there is an average. By
        default it is the mean of the loss; where several steps have losses of their own, these say
        nothing of the quality, and it is None.

        Parameters
        ----------
        data : Rows, Unpaired or Draws
            What is held back for validation.
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
        """Put the mean of `values` over the rows of an epoch of training into `history_`."""
        if self._logged is not None:
            self._logged.add(name, values.detach().sum(), values.numel())

    def check_epoch(self, entries):
        """Raise ValueError if an epoch's entries of the history say that training is in vain."""


@torch.no_grad()
def weighted_mean(data, losses):
    """Mean of losses over data, by their weights.

    Parameters
    ----------
    data : Rows, Unpaired or Draws
    losses : callable
        Of a mini-batch; returns what `Network.losses` returns.

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

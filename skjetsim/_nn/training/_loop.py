"""The course of a training: schedule, best epoch, patience, checkpoint.

skorch has callbacks for these. They are not used, since they drive only one optimizer, start anew
when a training resumes, or keep the weights instead of their average.
"""

import copy
import math

import numpy as np

from skjetsim._nn.training._checkpoint import fingerprint, load_checkpoint, save_checkpoint
from skjetsim._nn.training._plan import TrainingWarning
from skjetsim.utils._warnings import warn_user

CURE = "Lower learning_rate, set gradient_clip, or look for outliers in the data."


class StopTraining(Exception):  # noqa: N818 - not an error, like StopIteration
    """Ends the loop over epochs, without an error."""


class Course:
    """State of a training from epoch to epoch. It resumes from the checkpoint if there is one.

    Parameters
    ----------
    net : TrainingNet
        Initialised.
    data : Rows, Unpaired or Draws
        Training data.
    """

    def __init__(self, net, data):
        self.net, self.plan = net, net.plan
        self.n_batches = self.plan.max_epochs * data.n_batches(self.plan.batch_size)
        self.best = {"epoch": 0, "loss": math.inf, "weights": None}
        self.stopped = ""  # why, once it has stopped
        if self.plan.checkpoint is not None:
            self.fingerprint = fingerprint(self.plan, data, net.module_)
            self._resume()
        optimizers = net.optimizers().values()
        self.groups = [group for optimizer in optimizers for group in optimizer.param_groups]

    def epochs_left(self):
        """Number of epochs that remain."""
        return 0 if self.stopped else self.plan.max_epochs - len(self.net.history)

    def set_learning_rates(self, batch):
        """Set the learning rates of all optimizers for mini-batch number `batch`."""
        if self.plan.schedule == "constant":
            return  # a callback may have set them
        factor = self.plan.learning_rate_factor(batch, self.n_batches)
        for group in self.groups:
            group["lr"] = group["initial_lr"] * factor

    def end_epoch(self):
        """Keep the weights if this epoch is the best so far.

        Raises
        ------
        ValueError
            If the loss is not finite in the first epoch.
        StopTraining
            If the loss is not finite in a later epoch.
        """
        entries = self.net.history[-1]
        valid_loss = entries.get("valid_loss")
        if not math.isfinite(entries["train_loss"] + (valid_loss or 0.0)):
            self._stop_not_finite()
        # Without validation the last finite epoch counts as the best.
        is_best = valid_loss is None or valid_loss < self.best["loss"]
        if valid_loss is not None:
            self.net.history.record("valid_loss_best", is_best)
        if is_best:
            loss = math.inf if valid_loss is None else valid_loss
            weights = copy.deepcopy(self.net.module_.state_dict())
            self.best = {"epoch": len(self.net.history), "loss": loss, "weights": weights}

    def leave_epoch(self, stop):
        """Write the checkpoint, and return whether to stop: `stop` is the wish of a callback."""
        waited = len(self.net.history) - self.best["epoch"]
        patience = self.plan.patience
        monitored = math.isfinite(self.best["loss"])
        if stop:
            self.stopped = "callback"
        elif patience is not None and monitored and waited >= patience:
            self.stopped = "patience"
        if self.plan.checkpoint is not None:
            save_checkpoint(self.plan.checkpoint, self._state())
        return bool(self.stopped)

    def finish(self, interrupted):
        """Restore the best epoch, at the end or after an interruption."""
        reason = "interrupted" if interrupted else self.stopped or "max_epochs"
        self.net.stop_reason_ = reason
        if self.best["weights"] is not None:
            self.net.module_.load_state_dict(self.best["weights"])
        self.net.best_epoch_ = self.best["epoch"]

    def summary(self):
        """Sentence that says how the training ended."""
        why = {
            "max_epochs": "these were all",
            "patience": f"no better validation loss for {self.plan.patience} epochs",
            "callback": "a callback stopped it",
            "interrupted": "interrupted",
            "not_finite": "the loss was not finite",
        }[self.net.stop_reason_]
        epochs = f"{self.net.n_epochs_} of {self.plan.max_epochs}"
        return (
            f"Training ended after epoch {epochs} ({why}). The weights of epoch "
            f"{self.best['epoch']} were kept."
        )

    def _stop_not_finite(self):
        epoch = len(self.net.history)
        self.stopped = "not_finite"
        if self.best["weights"] is None:
            raise ValueError(
                f"The training loss is not finite in epoch {epoch}, the first one: nothing was "
                f"learnt. {CURE}"
            )
        message = (
            f"The training loss became NaN or infinite in epoch {epoch}; the weights of epoch "
            f"{self.best['epoch']} were kept. {CURE}"
        )
        warn_user(message, TrainingWarning)
        raise StopTraining

    # The checkpoint.

    def _state(self):
        net = self.net
        return {
            "fingerprint": self.fingerprint,
            "stopped": self.stopped,
            "n_batches": net.n_batches_,
            "module": net.module_.state_dict(),
            "average": None if net.average_ is None else net.average_.values,
            "optimizers": {name: each.state_dict() for name, each in net.optimizers().items()},
            "generator": net.generator.get_state(),
            "best": self.best,
            "history": [_plain(entries) for entries in net.history.to_list()],
        }

    def _resume(self):
        state = load_checkpoint(self.plan.checkpoint, self.fingerprint)
        if state is None:
            return
        net = self.net
        if len(state["history"]) > self.plan.max_epochs:
            raise ValueError(
                f"The checkpoint {self.plan.checkpoint!r} holds {len(state['history'])} epochs, "
                f"more than max_epochs={self.plan.max_epochs}. Raise max_epochs, delete the file, "
                "or give another path."
            )
        net.module_.load_state_dict(state["module"])
        if net.average_ is not None:
            net.average_.values = state["average"]
        for name, optimizer in net.optimizers().items():
            optimizer.load_state_dict(state["optimizers"][name])
        net.generator.set_state(state["generator"])
        net.n_batches_, net.n_epochs_ = state["n_batches"], len(state["history"])
        self.best, self.stopped = state["best"], state["stopped"]
        for entries in state["history"]:
            net.history.new_epoch()
            for key, value in entries.items():
                net.history.record(key, value)


def _plain(entries):
    """Numbers and text of an epoch's history. A checkpoint holds nothing else from callbacks."""
    entries = {k: v.item() if isinstance(v, np.generic) else v for k, v in entries.items()}
    return {k: v for k, v in entries.items() if isinstance(v, (bool, int, float, str))}

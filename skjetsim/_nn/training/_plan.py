"""How a network is trained."""

import math
from dataclasses import dataclass

SCHEDULES = ("cosine", "constant", "inverse_epoch")


class TrainingWarning(UserWarning):
    """Training stopped early. The message says in which epoch, and which weights were kept."""


@dataclass(frozen=True)
class TrainingPlan:
    """How a network is trained. Estimators fill it from their parameters.

    Attributes
    ----------
    batch_size, max_epochs : int
    learning_rate, weight_decay : float
        Of AdamW, for the parameter groups of a network that set no other values.
    schedule : {"cosine", "constant", "inverse_epoch"}
        "cosine" rises over the first 2% of the steps, at most 200, then falls to zero.
        "inverse_epoch" divides the learning rate by the number of the epoch, from 1.
    gradient_clip : float or None
        Largest norm of the gradient of each optimizer.
    patience : int or None
        Training stops after this many epochs without a better validation loss.
    ema_decay : float or None
        Decay per step of the running average of the weights. The average is then validated and
        kept, in place of the weights.
    checkpoint : str or None
        File that a killed training resumes from.
    callbacks : sequence of skorch Callback, or of (name, Callback)
        Each training works on its own copies. A checkpoint does not depend on them and does not
        hold their state: when training resumes they start anew, with the history so far.
    verbose : bool
        Show a progress bar, and let callbacks print.
    course : str
        Text about what else decides the training, so that it resumes no other's checkpoint.
    """

    batch_size: int = 1024
    max_epochs: int = 50
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "cosine"
    gradient_clip: float | None = None
    patience: int | None = None
    ema_decay: float | None = None
    checkpoint: str | None = None
    callbacks: tuple = ()
    verbose: bool = False
    course: str = ""

    def learning_rate_factor(self, batch, n_batches):
        """Factor of the learning rate in mini-batch number `batch` of `n_batches`."""
        if self.schedule == "constant":
            return 1.0
        if self.schedule == "inverse_epoch":
            return 1.0 / (1 + batch * self.max_epochs // n_batches)
        warmup = min(200, max(1, n_batches // 50))
        if batch < warmup:
            return (batch + 1) / warmup
        progress = (batch - warmup) / max(1, n_batches - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

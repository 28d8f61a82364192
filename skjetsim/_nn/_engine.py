"""The training engine: every network of the package is trained here, on skorch.

A module's `forward(*inputs)` returns the loss of each row. The engine slices mini-batches from
tensors that already lie on the device, weighs the losses, steps the optimizers, and keeps the best
epoch. Nothing is done per row, and no number crosses from the device to the host within an epoch,
so that an epoch costs what a bare loop over the same network costs.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import torch
from skorch import NeuralNet
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from skjetsim._nn._checkpoint import fingerprint, load_checkpoint, save_checkpoint
from skjetsim.utils._warnings import user_stacklevel

__all__ = [
    "SCHEDULES",
    "TensorNet",
    "TrainingPlan",
    "TrainingSet",
    "TrainingWarning",
    "resolve_device",
]

SCHEDULES = ("cosine", "constant", "inverse_epoch")


class TrainingWarning(UserWarning):
    """Training stopped before its time; the message says in which epoch and what was kept."""


def resolve_device(device):
    """Return the torch device of "auto" (CUDA where there is one), "cpu", "cuda", ..."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f'device={device!r} is not known to torch. Use "auto", "cpu", "cuda" or "cuda:1".'
        ) from error
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if resolved.type == "cuda" and (resolved.index or 0) >= n_devices:
        raise ValueError(
            f"device={device!r}, but torch finds {n_devices} CUDA devices here. Use "
            'device="auto", which takes CUDA where there is one, or "cpu".'
        )
    return str(resolved)


@dataclass(frozen=True)
class TrainingPlan:
    """How a network is trained; estimators fill it from their parameters.

    Attributes
    ----------
    batch_size, max_epochs : int
    learning_rate, weight_decay : float
        Of AdamW.
    schedule : {"cosine", "constant", "inverse_epoch"}
        "cosine" warms up over the first 2% of the steps, at most 200, then falls to zero;
        "inverse_epoch" divides by the number of the epoch, from 1.
    gradient_clip : float or None
        Largest norm of the gradient.
    patience : int or None
        Epochs without a better validation loss after which training stops.
    ema_decay : float or None
        Decay per step of the running average of the weights, which is then what is validated
        and kept.
    checkpoint : str or None
        File a killed training resumes from.
    verbose : bool
        Show a progress bar.
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
    verbose: bool = False


@dataclass
class TrainingSet:
    """Row-aligned tensors on the device; weights have mean one over the set.

    Attributes
    ----------
    inputs : tuple of Tensor
        What the module's `forward` takes.
    weight : Tensor of shape (n_rows,) or None
    """

    inputs: tuple
    weight: torch.Tensor | None = None

    def __len__(self):
        return len(self.inputs[0])

    def rows(self, index):
        """Return the subset of rows `index`."""
        weight = None if self.weight is None else self.weight[index]
        return TrainingSet(tuple(tensor[index] for tensor in self.inputs), weight)

    def normalised(self):
        """Scale the weights to a mean of one, so that the step size does not depend on them."""
        if self.weight is None:
            return self
        return TrainingSet(self.inputs, self.weight / self.weight.mean())

    def batches(self, batch_size, generator=None):
        """Yield slices of `batch_size` rows, shuffled where a generator is given."""
        rows = self
        if generator is not None:
            order = torch.randperm(len(self), generator=generator)
            rows = self.rows(order.to(self.inputs[0].device))
        for start in range(0, len(rows), batch_size):
            yield rows.rows(slice(start, start + batch_size))


class WeightedMean(torch.nn.Module):
    """Mean of the losses of rows, times their weights."""

    def forward(self, losses, weight=None):
        """Return the scalar that is minimised."""
        return losses.mean() if weight is None else (losses * weight).mean()


class TensorNet(NeuralNet):
    """skorch net over tensors on the device, with best-epoch restore, EMA and checkpoints.

    Parameters
    ----------
    module : torch.nn.Module
        `module(*inputs)` returns the loss of each row.
    plan : TrainingPlan
    generator : torch.Generator
        Shuffles the batches; on the CPU.
    device : str
    """

    def __init__(self, module, *, plan, generator, device="cpu"):
        super().__init__(
            module,
            criterion=WeightedMean,
            optimizer=torch.optim.AdamW,
            lr=plan.learning_rate,
            max_epochs=plan.max_epochs,
            batch_size=plan.batch_size,
            train_split=None,
            callbacks="disable",
            verbose=0,
            device=device,
        )
        self.plan = plan
        self.generator = generator

    # Nets with two optimizers override `initialize_optimizer` and `train_batch`.

    def initialize_optimizer(self, triggered_directly=None):
        """Create the optimizers, as attributes: the schedule drives all of them."""
        self.optimizer_ = self.make_optimizer(self.module_.parameters())
        return self

    def make_optimizer(self, parameters, learning_rate=None):
        """AdamW with the plan's settings, fused: one call for all parameters."""
        return torch.optim.AdamW(
            list(parameters),
            lr=self.plan.learning_rate if learning_rate is None else learning_rate,
            weight_decay=self.plan.weight_decay,
            fused=True,
        )

    def optimizers(self):
        """All optimizers, in a fixed order."""
        return [
            value
            for name, value in sorted(vars(self).items())
            if isinstance(value, torch.optim.Optimizer)
        ]

    def train_batch(self, batch):
        """One optimization step; returns the batch's loss, still on the device."""
        self.optimizer_.zero_grad(set_to_none=True)
        loss = self.criterion_(self.module_(*batch.inputs), batch.weight)
        loss.backward()
        self.clip_gradient(self.module_.parameters())
        self.optimizer_.step()
        return loss.detach()

    def clip_gradient(self, parameters):
        """Bound the gradient's norm where the plan says so."""
        if self.plan.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self.plan.gradient_clip)

    def epoch_results(self):
        """What the history says of an epoch beside its losses, as a dict."""
        return {}

    # The loop.

    def train(self, training, validation=None):
        """Fit the module; restores the best epoch, also on Ctrl-C, which is raised again.

        Parameters
        ----------
        training : TrainingSet
        validation : TrainingSet, optional
            Without one the last epoch is kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where the loss is not finite in the first epoch.
        """
        self.best_epoch_ = 0
        self.initialize()
        run = _Run(self, training.normalised(), validation and validation.normalised())
        try:
            run.loop()
        finally:
            run.finish()
        return self

    def train_once(self, training, plan):
        """Pass once over more rows at the plan's learning rate; the optimizer remembers.

        Parameters
        ----------
        training : TrainingSet
        plan : TrainingPlan
            Its batch size, learning rate, weight decay and clipping count.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where the loss is not finite; the network is then as it was before.
        """
        if not getattr(self, "initialized_", False):
            self.initialize()
        rates = (self.plan.learning_rate, self.plan.weight_decay)
        self.plan = plan
        if rates != (plan.learning_rate, plan.weight_decay):
            self.initialize_optimizer()
        for optimizer in self.optimizers():
            for group in optimizer.param_groups:  # a schedule has brought it to zero
                group["lr"] = group.get("initial_lr", group["lr"])
        before = {name: value.clone() for name, value in self.module_.state_dict().items()}
        self.last_loss_ = self.one_epoch(training)
        self.module_.eval()
        if not math.isfinite(self.last_loss_):
            self.module_.load_state_dict(before)
            raise ValueError(
                "The training loss is not finite: these events were not learnt. Lower "
                "learning_rate, or look for outliers among them."
            )
        return self

    def one_epoch(self, training, after_step=None):
        """Train on every row once; returns the mean loss."""
        self.module_.train()
        total = torch.zeros((), device=training.inputs[0].device)
        for batch in training.batches(self.plan.batch_size, self.generator):
            total += self.train_batch(batch) * len(batch)
            if after_step is not None:
                after_step()
        return float(total) / len(training)


class _Run:
    """State of one training: schedule, averages, best epoch, progress."""

    def __init__(self, net, training, validation):
        self.net, self.plan = net, net.plan
        self.training, self.validation = training, validation
        self.n_steps = self.plan.max_epochs * math.ceil(len(training) / self.plan.batch_size)
        self.schedulers = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, self.learning_rate_factor)
            for optimizer in net.optimizers()
        ]
        self.average = None
        if self.plan.ema_decay is not None:
            average = get_ema_multi_avg_fn(self.plan.ema_decay)
            self.average = AveragedModel(net.module_, multi_avg_fn=average)
        self.epoch = 0
        self.best = {"epoch": 0, "loss": math.inf, "weights": None}
        self.bar = None
        self.fingerprint = None
        if self.plan.checkpoint is not None:
            self.fingerprint = fingerprint(self.plan, training, net.module_)
            self.resume()

    def learning_rate_factor(self, step):
        if self.plan.schedule == "constant":
            return 1.0
        if self.plan.schedule == "inverse_epoch":
            return 1.0 / (1 + step * self.plan.max_epochs // self.n_steps)
        warmup = min(200, max(1, self.n_steps // 50))
        if step < warmup:
            return (step + 1) / warmup
        progress = (step - warmup) / max(1, self.n_steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    def loop(self):
        for _ in self.progress(range(self.epoch, self.plan.max_epochs)):
            if self.out_of_patience():  # before the epoch, so that a resumed training stops too
                return
            self.epoch += 1
            train_loss = self.train_epoch()
            valid_loss = self.validate()
            self.net.history.new_epoch()
            self.net.history.record("epoch", self.epoch)
            self.net.history.record("train_loss", train_loss)
            if valid_loss is not None:
                self.net.history.record("valid_loss", valid_loss)
            for name, value in self.net.epoch_results().items():
                self.net.history.record(name, value)
            if not math.isfinite(train_loss if valid_loss is None else train_loss + valid_loss):
                self.stop_not_finite()
                return
            self.keep_if_best(valid_loss)
            if self.plan.checkpoint is not None:
                save_checkpoint(self.plan.checkpoint, self.state())

    def progress(self, epochs):
        if not self.plan.verbose:
            return epochs
        from tqdm.auto import tqdm

        self.bar = tqdm(epochs, desc="training", unit="epoch")
        return self.bar

    def train_epoch(self):
        return self.net.one_epoch(self.training, self.after_step)

    def after_step(self):
        for scheduler in self.schedulers:
            scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.net.module_)

    @torch.no_grad()
    def validate(self):
        if self.validation is None:
            return None
        module = self.net.module_ if self.average is None else self.average
        module.eval()
        total = 0.0
        for batch in self.validation.batches(max(self.plan.batch_size, 4096)):
            total += float(self.net.criterion_(module(*batch.inputs), batch.weight)) * len(batch)
        loss = total / len(self.validation)
        if self.bar is not None:
            self.bar.set_postfix(valid_loss=f"{loss:.4f}", best=f"{self.best['loss']:.4f}")
        return loss

    def weights(self):
        module = self.net.module_ if self.average is None else self.average.module
        return {name: value.detach().clone() for name, value in module.state_dict().items()}

    def keep_if_best(self, valid_loss):
        # Without validation the last finite epoch is the best one known.
        if valid_loss is None or valid_loss < self.best["loss"]:
            loss = math.inf if valid_loss is None else valid_loss
            self.best = {"epoch": self.epoch, "loss": loss, "weights": self.weights()}

    def out_of_patience(self):
        if self.plan.patience is None or self.validation is None:
            return False
        return self.epoch - self.best["epoch"] >= self.plan.patience

    def stop_not_finite(self):
        cure = "Lower learning_rate, set gradient_clip, or look for outliers in the data."
        if self.best["weights"] is None:
            raise ValueError(
                f"The training loss is not finite in epoch {self.epoch}, the first one: nothing "
                f"was learnt. {cure}"
            )
        warnings.warn(
            f"The training loss became NaN or infinite in epoch {self.epoch}; the weights of "
            f"epoch {self.best['epoch']} were kept. {cure}",
            TrainingWarning,
            stacklevel=user_stacklevel(),
        )

    def finish(self):
        """Restore the best epoch: at the end, and where training was interrupted."""
        if self.bar is not None:
            self.bar.close()
        if self.best["weights"] is not None:
            self.net.module_.load_state_dict(self.best["weights"])
        self.net.module_.eval()
        self.net.best_epoch_ = self.best["epoch"]
        for optimizer in self.net.optimizers():
            optimizer.state.clear()  # twice the weights, of use to nobody after the fit

    def state(self):
        return {
            "fingerprint": self.fingerprint,
            "epoch": self.epoch,
            "module": self.net.module_.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.net.optimizers()],
            "schedulers": [
                {"last_epoch": scheduler.last_epoch, "_step_count": scheduler._step_count}
                for scheduler in self.schedulers
            ],
            "generator": self.net.generator.get_state(),
            "best": self.best,
            "history": self.net.history.to_list(),
        }

    def resume(self):
        state = load_checkpoint(self.plan.checkpoint, self.fingerprint)
        if state is None:
            return
        self.net.module_.load_state_dict(state["module"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.net.optimizers(), state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for scheduler, saved in zip(self.schedulers, state["schedulers"], strict=True):
            vars(scheduler).update(saved)
        self.net.generator.set_state(state["generator"])
        self.epoch, self.best = state["epoch"], state["best"]
        for row in state["history"]:
            self.net.history.new_epoch()
            for key, value in row.items():
                if key != "batches":
                    self.net.history.record(key, value)

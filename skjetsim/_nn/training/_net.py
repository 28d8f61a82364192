"""The skorch net that trains every network.

Loop, splits, iterators and notifications are those of skorch. The step is ours. Its mini-batches
are tensors that already lie on the device: nothing is done row by row, and no number crosses from
the device to the host within an epoch, as each loss does in skorch. So an epoch costs as much as a
bare loop over the same network.
"""

import copy
import math
from contextlib import nullcontext

import torch
from skorch import NeuralNet

from skjetsim._nn.training._average import RunningAverage
from skjetsim._nn.training._callbacks import check_monitored, is_decision, make_callbacks
from skjetsim._nn.training._checkpoint import holding_checkpoint
from skjetsim._nn.training._data import Batches
from skjetsim._nn.training._loop import Course, StopTraining
from skjetsim._nn.training._means import EpochMeans, WeightedMean
from skjetsim._nn.training._network import check_groups
from skjetsim.utils._threads import protect_forks

MONITOR_SEED = 0  # of the noise for validation, the same in all epochs
FOR_CALLBACKS = ("batches", "train_batch_count", "valid_loss_best")


class TrainingNet(NeuralNet):
    """skorch net of a `Network`, with averaged weights, several optimizers and exact resuming.

    Parameters
    ----------
    module : Network
    plan : TrainingPlan
    generator : torch.Generator
        Shuffles the batches and draws the noise of the losses; on the CPU.
    device : str
    """

    _default_callbacks = ()

    def __init__(self, module, *, plan, generator, device="cpu"):
        super().__init__(
            module,
            criterion=WeightedMean,
            optimizer=torch.optim.AdamW,
            lr=plan.learning_rate,
            max_epochs=plan.max_epochs,
            batch_size=plan.batch_size,
            iterator_train=Batches,
            iterator_train__generator=generator,
            iterator_valid=Batches,
            train_split=None,
            callbacks=make_callbacks(plan) or "disable",
            verbose=int(plan.verbose),
            device=device,
            use_caching=False,  # a loss has no outputs to cache
        )
        self.plan = plan
        self.generator = generator
        protect_forks()
        self.best_epoch_, self.stop_reason_ = 0, None

    def get_default_callbacks(self):
        """Return no callbacks. This class does their work without asking for each loss."""
        return []

    # Components.

    def initialize(self):
        """Create all components anew."""
        self.n_batches_, self.n_epochs_ = 0, 0
        self.course_, self.average_ = None, None
        return super().initialize()

    def initialize_optimizer(self, triggered_directly=None):
        """Create an optimizer for each step. They are fused: one call updates all parameters."""
        self.optimizer_names_ = {}
        for step, groups in check_groups(self.module_).items():
            # skorch's callbacks know the name `optimizer_`.
            name = f"optimizer_{step}_" if self.optimizer_names_ else "optimizer_"
            self.optimizer_names_[step] = name
            groups = [self._rates(group) for group in groups]
            groups = [group for group in groups if group["params"]]
            setattr(self, name, torch.optim.AdamW(groups, fused=True))
        return self

    def _rates(self, group):
        """Complete a parameter group with the plan's rates."""
        group = {"lr": self.plan.learning_rate, "weight_decay": self.plan.weight_decay} | group
        group["lr"] *= group.pop("lr_factor", 1.0)
        return group | {"params": list(group["params"]), "initial_lr": group["lr"]}

    def optimizers(self):
        """Return the optimizers by the name of their step."""
        return {step: getattr(self, name) for step, name in self.optimizer_names_.items()}

    def averaged(self):
        """Return a context in which the module has the averaged weights, if there are any."""
        return nullcontext() if self.average_ is None else self.average_.in_place(self.module_)

    def entries(self):
        """Return the history of each epoch, without what only callbacks of skorch use."""
        return [
            {name: value for name, value in epoch.items() if name not in FOR_CALLBACKS}
            for epoch in self.history.to_list()
        ]

    # Training.

    def fit(self, X, y=None, **fit_params):
        """Train anew and restore the best epoch. Ctrl-C restores it too, and is raised again.

        Parameters
        ----------
        X : Rows, Unpaired or Draws
        y : Rows, Unpaired or Draws, optional
            Held back for validation. Without it the last epoch is kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the loss is not finite in the first epoch, or a callback monitors a validation loss
            that is not there.
        """
        self.best_epoch_ = 0
        with holding_checkpoint(self.plan.checkpoint):
            return super().fit(X.normalised(), None if y is None else y.normalised())

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train and keep the best epoch. skorch keeps the last one, and swallows Ctrl-C."""
        if self.plan.ema_decay is not None:
            self.average_ = RunningAverage(self.plan.ema_decay)
        self.course_ = Course(self, X)
        self.notify("on_train_begin", X=X, y=y)
        interrupted = True
        try:
            self.fit_loop(X, y, epochs=self.course_.epochs_left())
            interrupted = False
        except StopTraining:
            interrupted = False
        finally:
            self.course_.finish(interrupted)
            self._leave_loop(X, y)
            if self.plan.verbose and self.best_epoch_:
                print(self.course_.summary(), flush=True)
            self.course_, self.average_ = None, None
            for optimizer in self.optimizers().values():
                optimizer.state.clear()  # twice the size of the weights, and no longer needed
        return self

    def train_once(self, data, plan):
        """Pass once over more rows at the plan's learning rate. Optimizers and average continue.

        Parameters
        ----------
        data : Rows, Unpaired or Draws
        plan : TrainingPlan
            Its batch size, rates, clipping, average and callbacks are used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the loss is not finite, or a callback monitors "valid_loss": no events are held back.
            The network is then as it was before.
        """
        check_monitored(make_callbacks(plan), "partial_fit holds no events back: call fit")
        self._take_up(plan)
        average = self.average_ and self.average_.values
        before = copy.deepcopy((self.module_.state_dict(), average))
        self.notify("on_train_begin", X=data, y=None)
        try:
            self.fit_loop(data, epochs=1)
        except StopTraining:
            pass
        except BaseException:
            self._restore(*before)
            raise
        finally:
            if self.average_ is not None:
                self.average_.swap(self.module_)
            self._leave_loop(data)
        return self

    def _leave_loop(self, X, y=None):
        del self.history[self.n_epochs_ :]  # an epoch that was interrupted
        self.module_._logged = None
        self._set_training(False)
        self.notify("on_train_end", X=X, y=y)

    def _take_up(self, plan):
        """Continue by another plan, from the trained weights and not from their average."""
        trained = self.initialized_
        if not trained:
            self.initialize()
        rates = (self.plan.learning_rate, self.plan.weight_decay)
        if (self.plan.callbacks, self.plan.verbose) != (plan.callbacks, plan.verbose):
            self.callbacks = make_callbacks(plan) or "disable"
            self._initialize_callbacks()
        self.plan, self.batch_size = plan, plan.batch_size
        if rates != (plan.learning_rate, plan.weight_decay):
            self.initialize_optimizer()
        for optimizer in self.optimizers().values():
            for group in optimizer.param_groups:  # a schedule may have brought it to zero
                group["lr"] = group["initial_lr"]
        if self.average_ is not None:
            self.average_.swap(self.module_)
        if plan.ema_decay is None:
            self.average_ = None
        elif self.average_ is None:
            self.average_ = RunningAverage(plan.ema_decay, self.module_ if trained else None)
        else:
            self.average_.decay = plan.ema_decay

    def _restore(self, weights, average):
        self.module_.load_state_dict(weights)
        if self.average_ is not None:
            self.average_.values = average
        self.initialize_optimizer()  # the moments of the old one may not be finite

    # skorch's protocol.

    def get_split_datasets(self, X, y=None, **fit_params):
        """Return training and validation data as they were given."""
        return X, y

    def notify(self, method_name, **cb_kwargs):
        """Call all callbacks. At the end of an epoch they see averaged weights, and may stop."""
        if method_name != "on_epoch_end":
            super().notify(method_name, **cb_kwargs)
            return
        stop = False
        with self.averaged():
            try:
                super().notify(method_name, **cb_kwargs)
            except KeyboardInterrupt as error:
                if not is_decision(error):
                    raise
                stop = True
        if self.course_ is not None:
            stop = self.course_.leave_epoch(stop)
        if stop:
            raise StopTraining

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Refuse callbacks that monitor a validation loss if there is none."""
        if y is None:
            why = "no events are held back. Raise validation_fraction and call fit"
            check_monitored(self.callbacks_, why)

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Check the epoch, and keep it if it is the best, before the callbacks are called."""
        self.module_.check_epoch(self.history[-1])
        if self.course_ is None and not math.isfinite(self.history[-1, "train_loss"]):
            raise ValueError(
                "The training loss is not finite: these events were not learnt. Lower "
                "learning_rate, or look for outliers among them."
            )
        self.n_epochs_ += 1
        if self.course_ is not None:
            self.course_.end_epoch()

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train on the batches of an epoch, or monitor the held-out data."""
        if iterator is None:
            return
        if not training:
            self._monitor(iterator.data)
            return
        self._set_training(True)
        steps, losses, logged = EpochMeans(), EpochMeans(), EpochMeans()
        self.module_._logged = logged
        several = len(set(self.module_.steps)) > 1
        for batch in iterator:
            if self.callbacks_:
                self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch, **fit_params)
            steps.add(step["step"], step["loss"] * len(batch), len(batch))
            if several or len(step["losses"]) > 1:
                for name, loss in step["losses"].items():
                    losses.add(name, loss.detach() * len(batch), len(batch))
            if self.callbacks_:
                self.notify("on_batch_end", batch=batch, training=True, **step)
        self._set_training(False)
        self.history.record("train_loss", sum(steps.collect().values()))
        for name, value in (losses.collect() | logged.collect()).items():
            self.history.record(name, value)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def train_step(self, batch, **fit_params):
        """Take one optimization step. The losses stay on the device."""
        module = self.module_
        step = module.steps[self.n_batches_ % len(module.steps)]
        if self.course_ is not None:
            self.course_.set_learning_rates(self.n_batches_)
        optimizer = getattr(self, self.optimizer_names_[step])
        optimizer.zero_grad(set_to_none=True)
        loss, losses = self.criterion_(module.losses(step, batch, self.generator), batch.weight)
        loss.backward()
        if self.plan.gradient_clip is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, self.plan.gradient_clip)
        if self.callbacks_:
            named = list(module.named_parameters())
            self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)
        optimizer.step()
        self.n_batches_ += 1
        if self.average_ is not None:
            self.average_.update(module)
        return {"loss": loss.detach(), "losses": losses, "step": step, "y_pred": None}

    @torch.no_grad()
    def _monitor(self, data):
        generator = torch.Generator().manual_seed(MONITOR_SEED)
        with self.averaged():
            value = self.module_.monitor(data, generator)
        if value is None:
            check_monitored(self.callbacks_, "the network's `monitor` gives none. Override it")
        else:
            self.history.record("valid_loss", float(value))

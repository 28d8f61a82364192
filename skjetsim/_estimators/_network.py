"""What every estimator with a network shares: checked parameters, training, calls in chunks."""

from __future__ import annotations

import numbers
import sys

import numpy as np

from skjetsim._drawing._chunked import CHUNK_ROWS, chunk_height, draw_in_chunks, padded_rows
from skjetsim._estimators._parameters import with_parameters
from skjetsim.utils._parameters import check_fraction, check_positive
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng, torch_generator
from skjetsim.utils._validation import check_int, check_option

__all__ = ["NetworkEstimator"]

# Branches of the constructor's random_state.
SPLIT, WEIGHTS, SHUFFLE = range(3)


@with_parameters
class NetworkEstimator:
    """Estimator that owns a network, `net_`.

    A subclass adds its own parameters as annotated fields, under the decorator `with_parameters`,
    defines `_build_module(generator)` from what is fitted, and calls `_train`.

    Parameters
    ----------
    learning_rate : float
        Of AdamW, at its largest.
    batch_size : int or "auto"
        Rows of a training step; "auto" makes some 64 steps an epoch, of 64 to 2048 rows. Sampling
        does not depend on it.
    max_epochs : int
        Passes over the events.
    weight_decay : float or "auto"
        Of AdamW, times the learning rate: a prior on the weights, without which a network of this
        size memorises the noise of 10,000 events within ten epochs. "auto" is 2 if events and
        conditions have six columns or more together, and less if they have fewer, 0.1 for two;
        above 50,000 events it falls as the root of their number.
    schedule : {"cosine", "constant", "inverse_epoch"}
        The learning rate falls to zero over `max_epochs`, or not at all, or is divided by the
        number of the epoch.
    gradient_clip : float or None
        Largest norm of the gradient.
    ema_decay : float or None
        Keep a running average of the weights with this decay per step.
    validation_fraction : float
        Share of the events held back to choose the best epoch; 0 keeps the last epoch.
    patience : int or None
        Stop after this many epochs without a better validation loss.
    callbacks : list of skorch.callbacks.Callback or None
        Called during the training: loggers, further schedules, other rules to stop.
    checkpoint : str or None
        File written after each epoch, from which a killed `fit` with the same data and parameters
        resumes, to the same result. It needs a `random_state`.
    device : str
        "auto" takes CUDA if there is one at fit time.
    n_jobs : int or None
        Threads that sample; the events do not depend on it.
    random_state : int, RandomState, Generator or None
        Governs `fit`, and the noise of `transform`, `inverse_transform` and `score`.
    verbose : int
        1 shows a progress bar.
    """

    learning_rate: float = 2e-3
    batch_size: int | str = "auto"
    max_epochs: int = 50
    weight_decay: float | str = "auto"
    schedule: str = "cosine"
    gradient_clip: float | None = 5.0
    ema_decay: float | None = None
    validation_fraction: float = 0.05
    patience: int | None = None
    callbacks: list | None = None
    checkpoint: str | None = None
    device: str = "auto"
    n_jobs: int | None = None
    random_state: int | np.random.RandomState | np.random.Generator | None = None
    verbose: int = 0

    _most_validation_rows = sys.maxsize

    def _training_plan(self, n_rows, weight_decay=None):
        """Checked parameters of the training; `weight_decay` is what "auto" stands for."""
        from skjetsim._nn import SCHEDULES, TrainingPlan

        if self.batch_size != "auto":
            check_int(self.batch_size, "batch_size")
        check_int(self.max_epochs, "max_epochs")
        if self.patience is not None:
            check_int(self.patience, "patience")
        check_positive(self.learning_rate, "learning_rate")
        if weight_decay is None or self.weight_decay != "auto":
            weight_decay = self.weight_decay
        if not isinstance(weight_decay, numbers.Real) or not weight_decay >= 0:
            raise ValueError(
                f"weight_decay must be a number that is not negative, got {weight_decay!r}."
            )
        if self.gradient_clip is not None:
            check_positive(self.gradient_clip, "gradient_clip")
        check_option(self.schedule, "schedule", SCHEDULES)
        check_fraction(self.validation_fraction, "validation_fraction")
        if self.ema_decay is not None:
            check_fraction(self.ema_decay, "ema_decay")
        if self.checkpoint is not None and self.random_state is None:
            raise ValueError(
                f"checkpoint={self.checkpoint!r} needs an int as random_state: with None each fit "
                "is another one, and none would resume from the file."
            )
        return TrainingPlan(
            batch_size=self._auto_batch(n_rows) if self.batch_size == "auto" else self.batch_size,
            max_epochs=self.max_epochs,
            learning_rate=self.learning_rate,
            weight_decay=weight_decay,
            schedule=self.schedule,
            gradient_clip=self.gradient_clip,
            patience=self.patience,
            ema_decay=self.ema_decay,
            checkpoint=self.checkpoint,
            callbacks=() if self.callbacks is None else self.callbacks,
            verbose=bool(self.verbose),
        )

    @staticmethod
    def _auto_batch(n_rows):
        """Some 64 steps an epoch: large batches use the processor, but few steps learn little."""
        return int(np.clip(n_rows // 64, 64, 2048))

    def _make_net(self, plan, root):
        from skjetsim._nn import TrainingNet, resolve_device

        return TrainingNet(
            self._build_module(torch_generator(root, WEIGHTS)),
            plan=plan,
            generator=torch_generator(root, SHUFFLE),
            device=resolve_device(self.device),
        )

    def _forget_fit(self):
        """Drop the network of an earlier fit: from here on there is none."""
        self.history_, self.best_epoch_ = [], 0
        self.chunk_rows_ = self._chunk_rows()
        vars(self).pop("net_", None)

    def _train(self, plan, root, inputs, weight):
        """Train on row-aligned arrays, the inputs of the network's mini-batches."""
        net = self._make_net(plan, root)
        training, validation = self._split(inputs, weight, root, net.device)
        try:
            net.fit(training, validation)
        finally:  # on Ctrl-C too: what was learnt up to then is a fitted model
            self._keep(net)

    def _train_once(self, plan, root, inputs, weight):
        """Pass once over row-aligned arrays, going on from the network there is."""
        if plan.checkpoint is not None:
            raise ValueError(
                "partial_fit keeps no checkpoint: set checkpoint=None, and save the model between "
                "calls."
            )
        net = self.net_ if hasattr(self, "net_") else self._make_net(plan, root)
        net.train_once(self._rows(inputs, weight, net.device), plan)
        self.best_epoch_ = len(self.history_) + 1
        self.history_ = [*self.history_, net.entries()[-1] | {"epoch": self.best_epoch_}]
        self.net_ = net

    def _keep(self, net):
        """Take over a trained network, unless it was stopped before its first epoch was over."""
        self.best_epoch_ = net.best_epoch_
        if self.best_epoch_ == 0:
            return
        self.history_ = net.entries()
        self.net_ = net

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def _restore_net(self, name, tensors):
        """Rebuild the network of an attribute around the tensors that a model file has of it."""
        from skjetsim._persistence._networks import load_weights

        net = self._untrained_net(name)
        net.initialize()
        load_weights(net.module_, tensors, name)
        setattr(self, name, net)

    def _untrained_net(self, name):
        """The network of an attribute with weights to be replaced; who has several overrides it."""
        from skjetsim._nn import TrainingPlan

        if name != "net_":
            raise ValueError(f"a {type(self).__name__} has no network {name!r}.")
        return self._make_net(TrainingPlan(), as_seed_sequence(0))

    @staticmethod
    def _rows(inputs, weight, device):
        """Training data of arrays: numbers in single precision, integers and bools as such."""
        import torch

        from skjetsim._nn import Rows

        def tensor(array):
            kind = np.asarray(array).dtype.kind
            dtype = {"b": torch.bool, "i": torch.int64, "u": torch.int64}.get(kind, torch.float32)
            return torch.as_tensor(array, dtype=dtype, device=device)

        return Rows(
            tuple(tensor(array) for array in inputs),
            None if weight is None else torch.as_tensor(weight, dtype=torch.float32, device=device),
        )

    def _split(self, inputs, weight, root, device):
        import torch

        rows = self._rows(inputs, weight, device)
        n_valid = min(int(self.validation_fraction * len(rows)), self._most_validation_rows)
        if n_valid == 0:
            return rows, None
        order = torch.as_tensor(numpy_rng(root, SPLIT).permutation(len(rows)))
        order = order.to(device)
        return rows.rows(order[n_valid:]), rows.rows(order[:n_valid])

    def _chunk_rows(self):
        """Rows that the network sees at once when it draws, by the memory that they take."""
        return CHUNK_ROWS

    def _draw(self, n_rows, n_columns, random_state, rows=None, draw=None):
        """Draw `n_rows` events in chunks, on the estimator's threads.

        `rows` are what events are conditioned on, one for each; `draw(chunk)`, by default
        `_draw_chunk`, makes the events of a chunk.
        """
        return draw_in_chunks(
            draw or self._draw_chunk,
            n_rows,
            n_columns=n_columns,
            random_state=random_state,
            inputs=rows,
            n_jobs=self.n_jobs,
            chunk_rows=self.chunk_rows_,
        )

    def _draw_chunk(self, chunk):
        """Events of a chunk: noise that the network takes to events."""
        return self._from_noise(
            chunk.normal(self.encoder_.n_outputs_), chunk.inputs, self._drawn_by()
        )

    def _from_noise(self, noise, rows=None, function="from_base"):
        """Events that a method of the module makes of noise given `rows`, in their own units."""
        if self.net_ is None:  # no column varies
            return self._decode(np.zeros((len(noise), 0)), rows)
        inputs = self._module_call(function, noise, *self._given(rows))
        return self._decode(inputs, rows)

    def _decode(self, inputs, rows):
        """Events, in their own units, of what the network gives for `rows`."""
        return self.encoder_.decode(inputs)

    def _drawn_by(self):
        """Name of the module's method that takes noise to network inputs when events are drawn."""
        return "from_base"

    def _given(self, rows):
        """Further arguments of such a method: the encoded condition, if there is one."""
        return ()

    def _table_log_density(self, table, *given):
        """Log-density of each row in its own units, given network inputs."""
        self.encoder_.check(table)

        def log_prob(inputs, rows):
            return self._module_call("log_prob", inputs, *(array[rows] for array in given))

        return self.encoder_.log_density(table, log_prob)

    def _module_call(self, function, *arrays):
        """Run a method of the module on float64 arrays, as float32 on its device.

        The module sees chunks, the last one padded to the next power of two: the memory that it
        takes is bounded.
        """
        import torch

        call = getattr(self.net_.module_, function)
        arrays = [np.asarray(array) for array in arrays if array is not None]
        chunk_rows, parts = self.chunk_rows_, []
        with torch.inference_mode():
            for start in range(0, len(arrays[0]), chunk_rows):
                rows = [array[start : start + chunk_rows] for array in arrays]
                height = chunk_height(len(rows[0]), chunk_rows)
                tensors = [
                    torch.from_numpy(np.array(padded_rows(array, height), dtype=np.float32)).to(
                        self.net_.device  # a copy: rows of users may be read-only
                    )
                    for array in rows
                ]
                parts.append(call(*tensors).double().cpu().numpy()[: len(rows[0])])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

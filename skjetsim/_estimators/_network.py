"""What every estimator with a network shares: checked parameters, training, calls in chunks."""

import numbers
import sys

import numpy as np

from skjetsim._drawing._chunked import CHUNK_ROWS, chunk_height, draw_in_chunks, padded_rows
from skjetsim.utils._parameters import check_fraction, check_positive
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng, torch_generator
from skjetsim.utils._validation import check_int, check_option
from skjetsim.utils._with_parameters import with_parameters

# Branches of the constructor's random_state.
SPLIT, WEIGHTS, SHUFFLE = range(3)


@with_parameters
class NetworkEstimator:
    """Estimator that owns a network, `net_`.

    A subclass adds its own parameters as annotated fields, under the decorator `with_parameters`.
    Its `fit` learns encoders and calls `_fit_network`, its `_make_network` returns the network. It
    draws by `_draw_chunk`. CONTRIBUTING, "How to add a model", has an example.

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
        Called during the training: loggers, further schedules, other rules to stop. A model file
        does not keep them, and `save` says so.
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

    def _training_plan(self, n_rows, n_columns):
        """Checked parameters of the training, on `n_columns` of events and conditions together."""
        from skjetsim._nn import SCHEDULES, TrainingPlan, likelihood_weight_decay

        if self.batch_size != "auto":
            check_int(self.batch_size, "batch_size")
        check_int(self.max_epochs, "max_epochs")
        if self.patience is not None:
            check_int(self.patience, "patience")
        check_positive(self.learning_rate, "learning_rate")
        weight_decay = self.weight_decay
        if weight_decay == "auto":
            weight_decay = likelihood_weight_decay(n_columns, n_rows)
        if not isinstance(weight_decay, numbers.Real) or not weight_decay >= 0:
            raise ValueError(f'weight_decay must be "auto" or a number >= 0, got {weight_decay!r}.')
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

    def _fit_network(self, data, weight=None, **settings):
        """Train a network: what the `fit` of most models ends with.

        Parameters
        ----------
        data : tuple of ndarray, or Draws
            Row-aligned arrays, of numbers or of integers such as classes, that the network's
            mini-batches have as `inputs`; or noise, for a network that learns from a function.
        weight : ndarray of shape (n_samples,) or None
        **settings
            Numbers, strings and tuples that `_make_network` builds the network from. They are of
            the fit: parameters set afterwards belong to the next one, not to a saved network.

        Returns
        -------
        self
        """
        n_rows, n_columns = _size(data)
        plan = self._training_plan(n_rows, n_columns)
        self._forget_fit()
        self._architecture = settings
        if not n_columns:  # no column varies: events are what they were
            self.net_ = None
            return self
        self._train(plan, as_seed_sequence(self.random_state), data, weight)
        return self

    def _make_net(self, plan, root):
        from skjetsim._nn import PrivateRandom, TrainingNet, resolve_device

        with PrivateRandom(torch_generator(root, WEIGHTS)):
            network = self._make_network(**self._architecture)
        return TrainingNet(
            network,
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
        """Train on row-aligned arrays, or on `Draws`."""
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
        from skjetsim._nn import Rows

        return Rows(
            tuple(as_tensor(array, device) for array in inputs),
            None if weight is None else as_tensor(weight, device),
        )

    def _split(self, inputs, weight, root, device):
        """Training data, and what is held back for validation."""
        import torch

        if not isinstance(inputs, tuple):  # noise is as good for the one as for the other
            return inputs, inputs if self.validation_fraction else None
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

    def _draw_events(self, n_samples, random_state):
        return self._draw(n_samples, self.n_features_in_, random_state)

    def _draw_targets(self, rows, n_samples, random_state):
        rows = np.repeat(rows, n_samples or 1, axis=0)
        return self._draw(len(rows), self.n_targets_, random_state, rows)

    def _draw_chunk(self, chunk):
        """Events of a chunk: noise that the network takes to events."""
        return self._from_noise(chunk.normal(self._n_noise()), chunk.inputs, self._drawn_by())

    def _n_noise(self):
        """Columns of the noise that an event is drawn from."""
        return self.encoder_.n_outputs_

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

    def _n_given(self):
        """Columns of the encoded condition."""
        return self.condition_encoder_.n_outputs_ if hasattr(self, "condition_encoder_") else 0

    def _table_log_density(self, table, *given):
        """Log-density of each row in its own units, given network inputs."""
        self.encoder_.check(table)

        def log_prob(inputs, rows):
            return self._module_call("log_prob", inputs, *(array[rows] for array in given))

        return self.encoder_.log_density(table, log_prob)

    def _module_call(self, function, *arrays):
        """Run a method of the network on arrays, chunk by chunk, on its device.

        The network sees full chunks, the last one padded to the next power of two: the memory that
        it takes is bounded.

        Returns
        -------
        ndarray of float64 or bool, or a tuple of them if the method returns several
        """
        import torch

        call = getattr(self.net_.module_, function)
        arrays = [np.asarray(array) for array in arrays if array is not None]
        chunk_rows, parts = self.chunk_rows_, []
        with torch.inference_mode():
            for start in range(0, len(arrays[0]), chunk_rows):
                rows = [array[start : start + chunk_rows] for array in arrays]
                n_rows = len(rows[0])
                height = chunk_height(n_rows, chunk_rows)
                given = call(*(as_tensor(padded_rows(r, height), self.net_.device) for r in rows))
                several = isinstance(given, tuple)
                parts.append([_as_array(g)[:n_rows] for g in (given if several else (given,))])
        joined = [
            column[0] if len(column) == 1 else np.concatenate(column)
            for column in zip(*parts, strict=True)
        ]
        return tuple(joined) if several else joined[0]


def _size(data):
    """Rows of training data, and columns of all arrays together."""
    if isinstance(data, tuple):
        return len(data[0]), sum(array[:1].size for array in data)
    return data.n_rows, data.n_columns


def as_tensor(array, device):
    """Copy of an array as networks take it: single precision, integers and bools as such."""
    import torch

    array = np.asarray(array)
    dtype = {"b": np.bool_, "i": np.int64, "u": np.int64}.get(array.dtype.kind, np.float32)
    return torch.from_numpy(np.array(array, dtype=dtype)).to(device)


def _as_array(tensor):
    array = tensor.cpu().numpy()
    return array if array.dtype == np.bool_ else array.astype(np.float64)

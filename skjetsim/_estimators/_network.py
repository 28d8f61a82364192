"""Base class of estimators with a network: checked parameters, training, calls in chunks."""

import numbers
import sys

import numpy as np

from skjetsim._drawing._chunked import CHUNK_ROWS, chunk_height, draw_in_chunks, padded_rows
from skjetsim._estimators._warm_start import Earlier, gives_back, load_earlier, same_architecture
from skjetsim.utils._parameters import check_fraction, check_positive
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng, torch_generator
from skjetsim.utils._threads import map_threads
from skjetsim.utils._validation import check_int, check_n_jobs, check_option
from skjetsim.utils._with_parameters import with_parameters

# Branches of the constructor's random_state.
SPLIT, WEIGHTS, SHUFFLE = range(3)


@with_parameters
class NetworkEstimator:
    """Estimator that owns a network, `net_`.

    A subclass adds its own parameters as annotated fields, under the decorator `with_parameters`.
    Its `fit` learns encoders and calls `_fit_network`. Its `_make_network` returns the network, and
    its `_draw_chunk` draws events. CONTRIBUTING, "How to add a model", has an example.

    Parameters
    ----------
    learning_rate : float
        Largest learning rate of AdamW.
    batch_size : int or "auto"
        Rows of a training step. "auto" makes about 64 steps per epoch, of 64 to 2048 rows. Sampling
        does not depend on it.
    max_epochs : int
        Passes over the events.
    weight_decay : float or "auto"
        Decay of AdamW, times the learning rate. It is a prior on the weights: without it, a network
        of this size memorises the noise of 10,000 events within ten epochs. "auto" is 2 if events
        and conditions together have six columns or more. It is less for fewer columns, and 0.1 for
        two. Above 50,000 events it falls with the square root of their number.
    schedule : {"cosine", "constant", "inverse_epoch"}
        With "cosine" the learning rate falls to zero over `max_epochs`. With "inverse_epoch" it is
        divided by the number of the epoch.
    gradient_clip : float or None
        Largest norm of the gradient.
    ema_decay : float or None
        Keep a running average of the weights with this decay per step.
    validation_fraction : float
        Fraction of the events that is held back to choose the best epoch. 0 keeps the last epoch.
    patience : int or None
        Stop after this many epochs without a better validation loss.
    warm_start : bool
        `fit` goes on from the present weights, if there are any, with a new schedule of the
        learning rate. `history_` grows, and the best of the new epochs is kept. Columns are scaled
        anew. Parameters of the network must be those of the fit before. If such a `fit` fails, the
        estimator stays as it was before.
    callbacks : list of skorch.callbacks.Callback or None
        Called during the training: loggers, further schedules, other rules to stop. A model file
        does not keep them, and `save` says so.
    checkpoint : str or None
        File that is written after each epoch. A killed `fit` with the same data and parameters
        resumes from it, to the same result. A larger `max_epochs` goes on from it. It needs a
        `random_state`.
    device : str
        "auto" takes CUDA if it is available in `fit`.
    n_jobs : int or None
        Number of threads that sample. The events do not depend on it.
    random_state : int, RandomState, Generator or None
        Seed of `fit`, and of the noise in `transform`, `inverse_transform` and `score`. The same
        seed gives the same fit on the same machine with the same number of torch's threads. With
        another number the last digits differ. Draws and scores of a fit do not depend on it.
    verbose : int
        1 shows a progress bar, and says how the training ended.
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
    warm_start: bool = False
    callbacks: list | None = None
    checkpoint: str | None = None
    device: str = "auto"
    n_jobs: int | None = None
    random_state: int | np.random.RandomState | np.random.Generator | None = None
    verbose: int = 0

    _most_validation_rows = sys.maxsize
    _earlier = None  # the fit that this one goes on from
    outliers_ = None  # density of mismeasured events, which are then not those of the network

    def __init_subclass__(cls, **settings):
        super().__init_subclass__(**settings)
        if "fit" in vars(cls):
            cls.fit = gives_back(cls.fit)

    def _training_plan(self, n_rows, n_columns):
        """Checked parameters of the training; `n_columns` counts events and conditions together."""
        self._announce_torch()
        from skjetsim._nn import SCHEDULES, TrainingPlan, likelihood_weight_decay

        if self.batch_size == "auto":
            batch_size = self._auto_batch(n_rows)
        else:
            batch_size = check_int(self.batch_size, "batch_size")
        weight_decay = self.weight_decay
        if weight_decay == "auto":
            weight_decay = likelihood_weight_decay(n_columns, n_rows)
        if not isinstance(weight_decay, numbers.Real) or not weight_decay >= 0:
            raise ValueError(f'weight_decay must be "auto" or a number >= 0, got {weight_decay!r}.')
        check_option(self.schedule, "schedule", SCHEDULES)
        check_fraction(self.validation_fraction, "validation_fraction")
        check_n_jobs(self.n_jobs)
        if self.checkpoint is not None and self.random_state is None:
            raise ValueError(
                f"checkpoint={self.checkpoint!r} needs an int as random_state: with None each fit "
                "is different, and none would resume from the file."
            )
        return TrainingPlan(
            batch_size=batch_size,
            max_epochs=check_int(self.max_epochs, "max_epochs"),
            learning_rate=check_positive(self.learning_rate, "learning_rate"),
            weight_decay=weight_decay,
            schedule=self.schedule,
            gradient_clip=_unless_none(check_positive, self.gradient_clip, "gradient_clip"),
            patience=_unless_none(check_int, self.patience, "patience"),
            ema_decay=_unless_none(check_fraction, self.ema_decay, "ema_decay"),
            checkpoint=self.checkpoint,
            callbacks=() if self.callbacks is None else self.callbacks,
            verbose=bool(self.verbose),
        )

    def _announce_torch(self):
        """Say that torch is loaded, which takes a while, if the user wants to know."""
        if self.verbose and "torch" not in sys.modules:
            print("Loading torch, once in each process ...", flush=True)

    @staticmethod
    def _auto_batch(n_rows):
        """About 64 steps per epoch: large batches are fast, but few steps learn little."""
        return int(np.clip(n_rows // 64, 64, 2048))

    def _fit_network(self, data, weight=None, **settings):
        """Train a network. The `fit` of most models ends with it.

        Parameters
        ----------
        data : tuple of ndarray, or Draws
            Row-aligned arrays, which become the `inputs` of mini-batches. Integers, such as
            classes, stay integers. `Draws` are for a network that learns from a function.
        weight : ndarray of shape (n_samples,) or None
        **settings
            Numbers, strings and tuples that `_make_network` builds the network from. They belong to
            this fit: parameters that are set later do not change a saved network.

        Returns
        -------
        self
        """
        n_rows, n_columns = _size(data)
        plan = self._training_plan(n_rows, n_columns)
        self._forget_fit()
        self._set_architecture(settings)
        if not n_columns:  # no column varies: all events are alike
            self.net_ = None
            return self
        self._train(plan, as_seed_sequence(self.random_state), data, weight)
        return self

    def _make_net(self, plan, root):
        from skjetsim._nn import PrivateRandom, TrainingNet, resolve_device

        with PrivateRandom(torch_generator(root, WEIGHTS)):
            network = self._make_network(**self._architecture)
        if self._earlier is not None:
            load_earlier(network, self._earlier)
        return TrainingNet(
            network,
            plan=plan,
            generator=torch_generator(root, SHUFFLE),
            device=resolve_device(self.device),
        )

    @property
    def n_epochs_(self):
        """Number of epochs of the training."""
        return len(self.history_)

    def _set_architecture(self, settings):
        """Keep the settings of the network; with `warm_start` those of the fit before."""
        if self._earlier is None:
            self._architecture = settings
            return
        parameters = self.get_params(deep=False)
        self._architecture = same_architecture(self._earlier.architecture, settings, parameters)

    def _forget_fit(self, go_on=True):
        """Drop the network of an earlier fit, or keep it aside if this fit goes on from it."""
        vars(self).pop("_earlier", None)
        if go_on and self.warm_start and getattr(self, "net_", None) is not None:
            reason = getattr(self, "stop_reason_", None)
            fit = (self.net_, self._architecture, self.history_, self.best_epoch_, reason)
            self._earlier = Earlier(*fit)
        self.history_, self.best_epoch_, self.stop_reason_ = [], 0, None
        self.chunk_rows_ = self._chunk_rows()
        vars(self).pop("net_", None)
        vars(self).pop("outliers_", None)

    def _learn_outliers(self, outliers, table, X, weight, far, rng=None):
        """Keep the mismeasured events that `outliers` has found, once the encoder is fitted."""
        if not far.any():
            return
        # They count, too: a drawn or scored event may be one of them.
        self.encoder_.extend(table)
        self.encoder_.extend_reach(table)
        inputs = self.encoder_.encode(table, rng)
        self.outliers_ = outliers.fit(inputs, X, weight, far, self.encoder_)

    def _train(self, plan, root, inputs, weight):
        """Train on row-aligned arrays, or on `Draws`."""
        net = self._make_net(plan, root)
        training, validation = self._split(inputs, weight, root, net.device)
        try:
            net.fit(training, validation)
        finally:  # on Ctrl-C too: the best epoch so far is a fitted model
            self._keep(net)

    def _train_once(self, plan, root, inputs, weight):
        """Pass once over row-aligned arrays, and continue with the present network if any."""
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
        """Keep a trained network, unless it was stopped in its first epoch."""
        earlier = vars(self).pop("_earlier", None)
        if net.best_epoch_ == 0:
            return
        before = [] if earlier is None else earlier.history
        self.history_ = before + [
            epoch | {"epoch": len(before) + epoch["epoch"]} for epoch in net.entries()
        ]
        self.best_epoch_, self.stop_reason_ = len(before) + net.best_epoch_, net.stop_reason_
        self.net_ = net

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def _restore_net(self, name, tensors):
        """Rebuild the network of an attribute from its tensors in a model file."""
        from skjetsim._persistence._networks import load_weights

        net = self._untrained_net(name)
        net.initialize()
        load_weights(net.module_, tensors, name)
        setattr(self, name, net)

    def _untrained_net(self, name):
        """Untrained network of an attribute. Estimators with several networks override it."""
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
        """Training and validation data."""
        if not isinstance(inputs, tuple):  # noise serves both
            return inputs, inputs if self.validation_fraction else None
        rows = self._rows(inputs, weight, device)
        n_valid = min(int(self.validation_fraction * len(rows)), self._most_validation_rows)
        if n_valid == 0:
            return rows, None
        order = as_tensor(numpy_rng(root, SPLIT).permutation(len(rows)), device)
        return rows.rows(order[n_valid:]), rows.rows(order[:n_valid])

    def _chunk_rows(self):
        """Rows that the network sees at once when it draws. They bound the memory."""
        return CHUNK_ROWS

    def _draw(self, n_rows, n_columns, random_state, rows=None, draw=None):
        """Draw `n_rows` events in chunks, on the estimator's threads.

        `rows` hold the condition of each event. `draw(chunk)` makes the events of a chunk. It is
        `_draw_chunk` by default.
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
        """Events of a chunk, which the network makes from noise."""
        noise = chunk.normal(self._n_noise())
        if self.outliers_ is None:
            return self._from_noise(noise, chunk.inputs, self._drawn_by())
        inputs = self._module_call(self._drawn_by(), noise, *self._given(chunk.inputs))
        return self._decode(self.outliers_.mix(inputs, chunk, self.encoder_), chunk.inputs)

    def _n_noise(self):
        """Columns of noise per event."""
        return self.encoder_.n_outputs_

    def _from_noise(self, noise, rows=None, function="from_base"):
        """Events, in their own units, that a method of the module makes from noise given `rows`."""
        if self.net_ is None:  # no column varies
            return self._decode(np.zeros((len(noise), 0)), rows)
        inputs = self._module_call(function, noise, *self._given(rows))
        return self._decode(inputs, rows)

    def _decode(self, inputs, rows):
        """Events, in their own units, from the network's outputs for `rows`."""
        return self.encoder_.decode(inputs)

    def _drawn_by(self):
        """Name of the module's method that makes encoded events from noise."""
        return "from_base"

    def _given(self, rows):
        """Arguments of that method after the noise: the encoded condition, if there is one."""
        return ()

    def _n_given(self):
        """Columns of the encoded condition."""
        return self.condition_encoder_.n_outputs_ if hasattr(self, "condition_encoder_") else 0

    def _table_log_density(self, table, *given, X=None):
        """Log-density of each row in its own units, given the encoded condition.

        Mismeasured events also need the condition itself, X.
        """
        self.encoder_.check(table)
        outliers = self.outliers_
        basis = None if outliers is None else outliers.basis(table if X is None else X)

        def log_prob(inputs, rows):
            core = self._module_call("log_prob", inputs, *(array[rows] for array in given))
            if outliers is None:
                return core
            return outliers.log_mix(core, inputs, basis[rows], self.encoder_)

        return self.encoder_.log_density(table, log_prob)

    def _module_call(self, function, *arrays):
        """Run a method of the network on arrays, chunk by chunk, on its device.

        The network sees full chunks, so the memory is bounded. The last one is padded to the next
        power of two. Each chunk is computed on one thread, and several chunks at once.

        Returns
        -------
        ndarray of float64 or bool
            A tuple of arrays if the method returns a tuple.
        """
        import torch

        call = getattr(self.net_.module_, function)
        arrays = [np.asarray(array) for array in arrays if array is not None]
        chunk_rows = self.chunk_rows_

        def chunk(start):
            rows = [array[start : start + chunk_rows] for array in arrays]
            n_rows = len(rows[0])
            height = chunk_height(n_rows, chunk_rows)
            with torch.inference_mode():
                found = call(*(as_tensor(padded_rows(r, height), self.net_.device) for r in rows))
            several = found if isinstance(found, tuple) else (found,)
            return isinstance(found, tuple), [_as_array(f)[:n_rows] for f in several]

        parts = map_threads(chunk, range(0, len(arrays[0]), chunk_rows))
        joined = tuple(map(np.concatenate, zip(*(found for _, found in parts), strict=True)))
        return joined if parts[0][0] else joined[0]


def _unless_none(check, value, name):
    return None if value is None else check(value, name)


def _size(data):
    """Rows of training data, and columns of all arrays together."""
    if isinstance(data, tuple):
        return len(data[0]), sum(array[:1].size for array in data)
    return data.n_rows, data.n_columns


def as_tensor(array, device):
    """Tensor of a copied array: numbers in single precision, integers and bools as they are."""
    import torch

    array = np.asarray(array)
    dtype = {"b": np.bool_, "i": np.int64, "u": np.int64}.get(array.dtype.kind, np.float32)
    return torch.from_numpy(np.array(array, dtype=dtype)).to(device)


def _as_array(tensor):
    array = tensor.cpu().numpy()
    return array if array.dtype == np.bool_ else array.astype(np.float64)

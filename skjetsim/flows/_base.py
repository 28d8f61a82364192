"""What FlowGenerator and FlowSimulator share: column maps, training, chunked draws, densities."""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim._sampling import (
    CHUNK_ROWS,
    as_seed_sequence,
    draw_in_chunks,
    numpy_rng,
    padded_chunk,
    torch_generator,
)
from skjetsim._validation import check_int
from skjetsim.flows._columns import apply_maps, check_reach, invert_maps, learn_maps

# Branches of the constructor's random_state.
SPLIT, WEIGHTS, SHUFFLE = range(3)


class BaseFlow(BaseEstimator):
    """Parameters and machinery of the coupling-flow estimators."""

    def __init__(
        self,
        *,
        n_transforms=6,
        hidden_features=(128, 128),
        n_bins=8,
        learning_rate=4e-3,
        batch_size="auto",
        max_epochs=40,
        weight_decay=2.0,
        schedule="cosine",
        gradient_clip=5.0,
        ema_decay=None,
        validation_fraction=0.05,
        patience=None,
        checkpoint=None,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_transforms = n_transforms
        self.hidden_features = hidden_features
        self.n_bins = n_bins
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.gradient_clip = gradient_clip
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _training_plan(self, n_rows):
        from skjetsim._nn import TrainingPlan

        check_int(self.n_transforms, "n_transforms")
        check_int(self.n_bins, "n_bins", minimum=2)
        if isinstance(self.hidden_features, numbers.Number):
            raise TypeError(
                "hidden_features must be a sequence of widths, one a layer, got "
                f"{self.hidden_features!r}."
            )
        for width in self.hidden_features:
            check_int(width, "hidden_features")
        if self.batch_size != "auto":
            check_int(self.batch_size, "batch_size")
        check_int(self.max_epochs, "max_epochs")
        if self.patience is not None:
            check_int(self.patience, "patience")
        _check_positive(self.learning_rate, "learning_rate")
        if not isinstance(self.weight_decay, numbers.Real) or not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay!r}.")
        if self.gradient_clip is not None:
            _check_positive(self.gradient_clip, "gradient_clip")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f'schedule must be "cosine" or "constant", got {self.schedule!r}.')
        _check_fraction(self.validation_fraction, "validation_fraction")
        if self.ema_decay is not None:
            _check_fraction(self.ema_decay, "ema_decay")
        return TrainingPlan(
            batch_size=_auto_batch(n_rows) if self.batch_size == "auto" else self.batch_size,
            max_epochs=self.max_epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            gradient_clip=self.gradient_clip,
            patience=self.patience,
            ema_decay=self.ema_decay,
            checkpoint=self.checkpoint,
            verbose=bool(self.verbose),
        )

    def _build_module(self, generator):
        from skjetsim._nn import build_coupling_flow

        return build_coupling_flow(
            int(self.varying_.sum()),
            self._n_context(),
            generator=generator,
            **self._architecture,
        )

    def _n_context(self):
        return 0

    def _make_net(self, plan, root):
        from skjetsim._nn import TensorNet, resolve_device

        return TensorNet(
            self._build_module(torch_generator(root, WEIGHTS)),
            plan=plan,
            generator=torch_generator(root, SHUFFLE),
            device=resolve_device(self.device),
        )

    def _fit_flow(self, table, context, weight):
        """Learn the density of `table`; `context` holds network inputs, already mapped."""
        plan = self._training_plan(len(table))
        if len(table) < 2:
            raise ValueError(
                f"{type(self).__name__} needs two events of positive weight, got n_samples = "
                f"{len(table)}."
            )
        root = as_seed_sequence(self.random_state)
        self.constants_ = table[0].copy()
        self.varying_ = (table != table[0]).any(axis=0)
        self.history_, self.best_epoch_ = [], 0
        vars(self).pop("net_", None)  # of an earlier fit: from here on there is none
        # Of the fit: parameters set afterwards belong to the next one, not to a saved network.
        self._architecture = {
            "n_transforms": self.n_transforms,
            "hidden_features": tuple(self.hidden_features),
            "n_bins": self.n_bins,
        }
        if not self.varying_.any():
            self.net_ = None
            return
        varying = table[:, self.varying_]
        self.column_maps_ = learn_maps(varying, weight)
        mapped, _ = apply_maps(self.column_maps_, varying)
        net = self._make_net(plan, root)
        training, validation = self._split(mapped, context, weight, root, net.device)
        try:
            net.train(training, validation)
        finally:  # on Ctrl-C too: what was learnt up to then is a fitted model
            self._keep(net)

    def _keep(self, net):
        """Take over a trained network, unless it was stopped before its first epoch was over."""
        self.best_epoch_ = net.best_epoch_
        if self.best_epoch_ == 0:
            return
        self.history_ = [
            {key: value for key, value in epoch.items() if key != "batches"}
            for epoch in net.history.to_list()
        ]
        self.net_ = net

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def _restore_net(self, tensors):
        """Rebuild the network around saved tensors; the counterpart of saving its state."""
        from skjetsim._nn import TrainingPlan

        self.net_ = self._make_net(TrainingPlan(), as_seed_sequence(0))
        self.net_.initialize()
        self.net_.module_.load_state_dict(tensors)
        self.net_.module_.eval()

    def _split(self, mapped, context, weight, root, device):
        import torch

        from skjetsim._nn import TrainingSet

        def tensor(array):
            return torch.as_tensor(array, dtype=torch.float32, device=device)

        inputs = (tensor(mapped),) if context is None else (tensor(mapped), tensor(context))
        rows = TrainingSet(inputs, None if weight is None else tensor(weight))
        n_valid = int(self.validation_fraction * len(mapped))
        if n_valid == 0:
            return rows, None
        order = torch.as_tensor(numpy_rng(root, SPLIT).permutation(len(mapped)))
        order = order.to(device)
        return rows.rows(order[n_valid:]), rows.rows(order[:n_valid])

    def _module_call(self, function, *arrays):
        """Run a method of the module on float64 arrays, as float32 on its device.

        The module sees full chunks, the tail padded: the rounding of a row does not depend on how
        many come with it, nor does the memory it takes.
        """
        import torch

        call = getattr(self.net_.module_, function)
        arrays = [np.asarray(array) for array in arrays if array is not None]
        parts = []
        with torch.inference_mode():
            for start in range(0, len(arrays[0]), CHUNK_ROWS):
                rows = [array[start : start + CHUNK_ROWS] for array in arrays]
                tensors = [
                    torch.as_tensor(
                        padded_chunk(array), dtype=torch.float32, device=self.net_.device
                    )
                    for array in rows
                ]
                parts.append(call(*tensors).double().cpu().numpy()[: len(rows[0])])
        return np.concatenate(parts)

    def _from_base(self, z, context):
        """Latent points as events, constants filled in."""
        table = np.tile(self.constants_, (len(z), 1))
        if self.net_ is not None:
            table[:, self.varying_] = invert_maps(
                self.column_maps_, self._module_call("from_base", z, context)
            )
        return table

    def _draw(self, n_rows, random_state, inputs=None, to_context=None):
        """Draw `n_rows` events; `to_context` maps a chunk of `inputs` to network inputs."""
        import torch

        n_latent = int(self.varying_.sum())

        def draw(generator, chunk):
            z = torch.randn(CHUNK_ROWS, n_latent, generator=generator)
            return self._from_base(z, None if chunk is None else to_context(chunk))

        return draw_in_chunks(
            draw,
            n_rows,
            n_columns=len(self.varying_),
            random_state=random_state,
            inputs=inputs,
            n_jobs=self.n_jobs,
        )

    def _check_reach(self, table, names, what):
        if self.net_ is not None:
            names = np.asarray(names, dtype=object)[self.varying_]
            check_reach(table[:, self.varying_], self.column_maps_, names, what)

    def _log_density(self, table, context):
        """Log-density of each row in its own units.

        Columns that were constant in the fit carry no density: rows that differ from them have
        probability zero.
        """
        result = np.zeros(len(table))
        wrong = (table[:, ~self.varying_] != self.constants_[~self.varying_]).any(axis=1)
        if self.net_ is not None:
            mapped, result = apply_maps(self.column_maps_, table[:, self.varying_])
            result += self._module_call("log_prob", mapped, context)
        result[wrong] = -np.inf
        return result


def _auto_batch(n_rows):
    """Some 64 steps an epoch: large batches use the processor, but few steps learn little."""
    return int(np.clip(n_rows // 64, 64, 2048))


def _check_positive(value, name):
    if not isinstance(value, numbers.Real) or not value > 0:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")


def _check_fraction(value, name):
    if not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {value!r}.")

"""What FlowGenerator and FlowSimulator share: column maps, chunked draws, densities."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim._column_maps import apply_maps, check_reach, invert_maps, learn_maps
from skjetsim._network_estimator import NetworkEstimator, check_widths
from skjetsim._sampling import CHUNK_ROWS, as_seed_sequence, draw_in_chunks
from skjetsim._validation import check_int


class BaseFlow(NetworkEstimator, BaseEstimator):
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

    def _fit_flow(self, table, context, weight):
        """Learn the density of `table`; `context` holds network inputs, already mapped."""
        plan = self._training_plan(len(table))
        # Of the fit: parameters set afterwards belong to the next one, not to a saved network.
        self._architecture = {
            "n_transforms": check_int(self.n_transforms, "n_transforms"),
            "hidden_features": check_widths(self.hidden_features, "hidden_features"),
            "n_bins": check_int(self.n_bins, "n_bins", minimum=2),
        }
        if len(table) < 2:
            raise ValueError(
                f"{type(self).__name__} needs two events of positive weight, got n_samples = "
                f"{len(table)}."
            )
        self.constants_ = table[0].copy()
        self.varying_ = (table != table[0]).any(axis=0)
        self._forget_fit()
        if not self.varying_.any():
            self.net_ = None
            return
        varying = table[:, self.varying_]
        self.column_maps_ = learn_maps(varying, weight)
        mapped, _ = apply_maps(self.column_maps_, varying)
        inputs = (mapped,) if context is None else (mapped, context)
        self._train(plan, as_seed_sequence(self.random_state), inputs, weight)

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

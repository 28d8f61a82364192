"""What density models with a latent space share: column maps, chunked draws, densities."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import logsumexp

from skjetsim._drawing._chunked import CHUNK_ROWS, draw_in_chunks
from skjetsim._encoders._column_maps import (
    apply_maps,
    check_radians,
    check_reach,
    invert_maps,
    learn_maps,
)
from skjetsim._estimators._network import NetworkEstimator
from skjetsim.flows._cells import cell_points, lowest_cell_points
from skjetsim.utils._angles import is_angle
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng

# Branches of the constructor's random_state beside those of NetworkEstimator.
ORDERS, CELLS = 100, 101
CELL_POINTS = 16  # at which the density is averaged over a cell of integers
MANY_ROWS, FEW_VALUES = 500, 100  # where integers are probably counts, not measurements


class LatentModel(NetworkEstimator):
    """A network between the columns of events and as many standard normal ones.

    A subclass checks its parameters in `_settings(names, root)`, which returns what its module is
    built from, and builds it in `_build_module`. The module has `to_latent`, `from_base` and
    `log_prob`, each of a table and, where there is one, its context. Columns that never vary are
    kept aside: the module does not see them.
    """

    _learns = "X"  # how users call the table

    def _settings(self, names, root):
        """Return the module's settings, checked; `names` are those of the varying columns."""
        raise TypeError(f"{type(self).__name__} does not say what its network is built from.")

    def _circular(self, names):
        """Whether each column is an angle: those named so."""
        return [is_angle(str(name)) for name in names]

    def _n_context(self):
        return 0

    # Fitting.

    def _fit_density(self, table, context, names, weight):
        """Learn the density of `table`; `context` holds network inputs, already mapped."""
        plan = self._training_plan(len(table), self._auto_decay(table))
        root = as_seed_sequence(self.random_state)
        self._begin(table, names, weight, root)
        if self.varying_.any():
            inputs = self._network_inputs(table, names, context, root)
            self._train(plan, root, inputs, weight)

    def _fit_density_further(self, table, context, names, weight):
        """Pass once over more events; the first call learns the columns' maps, too."""
        plan = self._training_plan(len(table), self._auto_decay(table))
        root = as_seed_sequence(self.random_state)
        if not hasattr(self, "net_"):
            self._begin(table, names, weight, root)
        self._refuse_new_variation(table, names)
        if self.varying_.any():
            seen = len(self.history_)
            inputs = self._network_inputs(table, names, context, root, seen)
            self._train_once(plan, root, inputs, weight)
            least = table[:, self.varying_][:, self.integers_].min(axis=0)
            self.least_integers_ = np.minimum(self.least_integers_, least)

    def _auto_decay(self, table):
        from skjetsim._nn import likelihood_weight_decay

        n_columns = int((table != table[0]).any(axis=0).sum()) + self._n_context()
        return likelihood_weight_decay(n_columns, len(table))

    def _begin(self, table, names, weight, root):
        """Learn what is known of the columns before training."""
        if len(table) < 2:
            raise ValueError(
                f"{type(self).__name__} needs two events of positive weight, got n_samples = "
                f"{len(table)}."
            )
        self._forget_fit()
        self.constants_ = table[0].copy()
        self.varying_ = (table != table[0]).any(axis=0)
        if not self.varying_.any():
            self.net_ = None
            return
        varying = table[:, self.varying_]
        names = np.asarray(names, dtype=object)[self.varying_]
        # Of the fit: parameters set afterwards belong to the next one, not to a saved network.
        self._architecture = self._settings(list(names), root)
        circular = np.array(self._circular(names))
        self.integers_ = self._check_integers(varying, names, circular)
        self.least_integers_ = varying[:, self.integers_].min(axis=0)
        varying = self._spread(varying, numpy_rng(root, CELLS, 0))
        self.column_maps_ = learn_maps(varying, weight, circular)

    def _check_integers(self, table, names, circular):
        """Which of the varying columns are integers, by `integer_columns`."""
        if isinstance(self.integer_columns, str) or not np.iterable(self.integer_columns):
            raise TypeError(
                'integer_columns must be a sequence of names or positions, such as ("n_jets",), '
                f"got {self.integer_columns!r}."
            )
        known = {str(name): j for j, name in enumerate(names)}
        chosen = np.zeros(len(names), dtype=bool)
        for column in self.integer_columns:
            if str(column) not in known:
                if self._is_column(column):
                    continue  # it does not vary
                raise ValueError(
                    f"integer_columns names {column!r}, which is no column: {list(names)}."
                )
            chosen[known[str(column)]] = True
        if (chosen & circular).any():
            name = names[int(np.argmax(chosen & circular))]
            raise ValueError(f"integer_columns names {name!r}, which is an angle.")
        fractional = (table != np.floor(table)).any(axis=0)
        if len(table) >= MANY_ROWS:
            for j in np.flatnonzero(~chosen & ~fractional & ~circular):
                if len(np.unique(table[:, j])) <= FEW_VALUES:
                    warnings.warn(
                        f"Column {names[j]!r} holds integers only, on which a density of real "
                        f"numbers piles up. Name it in integer_columns=({names[j]!r},).",
                        UserWarning,
                        stacklevel=6,
                    )
        return chosen

    def _is_column(self, column):
        names = getattr(self, "target_names_in_", None)
        if names is None:
            names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        return str(column) in {str(name) for name in names}

    def _refuse_new_variation(self, table, names):
        new = (table != self.constants_).any(axis=0) & ~self.varying_
        if new.any():
            j = int(np.argmax(new))
            row = int(np.argmax(table[:, j] != self.constants_[j]))
            raise ValueError(
                f"Column {names[j]!r} was {self.constants_[j]:g} in every event of the first "
                f"partial_fit, and is {table[row, j]:g} in row {row}. Begin with events in which "
                "it varies."
            )

    def _spread(self, table, rng):
        """Integers as points of the cell [n, n + 1)."""
        if not self.integers_.any():
            return table
        table = table.copy()
        table[:, self.integers_] += rng.random((len(table), int(self.integers_.sum())))
        return table

    def _network_inputs(self, table, names, context, root, seen=0):
        varying, names = table[:, self.varying_], np.asarray(names, dtype=object)[self.varying_]
        angles = [knots is None for knots in self.column_maps_]
        check_radians(varying, angles, names, self._learns)
        _refuse_fractions(varying, names, self.integers_)
        varying = self._spread(varying, numpy_rng(root, CELLS, seen))
        mapped, _ = apply_maps(self.column_maps_, varying)
        return (mapped,) if context is None else (mapped, context)

    # Drawing, mapping, scoring.

    def _drawn_by(self):
        """Name of the module's method that takes noise to events when they are drawn."""
        return "from_base"

    def _from_base(self, z, context, function="from_base"):
        """Latent points as events, constants filled in."""
        table = np.tile(self.constants_, (len(z), 1))
        if self.net_ is not None:
            varying = invert_maps(self.column_maps_, self._module_call(function, z, context))
            counts = np.floor(varying[:, self.integers_])
            # The lowest cell has an edge, of which a smooth density keeps some on the far side;
            # `_table_log_density` counts it in.
            varying[:, self.integers_] = np.maximum(counts, self.least_integers_)
            table[:, self.varying_] = varying
        return table

    def _decode(self, inputs, table):
        """Events of what the network draws, given the `inputs` of a draw."""
        return table

    def _draw(self, n_rows, random_state, inputs=None, to_context=None):
        """Draw `n_rows` events; `to_context` maps a chunk of `inputs` to network inputs."""
        import torch

        n_latent, function = int(self.varying_.sum()), self._drawn_by()

        def draw(generator, chunk):
            z = torch.randn(CHUNK_ROWS, n_latent, generator=generator)
            context = None if chunk is None else to_context(chunk)
            return self._decode(chunk, self._from_base(z, context, function))

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

    def _to_latent(self, table):
        """Latent points; zero in constant columns, integers at the middle of their cell."""
        latent = np.zeros_like(table)
        if self.net_ is not None:
            varying = table[:, self.varying_] + 0.5 * self.integers_
            mapped, _ = apply_maps(self.column_maps_, varying)
            latent[:, self.varying_] = self._module_call("to_latent", mapped)
        return latent

    def _table_log_density(self, table, context):
        """Log-density of each row in its own units, probability in integer columns.

        Columns that were constant in the fit carry no density: rows that differ from them have
        probability zero, as have fractions in integer columns, and integers below the least of the
        fit, which are never drawn.
        """
        wrong = (table[:, ~self.varying_] != self.constants_[~self.varying_]).any(axis=1)
        result = np.zeros(len(table))
        if self.net_ is not None:
            varying = table[:, self.varying_]
            integers = varying[:, self.integers_]
            wrong |= (integers != np.floor(integers)).any(axis=1)
            wrong |= (integers < self.least_integers_).any(axis=1)
            result = self._log_mean_over_cells(varying, context)
        result[wrong] = -np.inf
        return result

    def _log_mean_over_cells(self, varying, context):
        """Log-density, averaged over the cell of the integers where there are some."""
        if not self.integers_.any():
            return self._log_density_at(varying, context)
        lowest = varying[:, self.integers_] == self.least_integers_
        on_edge = lowest.any(axis=1)
        result = np.empty(len(varying))
        for rows, n_points in ((~on_edge, CELL_POINTS), (on_edge, 2 * CELL_POINTS)):
            if rows.any():
                inputs = varying[rows], None if context is None else context[rows]
                result[rows] = self._log_mean_over_points(*inputs, lowest[rows], n_points)
        return result

    def _log_mean_over_points(self, varying, context, lowest, n_points):
        """`lowest` tells which integers are in the lowest cell, where drawn ones are lifted to."""
        points = cell_points(lowest.shape[1], n_points)
        maps = [self.column_maps_[j] for j in np.flatnonzero(self.integers_)]
        columns = zip(maps, self.least_integers_, points.T, strict=True)
        offsets, log_weights = np.moveaxis([lowest_cell_points(*each) for each in columns], 0, -1)
        parts = []
        for point, offset, log_weight in zip(points, offsets, log_weights, strict=True):
            shifted = varying.copy()
            shifted[:, self.integers_] += np.where(lowest, offset, point)
            density = self._log_density_at(shifted, context)
            parts.append(density + np.where(lowest, log_weight, 0.0).sum(axis=1))
        return logsumexp(parts, axis=0) - np.log(n_points)

    def _log_density_at(self, varying, context):
        mapped, log_slope = apply_maps(self.column_maps_, varying)
        return log_slope + self._module_call("log_prob", mapped, context)


def _refuse_fractions(table, names, integers):
    """Raise ValueError where a column of integers has a fraction."""
    fractions = (table != np.floor(table)) & integers
    if fractions.any():
        j = int(np.argmax(fractions.any(axis=0)))
        row = int(np.argmax(fractions[:, j]))
        raise ValueError(
            f"integer_columns names {names[j]!r}, but row {row} holds {table[row, j]:g}."
        )

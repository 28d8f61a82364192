"""How an OTUSSimulator learns: checked parameters, the layout of its maps, stages of training."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from sklearn.exceptions import NotFittedError

from skjetsim._angles import wrap_phi
from skjetsim._column_maps import check_radians, check_reach, check_spread, standardisation
from skjetsim._network_estimator import (
    SHUFFLE,
    SPLIT,
    WEIGHTS,
    NetworkEstimator,
)
from skjetsim._sampling import (
    CHUNK_ROWS,
    as_seed_sequence,
    draw_in_chunks,
    numpy_rng,
    torch_generator,
)
from skjetsim._validation import (
    check_option,
    check_same_events,
    check_sample_weight,
    column_names,
    validate_events,
    validate_target,
)
from skjetsim.transport._layout import Table, check_masses_used, check_on_shell, find_shells
from skjetsim.transport._scales import learn_scales
from skjetsim.transport._settings import ORDERS, OTUSSettings

TRAINED = ("both", "decoder", "encoder")
WEIGHTS_OF_LOSSES = (
    "data_weight",
    "latent_weight",
    "simulated_weight",
    "anchor_weight",
    "paired_weight",
)
OF_PLAN = ("max_epochs", "learning_rate", "batch_size", "schedule")
PRIOR_PLAN = {"batch_size": 512, "max_epochs": 20, "learning_rate": 2e-3, "gradient_clip": 5.0}
# Branch of the constructor's random_state beside those of NetworkEstimator.
STAGES = 200
LARGEST_BATCH = 4096


class OTUSFit(OTUSSettings, NetworkEstimator):
    """Fitting and moving of events for `OTUSSimulator`, which has the parameters."""

    @staticmethod
    def _auto_batch(n_rows):
        """Large batches: what is compared are distributions."""
        return int(np.clip(n_rows // 16, min(64, n_rows), LARGEST_BATCH))

    def _fit_maps(self, X, y, paired, sample_weight):
        names = column_names(X), column_names(y)
        theory, measured, weight = self._read(X, y, paired, sample_weight)
        mask = _check_mask(paired, len(theory), len(measured))
        tables = [
            self._table("X", theory, names[0], weight),
            self._table("y", measured, names[1], weight),
        ]
        check_masses_used(self.masses, tables)
        for table in tables:
            check_on_shell(table)
        self._forget_fit()
        stages, plans = self._stages(
            min(len(theory), len(measured)), max(map(len, (theory, measured)))
        )
        root = as_seed_sequence(self.random_state)
        self._architecture = self._lay_out(*tables, root)
        self.reach_ = [
            [standardisation(c, weight) if (c != c[0]).any() else None for c in table.values.T]
            for table in tables
        ]
        self.paired_ = False
        trained = {stage.train for stage in stages}
        self.trained_ = trained.pop() if len(trained) == 1 else "both"
        self._train_stages(tables, mask, weight, stages, plans, root)

    # Reading.

    def _read(self, X, y, paired, sample_weight):
        if paired is not None or sample_weight is not None:
            check_same_events(X, y, sample_weight)
        X = validate_events(self, X, reset=True, min_samples=2)
        y = validate_target(self, y, n_samples=None, reset=True)
        if len(y) < 2:
            raise ValueError(f"y has n_samples = {len(y)}: two events are the least to learn from.")
        if sample_weight is not None and len(X) != len(y):
            raise ValueError(
                f"sample_weight counts rows of both levels, but X has {len(X)} and y {len(y)}. "
                "Draw equally many of either by weight first."
            )
        return X, y, check_sample_weight(sample_weight, len(X))

    def _table(self, what, values, names, weight):
        named = names is not None
        if not named:
            letter = "x" if what == "X" else "y"
            names = [f"{letter}{i}" for i in range(values.shape[1])]
        check_reach(values, None, names, what)
        check_spread(values, weight, names, what)
        table = Table(what, values, names, weight, find_shells(self.masses, names, named, what))
        check_radians(values, table.angle, names, what)
        if not table.free:
            raise ValueError(
                f"{what} has n_features = {len(names)} but no column that varies: there is nothing "
                "to move."
            )
        return table

    # Parameters.

    def _stages(self, n_rows, n_longest):
        """Checked stages and the plans of their trainings."""
        plan = self._training_plan(n_longest)
        stages, plans = [], []
        for number, changes in enumerate(self._changes()):
            changes = dict(changes)
            unknown = set(changes) - {*WEIGHTS_OF_LOSSES, *OF_PLAN, "train"}
            if unknown:
                raise ValueError(
                    f"stages[{number}] has {sorted(unknown)[0]!r}, which no stage has; what may "
                    f"differ are {sorted([*WEIGHTS_OF_LOSSES, *OF_PLAN, 'train'])}."
                )
            stages.append(self._stage(changes))
            settings = {key: changes[key] for key in OF_PLAN if key in changes}
            plans.append(self._stage_plan(plan, settings, number))
            if plans[-1].batch_size > n_rows:
                raise ValueError(
                    f"batch_size={plans[-1].batch_size} is more than n_samples = {n_rows}, the "
                    "events of the smaller level: a batch has equally many of either. Lower it, or "
                    'set batch_size="auto".'
                )
        return stages, plans

    def _changes(self):
        if self.stages is None:
            return [{}]
        if isinstance(self.stages, Mapping) or not all(
            isinstance(changes, Mapping) for changes in self.stages
        ):
            raise TypeError(f"stages must be a sequence of dicts, got {self.stages!r}.")
        if not len(self.stages):
            raise ValueError("stages is empty: there is nothing to train. Use None for one stage.")
        return self.stages

    def _stage(self, changes):
        from skjetsim._nn import Stage

        weights = {name: changes.get(name, getattr(self, name)) for name in WEIGHTS_OF_LOSSES}
        for name, value in weights.items():
            if isinstance(value, bool) or not isinstance(value, numbers.Real) or not value >= 0:
                raise ValueError(f"{name} must be a number >= 0, got {value!r}.")
        train = changes.get("train", self.train)
        check_option(train, "train", TRAINED)
        return Stage(train=train, **{name: float(value) for name, value in weights.items()})

    def _stage_plan(self, plan, settings, number):
        """The plan of one stage: that of the constructor but for what the stage changes."""
        changed = type(self)(**self.get_params(deep=False) | settings)
        if settings.get("batch_size") == "auto":
            settings["batch_size"] = plan.batch_size
        changed._training_plan(1)  # its checks, and their messages
        checkpoint = plan.checkpoint
        if checkpoint is not None and self.stages is not None:
            checkpoint = f"{checkpoint}.{number}"
        return replace(plan, **settings, checkpoint=checkpoint)

    # Training.

    def _make_net(self, plan, root):
        from skjetsim._nn import OTUSNet, resolve_device

        return OTUSNet(
            self._build_module(torch_generator(root, WEIGHTS)),
            plan=plan,
            generator=torch_generator(root, SHUFFLE),
            device=resolve_device(self.device),
        )

    def _train_stages(self, tables, mask, weight, stages, plans, root):
        import torch

        net = self._make_net(plans[0], root)
        module = net.module
        theory, measured = (torch.tensor(table.values) for table in tables)
        for level, events in ((module.theory, theory), (module.measured, measured)):
            quantities = level.quantities(events).numpy()
            n_knots = level.knots.shape[1]
            level.set_scales(*learn_scales(quantities, level.scale, n_knots, weight))
        if module.prior is not None:
            self._train_prior(module, theory, weight, net.device, root)
        training, validation = self._split_levels(theory, measured, mask, weight, root, net.device)
        for number, (stage, plan) in enumerate(zip(stages, plans, strict=True)):
            module.stage = stage
            if number:
                net = type(net)(
                    module,
                    plan=plan,
                    generator=torch_generator(root, STAGES, number),
                    device=net.device,
                )
            try:
                net.train(training, validation)
            finally:  # on Ctrl-C too: what was learnt up to then is a fitted model
                self._keep_stage(net, number)

    def _keep_stage(self, net, number):
        before = self.history_
        self._keep(net)
        if self.best_epoch_ == 0:
            return
        self.history_ = before + [
            {"stage": number, **epoch} | ({} if rate is None else {"passing_rate": rate})
            for epoch, rate in zip(self.history_, net.passing_rates_, strict=False)
        ]

    def _train_prior(self, module, theory, weight, device, root):
        """Fit the density that the Kullback-Leibler divergence is from."""
        from skjetsim._nn import TensorNet, TrainingPlan, TrainingSet, likelihood_weight_decay

        free = self._architecture["encoder"].free
        columns = (theory[:, free].float() - module.prior_center.cpu()) / module.prior_scale.cpu()
        decay = likelihood_weight_decay(len(free), len(theory))
        net = TensorNet(
            module.prior,
            plan=TrainingPlan(**PRIOR_PLAN, weight_decay=decay),
            generator=torch_generator(root, ORDERS),
            device=device,
        )
        rows = self._training_set((columns,), weight, device)
        net.train(TrainingSet(rows.inputs, rows.weight))
        module.prior.requires_grad_(False)

    def _split_levels(self, theory, measured, mask, weight, root, device):
        """Training and validation events: a share of either level is held back."""
        import torch

        from skjetsim._nn import UnpairedSet

        def tensor(array):
            return torch.as_tensor(array).to(device, torch.float32)

        pairs = () if mask is None else (tensor(theory[mask]), tensor(measured[mask]))
        rng = numpy_rng(root, SPLIT)
        kept, held = [], []
        for level in (theory, measured):
            n_held = int(self.validation_fraction * len(level))
            order = torch.from_numpy(
                rng.permutation(len(level)) if n_held else np.arange(len(level))
            )
            held.append(order[:n_held])
            kept.append(order[n_held:])
        weights = [None if weight is None else torch.from_numpy(weight)[rows] for rows in kept]
        inputs = [tensor(level[rows]) for level, rows in zip((theory, measured), kept, strict=True)]
        training = UnpairedSet((*inputs, *pairs), weights=tuple(weights))
        if not min(map(len, held)):
            return training, None
        inputs = [tensor(level[rows]) for level, rows in zip((theory, measured), held, strict=True)]
        return training, UnpairedSet(tuple(inputs))

    # Moving events.

    def _require(self, name):
        """Raise where the map of this name was not trained."""
        if self.trained_ not in ("both", name):
            raise NotFittedError(
                f"This {type(self).__name__} was fitted with train={self.trained_!r}: it has no "
                f'{name}. Fit it with train="both".'
            )

    def _move(self, function, rows, random_state):
        import torch

        forward = function == "simulate"
        names = self._architecture["theory" if forward else "measured"]["names"]
        check_reach(rows, self.reach_[0 if forward else 1], names, "X" if forward else "y")
        layout = self._architecture["decoder" if forward else "encoder"]
        module = self.net_.module_
        n_noise = (module.decoder if forward else module.encoder).n_noise

        def draw(generator, chunk):
            noise = torch.randn(CHUNK_ROWS, n_noise, generator=generator)
            return _finish(self._module_call(function, chunk, noise), layout)

        return draw_in_chunks(
            draw,
            len(rows),
            n_columns=self.n_targets_ if forward else self.n_features_in_,
            random_state=random_state,
            inputs=rows,
            n_jobs=self.n_jobs,
        )


def _finish(rows, layout):
    """Constants, angles and energies in double precision; changes the rows."""
    for column, value in layout.constants.items():
        rows[:, column] = value
    angles = [i for i, angle in zip(layout.free, layout.angle, strict=True) if angle]
    rows[:, angles] = wrap_phi(rows[:, angles])
    for *momentum, energy, mass in layout.shells:
        rows[:, energy] = np.sqrt(np.square(rows[:, momentum]).sum(axis=1) + mass**2)
    return rows


def _check_mask(paired, n_theory, n_measured):
    """Return the mask of pairs as an array, None where there is no pair."""
    if paired is None:
        return None
    mask = np.asarray(paired)
    if n_theory != n_measured:
        raise ValueError(
            f"paired marks rows that are the same event in X and y, but X has {n_theory} rows and "
            f"y {n_measured}."
        )
    if mask.shape != (n_theory,):
        raise ValueError(
            f"paired has shape {mask.shape}, but there are {n_theory} rows: expected "
            f"({n_theory},), True where row i of X and y is the same event."
        )
    if mask.dtype != bool:
        raise ValueError(
            f"paired must be a mask of True and False, got values of type {mask.dtype}; of "
            "positions, make one by np.isin(np.arange(len(X)), positions)."
        )
    return mask if mask.any() else None

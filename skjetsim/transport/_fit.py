"""How an OTUSSimulator learns: checked parameters, the layout of its maps, stages of training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from sklearn.exceptions import NotFittedError

from skjetsim._encoders._column_checks import (
    check_radians,
    check_reach,
    check_spread,
    column_reach,
)
from skjetsim._estimators._network import SPLIT, NetworkEstimator
from skjetsim.base._checks import weighted_events
from skjetsim.transport._layout import Table, check_masses_used, check_on_shell, find_shells
from skjetsim.transport._scales import learn_scales
from skjetsim.transport._settings import ORDERS, OTUSSettings, check_weight
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng, torch_generator
from skjetsim.utils._validation import (
    check_option,
    check_same_events,
    check_sample_weight,
    column_names,
    validate_events,
    validate_target,
)
from skjetsim.utils._weighted import weighted_std

TRAINED = ("both", "decoder", "encoder")
WEIGHTS_OF_LOSSES = (
    "data_weight",
    "latent_weight",
    "simulated_weight",
    "anchor_weight",
    "paired_weight",
)
# Those that a stage has of its own, and those that change nothing.
NOT_OF_COURSE = (
    "stages",
    "random_state",
    "callbacks",
    "checkpoint",
    "device",
    "n_jobs",
    "verbose",
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
        theory, measured, mask, weight = self._read(X, y, paired, sample_weight)
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
        for number, stage in enumerate(stages):
            self._check_stage(stage, number, has_pairs=mask.any())
        self.reach_ = [_reach(table.values, weight) for table in tables]
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
        mask = _check_mask(paired, len(X), len(y))
        weight = check_sample_weight(sample_weight, len(X))
        if weight is not None:  # events of weight zero are never drawn: they set no scale either
            weight, X, y, mask = weighted_events(weight, X, y, mask)
            if len(X) < 2:
                raise ValueError(
                    f"{type(self).__name__} needs two events of positive weight, got n_samples = "
                    f"{len(X)}."
                )
        return X, y, mask, weight

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
        plan = self._training_plan(n_longest, self.n_features_in_ + self.n_targets_)
        auto = min(self._auto_batch(n_longest), n_rows)
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
            settings = {key: changes.get(key, getattr(self, key)) for key in OF_PLAN}
            plans.append(self._stage_plan(plan, settings, number, auto))
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
        if not isinstance(self.stages, (list, tuple)) or not all(
            isinstance(changes, Mapping) for changes in self.stages
        ):
            raise TypeError(f"stages must be a sequence of dicts, got {self.stages!r}.")
        if not len(self.stages):
            raise ValueError("stages is empty: there is nothing to train. Use None for one stage.")
        return self.stages

    def _stage(self, changes):
        from skjetsim._nn import Stage

        weights = {
            name: check_weight(changes.get(name, getattr(self, name)), name)
            for name in WEIGHTS_OF_LOSSES
        }
        train = changes.get("train", self.train)
        check_option(train, "train", TRAINED)
        return Stage(train=train, **weights)

    def _check_stage(self, stage, number, *, has_pairs):
        """Raise ValueError where a map that is trained has no loss."""
        if stage.anchor_weight and self.anchors is None and not self._architecture["shared"]:
            raise ValueError(
                f"anchor_weight={stage.anchor_weight:g} without anchors keeps the columns that X "
                "and y share, but they share none that varies: give anchors."
            )
        ours = {"encoder": ("latent_weight",), "decoder": ("simulated_weight",)}
        for trained in ours if stage.train == "both" else (stage.train,):
            weights = [*ours[trained], "anchor_weight"]
            if stage.train == "both":
                weights.append("data_weight")
            if has_pairs:
                weights.append("paired_weight")
            if not any(getattr(stage, name) for name in weights):
                where = "" if self.stages is None else f"stages[{number}]: "
                raise ValueError(
                    f"{where}train={stage.train!r} leaves the {trained} nothing to learn from: "
                    f"set one of {', '.join(weights)} above zero."
                )

    def _stage_plan(self, plan, settings, number, auto_batch):
        """The plan of one stage: that of the constructor but for what the stage changes."""
        changed = type(self)(**self.get_params(deep=False) | settings)
        changed._training_plan(1, 1)  # its checks, and their messages
        if settings["batch_size"] == "auto":
            settings["batch_size"] = auto_batch
        checkpoint = plan.checkpoint
        if checkpoint is not None and self.stages is not None:
            checkpoint = f"{checkpoint}.{number}"
        return replace(plan, **settings, checkpoint=checkpoint)

    # Training.

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
            course = f"{stage} {self._course()}"
            self._train_stage(net, number, training, validation, course)

    def _course(self):
        """What decides on all stages, as text: functions by name."""
        params = self.get_params(deep=False)
        for name in NOT_OF_COURSE:
            del params[name]
        return re.sub(r" at 0x[0-9a-fA-F]+", "", f"{params}")

    def _train_stage(self, net, number, training, validation, course):
        n_rows = min(net.plan.batch_size, *map(len, training.levels))
        net.plan = replace(net.plan, batch_size=n_rows, course=course)
        net.batch_size = n_rows
        learnt = {name: value.clone() for name, value in net.module.state_dict().items()}
        try:
            net.fit(training, validation)
        except Exception:
            self._forget_fit()
            raise
        except KeyboardInterrupt:  # what was learnt up to then is a fitted model
            if net.best_epoch_ == 0:
                net.module.load_state_dict(learnt)
            self._keep_stage(net, number)
            raise
        self._keep_stage(net, number)

    def _keep_stage(self, net, number):
        if net.best_epoch_ == 0:
            return
        before, trained = self.history_, net.module_.stage.train
        # What an earlier stage of this fit has trained is still there.
        self.trained_ = trained if not before or trained == self.trained_ else "both"
        self._keep(net)
        self.history_ = before + [{"stage": number, **epoch} for epoch in self.history_]

    def _train_prior(self, module, theory, weight, device, root):
        """Fit the density that the Kullback-Leibler divergence is from."""
        from skjetsim._nn import TrainingNet, TrainingPlan, likelihood_weight_decay

        free = self._architecture["encoder"].free
        columns = (theory[:, free].float() - module.prior_center.cpu()) / module.prior_scale.cpu()
        decay = likelihood_weight_decay(len(free), len(theory))
        net = TrainingNet(
            module.prior,
            plan=TrainingPlan(**PRIOR_PLAN, weight_decay=decay),
            generator=torch_generator(root, ORDERS),
            device=device,
        )
        net.fit(self._rows((columns,), weight, device))
        module.prior.requires_grad_(False)

    def _split_levels(self, theory, measured, mask, weight, root, device):
        """Training and validation events: a share of either level is held back."""
        import torch

        from skjetsim._nn import Unpaired

        def tensor(array):
            return torch.as_tensor(array).to(device, torch.float32)

        levels, rng = (theory, measured), numpy_rng(root, SPLIT)
        n_held = int(self.validation_fraction * min(map(len, levels)))
        kept, held = [], []
        for level in levels:
            order = rng.permutation(len(level)) if n_held else np.arange(len(level))
            held.append(order[:n_held])
            kept.append(order[n_held:])
        pairs = tuple(tensor(level[mask]) for level in levels) if mask.any() else ()
        weights = (None, None, None)
        if weight is not None:
            weights = tuple(torch.from_numpy(weight[rows]) for rows in (*kept, mask))
            if n_held:
                held = [
                    rng.choice(rows, n_held, p=weight[rows] / weight[rows].sum()) for rows in held
                ]
        training, validation = (
            tuple(tensor(level[rows]) for level, rows in zip(levels, chosen, strict=True))
            for chosen in (kept, held)
        )
        return Unpaired(training, pairs, weights), Unpaired(validation) if n_held else None

    # Moving events.

    def _require(self, name):
        """Raise where the map of this name was not trained."""
        if self.trained_ not in ("both", name):
            raise NotFittedError(
                f"This {type(self).__name__} was fitted with train={self.trained_!r}: it has no "
                f'{name}. Fit it with train="both".'
            )

    def _move(self, function, rows, random_state):

        forward = function == "simulate"
        names = self._architecture["theory" if forward else "measured"]["names"]
        check_reach(rows, self.reach_[0 if forward else 1], names, "X" if forward else "y")
        layout = self._architecture["decoder" if forward else "encoder"]
        module = self.net_.module_
        n_noise = (module.decoder if forward else module.encoder).n_noise

        def draw(chunk):
            drawn = self._module_call(function, chunk.inputs, chunk.normal(n_noise))
            return _finish(drawn, layout)

        n_columns = self.n_targets_ if forward else self.n_features_in_
        return self._draw(len(rows), n_columns, random_state, rows, draw)


def _reach(values, weight):
    constant = (values == values[0]).all(axis=0)
    return column_reach(
        np.average(values, axis=0, weights=weight), weighted_std(values, weight), constant
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
    """Return the mask of pairs as an array."""
    if paired is None:
        return np.zeros(n_theory, dtype=bool)
    mask = np.array(paired)
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
    return mask

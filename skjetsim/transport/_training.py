"""Training of the maps of an OTUSSimulator, in stages and on unpaired events."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from skjetsim import _nn
from skjetsim._estimators._network import SHUFFLE, SPLIT, as_tensor
from skjetsim.transport._scales import learn_scales
from skjetsim.transport._settings import ORDERS
from skjetsim.utils._parameters import check_positive, check_real
from skjetsim.utils._seeds import numpy_rng, torch_generator
from skjetsim.utils._validation import check_int, check_option

LOSS_WEIGHTS = (
    "data_weight",
    "latent_weight",
    "simulated_weight",
    "anchor_weight",
    "paired_weight",
)
OF_PLAN = ("max_epochs", "learning_rate", "batch_size", "schedule")
OF_STAGE = sorted([*LOSS_WEIGHTS, *OF_PLAN, "train"])
# Loss that trains only one map.
OWN_WEIGHTS = {"encoder": "latent_weight", "decoder": "simulated_weight"}
PRIOR_PLAN = {"batch_size": 512, "max_epochs": 20, "learning_rate": 2e-3, "gradient_clip": 5.0}
# Branch of the constructor's random_state, in addition to those of NetworkEstimator.
STAGES = 200


# Stages.


def read_stages(params, plan, n_rows, auto_batch):
    """Checked stages, and the plans of their trainings.

    Parameters
    ----------
    params : OTUSSimulator
    plan : TrainingPlan
        Plan of the estimator's own parameters.
    n_rows : int
        Number of events of the smaller level.
    auto_batch : int
        Batch size of "auto".

    Returns
    -------
    list of (Stage, TrainingPlan)
    """
    stages = []
    for number, changes in enumerate(_changes(params.stages)):
        unknown = sorted(set(changes) - set(OF_STAGE))
        if unknown:
            raise ValueError(
                f"stages[{number}] has {unknown[0]!r}, which a stage cannot change. It can change "
                f"{OF_STAGE}."
            )
        chosen = {name: changes.get(name, getattr(params, name)) for name in OF_STAGE}
        check_option(chosen["train"], "train", ("both", "decoder", "encoder"))
        weights = {name: check_real(chosen[name], name, minimum=0) for name in LOSS_WEIGHTS}
        settings = _checked_plan(chosen, n_rows, auto_batch)
        if plan.checkpoint is not None and params.stages is not None:
            settings["checkpoint"] = f"{plan.checkpoint}.{number}"
        stages.append((_nn.Stage(train=chosen["train"], **weights), replace(plan, **settings)))
    return stages


def _changes(stages):
    if stages is None:
        return [{}]
    if not isinstance(stages, (list, tuple)) or not all(isinstance(s, Mapping) for s in stages):
        raise TypeError(f"stages must be a sequence of dicts, got {stages!r}.")
    if not stages:
        raise ValueError("stages is empty: there is nothing to train. Use None for one stage.")
    return stages


def _checked_plan(chosen, n_rows, auto_batch):
    """Settings of the plan that a stage changes."""
    check_int(chosen["max_epochs"], "max_epochs")
    check_positive(chosen["learning_rate"], "learning_rate")
    check_option(chosen["schedule"], "schedule", _nn.SCHEDULES)
    batch_size = chosen["batch_size"]
    batch_size = auto_batch if batch_size == "auto" else check_int(batch_size, "batch_size")
    if batch_size > n_rows:
        raise ValueError(
            f"batch_size={batch_size} is more than n_samples = {n_rows}, the events of the smaller "
            "level, but a batch has equally many events of both levels. Lower it, or set "
            'batch_size="auto".'
        )
    return {name: chosen[name] for name in OF_PLAN} | {"batch_size": batch_size}


def check_losses(stages, settings, *, has_pairs, several):
    """Raise ValueError if a map that is trained has no loss.

    Parameters
    ----------
    stages : list of (Stage, TrainingPlan)
    settings : dict
        Settings of the network.
    has_pairs : bool
    several : bool
        Whether messages name the stage.
    """
    for number, (stage, _) in enumerate(stages):
        anchored = settings["losses"].anchors is not None or settings["shared"]
        if stage.anchor_weight and not anchored:
            raise ValueError(
                f"anchor_weight={stage.anchor_weight:g} without anchors keeps the columns that X "
                "and y share, but no shared column varies: give anchors."
            )
        for trained in OWN_WEIGHTS if stage.train == "both" else (stage.train,):
            names = [OWN_WEIGHTS[trained], "anchor_weight"]
            if stage.train == "both":
                names.append("data_weight")
            if has_pairs:
                names.append("paired_weight")
            if not any(getattr(stage, name) for name in names):
                where = f"stages[{number}]: " if several else ""
                raise ValueError(
                    f"{where}train={stage.train!r} leaves the {trained} nothing to learn from: "
                    f"set one of {', '.join(names)} above zero."
                )


# Training.


class StagedTraining:
    """Network and data of a fit, whose stages are trained one after another.

    Parameters
    ----------
    module : OTUS
        Its scales are learnt here, and its prior, if it has one.
    tables : (Table, Table)
        Events of both levels.
    mask : ndarray of bool
        Rows that are pairs.
    validation_fraction : float
    root : SeedSequence
    device : str
    """

    def __init__(self, module, tables, mask, *, validation_fraction, root, device):
        self.module, self.root, self.device = module, root, device
        levels = [torch.tensor(table.values) for table in tables]
        weight = tables[0].weight
        for level, events in zip((module.theory, module.measured), levels, strict=True):
            quantities = level.quantities(events).numpy()
            n_knots = level.knots.shape[1]
            level.set_scales(*learn_scales(quantities, level.scale, n_knots, weight))
        if module.prior is not None:
            self._train_prior(levels[0], weight)
        n_held = int(validation_fraction * min(map(len, levels)))
        self.training, self.validation = self._split(levels, mask, weight, n_held)

    def _train_prior(self, theory, weight):
        """Fit the density of X that the Kullback-Leibler divergence compares with."""
        module = self.module
        free = module.encoder.layout.free
        columns = (theory[:, free].float() - module.prior_center) / module.prior_scale
        plan = _nn.TrainingPlan(
            **PRIOR_PLAN, weight_decay=_nn.likelihood_weight_decay(len(free), len(theory))
        )
        generator = torch_generator(self.root, ORDERS)
        net = _nn.TrainingNet(module.prior, plan=plan, generator=generator, device=self.device)
        weight = None if weight is None else as_tensor(weight, self.device)
        net.fit(_nn.Rows((as_tensor(columns, self.device),), weight))
        module.prior.requires_grad_(False)

    def _split(self, levels, mask, weight, n_held):
        """Training data, and `n_held` events of each level for validation, or None."""
        rng = numpy_rng(self.root, SPLIT)
        orders = [rng.permutation(len(e)) if n_held else np.arange(len(e)) for e in levels]
        held, kept = [rows[:n_held] for rows in orders], [rows[n_held:] for rows in orders]
        weights = (None, None, None)
        if weight is not None:
            weights = tuple(torch.from_numpy(weight[rows]) for rows in (*kept, mask))
            if n_held:
                held = [
                    rng.choice(rows, n_held, p=weight[rows] / weight[rows].sum()) for rows in held
                ]

        def chosen(each):
            pairs = zip(levels, each, strict=True)
            return tuple(events[rows].to(self.device, torch.float32) for events, rows in pairs)

        pairs = chosen((mask, mask)) if mask.any() else ()
        training = _nn.Unpaired(chosen(kept), pairs, weights)
        return training, _nn.Unpaired(chosen(held)) if n_held else None

    def net(self, number, stage, plan, course):
        """Untrained net of a stage."""
        self.module.stage = stage
        n_rows = min(plan.batch_size, *map(len, self.training.levels))
        branch = (STAGES, number) if number else (SHUFFLE,)
        return _nn.TrainingNet(
            self.module,
            plan=replace(plan, batch_size=n_rows, course=f"{stage} {course}"),
            generator=torch_generator(self.root, *branch),
            device=self.device,
        )

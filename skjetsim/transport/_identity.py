"""Warning if maps that have been trained are farther from their goal than no map at all."""

from skjetsim._nn import TrainingWarning
from skjetsim.metrics import sliced_wasserstein_distance
from skjetsim.utils._tables import has_target_names
from skjetsim.utils._validation import counted
from skjetsim.utils._warnings import warn_user

N_COMPARED = 4096  # events
# Distances of so few events fluctuate by less, in standard deviations and in units of the distance.
MARGIN, FACTOR = 0.01, 1.2


def warn_if_worse(estimator, theory, measured, root):
    """Warn if simulated events are farther from y than those of X, or unfolded ones from X.

    Parameters
    ----------
    estimator : OTUSSimulator
        Fitted.
    theory, measured : Table
        Events of the fit.
    root : SeedSequence
        Seed of the noise.
    """
    encoder = estimator.trained_ == "encoder"
    source, target = (measured, theory) if encoder else (theory, measured)
    shared = _shared(estimator, source, target)
    if not shared:
        return
    events, truth = (_some(table) for table in (source, target))
    draw = estimator._draw_inverse if encoder else estimator._draw_targets
    moved = draw(events, None, root)
    own, others = (list(columns) for columns in zip(*shared, strict=True))
    n_rows = {"sample_weight": _weight(target, truth), "generated_weight": _weight(source, events)}

    def distance(rows):
        return sliced_wasserstein_distance(
            truth[:, others], rows, scale="std", random_state=0, **n_rows
        )

    with_map, without = distance(moved[:, others]), distance(events[:, own])
    if not with_map > FACTOR * without + MARGIN:
        return
    name, epochs = type(estimator).__name__, counted(estimator.n_epochs_, "epoch")
    what, goal, given = ("unfolds", "X", "y") if encoder else ("simulates", "y", "X")
    warn_user(
        f"After {epochs} the events that {name} {what} are "
        f"farther from {goal} than those of {given} are: the sliced Wasserstein distance is "
        f"{with_map:.2g} against {without:.2g} standard deviations. It needs more epochs, or maps "
        "that start at the identity (residual).",
        TrainingWarning,
    )


def _shared(estimator, source, target):
    """Pairs of the columns that both levels have, by name, or by position without names."""
    if not hasattr(estimator, "feature_names_in_") and not has_target_names(estimator):
        equal = len(source.names) == len(target.names)
        return [(i, i) for i in range(len(source.names)) if equal and target.varying[i]]
    return [
        (source.names.index(name), column)
        for column, name in enumerate(target.names)
        if name in source.names and target.varying[column]
    ]


def _some(table):
    return table.values[:N_COMPARED]


def _weight(table, rows):
    return None if table.weight is None else table.weight[: len(rows)]

"""What the network of FlowGenerator and FlowSimulator is built from."""

from __future__ import annotations

from skjetsim.flows._density import ORDERS
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import numpy_rng
from skjetsim.utils._validation import check_int, check_option

__all__ = ["circular_columns", "flow_settings"]

COLUMN_BIJECTIONS = ("rqs", "affine", "circular")
JOINT_BIJECTIONS = ("planar", "sylvester")


def flow_settings(model, names, root):
    """Checked keyword arguments of `Flow`, for the columns that vary.

    Parameters
    ----------
    model : FlowGenerator or FlowSimulator
        Its `encoder_` is fitted.
    names : list
        Of all columns.
    root : numpy.random.SeedSequence

    Returns
    -------
    dict
    """
    from skjetsim._nn import column_orders

    check_option(model.structure, "structure", ("coupling", "autoregressive"))
    check_option(model.permutation, "permutation", ("random", "reverse"))
    kinds = _kinds(model, names)
    if kinds is not None:
        kinds = [kind for kind, used in zip(kinds, model.encoder_.varying_, strict=True) if used]
    n_columns, n_transforms = (
        model.encoder_.n_outputs_,
        check_int(model.n_transforms, "n_transforms"),
    )
    rng = numpy_rng(root, ORDERS)
    return {
        "kinds": kinds,
        "mixing": model.bijection if kinds is None else model.structure,
        "orders": column_orders(n_columns, n_transforms, model.permutation, rng),
        "hidden_features": check_widths(model.hidden_features, "hidden_features"),
        "n_bins": check_int(model.n_bins, "n_bins", minimum=2),
    }


def circular_columns(model, names):
    """Whether each column moves on a circle."""
    kinds = _kinds(model, names)
    return [False] * len(names) if kinds is None else [kind == "circular" for kind in kinds]


def _kinds(model, names):
    """Bijection of each column, None if all columns move together."""
    bijection = model.bijection
    if isinstance(bijection, dict):
        return _kinds_by_name(bijection, names)
    check_option(bijection, "bijection", COLUMN_BIJECTIONS + JOINT_BIJECTIONS)
    if bijection in JOINT_BIJECTIONS:
        if model.structure != "coupling":
            raise ValueError(
                f"bijection={bijection!r} moves all columns together and has no "
                f'structure: leave it at "coupling", got {model.structure!r}.'
            )
        return None
    return ["circular" if is_angle(str(name)) else bijection for name in names]


def _kinds_by_name(bijection, names):
    kinds = {str(name): "circular" if is_angle(str(name)) else "rqs" for name in names}
    for column, kind in bijection.items():
        check_option(kind, f"bijection[{column!r}]", COLUMN_BIJECTIONS)
        if str(column) not in kinds:
            raise ValueError(f"bijection names {column!r}, which is not a column: {list(names)}.")
        kinds[str(column)] = kind
    return list(kinds.values())

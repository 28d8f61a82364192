"""Settings of the maps of an OTUSSimulator: checked parameters, and what columns they are for."""

from dataclasses import replace

import torch

from skjetsim import _nn
from skjetsim.transport._layout import (
    check_per_object,
    check_residual,
    find_anchors,
    find_steps,
    find_thresholds,
    shared_columns,
)
from skjetsim.utils._event_columns import split_name
from skjetsim.utils._parameters import check_real, check_widths
from skjetsim.utils._seeds import numpy_rng
from skjetsim.utils._validation import check_int, check_option, counted

LATENT_LOSSES = ("sliced_wasserstein", "mmd", "kl")
PRIOR = {"hidden_features": (64, 64), "n_bins": 8}
# Branch of the constructor's random_state, in addition to those of NetworkEstimator.
ORDERS = 100


def lay_out(params, theory, measured, root):
    """Settings that the network is built from; they are kept with the fit.

    Parameters
    ----------
    params : OTUSSimulator
    theory, measured : Table
    root : SeedSequence

    Returns
    -------
    dict
    """
    tables = theory, measured
    check_option(params.noise, "noise", _nn.NOISES)
    check_option(params.scale, "scale", ("standard", "normal"))
    check_option(params.activation, "activation", ("relu", "silu"))
    check_residual(params.residual, tables)
    check_per_object(params.per_object, tables)
    decoder = _map_layout(params.residual, theory, measured)
    encoder = _map_layout(params.residual, measured, theory)
    return {
        "theory": _level(params, theory, params.theory_observables),
        "measured": _level(params, measured, params.target_observables),
        "encoder": encoder,
        "decoder": decoder,
        "n_noise": None if params.n_noise is None else check_int(params.n_noise, "n_noise"),
        "per_object": params.per_object,
        "network": {
            "noise": params.noise,
            "hidden_features": check_widths(params.hidden_features, "hidden_features"),
            "n_blocks": check_int(params.n_blocks, "n_blocks", minimum=0),
            "activation": params.activation,
        },
        "losses": _losses(params, tables),
        "shared": shared_columns(theory, measured, decoder),
        "prior": _prior(params, theory, root),
    }


def course(settings):
    """Settings that a training depends on, in addition to its data, plan and weights, as text.

    It does not contain the observables: the scales depend on them, and are kept with the weights.
    """
    losses, anchors = settings["losses"], settings["losses"].anchors
    if callable(anchors):
        name = getattr(anchors, "__qualname__", type(anchors).__qualname__)
        losses = replace(losses, anchors=name)
    return repr(settings | {"theory": None, "measured": None, "losses": losses})


def _map_layout(residual, source, target):
    step, partner = find_steps(residual, source, target)
    free = target.free
    return _nn.MapLayout(
        free=free,
        center=[float(target.center[i]) if partner[i] is None else 0.0 for i in free],
        step=step[free].tolist(),
        partner=[partner[i] for i in free],
        angle=[target.angle[i] for i in free],
        shells=target.shells,
        constants=target.constants,
    )


def _level(params, table, observables):
    settings = {
        "names": list(table.names),
        "angle": list(table.angle),
        "varying": table.varying.tolist(),
        "observables": (*_callables(params.observables), *_callables(observables)),
        "scale": params.scale,
    }
    settings["n_observed"] = _observe(_nn.Level(**settings), table).shape[1]
    return settings


def _losses(params, tables):
    check_option(params.latent_loss, "latent_loss", LATENT_LOSSES)
    check_option(params.p, "p", (1, 2))
    if params.latent_loss == "kl" and params.noise != "additive":
        raise ValueError(
            'latent_loss="kl" needs the density of encoded events: set noise="additive" in place '
            f"of {params.noise!r}."
        )
    theory, measured = tables
    return _nn.Losses(
        latent_loss=params.latent_loss,
        p=params.p,
        n_slices=check_int(params.n_slices, "n_slices"),
        n_learned_slices=check_int(params.n_learned_slices, "n_learned_slices", minimum=0),
        marginal_weight=check_real(params.marginal_weight, "marginal_weight", minimum=0),
        observable_weight=check_real(params.observable_weight, "observable_weight", minimum=0),
        anchors=find_anchors(params.anchors, tables),
        thresholds=find_thresholds(params.thresholds, measured, theory.names),
    )


def _prior(params, theory, root):
    if params.latent_loss != "kl":
        return None
    free = theory.free
    return {
        "center": theory.center[free].tolist(),
        "scale": theory.width[free].tolist(),
        "orders": _nn.column_orders(len(free), 6, "random", numpy_rng(root, ORDERS)),
        **PRIOR,
    }


def make_network(settings):
    """Build the network from the settings of a fit."""
    theory, measured = (_nn.Level(**settings[side]) for side in ("theory", "measured"))
    return _nn.OTUS(
        theory,
        measured,
        _map(settings, "encoder", measured, settings["theory"]["names"], per_object=False),
        _map(settings, "decoder", theory, settings["measured"]["names"], settings["per_object"]),
        settings["losses"],
        settings["shared"],
        settings["prior"],
    )


def _map(settings, name, source, target_names, per_object):
    """Arguments of a `TransportMap`."""
    layout = settings[name]
    n_free = len(layout.free)
    groups = [(list(range(source.n_features)), list(range(n_free)), 0)]
    if per_object is not False:
        columns = source.feature_columns()
        seen = [split_name(source.names[i])[0] if i >= 0 else None for i in columns]
        given = [split_name(target_names[i])[0] for i in layout.free]
        groups = _nn.object_groups(seen, given, () if per_object is True else per_object)
    starts_at_identity = any(partner is not None for partner in layout.partner)
    return {
        "layout": layout,
        "n_noise": settings["n_noise"] or n_free,
        "stretched": per_object is not False,
        "groups": groups,
        "start": 0.1 if starts_at_identity else 1.0,
        **settings["network"],
    }


def _callables(observables):
    if callable(observables) or not all(callable(observable) for observable in observables):
        raise TypeError(
            "observables must be a list of callables such as InvariantMass('electron', "
            f"'positron'), got {observables!r}."
        )
    return tuple(observables)


def _observe(level, table):
    """Checked values of the observables."""
    events = torch.tensor(table.values)
    few = events[:2].clone().requires_grad_()  # enough to see a slope, with little memory
    for number, observable in enumerate(level.observables):
        name = f"observable {number} of {table.what}, {observable!r},"
        try:
            _check_observed(observable(_nn.Columns(events, level.names)), name, len(events))
            sloped = observable(_nn.Columns(few, level.names)).requires_grad
        except KeyError as error:
            raise ValueError(
                f"{name} asks for column {error}, but the columns of {table.what} are "
                f"{level.names}."
            ) from error
        if not sloped:
            raise ValueError(
                f"{name} has no slope in any column, so that nothing can be learnt from it. Do not "
                "use detach(), comparisons or numpy in it."
            )
    with torch.inference_mode():
        return level.observe(events)


def _check_observed(values, name, n_events):
    """Raise unless an observable is a tensor of finite numbers with one row per event."""
    if not isinstance(values, torch.Tensor):
        raise TypeError(
            f"{name} must give a torch tensor, through which gradients flow, got "
            f"{type(values).__name__}."
        )
    if values.ndim not in (1, 2) or len(values) != n_events:
        raise ValueError(
            f"{name} gives a tensor of shape {tuple(values.shape)} for {n_events} events: expected "
            "a row per event."
        )
    bad = ~torch.isfinite(values.reshape(n_events, -1)).all(dim=1)
    if bad.any():
        raise ValueError(
            f"{name} is not finite in row {int(bad.nonzero()[0])} "
            f"({counted(bad.sum(), 'such row')} in all)."
        )

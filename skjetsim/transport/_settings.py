"""What the maps of an OTUSSimulator are built of: checked parameters, by columns of the events."""

from __future__ import annotations

import numbers

import numpy as np

from skjetsim.transport._layout import (
    check_per_object,
    check_residual_used,
    find_anchors,
    find_steps,
    find_thresholds,
    partners,
)
from skjetsim.utils._event_columns import split_name
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import numpy_rng
from skjetsim.utils._validation import check_int, check_option

LATENT_LOSSES = ("sliced_wasserstein", "mmd", "kl")
PRIOR = {"hidden_features": (64, 64), "n_bins": 8}
# Branch of the constructor's random_state beside those of NetworkEstimator.
ORDERS = 100


class OTUSSettings:
    """Settings of the module of an `OTUSSimulator`, which has the parameters."""

    def _lay_out(self, theory, measured, root):
        """Settings that the module is built of, those of the fit."""
        from skjetsim._nn import NOISES

        check_option(self.noise, "noise", NOISES)
        check_option(self.scale, "scale", ("standard", "normal"))
        check_option(self.activation, "activation", ("relu", "silu"))
        check_residual_used(self.residual, (theory, measured))
        check_per_object(self.per_object, theory, measured)
        decoder, encoder = self._layout(theory, measured), self._layout(measured, theory)
        n_noise = self.n_noise
        if n_noise is not None:
            n_noise = check_int(n_noise, "n_noise")
        return {
            "theory": self._level(theory, self.theory_observables),
            "measured": self._level(measured, self.target_observables),
            "encoder": encoder,
            "decoder": decoder,
            "n_noise": n_noise,
            "per_object": self.per_object,
            "network": {
                "noise": self.noise,
                "hidden_features": check_widths(self.hidden_features, "hidden_features"),
                "n_blocks": check_int(self.n_blocks, "n_blocks", minimum=0),
                "activation": self.activation,
            },
            "losses": self._losses(theory, measured),
            "shared": _shared(theory, measured, decoder),
            "prior": self._prior(theory, root),
        }

    def _layout(self, source, target):
        from skjetsim._nn import MapLayout

        step, partner = find_steps(self.residual, source, target)
        free = target.free
        added = [partner[i] is not None for i in free]
        return MapLayout(
            free=free,
            center=[
                0.0 if own else float(target.center[i]) for i, own in zip(free, added, strict=True)
            ],
            step=[float(step[i]) for i in free],
            partner=[partner[i] for i in free],
            angle=[bool(target.angle[i]) for i in free],
            shells=target.shells,
            constants=target.constants,
        )

    def _level(self, table, observables):
        from skjetsim._nn import Level

        settings = {
            "names": list(table.names),
            "angle": [bool(angle) for angle in table.angle],
            "varying": [bool(varies) for varies in table.varying],
            "observables": (*_callables(self.observables), *_callables(observables)),
            "scale": self.scale,
        }
        settings["n_observed"] = _observe(Level(**settings), table).shape[1]
        return settings

    def _losses(self, theory, measured):
        from skjetsim._nn import Losses

        check_option(self.latent_loss, "latent_loss", LATENT_LOSSES)
        check_option(self.p, "p", (1, 2))
        if self.latent_loss == "kl" and self.noise != "additive":
            raise ValueError(
                'latent_loss="kl" needs the density of what the encoder draws: set '
                f'noise="additive" in place of {self.noise!r}.'
            )
        return Losses(
            latent_loss=self.latent_loss,
            p=self.p,
            n_slices=check_int(self.n_slices, "n_slices"),
            n_learned_slices=check_int(self.n_learned_slices, "n_learned_slices", minimum=0),
            marginal_weight=check_weight(self.marginal_weight, "marginal_weight"),
            observable_weight=check_weight(self.observable_weight, "observable_weight"),
            anchors=find_anchors(self.anchors, theory, measured),
            thresholds=find_thresholds(self.thresholds, measured, theory.names),
        )

    def _prior(self, theory, root):
        if self.latent_loss != "kl":
            return None
        from skjetsim._nn import column_orders

        free = theory.free
        orders = column_orders(len(free), 6, "random", numpy_rng(root, ORDERS))
        center, width = (
            [float(values[i]) for i in free] for values in (theory.center, theory.width)
        )
        return {"center": center, "scale": width, "orders": orders, **PRIOR}

    def _make_network(self, **settings):
        from skjetsim._nn import OTUS, Level

        theory, measured = (Level(**settings[side]) for side in ("theory", "measured"))
        encoder, decoder = settings["encoder"], settings["decoder"]
        return OTUS(
            theory,
            measured,
            self._map(measured, encoder, settings["theory"]["names"], per_object=False),
            self._map(theory, decoder, settings["measured"]["names"], settings["per_object"]),
            settings["losses"],
            settings["shared"],
            settings["prior"],
        )

    def _map(self, source, layout, target_names, per_object):
        from skjetsim._nn import object_groups

        settings = self._architecture
        n_free = len(layout.free)
        groups = [(list(range(source.n_features)), list(range(n_free)), 0)]
        if per_object is not False:
            columns = source.feature_columns()
            seen = [split_name(source.names[i])[0] if i >= 0 else None for i in columns]
            given = [split_name(target_names[i])[0] for i in layout.free]
            groups = object_groups(seen, given, () if per_object is True else per_object)
        started_at_identity = any(partner is not None for partner in layout.partner)
        return {
            "layout": layout,
            "n_noise": settings["n_noise"] or n_free,
            "stretched": per_object is not False,
            "groups": groups,
            "start": 0.1 if started_at_identity else 1.0,
            **settings["network"],
        }


def check_weight(value, name):
    """Return the weight of a loss, a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < np.inf:
        raise ValueError(f"{name} must be a number >= 0, got {value!r}.")
    return float(value)


def _callables(observables):
    if callable(observables) or not all(callable(observable) for observable in observables):
        raise TypeError(
            "observables must be a list of callables such as InvariantMass('electron', "
            f"'positron'), got {observables!r}."
        )
    return tuple(observables)


def _observe(level, table):
    """Values of the observables, checked."""
    import torch

    from skjetsim._nn import Columns

    events = torch.tensor(table.values)
    few = events[:2].clone().requires_grad_()  # enough to see a slope; of all it takes memory
    for number, observable in enumerate(level.observables):
        name = f"observable {number} of {table.what}, {observable!r},"
        try:
            _check_observed(observable(Columns(events, level.names)), name, len(events))
            sloped = observable(Columns(few, level.names)).requires_grad
        except KeyError as error:
            raise ValueError(
                f"{name} asks for column {error}, but the columns of {table.what} are "
                f"{level.names}."
            ) from error
        if not sloped:
            raise ValueError(
                f"{name} has no slope in any column, so that nothing would be learnt of it. Leave "
                "out detach(), comparisons and numpy."
            )
    with torch.inference_mode():
        return level.observe(events)


def _check_observed(values, name, n_events):
    """Raise where an observable is no tensor of finite numbers, a row for each event."""
    import torch

    if not isinstance(values, torch.Tensor):
        raise TypeError(
            f"{name} must give a torch tensor, through which gradients flow, got "
            f"{type(values).__name__}."
        )
    if values.ndim not in (1, 2) or len(values) != n_events:
        raise ValueError(
            f"{name} gives a tensor of shape {tuple(values.shape)} for {n_events} events: expected "
            "a row for each."
        )
    bad = ~torch.isfinite(values.reshape(n_events, -1)).all(dim=1)
    if bad.any():
        raise ValueError(
            f"{name} is not finite in row {int(bad.nonzero()[0])} ({int(bad.sum())} rows in all)."
        )


def _shared(theory, measured, decoder):
    """Columns on both levels: positions, step of the decoder, and whether they are angles."""
    partner = partners(theory, measured)
    return [
        (partner[i], i, step, angle)
        for i, step, angle in zip(decoder.free, decoder.step, decoder.angle, strict=True)
        if partner[i] is not None and theory.varying[partner[i]]
    ]

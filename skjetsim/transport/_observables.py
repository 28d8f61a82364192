"""Quantities of several objects, of which transport maps are shown and compared distributions.

Each is called with events as a mapping of column names to tensors, and gives a tensor of a row for
each event, through which gradients flow. Any callable that does so may stand in its place.
"""

from __future__ import annotations

__all__ = ["FourMomentum", "InvariantMass", "OrderedMomenta", "ScalarSum"]


LEAST_PT = 1e-3  # GeV, of a logarithm


class OfObjects:
    """An observable of objects by name."""

    def __init__(self, *objects):
        if not objects or not all(isinstance(name, str) for name in objects):
            raise TypeError(
                f"{type(self).__name__} takes names of objects, such as "
                f"{type(self).__name__}('electron', 'positron'), got {objects!r}."
            )
        self.objects = objects

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.objects))})"

    def __eq__(self, other):
        return type(self) is type(other) and self.objects == other.objects

    def __hash__(self):
        return hash((type(self), self.objects))


class FourMomentum(OfObjects):
    """Four-momentum (px, py, pz, E) of the sum of objects, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, whose columns are Cartesian or cylindrical: `muon_px`, ... or `muon_pt`
        (`muon_log_pt`), `muon_eta`, `muon_phi`. The energy is `muon_E`, or follows from `muon_mass`
        (`muon_log_mass`); an object that has neither is massless, one without direction along the
        beam is transverse.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import FourMomentum
    >>> event = {"muon_pt": torch.tensor([50.0]), "muon_eta": torch.tensor([0.0]),
    ...          "muon_phi": torch.tensor([0.0])}
    >>> FourMomentum("muon")(event).tolist()
    [[50.0, 0.0, 0.0, 50.0]]
    """

    def __call__(self, events):
        """Columns px, py, pz and E, shape (n_rows, 4)."""
        return _total(events, self.objects)


class InvariantMass(OfObjects):
    """Invariant mass of objects, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import InvariantMass
    >>> event = {"electron_pt": torch.tensor([45.0]), "electron_eta": torch.tensor([0.0]),
    ...          "electron_phi": torch.tensor([0.0]), "positron_pt": torch.tensor([45.0]),
    ...          "positron_eta": torch.tensor([0.0]), "positron_phi": torch.tensor([3.14159265])}
    >>> InvariantMass("electron", "positron")(event).tolist()
    [90.0]
    """

    def __call__(self, events):
        """Mass of each event, shape (n_rows,)."""
        return mass_of(_total(events, self.objects))


class ScalarSum(OfObjects):
    """Scalar sum of the transverse momenta of objects, H_T, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import ScalarSum
    >>> ScalarSum("jet1", "jet2")({"jet1_pt": torch.tensor([50.0]),
    ...                            "jet2_pt": torch.tensor([30.0])}).tolist()
    [80.0]
    """

    def __call__(self, events):
        """H_T of each event, shape (n_rows,)."""
        return sum(_transverse(events, name) for name in self.objects)


class OrderedMomenta(OfObjects):
    """Objects by falling pT: log pT, eta, mass where it has a column, then px, py, pz, E, in GeV.

    What objects are called then does not matter: jets that models move one by one are compared as
    the hardest, the second one, and so on.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import OrderedMomenta
    >>> event = {f"{name}_{component}": torch.tensor([value]) for name, component, value in [
    ...     ("b", "pt", 30.0), ("b", "eta", 1.0), ("b", "phi", 0.0),
    ...     ("u", "pt", 50.0), ("u", "eta", 0.0), ("u", "phi", 1.0)]}
    >>> OrderedMomenta("b", "u")(event)[:, :2].exp().round().tolist()
    [[50.0, 30.0]]
    """

    def __call__(self, events):
        """Each quantity of all objects, then that of the next; shape (n_rows, n_quantities)."""
        import torch

        momenta = torch.stack([_total(events, [name]) for name in self.objects], dim=1)
        pt = torch.hypot(momenta[..., 0], momenta[..., 1]).clamp_min(LEAST_PT)
        order = pt.detach().argsort(dim=1, descending=True)
        quantities = [pt.log(), torch.asinh(momenta[..., 2] / pt)]
        masses = [_find(events, name, "mass") for name in self.objects]
        if all(mass is not None for mass in masses):
            quantities.append(torch.stack(masses, dim=1))
        quantities += momenta.unbind(2)
        return torch.cat([quantity.gather(1, order) for quantity in quantities], dim=1)


def mass_of(momentum):
    """Mass of four-momenta (px, py, pz, E) of shape (n_rows, 4)."""
    px, py, pz, energy = momentum.unbind(1)
    size = (px * px + py * py + pz * pz).sqrt()
    # The root has no slope at zero, where rounding puts massless objects.
    return ((energy - size) * (energy + size)).clamp_min(1e-6).sqrt()


def _total(events, objects):
    """Sum of four-momenta, shape (n_rows, 4)."""
    import torch

    return sum(torch.stack(_four_momentum(events, name), dim=1) for name in objects)


def _find(events, name, *components):
    """The first component that an object has, positive ones also from their logarithm; or None."""
    for component in components:
        if f"{name}_{component}" in events:
            return events[f"{name}_{component}"]
        if f"{name}_log_{component}" in events:
            return events[f"{name}_log_{component}"].exp()
    return None


def _transverse(events, name):
    import torch

    pt = _find(events, name, "pt")
    if pt is not None:
        return pt
    px, py = _find(events, name, "px"), _find(events, name, "py")
    if px is None or py is None:
        raise ValueError(
            f"there is no transverse momentum of {name!r} among the columns {list(events)}: an "
            f"observable needs '{name}_pt', '{name}_log_pt', or '{name}_px' and '{name}_py'."
        )
    return torch.hypot(px, py)


def _four_momentum(events, name):
    import torch

    pt = _transverse(events, name)
    px, py, pz = (_find(events, name, component) for component in ("px", "py", "pz"))
    if px is None:
        phi = _find(events, name, "phi")
        if phi is None:
            raise ValueError(
                f"there is no '{name}_phi' among the columns {list(events)}: an observable needs "
                "the direction of each object."
            )
        px, py = pt * torch.cos(phi), pt * torch.sin(phi)
    if pz is None:
        eta = _find(events, name, "eta")
        pz = torch.zeros_like(pt) if eta is None else pt * torch.sinh(eta)
    energy = _find(events, name, "E")
    if energy is None:
        mass = _find(events, name, "mass")
        square = pt * pt + pz * pz
        energy = torch.sqrt(square if mass is None else square + mass * mass)
    return px, py, pz, energy

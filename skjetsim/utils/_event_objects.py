"""Reads any kinematic quantity of an object from whichever columns the table has."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from skjetsim.utils._event_columns import join_name, label
from skjetsim.utils._four_vectors import (
    azimuth,
    energy,
    invariant_mass,
    pseudorapidity,
    transverse_momentum,
)


class EventObject:
    """One object (a particle, a jet, the missing momentum) of all events of a table.

    Quantities are arrays of shape (n_samples,), computed when first asked for, from Cartesian or
    cylindrical columns. The energy comes from the mass where there is one, else from E; an object
    with neither is massless.

    Parameters
    ----------
    name : str
    columns : dict of component -> ndarray of shape (n_samples,)
    owner : str
        Named in messages.
    """

    def __init__(self, name, columns, owner):
        self.name = name
        self.columns = columns
        self.owner = owner

    def _need(self, *components):
        """Return columns, or raise naming the first that is missing."""
        for component in components:
            if component not in self.columns:
                has = ", ".join(join_name(self.name, c) for c in self.columns)
                raise ValueError(
                    f"{self.owner}: {label(self.name)} has no {join_name(self.name, component)!r} "
                    f"and no columns to compute it from; it has {has}."
                )
        return [self.columns[component] for component in components]

    @property
    def _cartesian(self):
        return "px" in self.columns and "py" in self.columns

    @cached_property
    def pt(self):
        """Transverse momentum."""
        if "pt" not in self.columns and self._cartesian:
            return transverse_momentum(*self._need("px", "py"))
        return self._need("pt")[0]

    @cached_property
    def phi(self):
        """Azimuth in (-pi, pi]."""
        if "phi" not in self.columns and self._cartesian:
            return azimuth(*self._need("px", "py"))
        return self._need("phi")[0]

    @cached_property
    def px(self):
        """Momentum along x."""
        return self._need("px")[0] if self._cartesian else self.pt * np.cos(self.phi)

    @cached_property
    def py(self):
        """Momentum along y."""
        return self._need("py")[0] if self._cartesian else self.pt * np.sin(self.phi)

    @cached_property
    def pz(self):
        """Momentum along the beam."""
        if "pz" in self.columns:
            return self.columns["pz"]
        return self.pt * np.sinh(self._need("eta")[0])

    @cached_property
    def eta(self):
        """Pseudorapidity; infinite or NaN where pT = 0."""
        if "eta" in self.columns:
            return self.columns["eta"]
        return pseudorapidity(self.pt, self._need("pz")[0])

    @property
    def has_mass(self):
        """Whether any column tells the mass; else the object counts as massless."""
        return not {"mass", "log_mass", "E"}.isdisjoint(self.columns)

    @cached_property
    def momentum(self):
        """Length of the momentum vector."""
        return transverse_momentum(self.pt, self.pz)

    @cached_property
    def mass(self):
        """Mass; negative where E < |p|."""
        if "mass" in self.columns:
            return self.columns["mass"]
        if "log_mass" in self.columns:
            return np.exp(self.columns["log_mass"])
        if "E" in self.columns:
            return invariant_mass(self.columns["E"], self.px, self.py, self.pz)
        return np.zeros_like(self.pt)

    @cached_property
    def energy(self):
        """Energy."""
        if "E" in self.columns and "mass" not in self.columns and "log_mass" not in self.columns:
            return self.columns["E"]
        return energy(self.px, self.py, self.pz, self.mass)


def vector_sum(objects):
    """Sum of the four-momenta of objects, as an object; of one object, the object itself."""
    if len(objects) == 1:
        return objects[0]
    parts = {
        "px": sum(obj.px for obj in objects),
        "py": sum(obj.py for obj in objects),
        "pz": sum(obj.pz for obj in objects),
        "E": sum(obj.energy for obj in objects),
    }
    return EventObject("_".join(obj.name for obj in objects), parts, objects[0].owner)


def transverse_sum(objects):
    """Sum of the transverse momenta of objects; needs no pz."""
    parts = {"px": sum(obj.px for obj in objects), "py": sum(obj.py for obj in objects)}
    return EventObject("_".join(obj.name for obj in objects), parts, objects[0].owner)

"""Kinematic quantities of an object, from whichever columns the table has."""

from functools import cached_property

from skjetsim.utils._event_columns import join_name, label
from skjetsim.utils._four_vectors import (
    array_namespace,
    azimuth,
    energy,
    invariant_mass,
    pseudorapidity,
    transverse_momentum,
)


class EventObject:
    """One object (a particle, a jet, the missing momentum) of all events of a table.

    Quantities are arrays of shape (n_samples,). They are computed when first asked for, from
    Cartesian or cylindrical columns. pT, mass and E may also be given by their logarithms. The
    energy comes from the mass if there is one, else from E; an object with neither is massless.

    Parameters
    ----------
    name : str
    columns : dict of component -> ndarray or torch.Tensor of shape (n_samples,)
    owner : str
        Named in messages.
    """

    def __init__(self, name, columns, owner):
        self.name = name
        self.columns = columns
        self.owner = owner

    @classmethod
    def read(cls, name, parts, values, owner):
        """Object whose components are columns of a table, at the positions `parts`."""
        return cls(name, {component: values[:, i] for component, i in parts.items()}, owner)

    def find(self, component):
        """A component that has a column, or whose logarithm has one; else None."""
        if component in self.columns:
            return self.columns[component]
        logarithm = self.columns.get(f"log_{component}")
        return None if logarithm is None else array_namespace(logarithm).exp(logarithm)

    def _need(self, component):
        """Return a component, or raise naming the columns there are."""
        found = self.find(component)
        if found is None:
            has = ", ".join(join_name(self.name, c) for c in self.columns) or "none"
            raise ValueError(
                f"{self.owner}: {label(self.name)} has no {join_name(self.name, component)!r} "
                f"and no columns to compute it from; it has {has}."
            )
        return found

    @property
    def _cartesian(self):
        return "px" in self.columns and "py" in self.columns

    @cached_property
    def pt(self):
        """Transverse momentum."""
        if self._cartesian and self.find("pt") is None:
            return transverse_momentum(self.columns["px"], self.columns["py"])
        return self._need("pt")

    @cached_property
    def phi(self):
        """Azimuth in (-pi, pi]."""
        if self._cartesian and "phi" not in self.columns:
            return azimuth(self.columns["px"], self.columns["py"])
        return self._need("phi")

    @cached_property
    def px(self):
        """Momentum along x."""
        if self._cartesian:
            return self.columns["px"]
        return self.pt * array_namespace(self.pt).cos(self.phi)

    @cached_property
    def py(self):
        """Momentum along y."""
        if self._cartesian:
            return self.columns["py"]
        return self.pt * array_namespace(self.pt).sin(self.phi)

    @cached_property
    def pz(self):
        """Momentum along the beam."""
        if "pz" in self.columns:
            return self.columns["pz"]
        return self.pt * array_namespace(self.pt).sinh(self._need("eta"))

    @cached_property
    def eta(self):
        """Pseudorapidity; infinite or NaN if pT = 0."""
        if "eta" in self.columns:
            return self.columns["eta"]
        return pseudorapidity(self.pt, self._need("pz"))

    @property
    def has_mass(self):
        """Whether a column gives the mass; else the object counts as massless."""
        return not {"mass", "log_mass", "E", "log_E"}.isdisjoint(self.columns)

    @cached_property
    def momentum(self):
        """Length of the momentum vector."""
        return transverse_momentum(self.pt, self.pz)

    @cached_property
    def mass(self):
        """Mass; negative if E < |p|."""
        if (mass := self.find("mass")) is not None:
            return mass
        if (e := self.find("E")) is not None:
            return invariant_mass(e, self.px, self.py, self.pz)
        return array_namespace(self.pt).zeros_like(self.pt)

    @cached_property
    def energy(self):
        """Energy."""
        if self.find("mass") is None and (e := self.find("E")) is not None:
            return e
        return energy(self.px, self.py, self.pz, self.mass)


def vector_sum(objects):
    """Sum of the four-momenta of objects, as an object; of one object, the object itself."""
    if len(objects) == 1:
        return objects[0]
    total = transverse_sum(objects)
    total.columns["pz"] = sum(obj.pz for obj in objects)
    total.columns["E"] = sum(obj.energy for obj in objects)
    return total


def transverse_sum(objects):
    """Sum of the transverse momenta of objects, for which no pz is needed."""
    parts = {"px": sum(obj.px for obj in objects), "py": sum(obj.py for obj in objects)}
    return EventObject("_".join(obj.name for obj in objects), parts, objects[0].owner)

"""Energies replaced by masses."""

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._event_columns import (
    event_objects,
    find_object,
    join_name,
    label,
    refuse_duplicates,
)
from skjetsim.utils._event_objects import EventObject


class EnergyToMass(InvertibleEventTransformer):
    """Replace the energy of objects by their mass.

    E follows the momentum so closely that a model of (px, py, pz, E) gives jets of any mass, or of
    none: E < p. The mass is a column of its own size, and every positive value is possible.

    Parameters
    ----------
    objects : None or list of str, default=None
        Names of the objects; None: all that have an energy.

    Attributes
    ----------
    objects_ : list of str
        Names of the objects whose energy is replaced.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`.

    See Also
    --------
    MassShellTransformer : Drops the energy of objects whose mass is known.
    LogMassTransformer : The logarithm of masses, which has no edge at zero.

    Notes
    -----
    `jet_E` becomes `jet_mass` in its place, in GeV: m = sqrt(E^2 - p^2), with momenta Cartesian or
    cylindrical. Columns must have names. E <= p has no mass above zero, and is a ValueError; so is
    a mass <= 0 on the way back, which a model may draw unless it learns the logarithm. A relative
    error of E, 1e-7 in float32, is (E / m)^2 times larger in m: light particles are for
    `MassShellTransformer`. log |det| is the sum of log(E / m).

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import EnergyToMass
    >>> events = pd.DataFrame({"jet_px": [3.0], "jet_py": [0.0], "jet_pz": [4.0], "jet_E": [13.0]})
    >>> masses = EnergyToMass().fit(events)
    >>> masses.transform(events)
       jet_px  jet_py  jet_pz  jet_mass
    0     3.0     0.0     4.0      12.0
    >>> masses.inverse_transform(masses.transform(events))
       jet_px  jet_py  jet_pz  jet_E
    0     3.0     0.0     4.0   13.0
    """

    def __init__(self, objects=None):
        self.objects = objects

    def _resolve(self, names):
        self._require_names("energies are recognised")
        found = event_objects(names)
        self._parts = {
            obj: find_object(found, obj, type(self).__name__) for obj in self._chosen(found)
        }
        out = list(names)
        for obj, parts in self._parts.items():
            if "E" not in parts:
                raise ValueError(
                    f"EnergyToMass: {label(obj)} has no column {join_name(obj, 'E')!r}."
                )
            out[parts["E"]] = join_name(obj, "mass")
        refuse_duplicates(out, type(self).__name__)
        self.objects_ = list(self._parts)
        return out

    def _chosen(self, found):
        """Names of the objects asked for, or of all that have an energy."""
        if self.objects is not None:
            listed = np.iterable(self.objects) and not isinstance(self.objects, str)
            if not listed or not len(self.objects):
                raise ValueError(
                    "EnergyToMass: objects must be None or a list of names such as ['jet'], got "
                    f"{self.objects!r}."
                )
            return self.objects
        with_energy = [obj for obj, parts in found.items() if "E" in parts]
        if not with_energy:
            raise ValueError(
                "EnergyToMass found no energy: no column of X is named 'E' or '*_E': "
                f"{self._names_in()}."
            )
        return with_energy

    def _momentum(self, obj, values):
        columns = {name: values[:, i] for name, i in self._parts[obj].items() if name != "E"}
        return EventObject(obj, columns, type(self).__name__).momentum

    def _check(self, values):
        for obj, parts in self._parts.items():
            e, momentum = values[:, parts["E"]], self._momentum(obj, values)
            self._refuse(
                e <= momentum,
                parts["E"],
                lambda row, e=e, momentum=momentum: (
                    f"E = {e[row]:.6g} GeV is not above the momentum of {momentum[row]:.6g} GeV, "
                    "so there is no mass. Select other events, name the objects that have a mass "
                    "in `objects`, or give those of a known mass to MassShellTransformer."
                ),
            )

    def _forward(self, values):
        out = values.copy(order="K")
        for obj, parts in self._parts.items():
            e, momentum = values[:, parts["E"]], self._momentum(obj, values)
            out[:, parts["E"]] = np.sqrt((e - momentum) * (e + momentum))
        return out

    def _inverse(self, values):
        out = values.copy(order="K")
        for obj, parts in self._parts.items():
            mass = values[:, parts["E"]]
            self._refuse(
                mass <= 0,
                repr(self._names_out[parts["E"]]),
                lambda row, mass=mass: (
                    f"mass {mass[row]:.6g} GeV, where transform gives positive ones alone. Put "
                    "LogMassTransformer behind EnergyToMass, so that none is drawn."
                ),
            )
            out[:, parts["E"]] = np.hypot(mass, self._momentum(obj, values))
        return out

    def _log_det(self, values):
        columns = [parts["E"] for parts in self._parts.values()]
        return np.log(values[:, columns] / self._forward(values)[:, columns]).sum(axis=1)

"""Energies replaced by masses."""

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._event_columns import event_objects, join_name


class EnergyToMass(InvertibleEventTransformer):
    """Replace the energy of objects by their mass.

    E follows the momentum so closely that a model of (px, py, pz, E) draws jets of wrong masses, or
    with E < p. As a column of its own, the mass is learnt to its own precision, and any positive
    value is allowed.

    Parameters
    ----------
    objects : None or list of str, default=None
        Names of the objects. None takes all that have an energy.

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
    LogMassTransformer : Takes the logarithm of masses, which has no edge at zero.

    Notes
    -----
    `jet_E` becomes `jet_mass` in its place, in GeV: m = sqrt(E^2 - p^2), with momenta Cartesian or
    cylindrical. Columns must have names. E <= p is a ValueError, because it gives no mass above
    zero. In `inverse_transform` a mass <= 0 is a ValueError; a model may draw it unless it learns
    the logarithm. A relative error of E, 1e-7 in float32, is (E / m)^2 times larger in m, so use
    `MassShellTransformer` for light particles. log |det| is the sum of log(E / m).

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
        self._parts = {obj: self._components(obj) for obj in self._chosen_objects()}
        out = list(names)
        for obj in self._parts:
            out[self._need(obj, ("E",))[0]] = join_name(obj, "mass")
        self.objects_ = list(self._parts)
        return out

    def _chosen_objects(self):
        """Names of the objects asked for, or of all that have an energy."""
        if self.objects is None:
            objects = event_objects(self._names_in())
            with_energy = [obj for obj, parts in objects.items() if "E" in parts]
            if not with_energy:
                raise ValueError(
                    "EnergyToMass found no energy: no column of X is named 'E' or '*_E': "
                    f"{self._names_in()}."
                )
            return with_energy
        if isinstance(self.objects, str) or not np.iterable(self.objects) or not len(self.objects):
            raise ValueError(
                "EnergyToMass: objects must be None or a list of names such as ['jet'], got "
                f"{self.objects!r}."
            )
        return self.objects

    def _momentum(self, obj, values):
        parts = {name: i for name, i in self._parts[obj].items() if name != "E"}
        return self._event_object(obj, parts, values).momentum

    def _check(self, values):
        for obj, parts in self._parts.items():
            e, momentum = values[:, parts["E"]], self._momentum(obj, values)
            self._refuse(
                e <= momentum,
                parts["E"],
                "E = {e:.6g} GeV is not above the momentum of {momentum:.6g} GeV, so there is no "
                "mass. Select other events, name the objects that have a mass in `objects`, or "
                "give those of a known mass to MassShellTransformer.",
                e=e,
                momentum=momentum,
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
            cure, printed = "LogMassTransformer", "mass {value:.6g} GeV"
            self._refuse_drawn(mass <= 0, parts["E"], mass, "positive", cure, printed)
            out[:, parts["E"]] = np.hypot(mass, self._momentum(obj, values))
        return out

    def _log_det(self, values):
        columns = [parts["E"] for parts in self._parts.values()]
        return np.log(values[:, columns] / self._forward(values)[:, columns]).sum(axis=1)

"""Energies dropped because a mass determines them, and restored."""

from collections.abc import Mapping

import numpy as np

from skjetsim.preprocessing._base import EventTransformer, InverseMixin
from skjetsim.utils._columns import other_columns
from skjetsim.utils._event_columns import event_objects, label
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_option


class MassShellTransformer(InverseMixin, EventTransformer):
    """Drop energies that a mass determines, and restore them: E = sqrt(p^2 + m^2).

    A model of (px, py, pz, E) of an electron would have to learn the Minkowski constraint
    E^2 = p^2 + m^2 and would break it in every event it draws. Without the energy there is
    nothing to break.

    Parameters
    ----------
    masses : dict
        Object name -> its mass in GeV, or the name of the column that holds it, for example
        `{"electron": 0.000511, "jet": "jet_mass"}`.
    check : {"raise", "warn"}, default="raise"
        What to do about an energy that does not lie on the mass shell.
    tolerance : float, default=1e-3
        Energies are on the shell within `tolerance * E`.

    Attributes
    ----------
    objects_ : list of str
        Names of the objects whose energy is dropped.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`.

    Notes
    -----
    Momenta may be Cartesian or cylindrical. Columns must have names. The output has fewer columns
    than the input, so there is no log-determinant.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import MassShellTransformer
    >>> events = pd.DataFrame({"px": [3.0], "py": [0.0], "pz": [4.0], "E": [13.0]})
    >>> shell = MassShellTransformer({"": 12.0}).fit(events)
    >>> shell.transform(events)
        px   py   pz
    0  3.0  0.0  4.0
    >>> shell.inverse_transform(shell.transform(events))
        px   py   pz     E
    0  3.0  0.0  4.0  13.0
    """

    def __init__(self, masses, *, check="raise", tolerance=1e-3):
        self.masses = masses
        self.check = check
        self.tolerance = tolerance

    def _resolve(self, names):
        check_option(self.check, "check", ("raise", "warn"))
        if not isinstance(self.masses, Mapping) or not self.masses:
            raise ValueError(
                "MassShellTransformer: masses must be a dict, object name -> mass in GeV or name "
                f"of a mass column, got {self.masses!r}."
            )
        self._require_names("energies are recognised")
        self._energies = {}
        for obj, mass in self.masses.items():
            (self._energies[obj],) = self._need(obj, ("E",))
            self._check_mass(obj, mass, names)
        self.objects_ = list(self._energies)
        self._kept = other_columns(self._energies.values(), len(names))
        return [names[i] for i in self._kept]

    @staticmethod
    def _check_mass(obj, mass, names):
        """Raise unless a mass is a number >= 0 or the name of a column."""
        if isinstance(mass, str):
            if mass not in names:
                raise ValueError(f"MassShellTransformer: no mass column {mass!r} for {label(obj)}.")
        else:
            what = f"MassShellTransformer: the mass of {label(obj)}, unless it names a column,"
            check_real(mass, what, minimum=0, unit="GeV")

    def _shell_energy(self, obj, kept):
        """Energy on the mass shell, from the columns that are left."""
        names = self._names_out
        parts = event_objects(names).get(obj, {})
        momentum = self._event_object(obj, parts, kept).momentum
        mass = self.masses[obj]
        return np.hypot(momentum, kept[:, names.index(mass)] if isinstance(mass, str) else mass)

    def _check(self, values):
        kept = values[:, self._kept]
        for obj, column in self._energies.items():
            e, shell = values[:, column], self._shell_energy(obj, kept)
            self._refuse(
                np.abs(e - shell) > self.tolerance * np.abs(e),
                column,
                "E = {e:.6g} GeV is off the mass shell sqrt(p^2 + m^2) = {shell:.6g} GeV (m = "
                "{mass!r}) by more than tolerance={tolerance:g} times E. Check the mass and the "
                "units, widen the tolerance, or pass check='warn'.",
                warn=self.check == "warn",
                e=e,
                shell=shell,
                mass=self.masses[obj],
                tolerance=self.tolerance,
            )

    def _forward(self, values):
        return values[:, self._kept]

    def _inverse(self, values):
        out = np.empty((len(values), self.n_features_in_))
        out[:, self._kept] = values
        for obj, column in self._energies.items():
            out[:, column] = self._shell_energy(obj, values)
        return out

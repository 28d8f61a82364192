"""Cartesian momenta to (pT, eta, phi) and back."""

from collections.abc import Mapping

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._columns import other_columns
from skjetsim.utils._event_columns import event_objects, join_name
from skjetsim.utils._four_vectors import azimuth, pseudorapidity, transverse_momentum
from skjetsim.utils._validation import check_option

# Rows worked on at a time: the temporaries of one object stay in the processor's cache.
BLOCK = 16384


class CartesianToCylindrical(InvertibleEventTransformer):
    """Replace (px, py, pz) by (pT, eta, phi), for several objects at once.

    An object with px and py alone (missing transverse momentum) becomes (pT, phi). Energies,
    masses and all other columns pass through. The new columns stand where px, py and pz stood,
    in the order pT, eta, phi.

    Parameters
    ----------
    objects : None, list of str or dict, default=None
        The objects to transform. None takes every object found by its column names, `muon_px`,
        `muon_py`, `muon_pz`; `px`, `py`, `pz` belong to the unnamed object `""`. A table without
        names is read as consecutive (px, py, pz) triples, and what is left over passes through. A
        list of names transforms these objects alone. A dict, object name -> its two or three
        columns (names or positions), is for other column names and for arrays, for example
        `{"muon": [0, 1, 2], "met": [3, 4]}`.
    check : {"raise", "warn"}, default="raise"
        What to do about an energy below the momentum.
    tolerance : float, default=1e-3
        E may be below |p| by `tolerance * E`, since files in float32 are rounded.

    Attributes
    ----------
    objects_ : list of str
        Names of the objects that are transformed.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    Notes
    -----
    Momenta are in GeV, and phi is in (-pi, pi]. The pseudorapidity of pT = 0 is infinite, which is
    a ValueError; a transverse pair of zeros has phi = 0. `inverse_transform` reads a negative pT,
    which a generative model may draw, as the opposite direction. The Jacobian of a triple is
    d(pT, eta, phi) / d(px, py, pz) = 1 / (pT^2 cosh eta), and that of a pair is 1 / pT.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import CartesianToCylindrical
    >>> events = pd.DataFrame({"muon_px": [30.0], "muon_py": [40.0], "muon_pz": [0.0],
    ...                        "met_px": [0.0], "met_py": [-25.0]})
    >>> cylindrical = CartesianToCylindrical().fit(events)
    >>> cylindrical.transform(events).round(3)
       muon_pt  muon_eta  muon_phi  met_pt  met_phi
    0     50.0       0.0     0.927    25.0   -1.571
    >>> cylindrical.log_det_jacobian(events).round(3)
    array([-11.043])
    """

    _reads_triples = True

    def __init__(self, objects=None, *, check="raise", tolerance=1e-3):
        self.objects = objects
        self.check = check
        self.tolerance = tolerance

    def _resolve(self, names):
        check_option(self.check, "check", ("raise", "warn"))
        if isinstance(self.objects, Mapping):
            self._roles = self._roles_from_mapping()
        else:
            self._require_triple()
            self._roles = self._roles_from_names(names)
        self.objects_ = [obj for obj, _, _ in self._roles]
        return self._cylindrical_names(names)

    def _roles_from_names(self, names):
        """(object, momentum columns, energy column or None) for the objects asked for."""
        objects = event_objects(names)
        if self.objects is None:
            chosen = [obj for obj, parts in objects.items() if {"px", "py", "pz"} & set(parts)]
        else:
            chosen = [self.objects] if isinstance(self.objects, str) else list(self.objects)
        if not chosen:
            raise ValueError(
                "CartesianToCylindrical found no momenta in X: columns are recognised by names "
                f"such as 'muon_px', 'muon_py', 'muon_pz'. X has {names}; other names are given as "
                "objects={'muon': [...]}."
            )
        roles = []
        for obj in chosen:
            parts = self._components(obj)
            components = ("px", "py", "pz") if "pz" in parts else ("px", "py")
            roles.append((obj, self._need(obj, components), parts.get("E")))
        return roles

    def _roles_from_mapping(self):
        """Roles from the columns that the user named."""
        names = self._names_in()
        roles, used = [], set()
        for obj, columns in self.objects.items():
            momenta = self._positions(columns)
            if len(momenta) not in (2, 3) or used & set(momenta):
                raise ValueError(
                    f"CartesianToCylindrical: object {obj!r} needs two columns (px, py) or three "
                    f"(px, py, pz) that no other object uses, got {columns!r}."
                )
            used |= set(momenta)
            energy = join_name(obj, "E")
            roles.append((obj, momenta, names.index(energy) if energy in names else None))
        return roles

    def _cylindrical_names(self, names):
        """Output names: pt, eta, phi in the places of px, py, pz."""
        names = list(names)
        for obj, momenta, _ in self._roles:
            parts = ("pt", "phi") if len(momenta) == 2 else ("pt", "eta", "phi")
            for position, part in zip(momenta, parts, strict=True):
                names[position] = join_name(obj, part)
        return names

    def _check(self, values):
        for _, momenta, energy in self._roles:
            px, py = values[:, momenta[0]], values[:, momenta[1]]
            if len(momenta) == 3:
                self._refuse_zero_pt((px == 0) & (py == 0), momenta[0], values)
            if energy is not None:
                self._check_energy(values, momenta, energy)

    def _refuse_zero_pt(self, bad, position, values):
        if not bad.any():
            return
        cure = "Select events with pT above a threshold first."
        if not values[np.argmax(bad)].any():
            cure = (
                "All columns of this row are zero. If the detector rejected the event, leave it "
                "out of all tables, or put the simulator of accepted events into an "
                "EfficiencySimulator (skjetsim.compose), which learns which events are rejected."
            )
        problem = "pT = 0 (px = py = 0, or negligible against pz), so eta is infinite. "
        self._refuse(bad, position, problem + cure)

    def _check_energy(self, values, momenta, energy):
        """Raise or warn if E < |p| beyond the tolerance."""
        e = values[:, energy]
        p = np.sqrt(np.square(values[:, momenta]).sum(axis=1))
        self._refuse(
            p - e > self.tolerance * np.abs(e),
            energy,
            "E = {e:.6g} GeV is below |p| = {p:.6g} GeV by more than tolerance={tolerance:g} "
            "times E. Check units and columns, widen the tolerance, or pass check='warn'.",
            warn=self.check == "warn",
            e=e,
            p=p,
            tolerance=self.tolerance,
        )

    def _forward(self, values):
        out = self._converted(values, _to_cylindrical)
        for _, momenta, _ in self._roles:
            if len(momenta) == 3:
                eta = out[:, momenta[1]]
                if not np.isfinite(eta.sum()):
                    self._refuse_zero_pt(~np.isfinite(eta), momenta[0], values)
        return out

    def _inverse(self, values):
        return self._converted(values, _to_cartesian)

    def _converted(self, values, convert):
        """Table whose momenta `convert` fills in; all other columns pass through."""
        out = np.empty_like(values)
        converted = [position for _, momenta, _ in self._roles for position in momenta]
        passing = other_columns(converted, values.shape[1])
        for start in range(0, len(values), BLOCK):
            block, target = values[start : start + BLOCK].T, out[start : start + BLOCK].T
            target[passing] = block[passing]
            for _, momenta, _ in self._roles:
                convert(block, target, momenta)
        return out

    def _log_det(self, values):
        total = np.zeros(len(values))
        for _, momenta, _ in self._roles:
            pt = transverse_momentum(values[:, momenta[0]], values[:, momenta[1]])
            self._refuse(pt == 0, momenta[0], "pT = 0, where the Jacobian is infinite.")
            total -= np.log(pt)
            if len(momenta) == 3:  # pT^2 cosh(eta) = pT |p|
                total -= np.log(transverse_momentum(pt, values[:, momenta[2]]))
        return total


def _to_cylindrical(block, target, momenta):
    """Fill in pT, eta (of a triple) and phi; tables are (n_columns, n_rows)."""
    px, py = block[momenta[0]], block[momenta[1]]
    pt = transverse_momentum(px, py)
    target[momenta[0]] = pt
    target[momenta[-1]] = azimuth(px, py)
    if len(momenta) == 3:
        target[momenta[1]] = pseudorapidity(pt, block[momenta[2]])


def _to_cartesian(block, target, momenta):
    """Fill in px, py and (of a triple) pz; tables are (n_columns, n_rows)."""
    pt, phi = block[momenta[0]], block[momenta[-1]]
    target[momenta[0]] = pt * np.cos(phi)
    target[momenta[1]] = pt * np.sin(phi)
    if len(momenta) == 3:
        target[momenta[2]] = pt * np.sinh(block[momenta[1]])

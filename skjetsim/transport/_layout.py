"""From names of columns to what the maps are built of, with errors that say what does not fit."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skjetsim.utils._angles import is_angle
from skjetsim.utils._event_columns import COMPONENTS, event_objects, split_name
from skjetsim.utils._validation import first_duplicate
from skjetsim.utils._weighted import weighted_std

SHELL = ("px", "py", "pz", "E")
TOLERANCE = 2e-2  # of an energy: quark masses of generators differ by a tenth of a GeV
OTHER = {"X": "y", "y": "X"}


@dataclass
class Table:
    """Events of one level, and what their columns are.

    Attributes
    ----------
    what : {"X", "y"}
    values : ndarray of shape (n_samples, n_columns)
    names : list of str
    weight : ndarray or None
    shells : list of tuple (px, py, pz, E, mass)
        Positions, and the mass that their energy follows from.
    """

    what: str
    values: np.ndarray
    names: list
    weight: np.ndarray | None
    shells: list

    def __post_init__(self):
        self.values = np.ascontiguousarray(self.values)  # torch takes no reversed rows or columns
        self.varying = (self.values != self.values[0]).any(axis=0)
        self.angle = [is_angle(name) for name in self.names]
        self.width = np.ones(len(self.names))
        self.center = self.values[0].astype(float)
        some = np.flatnonzero(self.varying)
        if not len(some):
            return
        self.center[some] = np.average(self.values[:, some], axis=0, weights=self.weight)
        self.width[some] = weighted_std(self.values[:, some], self.weight)
        for column in np.flatnonzero(self.angle):  # the mean of an angle means nothing
            self.center[column] = self.center[column] if not self.varying[column] else 0.0

    @property
    def free(self):
        """Columns that a map gives: those that vary and are no energy on a mass shell."""
        energies = {shell[3] for shell in self.shells}
        return [int(i) for i in np.flatnonzero(self.varying) if i not in energies]

    @property
    def constants(self):
        """Value of each column that never varies, but for energies on a mass shell."""
        energies = {shell[3] for shell in self.shells}
        still = (int(i) for i in np.flatnonzero(~self.varying))
        return {i: float(self.values[0, i]) for i in still if i not in energies}


def find_shells(masses, names, named, what):
    """Momenta and energy of each object with a mass, as positions.

    Parameters
    ----------
    masses : None, float, or dict of str to float
        One mass for all objects that have px, py, pz and E, or one for each object.
    names : list of str
    named : bool
        Whether the table has names; without, its columns are consecutive (px, py, pz, E).
    what : {"X", "y"}

    Returns
    -------
    list of tuple (px, py, pz, E, mass)
    """
    if masses is None:
        return []
    if not named:
        if isinstance(masses, Mapping) or len(names) % 4:
            raise ValueError(
                f"masses={masses!r}: {what} has {len(names)} columns and no names. Pass a "
                "DataFrame, or one mass for columns that are consecutive (px, py, pz, E)."
            )
        mass = _check_mass(masses, "all objects")
        return [(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3, mass) for i in range(len(names) // 4)]
    found = {obj: parts for obj, parts in event_objects(names).items() if set(SHELL) <= set(parts)}
    if not isinstance(masses, Mapping):
        masses = dict.fromkeys(found, masses)
    return [
        (*(found[obj][component] for component in SHELL), _check_mass(mass, repr(obj)))
        for obj, mass in masses.items()
        if obj in found
    ]


def _check_mass(mass, whose):
    if isinstance(mass, bool) or not isinstance(mass, numbers.Real) or not 0 <= mass < np.inf:
        raise ValueError(f"masses: that of {whose} must be a number >= 0 in GeV, got {mass!r}.")
    return float(mass)


def check_masses_used(masses, tables):
    """Raise ValueError where a mass is of no object of either table."""
    if not isinstance(masses, Mapping):
        return
    known = {split_name(table.names[shell[3]])[0] for table in tables for shell in table.shells}
    unused = [obj for obj in masses if obj not in known]
    if unused:
        raise ValueError(
            f"masses name {unused[0]!r}, for which neither X nor y has the columns "
            f"{[f'{unused[0]}_{component}' for component in SHELL]}."
        )


def check_on_shell(table):
    """Raise ValueError where an energy is not that of its momentum and mass."""
    for *momentum, column, mass in table.shells:
        energy = table.values[:, column]
        shell = np.sqrt(np.square(table.values[:, momentum]).sum(axis=1) + mass**2)
        bad = np.abs(energy - shell) > TOLERANCE * np.abs(energy)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(
                f"{table.what} has E = {energy[row]:.6g} GeV in column {table.names[column]!r}, "
                f"row {row} ({int(bad.sum())} rows in all), but the momentum in "
                f"{[table.names[i] for i in momentum]} and masses = {mass:g} GeV make "
                f"{shell[row]:.6g} GeV. Give the columns in the order px, py, pz, E, name them, "
                "check the mass, or set the energies to those of the mass."
            )


def partners(source, target):
    """Column of `source` that each column of `target` corresponds to, or None.

    By name; of two equally wide tables in which no name stands elsewhere also by position, where
    both columns are the same component of something, as px of a quark and of a jet, or where no
    column has a name that both know.
    """
    place = {name: i for i, name in enumerate(source.names)}
    same_width = len(source.names) == len(target.names)
    if not same_width or any(place.get(name, i) != i for i, name in enumerate(target.names)):
        return [place.get(name) for name in target.names]
    strangers = not set(source.names) & set(target.names)
    return [
        i if strangers or one == other or _alike(one, other) else None
        for i, (one, other) in enumerate(zip(source.names, target.names, strict=True))
    ]


def _alike(name, other):
    """Whether two columns are the same component of different objects."""
    component = split_name(name)[1]
    return component is not None and component == split_name(other)[1]


def find_steps(residual, source, target):
    """Steps of the map's outputs, and the source's column each is added to, by target column.

    Parameters
    ----------
    residual : bool, float, or dict of str to float
        A dict has columns or components, and steps in their units.

    Returns
    -------
    step : ndarray of shape (n_columns,)
    partner : list of int or None
    """
    none = [None] * len(target.names)
    step = target.width.copy()
    if residual is False or residual is None:
        return step, none
    found = [
        i if i is None or source.varying[i] else None for i in partners(source, target)
    ]  # a constant is no start
    if residual is True:
        if not any(i is not None for i in found):
            raise ValueError(
                "residual=True adds to the columns that X and y share, but they share none that "
                f"varies: X has {source.names}, y {target.names}, or the other way round."
            )
        return step, found
    if not isinstance(residual, Mapping):
        raise TypeError(
            "residual must be True, False, or the typical step of columns, such as "
            f"{{'pt': 1.0, 'eta': 0.001}}, got {residual!r}."
        )
    partner = none
    for key, size in residual.items():
        if not isinstance(size, numbers.Real) or isinstance(size, bool) or not size > 0:
            raise ValueError(f"residual[{key!r}] must be a positive number, got {size!r}.")
        for i, name in enumerate(target.names):
            if key in (name, split_name(name)[1]) and found[i] is not None:
                step[i], partner[i] = size, found[i]
    return step, partner


def check_residual_used(residual, tables):
    """Raise ValueError where a step is of no column of either table."""
    if not isinstance(residual, Mapping):
        return
    for key in residual:
        if not any(key in (name, split_name(name)[1]) for t in tables for name in t.names):
            raise ValueError(
                f"residual has a step of {key!r}, which is no column of X or y and no component "
                f"of one. Components are {', '.join(COMPONENTS)}."
            )


def find_thresholds(thresholds, target, other_names):
    """Positions of the transverse momenta that have a threshold, from {object: GeV}."""
    found = []
    objects = event_objects(target.names)
    for obj, least in (thresholds or {}).items():
        if not isinstance(least, numbers.Real) or not np.isfinite(least):
            raise ValueError(f"thresholds[{obj!r}] must be a number of GeV, got {least!r}.")
        parts = objects.get(obj, {})
        if "pt" in parts:
            found.append((parts["pt"], None, float(least)))
        elif "log_pt" in parts:
            found.append((parts["log_pt"], None, float(np.log(_positive(least, obj)))))
        elif {"px", "py"} <= set(parts):
            found.append((parts["px"], parts["py"], float(least)))
        else:
            swapped = _has_pt(event_objects(other_names).get(obj, {}))
            cure = "X has it: were X and y swapped?" if swapped else f"Objects: {list(objects)}."
            raise ValueError(
                f"thresholds name {obj!r}, of which y has neither '{obj}_pt' or '{obj}_log_pt' nor "
                f"'{obj}_px' and '{obj}_py'. {cure}"
            )
    return tuple(found)


def _has_pt(parts):
    return not {"pt", "log_pt"}.isdisjoint(parts) or {"px", "py"} <= set(parts)


def _positive(least, obj):
    if least <= 0:
        raise ValueError(
            f"thresholds[{obj!r}] is {least!r} GeV, but y has the logarithm of pT: above zero it "
            "must be."
        )
    return least


def find_anchors(anchors, theory, measured):
    """Positions of the vectors whose directions are kept, on both levels.

    Parameters
    ----------
    anchors : None, callable, or list of (str or sequence of str)
        Objects with px, py and pz, or the columns of a vector; both levels have them.
    """
    if anchors is None or callable(anchors):
        return anchors
    if isinstance(anchors, str):
        anchors = [anchors]
    groups = []
    for group in anchors:
        columns = (
            [f"{group}_{component}" for component in SHELL[:3]]
            if isinstance(group, str)
            else list(group)
        )
        for table in (theory, measured):
            missing = [column for column in columns if column not in table.names]
            if missing:
                raise ValueError(
                    f"anchors={anchors!r}: {table.what} has no column {missing[0]!r}. An anchor is "
                    "an object with px, py and pz on both levels, a list of columns, or a callable."
                )
        groups.append(
            tuple([table.names.index(column) for column in columns] for table in (theory, measured))
        )
    return groups


def check_per_object(per_object, theory, measured):
    """Raise where objects cannot be drawn one by one, or not by one network together.

    Parameters
    ----------
    per_object : bool, or list of list of str
        Objects that share a network.
    """
    if isinstance(per_object, bool):
        return
    if isinstance(per_object, str) or any(isinstance(names, str) for names in per_object):
        raise TypeError(
            "per_object must be True, False, or a list of lists of objects that are measured "
            f"alike, such as [['electron', 'positron']], got {per_object!r}."
        )
    named = [name for names in per_object for name in names]
    twice = first_duplicate(named)
    if twice is not None:
        raise ValueError(f"per_object names {twice!r} twice.")
    for table in (theory, measured):
        parts = {obj: set(found) for obj, found in event_objects(table.names).items()}
        for names in per_object:
            missing = [name for name in names if name not in parts]
            if missing:
                raise ValueError(
                    f"per_object names {missing[0]!r}, of which {table.what} has no column. "
                    f"Objects: {list(parts)}."
                )
            other = next((name for name in names if parts[name] != parts[names[0]]), None)
            if other is not None:
                raise ValueError(
                    f"per_object: {names[0]!r} and {other!r} cannot share a network, since "
                    f"{table.what} has {sorted(parts[names[0]])} of one and "
                    f"{sorted(parts[other])} of the other."
                )

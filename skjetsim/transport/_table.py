"""Checked events of each level, from which an OTUSSimulator learns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skjetsim._encoders._column_checks import check_columns, column_reach
from skjetsim.base._checks import read_events, weighted_events
from skjetsim.base._shapes import feature_names, target_names
from skjetsim.utils._angles import is_angle
from skjetsim.utils._event_columns import event_objects, split_name
from skjetsim.utils._four_vectors import energy as energy_of
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_same_events, column_names, counted
from skjetsim.utils._weighted import weighted_std

SHELL = ("px", "py", "pz", "E")
TOLERANCE = 2e-2  # relative, in energy: quark masses of generators differ by a tenth of a GeV


@dataclass
class Table:
    """Events of one level, and properties of their columns.

    Attributes
    ----------
    what : {"X", "y"}
    values : ndarray of shape (n_samples, n_columns)
    names : list of str
    weight : ndarray or None
    shells : list of tuple (px, py, pz, E, mass)
        Positions, and the mass that the energy is computed from.
    varying, angle : ndarray of bool, list of bool
        Columns that vary, and columns that are angles.
    center, width : ndarray of shape (n_columns,)
        Mean and standard deviation; the value itself and 1 for a constant column.
    free : list of int
        Output columns of a map: those that vary and are not an energy on a mass shell.
    constants : dict of int to float
        Value of each constant column, except energies on a mass shell.
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
        if len(some):
            self.center[some] = np.average(self.values[:, some], axis=0, weights=self.weight)
            self.width[some] = weighted_std(self.values[:, some], self.weight)
        self.center[self.varying & self.angle] = 0.0  # angles have no mean
        energies = {shell[3] for shell in self.shells}
        given = [i for i in range(len(self.names)) if i not in energies]
        self.free = [i for i in given if self.varying[i]]
        self.constants = {i: float(self.values[0, i]) for i in given if not self.varying[i]}

    def reach(self):
        """Distance from the middle of each column up to which single precision is enough."""
        middle = np.average(self.values, axis=0, weights=self.weight)
        return column_reach(middle, weighted_std(self.values, self.weight), ~self.varying)


def read_tables(estimator, X, y, paired, sample_weight, masses):
    """Checked tables of both levels, and the mask of pairs.

    Parameters
    ----------
    estimator : estimator
        It remembers the columns of X and y.
    X, y, paired, sample_weight
        Arguments of its `fit`.
    masses : None, float, or dict of str to float
    """
    named = column_names(X) is not None, column_names(y) is not None
    X, y, mask, weight = _read(estimator, X, y, paired, sample_weight)
    theory = _table("X", X, feature_names(estimator), named[0], weight, masses)
    measured = _table("y", y, target_names(estimator), named[1], weight, masses)
    _check_masses_used(masses, (theory, measured))
    _check_on_shell(theory)
    _check_on_shell(measured)
    return theory, measured, mask


def _read(estimator, X, y, paired, sample_weight):
    if paired is not None:
        check_same_events(X, y)
    X, y, weight = read_events(estimator, X, y, sample_weight, min_samples=2, paired=False)
    if len(y) < 2:
        raise ValueError(f"y has n_samples = {len(y)}: two events are the least to learn from.")
    if sample_weight is not None and len(X) != len(y):
        raise ValueError(
            f"sample_weight is for rows of both levels, but X has {len(X)} and y {len(y)}. First "
            "draw equally many rows of each level by weight."
        )
    mask = _check_mask(paired, len(X), len(y))
    # Events of weight zero are never drawn. They must not determine a scale either.
    weight, X, y, mask = weighted_events(estimator, weight, X, y, mask)
    return X, y, mask, weight


def _table(what, values, names, named, weight, masses):
    table = Table(what, values, names, weight, find_shells(masses, names, named, what))
    check_columns(values, names, what, weight=weight, circular=table.angle)
    if not table.free:
        raise ValueError(
            f"{what} has n_features = {len(names)}, but no column that varies: there is nothing to "
            "learn."
        )
    return table


def _check_mask(paired, n_theory, n_measured):
    """Mask of pairs as an array."""
    if paired is None:
        return np.zeros(n_theory, dtype=bool)
    mask = np.array(paired)
    if n_theory != n_measured:
        raise ValueError(
            f"paired marks rows that are the same event in X and y, but X has {n_theory} rows and "
            f"y {n_measured}."
        )
    if mask.shape != (n_theory,):
        raise ValueError(
            f"paired has shape {mask.shape}, but there are {n_theory} rows: expected "
            f"({n_theory},), True if row i of X and y is the same event."
        )
    if mask.dtype != bool:
        raise ValueError(
            f"paired must be a mask of True and False, got values of type {mask.dtype}. A mask "
            "of positions is np.isin(np.arange(len(X)), positions)."
        )
    return mask


def find_shells(masses, names, named, what):
    """Positions of momentum and energy of each object with a mass.

    Parameters
    ----------
    masses : None, float, or dict of str to float
        One mass for all objects that have px, py, pz and E, or one for each object.
    names : list of str
    named : bool
        Whether the table has names. If not, its columns are (px, py, pz, E) of each object.
    what : {"X", "y"}

    Returns
    -------
    list of tuple (px, py, pz, E, mass)
    """
    if masses is None:
        return []
    by_object = isinstance(masses, Mapping)
    if named:
        found = {
            obj: [parts[component] for component in SHELL]
            for obj, parts in event_objects(names).items()
            if set(SHELL) <= set(parts)
        }
    elif by_object or len(names) % 4:
        raise ValueError(
            f"masses={masses!r}: {what} has {len(names)} columns without names. Pass a DataFrame, "
            "or one mass for columns that are (px, py, pz, E) of each object."
        )
    else:
        found = {f"number {i // 4}": range(i, i + 4) for i in range(0, len(names), 4)}
    if not by_object:
        masses = dict.fromkeys(found, masses)
    return [
        (*found[obj], check_real(mass, f"masses: that of {obj!r}", minimum=0, unit="GeV"))
        for obj, mass in masses.items()
        if obj in found
    ]


def _check_masses_used(masses, tables):
    """Raise ValueError if neither table has an object of `masses`."""
    if not isinstance(masses, Mapping):
        return
    known = {split_name(table.names[shell[3]])[0] for table in tables for shell in table.shells}
    unused = [obj for obj in masses if obj not in known]
    if unused:
        raise ValueError(
            f"masses name {unused[0]!r}, but neither X nor y has its columns "
            f"{[f'{unused[0]}_{component}' for component in SHELL]}."
        )


def _check_on_shell(table):
    """Raise ValueError if an energy does not follow from momentum and mass."""
    for *momentum, column, mass in table.shells:
        energy = table.values[:, column]
        shell = energy_of(*table.values[:, momentum].T, mass)
        bad = np.abs(energy - shell) > TOLERANCE * np.abs(energy)
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"{table.what} has E = {energy[row]:.6g} GeV in column {table.names[column]!r}, "
                f"row {row} ({counted(bad.sum(), 'such row')} in all), but the momentum in "
                f"{[table.names[i] for i in momentum]} and masses = {mass:g} GeV make "
                f"{shell[row]:.6g} GeV. Give the columns in the order px, py, pz, E, name them, "
                "check the mass, or compute the energies from the mass."
            )

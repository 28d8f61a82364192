"""Atoms: which values of a table have a probability instead of a density, and their maps."""

import numpy as np
from scipy.special import ndtri

from skjetsim._encoders._atom_angles import AtomAngles
from skjetsim._encoders._atom_lines import HALF_LOG_TWO_PI, INSIDE, AtomLines
from skjetsim._encoders._column_maps import BLOCK_VALUES, sorted_repeats
from skjetsim._encoders._implied import broken, force, forced_atoms, implications
from skjetsim._encoders._repeats import find_repeats, runs_of
from skjetsim.utils._angles import TWO_PI, wrap_phi


class Atoms:
    """Columns with atoms: their values as network inputs, and back.

    An event at an atom is put somewhere into the slot of the atom. If the atom of one column
    implies that of another one, the other value says nothing more: it is normal noise, or any
    angle. It is not used when decoding.

    Attributes
    ----------
    circular_ : ndarray of bool, shape (n_columns,)
    lines_, angles_ : ndarray of int
        Columns of numbers and of angles that have a map here.
    line_maps_ : AtomLines
    angle_maps_ : AtomAngles
    pairs_ : ndarray of shape (n_implications, 4)
        From `implications`.
    """

    def fit(self, table, found, weight, circular, integers, spread=None):
        """Learn the maps.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        found : dict of int to (Runs, Repeats)
            Columns that hold repeated values.
        weight : ndarray of shape (n_samples,), optional
        circular, integers : ndarray of bool, shape (n_columns,)
            Columns of angles, and columns of integers or on a grid, which have another map.
        spread : ndarray of shape (n_samples, n_columns), optional
            The table with values on a grid between atoms moved into their cells.

        Returns
        -------
        self
        """
        self.circular_ = circular
        table = self._wrapped(table)
        self.pairs_ = _implied(table, found, integers)
        runs = {j: own for j, (own, repeats) in found.items() if len(repeats.atoms)}
        atoms = {j: found[j][1].atoms for j in runs}
        grids = {j: np.ones(len(table), dtype=bool) for j in runs if found[j][1].step}
        for j in {int(j) for j in self.pairs_[:, 2]} - set(np.flatnonzero(integers)):
            mine = self.pairs_[:, 2] == j
            for value in np.unique(self.pairs_[mine, 3]):
                pairs = self.pairs_[mine & (self.pairs_[:, 3] == value)]
                rows = np.flatnonzero(forced_atoms(pairs, table)[:, j])
                runs[j] = runs[j].without(value, rows, weight)
                if j in grids:
                    grids[j][rows] = False
            if j in grids:
                atoms[j] = np.intersect1d(atoms[j], runs[j].values)
                continue  # the atoms were found in the whole column, and stay apart from its grid
            atoms[j] = find_repeats(runs[j], circular[j]).atoms if len(runs[j].values) else None
        for j, rows in grids.items():
            own = None if weight is None else weight[rows]
            runs[j] = runs_of(spread[rows, j], weight=own)
        # A column of which all values are implied has no map.
        numbers = np.array([j for j in sorted(runs) if atoms[j] is not None], dtype=np.intp)
        self.lines_, self.angles_ = numbers[~circular[numbers]], numbers[circular[numbers]]
        self.line_maps_ = AtomLines().fit(*([own[j] for j in self.lines_] for own in (runs, atoms)))
        self.angle_maps_ = AtomAngles().fit(
            *([own[j] for j in self.angles_] for own in (runs, atoms))
        )
        return self

    @property
    def mapped_(self):
        """Numbers of the columns that have a map here."""
        return np.r_[self.lines_, self.angles_]

    def is_discrete(self, table):
        """Whether each value is an atom or implied by one."""
        table = self._wrapped(table)
        found = forced_atoms(self.pairs_, table)
        for columns, maps in self._maps():
            found[:, columns] |= maps.is_atom(table[:, columns])
        return found

    def impossible(self, table):
        """Which values the fit excludes, on their own or because an atom implies another value."""
        table = self._wrapped(table)
        result = np.zeros(table.shape, dtype=bool)
        for columns, maps in self._maps():
            result[:, columns] = maps.impossible(table[:, columns])
        result &= ~forced_atoms(self.pairs_, table)
        return result | broken(self.pairs_, table)

    def encode(self, table, inputs, points):
        """Write network inputs of all columns with atoms into `inputs`.

        Parameters
        ----------
        table, inputs : ndarray of shape (n_samples, n_columns)
        points : ndarray of shape (n_columns,), or numpy.random.Generator
            Places of discrete values in their slots, between 0 and 1. A generator draws one for
            each value.
        """
        for rows in self._blocks(table):
            block = self._wrapped(table[rows])
            random = isinstance(points, np.random.Generator)
            own = points.random(block.shape) if random else points
            for columns, maps in self._maps():
                inputs[rows, columns] = maps.encode(block[:, columns], own[..., columns])
            forced = forced_atoms(self.pairs_, block)
            for j in np.flatnonzero(forced.any(axis=0)):
                mine = forced[:, j]
                place = np.broadcast_to(own, block.shape)[mine, j]
                inputs[rows, j][mine] = self._noise(j, place)

    def log_slopes(self, table, slopes, points):
        """Write into `slopes` the logarithms of the slopes, or of share over density at a point."""
        for rows in self._blocks(table):
            block = self._wrapped(table[rows])
            for columns, maps in self._maps():
                slopes[rows, columns] = maps.log_slopes(block[:, columns], points[columns])
            forced = forced_atoms(self.pairs_, block)
            for j in np.flatnonzero(forced.any(axis=0)):
                slopes[rows, j][forced[:, j]] = (
                    np.log(TWO_PI)
                    if self.circular_[j]
                    else HALF_LOG_TWO_PI + 0.5 * self._noise(j, points[j]) ** 2
                )

    def decode(self, inputs, table):
        """Write the values of all columns with atoms into `table`."""
        for rows in self._blocks(table):
            for columns, maps in self._maps():
                table[rows, columns] = maps.decode(inputs[rows, columns])
        force(self.pairs_, table)

    def _blocks(self, table):
        """Rows that are computed together, so that temporaries stay in the cache."""
        n_rows = max(1, BLOCK_VALUES // table.shape[1])
        return [slice(start, start + n_rows) for start in range(0, len(table), n_rows)]

    def _maps(self):
        parts = (self.lines_, self.line_maps_), (self.angles_, self.angle_maps_)
        return [(_as_slice(columns), maps) for columns, maps in parts if len(columns)]

    def _wrapped(self, table):
        return wrapped(table, self.circular_)

    def _noise(self, column, points):
        """Network inputs that mean nothing: normal numbers, or angles."""
        if self.circular_[column]:
            return TWO_PI * points - np.pi
        return ndtri(np.clip(points, INSIDE, 1 - INSIDE))


def _as_slice(columns):
    """Columns as a slice if they are adjacent, so that no copy is made."""
    if len(columns) == columns[-1] - columns[0] + 1:
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns


def wrapped(table, circular):
    """Table with its angles in (-pi, pi]."""
    if not circular.any():
        return table
    table = table.copy()
    table[:, circular] = wrap_phi(table[:, circular])
    return table


def repeated_columns(table, weight=None, circular=None, ordered=None):
    """Runs and repeats of the columns that have an atom or a grid.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    weight : ndarray of shape (n_samples,), optional
    circular : ndarray of bool, shape (n_columns,), optional
    ordered : dict of int to ndarray, optional
        Sorted values of the columns in which a value is repeated, if they are known.

    Returns
    -------
    dict of int to (Runs, Repeats)
    """
    circular = np.zeros(table.shape[1], dtype=bool) if circular is None else circular
    if ordered is None:
        ordered = sorted_repeats(table)
    found = {}
    for j, column in ordered.items():
        values = table[:, j]
        if circular[j]:
            values, column = wrap_phi(values), None
        runs = runs_of(values, column, weight)
        repeats = find_repeats(runs, circular[j])
        if len(repeats.atoms) or repeats.step:
            found[j] = runs, repeats
    return found


def _implied(table, found, integers):
    """Implications between the atoms of the columns that were found."""
    atoms = {j: repeats.atoms for j, (_, repeats) in found.items() if not integers[j]}
    share = {j: _share_of(found[j][0], own) for j, own in atoms.items()}
    order = sorted(atoms, key=lambda j: (share[j], j))
    parents = [(j, value) for j in order for value in atoms[j]]
    later = [int(j) for j in np.flatnonzero(integers)] if parents else []
    children = parents + [(j, _commonest(table[:, j])) for j in later]
    return implications(table, parents, children, [*order, *later])


def _commonest(column):
    runs = runs_of(column)
    return runs.values[np.argmax(runs.counts)]


def _share_of(runs, atoms):
    return runs.share[np.isin(runs.values, atoms)].sum() / runs.share.sum()

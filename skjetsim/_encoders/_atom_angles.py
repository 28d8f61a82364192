"""AtomAngles: angles with atoms, on a circle with a slot for each atom."""

import numpy as np

from skjetsim.utils._angles import TWO_PI, wrap_phi


class AtomAngles:
    """Maps of angles with atoms.

    An atom of share p becomes an arc of the length 2 pi p. The arcs between atoms shrink in
    proportion, so that the whole is again one turn.

    Attributes
    ----------
    atoms_ : list of ndarray
        Atoms of each column, rising in [-pi, pi].
    share_ : list of ndarray
        Their shares.
    """

    def fit(self, runs, atoms):
        """Learn the shares of the atoms. As `AtomLines.fit`."""
        self.atoms_ = list(atoms)
        self.share_ = []
        for own, values in zip(runs, self.atoms_, strict=True):
            at = np.searchsorted(values, own.values)
            known = np.append(values, np.nan)[at] == own.values
            share = np.bincount(at[known], own.share[known], minlength=len(values))
            if known.all():
                share = share / share.sum()
                share[-1] = 1.0 - share[:-1].sum()
            self.share_.append(share / own.share.sum() if not known.all() else share)
        return self

    def is_atom(self, table):
        """Whether each value is an atom, of the same shape as the table."""
        return np.stack([at for _, at, _ in self._places(table)], axis=1)

    def encode(self, table, points):
        """Map angles to the circle with slots. As `AtomLines.encode`."""
        result = np.empty(table.shape)
        for j, (number, at, x) in enumerate(self._places(table)):
            share, starts = self.share_[j], self._starts(j)
            before = np.r_[0.0, np.cumsum(share)][number]
            result[:, j] = self._rest(j) * (x + np.pi) + TWO_PI * before - np.pi
            own, place = number[at], np.broadcast_to(points, table.shape)[at, j]
            result[at, j] = starts[own] + TWO_PI * share[own] * place
        return result

    def decode(self, mapped):
        """Inverse of `encode`."""
        result = np.empty(mapped.shape)
        for j, (atoms, share) in enumerate(zip(self.atoms_, self.share_, strict=True)):
            y, starts = wrap_phi(mapped[:, j]), self._starts(j)
            number = np.searchsorted(starts + TWO_PI * share, y, side="right")
            at = y >= np.append(starts, np.inf)[number]
            at |= self._rest(j) == 0  # rounding at the ends of the circle
            before = np.r_[0.0, np.cumsum(share)][number]
            rest = self._rest(j) or 1.0
            angle = (y + np.pi - TWO_PI * before) / rest - np.pi
            result[:, j] = np.clip(angle, -np.pi, np.pi)
            result[at, j] = atoms[np.minimum(number[at], len(atoms) - 1)]
        return result

    def log_slopes(self, table, points=None):
        """Logarithm of the slope of the map. At an atom, of the length of its arc."""
        result = np.empty(table.shape)
        with np.errstate(divide="ignore"):
            for j, (number, at, _) in enumerate(self._places(table)):
                result[:, j] = np.log(self._rest(j))
                result[at, j] = np.log(TWO_PI * self.share_[j][number[at]])
        return result

    def impossible(self, table):
        """Whether each value is not an atom, in a column of nothing else."""
        every = np.array([self._rest(j) == 0 for j in range(len(self.atoms_))])
        return ~self.is_atom(table) & every

    def _places(self, table):
        """For each column, the atoms below each angle, whether it is the next, and the angle."""
        for j, atoms in enumerate(self.atoms_):
            x = wrap_phi(table[:, j])
            number = np.searchsorted(atoms, x)
            yield number, np.append(atoms, np.nan)[number] == x, x

    def _starts(self, j):
        """Starts of the arcs of atoms."""
        before = np.cumsum(self.share_[j]) - self.share_[j]
        return self._rest(j) * (self.atoms_[j] + np.pi) + TWO_PI * before - np.pi

    def _rest(self, j):
        """Share of the events that are at no atom."""
        left = 1.0 - self.share_[j].sum()
        return left if left > 1e-12 else 0.0

"""AtomLines: columns of numbers with atoms, mapped to a normal with a slot for each atom.

The line of a column is cut at its atoms. An atom gets a slot as wide as its share of the normal
distribution. Events between two atoms get an interval as wide as their share, into which a smooth
curve maps them through their quantiles. A gap without events gets next to nothing.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from skjetsim._encoders._column_maps import (
    KNOT_SPACING,
    ROWS_BEYOND_LAST_KNOT,
    curve_from_normal,
    curve_slopes,
    curve_to_normal,
    curves_between,
    merge_ties,
)

GAP_EVENTS = 1e-3  # probability of a gap, in events of the fit: a score there is not infinite
INSIDE = 2.0**-32  # distance of a point from the edges of its slot
FARTHEST = ndtri(INSIDE)
FEW_ATOMS = 4  # up to this number, values are compared with each atom of all columns at once
HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)


class AtomLines:
    """Maps of columns with atoms.

    Segments are the parts of a line between its atoms: a column of k atoms has k + 1 of them, which
    may be empty. Arrays of segments and of atoms hold those of all columns, one after the other.

    Attributes
    ----------
    n_atoms_ : ndarray of int, shape (n_columns,)
    atoms_ : ndarray of shape (n_atoms,)
        Values of the atoms, in rising order in each column.
    below_, above_ : ndarray of shape (n_segments, 4)
        Probability below, and above, the start of a segment, of its events, the end of its events,
        and the end of the segment.
    edges_ : ndarray of shape (n_segments, 4)
        The same places in the normal.
    bounds_ : ndarray of shape (2, n_segments)
        Least and largest value of the events in a segment. Infinite if no atom is on that side.
    curve_ : ndarray of int, shape (n_segments,)
        Number of the curve of a segment. -1 if it is empty.
    intervals_, ends_ : ndarray
        Curves, from `curves_between`.
    """

    def fit(self, runs, atoms):
        """Learn the maps.

        Parameters
        ----------
        runs : list of Runs
            Distinct values of each column, with the shares of their events.
        atoms : list of ndarray
            Values of the atoms of each column.

        Returns
        -------
        self
        """
        self.n_atoms_ = np.array([len(values) for values in atoms], dtype=np.intp)
        self.atoms_ = np.concatenate([*atoms, np.empty(0)])
        if not len(self.n_atoms_):
            return self
        parts = [_Segments(*each) for each in zip(runs, atoms, strict=True)]
        self.below_ = np.concatenate([part.below for part in parts])
        self.above_ = np.concatenate([part.above for part in parts])
        self.edges_ = _normal(self.below_, self.above_)
        self.bounds_ = np.concatenate([part.bounds for part in parts], axis=1)
        curves = [curve for part in parts for curve in part.curves()]
        used = np.concatenate([part.used for part in parts])
        self.curve_ = np.where(used, np.cumsum(used) - 1, -1)
        self.intervals_, self.ends_ = np.zeros((6, 0, 1)), np.zeros((6, 2, 0))
        if curves:
            self.intervals_, self.ends_ = _joined(curves)
        return self

    def is_atom(self, table):
        """Whether each value is an atom, of the same shape as the table."""
        return self._place(table)[1]

    def encode(self, table, points):
        """Map values to a normal.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        points : ndarray of shape (n_columns,) or (n_samples, n_columns)
            Places of atoms in their slots, between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        segment, at_atom, rest = self._split(table)
        if points.ndim == 1:
            result = self._at_points(points)[0].take(segment)
        else:
            result = np.empty(table.size)
            place = np.flatnonzero(at_atom)
            result[place] = self._in_slots(segment.take(place), points.take(place))
        result[rest] = self._along(table.take(rest), segment.take(rest))
        return result.reshape(table.shape)

    def decode(self, mapped):
        """Inverse of `encode`."""
        segment, at_atom = (each.ravel() for each in self._place_of_mapped(mapped))
        rest = np.flatnonzero(~at_atom)
        result = self._atoms_after().take(segment)
        result[rest] = self._back(mapped.take(rest), segment.take(rest))
        return result.reshape(mapped.shape)

    def log_slopes(self, table, points):
        """Logarithm of the slope of the map. At an atom, of its share over the density at a point.

        The mean over all points of a slot of (density at the point) x (this) is the probability of
        the atom.
        """
        segment, _, rest = self._split(table)
        result = self._at_points(points)[1].take(segment)
        values, segment = table.take(rest), segment.take(rest)
        slope = np.full(len(values), -np.inf)
        inside, gaps = self._parts(values, segment)
        curve = self.curve_.take(segment[inside])
        slope[inside] = curve_slopes(values[inside], curve, self.intervals_, self.ends_)
        for rows, from_x, to_x, start in gaps:
            height = self.edges_[segment[rows], start + 1] - self.edges_[segment[rows], start]
            slope[rows] = np.log(height / (to_x - from_x))
        result[rest] = slope
        return result.reshape(table.shape)

    def _split(self, table):
        """Segment of each value, whether it is an atom, and the indices of those that are not."""
        segment, at_atom = (each.ravel() for each in self._place(table))
        return segment, at_atom, np.flatnonzero(~at_atom)

    def impossible(self, table):
        """Whether each value lies where the fit had neither an atom nor events around it."""
        segment, at_atom = self._place(table)
        return ~at_atom & (self.curve_[segment] < 0)

    def _starts(self):
        """Number of the first segment of each column."""
        return np.cumsum(self.n_atoms_ + 1) - self.n_atoms_ - 1

    def _atoms_after(self):
        """Atom at the end of each segment. NaN if there is none."""
        last = np.cumsum(self.n_atoms_ + 1) - 1
        return np.insert(self.atoms_, last - np.arange(len(last)), np.nan)

    def _place(self, table):
        """Segment of each value, and whether it is the atom at the end of the segment."""
        atoms = self._atoms_after()
        return self._count(table, atoms, atoms, "left")

    def _place_of_mapped(self, mapped):
        """Segment of each place in the normal, and whether it is in the slot at its end."""
        return self._count(mapped, self.edges_[:, 3], np.r_[self.edges_[1:, 0], np.nan], "right")

    def _count(self, values, lower, upper, side):
        """Segment of each value, and whether it is in the slot at the end of the segment.

        `lower` and `upper` are the edges of these slots. A slot has its lower edge if `side` is
        "right". If it is "left", it is a point.
        """
        first = self._starts()
        inside = np.zeros(values.shape, dtype=bool)
        if self.n_atoms_.max(initial=0) <= FEW_ATOMS:
            segment = np.empty(values.shape, dtype=np.intp)
            segment[:] = first
            for number in range(self.n_atoms_.max(initial=0)):
                there = self.n_atoms_ > number
                slot = np.where(there, first + number, 0)
                start, end = (np.where(there, edge[slot], np.nan) for edge in (lower, upper))
                beyond = values > end if side == "left" else values >= end
                segment += beyond
                inside |= values == start if side == "left" else (values >= start) & ~beyond
            return segment, inside
        segment = np.empty(values.shape, dtype=np.intp)
        for j, (start, n_atoms) in enumerate(zip(first, self.n_atoms_, strict=True)):
            slots = slice(start, start + n_atoms)
            below = np.searchsorted(upper[slots], values[:, j], side)
            segment[:, j] = start + below
            next_ = np.append(lower[slots], np.nan)[below]
            inside[:, j] = values[:, j] == next_ if side == "left" else values[:, j] >= next_
        return segment, inside

    def _slots(self):
        """Start and signed width of the slot behind each segment, in the smaller probability."""
        below, above = self.below_[:, 3], self.above_[:, 3]
        below_end, above_end = np.r_[self.below_[1:, 0], 1.0], np.r_[self.above_[1:, 0], 0.0]
        lower = below < above_end
        return np.where(lower, below, above), np.where(lower, below_end - below, above_end - above)

    def _in_slots(self, segment, points):
        """Places in the slots behind segments, in the normal."""
        start, width = self._slots()
        chance = np.clip(points, INSIDE, 1 - INSIDE)
        chance *= width.take(segment)
        chance += start.take(segment)
        place = ndtri(chance, out=chance)
        place *= np.where(width < 0, -1.0, 1.0).take(segment)
        return place

    def _at_points(self, points):
        """Place in the slot behind each segment, and the logarithm of share over density there."""
        of_column = np.repeat(points, self.n_atoms_ + 1)
        place = self._in_slots(np.arange(len(of_column)), of_column)
        _, width = self._slots()
        # The last segment of a column has no slot behind it.
        with np.errstate(divide="ignore", invalid="ignore"):
            return place, np.log(np.abs(width)) + 0.5 * place**2 + HALF_LOG_TWO_PI

    def _parts(self, values, segment):
        """Which values are among the events of their segment, and which are in gaps around them.

        Gaps are (which values, start and end of the gap, number of its first edge).
        """
        used = self.curve_.take(segment) >= 0
        under, over = values < self.bounds_[0].take(segment), values > self.bounds_[1].take(segment)
        under &= used
        over &= used
        return used & ~under & ~over, self._gaps(segment, under, over)

    def _gaps(self, segment, under, over):
        """Gaps below and above the events, with their ends in units of the column."""
        gaps = []
        if under.any():
            mine = segment[under]
            gaps.append((under, self._atoms_after()[mine - 1], self.bounds_[0][mine], 0))
        if over.any():
            mine = segment[over]
            gaps.append((over, self.bounds_[1][mine], self._atoms_after()[mine], 2))
        return gaps

    def _along(self, values, segment):
        """Mapped values that are not atoms."""
        inside, gaps = self._parts(values, segment)
        if inside.all():
            return curve_to_normal(values, self.curve_.take(segment), self.intervals_, self.ends_)
        # Impossible values go to the edge of the nearest slot.
        result = np.clip(np.clip(0.0, *self.edges_[segment][:, [0, 3]].T), FARTHEST, -FARTHEST)
        curve = self.curve_.take(segment[inside])
        result[inside] = curve_to_normal(values[inside], curve, self.intervals_, self.ends_)
        for rows, from_x, to_x, start in gaps:
            share = (values[rows] - from_x) / (to_x - from_x)
            left, right = self.edges_[segment[rows], start], self.edges_[segment[rows], start + 1]
            result[rows] = left + share * (right - left)
        return result

    def _back(self, mapped, segment):
        """Values, in the units of the column, of places that are not in slots."""
        _, start, end, _ = self.edges_.T
        under, over = mapped < start.take(segment), mapped > end.take(segment)
        result = curve_from_normal(mapped, self.curve_.take(segment), self.intervals_, self.ends_)
        np.clip(result, self.bounds_[0].take(segment), self.bounds_[1].take(segment), out=result)
        for rows, from_x, to_x, start in self._gaps(segment, under, over):
            left, right = self.edges_[segment[rows], start], self.edges_[segment[rows], start + 1]
            result[rows] = from_x + (mapped[rows] - left) / (right - left) * (to_x - from_x)
        return result


class _Segments:
    """Shares of the atoms and segments of one column, and the knots of its curves."""

    def __init__(self, runs, atoms):
        n_rows = runs.counts.sum()
        place = np.searchsorted(runs.values, atoms)
        share = runs.share[place]
        self.values, self.counts, weights = (
            np.delete(part, place) for part in (runs.values, runs.counts, runs.share)
        )
        edges = np.searchsorted(self.values, atoms)
        self.parts = np.stack([np.r_[0, edges], np.r_[edges, len(self.values)]], axis=1)
        self.weights, self.n_rows = weights, n_rows
        self.used = self.parts[:, 1] > self.parts[:, 0]
        self._measure(share, runs.share.sum())
        self.bounds = np.full((2, len(self.used)), [[-np.inf], [np.inf]])
        first, last = self.parts[self.used].T
        self.low, self.high = self.values[first], self.values[last - 1]
        self.bounds[0, self.used], self.bounds[1, self.used] = self.low, self.high
        self.bounds[0, 0], self.bounds[1, -1] = -np.inf, np.inf

    def _measure(self, share, total):
        """Probabilities of gaps, events and slots along the line."""
        sums = np.r_[0.0, np.cumsum(self.weights)]
        pieces = np.zeros((len(self.used), 4))  # gap, events, gap, slot
        gap = GAP_EVENTS / self.n_rows * total
        pieces[:, 1] = sums[self.parts[:, 1]] - sums[self.parts[:, 0]]
        pieces[1:, 0] = gap * self.used[1:]
        pieces[:-1, 2] = gap * self.used[:-1]
        pieces[:-1, 3] = share
        pieces /= pieces.sum()
        below = np.r_[0.0, np.cumsum(pieces.ravel())[:-1]].reshape(pieces.shape)
        above = np.cumsum(pieces.ravel()[::-1])[::-1].reshape(pieces.shape)
        self.below, self.above = np.minimum(below, 1.0), np.minimum(above, 1.0)

    def curves(self):
        """Yield (x, u, low, high, width, number of rows) of the knots of each segment."""
        numbers = np.flatnonzero(self.used)
        for number, low, high in zip(numbers, self.low, self.high, strict=True):
            part = slice(*self.parts[number])
            values, weights = self.values[part], self.weights[part]
            n_rows = int(self.counts[part].sum())
            x, u = self._knots(number, values, weights, n_rows)
            mean = np.average(values, weights=weights)
            width = np.sqrt(np.average((values - mean) ** 2, weights=weights))
            yield x, u, low, high, max(width, np.finfo(float).tiny), self.n_rows

    def _knots(self, number, values, weights, n_rows):
        """Quantiles of the events of a segment, and their places in the normal."""
        below, above = self.below[number, 1:3], self.above[number, 1:3]
        share = max(below[1] - below[0], above[0] - above[1])
        beyond = share * min(0.2, ROWS_BEYOND_LAST_KNOT / n_rows)
        bounded = np.isfinite(self.bounds[:, number])
        start = _normal(below[0] + (0.0 if bounded[0] else beyond), above[0])
        end = -_normal(above[1] + (0.0 if bounded[1] else beyond), below[1])
        n_steps = min(np.ceil((end - start) / KNOT_SPACING), n_rows // ROWS_BEYOND_LAST_KNOT)
        u = np.linspace(start, end, 1 + max(1, int(n_steps)))
        level = np.where(u < 0, (ndtr(u) - below[0]) / share, 1 - (ndtr(-u) - above[1]) / share)
        position = (np.cumsum(weights) - 0.5 * weights) / weights.sum()
        x = np.interp(level, position, values)
        x[0] = values[0] if bounded[0] else x[0]
        x[-1] = values[-1] if bounded[1] else x[-1]
        if x[-1] - x[0] <= 1e-9 * (values[-1] - values[0]):
            return values[[0, -1]], u[[0, -1]]
        return x, u


def _normal(below, above):
    """Place in the normal with these probabilities on its sides; the smaller one is precise."""
    return np.where(below < above, ndtri(np.minimum(below, 1.0)), -ndtri(np.minimum(above, 1.0)))


def _joined(curves):
    """Intervals and ends of all curves, whose knots are padded by their last one."""
    n_knots = max(len(x) for x, *_ in curves)
    x, u = (
        np.array([np.pad(curve[k], (0, n_knots - len(curve[k])), mode="edge") for curve in curves])
        for k in range(2)
    )
    low, high, width, n_rows = (
        np.array(each) for each in zip(*(c[2:] for c in curves), strict=True)
    )
    x, u, n_distinct = merge_ties(x, u)
    found = curves_between(x, u, n_distinct, low, high, width, n_rows)
    return found["intervals"], found["ends"]

"""Values that many events hold exactly: atoms, and values on a grid.

A column of real numbers hardly repeats a value. If a value is repeated, it stands for something:
zero for an object that is not there, -999 for a quantity that was not measured, 255 for a
saturated cell, 1 for a tag. It has a probability, not a density.
"""

from dataclasses import dataclass, field

import numpy as np

# An atom is held by at least ATOM_ROWS events, and by ATOM_RATIO times as many as the values near
# it. Fewer events can be copies of one event, which a weight or a resampling makes. The ratio
# leaves columns alone whose values were rounded to single or half precision: there, all values are
# repeated alike.
ATOM_ROWS = 20
ATOM_RATIO = 10
NEAR = 10  # values on either side that an atom is compared with

# A column is discrete if its values are few, and repeated by REPEATS events on average.
FEW_VALUES = 100
REPEATS = 5
LEAST_GRID = 5  # values of a grid; a column with fewer is a category, unless these are counts
LEAST_COUNTS = 3  # 0 and 1 are a flag
FULL = 0.2  # share of the points of a grid that occur
GAP_STEPS = 10  # an atom this many steps away from the rest of a grid is not part of the grid
ROUNDING = 1e-3  # of a step: decimal fractions in single precision are not exactly on their grid


@dataclass
class Runs:
    """Distinct values of a column in rising order, and how many events hold each.

    `share` is the sum of their weights.
    """

    values: np.ndarray
    counts: np.ndarray
    share: np.ndarray

    def without(self, value, rows, weight=None):
        """Return the runs of the other events, if `rows` all hold this value."""
        at = int(np.searchsorted(self.values, value))
        counts, share = self.counts.copy(), self.share.copy()
        counts[at] -= len(rows)
        share[at] -= len(rows) if weight is None else weight[rows].sum()
        left = counts > 0
        return Runs(self.values[left], counts[left], np.maximum(share[left], 0.0))


@dataclass
class Repeats:
    """What is repeated in a column: its atoms, and the grid that its other values lie on."""

    atoms: np.ndarray = field(default_factory=lambda: np.empty(0))
    step: float = 0.0  # 0 if there is no grid


def runs_of(column, ordered=None, weight=None):
    """Runs of a column; `ordered` is the sorted column, if it is known."""
    if weight is not None:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
    elif ordered is None:
        ordered = np.sort(column)
    start = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[start, len(ordered)])
    share = counts.astype(np.float64)
    if weight is not None:
        share = np.add.reduceat(weight[order], start)
    return Runs(ordered[start].astype(np.float64), counts, share)


def is_repeated(ordered):
    """Which rows of sorted columns, of shape (n_columns, n_rows), hold a value ATOM_ROWS times."""
    n_starts = max(0, ordered.shape[1] - ATOM_ROWS + 1)
    return (ordered[:, ATOM_ROWS - 1 :] == ordered[:, :n_starts]).any(axis=1)


def find_repeats(runs, circular=False):
    """Atoms of a column, and the grid of its other values.

    Parameters
    ----------
    runs : Runs
    circular : bool
        Whether the column is an angle. A grid of angles has no further points, so that all of its
        values are atoms.

    Returns
    -------
    Repeats
    """
    values, counts = runs.values, runs.counts
    n_values, often = len(values), counts >= ATOM_ROWS
    if n_values == 1:
        return Repeats(values)
    if not often.any():
        return Repeats()
    step = _spectrum_step(values, counts)
    if step and circular:
        return Repeats(values)
    if _are_counts(values, counts) and not circular:
        return Repeats(step=1.0)
    far = _far_values(values, often)
    if far.any() and not circular:
        rest_step = _unlabelled_step(values[~far], counts[~far])
        if rest_step:
            return Repeats(_with_lone_values(values[far], values), rest_step)
    if _are_few(counts):
        if step and not (often[0] and often[-1]):  # the end of the spectrum was not seen
            return Repeats(step=step)
        if n_values < LEAST_GRID or often.sum() >= n_values / 2:
            return Repeats(values)
    atoms = _prominent(values, counts)
    if step and not _stand_apart(atoms, values, step):
        return Repeats(step=step)
    return Repeats(_with_lone_values(atoms, values))


def _are_few(counts):
    return len(counts) <= FEW_VALUES and counts.sum() >= REPEATS * len(counts)


def _are_counts(values, counts):
    """Whether values are 0, 1, 2, ... (or start later), and the last one is rare.

    Then a larger one is only too rare to have been seen. Of labels such as 0, 1 and 2, the last
    one is about as frequent as the others.
    """
    consecutive = values[0] >= 0 and np.array_equal(values, values[0] + np.arange(len(values)))
    whole = values[0] == np.floor(values[0])
    is_rare = counts[-1] < max(ATOM_ROWS, counts.max() / ATOM_RATIO)
    return bool(len(values) >= LEAST_COUNTS and consecutive and whole and is_rare)


def _spectrum_step(values, counts):
    """Step of the grid that the values of a discrete column lie on, or 0."""
    if len(values) < LEAST_GRID or counts.sum() < REPEATS * len(values):
        return 0.0
    return grid_step(values)


def _unlabelled_step(values, counts):
    """Step of the grid of a spectrum, or 0 if the values are few labels."""
    if _are_counts(values, counts):
        return 1.0
    ends_seen = counts[0] >= ATOM_ROWS and counts[-1] >= ATOM_ROWS
    return 0.0 if _are_few(counts) and ends_seen else _spectrum_step(values, counts)


def _far_values(values, often):
    """Which values many events hold, and lie far from the largest group of values.

    A gap of more than GAP_STEPS of the smallest spacing separates two groups. A sentinel such as
    -999 is far from rounded values, even if each of these is held as often.
    """
    spacing = np.diff(values)
    group = np.r_[0, np.cumsum(spacing > GAP_STEPS * spacing.min())]
    sizes = np.bincount(group)
    n_often = np.bincount(group, weights=often)
    far = (n_often == sizes) & (sizes < LEAST_GRID)
    far[np.argmax(sizes)] = False
    return far[group]


def grid_step(values):
    """Step of the grid that values lie on, or 0. They are distinct and in rising order."""
    step = np.diff(values).min()
    range_ = values[-1] - values[0]
    n_steps = np.rint(range_ / step)
    if n_steps + 1 > len(values) / FULL:
        return 0.0
    if np.all(values == np.floor(values)):
        return float(np.gcd.reduce(np.diff(values).astype(np.int64)))
    step = range_ / n_steps
    place = (values - values[0]) / step
    return float(step) if np.abs(place - np.rint(place)).max() < ROUNDING else 0.0


def _prominent(values, counts):
    """Values with many more events than those near them. Atoms next to each other do not count."""
    left = np.arange(len(values))
    while True:
        own = counts[left]
        found = np.flatnonzero(own >= ATOM_ROWS)
        atoms = found[own[found] >= ATOM_RATIO * _typical(own, found)]
        if not len(atoms):
            return np.delete(values, left)
        left = np.delete(left, atoms)


def _typical(counts, places):
    """Median of up to ten counts on either side of some places, without their own."""
    near = places[:, None] + np.r_[-NEAR:0, 1 : NEAR + 1]
    there = (near >= 0) & (near < len(counts))
    around = np.where(there, counts[np.where(there, near, 0)], np.inf)
    middle = there.sum(axis=1) // 2
    around.sort(axis=1)
    typical = np.take_along_axis(around, middle[:, None], axis=1)[:, 0]
    return np.where(there.any(axis=1), typical, 0.0)


def _stand_apart(atoms, values, step):
    """Whether an atom is many steps away from the other values of a grid."""
    rest = np.setdiff1d(values, atoms)
    if not len(atoms) or not len(rest):
        return False
    return bool((np.abs(atoms[:, None] - rest).min(axis=1) > GAP_STEPS * step).any())


def _with_lone_values(atoms, values):
    """Atoms, and single values between two of them or beyond, which have no density either."""
    if not len(atoms):
        return atoms
    rest = np.delete(values, np.searchsorted(values, atoms))
    segment = np.searchsorted(atoms, rest)
    lone = np.bincount(segment, minlength=len(atoms) + 1)[segment] == 1
    return np.sort(np.r_[atoms, rest[lone]]) if lone.any() else atoms

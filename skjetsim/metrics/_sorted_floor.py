"""Floor of the Wasserstein distance with one sort: comparisons differ in signs, not in values."""

import numpy as np

from skjetsim.metrics._distances import wasserstein_distance
from skjetsim.utils._angles import TWO_PI, wrap_phi
from skjetsim.utils._circle import angle_columns, circular_std, within_half_turn
from skjetsim.utils._comparison import aggregate, check_table
from skjetsim.utils._tables import take_rows

# Numbers in memory at once, at most; and the share of the events below which sorting the few
# events of a comparison is faster than going through all.
_MOST_NUMBERS = 50_000_000
_LEAST_SHARE = 0.1


def sorted_comparison(metric, tables, n_samples, metric_params):
    """A faster `metric(truth, generated)` of random rows, with equal results up to rounding.

    Returns
    -------
    callable or None
        Takes the rows of one side, those of the other, and for a replica which of the events are
        swapped. None if only the metric itself can do this.
    """
    if metric is not wasserstein_distance or not set(metric_params) <= {"scale", "multioutput"}:
        return None
    if tables["X"] is not None:
        return None
    table, names = check_table(tables["truth"], what="truth")
    sides = [table]
    if tables["replica"] is not None:
        other, other_names = check_table(tables["replica"], what="replica")
        sides.append(other)
        names = names or other_names
    if n_samples < _LEAST_SHARE * len(table) or len(sides) * table.size > _MOST_NUMBERS:
        return None
    wasserstein_distance(table[:1], table[:1], **metric_params)  # checks the parameters
    circular = angle_columns(names, table.shape[1])
    return _SortedColumns(sides, circular, tables["weight"], metric_params)


class _SortedColumns:
    """Sorted columns of the truth, or of truth and replica together.

    The area between the distribution functions of two of their samples only takes a sum of signs
    along the sorted values: 1 for events of one side, -1 for those of the other.
    """

    def __init__(self, sides, circular, weight, metric_params):
        self.sides, self.circular, self.weight = sides, circular, weight
        self.scale = metric_params.get("scale")
        self.multioutput = metric_params.get("multioutput", "raw_values")
        self.columns, self.on_line = [], np.ones(len(circular), dtype=bool)
        for k, angle in enumerate(circular):
            values = np.concatenate([side[:, k] for side in sides])
            if angle:
                values = wrap_phi(values)
                angle = not within_half_turn(values)
                self.on_line[k] = not angle
            order = np.argsort(values, kind="stable").astype(np.int32)
            values = values[order]
            seam = TWO_PI - np.ptp(values) if angle else None
            self.columns.append((order, np.diff(values), seam))
        if self.scale is not None:
            self.center = sides[0].mean(axis=0)
            tables = [side[:, self.on_line] - self.center[self.on_line] for side in sides]
            self.moments = np.concatenate([np.concatenate([t, t**2], axis=1) for t in tables])

    def __call__(self, rows, other_rows, swap=None):
        shares = [1, 1]
        if self.weight is not None:
            shares = [w / w.sum() for w in (self.weight[rows], self.weight[other_rows])]
        sign = self._signs(rows, other_rows, swap, *shares)
        total = 1.0 if self.weight is not None else len(rows)
        values = [self._distance(sign, *column) / total for column in self.columns]
        unit = 1.0 if self.scale is None else self._unit(rows, swap, sign)
        return aggregate(np.array(values) / unit, self.multioutput)

    def _signs(self, rows, other_rows, swap, share, other_share):
        """Share of each event in its side, negative for the other side."""
        n_rows = len(self.sides[0])
        sign = np.zeros(n_rows * len(self.sides), dtype=np.int8 if self.weight is None else float)
        if swap is None:
            sign[rows], sign[other_rows] = share, -1 * other_share
        else:
            sign[rows] = np.where(swap, -1, 1) * share
            sign[n_rows:] = -sign[:n_rows]
        return sign

    def _distance(self, sign, order, step, seam):
        """Area between the distribution functions; with a seam, that on the circle."""
        gap = np.cumsum(sign[order], dtype=np.int32 if sign.dtype == np.int8 else None)
        if seam is None:
            return np.abs(gap[:-1]) @ step
        step, gap = np.append(step, seam), np.append(gap[:-1], 0)
        level, at = np.unique(gap, return_inverse=True) if sign.dtype != np.int8 else _levels(gap)
        way = np.bincount(at, weights=step, minlength=len(level))
        half = min(np.searchsorted(np.cumsum(way), np.pi), len(level) - 1)
        return np.abs(level - level[half]) @ way

    def _unit(self, rows, swap, sign):
        """Standard deviation of one side, as `circular_std` computes it."""
        unit = np.ones(len(self.circular))
        share = np.maximum(sign, 0).astype(np.float64)
        mean, square = np.split((share / share.sum()) @ self.moments, 2)
        std = np.sqrt(np.maximum(square - mean**2, 0))
        rounding = 1e-12 * (np.abs(self.center[self.on_line]) + np.sqrt(square))
        unit[self.on_line] = np.where(std <= rounding, 1.0, std)
        for k in np.flatnonzero(~self.on_line):
            one = self.sides[0][rows, k]
            if swap is not None:
                one[swap] = self.sides[1][rows[swap], k]
            weight = take_rows(self.weight, rows)
            unit[k] = circular_std(one[:, None], np.array([True]), weight)[0]
        return unit


def _levels(gap):
    """All integers from the least gap to the largest, and the position of each gap among them."""
    least = gap.min()
    return np.arange(least, gap.max() + 1), gap - least

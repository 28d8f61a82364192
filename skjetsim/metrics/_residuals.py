"""Residuals y - X of true and generated events, in bins of a theory-level quantity."""

import numbers

import numpy as np
import pandas as pd

from skjetsim.utils._circle import angle_columns
from skjetsim.utils._columns import column_positions
from skjetsim.utils._comparison import check_pair, check_table, check_theory, shared_differences
from skjetsim.utils._validation import check_int, check_same_events
from skjetsim.utils._weighted import weighted_quantile


class Residuals:
    """Residuals of the columns that truth, generated and X share, checked.

    Parameters
    ----------
    truth, generated, X : array-like
        Row i of all is the same event.
    angles : sequence of str or int, or None
        Columns that are angles; None goes by their names.
    sample_weight, generated_weight : array-like or None

    Attributes
    ----------
    names : list of str or None
    n_columns : int
    circular : ndarray of bool, shape (n_columns,)
        Which columns are angles.
    label : str
        What the last bins were made of.
    """

    def __init__(self, truth, generated, X, angles, sample_weight, generated_weight):
        self._given = X
        pair, self._theory, self._theory_names = _check_paired(
            truth, generated, X, sample_weight, generated_weight
        )
        self.names, self.n_columns = pair.names, pair.n_columns
        self._weights = pair.weight, pair.generated_weight
        if angles is None:
            self.circular = angle_columns(self.names or self._theory_names, self.n_columns)
        else:
            chosen = column_positions(angles, self.names, self.n_columns, "angles", "truth")
            self.circular = np.isin(np.arange(self.n_columns), chosen)
        sides = self._theory_names, self.names
        circular = np.flatnonzero(self.circular)
        self._residuals = [
            shared_differences(self._theory, y, *sides, angles=circular)[0]
            for y in (pair.truth, pair.generated)
        ]
        self.label, self._edges = "", None

    def bins(self, by, bins):
        """List of (interval, rows) of each bin; all rows if `by` is None."""
        if by is None:
            return [(None, slice(None))]
        check_same_events(self._given, by, names=("X", "by"), drawn=True)
        values, self.label = binning_values(by, self._theory, self._theory_names)
        edges = _bin_edges(values, bins, self.label, self._weights[0])
        index = np.searchsorted(edges, values, side="right") - 1
        index[values == edges[-1]] = len(edges) - 2  # as numpy: the last bin is closed
        self._edges, parts = edges, []
        for k, interval in enumerate(pd.IntervalIndex.from_breaks(edges, closed="left")):
            rows = np.flatnonzero(index == k)
            if len(rows) == 0:
                raise ValueError(
                    f"no event has {self.label} in bin [{edges[k]:g}, {edges[k + 1]:g})."
                )
            parts.append((interval, rows))
        return parts

    def part(self, rows):
        """True and generated residuals of some rows, and their weights."""
        weights = [None if each is None else each[rows] for each in self._weights]
        for each in weights:
            if each is not None and each.sum() <= 0:
                raise ValueError("all events of a bin have weight zero: use fewer bins.")
        return (*(residual[rows] for residual in self._residuals), *weights)

    def as_table(self, values):
        """One row of values for each bin, as a DataFrame if the columns have names."""
        values = np.array(values)
        if self.names is None:
            return values
        intervals = pd.IntervalIndex.from_breaks(self._edges, closed="left", name=self.label)
        return pd.DataFrame(values, index=intervals, columns=self.names)


def _check_paired(truth, generated, X, sample_weight, generated_weight):
    if generated_weight is None:
        generated_weight = sample_weight
    pair = check_pair(truth, generated, sample_weight, generated_weight)
    theory, names = check_theory(X, pair, truth, generated)
    if names is not None and pair.names is not None:
        missing = [name for name in pair.names if name not in names]
        if missing:
            raise ValueError(
                f"truth has column {missing[0]!r}, which X lacks: a residual needs the same "
                f"column on both sides. Select the shared columns; X has {names}."
            )
    elif theory.shape[1] != pair.n_columns:
        raise ValueError(
            f"X has {theory.shape[1]} columns and truth has {pair.n_columns}: without names on "
            "both, residuals are taken by position and the widths must agree."
        )
    return pair, theory, names


def binning_values(by, theory, names):
    """Values that are binned, and their name."""
    if isinstance(by, (str, numbers.Integral)) and not isinstance(by, bool):
        (column,) = column_positions(by, names, theory.shape[1], "by")
        return theory[:, column], f"column {column}" if names is None else names[column]
    values, by_names = check_table(by, what="by")
    if values.shape != (len(theory), 1):
        raise ValueError(f"by must hold one value per event, {len(theory)}, got {np.shape(by)}.")
    return values[:, 0], by_names[0] if by_names is not None else "by"


def _bin_edges(values, bins, label, weight):
    if np.ndim(bins) == 0:
        levels = np.linspace(0.0, 1.0, check_int(bins, "bins") + 1)
        edges = weighted_quantile(values, levels, weight)
        edges[0], edges[-1] = values.min(), values.max()
        edges = np.unique(edges)
        if len(edges) == 1:
            return np.append(edges, np.nextafter(edges, np.inf))
        # Repeated values and heavy weights can leave an empty bin, which is joined to the next.
        filled = np.histogram(values, edges)[0] > 0
        return _short(np.append(edges[:-1][filled], edges[-1]), np.sort(values))
    edges = np.asarray(bins, dtype=np.float64)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"the bin edges of {label} must increase, got {bins!r}.")
    return edges


def _short(edges, values):
    """Edges of few decimals with the same events between them, for sorted values."""
    first = np.searchsorted(values, edges[1:-1])  # event of each bin but the first
    below, above = values[first - 1], values[first]
    decimals = 2 - int(np.floor(np.log10(edges[-1] - edges[0])))
    for more in range(13):
        unit = 10.0 ** -(decimals + more)
        short = np.array(
            [
                np.floor(edges[0] / unit) * unit,
                *((below + above) / 2),
                np.ceil(edges[-1] / unit) * unit,
            ]
        ).round(decimals + more)
        inner = short[1:-1]
        around = short[0] <= edges[0] and edges[-1] <= short[-1]
        if around and (below < inner).all() and (inner <= above).all():
            return short
    return edges

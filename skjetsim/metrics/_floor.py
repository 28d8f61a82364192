"""What a metric is between samples of the truth, and how a model compares with it."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.utils._validation import counted

_SHOWN = 8  # columns in the representation


class MetricFloor(Bunch):
    """Distribution of a metric over truth-against-truth comparisons, see `metric_floor`.

    Attributes
    ----------
    samples : ndarray of shape (n_repeats, ...)
        The metric of each comparison, with whatever shape the metric has.
    mean : float or ndarray
        Their mean: the floor.
    levels : ndarray of shape (n_levels,)
        The probabilities of the quantiles.
    quantiles : ndarray of shape (n_levels, ...)
        The metric's quantiles, column by column.
    columns : list of str or None
        Names of the last axis of the metric.
    maximum : ndarray of shape (n_repeats,)
        The largest `ratio` over columns of each comparison. Ratios have no unit, so that a column
        in radians counts as much as one in GeV.
    maximum_quantiles : ndarray of shape (n_levels,)
        Quantiles of that maximum.
    limit : float
        The 95th percentile of that maximum: what `at_floor` compares with.
    n_samples : int
        Events per side.
    """

    def ratio(self, value):
        """A model's metric over its floor, column by column.

        Parameters
        ----------
        value : float, ndarray, Series or DataFrame
            The metric of the model against the truth, at `n_samples` events per side.

        Returns
        -------
        float, ndarray, Series or DataFrame
            `value` over `mean`, in the container of `value`. A perfect model is near 1. If truth
            against truth is always zero, as for a constant column, the ratio is 1 for a value of
            zero and infinite for any other. If a metric has both signs between samples of the
            truth, it is a difference, and the ratio is that of magnitudes. Negative metrics are
            divided by the magnitude of their mean, so that the smallest ratio remains the best.

        Raises
        ------
        ValueError
            If `value` does not have the shape of the metric that the floor was made with.
        """
        array = np.asarray(value, dtype=np.float64)
        if array.shape != self.samples.shape[1:]:
            raise ValueError(
                f"value has shape {array.shape}, but the floor was measured for a metric of shape "
                f"{self.samples.shape[1:]}."
            )
        ratio = _over_floor(array, self.samples)
        if isinstance(value, pd.DataFrame):
            return pd.DataFrame(ratio, index=value.index, columns=value.columns)
        if isinstance(value, pd.Series):
            return pd.Series(ratio, index=value.index, name=value.name)
        return float(ratio) if ratio.ndim == 0 else ratio

    def at_floor(self, value):
        """Whether a model's metric is as good as truth against truth.

        Parameters
        ----------
        value : float, ndarray, Series or DataFrame
            The metric of the model against the truth, at `n_samples` events per side.

        Returns
        -------
        bool
            True if the largest `ratio` over columns is at most `limit`. A perfect model fails this
            in 5% of cases, however many columns there are.

        Raises
        ------
        ValueError
            If `value` does not have the shape of the metric that the floor was made with.
        """
        return bool(np.max(np.asarray(self.ratio(value))) <= self.limit)

    def __repr__(self):
        size = f"n_samples={self.n_samples}, n_repeats={len(self.samples)}"
        limit = f"at_floor: largest value / mean up to {self.limit:.3g}"
        rows = [self.samples.mean(axis=0), np.quantile(self.samples, 0.95, axis=0)]
        if self.samples.ndim == 1:
            mean, high = rows
            return f"MetricFloor({size})\nmean  {mean:.4g}\n95%   {high:.4g}\n{limit}"
        n_columns = self.samples.shape[-1]
        means = [row.reshape(-1, n_columns).mean(axis=0) for row in rows]
        names = self.columns or [str(i) for i in range(n_columns)]
        cells = [names, *([f"{x:.4g}" for x in row] for row in means)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:_SHOWN]
        lines = [
            label.ljust(6) + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=False))
            for label, row in zip(("", "mean", "95%"), cells, strict=True)
        ]
        if n_columns > _SHOWN:
            lines[0] += f"  and {n_columns - _SHOWN} more"
        if self.samples.ndim > 2:
            n_averaged = np.prod(self.samples.shape[1:-1])
            lines[0] += f"  (averages over {counted(n_averaged, 'bin')})"
        return "\n".join([f"MetricFloor({size})", *lines, limit])

    __str__ = __repr__


def make_floor(samples, levels, n_samples, columns=None):
    """Summary of the metric of truth-against-truth comparisons, shape (n_repeats, ...)."""
    levels = np.asarray(levels, dtype=np.float64)
    mean = samples.mean(axis=0)
    maximum = _over_floor(samples, samples).reshape(len(samples), -1).max(axis=1)
    return MetricFloor(
        mean=float(mean) if mean.ndim == 0 else mean,
        levels=levels,
        quantiles=np.quantile(samples, levels, axis=0),
        samples=samples,
        columns=columns,
        maximum=maximum,
        maximum_quantiles=np.quantile(maximum, levels),
        limit=float(np.quantile(maximum, 0.95)),
        n_samples=n_samples,
    )


def _over_floor(values, samples):
    """Values over the mean of the samples; magnitudes if the samples have both signs."""
    floor = np.abs(samples).mean(axis=0)
    difference = (samples < 0).any(axis=0) & (samples > 0).any(axis=0)
    values, floor = np.broadcast_arrays(np.where(difference, np.abs(values), values), floor)
    exact = np.where(values == 0, 1.0, np.inf)
    return np.divide(values, floor, out=exact, where=floor > 0)

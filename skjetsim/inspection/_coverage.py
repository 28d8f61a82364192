"""Quantile coverage of a simulator's draws."""

from __future__ import annotations

import numpy as np

from skjetsim.base import is_simulator
from skjetsim.inspection._events import as_table, check_pairs, draw_events
from skjetsim.inspection._labels import axis_label
from skjetsim.inspection._style import (
    FLOOR,
    TRUTH_LINE,
    check_axes,
    colours_of_worst,
    house_style,
    style_axes,
)
from skjetsim.metrics import quantile_coverage
from skjetsim.utils._comparison import check_weight
from skjetsim.utils._validation import check_int, column_names

__all__ = ["CoverageDisplay"]


class CoverageDisplay:
    """How often the truth lies below each quantile of its event's draws, feature by feature.

    Make one with `from_samples` or `from_estimator`. Above, measured fraction against nominal
    level; below, their difference. The grey band is the floor: the standard error of a calibrated
    model's fraction, sqrt(q (1 - q) / n) for n events. Draws that ignore X are calibrated too: show
    this next to the response.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Nominal levels.
    coverage : ndarray of shape (n_levels, n_features)
        Measured fractions.
    floor : ndarray of shape (n_levels,)
        Standard error of the fractions of a calibrated model.
    names : list of str
        Of the features. The legend names the ten that are farthest from calibrated; others are
        drawn in grey.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : tuple of matplotlib Axes
        Of coverage and of its difference from the level. Set by `plot`, as is `figure_`.

    See Also
    --------
    skjetsim.metrics.quantile_coverage : The figures.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import CoverageDisplay
    >>> rng = np.random.default_rng(0)
    >>> truth, draws = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 99, 1))
    >>> display = CoverageDisplay.from_samples(truth, draws)
    >>> bool(np.abs(display.pull).max() < 4)
    True
    """

    def __init__(self, *, levels, coverage, floor, names):
        self.levels = levels
        self.coverage = coverage
        self.floor = floor
        self.names = names

    @classmethod
    def from_samples(cls, truth, generated, *, levels=None, sample_weight=None):
        """Measure the coverage of per-event draws.

        Parameters
        ----------
        truth : array-like of shape (n, n_features) or (n,)
        generated : array-like of shape (n, n_draws, n_features), or (n, n_draws) for one feature
        levels : array-like of shape (n_levels,), optional
            Probabilities in (0, 1) that increase; by default 0.05, 0.1, ..., 0.95.
        sample_weight : array-like of shape (n,), optional
            Weights of the events. Negative weights are an error.

        Returns
        -------
        CoverageDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, wrong shapes, levels that do not increase, negative weights, or too
            few draws for a level: 19 reach the default ones.
        """
        levels = check_levels(levels)
        coverage = quantile_coverage(truth, generated, levels, sample_weight=sample_weight)
        weight = check_weight(sample_weight, len(truth), "sample_weight")
        # Weighted events tell as much as fewer equal ones.
        n_events = len(truth) if weight is None else weight.sum() ** 2 / (weight**2).sum()
        names = column_names(truth) or range(coverage.shape[1])
        return cls(
            levels=levels,
            coverage=coverage,
            floor=np.sqrt(levels * (1 - levels) / n_events),
            names=[axis_label(name, unit=False) for name in names],
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_samples=100,
        transformer=None,
        levels=None,
        random_state=None,
        sample_weight=None,
    ):
        """Draw several detector-level events for each theory-level one and measure the coverage.

        Parameters
        ----------
        estimator : fitted simulator
            On its own, in a Pipeline, or a fitted search.
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, n_targets)
        n_samples : int, default=100
            Draws for each event.
        transformer : transformer, optional
            Applied to y and to the draws, for the coverage of other quantities; an unfitted one
            is fitted on y.
        levels, sample_weight
            As in `from_samples`.
        random_state : int, Generator, RandomState or None

        Returns
        -------
        CoverageDisplay

        Raises
        ------
        TypeError
            If the estimator is not a simulator.
        ValueError
            As `from_samples`.
        """
        name = type(estimator).__name__
        if not is_simulator(estimator):
            raise TypeError(f"{name} is not a simulator: only those draw several events for one.")
        check_pairs(X, y, name)
        drawn = draw_events(
            estimator,
            X,
            y,
            transformer=transformer,
            n_samples=check_int(n_samples, "n_samples"),
            random_state=random_state,
        )
        truth = as_table(drawn.truth, drawn.names)
        return cls.from_samples(truth, drawn.generated, levels=levels, sample_weight=sample_weight)

    @property
    def pull(self):
        """Measured minus nominal in standard errors of a calibrated model."""
        return (self.coverage - self.levels[:, None]) / self.floor[:, None]

    def plot(self, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of two matplotlib Axes, optional
            For coverage and difference; made by default.

        Returns
        -------
        self
        """
        with house_style() as (plt, _):
            if axes is None:
                _, axes = plt.subplots(
                    2, 1, sharex=True, height_ratios=(2, 1), figsize=(5.6, 6), layout="constrained"
                )
            axes = check_axes(axes, 2, "coverage and difference")
            ax, difference_ax = axes
            level = self.levels
            ax.plot((0, 1), (0, 1), color=TRUTH_LINE, linewidth=0.8)
            for panel, middle in ((ax, level), (difference_ax, np.zeros_like(level))):
                band = (middle - self.floor, middle + self.floor)
                panel.fill_between(level, *band, color=FLOOR, linewidth=0, label="floor")
            difference_ax.axhline(0, color=TRUTH_LINE, linewidth=0.8)
            styles = colours_of_worst(self.names, self.pull)
            for settings, measured in zip(styles, self.coverage.T, strict=True):
                ax.plot(level, measured, **settings)
                difference_ax.plot(level, measured - level, **settings)
            ax.set_xlim(0, 1)
            ax.set_ylim(0, 1)
            difference_ax.set_xlim(0, 1)
            ax.set_ylabel("fraction of truth below")
            ax.tick_params(labelbottom=False)
            difference_ax.set_xlabel("quantile of the draws")
            difference_ax.set_ylabel("difference", loc="center")
            style_axes(*axes)
            ax.legend(loc="best")
        self.axes_, self.figure_ = axes, ax.figure
        return self


def check_levels(levels):
    """Return levels as an array, by default 0.05, 0.1, ..., 0.95; raise unless they increase."""
    levels = np.linspace(0.05, 0.95, 19) if levels is None else np.asarray(levels, dtype=float)
    if levels.ndim != 1 or len(levels) == 0 or not (np.diff(levels) > 0).all():
        raise ValueError(f"levels must be probabilities that increase, got {levels.tolist()}.")
    return levels

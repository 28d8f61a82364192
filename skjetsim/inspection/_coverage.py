"""Quantile coverage of per-event draws, simulated or unfolded."""

import numpy as np

from skjetsim.inspection import _style as style
from skjetsim.inspection._events import draw_several, weight_of
from skjetsim.inspection._labels import column_labels
from skjetsim.metrics import quantile_coverage
from skjetsim.utils._comparison import check_weight
from skjetsim.utils._validation import check_same_events, column_names
from skjetsim.utils._weighted import effective_size


class CoverageDisplay:
    """How often the truth lies below each quantile of its event's draws, feature by feature.

    Make one with `from_samples` or `from_estimator`. The upper panel shows the measured fraction
    against the nominal level, the lower panel their difference. The grey band is the floor: the
    standard error of a calibrated model's fraction, sqrt(q (1 - q) / n) for n events. Draws that
    ignore X are calibrated too, so look at the response as well.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Nominal levels.
    coverage : ndarray of shape (n_levels, n_features)
        Measured fractions.
    floor : ndarray of shape (n_levels,)
        Standard error of the fractions of a calibrated model.
    names : list of str
        Names of the features. The legend has the ten that are farthest from calibrated; the
        others are drawn in grey.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : tuple of matplotlib Axes
        Coverage, and its difference from the level.

    See Also
    --------
    skjetsim.metrics.quantile_coverage : The numbers.
    CalibrationDisplay : The difference from the level, and the ranks of the truth.

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
            Probabilities in (0, 1) that increase; by default those of 0.05, 0.1, ..., 0.95 that
            the draws reach. All need 19 draws.
        sample_weight : array-like of shape (n,), optional
            Weights of the events. Negative weights are an error.

        Returns
        -------
        CoverageDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, wrong shapes, levels that do not increase, negative weights, or too
            few draws for a level.
        """
        check_same_events(truth, sample_weight, names=("truth", "sample_weight"))
        levels = check_levels(levels, np.shape(generated))
        coverage = quantile_coverage(truth, generated, levels, sample_weight=sample_weight)
        weight = check_weight(sample_weight, len(truth), "sample_weight")
        return cls(
            levels=levels,
            coverage=coverage,
            floor=np.sqrt(levels * (1 - levels) / effective_size(len(truth), weight)),
            names=column_labels(column_names(truth), coverage.shape[1]),
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_samples=100,
        direction=None,
        transformer=None,
        levels=None,
        random_state=None,
        sample_weight=None,
    ):
        """Make several draws per event and measure their coverage.

        Parameters
        ----------
        estimator : fitted simulator or unfolder
            On its own, in a Pipeline, or a fitted search. Events that are simulated from X are
            compared with y, events that are unfolded from y are compared with X.
        X : array-like of shape (n, n_features)
            Theory-level events, held out from the fit.
        y : array-like of shape (n, n_targets)
            The same events at detector level.
        n_samples : int, default=100
            Draws for each event.
        direction : {"forward", "inverse"}, optional
            "forward" draws y for X, "inverse" draws X for y. By default it is what the estimator
            learns. A simulator with `sample_inverse`, such as `OTUSSimulator`, can do both.
        transformer : transformer, optional
            Applied to the truth and to the draws, for the coverage of other quantities; an
            unfitted one is fitted on the truth.
        levels, sample_weight
            As in `from_samples`.
        random_state : int, Generator, RandomState or None

        Returns
        -------
        CoverageDisplay

        Raises
        ------
        TypeError
            If the estimator is neither a simulator nor an unfolder.
        ValueError
            As `from_samples`.
        """
        settings = {"n_samples": n_samples, "random_state": random_state}
        settings |= {"direction": direction, "transformer": transformer}
        drawn = draw_several(estimator, X, y, **settings)
        settings = {"levels": levels, "sample_weight": weight_of(X, sample_weight)}
        return cls.from_samples(drawn.table, drawn.generated, **settings)

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
        size = {"figsize": (5.6, 6.4), "sharex": True, "height_ratios": (2, 1)}
        with style.house_style():
            axes = style.make_axes(axes, "coverage and difference", 2, 1, **size)
            ax, difference_ax = axes
            styles = style.colours_of_worst(self.names, self.pull)
            ax.plot((0, 1), (0, 1), color=style.TRUTH_LINE, linewidth=0.8)
            draw_coverage(ax, self, styles, over=self.levels)
            draw_coverage(difference_ax, self, styles)
            ax.set(ylim=(0, 1), ylabel="fraction of truth below")
            ax.tick_params(labelbottom=False)
            difference_ax.set_xlabel("quantile of the draws")
            difference_ax.set_ylabel("difference", loc="center")
            style.style_axes(*axes)
            style.legend_above(ax)
        self.axes_, self.figure_ = axes, ax.figure
        return self


def draw_coverage(ax, display, styles, over=0.0):
    """Draw coverage minus level and its floor, with `over` (0 or the levels) added to both."""
    levels, floor = display.levels, display.floor
    band = {"color": style.FLOOR, "linewidth": 0, "label": "floor"}
    ax.fill_between(levels, over - floor, over + floor, **band)
    if np.ndim(over) == 0:
        ax.axhline(0, color=style.TRUTH_LINE, linewidth=0.8)
    for column, settings in zip(display.coverage.T, styles, strict=True):
        ax.plot(levels, column - levels + over, **settings)
    ax.set_xlim(0, 1)


def check_levels(levels, draws_shape):
    """Return levels as an array, or raise if they do not increase.

    By default they are those of 0.05, 0.1, ..., 0.95 that draws of this shape reach.
    """
    if levels is None:
        levels = np.linspace(0.05, 0.95, 19)
        n_draws = draws_shape[1] if len(draws_shape) > 1 else 1
        tail = np.minimum(levels, 1 - levels)
        return levels[tail * (n_draws + 1) > 1 - 1e-9]
    levels = np.asarray(levels, dtype=float)
    if levels.ndim != 1 or len(levels) == 0 or not (np.diff(levels) > 0).all():
        raise ValueError(f"levels must be probabilities that increase, got {levels.tolist()}.")
    return levels

"""Calibration of per-event draws, unfolded or simulated: coverage and ranks."""

import numpy as np

from skjetsim.inspection import _style as style
from skjetsim.inspection._coverage import check_levels, draw_coverage
from skjetsim.inspection._events import draw_several, weight_of
from skjetsim.inspection._labels import column_labels
from skjetsim.metrics import posterior_coverage, sbc_ranks
from skjetsim.utils._comparison import check_ensemble, check_weight
from skjetsim.utils._validation import check_int, check_same_events, column_names
from skjetsim.utils._weighted import effective_size

BINS = 20
FITTING = np.arange(10, 31)  # numbers of bins that still show a shape


class CalibrationDisplay:
    """Whether the truth is distributed like the draws of its event, column by column.

    Make one with `from_samples` or `from_estimator`. The upper panel shows the fraction of events
    whose truth lies below each quantile of its draws, minus the level of the quantile. The lower
    panel shows the ranks of the truth among its draws, relative to uniform ranks. Ranks pile up at
    both ends if the posteriors are too narrow, in the middle if they are too wide, and on one side
    if they are shifted. The grey bands are the floor: the standard error of a calibrated model.
    Draws of the prior are calibrated too, so look at the energy score as well.

    Parameters
    ----------
    levels : ndarray of shape (n_levels,)
        Nominal levels.
    coverage : ndarray of shape (n_levels, n_features)
        Measured fractions.
    floor : ndarray of shape (n_levels,)
        Standard error of the fractions of a calibrated model.
    edges : ndarray of shape (n_bins + 1,)
        Edges of the rank histogram: ranks divided by their number, from 0 to 1.
    ranks : ndarray of shape (n_bins, n_features)
        Fraction of the events in each bin, divided by that of uniform ranks.
    ranks_floor : ndarray of shape (n_bins,)
        Standard error of `ranks` of a calibrated model.
    names : list of str
        Names of the features. The legend has the ten that are farthest from calibrated; the
        others are drawn in grey.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : tuple of matplotlib Axes
        Coverage and ranks.

    See Also
    --------
    skjetsim.metrics.posterior_coverage, skjetsim.metrics.sbc_ranks : The numbers.
    CoverageDisplay : Coverage against the level.
    PosteriorDisplay : The posteriors of single events.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import CalibrationDisplay
    >>> rng = np.random.default_rng(0)
    >>> truth, draws = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 99, 1))
    >>> display = CalibrationDisplay.from_samples(truth, draws)
    >>> bool(max(np.abs(display.pull).max(), np.abs(display.ranks_pull).max()) < 4)
    True
    """

    def __init__(self, *, levels, coverage, floor, edges, ranks, ranks_floor, names):
        self.levels = levels
        self.coverage = coverage
        self.floor = floor
        self.edges = edges
        self.ranks = ranks
        self.ranks_floor = ranks_floor
        self.names = names

    @classmethod
    def from_samples(cls, truth, draws, *, levels=None, bins=None, sample_weight=None):
        """Measure the calibration of per-event draws.

        Parameters
        ----------
        truth : array-like of shape (n, n_features) or (n,)
            Columns named as angles (`phi`) are taken relative to the direction of the draws.
        draws : array-like of shape (n, n_draws, n_features), or (n, n_draws) for one feature
        levels : array-like of shape (n_levels,), optional
            Probabilities in (0, 1) that increase; by default those of 0.05, 0.1, ..., 0.95 that
            the draws reach. All need 19 draws.
        bins : int, optional
            Number of bins of the ranks, from 2 to n_draws + 1. They are equally wide if their
            number divides n_draws + 1. By default about 20 that do: 20 bins for 99 draws, and 10
            for 9 draws.
        sample_weight : array-like of shape (n,), optional
            Weights of the events. Negative weights are an error.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, wrong shapes, levels that do not increase, negative weights, or too
            few draws for a level or for the bins.
        """
        check_same_events(truth, sample_weight, names=("truth", "sample_weight"))
        levels = check_levels(levels, np.shape(draws))
        check_ensemble(truth, draws, other="draws")
        coverage, floor = posterior_coverage(truth, draws, levels, sample_weight=sample_weight)
        weight = check_weight(sample_weight, len(truth), "sample_weight")
        n_events = effective_size(len(truth), weight)
        n_ranks = np.shape(draws)[1] + 1
        edges = _rank_edges(bins, n_ranks)
        expected = np.diff(edges) / n_ranks
        ranks = sbc_ranks(truth, draws)
        contents = [np.histogram(rank, edges - 0.5, weights=weight)[0] for rank in ranks.T]
        fractions = np.array(contents).T / (len(ranks) if weight is None else weight.sum())
        return cls(
            levels=levels,
            coverage=np.asarray(coverage),
            floor=floor,
            edges=edges / n_ranks,
            ranks=fractions / expected[:, None],
            ranks_floor=np.sqrt((1 - expected) / (expected * n_events)),
            names=column_labels(column_names(truth), ranks.shape[1]),
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_samples=99,
        direction=None,
        transformer=None,
        levels=None,
        bins=None,
        random_state=None,
        sample_weight=None,
    ):
        """Make several draws per event and measure their calibration.

        Parameters
        ----------
        estimator : fitted unfolder or simulator
            On its own, in a Pipeline, or a fitted search. Events that are unfolded from y are
            compared with X, events that are simulated from X are compared with y.
        X : array-like of shape (n, n_features)
            Theory-level events, held out from the fit.
        y : array-like of shape (n, n_targets)
            The same events at detector level.
        n_samples : int, default=99
            Draws for each event.
        direction : {"forward", "inverse"}, optional
            "forward" draws y for X, "inverse" draws X for y. By default it is what the estimator
            learns. A simulator with `sample_inverse`, such as `OTUSSimulator`, can do both.
        transformer : transformer, optional
            Applied to the truth and to the draws, for other quantities such as masses; an unfitted
            one is fitted on the truth.
        levels, bins, sample_weight
            As in `from_samples`.
        random_state : int, Generator, RandomState or None

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        TypeError
            If the estimator is neither an unfolder nor a simulator.
        ValueError
            As `from_samples`.
        """
        settings = {"n_samples": n_samples, "random_state": random_state}
        settings |= {"direction": direction, "transformer": transformer}
        drawn = draw_several(estimator, X, y, **settings)
        settings = {"levels": levels, "bins": bins, "sample_weight": weight_of(X, sample_weight)}
        return cls.from_samples(drawn.table, drawn.generated, **settings)

    @property
    def pull(self):
        """Measured minus nominal coverage in standard errors of a calibrated model."""
        return (self.coverage - self.levels[:, None]) / self.floor[:, None]

    @property
    def ranks_pull(self):
        """Density of ranks minus one in standard errors of a calibrated model."""
        return (self.ranks - 1) / self.ranks_floor[:, None]

    def plot(self, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of two matplotlib Axes, optional
            For coverage and ranks; made by default.

        Returns
        -------
        self
        """
        size = {"figsize": (5.6, 6.4), "sharex": True}
        with style.house_style():
            axes = style.make_axes(axes, "coverage and ranks", 2, 1, **size)
            # A column has one colour in both panels.
            styles = style.colours_of_worst(
                self.names, np.concatenate([self.pull, self.ranks_pull])
            )
            self._draw_coverage(axes[0], styles)
            self._draw_ranks(axes[1], styles)
            style.style_axes(*axes)
            style.legend_above(axes[0])
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _draw_coverage(self, ax, styles):
        draw_coverage(ax, self, styles)
        reach = 1.15 * max(np.abs(self.coverage - self.levels[:, None]).max(), self.floor.max())
        ax.set(ylim=(-reach, reach), ylabel="coverage - level")
        ax.tick_params(labelbottom=False)

    def _draw_ranks(self, ax, styles):
        floor = self.ranks_floor
        band = {"fill": True, "color": style.FLOOR, "linewidth": 0}
        ax.stairs(1 + floor, self.edges, baseline=1 - floor, **band)
        ax.axhline(1, color=style.TRUTH_LINE, linewidth=0.8)
        for column, settings in zip(self.ranks.T, styles, strict=True):
            style.draw_histogram(ax, column, self.edges, **settings)
        reach = 1.15 * max(np.abs(self.ranks - 1).max(), self.ranks_floor.max())
        ax.set(xlim=(0, 1), ylim=(1 - min(reach, 1), 1 + reach))
        ax.set(xlabel="quantile of the draws", ylabel="truth / uniform")


def _rank_edges(bins, n_ranks):
    """Edges of bins of whole ranks, as equally wide as they can be."""
    if bins is None:
        bins = _fitting_bins(n_ranks)
    elif check_int(bins, "bins", minimum=2) > n_ranks:
        raise ValueError(
            f"bins={bins}, but {n_ranks - 1} draws per event give only {n_ranks} ranks: draw more, "
            f"or set bins to {n_ranks} at most."
        )
    return np.round(np.linspace(0, n_ranks, bins + 1)).astype(int)


def _fitting_bins(n_ranks):
    """Number of bins near 20 that divides the number of ranks, or 20 if there is none.

    With bins of unequal width, the widths would show as a pattern in the expected fluctuations.
    """
    fitting = [bins for bins in FITTING if n_ranks % bins == 0]
    nearest = min(fitting, key=lambda bins: abs(bins - BINS), default=BINS)
    return min(nearest, n_ranks)

"""One distribution of truth and model, with their ratio, error band and statistical floor."""

import numpy as np

from skjetsim.inspection import _style as style
from skjetsim.inspection._binning import (
    bin_edges,
    check_draws,
    check_one,
    check_quantity,
    fractions_beyond,
    full_turn,
)
from skjetsim.inspection._events import draw_events, weight_of
from skjetsim.inspection._labels import axis_label
from skjetsim.metrics import histogram_band
from skjetsim.utils._comparison import check_weight
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._weighted import clustered_histogram

HATCH = {"alpha": 0.5, "hatch": "//////", "linewidth": 0}
BAND = {"facecolor": "none", "edgecolor": style.MODEL, **HATCH}
FLOOR_BAND = {"facecolor": style.FLOOR, "edgecolor": "none", "alpha": 1, "hatch": "", "zorder": 0.5}


class MarginalDisplay:
    """Histogram of one quantity, truth against generated, above a panel of their ratio.

    Make one with `from_samples` or `from_estimator`. The truth is filled in grey, and the
    model is a red line. Its hatched band is the statistical error, for an ensemble in quadrature
    with the spread of its members. The grey band of the ratio panel is the floor: the standard
    error of the ratio of truth to an independent truth of the generated sample's size. Arrows mark
    ratios outside the panel, and bins without any truth to divide by.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        The first and last bin also hold the events beyond them. Arrows mark bins that do.
    truth, generated : ndarray of shape (n_bins,)
        Contents, as fractions of each sample.
    truth_error, generated_error : ndarray of shape (n_bins,)
        Standard errors of the contents from the number of events.
    name : str
        Name of the quantity, for the axis.
    systematic : ndarray of shape (n_bins,), optional
        Standard deviation of the generated contents over the members of an ensemble.
    beyond : ndarray of shape (2, 2), optional
        Fractions of truth (first row) and of generated events (second row) that lie below the first
        edge and above the last edge.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like the axes.
    ax_, ratio_ax_ : matplotlib Axes
        Distributions and ratio.

    See Also
    --------
    skjetsim.metrics.histogram_band : The band of an ensemble.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import MarginalDisplay
    >>> rng = np.random.default_rng(0)
    >>> truth, generated = rng.normal(91.2, 2.5, size=(2, 1000))
    >>> display = MarginalDisplay.from_samples(truth, generated, name="Z mass [GeV]", bins=20)
    >>> display.ratio.shape
    (20,)
    >>> bool(np.nanmax(np.abs(display.pull)) < 4)
    True
    """

    def __init__(
        self,
        *,
        edges,
        truth,
        generated,
        truth_error,
        generated_error,
        name,
        systematic=None,
        beyond=None,
    ):
        self.edges = edges
        self.truth = truth
        self.generated = generated
        self.truth_error = truth_error
        self.generated_error = generated_error
        self.name = name
        self.systematic = systematic
        self.beyond = beyond

    @classmethod
    def from_samples(
        cls,
        truth,
        generated=None,
        *,
        members=None,
        name="",
        bins=50,
        range=None,
        sample_weight=None,
        generated_weight=None,
    ):
        """Histogram two samples of one quantity.

        Parameters
        ----------
        truth : array-like of shape (n_truth,)
        generated : array-like of shape (n,) or (n, k), optional
            The quantity in n events, or in k draws for each of n theory-level events. Draws of
            the same event are correlated, so the error counts events and not draws.
        members : array-like of shape (n_members, n) or (n_members, n, k), optional
            The same n events, simulated by each member of an ensemble, instead of `generated`.
            The mean of the members is drawn.
        name : str
            Name of the quantity, with its unit.
        bins : int or array-like of edges, default=50
            At least two bins.
        range : tuple of (float, float), optional
            By default from the 0.2% to the 99.8% quantile of the truth.
        sample_weight : array-like of shape (n_truth,), optional
            Weights of truth; negative ones are allowed if their sum is positive.
        generated_weight : array-like of shape (n,), optional
            Weights of the generated events, the same for all draws of an event.

        Returns
        -------
        MarginalDisplay

        Raises
        ------
        TypeError
            If not exactly one of `generated` and `members` is given.
        ValueError
            On NaN, infinity, empty samples, wrong shapes or weights, members of different shapes,
            fewer than two bins, a range that does not increase, or a truth that is constant or
            lies in one bin: whatever the model does, that bin agrees.
        """
        check_one(generated, members)
        check_same_events(truth, sample_weight, names=("truth", "sample_weight"))
        check_same_events(generated, generated_weight, names=("generated", "generated_weight"))
        truth = check_quantity(truth, "truth")
        weight = check_weight(sample_weight, len(truth), "sample_weight", allow_negative=True)
        edges = bin_edges(truth, bins, range, weight)
        beyond = [fractions_beyond(truth, edges, weight)]
        truth, truth_error = clustered_histogram(truth, edges, weight)
        if members is None:
            generated = check_draws(generated, "generated")
            weight = _generated_weight(generated_weight, generated)
            content, error = clustered_histogram(generated, edges, weight)
            systematic = None
            beyond.append(fractions_beyond(generated, edges, weight))
        else:
            weight = _generated_weight(generated_weight, members[0]) if len(members) else None
            band = histogram_band(members, edges, sample_weight=weight)
            content, error, systematic = band.content, band.statistical, band.systematic
            each = [fractions_beyond(np.asarray(member), edges, weight) for member in members]
            beyond.append(np.mean(each, axis=0))
        return cls(
            edges=edges,
            truth=truth,
            generated=content,
            truth_error=truth_error,
            generated_error=error,
            name=name,
            systematic=systematic,
            beyond=np.array(beyond),
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        feature,
        direction=None,
        transformer=None,
        n_samples=None,
        random_state=None,
        bins=50,
        range=None,
        name=None,
        sample_weight=None,
    ):
        """Draw from an estimator and histogram one of its columns, or a quantity made of them.

        Parameters
        ----------
        estimator : fitted generator, simulator or unfolder
            On its own, in a Pipeline, or a fitted search. An ensemble with `sample_members` gets
            the band of its members.
        X : array-like of shape (n, n_features)
            Theory-level events; for a generator the true events.
        y : array-like of shape (n, n_targets), optional
            The detector level; None for a generator.
        feature : str or int
            Column to compare, after `transformer`: of y for a simulator, of X for a generator or
            an unfolder.
        direction : {"forward", "inverse"}, optional
            "forward" draws y for X, "inverse" draws X for y. By default it is what the estimator
            learns. A simulator with `sample_inverse`, such as `OTUSSimulator`, can do both.
        transformer : transformer, optional
            Applied to true and to generated events, such as `CartesianToCylindrical` or
            `KinematicFeatures`, for quantities that are not columns. A fitted one is used as it
            is, an unfitted one is cloned and fitted on the truth.
        n_samples : int, optional
            Draws for each event, by default one. A generator draws len(X) times as many events.
        random_state : int, Generator, RandomState or None
        bins, range
            As in `from_samples`; an angle goes from -pi to pi by default.
        name : str, optional
            Name of the quantity, by default made from that of the column: `jet_pt` gives
            "jet pT [GeV]".
        sample_weight : array-like of shape (n,), optional
            Weights of the true events. Events that are drawn for them have the same weights.
            Those of a generator, or of a simulator of unpaired events, count equally.

        Returns
        -------
        MarginalDisplay

        Raises
        ------
        TypeError
            If the estimator draws nothing, or not in this direction, or y is given to a
            generator.
        ValueError
            On an unknown feature, a missing y, and as `from_samples`.
        """
        settings = {"n_samples": n_samples, "random_state": random_state, "members": True}
        settings |= {"direction": direction, "transformer": transformer}
        drawn = draw_events(estimator, X, y, **settings)
        column, truth, generated = drawn.column(feature)
        sample_weight = weight_of(y if drawn.what == "y" else X, sample_weight)
        return cls.from_samples(
            truth,
            **generated,
            name=axis_label(column, units=drawn.units) if name is None else name,
            bins=bins,
            range=full_turn(column, bins, range),
            sample_weight=sample_weight,
            generated_weight=sample_weight if drawn.paired else None,
        )

    @property
    def ratio(self):
        """Generated over truth in each bin, NaN without truth."""
        return _divide(self.generated, self.truth)

    @property
    def ratio_floor(self):
        """Standard error of the ratio of two independent truths."""
        return _divide(np.hypot(self.truth_error, self.generated_error), np.abs(self.truth))

    @property
    def total_error(self):
        """Standard error of the generated contents: statistical, and systematic in quadrature."""
        if self.systematic is None:
            return self.generated_error
        return np.hypot(self.generated_error, self.systematic)

    @property
    def pull(self):
        """Generated minus truth in standard errors of both, NaN in bins without events.

        Truth and generated events count as independent. They are not quite independent if both
        come from the same theory-level events: pulls are then smaller than 1 on average.
        """
        return _divide(self.generated - self.truth, np.hypot(self.truth_error, self.total_error))

    def plot(self, ax=None, *, ratio_ax=None, log=False, ratio_range=(0.7, 1.3)):
        """Draw the display.

        Parameters
        ----------
        ax, ratio_ax : matplotlib Axes, optional
            For the distributions and their ratio; a figure with both is made if neither is
            given, and no ratio is drawn if `ax` is given alone.
        log : bool, default=False
            Whether the axis of the contents is logarithmic.
        ratio_range : tuple of (float, float), default=(0.7, 1.3)
            Limits of the ratio panel. Arrows mark bins beyond them.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib or mplhep is missing.
        ValueError
            On `ratio_ax` without `ax`, or a range that does not hold 1.
        """
        if ax is None and ratio_ax is not None:
            raise ValueError("ratio_ax was given without ax: pass both, or neither.")
        if not ratio_range[0] < 1 < ratio_range[1]:
            raise ValueError(f"ratio_range must be (low, high) around 1, got {ratio_range!r}.")
        size = {"figsize": (5.6, 5), "sharex": True, "height_ratios": (3, 1)}
        with style.house_style():
            if ax is None:
                ax, ratio_ax = style.make_axes(None, "distribution and ratio", 2, 1, **size)
            handles = self._draw_contents(ax, log)
            if ratio_ax is None:
                ax.set_xlabel(self.name)
            else:
                handles += self._draw_ratio(ratio_ax, ratio_range)
                ax.tick_params(labelbottom=False)
                ax.xaxis.get_offset_text().set_visible(False)
            style.legend_above(ax, handles, n_columns=3)
        self.ax_, self.ratio_ax_, self.figure_ = ax, ratio_ax, ax.figure
        return self

    def _draw_contents(self, ax, log):
        """Draw both histograms, the band and the overflow; returns handles for the legend."""
        truth, model = (ax, self.truth, self.edges), (ax, self.generated, self.edges)
        errors = "stat. error" if self.systematic is None else r"stat. $\oplus$ syst. error"
        fill = style.draw_histogram(*truth, "fill", color=style.TRUTH_FILL, label="truth")
        style.draw_histogram(*truth, color=style.TRUTH_LINE, linewidth=1)
        band = style.draw_histogram(*model, "band", self.total_error, label=errors, **BAND)
        line = style.draw_histogram(*model, color=style.MODEL, linewidth=1.4, label="model")
        ax.set(xlim=self.edges[[0, -1]], ylabel="fraction of events")
        contents = np.concatenate([self.truth, self.generated + self.total_error])
        top = contents.max()
        if log:
            bottom = 0.5 * contents[contents > 0].min()
            ax.set_yscale("log")
            ax.set_ylim(bottom, top * (top / bottom) ** 0.05)
        else:
            lowest = min(self.truth.min(), self.generated.min())  # negative weights
            ax.set_ylim(min(0, 1.1 * lowest), 1.08 * top)
        style.style_axes(ax)
        style.few_ticks(ax)
        beyond = (0, 0) if self.beyond is None else np.max(np.abs(self.beyond), axis=0)
        return [fill, line, band, *style.mark_overflow(ax, self.edges, beyond)]

    def _draw_ratio(self, ax, ratio_range):
        """Draw the ratio with the band and the floor; returns the floor for the legend."""
        ones = np.ones_like(self.truth)
        settings = {"label": "floor", **FLOOR_BAND}
        floor = style.draw_histogram(ax, ones, self.edges, "band", self.ratio_floor, **settings)
        ax.axhline(1, color=style.TRUTH_LINE, linewidth=0.8)
        error = _divide(self.total_error, np.abs(self.truth))
        style.draw_histogram(ax, self.ratio, self.edges, "band", error, **BAND)
        centre = 0.5 * (self.edges[1:] + self.edges[:-1])
        marks = {"color": style.MODEL, "markersize": 4}
        ax.plot(centre, self.ratio, ".", **marks)
        above, below = self._outside(ratio_range)
        marks["transform"] = ax.get_xaxis_transform()
        ax.plot(centre[above], np.full(above.sum(), 0.93), "^", **marks)
        ax.plot(centre[below], np.full(below.sum(), 0.07), "v", **marks)
        ax.set(xlim=self.edges[[0, -1]], ylim=ratio_range)
        ax.set_ylabel("ratio", loc="center")
        ax.set_xlabel(self.name)
        style.style_axes(ax)
        style.few_ticks(ax)
        return [floor]

    def _outside(self, ratio_range):
        """Bins whose ratio lies above and below the panel. The ratio is infinite without truth."""
        infinite = (self.truth == 0) & (self.generated != 0)
        ratio = np.where(infinite, np.copysign(np.inf, self.generated), self.ratio)
        return ratio > ratio_range[1], ratio < ratio_range[0]


def _generated_weight(weight, events):
    return check_weight(weight, len(events), "generated_weight", allow_negative=True)


def _divide(numerator, denominator):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator != 0, numerator / denominator, np.nan)

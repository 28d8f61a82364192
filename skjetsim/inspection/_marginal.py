"""One distribution of truth and model, with their ratio and the statistical floor."""

from __future__ import annotations

import numpy as np

from skjetsim._validation import check_events, check_sample_weight

__all__ = ["MarginalDisplay"]


class MarginalDisplay:
    """Histogram of one quantity, truth against generated, above a panel of their ratio.

    Make one with `from_samples`. The grey band of the ratio panel is the floor: the standard error
    of truth against an independent truth of the generated sample's size.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        The first and last bin hold what lies beyond them too.
    truth, generated : ndarray of shape (n_bins,)
        Contents, both as fractions of their sample.
    truth_error, generated_error : ndarray of shape (n_bins,)
        Standard errors of the contents.
    name : str
        Of the quantity, on the axis.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_, ratio_ax_ : matplotlib Axes
        Set by `plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import MarginalDisplay
    >>> rng = np.random.default_rng(0)
    >>> truth, generated = rng.normal(91.2, 2.5, size=(2, 1000))
    >>> display = MarginalDisplay.from_samples(truth, generated, name="Z mass [GeV]", bins=20)
    >>> display.ratio.shape
    (20,)
    """

    def __init__(self, *, edges, truth, generated, truth_error, generated_error, name):
        self.edges = edges
        self.truth = truth
        self.generated = generated
        self.truth_error = truth_error
        self.generated_error = generated_error
        self.name = name

    @classmethod
    def from_samples(
        cls,
        truth,
        generated,
        *,
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
        generated : array-like of shape (n_generated,)
        name : str
            Of the quantity, with its unit.
        bins : int, default=50
        range : tuple of (float, float), optional
            By default from the 0.2% to the 99.8% quantile of the truth.
        sample_weight, generated_weight : array-like, optional
            Weights of truth and of generated; negative ones are allowed.

        Returns
        -------
        MarginalDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, empty samples or wrong weights.
        """
        sides = []
        for values, weight, what in (
            (truth, sample_weight, "truth"),
            (generated, generated_weight, "generated"),
        ):
            array, _ = check_events(values, what=what, allow_1d=True)
            weight = check_sample_weight(weight, len(array), allow_negative=True)
            sides.append((array[:, 0], np.ones(len(array)) if weight is None else weight))
        low, high = range if range is not None else np.quantile(sides[0][0], (0.002, 0.998))
        if not low < high:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, bins + 1)
        (truth, truth_error), (generated, generated_error) = (
            _fractions(values, weight, edges) for values, weight in sides
        )
        return cls(
            edges=edges,
            truth=truth,
            generated=generated,
            truth_error=truth_error,
            generated_error=generated_error,
            name=name,
        )

    @property
    def ratio(self):
        """Generated over truth in each bin, NaN where there is no truth."""
        return _divide(self.generated, self.truth)

    @property
    def ratio_floor(self):
        """Standard error of the ratio of two independent truths."""
        return _divide(np.hypot(self.truth_error, self.generated_error), self.truth)

    def plot(self, ax=None, *, ratio_ax=None, log=False):
        """Draw the display.

        Parameters
        ----------
        ax, ratio_ax : matplotlib Axes, optional
            For the distributions and their ratio; made where they are not given.
        log : bool, default=False
            Logarithmic contents.

        Returns
        -------
        self
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, (ax, ratio_ax) = plt.subplots(
                2, 1, sharex=True, height_ratios=(3, 1), layout="constrained"
            )
        ax.stairs(self.truth, self.edges, fill=True, color="0.85", label="truth")
        ax.stairs(self.truth, self.edges, color="0.35")
        ax.stairs(self.generated, self.edges, color="C3", linewidth=1.4, label="generated")
        ax.set_ylabel("fraction of events")
        if log:
            ax.set_yscale("log")
        else:  # room for the legend
            ax.set_ylim(0, 1.35 * max(self.truth.max(), self.generated.max()))
        ax.legend(frameon=False, loc="upper right")
        _few_ticks(ax)
        if ratio_ax is not None:
            ax.tick_params(labelbottom=False)
            ax.xaxis.get_offset_text().set_visible(False)
            self._plot_ratio(ratio_ax)
        self.ax_, self.ratio_ax_, self.figure_ = ax, ratio_ax, ax.figure
        return self

    def _plot_ratio(self, ax):
        floor = np.nan_to_num(self.ratio_floor)
        ax.stairs(1 + floor, self.edges, baseline=1 - floor, fill=True, color="0.85")
        ax.axhline(1, color="0.35", linewidth=0.8)
        centre = 0.5 * (self.edges[1:] + self.edges[:-1])
        ax.plot(centre, self.ratio, ".", color="C3", markersize=4)
        ax.set_ylim(0.7, 1.3)
        ax.set_ylabel("ratio")
        ax.set_xlabel(self.name)
        _few_ticks(ax)


def _few_ticks(ax):
    """Five ticks at most, small and large values as powers of ten: responses can be tiny."""
    ax.locator_params(axis="x", nbins=5)
    ax.ticklabel_format(axis="x", scilimits=(-2, 4))


def _fractions(values, weight, edges):
    """Contents and errors of the bins, overflow counted in the outer ones."""
    inside = np.clip(values, edges[0], edges[-1])
    contents, _ = np.histogram(inside, edges, weights=weight)
    squares, _ = np.histogram(inside, edges, weights=weight**2)
    return contents / weight.sum(), np.sqrt(squares) / abs(weight.sum())


def _divide(numerator, denominator):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator != 0, numerator / denominator, np.nan)

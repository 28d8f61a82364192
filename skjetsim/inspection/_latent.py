"""The latent space of a generator against the standard normal it should be."""

import warnings

import numpy as np
from scipy.stats import norm

from skjetsim._drawing._sample import unwrap_search
from skjetsim.base import is_generator
from skjetsim.inspection import _style as style
from skjetsim.inspection._binning import make_edges
from skjetsim.inspection._correlation import correlation_matrix
from skjetsim.inspection._events import weight_of
from skjetsim.inspection._labels import axis_label
from skjetsim.utils._comparison import check_table, check_weight
from skjetsim.utils._validation import check_same_events
from skjetsim.utils._weighted import clustered_histogram, effective_size

EXPECTED_BEYOND = 10  # events of a normal sample outside the default range, on either side
LARGEST_PULL = 5  # where the colours end


class LatentDisplay:
    """Latent columns of a generator compared with independent standard normals.

    A flow is right if events of the truth become normal and uncorrelated in its latent space.
    Make one with `from_samples` or `from_estimator`. The plot shows the histograms of the
    columns over the normal in grey, the pull of each bin for each column, and the correlations.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        The first and last bin also hold the events beyond them, as arrows say.
    contents : ndarray of shape (n_columns, n_bins)
        Fractions of events.
    expected : ndarray of shape (n_bins,)
        Fractions of a standard normal.
    expected_error : ndarray of shape (n_bins,)
        Standard error of a normal sample's contents.
    correlation : ndarray of shape (n_columns, n_columns)
    names : list of str
        Names of the columns.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : tuple of matplotlib Axes
        Histograms, pulls and correlations.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import LatentDisplay
    >>> latent = np.random.default_rng(0).normal(size=(5000, 3))
    >>> display = LatentDisplay.from_samples(latent)
    >>> bool(np.abs(display.pull).max() < 5)
    True
    """

    def __init__(self, *, edges, contents, expected, expected_error, correlation, names):
        self.edges = edges
        self.contents = contents
        self.expected = expected
        self.expected_error = expected_error
        self.correlation = correlation
        self.names = names

    @classmethod
    def from_samples(cls, latent, *, bins=40, range=None, sample_weight=None):
        """Histogram latent points.

        Parameters
        ----------
        latent : array-like of shape (n, n_columns)
            Columns of zeros, which a flow returns if the events never vary, are left out with a
            warning.
        bins : int or array-like of edges, default=40
            At least two bins.
        range : tuple of (float, float), optional
            By default a normal sample of this size has ten events beyond either end.
        sample_weight : array-like of shape (n,), optional
            Weights of the events. Negative weights are an error.

        Returns
        -------
        LatentDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, negative weights, fewer than two bins, a range that does not
            increase, or nothing but columns of zeros.
        """
        check_same_events(latent, sample_weight, names=("latent", "sample_weight"))
        array, names = check_table(latent, what="latent")
        weight = check_weight(sample_weight, len(array), "sample_weight")
        names = names or [f"z{column}" for column in np.arange(array.shape[1])]
        array, names = _without_zeros(array, names)
        n_events = effective_size(len(array), weight)
        # The central two thirds if the sample is so small that ten events are not few.
        reach = norm.isf(min(EXPECTED_BEYOND / n_events, norm.sf(1)))
        edges = make_edges(bins, range, lambda: (-reach, reach))
        expected = np.diff(np.concatenate([[0.0], norm.cdf(edges[1:-1]), [1.0]]))
        return cls(
            edges=edges,
            contents=np.array([clustered_histogram(z, edges, weight)[0] for z in array.T]),
            expected=expected,
            expected_error=np.sqrt(expected * (1 - expected) / n_events),
            correlation=correlation_matrix(array, weight)[0],
            names=[axis_label(name, unit=False) for name in names],
        )

    @classmethod
    def from_estimator(cls, estimator, X, *, bins=40, range=None, sample_weight=None):
        """Take events to the latent space of a generator and histogram them there.

        Parameters
        ----------
        estimator : fitted generator
            A generator whose `transform` gives latent points, on its own, last in a Pipeline, or
            in a fitted search.
        X : array-like of shape (n, n_features)
            True events, best held out from the fit.
        bins, range, sample_weight
            As in `from_samples`.

        Returns
        -------
        LatentDisplay

        Raises
        ------
        TypeError
            If the estimator is not a generator or has no latent space.
        ValueError
            As `from_samples`.
        """
        model, name = unwrap_search(estimator), type(estimator).__name__
        if not is_generator(model):
            raise TypeError(f"{name} is not a generator: it has no latent space.")
        if not hasattr(model, "transform"):
            raise TypeError(f"{name} has no transform: it has no latent space.")
        latent = np.asarray(model.transform(X))
        weight = weight_of(X, sample_weight)
        return cls.from_samples(latent, bins=bins, range=range, sample_weight=weight)

    @property
    def pull(self):
        """Contents minus expected in standard errors of a normal sample, column by column."""
        with np.errstate(divide="ignore", invalid="ignore"):  # bins far out expect nothing
            return (self.contents - self.expected) / self.expected_error

    def plot(self, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional
            For histograms, pulls and correlations; made by default.

        Returns
        -------
        self
        """
        with style.house_style() as plt:
            if axes is None:
                height = float(np.clip(2.6 + 0.25 * len(self.names), 4, 8))
                figure = plt.figure(figsize=(6 + height, height), layout="constrained")
                axes = axes_of_latent(figure, len(self.names), width_ratios=(1, 1.1))
            axes = style.check_axes(axes, 3, "histograms, pulls and correlations")
            self._draw_histograms(axes[0])
            self._draw_pulls(axes[1])
            mesh = style.draw_matrix(axes[2], self.correlation, self.names, 1)
            axes[2].figure.colorbar(mesh, ax=axes[2], label="correlation", shrink=0.8)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _draw_histograms(self, ax):
        normal = {"histtype": "fill", "color": style.TRUTH_FILL, "label": "normal"}
        style.draw_histogram(ax, self.expected, self.edges, **normal)
        styles = style.colours_of_worst(self.names, self.pull.T)
        for contents, settings in zip(self.contents, styles, strict=True):
            style.draw_histogram(ax, contents, self.edges, **settings)
        ax.set_xlim(self.edges[0], self.edges[-1])
        ax.set_ylim(0, 1.1 * max(self.contents.max(), self.expected.max()))
        ax.set_ylabel("fraction of events")
        ax.tick_params(labelbottom=False)
        style.style_axes(ax)
        style.mark_overflow(ax, self.edges, (1, 1))  # a normal has events beyond any edge
        style.legend_above(ax)

    def _draw_pulls(self, ax):
        rows = np.arange(len(self.names) + 1) - 0.5
        colours = style.diverging(LARGEST_PULL)
        mesh = style.draw_cells(ax, self.pull.T, self.edges, rows, **colours)
        ax.set_ylim(rows[-1], rows[0])
        ax.set_yticks(rows[:-1] + 0.5, self.names)
        ax.set_xlabel("latent coordinate")
        ax.figure.colorbar(mesh, ax=ax, label="pull", extend="both")


def axes_of_latent(figure, n_columns, **settings):
    """Make axes for a `LatentDisplay` in an empty figure."""
    places = [["histogram", "correlation"], ["pull", "correlation"]]
    heights = (2, max(1, 0.15 * n_columns))
    mosaic = figure.subplot_mosaic(places, height_ratios=heights, **settings)
    return [mosaic[key] for key in ("histogram", "pull", "correlation")]


def _without_zeros(array, names):
    empty = ~array.any(axis=0)
    if empty.all():
        raise ValueError("latent is zero in every column: there is no density to look at.")
    if empty.any():
        left_out = [name for name, zero in zip(names, empty, strict=True) if zero]
        warnings.warn(
            f"The latent columns {left_out} are zero in every event and are left out: they carry "
            "no density. A flow gives such columns if its events never vary there.",
            UserWarning,
            stacklevel=3,
        )
    return array[:, ~empty], [name for name, zero in zip(names, empty, strict=True) if not zero]

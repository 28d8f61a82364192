"""Posteriors of single events next to the truth, what was measured, and the prior."""

import numpy as np

from skjetsim.inspection import _style as style
from skjetsim.inspection._binning import check_as_long
from skjetsim.inspection._events import draw_several, feature_position
from skjetsim.inspection._labels import axis_label, units_of
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._comparison import check_ensemble, check_table, same_columns
from skjetsim.utils._tables import with_rows
from skjetsim.utils._validation import check_int, check_same_events, column_names

MOST_EVENTS = 12  # rows of panels that a page still shows
CORE = (0.025, 0.975)  # quantiles of the draws; with the tails the core would be a single bin
MARGIN = 0.25  # of the core, on either side
ENTRIES = 2  # legend entries above one panel


class PosteriorDisplay:
    """Posterior of each column of single events, one row of panels per event.

    Make one with `from_samples` or `from_estimator`. A line marks the true value, and a dashed
    line the measured one, if the column exists at detector level. The prior is grey, if it is
    given. Single events show what a posterior looks like. `CalibrationDisplay` shows whether it is
    right.

    Parameters
    ----------
    edges : ndarray of shape (n_events, n_features, n_bins + 1)
        Angles are unrolled about the posterior's direction and may lie beyond pi.
    contents : ndarray of shape (n_events, n_features, n_bins)
        Density of the posterior, per unit of the column.
    truth : ndarray of shape (n_events, n_features)
    measured : ndarray of shape (n_events, n_features)
        NaN if the detector level has no such column.
    prior : ndarray of shape (n_events, n_features, n_bins), or None
        Density of the prior in the same bins.
    names : list of str
        Names of the columns, with their units.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : ndarray of matplotlib Axes, shape (n_events, n_features)

    See Also
    --------
    CalibrationDisplay : Whether posteriors of many events are right.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.inspection import PosteriorDisplay
    >>> truth = pd.DataFrame({"jet_pt": [40.0, 60.0]})           # GeV
    >>> draws = np.random.default_rng(0).normal(45, 4, size=(2, 1000, 1))
    >>> display = PosteriorDisplay.from_samples(truth, draws, measured=truth + 5.0)
    >>> display.contents.shape
    (2, 1, 30)
    """

    def __init__(self, *, edges, contents, truth, measured, prior, names):
        self.edges = edges
        self.contents = contents
        self.truth = truth
        self.measured = measured
        self.prior = prior
        self.names = names

    @classmethod
    def from_samples(cls, truth, draws, *, measured=None, prior=None, features=None, bins=30):
        """Histogram the draws of some events.

        Parameters
        ----------
        truth : array-like of shape (n, n_features)
            True theory-level events, at most twelve.
        draws : array-like of shape (n, n_draws, n_features)
        measured : array-like of shape (n, n_columns), optional
            The same events at detector level. Columns are matched by name; without names, by
            position if there are as many.
        prior : array-like of shape (n_prior, n_features), optional
            Theory-level events the unfolder was trained on.
        features : sequence of str or int, optional
            Columns to show; all by default.
        bins : int, default=30
            Number of bins, at least two. They hold the central 95% of the draws, the true and the
            measured value, and a quarter of that 95% range more on either side.

        Returns
        -------
        PosteriorDisplay

        Raises
        ------
        ValueError
            On NaN, infinity, wrong shapes, more than twelve events, an unknown feature, or a prior
            of other columns.
        """
        check_same_events(truth, measured, names=("truth", "measured"))
        units = units_of(measured, truth)
        truth, draws, names = check_ensemble(truth, draws, other="draws")
        if len(truth) > MOST_EVENTS:
            raise ValueError(
                f"{len(truth)} events are too many to show one by one: pass X[:{MOST_EVENTS}] and "
                f"y[:{MOST_EVENTS}], or other rows."
            )
        bins = check_int(bins, "bins", minimum=2)
        columns = _columns(features, names, truth.shape[1])
        measured = _measured(measured, truth.shape, names)
        prior = _prior(prior, names, truth.shape[1])
        labels = [column if names is None else names[column] for column in columns]
        panels = [
            _panel(
                draws[event, :, column],
                truth[event, column],
                measured[event, column],
                None if prior is None else prior[:, column],
                bins,
                is_angle(label),
            )
            for event in range(len(truth))
            for column, label in zip(columns, labels, strict=True)
        ]
        edges, contents, truth, measured, priors = (
            np.reshape(values, (len(truth), len(columns), *np.shape(values[0])))
            for values in zip(*panels, strict=True)
        )
        return cls(
            edges=edges,
            contents=contents,
            truth=truth,
            measured=measured,
            prior=None if prior is None else priors,
            names=[axis_label(label, units=units) for label in labels],
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        n_samples=1000,
        transformer=None,
        prior=None,
        features=None,
        bins=30,
        random_state=None,
    ):
        """Unfold some events and histogram what is drawn for each.

        Parameters
        ----------
        estimator : fitted unfolder, or simulator with `sample_inverse`
            On its own, in a Pipeline, or a fitted search.
        X : array-like of shape (n, n_features)
            True theory-level events, at most twelve.
        y : array-like of shape (n, n_targets)
            The same events at detector level.
        n_samples : int, default=1000
            Draws for each event.
        transformer : transformer, optional
            Applied to the truth, the draws and the prior, and to y if it has the columns that
            the transformer takes; for other quantities, such as masses. An unfitted one is fitted
            on the truth.
        prior, features, bins
            As in `from_samples`; features are those after the transformer.
        random_state : int, Generator, RandomState or None

        Returns
        -------
        PosteriorDisplay

        Raises
        ------
        TypeError
            If the estimator cannot unfold.
        ValueError
            As `from_samples`.
        """
        X, y = with_rows(X), with_rows(y, "y")
        settings = {"transformer": transformer, "random_state": random_state}
        settings |= {"n_samples": n_samples, "direction": "inverse"}
        drawn = draw_several(estimator, X, y, **settings)
        return cls.from_samples(
            drawn.table,
            drawn.generated,
            measured=_measured_of(drawn, X, y),
            prior=None if prior is None else drawn.same_coordinates(prior, "prior"),
            features=features,
            bins=bins,
        )

    def plot(self, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : array of matplotlib Axes, n_events times n_features of them, optional
            Made by default.

        Returns
        -------
        self
        """
        shape = self.truth.shape
        size = (0.6 + 2.5 * shape[1], 0.9 + 1.8 * shape[0])
        own = axes is None
        with style.house_style():
            axes = style.make_axes(axes, "each column of each event", *shape, figsize=size)
            axes = np.reshape(axes, shape)
            for at in np.ndindex(shape):
                self._draw_panel(axes[at], at)
            for ax, name in zip(axes[-1], self.names, strict=True):
                ax.set_xlabel(name)
            for row, ax in enumerate(axes[:, 0]):
                ax.set_ylabel(f"event {row}")
            self._draw_legend(axes, outside=own)
        self.axes_, self.figure_ = axes, axes[0, 0].figure
        return self

    def _draw_panel(self, ax, at):
        edges = self.edges[at]
        if self.prior is not None:
            settings = {"color": style.TRUTH_FILL, "label": "prior"}
            style.draw_histogram(ax, self.prior[at], edges, "fill", **settings)
        settings = {"color": style.MODEL, "linewidth": 1.3, "label": "posterior"}
        style.draw_histogram(ax, self.contents[at], edges, **settings)
        ax.axvline(self.truth[at], color=style.TRUTH_LINE, linewidth=1.3, label="truth")
        if np.isfinite(self.measured[at]):
            ax.axvline(self.measured[at], color=style.COLOURS[0], linestyle="--", label="measured")
        ax.set(xlim=edges[[0, -1]], ylim=(0, 1.15 * self.contents[at].max()))
        style.style_axes(ax)
        style.few_ticks(ax)
        ax.set_yticks([])  # densities, each in a unit of its own
        ax.set_yticks([], minor=True)

    def _draw_legend(self, axes, *, outside):
        entries = {}
        for ax in axes.flat:
            handles, labels = ax.get_legend_handles_labels()
            entries = dict(zip(labels, handles, strict=True)) | entries
        place, settings = axes[0, 0], {"loc": "best"}
        if outside:  # nothing covers the panels of a figure that was made for them
            n_columns = min(len(entries), ENTRIES * axes.shape[1])
            place, settings = place.figure, {"loc": "outside upper center", "ncols": n_columns}
        place.legend(entries.values(), entries.keys(), **settings)


def _columns(features, names, n_columns):
    """Positions of the columns to show."""
    if features is None:
        return list(range(n_columns))
    if isinstance(features, str) or np.ndim(features) != 1 or len(features) == 0:
        raise TypeError(f"features must be a sequence of names or positions, got {features!r}.")
    return [feature_position(feature, names, n_columns, "X") for feature in features]


def _measured(measured, shape, names):
    """Measured values of the columns; NaN for columns that were not measured."""
    values = np.full(shape, np.nan)
    if measured is None:
        return values
    rows, own = check_table(measured, what="measured")
    check_as_long(values, rows, ("truth", "measured"))
    if names is not None and own is not None:
        for position, name in enumerate(names):
            if name in own:
                values[:, position] = rows[:, own.index(name)]
    elif rows.shape == shape:
        values = rows.copy()
    return values


def _measured_of(drawn, X, y):
    """The detector level in the coordinates of the truth; None if it cannot be matched."""
    own = column_names(y)
    if hasattr(y, "reset_index"):  # the drawn table has a new index
        y = y.reset_index(drop=True)
    if drawn.transformer is None:
        return y
    if own is None or drawn.columns is None:
        return drawn.same_coordinates(y, "y") if np.shape(X)[1:] == np.shape(y)[1:] else None
    # A model may unfold y that is in these coordinates already.
    return drawn.same_coordinates(y, "y") if set(drawn.columns) <= set(own) else y


def _prior(prior, names, n_columns):
    """Events of the prior, of the same columns as the truth."""
    if prior is None:
        return None
    rows, own = check_table(prior, what="prior")
    same_columns(names, own, n_columns, rows.shape[1], what="truth", other="prior")
    return rows


def _panel(values, truth, measured, prior, bins, angle):
    """Edges, posterior, truth, measured value and prior of one column of one event."""
    if angle:
        direction = np.arctan2(np.sin(values).mean(), np.cos(values).mean())
        values, truth, measured = (
            direction + wrap_phi(phi - direction) for phi in (values, truth, measured)
        )
        prior = None if prior is None else direction + wrap_phi(prior - direction)
    low, high = np.quantile(values, CORE)
    margin = MARGIN * (high - low) or 0.5 * max(1.0, abs(low))  # if all draws are equal
    known = [value for value in (truth, measured) if np.isfinite(value)]
    low, high = min([low, *known]) - margin, max([high, *known]) + margin
    edges = np.linspace(low, high, bins + 1)
    prior = np.nan if prior is None else _density(prior, edges)
    return edges, _density(values, edges), truth, measured, prior


def _density(values, edges):
    """Density in the bins, relative to all events, including those beyond the edges."""
    return np.histogram(values, edges)[0] / (len(values) * np.diff(edges))

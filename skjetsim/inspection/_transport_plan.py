"""Where a model moves one quantity of each event, next to the true plan."""

import numpy as np
import pandas as pd

from skjetsim._drawing._sample import unwrap_search
from skjetsim.inspection import _plan
from skjetsim.inspection import _style as style
from skjetsim.inspection._binning import (
    check_as_long,
    check_draws,
    check_filled,
    check_quantity,
    full_turn,
    plan_fractions,
)
from skjetsim.inspection._events import (
    DIRECTIONS,
    direction_of,
    feature_position,
    move_events,
    weight_of,
    with_units,
)
from skjetsim.inspection._labels import axis_label, units_of
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._comparison import check_table, check_weight
from skjetsim.utils._validation import check_option, check_same_events, column_names

LEVELS = ("theory level", "detector level")
# Around a panel, in its heights and widths: the gap to a marginal, the marginal, the colour bar.
GAP, MARGINAL, BAR = 0.03, 0.2, 0.05


class TransportPlanDisplay:
    """Where a model moves one quantity of each event, compared with the detector.

    Distributions do not show the plan, that is, which event goes where: a model that shuffles the
    detector level has them right. Make one with `from_samples` or `from_estimator`. The plot shows
    the quantity before the move (x) against that after it (y), with the median and the central 68%
    of y in bins of x. If pairs are known, the true plan is drawn on the same axes and in the same
    colours. The marginal distributions are above and to the right of the panels, with that of the
    truth in grey. The cost is `transport_cost`, the root mean square of the moves, in the unit of
    the axes. The optimal cost is the least that moves the one distribution to the other.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Edges of both axes.
    contents : dict of str to ndarray of shape (n_bins, n_bins)
        Fractions of all events in the bins of a panel, x first, by its title, "model" or "truth".
    quantiles : dict of str to ndarray of shape (3, n_bins)
        The 16%, 50% and 84% quantiles of y in bins of x, by the title of the panel; NaN in bins of
        fewer than twenty events. Quantiles of an angle are taken about the mean direction in the
        bin. They may lie beyond pi, and are NaN if the angles have no direction.
    costs : dict of str to tuple of (float, float)
        Cost and optimal cost, by the title of the panel.
    source : ndarray of shape (n_bins,)
        Marginal of x, as fractions of all events.
    moved : dict of str to ndarray of shape (n_bins,)
        Marginals of y, of "model" and, if it is known, of "truth".
    labels : tuple of (str, str)
        Labels of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like the axes.
    axes_ : tuple of matplotlib Axes
        The plans.
    marginal_axes_ : tuple of matplotlib Axes
        The marginals above each plan, and to the right of the last.

    See Also
    --------
    skjetsim.metrics.transport_cost : The cost, of every column.
    ResponseDisplay : How the moves of paired events are distributed.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import TransportPlanDisplay
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=1000)                       # GeV
    >>> measured, simulated = energy * rng.normal(1, 0.1, size=(2, 1000))
    >>> shuffled = rng.permutation(simulated)
    >>> display = TransportPlanDisplay.from_samples(energy, shuffled, measured, name="E")
    >>> [round(display.costs[side][0]) for side in ("model", "truth")]
    [74, 13]
    """

    def __init__(self, *, edges, contents, quantiles, costs, source, moved, labels):
        self.edges = edges
        self.contents = contents
        self.quantiles = quantiles
        self.costs = costs
        self.source = source
        self.moved = moved
        self.labels = labels

    @classmethod
    def from_samples(
        cls,
        X,
        generated,
        truth=None,
        *,
        paired=True,
        direction="forward",
        name=None,
        bins=50,
        range=None,
        sample_weight=None,
        truth_weight=None,
    ):
        """Histogram the plan of one quantity.

        Parameters
        ----------
        X : array-like of shape (n,)
            The quantity before the move.
        generated : array-like of shape (n,) or (n, k)
            The quantity of the same events after it, or in k draws for each.
        truth : array-like of shape (n,), optional
            The quantity after the true move, of shape (n_truth,) if not `paired`.
        paired : bool, default=True
            Whether row i of truth is the same event as row i of X. If not, only its distribution
            is shown.
        direction : {"forward", "inverse"}, default="forward"
            Whether X is the theory level and is moved to the detector level, or the reverse. The
            labels of the axes say so.
        name : str or tuple of (str, str), optional
            Column of the quantity, such as "jet_pt", or its columns before and after the move. A
            column called `phi` is an angle. By default the names of the Series that are passed.
        bins : int or array-like of edges, default=50
            Bins of both axes.
        range : tuple of (float, float), optional
            By default the central 99.6% of X and truth together, or of X and generated if there is
            no truth. For an angle it is a full turn.
        sample_weight : array-like of shape (n,), optional
            Weights of the events, also of a paired truth. Negative weights are an error.
        truth_weight : array-like of shape (n_truth,), optional
            Weights of an unpaired truth, whose events count equally by default.

        Returns
        -------
        TransportPlanDisplay

        Raises
        ------
        ValueError
            On unequal numbers or indices of events, NaN, infinity, negative weights, a range
            without events, and as `MarginalDisplay.from_samples`.

        Warns
        -----
        UserWarning
            If a paired truth has a thousand rows or more that plainly do not correspond to X.
        """
        check_option(direction, "direction", DIRECTIONS)
        names = _quantity_names(name, X, generated, truth)
        units = (units_of(truth, generated, X), units_of(X, generated, truth))
        angle = any(is_angle(each) for each in names)
        x, moved, true, weight, true_weight = _check_sides(
            X, generated, truth, paired, sample_weight, truth_weight
        )
        if angle:
            x, moved, true = (None if side is None else wrap_phi(side) for side in (x, moved, true))
        if paired and true is not None:
            _plan.warn_of_shuffled(x, true, weight, angle)
        other = (moved, weight) if true is None else (true, true_weight)
        range = full_turn("phi" if angle else None, bins, range)
        edges = _plan.common_edges((x, weight), other, bins, range)
        sides = {"model": moved} | ({"truth": true} if paired and true is not None else {})
        display = cls(
            edges=edges,
            contents={t: plan_fractions(x, y, edges, weight) for t, y in sides.items()},
            quantiles={
                t: _plan.quantiles_in_bins(x, y, edges, weight, angle) for t, y in sides.items()
            },
            costs={t: _plan.costs(x, y, weight, angle) for t, y in sides.items()},
            source=_plan.fractions(x, edges, weight),
            moved={"model": _plan.fractions(moved, edges, weight)},
            labels=_labels(names, direction, units),
        )
        check_filled(display.contents, edges)
        if true is not None:
            display.moved["truth"] = _plan.fractions(true, edges, true_weight)
        return display

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        feature,
        theory_feature=None,
        transformer=None,
        direction=None,
        paired=True,
        n_samples=None,
        random_state=None,
        bins=50,
        range=None,
        sample_weight=None,
        truth_weight=None,
    ):
        """Draw from an estimator and histogram where it moves one column.

        Parameters
        ----------
        estimator : fitted simulator or unfolder
            On its own, in a Pipeline, or a fitted search.
        X : array-like of shape (n, n_features)
            Theory level. None if the inverse direction draws it and the truth is unknown.
        y : array-like of shape (n, n_targets), optional
            Detector level. It is the truth of the forward direction, and may be unknown there. The
            inverse direction starts from it.
        feature : str or int
            Column of y, after `transformer`.
        theory_feature : str or int, optional
            Column of the same quantity in X, by default the one with the same name. The diagonal
            and the cost mean nothing if it is another quantity.
        transformer : transformer, optional
            Applied to the columns of the truth in all levels, such as `CartesianToCylindrical`. A
            fitted one is used as it is, an unfitted one is cloned and fitted on the truth, or on
            what is drawn if there is no truth. A level with other columns gets its own clone, if
            the transformer learns nothing but columns, such as `KinematicFeatures`.
        direction : {"forward", "inverse"}, optional
            "forward" draws y for X and shows it against X, "inverse" draws X for y and shows it
            against y. By default it is what the estimator learns.
        paired : bool, default=True
            Whether row i of X and y is the same event. If not, only the distribution of the truth
            is shown, and X and y need not be equally long.
        n_samples : int, optional
            Draws for each event, by default one.
        random_state : int, Generator, RandomState or None
        bins, range
            As in `from_samples`.
        sample_weight : array-like of shape (n,), optional
            Weights of the events that are moved, also of a paired truth.
        truth_weight : array-like, optional
            Weights of an unpaired truth.

        Returns
        -------
        TransportPlanDisplay

        Raises
        ------
        TypeError
            If the estimator does not draw in this direction.
        ValueError
            On an unknown column, an inverse direction without y, and as `from_samples`.
        """
        direction = direction_of(unwrap_search(estimator), direction)
        if direction is None:
            raise TypeError(
                f"{type(estimator).__name__} is a generator: it does not move events from one "
                "level to the other."
            )
        inverse = direction == "inverse"
        settings = {"inverse": inverse, "paired": paired, "transformer": transformer}
        drawing = {"n_samples": n_samples, "random_state": random_state}
        source, drawn = move_events(estimator, X, y, **settings, **drawing)
        x, column, names = _quantity(source, drawn, feature, theory_feature, inverse)
        return cls.from_samples(
            with_units(pd.Series(x), drawn.units),
            drawn.generated[..., column],
            None if drawn.truth is None else drawn.truth[:, column],
            paired=paired,
            direction=direction,
            name=names,
            bins=bins,
            range=range,
            sample_weight=weight_of(y if inverse else X, sample_weight),
            truth_weight=weight_of(X if inverse else y, truth_weight),
        )

    def plot(self, axes=None, *, log=True):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, optional
            One for each plan; made by default. Given axes shrink to make room for the marginals
            above and on the right, and for the colour bar.
        log : bool, default=True
            Whether the colours and the marginals are on a logarithmic scale.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib or mplhep is missing.
        ValueError
            On a wrong number of axes.
        """
        n_panels = len(self.contents)
        with style.house_style() as plt:
            if axes is None:
                axes, above, right, bar = _own_axes(plt, n_panels)
            else:
                axes = style.check_axes(axes, n_panels, f"the plans of {list(self.contents)}")
                above, right, bar = _axes_around(axes)
            mesh = self._draw_plans(axes, log)
            axes[0].figure.colorbar(mesh, cax=bar, label="fraction of events")
            for ax, title in zip(above, self.contents, strict=True):
                self._draw_source(ax, title, log)
            self._draw_moved(right, log)
        self.axes_, self.marginal_axes_, self.figure_ = axes, (*above, right), axes[0].figure
        return self

    def _draw_plans(self, axes, log):
        costs = [self.costs[title] for title in self.contents]
        notes = [f"cost {cost:.3g}, optimal {optimal:.3g}" for cost, optimal in costs]
        plans = list(self.contents.values())
        mesh = style.draw_plans(axes, plans, self.edges, self.labels, notes, log)
        for ax, title in zip(axes, self.contents, strict=True):
            self._draw_quantiles(ax, title)
            ax.set(xlim=self.edges[[0, -1]], ylim=self.edges[[0, -1]])
        axes[0].legend(loc="lower right", frameon=True, framealpha=0.8, **style.BOX)
        return mesh

    def _draw_quantiles(self, ax, title):
        """Draw the median and the band as lines, which do not hide the colours."""
        centre = 0.5 * (self.edges[1:] + self.edges[:-1])
        low, median, high = self.quantiles[title]
        ax.plot(centre, median, color=style.MODEL, linewidth=1.4, label="median")
        for bound, label in ((low, "16% to 84%"), (high, None)):
            ax.plot(centre, bound, color=style.MODEL, linewidth=1.0, linestyle="--", label=label)

    def _draw_source(self, ax, title, log):
        ax.stairs(self.source, self.edges, color=style.TRUTH_LINE, linewidth=1)
        ax.set_title(title)
        _set_contents(ax, "y", [self.source], log)

    def _draw_moved(self, ax, log):
        common = {"orientation": "horizontal"}
        if (truth := self.moved.get("truth")) is not None:
            ax.stairs(truth, self.edges, color=style.TRUTH_FILL, fill=True, label="truth", **common)
            ax.stairs(truth, self.edges, color=style.TRUTH_LINE, linewidth=1, **common)
        model = {"color": style.MODEL, "linewidth": 1.2, "label": "model"}
        ax.stairs(self.moved["model"], self.edges, **model, **common)
        legend = ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, handlelength=1)
        legend.set_in_layout(False)  # it stands in the free corner next to the marginal of x
        _set_contents(ax, "x", self.moved.values(), log)


def _own_axes(plt, n_panels):
    """Axes of a new figure: the plans, the marginals above and to the right, and the colour bar."""
    figure = plt.figure(figsize=(2.4 + 3.8 * n_panels, 5), layout="constrained")
    ratios = {"width_ratios": (*[1] * n_panels, MARGINAL, BAR), "height_ratios": (MARGINAL, 1)}
    grid = figure.add_gridspec(2, n_panels + 2, **ratios)
    axes = [figure.add_subplot(grid[1, 0])]
    axes += [figure.add_subplot(grid[1, k], sharey=axes[0]) for k in np.arange(1, n_panels)]
    for ax in axes[1:]:
        ax.tick_params(labelleft=False)
    above = [figure.add_subplot(grid[0, k], sharex=ax) for k, ax in enumerate(axes)]
    right = figure.add_subplot(grid[1, n_panels], sharey=axes[0])
    return tuple(axes), tuple(above), right, figure.add_subplot(grid[1, n_panels + 1])


def _axes_around(axes):
    """Axes of the marginals and of the colour bar around given ones, which make room for them."""
    if axes[-1].figure.get_layout_engine() is None:  # a layout engine makes room itself
        for ax in axes:
            box = ax.get_position()
            width, height = box.width / (1 + 2 * MARGINAL), box.height / (1 + GAP + MARGINAL)
            ax.set_position((box.x0, box.y0, width, height))
    above = tuple(ax.inset_axes([0, 1 + GAP, 1, MARGINAL], sharex=ax) for ax in axes)
    right = axes[-1].inset_axes([1 + GAP, 0, MARGINAL, 1], sharey=axes[-1])
    return above, right, axes[-1].inset_axes([1 + 2 * GAP + MARGINAL, 0, BAR, 1])


def _set_contents(ax, axis, marginals, log):
    """Set the limits and the scale of the contents of marginals."""
    contents = np.concatenate(list(marginals))
    top = contents.max()
    limits = (0, 1.15 * top)
    if log and top > 0:
        getattr(ax, f"set_{axis}scale")("log")
        limits = (0.5 * contents[contents > 0].min(), 2 * top)
    getattr(ax, f"set_{axis}lim")(*limits)
    ticks = {"which": "both", "direction": "in", "top": True, "right": True}
    ax.tick_params(labelbottom=False, labelleft=False, **ticks)


def _quantity_names(name, X, generated, truth):
    """Column of the quantity before and after the move; None if it has no name."""
    if name is None:
        before, *after = ((column_names(side) or [None])[0] for side in (X, generated, truth))
        after = next((each for each in after if each is not None), before)
        return (after if before is None else before), after
    if isinstance(name, (tuple, list)):
        if len(name) != 2:
            raise ValueError(
                f"name must be a name, or a pair (before, after the move), got {name!r}."
            )
        return tuple(name)
    return name, name


def _check_sides(X, generated, truth, paired, sample_weight, truth_weight):
    """Validate the events before and after the move, the truth, and the weights of both."""
    check_same_events(X, generated, sample_weight, names=("X", "generated"), drawn=True)
    if not paired:
        check_same_events(truth, truth_weight, names=("truth", "truth_weight"))
    x, moved = check_quantity(X, "X"), check_draws(generated, "generated")
    check_as_long(x, moved, ("X", "generated"))
    weight = check_weight(sample_weight, len(x), "sample_weight")
    if truth_weight is not None and (truth is None or paired):
        raise ValueError(
            "truth_weight is for an unpaired truth: sample_weight has the weights of paired "
            "events. Pass paired=False, or leave it out."
        )
    if truth is None:
        return x, moved, None, weight, None
    true = check_quantity(truth, "truth")
    if not paired:
        return x, moved, true, weight, check_weight(truth_weight, len(true), "truth_weight")
    check_same_events(X, truth, names=("X", "truth"))
    check_as_long(x, true, ("X", "truth"), " If they do not correspond, pass paired=False.")
    return x, moved, true, weight, weight


def _labels(names, direction, units):
    levels = LEVELS if direction == "forward" else LEVELS[::-1]
    return tuple(
        level if name is None else axis_label(name, suffix=f", {level}", units=of_side)
        for name, level, of_side in zip(names, levels, units, strict=True)
    )


def _quantity(source, drawn, feature, theory_feature, inverse):
    """The quantity before the move, its position in what is drawn, and its name in both."""
    rows, names = check_table(source, what="y" if inverse else "X")
    sides = [(names, rows.shape[1]), (drawn.names, drawn.generated.shape[-1])]
    theory, detector = sides[::-1] if inverse else sides
    of_y = feature_position(feature, *detector, "y")
    if theory_feature is None:
        # With names on both sides a position means the column of that name.
        named = None not in (theory[0], detector[0])
        theory_feature = detector[0][of_y] if named else feature
    of_X = feature_position(theory_feature, *theory, "X")
    start, goal = (of_y, of_X) if inverse else (of_X, of_y)
    labels = tuple(
        position if names is None else names[position]
        for (names, _), position in zip(sides, (start, goal), strict=True)
    )
    return rows[:, start], goal, labels

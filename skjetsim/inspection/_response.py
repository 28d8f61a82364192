"""The detector's response, event by event: residuals, and detector level against another level."""

import numpy as np

from skjetsim._drawing._sample import unwrap_search
from skjetsim.inspection import _style as style
from skjetsim.inspection._binning import (
    bin_edges,
    check_as_long,
    check_filled,
    check_one,
    check_quantity,
    full_turn,
    plan_fractions,
    spread_draws,
)
from skjetsim.inspection._events import (
    DIRECTIONS,
    as_rows,
    direction_of,
    draw_events,
    feature_position,
    refuse_rejected,
    weight_of,
)
from skjetsim.inspection._labels import axis_label, units_of
from skjetsim.inspection._marginal import MarginalDisplay
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._comparison import check_table, check_weight
from skjetsim.utils._tables import with_rows
from skjetsim.utils._validation import check_events, check_option, check_same_events

KINDS = ("residual", "gen_vs_reco", "pred_vs_reco")


class ResponseDisplay:
    """How a model changes one quantity of each event, compared with the detector.

    A simulator that ignores X may have every distribution right, so compare this too. The same
    holds for an unfolder that ignores y. Make one with `from_samples` or `from_estimator`. There
    are three kinds:

    - "residual": distribution of detector minus generator level, with ratio (`MarginalDisplay`);
    - "gen_vs_reco": generator (x) against detector level (y), truth next to simulated. It is the
      reverse for unfolded events;
    - "pred_vs_reco": true (x) against simulated (y) detector level, next to true against a second
      pass of the same events through the detector. No simulation does better than the second pass,
      and few do as well: both passes share all that X leaves out, such as the particles of a jet.

    For unfolded events (`direction="inverse"`) the two levels change places: the residual is
    generator minus detector level.

    Panels of the last two kinds show the linear correlation coefficient r. For angles it is that
    of their unit vectors.

    Parameters
    ----------
    kind : {"residual", "gen_vs_reco", "pred_vs_reco"}
    marginal : MarginalDisplay or None, default=None
        The residuals, for kind "residual".
    edges : ndarray of shape (n_bins + 1,) or None, default=None
        Edges of both axes, for the other kinds.
    contents : dict of str to ndarray of shape (n_bins, n_bins) or None, default=None
        Fractions of all events in the bins of each panel, x first, by the title of the panel.
        They add up to less than one if events are outside the bins.
    correlations : dict of str to float or None, default=None
        Correlation coefficient by the title of the panel, including events outside the bins.
    labels : tuple of (str, str) or None, default=None
        Labels of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : tuple of matplotlib Axes
        Distribution and ratio, or one for each panel.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.inspection import ResponseDisplay
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=1000)                       # GeV
    >>> measured, simulated = energy * rng.normal(1, 0.1, size=(2, 1000))
    >>> display = ResponseDisplay.from_samples(
    ...     measured, simulated, X=energy, feature="E", kind="pred_vs_reco"
    ... )
    >>> round(display.correlations["simulated"], 1)
    0.9
    """

    def __init__(
        self, *, kind, marginal=None, edges=None, contents=None, correlations=None, labels=None
    ):
        self.kind = kind
        self.marginal = marginal
        self.edges = edges
        self.contents = contents
        self.correlations = correlations
        self.labels = labels

    @classmethod
    def from_samples(
        cls,
        truth,
        generated=None,
        *,
        X,
        feature,
        kind="residual",
        members=None,
        direction="forward",
        second_pass=None,
        bins=50,
        range=None,
        sample_weight=None,
    ):
        """Compare the response in paired samples.

        Parameters
        ----------
        truth : array-like of shape (n, n_targets) or (n,)
            The true events of the level that the model draws: the detector level of a simulator.
        generated : array-like of shape (n, n_targets) or (n, k, n_targets), optional
            What the model draws for the same events, or k draws for each; without the last
            dimension if truth is 1-D.
        X : array-like of shape (n, n_features) or (n,)
            The level that the model is given, which must have the column too: the theory level
            of a simulator, the detector level of an unfolder.
        feature : str or int
            Column to compare, by name in all tables that have names. It names 1-D input.
        kind : {"residual", "gen_vs_reco", "pred_vs_reco"}, default="residual"
        members : array-like of shape (n_members, n, n_targets) or (n_members, n, k, n_targets)
            Events simulated by each member of an ensemble, instead of `generated`. Residuals then
            have the band of the ensemble.
        direction : {"forward", "inverse"}, default="forward"
            Whether the model draws the detector level for the theory level, or the reverse. The
            labels of the axes say so.
        second_pass : array-like of shape (n, n_targets), optional
            The same events after another detector pass, for kind "pred_vs_reco" only.
        bins : int or array-like of edges, default=50
        range : tuple of (float, float), optional
            By default the central 99.6% of the true residual or detector level, and a full turn
            for an angle.
        sample_weight : array-like of shape (n,), optional
            Weights of the events. Negative weights are allowed for residuals.

        Returns
        -------
        ResponseDisplay

        Raises
        ------
        TypeError
            If not exactly one of `generated` and `members` is given.
        ValueError
            On an unknown kind or column, unequal numbers or indices of events, NaN, infinity, a
            `second_pass` that has no panel, and as `MarginalDisplay.from_samples`.
        """
        check_option(kind, "kind", KINDS)
        check_option(direction, "direction", DIRECTIONS)
        keyword, drawn = check_one(generated, members)
        _check_second_pass(second_pass, kind, direction)
        check_same_events(truth, X, sample_weight, names=("truth", "X"))
        check_same_events(truth, drawn, names=("truth", keyword), drawn=True)
        check_same_events(truth, second_pass, names=("truth", "second_pass"))
        events = _Response(truth, X, feature, direction)
        drawn = events.draws(drawn, keyword)
        if second_pass is not None:
            refuse_rejected(second_pass, "second_pass")
            second_pass = events.column(second_pass, "second_pass")
        if kind == "residual":
            settings = {"bins": bins, "range": range, "sample_weight": sample_weight}
            return cls(kind=kind, marginal=events.residuals(keyword, drawn, settings))
        weight = check_weight(sample_weight, len(events.truth), "sample_weight")
        if members is not None:
            drawn = np.moveaxis(drawn, 0, 1).reshape(len(events.truth), -1)
        edges = bin_edges(events.truth, bins, full_turn(events.label, bins, range), weight)
        x, pairs, labels = events.panels(kind, drawn, second_pass)
        contents = {t: plan_fractions(x, y, edges, weight) for t, y in pairs.items()}
        check_filled(contents, edges)
        return cls(
            kind=kind,
            edges=edges,
            contents=contents,
            correlations={t: _correlation(x, y, weight, events.angle) for t, y in pairs.items()},
            labels=labels,
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        feature,
        kind="residual",
        direction=None,
        transformer=None,
        second_pass=None,
        n_samples=None,
        random_state=None,
        bins=50,
        range=None,
        sample_weight=None,
    ):
        """Simulate X and compare the response with that of y, or unfold y and compare with X.

        Parameters
        ----------
        estimator : fitted simulator or unfolder
            On its own, in a Pipeline, or a fitted search. An ensemble with `sample_members` gets
            the band of its members.
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, n_targets)
        feature : str or int
            Column of X and y, after `transformer`.
        kind : {"residual", "gen_vs_reco", "pred_vs_reco"}, default="residual"
        direction : {"forward", "inverse"}, optional
            "forward" draws y for X, "inverse" draws X for y. By default it is what the estimator
            learns. A simulator with `sample_inverse`, such as `OTUSSimulator`, can do both.
        transformer : transformer, optional
            Applied to both levels, the drawn events and the second pass. A fitted one is used as
            it is, an unfitted one is cloned and fitted on the level that is drawn. If the other
            level lacks columns of that, it gets its own clone, which must learn nothing but
            columns.
        second_pass : array-like of shape (n, n_targets), optional
            The same events after another detector pass.
        n_samples : int, optional
            Draws for each event, by default one.
        random_state : int, Generator, RandomState or None
        bins, range, sample_weight
            As in `from_samples`.

        Returns
        -------
        ResponseDisplay

        Raises
        ------
        TypeError
            If the estimator is neither a simulator nor an unfolder, or does not draw in this
            direction.
        ValueError
            As `from_samples`.
        """
        check_option(kind, "kind", KINDS)
        direction = direction_of(unwrap_search(estimator), direction)
        if direction is None:
            raise TypeError(
                f"{type(estimator).__name__} is neither a simulator nor an unfolder: only those "
                "respond to the other level."
            )
        X, y, second_pass = with_rows(X), with_rows(y, "y"), with_rows(second_pass, "second_pass")
        settings = {"n_samples": n_samples, "random_state": random_state, "members": True}
        settings |= {"direction": direction, "transformer": transformer, "paired": True}
        drawn = draw_events(estimator, X, y, **settings)
        given, what = (y, "y") if drawn.what == "X" else (X, "X")
        if second_pass is not None:
            _check_second_pass(second_pass, kind, direction)
            check_same_events(y, second_pass, names=("y", "second_pass"))
            refuse_rejected(second_pass, "second_pass")
            second_pass = drawn.same_coordinates(second_pass, "second_pass")
        return cls.from_samples(
            drawn.table,
            **{drawn.keyword: drawn.generated},
            X=drawn.other_level(given, what),
            feature=feature,
            kind=kind,
            direction=direction,
            second_pass=second_pass,
            bins=bins,
            range=range,
            sample_weight=weight_of(X, sample_weight),
        )

    def plot(self, axes=None, *, log=True, ratio_range=(0.7, 1.3)):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, optional
            Two for residuals (distribution and ratio), else one for each panel; made by default.
        log : bool, default=True
            Whether the contents of residuals, or the colours, are on a logarithmic scale.
        ratio_range : tuple of (float, float), default=(0.7, 1.3)
            Limits of the ratio panel of residuals.

        Returns
        -------
        self
        """
        if self.kind == "residual":
            what = "distribution and ratio"
            ax, ratio_ax = (None, None) if axes is None else style.check_axes(axes, 2, what)
            self.marginal.plot(ax, ratio_ax=ratio_ax, log=log, ratio_range=ratio_range)
            axes = (self.marginal.ax_, self.marginal.ratio_ax_)
        else:
            n_panels = len(self.contents)
            size = {"figsize": (1 + 4 * n_panels, 4.2), "sharey": True}
            with style.house_style():
                what = f"the panels {list(self.contents)}"
                axes = style.make_axes(axes, what, 1, n_panels, **size)
                self._draw_panels(axes, log)
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _draw_panels(self, axes, log):
        notes = [f"r = {self.correlations[title]:.4f}" for title in self.contents]
        plans = list(self.contents.values())
        mesh = style.draw_plans(axes, plans, self.edges, self.labels, notes, log)
        for ax, title in zip(axes, self.contents, strict=True):
            ax.set_title(title)
        axes[0].figure.colorbar(mesh, ax=list(axes), label="fraction of events")


class _Response:
    """One quantity of the same events at the level that is drawn and at the level that is given."""

    def __init__(self, truth, X, feature, direction):
        self.direction = direction
        self.row_ndim = np.ndim(truth) - 1
        self.feature = feature
        table, self.names = check_table(truth, what="truth")
        self.position = self._position(self.names, table.shape[1], "truth")
        self.truth = table[:, self.position]
        self.label = feature if self.names is None else self.names[self.position]
        self.angle = is_angle(self.label)
        self.units = units_of(X, truth)
        self.given = self.column(X, "X")

    def _position(self, names, n_columns, what):
        if n_columns == 1 and names is None and isinstance(self.feature, str):
            return 0
        return feature_position(self.feature, names, n_columns, what)

    def column(self, table, what):
        """Return the quantity in another table of the same events."""
        if np.ndim(table) == 1:
            values = check_quantity(table, what)
        else:
            array, names = check_events(table, what=what)
            # With names on both sides a position means the column of that name.
            if names is not None and self.names is not None:
                position = feature_position(self.label, names, array.shape[1], what)
            else:
                position = self._position(names, array.shape[1], what)
            values = array[:, position]
        check_as_long(self.truth, values, ("truth", what))
        return values

    def draws(self, drawn, what):
        """Return the quantity in generated events, (n,) or (n, k); members are an axis before."""
        if hasattr(drawn, "columns"):
            return self.column(drawn, what)
        if what == "members":
            _check_same_shape(drawn)
        rows = as_rows(drawn, self.row_ndim)
        at_event = 1 if what == "members" else 0
        lead = rows.shape[:-1]
        if len(lead) - at_event not in (1, 2) or rows.shape[-1] <= self.position:
            raise ValueError(
                f"{what} has shape {np.shape(drawn)}, which does not fit truth: expected "
                f"{'(n_members, n, ...)' if at_event else '(n, ...)'} with truth's columns last, "
                "and for k draws of each event (n, k, ...)."
            )
        values = rows[..., self.position]
        check_as_long(self.truth, np.moveaxis(values, at_event, 0), ("truth", what))
        check_events(values.reshape(-1, 1), what=what)
        return values

    def residuals(self, keyword, drawn, settings):
        """Display of the level that is drawn minus the level that is given."""
        given = self.given if drawn.ndim == 1 else self.given[:, None]
        if keyword == "members":
            given = self.given.reshape(-1, *[1] * (drawn.ndim - 2))
        start, goal = self._levels()
        return MarginalDisplay.from_samples(
            self._difference(self.truth, self.given),
            **{keyword: self._difference(drawn, given)},
            name=axis_label(self.label, suffix=f": {goal} $-$ {start}", units=self.units),
            **settings,
            generated_weight=settings["sample_weight"],
        )

    def _difference(self, one, other):
        return wrap_phi(one - other) if self.angle else one - other

    def _levels(self):
        """Names of the level that is given and of that which is drawn."""
        levels = ("generator", "detector")
        return levels if self.direction == "forward" else levels[::-1]

    def panels(self, kind, drawn, second_pass):
        """Values of x, values of y by the title of their panel, and labels."""
        start, goal = self._levels()
        title = "simulated" if self.direction == "forward" else "unfolded"
        if kind == "gen_vs_reco":
            suffixes = (f", {start} level", f", {goal} level")
            x, pairs = self.given, {"truth": self.truth, title: drawn}
        else:
            suffixes = (f", {goal} level", f", {title}")
            x, pairs = self.truth, {title: drawn}
            if second_pass is not None:
                suffixes = (", detector level", ", simulated or second pass")
                pairs["second detector pass"] = second_pass
        labels = (axis_label(self.label, suffix=suffix, units=self.units) for suffix in suffixes)
        return x, pairs, tuple(labels)


def _check_second_pass(second_pass, kind, direction):
    """Raise ValueError if a second detector pass has no panel."""
    if second_pass is None:
        return
    if kind != "pred_vs_reco":
        raise ValueError(f'second_pass is for kind="pred_vs_reco" only, got kind={kind!r}.')
    if direction == "inverse":
        raise ValueError(
            "second_pass is the detector level once more, which an unfolder does not draw: leave "
            "it out."
        )


def _check_same_shape(members):
    shapes = [np.shape(member) for member in members]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"member {number} has shape {shape}, but member 0 has {shapes[0]}: all members "
                "must simulate the same events."
            )


def _correlation(x, y, weight, angle):
    """Linear correlation coefficient; NaN if one side is constant.

    For angles it is that of their unit vectors, which have no seam at pi.
    """
    y, weight, x = spread_draws(y, weight, x)
    sides = [np.exp(1j * side) if angle else side for side in (x, y)]
    first, second = (side - np.average(side, weights=weight) for side in sides)
    products = ((first, first), (second, second), (first, second))
    xx, yy, xy = (np.sum(weight * (one.conj() * other).real) for one, other in products)
    return float(xy / np.sqrt(xx * yy)) if min(xx, yy) > 0 else np.nan

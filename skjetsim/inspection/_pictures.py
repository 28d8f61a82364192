"""Pictures of a report, as PNG files in memory."""

import io
from contextlib import contextmanager

import numpy as np

from skjetsim.inspection import _style as style
from skjetsim.inspection._binning import full_turn
from skjetsim.inspection._calibration import CalibrationDisplay
from skjetsim.inspection._correlation import CorrelationDisplay
from skjetsim.inspection._coverage import CoverageDisplay
from skjetsim.inspection._events import in_coordinates
from skjetsim.inspection._labels import axis_label, units_of
from skjetsim.inspection._latent import LatentDisplay, axes_of_latent
from skjetsim.inspection._marginal import MarginalDisplay
from skjetsim.inspection._response import ResponseDisplay
from skjetsim.metrics import wasserstein_distance

MOST_DRAWN = 27  # columns; images have hundreds
PER_SHEET = 9
BINS = 40
DPI = 80


def new_figure(width, height):
    """Make a figure that pyplot does not know, so that none is left open."""
    style.import_plotting()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def png(figure):
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def _members_or_generated(events, column=None):
    """Keywords of `from_samples`: an ensemble's members, else the drawn events."""
    if events.members is None:
        return {"generated": events.generated if column is None else events.generated[column]}
    place = slice(None) if column is None else events.truth.columns.get_loc(column)
    return {"members": events.members[..., place]}


def drawn_columns(events):
    """Names of the columns to draw: those that vary, or the worst of them if they are many."""
    names = [name for name in events.truth.columns if events.truth[name].nunique() > 1]
    if len(names) < len(events.truth.columns):
        constant = [name for name in events.truth.columns if name not in set(names)]
        events.notes.append(f"Not drawn, since the truth never varies there: {constant}.")
    if len(names) <= MOST_DRAWN:
        return names
    distance = wasserstein_distance(events.truth[names], events.generated[names], scale="std")
    worst = set(np.argsort(-distance, kind="stable")[:MOST_DRAWN])
    events.notes.append(
        f"The {MOST_DRAWN} of {len(names)} columns that are farthest from the truth are drawn."
    )
    return [name for position, name in enumerate(names) if position in worst]


def features(events, names):
    """Distribution of each column, truth against model."""
    displays = []
    for name in names:
        with _noting(events.notes, name):
            display = MarginalDisplay.from_samples(
                events.truth[name],
                **_members_or_generated(events, name),
                name=axis_label(name, units=units_of(events.truth)),
                bins=BINS,
                range=full_turn(name, BINS, None),
            )
            # Momenta, energies and masses fall steeply; angles and components have both signs.
            displays.append((display, events.truth[name].min() >= 0))
    return _ratio_sheets("features", displays)


def responses(events, names, heading="responses"):
    """Distribution of detector minus generator level of each column on both levels."""
    displays = _responses(events, names, "residual")
    return _ratio_sheets(heading, [(display.marginal, True) for display in displays])


def level_maps(events, names):
    """Generator against detector level in two dimensions, truth next to model."""
    pictures = {}
    displays = _responses(events, names, "gen_vs_reco")
    levels = ("generator", "detector")
    start, goal = levels[::-1] if events.direction == "inverse" else levels
    for heading, part in _sheets(f"{start} against {goal} level", displays):
        rows = -(-len(part) // 2)
        figure = new_figure(15, 3.4 * rows)
        panels = figure.subfigures(rows, 2, squeeze=False).ravel()
        for panel, display in zip(panels, part, strict=False):
            display.plot(panel.subplots(1, 2, sharey=True))
        pictures[heading] = png(figure)
    return pictures


def correlations(events, names):
    """Correlation matrices of truth and model, and their difference."""
    if len(names) < 2:
        return {}
    display = CorrelationDisplay.from_samples(events.truth[names], events.generated[names])
    side = float(np.clip(0.5 * len(display.names), 2.8, 6))
    figure = new_figure(3 * side + 2, side + 1)
    display.plot(figure.subplots(1, 3, sharey=True))
    return {"correlations": png(figure)}


def calibrated(events, names, rows, draws):
    """Truth and draws of the events at positions `rows`, in the columns of the report.

    `draws` has shape (n, k, d), k draws per event, before the transformer.
    """
    draws, _ = in_coordinates(events.transformer, draws, events.names)
    positions = [events.truth.columns.get_loc(name) for name in names]
    return events.truth[names].iloc[rows].reset_index(drop=True), draws[..., positions]


def calibration(truth, draws):
    """Coverage of the quantiles of the draws, and the ranks of the truth among them."""
    pictures = {}
    for heading, display in (("coverage", CoverageDisplay), ("calibration", CalibrationDisplay)):
        figure = new_figure(6.5, 6.5)
        heights = (2, 1) if heading == "coverage" else (1, 1)
        axes = figure.subplots(2, 1, sharex=True, height_ratios=heights)
        display.from_samples(truth, draws).plot(axes)
        pictures[heading] = png(figure)
    return pictures


def latent(estimator, X):
    """Latent space of a generator that has one."""
    display = LatentDisplay.from_estimator(estimator, X)
    figure = new_figure(13, float(np.clip(3 + 0.3 * len(display.names), 4.5, 9)))
    display.plot(axes_of_latent(figure, len(display.names)))
    return {"latent space": png(figure)}


def by_region(table):
    """Response distance and area under the curve of each region, next to their floors."""
    place = np.arange(len(table))
    bars = {"width": 0.9, "color": style.FLOOR}
    with style.house_style():
        figure = new_figure(11, 4.4)
        left, right = figure.subplots(1, 2)
        left.bar(place, table["limit"], label="perfect model, 95%", **bars)
        ratio = table["model / mean floor"]
        left.plot(place, ratio, "o", color=style.MODEL, label="worst feature")
        left.set_ylabel("response W1 / mean floor")
        error = table["AUC error"]
        right.bar(place, 2 * error, bottom=0.5 - error, label=r"0.5 $\pm$ stat. error", **bars)
        right.plot(place, table["AUC"], "o", color=style.MODEL, label="model")
        right.set_ylabel("joint AUC")
        style.style_axes(left, right)
        for ax in (left, right):
            ax.margins(y=0.1)
            ax.tick_params(axis="x", which="both", length=0)
            ax.set_xticks(place, list(table.index), rotation=30, ha="right")
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        left.set_ylim(bottom=0)
    return {"regions": png(figure)}


def _responses(events, names, kind):
    """Displays of the columns on both levels."""
    displays = []
    settings = {"X": events.given, "kind": kind, "bins": BINS, "direction": events.direction}
    settings |= _members_or_generated(events)
    for name in names:
        if name in set(events.shared):
            with _noting(events.notes, name):
                displays.append(
                    ResponseDisplay.from_samples(events.truth, feature=name, **settings)
                )
    return displays


@contextmanager
def _noting(notes, column):
    """Note why a column has no picture: a spike has no histogram."""
    try:
        yield
    except ValueError as error:
        notes.append(f"Not drawn, {column}: {error}")


def _sheets(heading, items):
    """Nine items at a time, under headings that are numbered if there are several."""
    n_sheets = -(-len(items) // PER_SHEET)
    for sheet in range(n_sheets):
        part = items[sheet * PER_SHEET : (sheet + 1) * PER_SHEET]
        yield (heading if n_sheets == 1 else f"{heading} ({sheet + 1} of {n_sheets})"), part


def _ratio_sheets(heading, displays):
    pictures = {}
    for title, part in _sheets(heading, displays):
        columns = min(3, len(part))
        rows = -(-len(part) // 3)
        figure = new_figure(4.4 * columns, 4.6 * rows)
        axes = figure.subplots(2 * rows, columns, height_ratios=(3, 1) * rows, squeeze=False)
        places = axes.reshape(rows, 2, columns).swapaxes(1, 2).reshape(-1, 2)
        for (ax, ratio_ax), (display, log) in zip(places, part, strict=False):
            display.plot(ax, ratio_ax=ratio_ax, log=log)
        for ax in places[len(part) :].flat:
            ax.remove()
        pictures[title] = png(figure)
    return pictures

"""The house style of the plots, built on mplhep's, and what all of them draw with.

Nothing global changes: settings hold inside `house_style` only, and what matplotlib reads later,
when a figure is drawn, is set on the axes themselves. Fonts and their sizes stay the user's.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

TRUTH_FILL, TRUTH_LINE, FLOOR = "0.9", "0.35", "0.78"
MODEL = "#e42536"
# Ten colours that stay apart for the colour-blind: M. Petroff, arXiv:2107.02270, Table 1.
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
DIVERGING = "RdBu_r"
MOST_NUMBERED = 12  # columns of a matrix whose cells still have room for a number


def import_plotting():
    """Return matplotlib.pyplot and mplhep, or raise saying how to install them."""
    try:
        import matplotlib.pyplot as plt
        import mplhep
    except ImportError as error:
        raise ImportError(
            f"Plots are drawn with matplotlib and mplhep, and {error.name} cannot be imported: "
            "pip install skjetsim[plot]."
        ) from error
    return plt, mplhep


@contextmanager
def house_style():
    """Context in which figures are made and drawn; gives pyplot and mplhep."""
    plt, mplhep = import_plotting()
    base = mplhep.style.ROOT
    kept = ("xtick.direction", "ytick.direction", "legend.", "xaxis.label", "yaxis.label")
    settings = {key: base[key] for key in base if key.startswith(kept)}
    with plt.rc_context(settings):
        yield plt, mplhep


def style_axes(*axes):
    """Ticks of the house, set on the axes: matplotlib makes ticks only when it draws."""
    for ax in axes:
        ax.minorticks_on()
        ax.tick_params(which="both", direction="in", top=True, right=True)
        ax.tick_params(which="major", length=6)
        ax.tick_params(which="minor", length=3)


def few_ticks(ax, axis="x"):
    """Five ticks at most, small and large values as powers of ten: responses can be tiny."""
    ax.locator_params(axis=axis, nbins=5)
    ax.ticklabel_format(axis=axis, scilimits=(-2, 4))
    ax.xaxis.get_offset_text().set(x=0, ha="left")  # the label stands at the right


def check_axes(axes, n_axes, what):
    """Return given axes as a tuple of so many, or raise naming what each is for."""
    axes = tuple(np.ravel(axes))
    if len(axes) != n_axes:
        raise ValueError(f"axes must be {n_axes} matplotlib Axes, for {what}; got {len(axes)}.")
    return axes


def colours_of_worst(names, pull):
    """How each column is drawn: the ten of the largest pulls in colour and named, others grey.

    `pull` is of shape (n_points, n_columns).
    """
    worst = np.argsort(-np.square(pull).mean(axis=0), kind="stable")[: len(COLOURS)]
    colours = iter(COLOURS)
    return [
        {"color": next(colours), "label": name, "linewidth": 1.3}
        if column in worst
        else {"color": "0.7", "linewidth": 0.6, "zorder": 1.5}
        for column, name in enumerate(names)
    ]


def draw_cells(ax, contents, x_edges, y_edges, **settings):
    """Colour the cells of a 2-D histogram with mplhep, x first; returns the mesh.

    mplhep makes its axes the current ones, which takes a figure that pyplot does not know into its
    care, where it would stay for ever.
    """
    plt, mplhep = import_plotting()
    known = plt.get_fignums()
    current = plt.gcf() if known else None
    artists = mplhep.hist2dplot(
        contents, x_edges, y_edges, ax=ax, cbar=False, flow=None, **settings
    )
    for number in set(plt.get_fignums()) - set(known):
        plt.close(number)
    if current is not None:
        plt.figure(current.number)
    return artists.pcolormesh


def colour_norm(tables, log):
    """One colour scale of several tables of fractions, logarithmic from the least one on."""
    from matplotlib.colors import LogNorm, Normalize

    filled = np.concatenate([table[table > 0] for table in tables])
    return LogNorm(filled.min(), filled.max()) if log else Normalize(0, filled.max())


def draw_plan(ax, contents, edges, norm):
    """Colour one level against another, white where empty, with the diagonal; gives the mesh."""
    cells = np.where(contents > 0, contents, np.nan)
    mesh = draw_cells(ax, cells, edges, edges, norm=norm, cmap="viridis")
    ax.axline((edges[0],) * 2, slope=1, color=TRUTH_LINE, linewidth=0.8, linestyle=":")
    return mesh


def draw_matrix(ax, matrix, labels, limit):
    """Draw a square matrix, first row on top, its numbers in the cells where they fit."""
    size = len(matrix)
    edges = np.arange(size + 1) - 0.5
    numbers = {}
    if size <= MOST_NUMBERED:
        written = np.array([[f"{value:.2f}" for value in row] for row in matrix.round(2) + 0.0])
        numbers = {"labels": written.T, "labels_fontsize": 9 if size <= 6 else 7}
    mesh = draw_cells(ax, matrix.T, edges, edges, cmap=DIVERGING, norm=_symmetric(limit), **numbers)
    ax.set_aspect("equal")
    ax.set_ylim(size - 0.5, -0.5)  # also where three matrices share an axis
    ax.minorticks_off()
    ax.tick_params(which="both", length=0)
    ax.set_xticks(range(size), labels, rotation=90)
    ax.set_yticks(range(size), labels)
    return mesh


def _symmetric(limit):
    from matplotlib.colors import Normalize

    return Normalize(-limit, limit)

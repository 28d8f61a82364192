"""The house style of the plots, built on mplhep's, and the drawing that several plots share.

No global setting changes. Settings hold inside `house_style` only; those that matplotlib reads
later, when it draws the figure, are set on the axes. Fonts and their sizes stay the user's.
"""

from contextlib import contextmanager

import numpy as np

from skjetsim.utils._install import install_command

TRUTH_FILL, TRUTH_LINE, FLOOR = "0.9", "0.35", "0.78"
MODEL = "#e42536"
# Ten colours that stay apart for the colour-blind: M. Petroff, arXiv:2107.02270, Table 1.
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
BOX = {"facecolor": "white", "edgecolor": "none"}  # behind text on a plan
LETTERS_PER_INCH, LETTERS_OF_HANDLE = 14, 5  # in a legend
MOST_NUMBERED = 12  # columns of a matrix whose cells still have room for a number


def import_plotting():
    """Return matplotlib.pyplot and mplhep, or raise saying how to install them."""
    try:
        import matplotlib.pyplot as plt
        import mplhep
    except ImportError as error:
        raise ImportError(
            f"Plots are drawn with matplotlib and mplhep, and {error.name} cannot be imported: "
            f"{install_command('plot')}"
        ) from error
    return plt, mplhep


@contextmanager
def house_style():
    """Context in which figures are made and drawn; gives pyplot."""
    plt, mplhep = import_plotting()
    base = mplhep.style.ROOT
    kept = ("xtick.direction", "ytick.direction", "legend.", "xaxis.label", "yaxis.label")
    settings = {key: base[key] for key in base if key.startswith(kept)}
    with plt.rc_context(settings):
        yield plt


def style_axes(*axes):
    """Set the ticks of the house on the axes, since matplotlib makes ticks only when it draws."""
    for ax in axes:
        ax.minorticks_on()
        ax.tick_params(which="both", direction="in", top=True, right=True)
        ax.tick_params(which="major", length=6)
        ax.tick_params(which="minor", length=3)


def few_ticks(ax, axis="x"):
    """Set five ticks at most, and powers of ten for small and large values such as responses."""
    ax.locator_params(axis=axis, nbins=5)
    ax.ticklabel_format(axis=axis, scilimits=(-2, 4))
    ax.xaxis.get_offset_text().set(x=0, ha="left")  # the label stands at the right


def whole_ticks(ax):
    """Set ticks at whole numbers only, such as epochs."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    ax.tick_params(axis="x", which="minor", length=0)


def legend_above(ax, handles=None, *, n_columns=4):
    """Put the legend above the axes, where it cannot hide a curve.

    There are `n_columns` columns at most, and fewer if the axes are too narrow for the labels.
    """
    if handles is None:
        handles, _ = ax.get_legend_handles_labels()
    longest = max(len(handle.get_label()) for handle in handles)
    width = ax.get_position().width * ax.figure.bbox.width / ax.figure.dpi
    fitting = int(LETTERS_PER_INCH * width / (longest + LETTERS_OF_HANDLE))
    n_columns = max(1, min(n_columns, fitting))
    settings = {"fontsize": "small", "columnspacing": 1.2, "handlelength": 1.6}
    where = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.3}
    ax.legend(handles=handles, ncols=min(n_columns, len(handles)), **where, **settings)


def make_axes(axes, what, n_rows, n_columns, **settings):
    """Return the user's axes, checked, or those of a new figure, as a tuple."""
    if axes is None:
        plt, _ = import_plotting()
        _, axes = plt.subplots(n_rows, n_columns, layout="constrained", **settings)
    return check_axes(axes, n_rows * n_columns, what)


def check_axes(axes, n_axes, what):
    """Return axes as a tuple, or raise an error that says what each is for."""
    axes = tuple(np.ravel(axes))
    if len(axes) != n_axes:
        raise ValueError(f"axes must be {n_axes} matplotlib Axes, for {what}; got {len(axes)}.")
    return axes


def colours_of_worst(names, pull):
    """Return how to draw each column: the ten of the largest pulls in colour, the others grey.

    Only the coloured columns have labels. `pull` has shape (n_points, n_columns).
    """
    worst = np.argsort(-np.square(pull).mean(axis=0), kind="stable")[: len(COLOURS)]
    colours = iter(COLOURS)
    return [
        {"color": next(colours), "label": name, "linewidth": 1.3}
        if column in worst
        else {"color": "0.7", "linewidth": 0.6, "zorder": 1.5}
        for column, name in enumerate(names)
    ]


def draw_histogram(ax, contents, edges, histtype="step", error=False, **settings):
    """Draw a histogram, with an error band if `histtype` is "band"; returns its stairs."""
    _, mplhep = import_plotting()
    settings |= {"histtype": histtype, "yerr": error, "flow": "none"}
    return mplhep.histplot(contents, edges, ax=ax, **settings)[0].stairs


def mark_overflow(ax, edges, beyond):
    """Mark outer bins that hold events beyond them by arrows; returns the handles for a legend.

    `beyond` has the fractions of events below and above the bins.
    """
    centres = 0.5 * (edges[[0, -2]] + edges[[1, -1]])
    marks = {"color": TRUTH_LINE, "markeredgecolor": "white", "markeredgewidth": 0.5}
    marks |= {"markersize": 8, "linestyle": "none", "zorder": 5}
    handles = [
        ax.plot(centre, 0.03, marker, transform=ax.get_xaxis_transform(), **marks)[0]
        for centre, marker, fraction in zip(centres, ("<", ">"), beyond, strict=True)
        if fraction > 0
    ]
    for handle in handles[:1]:
        handle.set_label("with overflow")
    return handles[:1]


def draw_cells(ax, contents, x_edges, y_edges, **settings):
    """Colour the cells of a 2-D histogram with mplhep, x first; returns the mesh.

    mplhep makes its axes the current ones. pyplot would then keep a figure that is not its own for
    ever, so that figure is closed in pyplot.
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


def _colour_norm(tables, log):
    """Return one colour scale for several tables; a logarithmic one starts at the least entry."""
    from matplotlib.colors import LogNorm, Normalize

    filled = np.concatenate([table[table > 0] for table in tables])
    return LogNorm(filled.min(), filled.max()) if log else Normalize(0, filled.max())


def diverging(limit):
    """Return settings of `draw_cells` for colours from -limit to limit."""
    from matplotlib.colors import Normalize

    return {"cmap": "RdBu_r", "norm": Normalize(-limit, limit)}


def draw_plans(axes, plans, edges, labels, notes, log):
    """Draw one level against the other on each of the axes, with the diagonal.

    Parameters
    ----------
    axes : sequence of Axes
    plans : list of ndarray of shape (n_bins, n_bins)
        Fractions of all events, x first. Empty bins are white.
    edges : ndarray of shape (n_bins + 1,)
        Edges of both axes.
    labels : tuple of (str, str)
        Labels of the axes.
    notes : list of str
        Text for the corner of each plan, above the share of the events outside the bins.
    log : bool
        Whether the colours, which are the same for all plans, are on a logarithmic scale.

    Returns
    -------
    QuadMesh
        The cells of the last plan, for a colour bar.
    """
    norm = _colour_norm(plans, log)
    for ax, contents, note in zip(axes, plans, notes, strict=True):
        cells = np.where(contents > 0, contents, np.nan)
        mesh = draw_cells(ax, cells, edges, edges, norm=norm, cmap="viridis")
        ax.axline((edges[0],) * 2, slope=1, color=TRUTH_LINE, linewidth=0.8, linestyle=":")
        style_axes(ax)
        few_ticks(ax)
        few_ticks(ax, "y")
        if (outside := 1 - contents.sum()) > 5e-5:
            note += f"\n{100 * outside:.2f}% outside"
        ax.text(0.04, 0.96, note, transform=ax.transAxes, va="top", bbox={"alpha": 0.8, **BOX})
        ax.set_xlabel(labels[0])
    axes[0].set_ylabel(labels[1])
    return mesh


def draw_matrix(ax, matrix, labels, limit):
    """Draw a square matrix with its first row on top, and its numbers if they fit the cells."""
    size = len(matrix)
    edges = np.arange(size + 1) - 0.5
    numbers = {}
    if size <= MOST_NUMBERED:
        written = np.array([[f"{value:.2f}" for value in row] for row in matrix.round(2) + 0.0])
        numbers = {"labels": written.T, "labels_fontsize": 9 if size <= 6 else 7}
    mesh = draw_cells(ax, matrix.T, edges, edges, **diverging(limit), **numbers)
    ax.set_aspect("equal")
    ax.set_ylim(size - 0.5, -0.5)  # inverted once, even if three matrices share it
    ax.minorticks_off()
    ax.tick_params(which="both", length=0)
    ax.set_xticks(range(size), labels, rotation=90)
    ax.set_yticks(range(size), labels)
    return mesh

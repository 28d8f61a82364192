"""Report on a model for events other than those of its training, region by region."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from skjetsim._drawing._sample import unwrap_search
from skjetsim.inspection import _page as page
from skjetsim.inspection import _pictures
from skjetsim.inspection import _summary as summary
from skjetsim.inspection._compared import compare
from skjetsim.inspection._events import direction_of
from skjetsim.inspection._floors import response_floor
from skjetsim.inspection._progress import Progress
from skjetsim.inspection._style import import_plotting
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_int, check_same_events, counted
from skjetsim.utils._warnings import without_hints

ALL = "all"
MIN_EVENTS = 200  # the area under the curve then has an error of 0.05
MOST_REGIONS = 50


def closure_report(
    estimator,
    X,
    y,
    *,
    by,
    bins=4,
    direction=None,
    second_pass=None,
    selection=None,
    transformer=None,
    path=None,
    title=None,
    random_state=None,
    verbose=1,
):
    """Judge a simulator on events other than those of its training, region by region.

    A simulator that has learnt the detector, and not the process of its training, is right for
    another process too: a simulator of W + jet, for example, is tested on Z + jet. An unfolder is
    judged in the same way with the two levels swapped: its response is X minus the measured y, and
    regions are defined by columns of y. It also depends on the spectrum of its training.

    Parameters
    ----------
    estimator : fitted simulator or unfolder
        On its own, in a Pipeline, or a fitted search.
    X : array-like of shape (n, n_features)
        Theory-level events. Columns the model was fitted with are selected by name; others, such
        as the second muon's, may define regions.
    y : array-like of shape (n, n_targets)
        The same events at detector level; the detector accepted all of them. Columns that
        the model was not fitted with are left out.
    by : str, callable, dict or array-like of shape (n,)
        What divides the events into regions:

        - the name of a column of X, after or before `transformer`, cut into `bins`. For an
          unfolder, it is a column of y;
        - labels, one per event, or a function of the same table that returns them;
        - a dict of names and boolean masks. Masks may overlap and need not hold all events.
    bins : int or array-like of edges, default=4
        If `by` is a column: the number of regions, of equally many events, or their edges. A
        region includes its lower edge, the last region also its upper one. Events outside the
        edges are in the region "all" only.
    direction : {"forward", "inverse"}, optional
        Whether y is drawn for X, or X for y. By default it is what the estimator learns.
    second_pass : (target, accepted) or Bunch of both, optional
        The same events after another detector pass, and which of them it accepts: the floor of a
        simulator. Without it the floor compares the responses of disjoint halves.
    selection : callable, optional
        Function from a table with the columns that are drawn to a boolean mask. The numbers of
        events that it selects are compared.
    transformer : transformer, optional
        Applied to X, y and the drawn events, which are judged in its columns; an unfitted one is
        fitted on the level that is drawn.
    path : str or path-like, optional
        HTML file to write, with plots of each region; by default none.
    title : str, optional
        Title of the HTML file.
    random_state : int, Generator, RandomState or None
    verbose : int, default=1
        Show the progress on standard error; 0 is silent.

    Returns
    -------
    sklearn.utils.Bunch
        table : DataFrame
            One row per region and one for "all". The columns are the number of events, the feature
            whose response is farthest from its own floor, its W1 in standard deviations of the
            response, the 95% quantile of its floor, W1 over its mean floor, the 95% quantile of the
            largest such ratio over all features of a perfect model, the joint AUC and its error,
            and with `selection` the number of true events that are selected, and the relative
            difference of this yield with its error.
        responses, floors, shifts : DataFrame of shape (n_regions + 1, n_features)
            W1 of each response, the 95% quantile of its floor, and mean of simulated minus true
            response, all in standard deviations of the true response; the standard error of a
            shift is about sqrt(2 / n).
        notes : list of str
            What was left out, and why.
        pictures : dict of str to bytes
            PNG files by their heading, if `path` is given.
        path : pathlib.Path or None
            The HTML file.

    Raises
    ------
    TypeError
        If the estimator is neither a simulator nor an unfolder.
    ValueError
        On an empty region or one of fewer than 200 events, an unknown column, masks or labels of
        another length or index, X without a column the model was fitted with, X and y without a
        common column, and as `model_report`.

    See Also
    --------
    model_report : All events at once, with controls that must fail, and the speed.

    Examples
    --------
    Trained on light jets alone, tested on heavy ones too:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.inspection import closure_report
    >>> from skjetsim.response import QuantileSimulator
    >>> X, y = load_wjet(return_X_y=True)
    >>> X, y = X[["jet_mass", "jet_pz"]][:3000], y[["jet_mass", "jet_pz"]][:3000]
    >>> light = X["jet_mass"] < 8                                      # GeV
    >>> model = QuantileSimulator(n_quantiles=3, max_epochs=1, random_state=0)
    >>> model = model.fit(X[light], y[light])
    >>> regions = {"light": light, "heavy": ~light}
    >>> found = closure_report(model, X, y, by=regions, random_state=0, verbose=0)
    >>> list(found.table.index)
    ['light', 'heavy', 'all']
    """
    direction = direction_of(unwrap_search(estimator), direction)
    if direction is None:
        raise TypeError(
            f"{type(estimator).__name__} is neither a simulator nor an unfolder: only those have a "
            "response."
        )
    if path is not None:
        import_plotting()
        path = page.check_target(path)
    root = as_seed_sequence(random_state)
    settings = {"direction": direction, "transformer": transformer, "second_pass": second_pass}
    with without_hints():  # regions outside the fit are what a closure test is about
        events = compare(estimator, X, y, root=root, **settings)
    if not events.shared:
        raise ValueError(
            "X and y have no common column, so there is no response to compare: "
            f"{list(events.given.columns)} and {list(events.truth.columns)}."
        )
    masks = _regions(events, by, bins)
    parts = {name: events.take(mask) for name, mask in masks.items()} | {ALL: events}
    found = page.Findings(notes=events.notes, pictures={}, path=path)
    with Progress("closure", len(parts) + (path is not None), verbose) as progress, without_hints():
        found |= _measure_all(parts, selection, root, progress)
        if path is not None:
            with progress.section("pictures"):
                found.pictures = _draw(found.table, parts)
    if path is not None:
        page.write(path, _html(found, title))
    return found


def _measure_all(parts, selection, root, progress):
    """Tables with one row for each region."""
    measured = {}
    for number, (name, part) in enumerate(parts.items()):
        with progress.section(name):
            measured[name] = _measure(part, selection, root, number)
    return {
        key: pd.DataFrame.from_dict({name: m[key] for name, m in measured.items()}, orient="index")
        for key in ("table", "responses", "floors", "shifts")
    }


def _measure(part, selection, root, number):
    """Rows of one region in the tables of figures."""
    columns = part.shared
    distances = summary.response_distances
    responses = distances(part.truth[columns], part.generated[columns], part.given)
    alike = summary.binning_values(part, None)
    floor = response_floor(part, alike, distances, root, 1, number)
    ratio = floor.ratio(responses)
    worst = ratio.idxmax()
    row = {
        "events": len(part.truth),
        "feature": worst,
        "response W1 / std": responses[worst],
        "floor 95%": floor.high[worst],
        "model / mean floor": ratio[worst],
        "limit": floor.limit,
    }
    row["AUC"], row["AUC error"] = summary.joint_auc(part, root, number)
    if selection is not None:
        selected = summary.yields(part, selection)
        row["true selected"] = selected.loc["truth", "selected"]
        row["selected / true - 1"] = selected.loc["model", "selected / true - 1"]
        row["yield error"] = selected.loc["model", "error"]
    shifts = summary.mean_shifts(part)
    return {"table": row, "responses": responses, "floors": floor.high, "shifts": shifts}


def _regions(events, by, bins):
    """Boolean mask of each region, checked."""
    n_events, given = len(events.truth), events.given_input
    if isinstance(by, Mapping):
        masks = {
            str(name): _same_rows(events, mask, f"mask of region {name!r}")
            for name, mask in by.items()
        }
        if len(masks) < len(by):
            raise ValueError(
                f"by has two regions with the same name: {[str(name) for name in by]}."
            )
    elif isinstance(by, str):
        masks = _bins(summary.binning_values(events, by), bins, events.notes)
    else:
        labels = by(given) if callable(by) else by
        check_same_events(given, labels, names=(events.given_name, "by"))
        masks = _labelled(labels, n_events)
    if not masks:
        raise ValueError("by has no regions: give at least one.")
    if ALL in masks:
        raise ValueError(f'No region may be called "{ALL}", which is the row of all events.')
    for name, mask in masks.items():
        _check_population(name, mask, events.accepted)
    return masks


def _same_rows(events, mask, what):
    """A mask as an array, checked against the rows of the events."""
    check_same_events(events.given_input, mask, names=(events.given_name, f"the {what}"))
    return summary.check_mask(mask, len(events.truth), f"The {what}")


def _check_population(name, mask, accepted):
    if not mask.any():
        raise ValueError(
            f"Region {name!r} is empty: no event lies in it. Leave it out, choose fewer bins or "
            "other edges, or pass more events."
        )
    n_events = int(mask.sum())
    if n_events < MIN_EVENTS:
        raise ValueError(
            f"Region {name!r} has {n_events} events, too few to judge: {MIN_EVENTS} are needed. "
            "Join it to another region, choose fewer bins, or pass more events."
        )
    if accepted is not None and (n_both := int((mask & accepted).sum())) < MIN_EVENTS // 2:
        raise ValueError(
            f"The second detector pass accepts {n_both} events of region {name!r}, too few for a "
            f"floor: {MIN_EVENTS // 2} are needed. Join it to another region, or leave second_pass "
            "out."
        )


def _bins(column, bins, notes):
    """Regions of a column: of equal population, or between edges."""
    values, name = column.to_numpy(), column.name
    if np.ndim(bins) == 0:
        levels = np.linspace(0, 1, check_int(bins, "bins") + 1)
        edges = np.unique(np.quantile(values, levels))
        if len(edges) == 1:
            edges = np.append(edges, np.nextafter(edges, np.inf))
    else:
        edges = np.asarray(bins, dtype=np.float64)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise ValueError(f"The edges of {name} must be at least two and increase: {bins!r}.")
    shown = [f"{edge:.4g}" for edge in edges]
    if len(set(shown)) < len(edges):  # narrow bins of a large quantity
        shown = [repr(float(edge)) for edge in edges]
    masks = {}
    for (low, high), (first, second) in zip(pairwise(edges), pairwise(shown), strict=True):
        last = high == edges[-1]
        inside = (values >= low) & ((values <= high) if last else (values < high))
        masks[f"{name} in [{first}, {second}{']' if last else ')'}"] = inside
    if outside := len(values) - sum(mask.sum() for mask in masks.values()):
        notes.append(f'{outside} events outside the edges of {name} count in "{ALL}" only.')
    return masks


def _labelled(labels, n_events):
    """Regions of events with equal labels."""
    if np.shape(labels) != (n_events,):
        raise ValueError(
            f"by must give one label per event, {n_events}; got shape {np.shape(labels)}."
        )
    labels = pd.Categorical(labels)
    unlabelled = np.flatnonzero(labels.codes < 0)
    if len(unlabelled):
        raise ValueError(
            f"by gives no label to row {unlabelled[0]} ({counted(len(unlabelled), 'such row')} "
            "in all): name a region for them too, or pass a dict of masks."
        )
    if len(labels.categories) > MOST_REGIONS:
        raise ValueError(
            f"by gives {len(labels.categories)} different labels, more than {MOST_REGIONS}: cut a "
            "quantity into regions first, with pandas.cut, or pass the name of a column and bins."
        )
    return {str(name): labels.codes == code for code, name in enumerate(labels.categories)}


def _draw(table, parts):
    """Pictures of the table, and of the responses in each region."""
    pictures = _pictures.by_region(table)
    for name, part in parts.items():
        drawn = _pictures.drawn_columns(part)
        pictures |= _pictures.responses(part, drawn, f"responses: {name}")
    return pictures


def _html(found, title):
    blocks = [
        page.heading("Regions"),
        page.table(found.table),
        page.heading("W1 of the responses, in standard deviations of the true response"),
        page.table(found.responses),
        page.heading("Floors of these, 95% quantiles"),
        page.table(found.floors),
        page.heading("Mean shift of the responses, in standard deviations of the true response"),
        page.table(found.shifts),
        page.pictures(found.pictures),
        *page.left_out(found.notes),
    ]
    return page.render("Closure" if title is None else title, blocks)

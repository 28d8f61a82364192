"""Report on a simulator for events other than those of its training, region by region."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from skjetsim.inspection import _page as page
from skjetsim.inspection import _pictures
from skjetsim.inspection import _summary as summary
from skjetsim.inspection._compared import compare
from skjetsim.inspection._events import check_simulator
from skjetsim.inspection._style import import_plotting
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_int, counted

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
    second_pass=None,
    selection=None,
    transformer=None,
    path=None,
    title=None,
    random_state=None,
):
    """Judge a simulator on events other than those of its training, region by region.

    A simulator that has learnt the detector, and not the process of its training, is right for
    another process too: a simulator of W + jet, for example, is tested on Z + jet.

    Parameters
    ----------
    estimator : fitted simulator
        On its own, in a Pipeline, or a fitted search.
    X : array-like of shape (n, n_features)
        Theory-level events. Columns the model was fitted with are selected by name; others, such
        as the second muon's, may define regions.
    y : array-like of shape (n, n_targets)
        The same events at detector level; the detector accepted all of them. Columns that
        the model was not fitted with are left out.
    by : str, callable, dict or array-like of shape (n,)
        What divides the events into regions:

        - the name of a column of X, after or before `transformer`, cut into `bins`;
        - labels, one per event, or a function of X that returns them;
        - a dict of names and boolean masks. Masks may overlap and need not hold all events.
    bins : int or array-like of edges, default=4
        If `by` is a column: the number of regions, of equally many events, or their edges. A
        region includes its lower edge, the last region also its upper one. Events outside the
        edges are in the region "all" only.
    second_pass : (target, accepted) or Bunch of both, optional
        The same events after another detector pass, and which of them it accepts: the floor.
    selection : callable, optional
        Function from a table with the columns of y to a boolean mask. The numbers of events that
        it selects are compared.
    transformer : transformer, optional
        Applied to X, y and the simulated events, which are judged in its columns; an unfitted one
        is fitted on y.
    path : str or path-like, optional
        HTML file to write, with plots of each region; by default none.
    title : str, optional
        Title of the HTML file.
    random_state : int, Generator, RandomState or None

    Returns
    -------
    sklearn.utils.Bunch
        table : DataFrame
            One row per region and one for "all". The columns are the number of events, the largest
            W1 of the response over the features in standard deviations of the response, its
            feature, with `second_pass` the 95% quantile of this largest W1 between two detector
            passes, the joint AUC and its error, and with `selection` the number of true events
            that are selected, and the relative difference of this yield with its error.
        responses, shifts : DataFrame of shape (n_regions + 1, n_features)
            W1 of each response, and mean of simulated minus true response, both in standard
            deviations of the true response; the standard error of a shift is about sqrt(2 / n).
        notes : list of str
            What was left out, and why.
        pictures : dict of str to bytes
            PNG files by their heading, if `path` is given.
        path : pathlib.Path or None
            The HTML file.

    Raises
    ------
    TypeError
        If the estimator is not a simulator.
    ValueError
        On an empty region or one of fewer than 200 events, an unknown column, masks or labels of
        another length, X without a column the model was fitted with, X and y without a common
        column, and as `model_report`.

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
    >>> found = closure_report(model, X, y, by=regions, random_state=0)
    >>> list(found.table.index)
    ['light', 'heavy', 'all']
    """
    check_simulator(estimator, "only those have a response")
    if path is not None:
        import_plotting()
        path = page.check_target(path)
    root = as_seed_sequence(random_state)
    events = compare(estimator, X, y, transformer=transformer, second_pass=second_pass, root=root)
    if not events.shared:
        raise ValueError(
            "X has none of the columns of y, so there is no response to compare: "
            f"{list(events.X.columns)} and {list(events.truth.columns)}."
        )
    masks = _regions(events, X, by, bins)
    parts = {name: events.take(mask) for name, mask in masks.items()} | {ALL: events}
    measured = {
        name: _measure(part, selection, root, number)
        for number, (name, part) in enumerate(parts.items())
    }
    tables = {
        key: pd.DataFrame.from_dict({name: m[key] for name, m in measured.items()}, orient="index")
        for key in ("table", "responses", "shifts")
    }
    found = page.Findings(**tables, notes=events.notes, pictures={}, path=path)
    if path is not None:
        found.pictures = _draw(found.table, parts)
        page.write(path, _html(found, title))
    return found


def _measure(part, selection, root, number):
    """Rows of one region in the tables of figures."""
    columns = part.shared
    responses = summary.response_distances(part.truth[columns], part.generated[columns], part.X)
    row = {
        "events": len(part.truth),
        "response W1 / std": responses.max(),
        "feature": responses.idxmax(),
    }
    if (floor := summary.response_floor(part, None, root, 1, number)) is not None:
        row["floor 95%"] = floor.limit
    row["AUC"], row["AUC error"] = summary.joint_auc(part, root, number)
    if selection is not None:
        selected = summary.yields(part, selection)
        row["true selected"] = selected.loc["truth", "selected"]
        row["selected / true - 1"] = selected.loc["model", "selected / true - 1"]
        row["yield error"] = selected.loc["model", "error"]
    return {"table": row, "responses": responses, "shifts": summary.mean_shifts(part)}


def _regions(events, X, by, bins):
    """Boolean mask of each region, checked."""
    n_events = len(events.truth)
    if isinstance(by, Mapping):
        masks = {
            str(name): summary.check_mask(mask, n_events, f"The mask of region {name!r}")
            for name, mask in by.items()
        }
        if len(masks) < len(by):
            raise ValueError(
                f"by has two regions with the same name: {[str(name) for name in by]}."
            )
    elif isinstance(by, str):
        masks = _bins(summary.binning_values(events, by), bins, events.notes)
    else:
        masks = _labelled(by(X) if callable(by) else by, n_events)
    if not masks:
        raise ValueError("by has no regions: give at least one.")
    if ALL in masks:
        raise ValueError(f'No region may be called "{ALL}", which is the row of all events.')
    for name, mask in masks.items():
        _check_population(name, mask, events.accepted)
    return masks


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
        page.heading("Mean shift of the responses, in standard deviations of the true response"),
        page.table(found.shifts),
        page.pictures(found.pictures),
        *page.left_out(found.notes),
    ]
    return page.render("Closure" if title is None else title, blocks)

"""One HTML file that says how good a model is."""

import json
import os
import tempfile
import time
import zipfile

import numpy as np
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from skjetsim._drawing._chunked import one_thread
from skjetsim._drawing._sample import sample, unwrap_search
from skjetsim.base import is_generator, is_simulator
from skjetsim.base._tags import is_paired
from skjetsim.inspection import _page as page
from skjetsim.inspection import _pictures
from skjetsim.inspection import _summary as summary
from skjetsim.inspection._compared import COVERAGE, NEIGHBOURS, RATE, compare
from skjetsim.inspection._events import as_rows
from skjetsim.inspection._style import import_plotting
from skjetsim.metrics import correlation_difference, nearest_neighbour_ratio
from skjetsim.utils._seeds import as_seed_sequence, int_seed, numpy_rng
from skjetsim.utils._tables import take_rows

TIMED_SECONDS = 0.5  # a shorter draw is repeated with more events
MOST_TIMED = 200_000
N_COVERAGE, N_DRAWS = 2000, 50
COVERAGE_SECONDS = 60  # nobody waits longer for one picture


def model_report(
    estimator,
    X,
    y=None,
    path="report.html",
    *,
    transformer=None,
    by=None,
    second_pass=None,
    selection=None,
    train=None,
    facts=None,
    title=None,
    random_state=None,
):
    """Judge a fitted model on held-out events, and write one self-contained HTML file.

    It has distances feature by feature next to their floor and to controls that must fail, the
    area under the curve of a classifier, yields after a selection, speed and size, and pictures of
    all of it.

    Parameters
    ----------
    estimator : fitted generator or simulator
        On its own, in a Pipeline, or a fitted search. An `EnsembleSimulator` gets the band of its
        members in the pictures.
    X : array-like of shape (n, n_features)
        Theory-level events, best held out from the fit; for a generator the true events. A table
        may have more columns than the model was fitted with.
    y : array-like of shape (n, n_targets), optional
        The true detector level; None for a generator. A simulator that learns from unpaired
        events, such as `OTUSSimulator`, is judged by distributions alone, as a generator is: rows
        of X and y need not correspond, and their numbers may differ.
    path : str or path-like, default="report.html"
        A missing folder is made; an existing file is replaced once everything is done.
    transformer : transformer, optional
        Applied to X, y and the simulated events, which are judged in its columns alone:
        `CartesianToCylindrical`, or `KinematicFeatures` that passes the columns through. A fitted
        one is used as it is, an unfitted one is cloned and fitted on the truth.
    by : str, optional
        Column of X, after or before `transformer`. The response is measured in four bins of it.
        By default it is the first pT, else the first column.
    second_pass : (target, accepted) or Bunch of both, optional
        The same events after another detector pass, and which of them it accepts, as in
        `load_wjet().repeats[0]`: the floor of a simulator. Without it the floor of the marginals
        compares two disjoint halves of y, and the response has no floor.
    selection : callable, optional
        Function from a table with the columns of y to a boolean mask, such as
        `skjetsim.selection.wjet_selection`.
    train : array-like of shape (n_train, n_features), optional
        Events that a generator was fitted to, to see whether it repeats them.
    facts : dict of str to str, optional
        More lines for the table at the top: how the model was trained, for example.
    title : str, optional
        Title of the HTML file.
    random_state : int, Generator, RandomState or None
        Seed of the drawn events, floors and classifiers.

    Returns
    -------
    sklearn.utils.Bunch
        distances : DataFrame
            One row per feature. The columns are W1 of the marginal in standard deviations of the
            truth, and for pairs the largest W1 of the response over four bins of `by` in standard
            deviations of the response. Both are given for the model, the floor (95% quantile), X
            passed off as y ("identity") and y of other events ("shuffled").
        auc, auc_error : float
            Area under the curve of a classifier that tells (X, simulated) from (X, y), and its
            standard error.
        yields : DataFrame or None
            Events before and after `selection`.
        rate : float
            Simulated events per second.
        verdict : list of str
            What the figures say, in sentences.
        facts : dict of str to str
            The table at the top.
        notes : list of str
            What was left out, and why.
        pictures : dict of str to bytes
            PNG files by their heading.
        path : pathlib.Path
            The HTML file.

    Raises
    ------
    TypeError
        If the estimator is neither a generator nor a simulator, y is given to a generator or is a
        path, or `second_pass` is not a pair.
    ValueError
        On a missing y, a column the model needs and X lacks, fewer than 40 events, an unknown
        `by`, rows of zeros that no detector accepted, NaN or infinity.
    OSError
        If nothing can be written to `path`.
    ImportError
        If matplotlib or mplhep is missing.

    See Also
    --------
    closure_report : The same question, region by region, for events other than those of the fit.
        Rows of X and y must be pairs, whatever the simulator learnt from.

    Notes
    -----
    The error of the area is 1 / sqrt(6 n) for n test events on each side (40% of all). The
    marginals are right in a model that ignores X, and nearly right in one that copies it, so look
    at the response and the area of a simulator first.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.inspection import model_report
    >>> train, X = np.random.default_rng(0).normal(91.2, 2.5, size=(2, 400, 2))
    >>> model = GaussianMixture(random_state=0).fit(train)
    >>> path = os.path.join(tempfile.mkdtemp(), "report.html")
    >>> found = model_report(model, X, path=path, random_state=0)
    >>> found.distances.shape
    (2, 2)
    >>> list(found.pictures)
    ['features', 'correlations']
    """
    if isinstance(y, (str, os.PathLike)):
        raise TypeError(f"y is the path {str(y)!r}: pass it as path={str(y)!r}, and y before it.")
    import_plotting()  # what is missing is said before the work
    path = page.check_target(path)
    root = as_seed_sequence(random_state)
    events = _compare(estimator, X, y, transformer=transformer, second_pass=second_pass, root=root)
    paired = events.X is not None
    if train is not None and is_simulator(estimator):
        raise ValueError(
            "train is for generators. A simulator's events lie near those of its training, as "
            "the detector's do: see nearest_neighbour_ratio for how to test a simulator."
        )
    by = summary.binning_values(events, by) if paired else None
    measured = summary.measure(events, by, root)
    auc, auc_error = summary.joint_auc(events, root)
    selected = None if selection is None else summary.yields(events, selection)
    rate, busy = _rate(estimator, events, root)
    lines = {"model": _name(estimator)} | _auc_facts(events, auc, auc_error, root)
    if summary.RESPONSE in measured.distances:
        lines["column of the four bins of the response"] = by.name
    if not paired:
        lines |= _generator_facts(events, train, root)
    lines["simulated events / s, one thread"] = f"{rate:,.0f} ({busy:.1f} cores busy)"
    lines |= _file_facts(estimator) | dict(facts or {})
    found = page.Findings(
        distances=measured.distances,
        auc=auc,
        auc_error=auc_error,
        yields=selected,
        rate=rate,
        verdict=summary.verdict(measured, auc, auc_error, events),
        facts=lines,
        notes=events.notes,
        pictures=_draw(estimator, events, rate, root),
        path=path,
    )
    page.write(path, _html(found, estimator, title))
    return found


def _compare(estimator, X, y, **settings):
    """Events to compare, row by row unless the estimator learns from unpaired events.

    The response and the joint AUC of unpaired events would be those of a random pairing.
    """
    paired = is_paired(estimator)
    events = compare(estimator, X, y, paired=paired, **settings)
    if is_simulator(estimator) and not paired:
        events.notes.append(
            f"The response, the joint AUC and the coverage, since {_name(estimator)} learns from "
            "unpaired events: only distributions are compared. If row i of X and y is the same "
            "event, ResponseDisplay.from_estimator and closure_report compare rows."
        )
    return events


def _html(found, estimator, title):
    """The report as HTML."""
    blocks = [
        page.facts(found.facts),
        page.heading("What the figures say"),
        page.bullets(found.verdict),
        page.heading("Distances"),
        page.table(found.distances),
    ]
    if found.yields is not None:
        blocks += [page.heading("Selection"), page.table(found.yields)]
    blocks += [page.pictures(found.pictures), *page.left_out(found.notes)]
    whole = {"N_CHAR_MAX": 100_000} if isinstance(estimator, BaseEstimator) else {}
    blocks += [page.heading("Model"), page.code(estimator.__repr__(**whole))]  # never shortened
    return page.render(f"Report: {_name(estimator)}" if title is None else title, blocks)


def _name(estimator):
    """Classes from the outside in, to the model itself."""
    names = []
    while estimator is not None:
        names.append(type(estimator).__name__)
        inner = getattr(estimator, "best_estimator_", getattr(estimator, "simulator", None))
        estimator = estimator.steps[-1][1] if hasattr(estimator, "steps") else inner
    return ", ".join(names)


def _auc_facts(events, auc, auc_error, root):
    """Area under the curve and what it was measured with."""
    n_events = f"{min(len(events.truth), len(events.generated)):,}"
    joint = "" if events.X is None else "joint "
    what = f"{joint}AUC, {n_events} events per side (0.5: cannot be told apart)"
    lines = {"events": n_events, what: f"{auc:.3f} +- {auc_error:.3f}"}
    if (floor := summary.floor_auc(events, root)) is not None:
        lines["joint AUC of the second detector pass"] = f"{floor[0]:.3f} +- {floor[1]:.3f}"
    return lines


def _generator_facts(events, train, root):
    """Correlations, and the memory of a generator."""
    lines = {}
    if len(events.truth.columns) > 1:
        difference = correlation_difference(events.truth, events.generated)
        lines["largest difference of a correlation"] = f"{difference:.4f}"
    if train is not None:
        ratio = nearest_neighbour_ratio(
            train,
            np.asarray(events.handed["generated"]),
            held_out=np.asarray(events.handed["truth"]),
            random_state=int_seed(root, NEIGHBOURS),
        )
        lines["distance to training over held-out events (1: no memory)"] = f"{ratio:.3f}"
    return lines


def _rate(estimator, events, root):
    """Events per second, and average number of busy cores, of a draw that is long enough."""
    n_events, seed = len(events.truth), int_seed(root, RATE)
    while True:
        arguments = {"n_samples": n_events}
        if not is_generator(estimator):
            rows = np.arange(n_events) % len(events.generated)
            arguments = {"X": take_rows(events.inputs, rows)}
        with one_thread(), threadpool_limits(1):
            start, cpu = time.perf_counter(), time.process_time()
            sample(estimator, random_state=seed, **arguments)
            seconds = max(time.perf_counter() - start, 1e-9)
            cpu_seconds = time.process_time() - cpu
        if seconds >= TIMED_SECONDS or n_events >= MOST_TIMED:
            return n_events / seconds, cpu_seconds / seconds
        n_events = min(4 * n_events, MOST_TIMED)


def _file_facts(estimator):
    """Size of the model's file, and what it takes to read it."""
    from skjetsim.persistence import load, save

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.skjetsim")
        try:
            save(estimator, path)
        except TypeError as error:
            return {"model file": f"cannot be saved: {error}"}
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        lines = {
            "numbers stored in the model": f"{manifest['parameters']:,}",
            "model file, kB": f"{os.path.getsize(path) / 1000:,.0f}",
        }
        try:
            load(path)
        except TypeError as error:
            lines["reading the model file"] = f"needs trust: {error}"
    return lines


def _draw(estimator, events, rate, root):
    """All pictures."""
    names = _pictures.drawn_columns(events)
    pictures = {
        **_pictures.features(events, names),
        **_pictures.responses(events, names),
        **_pictures.level_maps(events, names),
        **_pictures.correlations(events, names),
    }
    if events.X is not None:
        return pictures | (_coverage(estimator, events, names, rate, root) if names else {})
    if is_generator(estimator) and hasattr(unwrap_search(estimator), "transform"):
        pictures |= _pictures.latent(estimator, events.inputs)
    return pictures


def _coverage(estimator, events, names, rate, root):
    """Draw the coverage of some events, unless their draws take too long."""
    n_events = min(N_COVERAGE, len(events.truth))
    if n_events * N_DRAWS > COVERAGE_SECONDS * rate:
        events.notes.append(
            f"Coverage is not drawn: {N_DRAWS} draws of {n_events} events would take more than "
            f"{COVERAGE_SECONDS} s. CoverageDisplay.from_estimator draws it for fewer events."
        )
        return {}
    rows = numpy_rng(root, COVERAGE).choice(len(events.truth), n_events, replace=False)
    inputs = take_rows(events.inputs, rows)
    draws = sample(estimator, inputs, n_samples=N_DRAWS, random_state=int_seed(root, COVERAGE, 1))
    events.notes.append(f"Coverage is that of {n_events:,} events, {N_DRAWS} draws of each.")
    return _pictures.coverage(events, names, rows, as_rows(draws, np.ndim(draws) - 2))

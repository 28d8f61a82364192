"""One HTML file that says how good a model is."""

import os

import numpy as np
from sklearn.base import BaseEstimator

from skjetsim._drawing._sample import unwrap_search
from skjetsim.base import is_generator
from skjetsim.base._tags import is_paired
from skjetsim.inspection import _facts as facts_of
from skjetsim.inspection import _page as page
from skjetsim.inspection import _pictures, _verdict
from skjetsim.inspection import _summary as summary
from skjetsim.inspection._compared import COVERAGE, compare
from skjetsim.inspection._events import as_rows, direction_of
from skjetsim.inspection._progress import Progress
from skjetsim.inspection._style import import_plotting
from skjetsim.utils._seeds import as_seed_sequence, int_seed, numpy_rng
from skjetsim.utils._warnings import without_hints

N_SECTIONS = 6
N_CALIBRATED, N_DRAWS = 2000, 39  # 40 ranks are 20 bins of equal width
CALIBRATION_SECONDS = 60  # nobody waits longer for two pictures


def model_report(
    estimator,
    X,
    y=None,
    path="report.html",
    *,
    direction=None,
    transformer=None,
    by=None,
    second_pass=None,
    selection=None,
    train=None,
    facts=None,
    title=None,
    random_state=None,
    verbose=1,
):
    """Judge a fitted model on held-out events, and write one self-contained HTML file.

    It has distances feature by feature next to their floor and to controls that must fail,
    quantiles of the response, the calibration of several draws per event, the area under the curve
    of a classifier, yields after a selection, speed and size, and pictures of all of it.

    Parameters
    ----------
    estimator : fitted generator, simulator or unfolder
        On its own, in a Pipeline, or a fitted search. An `EnsembleSimulator` gets the band of its
        members in the pictures.
    X : array-like of shape (n, n_features)
        Theory-level events, best held out from the fit; for a generator the true events. A table
        may have more columns than the model was fitted with.
    y : array-like of shape (n, n_targets), optional
        The detector level; None for a generator. A simulator that learns from unpaired events,
        such as `OTUSSimulator`, is judged by distributions alone, as a generator is: rows of X and
        y need not correspond, and their numbers may differ.
    path : str or path-like, default="report.html"
        A missing folder is made; an existing file is replaced once everything is done.
    direction : {"forward", "inverse"}, optional
        "forward" draws y for X and compares it with y, "inverse" draws X for y and compares it with
        X. By default it is what the estimator learns. A simulator with `sample_inverse`, such as
        `OTUSSimulator`, can do both.
    transformer : transformer, optional
        Applied to X, y and the drawn events, which are judged in its columns alone:
        `CartesianToCylindrical`, or `KinematicFeatures` that passes the columns through. A fitted
        one is used as it is, an unfitted one is cloned and fitted on the truth.
    by : str, optional
        Column of X, after or before `transformer`. The response is measured in four bins of it.
        By default it is the first pT, else the first column. For an unfolder it is a column of y.
    second_pass : (target, accepted) or Bunch of both, optional
        The same events after another detector pass, and which of them it accepts, as in
        `load_wjet().repeats[0]`: the floor of a simulator. Without it the floors compare disjoint
        halves of the true events.
    selection : callable, optional
        Function from a table with the columns that are drawn to a boolean mask, such as
        `skjetsim.selection.wjet_selection`.
    train : array-like of shape (n_train, n_features), optional
        Events that a generator was fitted to, to see whether it repeats them.
    facts : dict of str to str, optional
        More lines for the table at the top: how the model was trained, for example.
    title : str, optional
        Title of the HTML file.
    random_state : int, Generator, RandomState or None
        Seed of the drawn events, floors and classifiers.
    verbose : int, default=1
        Show the progress on standard error; 0 is silent.

    Returns
    -------
    sklearn.utils.Bunch
        distances : DataFrame
            One row per feature. The columns are W1 of the marginal in standard deviations of the
            truth, and for pairs the largest W1 of the response over four bins of `by` in standard
            deviations of the response. Both are given for the model, the floor (95% quantile), the
            model over its mean floor, X passed off as y ("identity") and y of other events
            ("shuffled"). For the response there is also the part of the distance that belongs to
            the one event with the largest part.
        response_quantiles : DataFrame or None
            Bias, widths and tails of the true and the drawn response, see
            `skjetsim.metrics.response_quantiles`.
        calibration : DataFrame or None
            Fractions of the truth below quantiles of the draws of its event, column by column.
        auc, auc_error : float
            Area under the curve of a classifier that tells (X, simulated) from (X, y), and its
            standard error. It sees 100,000 events per side at most.
        yields : DataFrame or None
            Events before and after `selection`.
        rate : float
            Drawn events per second.
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
        If the estimator draws nothing, or not in this direction, y is given to a generator or is a
        path, or `second_pass` is not a pair.
    ValueError
        On a missing y, a column the model needs and X lacks, fewer than 40 events, an unknown
        `by`, indices that show that rows are not the same events, rows of zeros that no detector
        accepted, NaN or infinity.
    OSError
        If nothing can be written to `path`.
    ImportError
        If matplotlib or mplhep is missing.

    See Also
    --------
    closure_report : The same question, region by region, for events other than those of the fit.
        Rows of X and y must be pairs, whatever the simulator learnt from.
    skjetsim.metrics.metric_floor : The floors, and what they assume.

    Notes
    -----
    The error of the area is 1 / sqrt(6 n) for n test events on each side (40% of all). The
    marginals are right in a model that ignores X, and nearly right in one that copies it, so look
    at the response and the area of a simulator first. In an unfolder, X and y change places: its
    response is X minus the measured y.

    A column is compared with its own floor. "At the floor" means that the largest ratio of a
    distance to its mean floor is not above that of 95% of perfect models.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from skjetsim.inspection import model_report
    >>> train, X = np.random.default_rng(0).normal(91.2, 2.5, size=(2, 400, 2))
    >>> model = GaussianMixture(random_state=0).fit(train)
    >>> path = os.path.join(tempfile.mkdtemp(), "report.html")
    >>> found = model_report(model, X, path=path, random_state=0, verbose=0)
    >>> found.distances.shape
    (2, 3)
    >>> list(found.pictures)
    ['features', 'correlations']
    """
    if isinstance(y, (str, os.PathLike)):
        raise TypeError(f"y is the path {str(y)!r}: pass it as path={str(y)!r}, and y before it.")
    import_plotting()  # what is missing is said before the work
    path = page.check_target(path)
    direction = direction_of(unwrap_search(estimator), direction)
    if train is not None and direction is not None:
        raise ValueError(
            "train is for generators. A simulator's events lie near those of its training, as "
            "the detector's do: see nearest_neighbour_ratio for how to test a simulator."
        )
    root = as_seed_sequence(random_state)
    settings = {"direction": direction, "transformer": transformer, "second_pass": second_pass}
    with Progress("report", N_SECTIONS, verbose) as progress, without_hints():
        with progress.section("events of the model"):
            events = _compare(estimator, X, y, root=root, **settings)
        found = _figures(estimator, events, by, selection, train, facts, root, progress)
        names = _pictures.drawn_columns(events)
        with progress.section("calibration"):
            pictures = _calibrate(estimator, events, names, found, root)
        with progress.section("pictures"):
            found.pictures = _draw(estimator, events, names) | pictures
    found.path = path
    page.write(path, _html(found, estimator, title))
    return found


def _figures(estimator, events, by, selection, train, facts, root, progress):
    """All figures but those of the calibration, with their sentences."""
    paired = events.given is not None
    with progress.section("distances and floors"):
        by = summary.binning_values(events, by) if paired else None
        measured = summary.measure(events, by, root)
        selected = None if selection is None else summary.yields(events, selection)
    with progress.section("classifier"):
        auc, auc_error = summary.joint_auc(events, root)
        lines = {"model": facts_of.name_of(estimator)}
        lines |= facts_of.auc_facts(events, auc, auc_error, root)
    with progress.section("speed and size"):
        if summary.RESPONSE in measured.distances:
            lines["column of the four bins of the response"] = by.name
        if not paired:
            lines |= facts_of.generator_facts(events, train, root)
        rate, busy = facts_of.rate_of(estimator, events, root)
        lines |= facts_of.rate_facts(events, rate, busy)
        lines |= facts_of.file_facts(estimator) | dict(facts or {})
    return page.Findings(
        distances=measured.distances,
        response_quantiles=measured.quantiles,
        auc=auc,
        auc_error=auc_error,
        yields=selected,
        calibration=None,
        rate=rate,
        verdict=_verdict.verdict(measured, auc, auc_error, events),
        facts=lines,
        notes=events.notes,
    )


def _compare(estimator, X, y, **settings):
    """Events to compare, row by row unless the estimator learns from unpaired events.

    The response and the joint AUC of unpaired events would be those of a random pairing.
    """
    paired = is_paired(estimator)
    events = compare(estimator, X, y, paired=paired, **settings)
    if events.direction is not None and not paired:
        events.notes.append(
            f"The response, the joint AUC and the calibration, since {facts_of.name_of(estimator)} "
            "learns from unpaired events: only distributions are compared. If row i of X and y is "
            "the same event, ResponseDisplay.from_estimator and closure_report compare rows."
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
    if found.response_quantiles is not None:
        blocks += [page.heading("Quantiles of the response"), page.table(found.response_quantiles)]
    if found.calibration is not None:
        blocks += [page.heading("Calibration"), page.table(found.calibration)]
    if found.yields is not None:
        blocks += [page.heading("Selection"), page.table(found.yields)]
    blocks += [page.pictures(found.pictures), *page.left_out(found.notes)]
    whole = {"N_CHAR_MAX": 100_000} if isinstance(estimator, BaseEstimator) else {}
    blocks += [page.heading("Model"), page.code(estimator.__repr__(**whole))]  # never shortened
    default = f"Report: {facts_of.name_of(estimator)}"
    return page.render(default if title is None else title, blocks)


def _draw(estimator, events, names):
    """All pictures but those of the calibration."""
    pictures = {
        **_pictures.features(events, names),
        **_pictures.responses(events, names),
        **_pictures.level_maps(events, names),
        **_pictures.correlations(events, names),
    }
    if is_generator(estimator) and hasattr(unwrap_search(estimator), "transform"):
        pictures |= _pictures.latent(estimator, events.inputs)
    return pictures


def _calibrate(estimator, events, names, found, root):
    """Measure the calibration of several draws per event, unless they take too long.

    The table and its sentence are put into `found`. Returns the pictures.
    """
    if events.given is None or not names:
        return {}
    n_events = min(N_CALIBRATED, len(events.truth))
    if n_events * N_DRAWS > CALIBRATION_SECONDS * found.rate:
        events.notes.append(
            f"Calibration is not shown: {N_DRAWS} draws of {n_events} events would take more than "
            f"{CALIBRATION_SECONDS} s. CalibrationDisplay.from_estimator shows it for fewer events."
        )
        return {}
    rows = numpy_rng(root, COVERAGE).choice(len(events.truth), n_events, replace=False)
    seed = int_seed(root, COVERAGE, 1)
    draws = facts_of.draw_again(estimator, events, rows, n_samples=N_DRAWS, random_state=seed)
    truth, draws = _pictures.calibrated(events, names, rows, as_rows(draws, np.ndim(draws) - 2))
    found.calibration = summary.calibration(truth, draws)
    found.verdict.append(_verdict.calibration_verdict(found.calibration, len(truth)))
    return _pictures.calibration(truth, draws)

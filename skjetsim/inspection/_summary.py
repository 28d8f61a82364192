"""The figures of a report: distances, area under the curve and yields, each next to its floor."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.inspection._compared import AUC, SHUFFLE
from skjetsim.inspection._floors import marginal_floor, response_floor
from skjetsim.metrics import (
    classifier_two_sample_auc,
    posterior_coverage,
    residual_wasserstein,
    response_quantiles,
    wasserstein_distance,
)
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._seeds import int_seed, numpy_rng
from skjetsim.utils._tables import take_rows
from skjetsim.utils._validation import check_same_events

N_BINS = 4
TEST_SHARE = 0.4
MIN_EVENTS = 40
MOST_CLASSIFIED = 100_000  # per side; the area then has an error of 0.002
MARGINAL, RESPONSE = "marginal W1 / std", "response W1 / std"
LEVELS = (0.16, 0.5, 0.84)
ERROR = "standard error"


def binning_values(events, by):
    """Column of the bins, after or before the transformer; the first pT or column by default."""
    given = events.given
    if by is None:
        pts = [name for name in given.columns if name == "pt" or str(name).endswith("_pt")]
        return given[(pts or list(given.columns))[0]]
    if by in set(given.columns):
        return given[by]
    original = events.given_input
    if hasattr(original, "columns") and by in set(original.columns):
        return pd.Series(np.asarray(original[by], dtype=np.float64), name=by)
    known = list(dict.fromkeys([*given.columns, *getattr(original, "columns", ())]))
    raise ValueError(f"by={by!r} is not a column of {events.given_name}, which has {known}.")


def response_distances(truth, generated, X, by=None):
    """Largest W1 of each response over bins of the column `by`; over all events for None."""
    bins = {"by": np.zeros(len(truth)), "bins": 1} if by is None else {"by": by, "bins": N_BINS}
    return residual_wasserstein(truth, generated, X=X, **bins).max()


def _distances_and_parts(truth, generated, X, by):
    """Largest W1 of each response over bins of `by`, and the part of it that one event makes."""
    settings = {"X": X, "by": by, "bins": N_BINS, "return_largest": True}
    tables = residual_wasserstein(truth, generated, **settings)
    worst = tables[0].to_numpy().argmax(axis=0)
    columns = np.arange(len(worst))
    return [pd.Series(table.to_numpy()[worst, columns], table.columns) for table in tables]


def measure(events, by, root):
    """Distances feature by feature, of the model, of the floor, and of controls that must fail.

    Parameters
    ----------
    events : Compared
    by : Series or None
        Column of the given level to bin the response in; None for a generator.
    root : SeedSequence

    Returns
    -------
    Bunch
        distances : DataFrame, one row per feature. floors : dict of Floor by kind of distance.
        quantiles : DataFrame or None, bias, widths and tails of the responses.
    """
    floor = marginal_floor(events, root)
    marginal = _marginal(events.truth, events.generated)
    columns, floors = _next_to_floor(MARGINAL, marginal, floor), {MARGINAL: floor}
    quantiles, shuffled = None, None
    if events.given is not None:
        shuffled = _shuffled(events, root)
        if events.shared:
            own = (table[events.shared] for table in (events.truth, events.given))
            columns[MARGINAL, "identity"] = _marginal(*own)
        columns[MARGINAL, "shuffled"] = _marginal(events.truth, shuffled)
    if events.shared:
        response, floors[RESPONSE] = _measure_responses(events, by, shuffled, root)
        columns |= response
        tables = (table[events.shared] for table in (events.truth, events.generated))
        quantiles = response_quantiles(*tables, X=events.given)
    distances = pd.DataFrame(columns, index=list(events.truth.columns))
    return Bunch(distances=distances, floors=floors, quantiles=quantiles)


def _next_to_floor(kind, values, floor):
    """Columns of the model, of the floor, and of their ratio."""
    return {
        (kind, "model"): values,
        (kind, "floor 95%"): floor.high,
        (kind, "model / mean floor"): floor.ratio(values),
    }


def _shuffled(events, root):
    """The truth with the event of the next row in a random cycle for each event, never its own."""
    order = numpy_rng(root, SHUFFLE).permutation(len(events.truth))
    other = np.empty_like(order)
    other[order] = np.roll(order, 1)
    return events.truth.iloc[other].reset_index(drop=True)


def _measure_responses(events, by, shuffled, root):
    """Columns of the response distances, and their floor."""
    shared = events.shared
    truth, given = events.truth[shared], events.given
    if by.name not in set(given.columns):
        given = given.assign(**{by.name: by.to_numpy()})

    def response(truth, generated, X):
        return response_distances(truth, generated[shared], X, by.name)

    floor = response_floor(events, by, response, root, 0)
    model, part = _distances_and_parts(truth, events.generated[shared], given, by.name)
    columns = _next_to_floor(RESPONSE, model, floor)
    columns[RESPONSE, "of one event"] = part
    columns[RESPONSE, "identity"] = response(truth, events.given, given)
    columns[RESPONSE, "shuffled"] = response(truth, shuffled, given)
    return columns, floor


def _marginal(truth, generated):
    return pd.Series(wasserstein_distance(truth, generated, scale="std"), truth.columns)


def joint_auc(events, root, *key):
    """Area under the curve of (X, generated) against (X, truth), and its standard error."""
    return _area(events.truth, events.generated, events.given, int_seed(root, AUC, *key))


def floor_auc(events, root):
    """Area and error of the second detector pass instead of the model; None without one."""
    if events.second_pass is None:
        return None
    truth, second_pass, given = events.both()
    return _area(truth, second_pass, given, int_seed(root, AUC, 0, 0))


def n_classified(truth, generated):
    """Number of events on each side that a classifier sees."""
    return min(len(truth), len(generated), MOST_CLASSIFIED)


def _area(truth, generated, given, seed):
    n_events = min(len(truth), len(generated))
    if n_events < MIN_EVENTS:
        raise ValueError(
            f"There are {n_events} events, and {MIN_EVENTS} are needed to train a classifier on "
            "some and test it on others: pass more."
        )
    if n_events > MOST_CLASSIFIED:
        truth, generated, given = _some(truth, generated, given, seed)
    settings = {"test_size": TEST_SHARE, "random_state": seed}
    auc = classifier_two_sample_auc(truth, generated, X=given, **settings)
    return auc, 1 / np.sqrt(6 * round(TEST_SHARE * n_classified(truth, generated)))


def _some(truth, generated, given, seed):
    """As many random events as a classifier sees, the same rows of tables of one length."""
    rng = np.random.default_rng(seed)
    rows = {n: rng.permutation(n)[:MOST_CLASSIFIED] for n in {len(truth), len(generated)}}
    tables = (truth, generated, given)
    return (None if table is None else take_rows(table, rows[len(table)]) for table in tables)


def yields(events, selection):
    """Events before and after a selection, of the truth, the model and the second pass.

    The error counts the events in which truth and simulation differ, since most events pass or
    fail in both. Events of a generator and unpaired events are independent, and their numbers may
    differ, so the selected shares are compared.
    """
    passed = {key: _selected(selection(table), table) for key, table in events.handed.items()}
    truth, generated = passed["truth"], passed["generated"]
    rows = {
        "truth": (len(truth), truth.sum(), np.nan, np.nan),
        "model": _yield(truth, generated, events.given is not None),
    }
    if "second_pass" in passed:
        accepted = events.accepted
        rows["second pass"] = _yield(truth[accepted], passed["second_pass"][accepted], True)
    columns = ["events", "selected", "selected / true - 1", "error"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.astype({"events": int, "selected": int})


def _selected(mask, table):
    """Mask of a selection, checked."""
    check_same_events(table, mask, names=("events", "selection(events)"))
    return check_mask(mask, len(table), "selection(events)")


def check_mask(mask, n_events, what):
    """Return a mask as an array, or raise unless it has one bool per event."""
    mask = np.asarray(mask)
    if mask.shape != (n_events,) or mask.dtype != bool:
        raise ValueError(
            f"{what} must be one bool per event, {n_events} in all; got {mask.dtype} of shape "
            f"{mask.shape}."
        )
    return mask


def _yield(truth, other, paired):
    n_true, n_other = truth.sum(), other.sum()
    if n_true == 0:
        return (len(other), n_other, np.nan, np.nan)
    ratio = n_other / n_true * (len(truth) / len(other))
    if paired:
        error = np.sqrt((truth != other).sum()) / n_true
    else:
        lost = (1 - n_true / len(truth)) / n_true + (1 - n_other / len(other)) / max(n_other, 1)
        error = ratio * np.sqrt(lost)
    return (len(other), n_other, ratio - 1, error)


def mean_shifts(events):
    """Mean of simulated minus true response, in standard deviations of the true response."""
    shifts = {}
    for name in events.shared:
        sides = [table[name].to_numpy() for table in (events.truth, events.generated)]
        wrap = wrap_phi if is_angle(name) else np.asarray
        response = wrap(sides[0] - events.given[name].to_numpy())
        width = response.std() or 1.0
        shifts[name] = float(wrap(sides[1] - sides[0]).mean() / width)
    return pd.Series(shifts)


def calibration(truth, draws):
    """Fractions of the truth below quantiles of its draws, column by column.

    Parameters
    ----------
    truth : DataFrame of shape (n, d)
    draws : ndarray of shape (n, k, d)

    Returns
    -------
    DataFrame
        One row per column, and one with the standard errors of a calibrated model.
    """
    coverage, error = posterior_coverage(truth, draws, LEVELS)
    table = coverage.T
    pull = (table - np.array(LEVELS)) / error
    table.columns = [f"truth below the {level:.0%} quantile" for level in LEVELS]
    table["largest deviation / error"] = np.abs(pull).max(axis=1)
    table.loc[ERROR] = [*error, np.nan]
    return table

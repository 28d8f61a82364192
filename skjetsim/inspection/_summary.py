"""The figures of a report: distances, area under the curve and yields, each next to its floor."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.inspection._compared import AUC, FLOOR, SHUFFLE
from skjetsim.metrics import (
    classifier_two_sample_auc,
    metric_floor,
    residual_wasserstein,
    wasserstein_distance,
)
from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._seeds import int_seed, numpy_rng

N_FLOOR = 50
N_BINS = 4
TEST_SHARE = 0.4
MIN_EVENTS = 40
MARGINAL, RESPONSE = "marginal W1 / std", "response W1 / std"


def binning_values(events, by):
    """Column of the bins, after or before the transformer; the first pT or column by default."""
    theory = events.X
    if by is None:
        pts = [name for name in theory.columns if name == "pt" or str(name).endswith("_pt")]
        return theory[(pts or list(theory.columns))[0]]
    if by in set(theory.columns):
        return theory[by]
    original = events.theory_input
    if hasattr(original, "columns") and by in set(original.columns):
        return pd.Series(np.asarray(original[by], dtype=np.float64), name=by)
    known = list(dict.fromkeys([*theory.columns, *getattr(original, "columns", ())]))
    raise ValueError(f"by={by!r} is not a column of X, which has {known}.")


def response_distances(truth, generated, X, by=None):
    """Largest W1 of each response over bins of the column `by`; over all events for None."""
    bins = {"by": np.zeros(len(truth)), "bins": 1} if by is None else {"by": by, "bins": N_BINS}
    return residual_wasserstein(truth, generated, X=X, **bins).max()


def response_floor(events, by, root, *key):
    """Floor of the largest response distance of each shared column; None without a second pass."""
    if events.second_pass is None:
        return None
    truth, second_pass, X = events.both()
    columns = events.shared
    if by is not None and by.name not in set(X.columns):
        X[by.name] = by.to_numpy()[events.accepted]
    label = None if by is None else by.name

    def metric(truth, generated, X):
        return response_distances(truth, generated, X, label).to_numpy()

    return metric_floor(
        metric,
        truth[columns],
        n_repeats=N_FLOOR,
        random_state=int_seed(root, FLOOR, *key),
        replica=second_pass[columns],
        X=X,
    )


def marginal_floor(events, root):
    """Floor of the marginals: the second pass, else two disjoint halves of the truth."""
    truth, second_pass = events.truth, None
    if events.second_pass is not None:
        truth, second_pass, _ = events.both()
    return metric_floor(
        wasserstein_distance,
        truth,
        n_repeats=N_FLOOR,
        random_state=int_seed(root, FLOOR, 1),
        replica=second_pass,
        metric_params={"scale": "std"},
    )


def measure(events, by, root):
    """Distances feature by feature, of the model, of the floor, and of controls that must fail.

    Parameters
    ----------
    events : Compared
    by : Series or None
        Column of X to bin the response in; None for a generator.
    root : SeedSequence

    Returns
    -------
    Bunch
        distances : DataFrame, one row per feature. limits : dict, 95% quantiles of the largest
        distance of the floor.
    """
    floor = marginal_floor(events, root)
    columns = {
        (MARGINAL, "model"): _marginal(events.truth, events.generated),
        (MARGINAL, "floor 95%"): pd.Series(floor.quantiles[2], events.truth.columns),
    }
    limits = {MARGINAL: floor.limit}
    shared = events.shared
    if events.X is not None:
        # Each event gets the y of the next one in a random cycle, never its own.
        order = numpy_rng(root, SHUFFLE).permutation(len(events.truth))
        other = np.empty_like(order)
        other[order] = np.roll(order, 1)
        shuffled = events.truth.iloc[other].reset_index(drop=True)
        if shared:
            columns[MARGINAL, "identity"] = _marginal(events.truth[shared], events.X[shared])
        columns[MARGINAL, "shuffled"] = _marginal(events.truth, shuffled)
    if shared:
        truth, X = events.truth[shared], events.X
        if by.name not in set(X.columns):
            X = X.assign(**{by.name: by.to_numpy()})

        def response(generated):
            return response_distances(truth, generated[shared], X, by.name)

        columns[RESPONSE, "model"] = response(events.generated)
        if (floor := response_floor(events, by, root, 0)) is not None:
            columns[RESPONSE, "floor 95%"] = pd.Series(floor.quantiles[2], shared)
            limits[RESPONSE] = floor.limit
        columns[RESPONSE, "identity"] = response(events.X)
        columns[RESPONSE, "shuffled"] = response(shuffled)
    distances = pd.DataFrame(columns, index=list(events.truth.columns))
    return Bunch(distances=distances, limits=limits)


def _marginal(truth, generated):
    return pd.Series(wasserstein_distance(truth, generated, scale="std"), truth.columns)


def joint_auc(events, root, *key):
    """Area under the curve of (X, generated) against (X, truth), and its standard error."""
    return _area(events.truth, events.generated, events.X, int_seed(root, AUC, *key))


def floor_auc(events, root):
    """Area and error of the second detector pass instead of the model; None without one."""
    if events.second_pass is None:
        return None
    truth, second_pass, X = events.both()
    return _area(truth, second_pass, X, int_seed(root, AUC, 0, 0))


def _area(truth, generated, X, seed):
    n_events = min(len(truth), len(generated))
    if n_events < MIN_EVENTS:
        raise ValueError(
            f"There are {n_events} events, and {MIN_EVENTS} are needed to train a classifier on "
            "some and test it on others: pass more."
        )
    settings = {"test_size": TEST_SHARE, "random_state": seed}
    auc = classifier_two_sample_auc(truth, generated, X=X, **settings)
    return auc, 1 / np.sqrt(6 * round(TEST_SHARE * n_events))


def yields(events, selection):
    """Events before and after a selection, of the truth, the model and the second pass.

    The error counts the events in which truth and simulation differ, since most events pass or
    fail in both. Events of a generator and unpaired events are independent, and their numbers may
    differ, so the selected shares are compared.
    """
    passed = {
        key: check_mask(selection(table), len(table), "selection(events)")
        for key, table in events.handed.items()
    }
    truth, generated = passed["truth"], passed["generated"]
    rows = {
        "truth": (len(truth), truth.sum(), np.nan, np.nan),
        "model": _yield(truth, generated, events.X is not None),
    }
    if "second_pass" in passed:
        accepted = events.accepted
        rows["second pass"] = _yield(truth[accepted], passed["second_pass"][accepted], True)
    columns = ["events", "selected", "selected / true - 1", "error"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.astype({"events": int, "selected": int})


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
        response = wrap(sides[0] - events.X[name].to_numpy())
        width = response.std() or 1.0
        shifts[name] = float(wrap(sides[1] - sides[0]).mean() / width)
    return pd.Series(shifts)


def verdict(measured, auc, auc_error, events):
    """Sentences that say what the figures mean."""
    table, limits = measured.distances, measured.limits
    said = [_against_floor(table, kind, limits) for kind in (MARGINAL, RESPONSE) if kind in table]
    if events.second_pass is None:
        said.append(
            "The floor of the marginals compares two disjoint halves of the truth. It is higher "
            "by a factor of 1.4 than a floor with all events on either side."
        )
    if RESPONSE in table:
        said.append(_controls(table, limits))
        if RESPONSE not in limits:
            said.append(
                "The response has no floor here: it needs the same events after another detector "
                "pass (second_pass)."
            )
    elif events.X is not None:
        said.append(
            "X has none of the columns of y, so there is no response, and X cannot be passed off "
            "as y: the joint AUC says whether y follows X."
        )
    pull = (auc - 0.5) / auc_error
    tells = "tells" if pull > 2 else "cannot tell"
    said.append(
        f"A classifier {tells} the model from the truth with these events: AUC {auc:.3f}, "
        f"{pull:.1f} standard errors from 0.5."
    )
    return said


def _against_floor(table, kind, limits):
    values = table[kind, "model"].dropna()
    largest, limit = values.max(), limits.get(kind)
    shown, shown_limit = told_apart(largest, limit if kind in limits else largest)
    text = f"{kind}: the model's largest is {shown} ({values.idxmax()})"
    if kind not in limits:
        return f"{text}."
    where = "at the floor" if largest <= limit else "above the floor"
    return (
        f"{text}, {where}. The largest of the floor is at most {shown_limit} in 95% of comparisons."
    )


def told_apart(value, other, digits=4):
    """Print two numbers with so many decimals that different numbers look different."""
    shown = [f"{number:.{digits}f}" for number in (value, other)]
    if (value < other or value > other) and shown[0] == shown[1]:  # false for NaN
        return told_apart(value, other, digits + 1)
    return shown


def _controls(table, limits):
    """Say whether the copy of X and the shuffle fail, as they must."""
    limit = limits.get(RESPONSE, table[RESPONSE, "model"].max())
    than = "the floor" if RESPONSE in limits else "the model"
    names = {"identity": "X passed off as y", "shuffled": "y of other events"}
    worst = {text: table[RESPONSE, key].max() for key, text in names.items()}
    given = " and ".join(f"{text} ({value:.4f})" for text, value in worst.items())
    passed = [text for text, value in worst.items() if value <= limit]
    if not passed:
        return f"The controls of the response fail, as they must: {given} are worse than {than}."
    return (
        f"The controls of the response are {given}. They must be worse than {than} ({limit:.4f}), "
        f"but {' and '.join(passed)} is not. Do not trust the response of this sample or model."
    )

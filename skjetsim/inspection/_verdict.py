"""Sentences of a report: what its figures say."""

from scipy.stats import norm

from skjetsim.inspection._summary import RESPONSE

FALSE_ALARMS = 0.05  # share of perfect models whose quantiles or calibration are called off
DECISIVE = 0.25  # part of a distance that one event may have before it decides


def verdict(measured, auc, auc_error, events):
    """Sentences that say what the figures mean."""
    table, floors = measured.distances, measured.floors
    said = [_against_floor(table, kind, floor) for kind, floor in floors.items()]
    said.append(_about_floors(events, floors))
    if RESPONSE in floors:
        said.append(_worth_of_one_event(table))
        said.append(_quantiles(measured.quantiles))
        said.append(_controls(table, floors[RESPONSE], events))
    elif events.given is not None:
        other = "y" if events.given_name == "X" else "X"
        said.append(
            f"{events.given_name} has none of the columns of {other}, so there is no response, and "
            f"{events.given_name} cannot be passed off as {other}: the joint AUC says whether "
            f"{other} follows {events.given_name}."
        )
    pull = (auc - 0.5) / auc_error
    tells = "tells" if pull > 2 else "cannot tell"
    said.append(
        f"A classifier {tells} the model from the truth with these events: AUC {auc:.3f}, "
        f"{pull:.1f} standard errors from 0.5."
    )
    return said


def _against_floor(table, kind, floor):
    """Whether a distance is at its floor, by the column that is farthest from its own floor."""
    ratio = table[kind, "model / mean floor"].dropna()
    worst = ratio.idxmax()
    shown, limit = told_apart(ratio[worst], floor.limit, 2)
    where = "at the floor" if ratio[worst] <= floor.limit else "above the floor"
    value, high = (table.loc[worst, (kind, key)] for key in ("model", "floor 95%"))
    return (
        f"{kind}: {where}. The model is farthest from its floor in {worst}, with {shown} times the "
        f"mean floor ({value:.4f}; the floor is at most {high:.4f} in 95% of comparisons). The "
        f"largest such ratio of all columns is at most {limit} for 95% of perfect models."
    )


def _about_floors(events, floors):
    """What the floors compare."""
    if events.second_pass is not None:
        return "The floors compare both detector passes."
    said = (
        "The floor of the marginals compares disjoint halves of the truth, and is brought to the "
        "number of events, as distances of equal distributions fall as its root."
    )
    if events.given is not None:
        said += (
            f" The halves do not share {events.given_name}, which the model and the truth do, so "
            "that this floor is too high."
        )
    if RESPONSE in floors:
        said += (
            " The floor of the response compares the responses of disjoint halves that are alike "
            "in the column of the bins."
        )
    return said


def _worth_of_one_event(table):
    """How much of the response distance a single event makes."""
    part, model = table[RESPONSE, "of one event"], table[RESPONSE, "model"]
    share = (part / model.where(model > 0)).dropna()
    if share.empty:
        return "The responses are equal event by event."
    worst = share.idxmax()
    text = (
        f"One event is worth up to {part[worst]:.4f} of the response distance of {worst} "
        f"({model[worst]:.4f}), which is {share[worst]:.0%} of it."
    )
    if share[worst] > DECISIVE:
        text += " One event decides this distance: rather read the quantiles of the response."
    return text


def _quantiles(table):
    """Which quantile of which response is farthest off."""
    error = table["error"].where(table["error"] > 0)
    pull = (table["difference"] / error).abs().dropna()
    if pull.empty:
        return "The quantiles of the responses have no error to compare with."
    allowed = norm.isf(FALSE_ALARMS / 2 / len(pull))
    column, quantity = pull.idxmax()
    row = table.loc[pull.idxmax()]
    found = "agree with" if pull.max() <= allowed else "differ from"
    largest, most = told_apart(pull.max(), allowed, 1)
    return (
        f"Bias, widths and tails of the responses {found} those of the truth. Farthest off is "
        f"{quantity} of {column}: {row['generated']:.4g} for {row['truth']:.4g}, "
        f"{largest} standard errors ({most} are allowed for {len(pull)} quantities)."
    )


def calibration_verdict(table, n_events):
    """Whether the truth is distributed like the draws of its event."""
    pull = table["largest deviation / error"].dropna()
    n_tests = len(pull) * (len(table.columns) - 1)
    allowed = norm.isf(FALSE_ALARMS / 2 / n_tests)
    found = "calibrated" if pull.max() <= allowed else "not calibrated"
    largest, most = told_apart(pull.max(), allowed, 1)
    return (
        f"The model is {found} with {n_events:,} events: the fractions of the truth below "
        f"quantiles of its draws are at most {largest} standard errors off "
        f"({pull.idxmax()}; {most} are allowed for {n_tests} fractions)."
    )


def told_apart(value, other, digits=4):
    """Print two numbers with so many decimals that different numbers look different."""
    shown = [f"{number:.{digits}f}" for number in (value, other)]
    if (value < other or value > other) and shown[0] == shown[1]:  # false for NaN
        return told_apart(value, other, digits + 1)
    return shown


def _controls(table, floor, events):
    """Say whether the copy of the given level and the shuffle fail, as they must."""
    given = events.given_name
    drawn = "y" if given == "X" else "X"
    names = {"identity": f"{given} passed off as {drawn}", "shuffled": f"{drawn} of other events"}
    ratios = {
        text: floor.ratio(table[RESPONSE, key].reindex(floor.columns)).max()
        for key, text in names.items()
    }
    listed = " and ".join(f"{text} ({value:,.1f})" for text, value in ratios.items())
    passed = [text for text, value in ratios.items() if value <= floor.limit]
    measure = "The largest ratios of their response to its floor are"
    if not passed:
        return f"The controls of the response fail, as they must. {measure} {listed}."
    return (
        f"The controls of the response must be above the floor ({floor.limit:.1f}), but "
        f"{' and '.join(passed)} {'is' if len(passed) == 1 else 'are'} not. {measure} {listed}. Do "
        "not trust the response of this sample or model."
    )

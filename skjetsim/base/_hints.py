"""Warnings about events that are valid, but probably not what the user meant."""

import numpy as np

from skjetsim.utils._angle_checks import chosen_kinds, hint_azimuths, warn_of_scaled
from skjetsim.utils._event_columns import split_name
from skjetsim.utils._ranges import is_inside_another, listed, sizes, thousandfold
from skjetsim.utils._warnings import warn_user

FEWEST = 10  # rows
LARGEST_LOG = 100.0
WITHOUT_UNIT = {
    *("eta", "delta_eta", "phi", "delta_phi", "cos_phi", "sin_phi", "pt_ratio", "log_pt_ratio"),
}


def give_hints(estimator, X, y, X_names, y_names):
    """Warn of units that differ between X and y, and of angles that are not read as angles.

    Parameters
    ----------
    estimator : estimator
        It is being fitted.
    X, y : ndarray or None
        Checked events.
    X_names, y_names : sequence of str or None
    """
    for table, names, what in ((X, X_names, "X"), (y, y_names, "y")):
        if table is not None:
            warn_of_scaled(table, names, what)
    if is_inside_another(estimator):
        return
    kinds = chosen_kinds(estimator)
    for table, names, what in ((X, X_names, "X"), (y, y_names, "y")):
        if table is not None and kinds.get("*") != "circular":
            hint_azimuths(table, names, what, kinds)
    if X_names is not None and y_names is not None:
        warn_of_units(X, y, X_names, y_names)


def warn_of_units(X, y, X_names, y_names):
    """Warn of columns of one name whose values in y are a thousand times those in X, or less."""
    at = {name: i for i, name in enumerate(X_names)}
    found = {1: [], -1: []}
    for j, name in enumerate(y_names):
        if name in at and split_name(name)[1] not in WITHOUT_UNIT:
            power = _power(X[:, at[name]], y[:, j], name)
            if power is not None:
                found[int(np.sign(power))].append(repr(name))
    for sign, small, large in ((1, "X", "y"), (-1, "y", "X")):
        if found[sign]:
            warn_user(
                f"Values in {large} are about 1,000 times those in {small}, in columns of the same "
                f"name: {listed(found[sign])}. Give both the same unit, such as GeV, or rename "
                "the columns if they are different quantities."
            )


def _power(x, y, name):
    """Power of ten by which y is larger than x if it is near 3 or -3; else None."""
    if min(len(x), len(y)) < FEWEST:
        return None
    if not str(split_name(name)[1]).startswith("log_"):
        return thousandfold(sizes(x), sizes(y))
    if max(np.abs(x).max(), np.abs(y).max()) > LARGEST_LOG:
        return None
    return thousandfold(sizes(np.exp(x)), sizes(np.exp(y)))

"""Cuts: functions from a table of events to a boolean mask, combined with `&`, `|` and `~`.

Momenta may be Cartesian (`muon_px`) or cylindrical (`muon_pt`). Bounds are strict: pT > 20,
|eta| < 2.4.
"""

import numpy as np
import pandas as pd

from skjetsim.utils._containers import read_container
from skjetsim.utils._event_columns import event_objects, find_object, label
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._validation import check_events

__all__ = ["select_abs_eta", "select_mass", "select_pt", "wjet_selection"]


def _event_object(events, obj, owner):
    """Read one object; other columns of the table are not checked."""
    kind, events = type(events).__name__, read_container(events, "events")
    if not isinstance(events, pd.DataFrame):
        raise TypeError(f"{owner} finds columns by name and needs a DataFrame, got {kind}.")
    names = [str(name) for name in events.columns]
    parts = find_object(event_objects(names), obj, owner)
    values, _ = check_events(events.iloc[:, list(parts.values())], what="events", min_samples=0)
    return EventObject(obj, dict(zip(parts, values.T, strict=True)), owner)


def _between(values, minimum, maximum):
    """Mask of minimum < values < maximum; either bound may be None."""
    mask = np.ones(len(values), dtype=bool)
    if minimum is not None:
        mask &= values > minimum
    if maximum is not None:
        mask &= values < maximum
    return mask


def select_pt(events, obj, *, minimum=None, maximum=None):
    """Events in which the transverse momentum of an object lies between two bounds.

    Parameters
    ----------
    events : DataFrame of shape (n_samples, n_features)
    obj : str
        Object, for example "muon"; "" for columns without a prefix.
    minimum, maximum : float, optional
        Bounds in GeV, exclusive.

    Returns
    -------
    ndarray of bool, shape (n_samples,)

    Raises
    ------
    ValueError
        On missing columns, NaN or infinity.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.selection import select_abs_eta, select_pt
    >>> events = pd.DataFrame({"muon_pt": [15.0, 30.0, 50.0], "muon_eta": [0.1, 2.6, -1.0]})
    >>> select_pt(events, "muon", minimum=20) & select_abs_eta(events, "muon", maximum=2.4)
    array([False, False,  True])
    """
    return _between(_event_object(events, obj, "select_pt").pt, minimum, maximum)


def select_abs_eta(events, obj, *, minimum=None, maximum=None):
    """Events in which |eta| of an object lies between two bounds.

    Parameters
    ----------
    events : DataFrame of shape (n_samples, n_features)
    obj : str
        Object, for example "muon"; "" for columns without a prefix.
    minimum, maximum : float, optional
        Bounds on the absolute pseudorapidity, exclusive.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
        False if px = py = pz = 0: a missing object is not in any range.

    Raises
    ------
    ValueError
        On missing columns, NaN or infinity.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.selection import select_abs_eta
    >>> events = pd.DataFrame({"px": [3.0, 3.0], "py": [4.0, 4.0], "pz": [0.0, 500.0]})
    >>> select_abs_eta(events, "", maximum=2.4)
    array([ True, False])
    """
    return _between(np.abs(_event_object(events, obj, "select_abs_eta").eta), minimum, maximum)


def select_mass(events, obj, *, minimum=None, maximum=None):
    """Events in which the mass of an object lies between two bounds.

    Parameters
    ----------
    events : DataFrame of shape (n_samples, n_features)
    obj : str
        Object, for example "jet". Its mass is the column `jet_mass` (or `jet_log_mass`). Without
        such a column it is computed from `jet_E` and the momentum.
    minimum, maximum : float, optional
        Bounds in GeV, exclusive.

    Returns
    -------
    ndarray of bool, shape (n_samples,)

    Raises
    ------
    ValueError
        On missing columns, NaN or infinity.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.selection import select_mass
    >>> select_mass(pd.DataFrame({"jet_mass": [-0.1, 0.0, 8.0]}), "jet", minimum=0)
    array([False, False,  True])
    """
    found = _event_object(events, obj, "select_mass")
    if not found.has_mass:
        raise ValueError(
            f"select_mass: {label(obj)} has no mass and no E among its columns "
            f"{sorted(found.columns)}."
        )
    return _between(found.mass, minimum, maximum)


def wjet_selection(events):
    """Apply the final selection of the W + jet fast simulation (arXiv:2010.01835).

    pT(muon) > 20 GeV, |eta(muon)| < 2.4, pT(jet) > 30 GeV, |eta(jet)| < 2.4, jet mass > 0.

    Parameters
    ----------
    events : DataFrame of shape (n_samples, n_features)
        With objects `muon` and `jet`, Cartesian or cylindrical, and the jet's mass.

    Returns
    -------
    ndarray of bool, shape (n_samples,)

    Raises
    ------
    ValueError
        On missing columns, NaN or infinity.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.selection import wjet_selection
    >>> events = pd.DataFrame({
    ...     "muon_pt": [25.0, 25.0], "muon_eta": [1.0, 1.0],
    ...     "jet_pt": [40.0, 28.0], "jet_eta": [0.0, 0.0], "jet_mass": [7.0, 7.0],
    ... })
    >>> wjet_selection(events)
    array([ True, False])
    """
    return (
        select_pt(events, "muon", minimum=20)
        & select_abs_eta(events, "muon", maximum=2.4)
        & select_pt(events, "jet", minimum=30)
        & select_abs_eta(events, "jet", maximum=2.4)
        & select_mass(events, "jet", minimum=0)
    )

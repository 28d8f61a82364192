"""Several particles in one calorimeter."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets._showers._make import showers_bunch

SUMMED = ("target", "deposited", "overflow", "leakage", "invisible")


def superpose_showers(showers, *, event=None):
    """Add up the showers of particles that hit one calorimeter together.

    Parameters
    ----------
    showers : Bunch or list of Bunch
        Results of :func:`make_showers` for the same geometry.

    event : array-like of int of shape (n_showers,) or None, default=None
        Event of each shower, counted from 0, for the showers of one Bunch after the other. Events
        without showers are empty. None adds row i of each Bunch to event i. Then all Bunches must
        have the same number of rows.

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_events, 2)
            energy : the sum of the incident energies in GeV; n_particles : their number.
        target, deposited, overflow, leakage, invisible : ndarray
            As from :func:`make_showers`, summed; the first axis is the event.
        geometry : ShowerGeometry
            The calorimeter.
        feature_names, target_names : list of str
            Names of the columns.
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError
        If geometries or numbers of rows differ, or if `event` has the wrong length or is negative.

    Notes
    -----
    Measured energies are proportional to deposited ones, so that their sums are what one
    calorimeter measures of all particles.

    Examples
    --------
    The two photons of a neutral pion, 12 mm apart:

    >>> from skjetsim.datasets import make_showers, superpose_showers
    >>> one = make_showers(30.0, "photon", n_samples=10, position=(-6.0, 0.0), random_state=0)
    >>> two = make_showers(20.0, "photon", n_samples=10, position=(6.0, 0.0), random_state=1)
    >>> pions = superpose_showers([one, two])
    >>> pions.target.shape, float(pions.data["energy"].iloc[0])
    ((10, 504), 50.0)

    Three electrons in two events:

    >>> electrons = make_showers([10.0, 20.0, 30.0], random_state=0)
    >>> superpose_showers(electrons, event=[0, 0, 1]).data["energy"].tolist()
    [30.0, 30.0]
    """
    parts = [showers] if isinstance(showers, Bunch) else list(showers)
    _check_parts(parts)
    event = _events(event, [len(part.data) for part in parts])
    n_particles = [part.data.get("n_particles", pd.Series(1, part.data.index)) for part in parts]
    energy = _grouped([part.data["energy"] for part in parts], event)
    n_particles = _grouped(n_particles, event).astype(int)
    data = pd.DataFrame({"energy": energy, "n_particles": n_particles})
    sums = {name: _grouped([part[name] for part in parts], event) for name in SUMMED}
    return showers_bunch(data, parts[0].geometry, **sums)


def _check_parts(parts):
    if not parts:
        raise ValueError("showers is empty: there is nothing to superpose.")
    for number, part in enumerate(parts):
        if not isinstance(part, Bunch) or "geometry" not in part:
            raise TypeError(f"showers must come from make_showers, got a {type(part).__name__}.")
        if part.geometry != parts[0].geometry:
            raise ValueError(
                f"showers[{number}] has another geometry than showers[0]: only particles in the "
                "same calorimeter can be added."
            )


def _events(event, lengths):
    if event is None:
        if len(set(lengths)) > 1:
            raise ValueError(
                f"showers have {lengths} rows. Row i of each is event i: make as many of each, or "
                "pass the event of each shower as event=."
            )
        return np.tile(np.arange(lengths[0]), len(lengths))
    event = np.asarray(event)
    if event.shape != (sum(lengths),):
        raise ValueError(
            f"event must have one number per shower, shape ({sum(lengths)},), got {event.shape}."
        )
    if not np.issubdtype(event.dtype, np.integer):
        raise TypeError(f"event must be integers, got dtype {event.dtype}.")
    if (event < 0).any():
        row = int(np.argmax(event < 0))
        raise ValueError(f"event must count from 0, but row {row} is {event[row]}.")
    return event


def _grouped(arrays, event):
    """Sum of the rows of each event."""
    rows = np.concatenate(arrays)
    sums = np.zeros((event.max() + 1, *rows.shape[1:]))
    np.add.at(sums, event, rows)
    return sums

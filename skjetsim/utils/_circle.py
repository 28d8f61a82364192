"""Tables with angles: directions, widths and points on the circle.

Distances between several columns take an angle as its point (cos, sin) on the unit circle, so that
they are chords, 2 sin(delta / 2). For small differences arc and chord agree. An energy score with
arcs would not be proper: on a cylinder or a torus the shortest way is not of negative type, and on
the circle alone it does not see even harmonics.
"""

import numpy as np

from skjetsim.utils._angles import is_angle, wrap_phi
from skjetsim.utils._weighted import weighted_std


def angle_columns(names, n_columns):
    """Which columns are angles by their names; none are without names."""
    if names is None:
        return np.zeros(n_columns, dtype=bool)
    return np.array([is_angle(name) for name in names], dtype=bool)


def mean_direction(phi, weight=None):
    """Direction of the mean of unit vectors."""
    return np.arctan2(
        np.average(np.sin(phi), weights=weight), np.average(np.cos(phi), weights=weight)
    )


def within_half_turn(*angles):
    """Whether wrapped angles lie within half a turn, without a seam between them."""
    lowest, highest = (getattr(np, f)([getattr(a, f)() for a in angles]) for f in ("min", "max"))
    return highest - lowest <= np.pi


def circular_std(array, circular, weight=None):
    """Standard deviation of each column; for angles, about their mean direction.

    Uniform angles have pi / sqrt(3), as on the line. A constant column gets 1.
    """
    if not circular.any():
        return weighted_std(array, weight)
    array = array.copy()
    for k in np.flatnonzero(circular):
        phi = wrap_phi(array[:, k])
        if not within_half_turn(phi):
            phi = wrap_phi(phi - mean_direction(phi, weight))
        array[:, k] = phi
    return weighted_std(array, weight)


def on_circle(array, circular, unit=1.0):
    """Columns over their units, with cosine and sine of each angle in its place.

    Parameters
    ----------
    array : ndarray of shape (..., n_columns)
    circular : ndarray of bool, shape (n_columns,)
    unit : float or ndarray of shape (n_columns,)

    Returns
    -------
    ndarray of shape (..., n_columns + number of angles)
        The sines come last.
    """
    if not circular.any():
        return array / unit
    unit = np.broadcast_to(unit, circular.shape)
    phi = array[..., circular]
    points = array.copy()
    points[..., circular] = np.cos(phi)
    return np.concatenate([points / unit, np.sin(phi) / unit[circular]], axis=-1)

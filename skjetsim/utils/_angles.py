"""Azimuthal angles: which columns are one, and the interval they live in."""

import numpy as np

TWO_PI = 2.0 * np.pi

# Components of one object that turn as a vector in the transverse plane.
TRANSVERSE_PAIRS = (("px", "py"), ("cos_phi", "sin_phi"))


def wrap_phi(phi):
    """Wrap angles, or differences of angles, into (-pi, pi].

    Parameters
    ----------
    phi : array-like
        Angles in radians, any shape.

    Returns
    -------
    ndarray of float64
        Angles already inside the interval come back unchanged, bit for bit.

    Examples
    --------
    >>> from skjetsim.preprocessing import wrap_phi
    >>> wrap_phi([0.5, 4.0, -3.5]).round(4)
    array([ 0.5   , -2.2832,  2.7832])
    """
    phi = np.asarray(phi, dtype=np.float64)
    turns = np.round(phi / TWO_PI)
    wrapped = np.asarray(phi - TWO_PI * turns)
    # Rounding at the seam, and -pi itself, which belongs to the other end.
    wrapped = np.where(wrapped > np.pi, wrapped - TWO_PI, wrapped)
    return np.where(wrapped <= -np.pi, np.minimum(wrapped + TWO_PI, np.pi), wrapped)


def is_angle(name):
    """Whether a column is an azimuth, or a difference of two, by its name.

    `phi`, `muon_phi`, `muon_met_delta_phi` and `phi_rel` are; `muon_cos_phi` and a scaled
    `muon_phi_residual`, whose period is not 2 pi, are not.
    """
    parts = name.lower().split("_") if isinstance(name, str) else []
    return "phi" in parts and not {"cos", "sin", "log"} & set(parts) and parts[-1] != "residual"


def transverse_pairs(parts):
    """Columns of the vectors of one object; `parts` are its columns by component."""
    return [(parts[x], parts[y]) for x, y in TRANSVERSE_PAIRS if x in parts and y in parts]


def half_pair(parts):
    """(component that is there, component that is missing) of half a vector, or None."""
    for pair in TRANSVERSE_PAIRS:
        there = [name for name in pair if name in parts]
        if len(there) == 1:
            (missing,) = set(pair) - set(there)
            return there[0], missing
    return None


def rotated(x, y, cos, sin):
    """Components of vectors rotated by the angle with this cosine and sine."""
    return cos * x - sin * y, sin * x + cos * y

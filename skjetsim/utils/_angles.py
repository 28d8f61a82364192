"""Azimuthal angles: the interval they lie in, and the columns that hold them."""

import numpy as np

TWO_PI = 2.0 * np.pi

# Components of one object that are a vector in the transverse plane.
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
    # Rounding at the seam; -pi itself belongs to the other end.
    wrapped = np.where(wrapped > np.pi, wrapped - TWO_PI, wrapped)
    return np.where(wrapped <= -np.pi, np.minimum(wrapped + TWO_PI, np.pi), wrapped)


def is_angle(name):
    """Whether a column is, by its name, an azimuth or a difference of two.

    `phi`, `muon_phi`, `muon_met_delta_phi` and `phi_rel` are. `muon_cos_phi` is not, and neither is
    a scaled `muon_phi_residual`, because its period is not 2 pi.
    """
    parts = name.lower().split("_") if isinstance(name, str) else []
    return "phi" in parts and not {"cos", "sin", "log"} & set(parts) and parts[-1] != "residual"


def transverse_pairs(parts):
    """Pairs of columns of the vectors of one object; `parts` has its columns by component."""
    return [(parts[x], parts[y]) for x, y in TRANSVERSE_PAIRS if x in parts and y in parts]


def half_pair(parts):
    """Present and missing component of a vector of which one is missing, or None."""
    for pair in TRANSVERSE_PAIRS:
        for there, missing in (pair, pair[::-1]):
            if there in parts and missing not in parts:
                return there, missing
    return None


def rotated(x, y, cos, sin):
    """Components of vectors rotated by the angle with this cosine and sine."""
    return cos * x - sin * y, sin * x + cos * y

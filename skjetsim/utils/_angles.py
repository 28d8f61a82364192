"""Azimuthal angles: which columns are one, and the interval they live in."""

from __future__ import annotations

import numpy as np

__all__ = ["is_angle", "wrap_phi"]

TWO_PI = 2.0 * np.pi


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

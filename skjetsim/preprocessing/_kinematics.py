"""Four-vector kinematics as pure numpy functions: float64 in and out, GeV and radians."""

from __future__ import annotations

import numpy as np

__all__ = [
    "azimuth",
    "energy",
    "invariant_mass",
    "pseudorapidity",
    "rapidity",
    "transverse_mass",
    "transverse_momentum",
    "wrap_phi",
]

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


def transverse_momentum(px, py):
    """Return pT = sqrt(px^2 + py^2), safe against overflow and underflow."""
    with np.errstate(over="ignore", under="ignore"):
        squared = px * px + py * py
        if squared.size and (squared.min() < 1e-280 or squared.max() > 1e300):
            return np.hypot(px, py)  # several times slower than the root, and always right
        return np.sqrt(squared)


def azimuth(px, py):
    """Return phi in (-pi, pi]; 0 where pT = 0."""
    phi = np.arctan2(py, px)
    phi[phi <= -np.pi] = np.pi
    return phi


def pseudorapidity(pt, pz):
    """Return eta = asinh(pz / pT); infinite or NaN where pT = 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.arcsinh(pz / pt)


def rapidity(e, pz):
    """Return y = atanh(pz / E)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.arctanh(pz / e)


def energy(px, py, pz, mass):
    """Return the energy on the mass shell, sqrt(p^2 + m^2)."""
    return np.sqrt(px * px + py * py + pz * pz + mass * mass)


def invariant_mass(e, px, py, pz):
    """Return sqrt(E^2 - p^2), negative for space-like vectors (ROOT's convention)."""
    p = np.sqrt(px * px + py * py + pz * pz)
    squared = (e - p) * (e + p)
    return np.copysign(np.sqrt(np.abs(squared)), squared)


def transverse_mass(pt_a, phi_a, pt_b, phi_b):
    """Return the mass of two massless particles in the transverse plane.

    sqrt(2 pTa pTb (1 - cos dphi)), written with the half angle, which does not cancel.
    """
    return 2.0 * np.sqrt(pt_a * pt_b) * np.abs(np.sin(0.5 * (phi_a - phi_b)))

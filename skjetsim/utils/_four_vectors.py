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
]


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

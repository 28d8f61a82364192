"""Four-vector kinematics over numpy arrays and torch tensors alike, in GeV and radians.

Numpy computes in float64; torch in the dtype of its tensors, with gradients. Torch is not imported
for numpy arrays.
"""

import numpy as np


def array_namespace(array):
    """Return the module, numpy or torch, whose functions take this array."""
    if type(array).__module__ == "torch" or hasattr(array, "requires_grad"):
        import torch

        return torch
    return np


def transverse_momentum(px, py):
    """Return pT = sqrt(px^2 + py^2), safe against overflow and underflow."""
    xp = array_namespace(px)
    if xp is not np:
        return xp.hypot(px, py)
    with np.errstate(over="ignore", under="ignore"):
        squared = px * px + py * py
        if squared.size and (squared.min() < 1e-280 or squared.max() > 1e300):
            return np.hypot(px, py)  # several times slower than the root, and always right
        return np.sqrt(squared)


def azimuth(px, py):
    """Return phi in (-pi, pi]; 0 if pT = 0."""
    xp = array_namespace(px)
    phi = xp.arctan2(py, px)
    return xp.where(phi <= -np.pi, np.pi, phi)


def pseudorapidity(pt, pz):
    """Return eta = asinh(pz / pT); infinite or NaN if pT = 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return array_namespace(pt).arcsinh(pz / pt)


def rapidity(e, pz):
    """Return y = atanh(pz / E)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return array_namespace(e).arctanh(pz / e)


def energy(px, py, pz, mass):
    """Return the energy on the mass shell, sqrt(p^2 + m^2)."""
    return array_namespace(px).sqrt(px * px + py * py + pz * pz + mass * mass)


def invariant_mass(e, px, py, pz, *, least_square=None):
    """Return sqrt(E^2 - p^2), negative for space-like vectors (ROOT's convention).

    With `least_square`, in GeV^2, smaller squares are raised to it. Gradients need this: the root
    has an infinite slope at zero, and rounding puts massless objects there.
    """
    xp = array_namespace(e)
    p = xp.sqrt(px * px + py * py + pz * pz)
    squared = (e - p) * (e + p)
    if least_square is not None:
        return xp.sqrt(xp.clip(squared, least_square, None))
    return xp.copysign(xp.sqrt(abs(squared)), squared)


def mass_of(momentum, *, least_square=None):
    """Invariant mass of a four-momentum (px, py, pz, E), shape (4, n_samples)."""
    px, py, pz, e = momentum
    return invariant_mass(e, px, py, pz, least_square=least_square)


def transverse_mass(pt_a, phi_a, pt_b, phi_b):
    """Return the mass of two massless particles in the transverse plane.

    It is sqrt(2 pTa pTb (1 - cos dphi)), written with half the angle, so that no digits cancel.
    """
    return 2.0 * np.sqrt(pt_a * pt_b) * np.abs(np.sin(0.5 * (phi_a - phi_b)))


def pick(values, index):
    """Values of row index[i] for each event i, of an array (n_choices, n_samples)."""
    xp = array_namespace(values)
    along = np.take_along_axis if xp is np else xp.take_along_dim
    return along(values, index[None], 0)[0]

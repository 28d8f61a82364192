"""Neutrino and jets of a semileptonic top pair, over numpy arrays and torch tensors alike.

Four-momenta are (px, py, pz, E) of shape (4, n_samples), in GeV.
"""

from itertools import combinations, permutations

import numpy as np

from skjetsim.utils._four_vectors import array_namespace, mass_of, pick

N_JETS = 4
# Jets by number as (b of the leptonic top, b of the hadronic top, the two of the W).
ASSIGNMENTS = tuple(jets for jets in permutations(range(N_JETS)) if jets[2] < jets[3])

# As in arXiv:2101.08944, in GeV.
W_MASS, TOP_MASS = 80.4, 172.5
RESOLUTIONS = (10.0, 5.0, 15.0)  # of hadronic W, leptonic top and hadronic top


def neutrino_pz(lepton, met_px, met_py, w_mass, *, least_discriminant=0.0):
    """Momenta along the beam with which a neutrino makes a W with a lepton.

    Parameters
    ----------
    lepton : array of shape (4, n_samples)
    met_px, met_py : array of shape (n_samples,)
        Transverse momentum of the neutrino.
    w_mass : float
    least_discriminant : float
        In GeV^4. A smaller discriminant counts as no solution. Above zero, gradients stay finite.

    Returns
    -------
    smaller, larger : array of shape (n_samples,)
        By absolute value. If there is no solution, because the transverse mass is above the mass
        of the W, both are the real part of the two complex solutions.
    """
    px, py, pz, e = lepton
    xp = array_namespace(e)
    met = xp.hypot(met_px, met_py)
    # a x^2 - 2 b x + c = 0, whose discriminant b^2 - a c is E^2 (mu^2 - a met^2).
    a = (e - pz) * (e + pz)
    mu = 0.5 * (w_mass**2 - a + px * px + py * py) + px * met_px + py * met_py
    b, c = mu * pz, (e * met - mu) * (e * met + mu)
    discriminant = mu * mu - a * met * met
    root = e * xp.sqrt(xp.clip(discriminant, least_discriminant, None))
    # The larger solution is this over a; the product of both is c / a. So no digits cancel.
    larger = b + xp.copysign(root, b)
    with np.errstate(divide="ignore", invalid="ignore"):  # where b = 0 and there is no root
        smaller = xp.where(discriminant > least_discriminant, c / larger, b / a)
    return smaller, larger / a


def assign_jets(lepton, neutrino, jets, expected, resolutions, *, least_square=None):
    """Try the 12 ways to make a top pair of four jets, and keep the best one for each event.

    Parameters
    ----------
    lepton, neutrino : array of shape (4, n_samples)
    jets : list of four arrays of shape (4, n_samples)
    expected, resolutions : tuple of three float
        Masses of hadronic W, leptonic top and hadronic top, and their resolutions.
    least_square : float, optional
        As in `invariant_mass`.

    Returns
    -------
    index : array of int, shape (n_samples,)
        Row of `ASSIGNMENTS`.
    chi2 : array of shape (n_samples,)
    masses : array of shape (3, n_samples)
        Masses of hadronic W, leptonic top and hadronic top.
    """
    xp = array_namespace(lepton)

    def mass(momentum):
        return mass_of(momentum, least_square=least_square)

    pairs = {(i, j): jets[i] + jets[j] for i, j in combinations(range(N_JETS), 2)}
    w = {pair: mass(momentum) for pair, momentum in pairs.items()}
    leptonic = [mass(lepton + neutrino + jet) for jet in jets]
    others = [[jet for jet in range(N_JETS) if jet != left_out] for left_out in range(N_JETS)]
    hadronic = [mass(jets[i] + pairs[j, k]) for i, j, k in others]

    masses = [
        xp.stack([w[i, j] for _, _, i, j in ASSIGNMENTS]),
        xp.stack([leptonic[b] for b, *_ in ASSIGNMENTS]),
        xp.stack([hadronic[b] for b, *_ in ASSIGNMENTS]),
    ]
    w_pull, leptonic_pull, hadronic_pull = (
        (mass - expectation) / resolution
        for mass, expectation, resolution in zip(masses, expected, resolutions, strict=True)
    )
    chi2 = leptonic_pull**2 + hadronic_pull**2 + w_pull**2
    index = chi2.argmin(0)
    return index, pick(chi2, index), xp.stack([pick(mass, index) for mass in masses])

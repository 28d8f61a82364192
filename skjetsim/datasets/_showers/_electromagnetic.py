"""Electromagnetic showers: the parameterisation of Grindhammer and Peters, hep-ex/0001020."""

import numpy as np
from scipy.special import gammainc

from skjetsim.datasets._showers._cascade import Cascade, Development

# Largest standard deviation of ln T and ln alpha. The fits reach it at some 50 MeV, and end there.
SIGMA_MAX = 0.5

# In Moliere radii. Radii of the fits may be negative at the start of a shower.
RADIUS_MIN = 1e-3

# In GeV. Lower energies have the profile of this one, since the fits do not go further down.
ENERGY_MIN = 1e-3


def electrons(energy, cosine, slices, geometry, streams):
    """Showers that start at the front face."""
    start = np.zeros(len(energy))
    noise = streams("longitudinal").normal(size=(len(energy), 2))
    cascade, leakage = electromagnetic(energy, start, cosine, slices, geometry, noise)
    return Development((cascade,), leakage, np.zeros(len(energy)), np.ones(len(energy)))


def photons(energy, cosine, slices, geometry, streams):
    """Photons convert after 9/7 radiation lengths, and the pair makes two showers.

    One lepton gets the fraction x of the energy, with the density 1 - 4/3 x (1 - x) of pair
    production at complete screening (PDG, Passage of particles through matter). Photons that reach
    the back leak.
    """
    start = streams("start").exponential(9.0 / 7.0, len(energy))
    share = np.interp(streams("share").random(len(energy)), _SHARE_CDF, _SHARES)
    noise = streams("longitudinal").normal(size=(len(energy), 2, 2))
    where = start, cosine, slices, geometry
    one, leak_one = electromagnetic(energy * share, *where, noise[:, 0])
    two, leak_two = electromagnetic(energy * (1.0 - share), *where, noise[:, 1])
    leakage = leak_one + leak_two
    return Development((one + two,), leakage, np.zeros(len(energy)), np.ones(len(energy)))


_SHARES = np.linspace(0.0, 1.0, 257)
_SHARE_CDF = (_SHARES - 2.0 / 3.0 * _SHARES**2 + 4.0 / 9.0 * _SHARES**3) * 9.0 / 7.0


def electromagnetic(energy, start, cosine, slices, geometry, noise):
    """Cascades that start `start` radiation lengths along the axis of the shower, and leakage.

    Constants are those of the material in which a shower starts. Depths are in local radiation
    lengths, and radii are in local Moliere radii.
    """
    material = _Medium(start * cosine, slices, geometry)
    shape = _Longitudinal(energy, material, noise)
    edges = np.maximum(slices.radiation / cosine[:, None] - start[:, None], 0.0)
    integral = shape.integral(edges)
    deposit = energy[:, None] * np.diff(integral, axis=1)
    leakage = energy - deposit.sum(axis=1)
    n_spots = material.n_spots(energy)[:, None] * np.diff(shape.spot_integral(edges), axis=1)
    age = shape.age(0.5 * (edges[:, 1:] + edges[:, :-1]))
    fraction, *radii = _radial(energy, age, material)
    core, tail = (np.maximum(radius, RADIUS_MIN) * slices.moliere_radius for radius in radii)
    return Cascade(deposit, n_spots, fraction, core, tail), np.maximum(leakage, 0.0)


class _Medium:
    """Constants of the material in which each shower starts."""

    def __init__(self, start, slices, geometry):
        index = np.searchsorted(slices.radiation, start, side="right") - 1
        layer = slices.layer[np.clip(index, 0, slices.n_slices - 1)]

        def column(name):
            return np.array([getattr(one.material, name) for one in geometry.layers])[layer]

        self.homogeneous = column("homogeneous")
        self.atomic_number = column("atomic_number")
        self.critical_energy = column("critical_energy")
        self.inverse_frequency = 1.0 / column("sampling_frequency")
        self.mip_excess = 1.0 - column("e_over_mip")
        self.plate_resolution = column("plate_resolution")

    def n_spots(self, energy):
        """Number of spots that gives the fluctuations of the radius (appendices A.1, A.2)."""
        homogeneous = 93.0 * np.log(self.atomic_number) * energy**0.876
        sampling = 10.3 / self.plate_resolution * energy**0.959
        return np.maximum(np.where(self.homogeneous, homogeneous, sampling), 1.0)


class _Longitudinal:
    """Gamma profiles; T, the depth of the maximum, and alpha are log-normal (A.1, A.2)."""

    def __init__(self, energy, medium, noise):
        Z, fs = medium.atomic_number, medium.inverse_frequency
        log_y = np.log(np.maximum(energy, ENERGY_MIN) / medium.critical_energy)
        mean_t = np.maximum(log_y - 0.812, 0.1) - 0.55 * fs - 0.69 * medium.mip_excess
        mean_alpha = 0.81 + (0.458 + 2.26 / Z) * log_y - 0.476 * fs
        self.mean_alpha = np.maximum(mean_alpha, 1.1)
        homogeneous = medium.homogeneous
        sigma_t = _sigma(np.where(homogeneous, -1.4 + 1.26 * log_y, -2.5 + 1.25 * log_y))
        sigma_alpha = _sigma(np.where(homogeneous, -0.58 + 0.86 * log_y, -0.82 + 0.79 * log_y))
        rho = np.clip(np.where(homogeneous, 0.705, 0.784) - 0.023 * log_y, -1.0, 1.0)
        plus, minus = np.sqrt((1.0 + rho) / 2.0), np.sqrt((1.0 - rho) / 2.0)
        z_t = plus * noise[:, 0] + minus * noise[:, 1]
        z_alpha = plus * noise[:, 0] - minus * noise[:, 1]
        self.maximum = np.maximum(mean_t, 0.1) * np.exp(sigma_t * z_t)
        self.alpha = np.maximum(self.mean_alpha * np.exp(sigma_alpha * z_alpha), 1.1)
        self.beta = (self.alpha - 1.0) / self.maximum
        self._set_spots(Z, homogeneous)

    def _set_spots(self, Z, homogeneous):
        """The profile of the spots in depth differs a little from that of the energy."""
        scale_t = np.where(homogeneous, 0.698 + 0.00212 * Z, 0.813 + 0.0019 * Z)
        scale_alpha = np.where(homogeneous, 0.639 + 0.00334 * Z, 0.844 + 0.0026 * Z)
        self.spot_alpha = np.maximum(self.alpha * scale_alpha, 1.05)
        self.spot_beta = (self.spot_alpha - 1.0) / (self.maximum * scale_t)

    def integral(self, depth):
        """Fraction of the energy up to a depth, shape (n, n_depths)."""
        return gammainc(self.alpha[:, None], self.beta[:, None] * depth)

    def spot_integral(self, depth):
        """Fraction of the spots up to a depth."""
        return gammainc(self.spot_alpha[:, None], self.spot_beta[:, None] * depth)

    def age(self, depth):
        """Depth over the mean depth of the shower; the radii depend on it."""
        mean = self.alpha / self.beta * (self.mean_alpha - 1.0) / self.mean_alpha
        return depth / mean[:, None]


def _sigma(inverse):
    return 1.0 / np.maximum(inverse, 1.0 / SIGMA_MAX)


def _radial(energy, age, medium):
    """Fraction of the core, and radii of core and tail in Moliere radii (A.1.3, A.2.3)."""
    Z = medium.atomic_number[:, None]
    excess = medium.mip_excess[:, None]
    log_e = np.log(np.maximum(energy, ENERGY_MIN))[:, None]
    early = medium.inverse_frequency[:, None] * np.exp(-age)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * Z) * age
    core = core - 0.0203 * excess + 0.0397 * early
    # The radius of the tail would grow with the age without end. No energy is left beyond 4.
    bounded = np.minimum(age, 4.0) - 0.645
    growth = np.exp(-2.59 * bounded) + np.exp((0.3585 + 0.0421 * log_e) * bounded)
    tail = (0.659 - 0.00309 * Z) * growth
    tail = tail - 0.14 * excess - 0.495 * early
    u = (0.401 + 0.00187 * Z - age) / (1.313 - 0.0686 * log_e)
    fraction = (2.632 - 0.00094 * Z) * np.exp(u - np.exp(u))
    peak = medium.inverse_frequency[:, None] * np.exp(-np.square(age - 1.0))
    fraction = fraction + excess * (0.348 - 0.642 * peak)
    return np.clip(fraction, 0.0, 1.0), core, tail

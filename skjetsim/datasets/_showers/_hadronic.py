"""Showers of charged pions: a track, neutral pions at once and later, and the hadronic rest.

The model is that of Grindhammer, Rudowicz and Peters (NIM A 290 (1990) 469): classes of showers
by their neutral pions, gamma profiles that fluctuate log-normally, and one radius that fluctuates.
Late neutral pions, fluctuations and radii are those of H1's program, without the correlations of
the fluctuations. The mean fraction of neutral pions is Wigmans' power law, and the mean profile of
the rest is Bock's (NIM 186 (1981) 533). Both hold for more energies and materials.
"""

import numpy as np
from scipy.special import gammainc

from skjetsim.datasets._showers._cascade import Cascade, Development
from skjetsim.datasets._showers._electromagnetic import electromagnetic

# Mean electromagnetic fraction 1 - (E / E0)^(k - 1) of pions, E0 in GeV (Wigmans, section 2.3).
FRACTION_ENERGY = 1.0
FRACTION_POWER = 0.82

# Seen hadronic energy E in GeV fluctuates by this times sqrt(E).
INTRINSIC_RESOLUTION = 0.16

# Sampling fluctuation of hadronic over that of electromagnetic energy: 41% to 23.5% in lead and
# scintillator (NIM A 290 (1990) 335).
HADRONIC_SAMPLING = 1.75

# Largest log-normal width; larger ones are extrapolations below some 3 GeV.
SIGMA_MAX = 1.0


def pions(energy, cosine, slices, geometry, streams):
    """Charged pions that ionise until they interact, or leave through the back."""
    track = _Track(energy, cosine, slices, streams("start"))
    left = np.where(track.interacts, track.left, 0.0)
    first, late, hadronic = _shares(left, streams)
    noise = streams("longitudinal").normal(size=(len(energy), 2))
    pi0, leakage = electromagnetic(first, track.radiation, cosine, slices, geometry, noise)
    profile = _Profile(left, track, cosine, slices, streams("profile"))
    late_deposit, hadronic_deposit = profile.late(late), profile.hadronic(hadronic)
    response = _response(hadronic, track.layer, geometry, streams("response"))
    seen = hadronic_deposit * response[:, None]
    n_spots, radius = profile.n_spots(late_deposit + hadronic_deposit), profile.radius
    rest = Cascade(late_deposit + seen, n_spots, np.ones_like(seen), radius, radius)
    leakage = (track.left - left) + leakage + (late - late_deposit.sum(axis=1))
    leakage = np.maximum(leakage + (hadronic - hadronic_deposit.sum(axis=1)), 0.0)
    invisible = (hadronic_deposit - seen).sum(axis=1)
    granularity = _granularity(pi0, late_deposit, seen)
    return Development((pi0, rest), leakage, invisible, granularity, track.deposit)


class _Track:
    """The pion before it interacts, a minimum ionising particle that may run out of energy."""

    def __init__(self, energy, cosine, slices, rng):
        start = rng.exponential(size=len(energy)) * cosine
        self.interacts = start < slices.pion[-1]
        # Along the axis of the shower, as for cascades.
        self.radiation = np.interp(start, slices.pion, slices.radiation) / cosine
        self.interaction = np.interp(start, slices.pion, slices.interaction) / cosine
        index = np.searchsorted(slices.pion, start, side="right") - 1
        self.layer = slices.layer[np.clip(index, 0, slices.n_slices - 1)]
        lost = np.interp(start, slices.pion, slices.loss)
        loss = np.minimum(slices.loss, lost[:, None]) / cosine[:, None]
        self.deposit = np.diff(np.minimum(loss, energy[:, None]), axis=1)
        self.left = np.maximum(energy - self.deposit.sum(axis=1), 0.0)


def _shares(energy, streams):
    """Energies of neutral pions from the first interaction, of later ones, and of the rest."""
    log_e = np.log(np.maximum(energy, 1.0))
    mean = 1.0 - np.exp((FRACTION_POWER - 1.0) * (log_e - np.log(FRACTION_ENERGY)))
    fraction = _beta(mean, np.maximum(0.1, 0.224 - 0.014 * log_e), streams("share"))
    probability = 0.5 + 0.5 * np.tanh(1.11 * (log_e - 2.10))
    has_late = streams("late").random(len(energy)) < probability
    mean_late = (0.325 + 0.069 * np.tanh(3.814 * (log_e - 4.1))) / probability
    share = _beta(np.minimum(mean_late, 0.9), np.full(len(energy), 0.316), streams("late", 1))
    late = energy * fraction * np.where(has_late, share, 0.0)
    return energy * fraction - late, late, energy * (1.0 - fraction)


def _beta(mean, sigma, rng):
    """Draws from beta densities; a `sigma` too large for values between 0 and 1 is reduced."""
    inside = np.clip(mean, 1e-6, 1.0 - 1e-6)
    spread = inside * (1.0 - inside)
    total = spread / np.minimum(np.square(sigma), 0.5 * spread) - 1.0
    draws = rng.beta(inside * total, (1.0 - inside) * total)
    return np.where((mean > 0) & (mean < 1), draws, mean)


def _response(energy, layer, geometry, rng):
    """Seen fraction of the hadronic energy in the material in which the shower starts."""
    layers = geometry.layers
    mean = [one.material.hadron_response if one.depth > 0 else 1.0 for one in layers]
    mean = np.array(mean)[layer]
    return _beta(mean, INTRINSIC_RESOLUTION / np.sqrt(np.maximum(energy, 1e-6)), rng)


def _granularity(pi0, late, seen):
    """Variance of the sampling over the variance for electromagnetic energy."""
    hadronic = seen.sum(axis=1)
    total = pi0.energy.sum(axis=1) + late.sum(axis=1) + hadronic
    share = np.divide(hadronic, total, out=np.ones_like(total), where=total > 0)
    return 1.0 + (HADRONIC_SAMPLING**2 - 1.0) * share


class _Profile:
    """Gamma profiles in interaction lengths from the start, and the radius of each shower."""

    def __init__(self, energy, track, cosine, slices, rng):
        self._energy = energy
        self._log_e = np.log(np.maximum(energy, 1.0))
        depth = slices.interaction / cosine[:, None] - track.interaction[:, None]
        self._depth = np.maximum(depth, 0.0)
        self._noise = rng.normal(size=(len(energy), 5))
        self.radius = self._radius(slices)

    def hadronic(self, energy):
        """Deposits with Bock's mean profile."""
        log_e = self._log_e
        beta = 0.910 - 0.024 * log_e
        centre = (0.616 + 0.318 * log_e) / beta
        sigma_centre = 0.385 + 1.58 * np.exp(-0.863 * log_e)
        sigma_beta = 0.427 + 1.48 * np.exp(-0.858 * log_e)
        return self._gamma(energy, centre, sigma_centre, beta, sigma_beta, self._noise[:, :2])

    def late(self, energy):
        """Deposits of neutral pions from further interactions."""
        log_e = self._log_e
        beta = np.exp(np.maximum(0.6, 2.03 - 0.335 * log_e))
        sigma_centre = 0.424 + 2.69 * np.exp(-0.856 * log_e)
        sigma_beta = np.maximum(0.4, 2.05 - 0.264 * log_e)
        centre = np.full_like(log_e, 2.2145)
        return self._gamma(energy, centre, sigma_centre, beta, sigma_beta, self._noise[:, 2:4])

    def _gamma(self, energy, centre, sigma_centre, beta, sigma_beta, noise):
        centre = centre * _log_normal(sigma_centre, noise[:, 0])
        beta = beta * _log_normal(sigma_beta, noise[:, 1])
        alpha = np.clip(centre * beta, 0.3, 20.0)
        integral = gammainc(alpha[:, None], (alpha / centre)[:, None] * self._depth)
        return energy[:, None] * np.diff(integral, axis=1)

    def _radius(self, slices):
        """Radius in mm that holds half of the energy; it grows with depth."""
        log_e = self._log_e[:, None]
        depth = np.minimum(0.5 * (self._depth[:, 1:] + self._depth[:, :-1]), 2.0)
        mean = 0.174 + np.maximum(0.0, 0.407 - 0.061 * log_e) * depth
        relative = 1.027 * (0.675 - 0.048 * log_e) * (1.0 + 0.184 * depth)
        sigma = np.sqrt(np.log1p(np.square(np.maximum(relative, 0.1))))
        radius = mean * np.exp(sigma * self._noise[:, 4:] - 0.5 * np.square(sigma))
        return np.minimum(radius, 1.4) * slices.interaction_length

    def n_spots(self, deposit):
        """Expected number of spots in each slice; their total is that of H1's program."""
        density = (50.0 + 80.0 * self._log_e) / np.maximum(self._energy, 1e-6)
        return density[:, None] * deposit


def _log_normal(sigma, noise):
    """Factors of mean one."""
    sigma = np.minimum(sigma, SIGMA_MAX)
    return np.exp(sigma * noise - 0.5 * np.square(sigma))

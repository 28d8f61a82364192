"""Calorimeter towers and energy flow."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._chain._particles import Particles, ratio
from skjetsim.datasets._chain._tracker import log_normal, scale_momenta

PHOTON_ID = 22
NEUTRAL_HADRON_ID = 130
_V0_IDS = (310, 3122)


@dataclass(frozen=True)
class Towers:
    """Segmentation of a calorimeter: rings in eta, each divided evenly in phi."""

    eta_edges: np.ndarray
    phi_divisions: np.ndarray

    @property
    def first(self):
        """Number of the first tower of each ring, and the number of towers at the end."""
        return np.concatenate([[0], np.cumsum(self.phi_divisions)])

    def find(self, eta, phi):
        """Tower number of each direction, -1 outside."""
        ring = np.searchsorted(self.eta_edges, eta) - 1
        inside = (ring >= 0) & (ring < len(self.phi_divisions))
        ring = np.where(inside, ring, 0)
        divisions = self.phi_divisions[ring]
        step = np.floor((phi + np.pi) / (2 * np.pi) * divisions).astype(np.int64)
        return np.where(inside, self.first[ring] + np.minimum(step, divisions - 1), -1)

    def centre_eta(self, tower):
        """Pseudorapidity of the middle of each tower."""
        ring = self._ring(tower)
        return (self.eta_edges[ring] + self.eta_edges[ring + 1]) / 2

    def random_point(self, tower, rng):
        """Directions drawn uniformly inside towers.

        With the centres of towers, jet masses and directions would lie on a grid.
        """
        ring = self._ring(tower)
        low, high = self.eta_edges[ring], self.eta_edges[ring + 1]
        step = tower - self.first[ring] + rng.random(len(tower))
        phi = -np.pi + 2 * np.pi * step / self.phi_divisions[ring]
        return low + (high - low) * rng.random(len(tower)), phi

    def _ring(self, tower):
        return np.searchsorted(self.first, tower, side="right") - 1


class Calorimeter:
    """One calorimeter of a detector card.

    Parameters
    ----------
    card : DetectorCard

    name : {"ecal", "hcal"}
        Prefix of its fields in the card.

    eta_shape : array-like of shape (n_regions, 3)
        Rows (p, q, r): the resolution is multiplied by p + q (abs(eta) - r)^2.

    neutral_id : int
        PDG number of what an excess of energy becomes.
    """

    def __init__(self, card, name, eta_shape, neutral_id):
        def field(quantity):
            return np.array(getattr(card, f"{name}_{quantity}"))

        self.towers = Towers(field("eta_edges"), field("phi_divisions"))
        self.regions, self.terms = field("region_edges"), field("resolution")
        self.energy_min, self.significance_min = field("energy_min"), card.energy_significance_min
        self.eta_shape, self.neutral_id = np.array(eta_shape), neutral_id

    def resolution(self, eta, energy):
        """Standard deviation of energies in GeV."""
        region = np.digitize(np.abs(eta), self.regions, right=True)
        constant, stochastic, noise = self.terms[region].T
        p, q, r = self.eta_shape[region].T
        quadratic_sum = (constant * energy) ** 2 + stochastic**2 * energy + noise**2
        return (p + q * (np.abs(eta) - r) ** 2) * np.sqrt(quadratic_sum)

    def measure(self, deposits, tracks, rng):
        """Measure towers, and keep the energy that tracks do not explain.

        Parameters
        ----------
        deposits : tuple of ndarray (event, eta, phi, energy)
            True energies and where they reach the calorimeter.

        tracks : tuple (Particles, eta, phi, resolution)
            Tracks of particles that leave their energy here, the directions in which they reach
            the calorimeter, and their relative resolution.

        rng : numpy.random.Generator
            Source of the noise.

        Returns
        -------
        neutrals : Particles
            Significant excesses of tower energy over track energy.

        tracks : Particles
            The tracks. If their tower has no such excess, they are scaled to the best estimate of
            the energy, in which tracks and tower are weighted by their resolutions.
        """
        event, tower, of_deposit, of_track = self._group(deposits, tracks)
        n_towers = len(tower)
        energy, sigma = self._smear(tower, np.bincount(of_deposit[1], of_deposit[0], n_towers), rng)
        eta, phi = self.towers.random_point(tower, rng)

        measured, _, _, resolution = tracks
        charged, of_tower = of_track
        track_energy = measured.energy[charged]
        charged_energy = np.bincount(of_tower, track_energy, n_towers)
        track_variance = (resolution[charged] * track_energy) ** 2
        charged_variance = np.bincount(of_tower, track_variance, n_towers)
        excess = np.maximum(energy - charged_energy, 0)
        smallest = self.significance_min * np.sqrt(charged_variance + sigma**2)
        neutral = (excess > self.energy_min) & (excess > smallest)
        # The best estimate of the energy of a tower's tracks over their measured energy.
        weight = ratio(charged_variance, sigma**2 + charged_variance)
        factor = 1 + weight * ratio(energy - charged_energy, charged_energy)
        scale = np.ones(len(measured.event))
        scale[charged] = np.where(neutral, 1, factor)[of_tower]
        found = (values[neutral] for values in (event, excess, eta, phi))
        return _massless(self.neutral_id, *found), scale_momenta(measured, scale)

    def _group(self, deposits, tracks):
        """Towers that are hit, and the tower of each deposit and track."""
        event, eta, phi, energy = deposits
        measured, track_eta, track_phi, _ = tracks
        hit = self.towers.find(eta, phi)
        track_hit = self.towers.find(track_eta, track_phi)
        inside, charged = np.flatnonzero(hit >= 0), np.flatnonzero(track_hit >= 0)
        total = self.towers.first[-1]
        deposit_key = event[inside] * total + hit[inside]
        track_key = measured.event[charged] * total + track_hit[charged]
        keys, position = np.unique(np.concatenate([deposit_key, track_key]), return_inverse=True)
        n_inside = len(inside)
        of_deposit = (energy[inside], position[:n_inside])
        return keys // total, keys % total, of_deposit, (charged, position[n_inside:])

    def _smear(self, tower, energy, rng):
        """Smear the summed energy of towers and apply the thresholds."""
        eta = self.towers.centre_eta(tower)
        # One number for each tower: the stream does not depend on the energies.
        noise = rng.standard_normal(len(tower))
        energy = log_normal(energy, self.resolution(eta, energy), noise)
        sigma = self.resolution(eta, energy)
        seen = (energy >= self.energy_min) & (energy >= self.significance_min * sigma)
        return np.where(seen, energy, 0), sigma


def _massless(pdg_id, event, energy, eta, phi):
    pt = energy / np.cosh(eta)
    momenta = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    return Particles(event, *momenta, energy, np.full(len(event), pdg_id), np.zeros(len(event)))


def ecal_fraction(pdg_id, card):
    """Part of the energy of each particle that the ECAL sees."""
    absolute = np.abs(pdg_id)
    electromagnetic = (absolute == 11) | (absolute == PHOTON_ID)
    v0 = np.isin(absolute, _V0_IDS)
    return np.where(electromagnetic, 1.0, np.where(v0, card.v0_ecal_fraction, 0.0))


def make_ecal(card):
    """Build the electromagnetic calorimeter of a card."""
    return Calorimeter(card, "ecal", card.ecal_eta_shape, PHOTON_ID)


def make_hcal(card):
    """Build the hadronic calorimeter of a card, whose resolution is flat in a region."""
    flat = [(1.0, 0.0, 0.0)] * len(card.hcal_resolution)
    return Calorimeter(card, "hcal", flat, NEUTRAL_HADRON_ID)

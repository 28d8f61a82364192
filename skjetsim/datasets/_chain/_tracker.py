"""Charged particles in the magnetic field, and their tracks."""

from dataclasses import replace

import numpy as np

from skjetsim.datasets._chain._card import DetectorCard

# Transverse momentum in GeV of a unit charge bent by 1 tesla on a radius of 1 metre.
GEV_PER_TESLA_METRE = 0.299792458

KINDS = ("hadron", "electron", "muon")

_DEFAULT_CARD = DetectorCard()


def propagate(particles, card):
    """Directions, seen from the origin, in which particles reach the calorimeter.

    A charged particle from the origin is bent by the angle alpha on its way. Its transverse
    distance from the beam is then 2 R sin(alpha / 2), in the direction phi -+ alpha / 2. It leaves
    through the barrel or, if it curls up, through an end of the field.

    Parameters
    ----------
    particles : Particles
        Particles that start at the origin.

    card : DetectorCard
        The detector.

    Returns
    -------
    eta, phi : ndarray
        Pseudorapidity and azimuth of the impact point; `phi` is in (-pi, pi].
    """
    eta, phi = particles.eta, particles.phi
    bending = GEV_PER_TESLA_METRE * particles.charge * card.magnetic_field
    bent = np.flatnonzero((bending != 0) & (particles.pt > 0))
    curvature = np.abs(bending[bent]) / particles.pt[bent]
    slope = np.abs(np.sinh(eta[bent]))

    sine = card.radius * curvature / 2
    turn_to_barrel = np.where(sine < 1, 2 * np.arcsin(np.minimum(sine, 1)), np.inf)
    with np.errstate(divide="ignore"):
        turn_to_end = curvature * card.half_length / slope
    turn = np.minimum(turn_to_barrel, turn_to_end)
    # A particle that moves exactly across the beam may never leave: it gets a full turn.
    turn = np.where(np.isfinite(turn), turn, 2 * np.pi)

    # A positive charge in a field along +z turns clockwise. Beyond a full turn the sine is
    # negative: the point lies opposite to the direction, which the second argument undoes.
    signed_distance = np.sin(turn / 2)
    phi[bent] -= np.sign(bending[bent]) * turn / 2 + np.where(signed_distance < 0, np.pi, 0)
    longitudinal = np.sign(eta[bent]) * slope * turn / 2
    eta[bent] = np.arcsinh(longitudinal / np.maximum(np.abs(signed_distance), 1e-9))
    return eta, np.pi - np.mod(np.pi - phi, 2 * np.pi)


def find_tracks(particles, card, rng):
    """Draw which charged particles leave a track, and the noise of each.

    The noise of a particle does not depend on the card: a detector that loses more tracks measures
    the others as before.

    Returns
    -------
    index : ndarray of int
        Positions in `particles` of those that leave a track.

    noise : ndarray of shape (3, n_tracks)
        Standard normal numbers for momentum, eta and phi.
    """
    charged = np.flatnonzero(particles.charge != 0)
    candidates = particles.select(charged)
    kinematics = _kind(candidates.pdg_id), np.abs(candidates.eta), candidates.pt
    uniform = rng.random(len(charged))
    # Particles that leave a track with the default card draw from the stream that calorimeters use
    # next, so that it is the same for any card. Other particles have a stream of their own.
    usual = uniform < _efficiency(_DEFAULT_CARD, *kinematics)
    noise = np.empty((3, len(charged)))
    noise[:, usual] = rng.standard_normal((3, np.count_nonzero(usual)))
    noise[:, ~usual] = rng.spawn(1)[0].standard_normal((3, np.count_nonzero(~usual)))
    found = uniform < _efficiency(card, *kinematics)
    return charged[found], noise[:, found]


def _efficiency(card, kind, abs_eta, pt):
    """Probability that particles leave a track."""
    eta_bin = np.digitize(abs_eta, card.track_eta_edges, right=True)
    pt_bin = np.digitize(pt, card.track_pt_edges, right=True)
    # A row of zeros beyond the last eta edge and a column of zeros below the first pT edge.
    tables = np.pad(of_kinds(card, KINDS, "efficiency"), ((0, 0), (0, 1), (1, 0)))
    return tables[kind, eta_bin, pt_bin]


def smear_tracks(tracks, card, noise):
    """Smear the pT and the direction of tracks, keeping their mass.

    Returns
    -------
    tracks : Particles
        The measured tracks.

    resolution : ndarray
        Relative pT resolution of each.
    """
    pt, eta, phi = tracks.pt, tracks.eta, tracks.phi
    eta_bin = np.digitize(np.abs(eta), card.resolution_eta_edges, right=True)
    last = len(card.resolution_eta_edges) - 1
    table = of_kinds(card, KINDS, "resolution")[_kind(tracks.pdg_id), np.minimum(eta_bin, last)]
    resolution = np.minimum(np.hypot(table[:, 0], table[:, 1] * pt), 1)
    measured = log_normal(pt, resolution * pt, noise[0])
    eta = eta + _angular_width(card.track_eta_resolution, pt) * noise[1]
    phi = phi + _angular_width(card.track_phi_resolution, pt) * noise[2]
    px, py, pz = measured * np.cos(phi), measured * np.sin(phi), measured * np.sinh(eta)
    return _with_momenta(tracks, px, py, pz), resolution


def _angular_width(resolution, pt):
    """Width of a track's direction: the hit resolution, and multiple scattering at low pT."""
    return np.hypot(resolution[0], resolution[1] / pt)


def scale_momenta(particles, factor):
    """Multiply momenta by `factor` and keep the masses."""
    px, py, pz = (p * factor for p in (particles.px, particles.py, particles.pz))
    return _with_momenta(particles, px, py, pz)


def _with_momenta(particles, px, py, pz):
    """Return the particles with other momenta and the same masses."""
    energy = np.sqrt(np.maximum(particles.mass_squared, 0) + px**2 + py**2 + pz**2)
    return replace(particles, px=px, py=py, pz=pz, energy=energy)


def log_normal(mean, sigma, noise):
    """Make log-normal numbers of given means and standard deviations from standard normal ones.

    They are never negative.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.sqrt(np.log1p((sigma / mean) ** 2))
        value = mean * np.exp(width * noise - width**2 / 2)
    return np.where(mean > 0, value, 0)


def _kind(pdg_id):
    """Position in `KINDS` of the kind of particles."""
    absolute = np.abs(pdg_id)
    return (absolute == 11) + 2 * (absolute == 13)


def of_kinds(card, kinds, quantity):
    """Fields of a card, such as ``muon_efficiency``, for particles of several kinds."""
    return np.array([getattr(card, f"{kind}_{quantity}") for kind in kinds])

"""Particles of many events in flat arrays."""

from dataclasses import dataclass, fields

import numpy as np

NEUTRINO_IDS = (12, 14, 16)
# Stands for a pT of zero; any smaller and the slope of a beam particle overflows.
_SMALLEST_PT = 1e-300


class FourMomenta:
    """Kinematics of flat arrays `px`, `py`, `pz` and `energy` in GeV; base of dataclasses."""

    def select(self, index):
        """Return the entries that a mask, a slice or an integer array picks."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))

    @property
    def pt(self):
        """Transverse momenta in GeV."""
        return np.hypot(self.px, self.py)

    @property
    def eta(self):
        """Pseudorapidities."""
        return pseudorapidity(self.px, self.py, self.pz)

    @property
    def phi(self):
        """Azimuths in (-pi, pi]."""
        return np.arctan2(self.py, self.px)

    @property
    def mass_squared(self):
        """Squared masses in GeV^2; rounding can leave them slightly negative."""
        return self.energy**2 - self.px**2 - self.py**2 - self.pz**2


@dataclass(frozen=True)
class Particles(FourMomenta):
    """Particles of ``n_events`` events, one entry a particle, in GeV.

    Flat arrays with an event number for each particle let every step of the
    simulation be one numpy expression, however many particles an event has.
    ``event`` is never decreasing.
    """

    event: np.ndarray
    pdg_id: np.ndarray
    charge: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray


def concatenate(parts):
    """Join `Particles` in the order given, event numbers as they are."""
    names = [field.name for field in fields(Particles)]
    return Particles(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def pseudorapidity(px, py, pz):
    """Pseudorapidity of momenta; finite also along the beam."""
    return np.arcsinh(pz / np.maximum(np.hypot(px, py), _SMALLEST_PT))


def delta_r(eta_1, phi_1, eta_2, phi_2):
    """Distance sqrt(deta^2 + dphi^2), with dphi wrapped into (-pi, pi]."""
    delta_phi = np.pi - np.mod(np.pi - (phi_1 - phi_2), 2 * np.pi)
    return np.hypot(eta_1 - eta_2, delta_phi)


def sum_by_event(event, values, n_events):
    """Sum ``values`` within each event."""
    return np.bincount(event, weights=values, minlength=n_events)


def smallest_by_event(event, key, n_events):
    """Index of the entry with the smallest ``key`` in each event, -1 where there is none."""
    order = np.lexsort((key, event))
    present, first = np.unique(event[order], return_index=True)
    index = np.full(n_events, -1)
    index[present] = order[first]
    return index


def momenta_by_event(particles, number, n_numbers, n_events):
    """Momenta of numbered particles, at most one of each number an event.

    Parameters
    ----------
    particles : Particles
        Particles of any kind.

    number : ndarray of int
        Number of each, -1 for those of none.

    n_numbers, n_events : int
        How many numbers and events there are.

    Returns
    -------
    momenta : ndarray of shape (n_events, n_numbers, 3)
        Zeros where an event has no such particle.
    """
    chosen = number >= 0
    found = particles.select(chosen)
    momenta = np.zeros((n_events, n_numbers, 3))
    momenta[found.event, number[chosen]] = np.column_stack([found.px, found.py, found.pz])
    return momenta

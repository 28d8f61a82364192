"""Particles of many events in flat arrays."""

from dataclasses import dataclass, fields

import numpy as np

COMPONENTS = ("px", "py", "pz", "E")
NEUTRINO_IDS = (12, 14, 16)
# Replaces a pT of zero. With a smaller number, the slope of a beam particle would overflow.
_SMALLEST_PT = 1e-300


@dataclass(frozen=True)
class FourMomenta:
    """Objects of many events in flat arrays: event number and four-momentum of each, in GeV.

    Flat arrays let every step of the simulation be one numpy expression, however many objects an
    event has. `event` never decreases.
    """

    event: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray

    @property
    def momenta(self):
        """Components px, py, pz and energy, shape (n, 4)."""
        return np.column_stack([self.px, self.py, self.pz, self.energy])

    def sums(self, n_events):
        """Sums of `momenta` in each event, shape (n_events, 4)."""
        components = (self.px, self.py, self.pz, self.energy)
        return np.column_stack([np.bincount(self.event, p, n_events) for p in components])

    def select(self, index):
        """Return the entries that a mask, a slice or an array of positions picks."""
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
    """Particles, with their PDG numbers and charges."""

    pdg_id: np.ndarray
    charge: np.ndarray


def ratio(values, total):
    """Values over a total, and 0 where the total is not positive."""
    return np.divide(values, total, out=np.zeros(total.shape), where=total > 0)


def component_names(objects, components=COMPONENTS):
    """Names of columns, such as ``muon_px``."""
    return tuple(f"{name}_{component}" for name in objects for component in components)


def concatenate(parts):
    """Join `Particles` in the given order, and keep their event numbers."""
    names = [field.name for field in fields(Particles)]
    return Particles(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def pseudorapidity(px, py, pz):
    """Pseudorapidity of momenta, which is finite along the beam, too."""
    return np.arcsinh(pz / np.maximum(np.hypot(px, py), _SMALLEST_PT))


def direction(momenta):
    """Pseudorapidity and azimuth of momenta whose last axis begins with px, py and pz."""
    px, py, pz = np.moveaxis(momenta, -1, 0)[:3]
    return pseudorapidity(px, py, pz), np.arctan2(py, px)


def delta_r(eta_1, phi_1, eta_2, phi_2):
    """Distance sqrt(deta^2 + dphi^2), with dphi wrapped into (-pi, pi]."""
    delta_phi = np.pi - np.mod(np.pi - (phi_1 - phi_2), 2 * np.pi)
    return np.hypot(eta_1 - eta_2, delta_phi)


def smallest_by_event(event, key, n_events):
    """Index of the entry with the smallest ``key`` in each event, -1 for events without entries."""
    order = np.lexsort((key, event))
    present, first = np.unique(event[order], return_index=True)
    index = np.full(n_events, -1)
    index[present] = order[first]
    return index


def momenta_by_event(particles, number, n_numbers, n_events):
    """Momenta of numbered particles, at most one of each number per event.

    Parameters
    ----------
    particles : Particles
        Particles of any kind.

    number : ndarray of int
        Number of each particle, -1 for others.

    n_numbers, n_events : int
        How many numbers and events there are.

    Returns
    -------
    momenta : ndarray of shape (n_events, n_numbers, 3)
        Zeros if an event has no such particle.
    """
    chosen = number >= 0
    found = particles.select(chosen)
    momenta = np.zeros((n_events, n_numbers, 3))
    momenta[found.event, number[chosen]] = found.momenta[:, :3]
    return momenta


def hardest_momenta(objects, n_rows, n_kept):
    """Momenta of the hardest objects of each event, shape (n_rows, n_kept, 4), padded with zeros.

    Parameters
    ----------
    objects : FourMomenta
        Particles or jets; `event` is the row.

    n_rows, n_kept : int
        Number of events, and of objects to keep of each.
    """
    objects = objects.select(np.lexsort((-objects.pt, objects.event)))
    rank = np.arange(len(objects.event)) - np.searchsorted(objects.event, objects.event)
    kept = rank < n_kept
    momenta = np.zeros((n_rows, n_kept, 4))
    momenta[objects.event[kept], rank[kept]] = objects.momenta[kept]
    return momenta


def renumbered(numbers, kept):
    """Position of each number in `kept`, -1 for numbers that are not in it."""
    position = np.full(max(numbers.max(initial=-1), kept.max(initial=-1)) + 1, -1)
    position[kept] = np.arange(len(kept))
    return position[numbers]


def at_events(values, event, n_events):
    """Rows for `n_events` events: `values` at the events in `event`, and zeros elsewhere."""
    rows = np.zeros((n_events, *values.shape[1:]), dtype=values.dtype)
    rows[event] = values
    return rows

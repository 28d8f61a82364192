"""Other collisions of the same bunch crossing."""

from dataclasses import replace

import numpy as np

from skjetsim.datasets._particles import concatenate
from skjetsim.datasets._process import PILEUP
from skjetsim.datasets._pythia import records

SETTINGS = ("SoftQCD:inelastic = on",)

# Cells of the grid whose median density is that of pile-up.
_GRID_ETA_EDGES = np.linspace(-4.4, 4.4, 17)
_GRID_PHI_CELLS = 11


class PileupOverlay:
    """Lays a Poisson number of inelastic collisions over each event.

    Parameters
    ----------
    mean : float
        Mean number of collisions.

    settings : sequence of str
        Pythia's, for energy and tune as in the hard process.

    seed : int
        Pythia's seed.

    rng : numpy.random.Generator
        Source of the numbers of collisions.
    """

    def __init__(self, mean, settings, seed, rng):
        self.mean = mean
        self.rng = rng
        self._records = records((*settings, *SETTINGS), seed)
        self._waiting = None

    def __call__(self, events):
        """Return the events with the particles of the other collisions among theirs."""
        counts = self.rng.poisson(self.mean, events.n_events)
        if not counts.any():
            return events
        collisions = self._take(counts.sum())
        event = np.repeat(np.arange(events.n_events), counts)
        added = replace(collisions, event=event[collisions.event])
        particles = concatenate([events.particles, added])
        role = np.concatenate([events.role, np.full(len(added.event), PILEUP)])
        order = np.argsort(particles.event, kind="stable")
        return replace(events, particles=particles.select(order), role=role[order])

    def _take(self, n_collisions):
        """Take the next collisions, numbered from zero; the rest wait."""
        parts, n_found = (
            ([], 0) if self._waiting is None else ([self._waiting[0]], self._waiting[1])
        )
        while n_found < n_collisions:
            record = next(self._records)
            parts.append(replace(record.stable, event=record.stable.event + n_found))
            n_found += record.n_events
        particles = concatenate(parts)
        taken = np.searchsorted(particles.event, n_collisions)
        rest = particles.select(slice(taken, None))
        self._waiting = replace(rest, event=rest.event - n_collisions), n_found - n_collisions
        return particles.select(slice(taken))


def subtract_pileup(jets, flow, n_events, radius):
    """Scale jets by what is left of them without the pile-up in their area.

    The density of transverse momentum is the median over the cells of a grid [1]_, a jet's area
    that of a circle.

    References
    ----------
    .. [1] M. Cacciari and G. P. Salam, "Pileup subtraction using jet areas", Phys. Lett. B 659
       (2008) 119, arXiv:0707.1378; the grid: FastJet user manual, arXiv:1111.6097, section 8.
    """
    density = transverse_density(flow, n_events)
    left = 1 - density[jets.event] * np.pi * radius**2 / jets.pt
    return jets.scale(np.maximum(left, 0)).select(left > 0)


def transverse_density(flow, n_events):
    """Median over a grid of the pT per unit area in eta and phi, in GeV, of each event."""
    n_rings = len(_GRID_ETA_EDGES) - 1
    ring = np.searchsorted(_GRID_ETA_EDGES, flow.eta) - 1
    inside = (ring >= 0) & (ring < n_rings)
    step = np.floor((flow.phi + np.pi) / (2 * np.pi) * _GRID_PHI_CELLS).astype(np.int64)
    cell = ring * _GRID_PHI_CELLS + np.minimum(step, _GRID_PHI_CELLS - 1)
    n_cells = n_rings * _GRID_PHI_CELLS
    key = (flow.event * n_cells + cell)[inside]
    pt = np.bincount(key, flow.pt[inside], n_events * n_cells).reshape(n_events, n_cells)
    area = np.diff(_GRID_ETA_EDGES)[0] * 2 * np.pi / _GRID_PHI_CELLS
    return np.median(pt, axis=1) / area

"""Other collisions of the same bunch crossing."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from skjetsim.datasets._chain._particles import concatenate
from skjetsim.datasets._chain._process import PILEUP
from skjetsim.datasets._chain._pythia import records

SETTINGS = ("SoftQCD:inelastic = on",)

# The median density of the cells of a grid is that of pile-up. Cells hold a few particles each. In
# smaller cells, the median would be far below the mean.
_CELL_WIDTH = 0.8
_PHI_CELLS = 8


class PileupOverlay:
    """Adds a Poisson number of inelastic collisions to each event.

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
        self.mean, self.rng = mean, rng
        self._records = records((*settings, *SETTINGS), seed)
        self._waiting = [], 0

    def __call__(self, events):
        """Return the events with the particles of the other collisions added."""
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
        """Take the next collisions, numbered from zero, and keep the rest for later."""
        parts, n_found = self._waiting
        while n_found < n_collisions:
            record = next(self._records)
            parts.append(replace(record.stable, event=record.stable.event + n_found))
            n_found += record.n_events
        particles = concatenate(parts)
        taken = np.searchsorted(particles.event, n_collisions)
        rest = particles.select(slice(taken, None))
        self._waiting = [replace(rest, event=rest.event - n_collisions)], n_found - n_collisions
        return particles.select(slice(taken))


def subtract_pileup(jets, flow, n_events, card):
    """Scale jets to the part that is left without the pile-up in their area.

    The density of transverse momentum is the median over the cells of a grid [1]_. The area of a
    jet is that of a circle. The underlying event, which is there without pile-up, stays in the
    jets, as the energy scale expects [2]_.

    References
    ----------
    .. [1] M. Cacciari and G. P. Salam, "Pileup subtraction using jet areas", Phys. Lett. B 659
       (2008) 119, arXiv:0707.1378; the grid: FastJet user manual, arXiv:1111.6097, section 8.
    .. [2] CMS Collaboration, "Jet energy scale and resolution in the CMS experiment in pp
       collisions at 8 TeV", JINST 12 (2017) P02014, arXiv:1607.03663, section 4.
    """
    density = transverse_density(flow, n_events, card) - card.underlying_density
    region = np.digitize(np.abs(jets.eta), card.track_eta_edges)
    left = 1 - density[jets.event, region] * np.pi * card.jet_radius**2 / jets.pt
    return jets.scale(left).select(left > 0)


def transverse_density(flow, n_events, card):
    """Median over a grid of the pT per unit area in eta and phi, in GeV.

    Returns
    -------
    density : ndarray of shape (n_events, n_regions)
        One column for each abs(eta) region of the tracking efficiency, and one beyond, in which no
        track identifies particles of pile-up.
    """
    edges = (0.0, *card.track_eta_edges, card.ecal_eta_edges[-1])
    # Both sides of the detector share rings in abs(eta), with twice the cells in phi.
    step = np.floor((flow.phi + np.pi) / (2 * np.pi) * _PHI_CELLS).astype(np.int64)
    step = np.minimum(step, _PHI_CELLS - 1) + _PHI_CELLS * (flow.eta > 0)
    medians = []
    for low, high in pairwise(edges):
        n_rings = max(1, round((high - low) / _CELL_WIDTH))
        rings = np.linspace(low, high, n_rings + 1)
        ring = np.searchsorted(rings, np.abs(flow.eta), side="right") - 1
        inside = (ring >= 0) & (ring < n_rings)
        n_cells = n_rings * 2 * _PHI_CELLS
        key = (flow.event * n_cells + ring * 2 * _PHI_CELLS + step)[inside]
        pt = np.bincount(key, flow.pt[inside], n_events * n_cells).reshape(n_events, n_cells)
        area = (high - low) / n_rings * 2 * np.pi / _PHI_CELLS
        medians.append(np.median(pt, axis=1) / area)
    return np.column_stack(medians)

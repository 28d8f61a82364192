"""Pythia's event record in flat arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skjetsim.datasets._chain._particles import NEUTRINO_IDS, FourMomenta, Particles

# Largest abs(eta) of the calorimeters.
PARTICLE_ETA_MAX = 5.0

# Status of particles that leave the hard process or the decays of its resonances. They have not
# radiated yet. Those from resonances already recoil against initial-state radiation.
_OUTGOING = 23


@dataclass(frozen=True)
class Entries(FourMomenta):
    """Entries of Pythia's record; `mother` is the index of an entry's first mother."""

    pdg_id: np.ndarray
    status: np.ndarray
    mother: np.ndarray

    def first_copy(self, index):
        """Follow entries up through their copies (recoil, radiation) to the first one."""
        while True:
            above = self.mother[index]
            same = self.pdg_id[above] == self.pdg_id[index]
            if not same.any():
                return index
            index = np.where(same, above, index)


@dataclass(frozen=True)
class Record:
    """A batch of events: all entries, and the stable particles among them."""

    n_events: int
    entries: Entries
    stable: Particles
    stable_index: np.ndarray

    @cached_property
    def outgoing(self):
        """Partons, leptons and photons that leave the hard process and its resonances.

        A resonance is replaced by its decay products. Their momenta are those before final-state
        radiation, but a W from a top already recoils against what the b radiated.
        """
        return np.flatnonzero(np.abs(self.entries.status) == _OUTGOING)

    @cached_property
    def visible(self):
        """Mask of stable particles that make jets: those in the calorimeters, without neutrinos."""
        is_neutrino = np.isin(np.abs(self.stable.pdg_id), NEUTRINO_IDS)
        return ~is_neutrino & (np.abs(self.stable.eta) < PARTICLE_ETA_MAX)

    def maker(self, index):
        """PDG numbers of the particles that the first copies of entries come from."""
        entries = self.entries
        return entries.pdg_id[entries.mother[entries.first_copy(index)]]


def next_record(pythia, n_events):
    """Make a :class:`Record` of the next events of a Pythia."""
    batch = pythia.nextBatch(n_events)
    layout = batch.prt.layout
    record, offsets = layout.content, np.asarray(layout.offsets)
    event = np.repeat(np.arange(len(batch)), np.diff(offsets))
    entries = Entries(
        event,
        *(np.asarray(record["p"].content(name).data) for name in ("px", "py", "pz", "e")),
        *(np.asarray(record[name].data) for name in ("id", "status")),
        offsets[event] + np.asarray(record["mother1"].data),
    )
    stable_index = np.flatnonzero(entries.status > 0)
    found = entries.select(stable_index)
    species, position = np.unique(found.pdg_id, return_inverse=True)
    charge = np.array([pythia.particleData.charge(code) for code in species.tolist()])[position]
    momenta = found.px, found.py, found.pz, found.energy
    stable = Particles(found.event, *momenta, found.pdg_id, charge)
    return Record(len(batch), entries, stable, stable_index)

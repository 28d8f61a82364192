"""Pythia's event record in flat arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skjetsim.datasets._chain._particles import FourMomenta, Particles

# Status of outgoing particles of the hard process and of the decays of its resonances. They have
# not radiated yet; those from resonances already recoil against initial-state radiation.
_OUTGOING = 23


@dataclass(frozen=True)
class Entries(FourMomenta):
    """Entries of Pythia's record, in GeV; `mother` is the index of an entry's first mother."""

    event: np.ndarray
    pdg_id: np.ndarray
    status: np.ndarray
    mother: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray

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

        Decay products stand in place of resonances. Momenta are those before final-state radiation,
        but a W from a top already recoils against what the b radiated.
        """
        return np.flatnonzero(np.abs(self.entries.status) == _OUTGOING)

    def maker(self, index):
        """PDG numbers of the particles that the first copies of entries come from."""
        entries = self.entries
        return entries.pdg_id[entries.mother[entries.first_copy(index)]]


def unpack(batch, charge_of):
    """Make a :class:`Record` of a batch from Pythia; `charge_of` gives the charge of a species."""
    layout = batch.prt.layout
    record, offsets = layout.content, np.asarray(layout.offsets)
    event = np.repeat(np.arange(len(batch)), np.diff(offsets))
    momentum = record["p"]
    entries = Entries(
        event,
        np.asarray(record["id"].data),
        np.asarray(record["status"].data),
        offsets[event] + np.asarray(record["mother1"].data),
        *(np.asarray(momentum.content(name).data) for name in ("px", "py", "pz", "e")),
    )
    stable_index = np.flatnonzero(entries.status > 0)
    found = entries.select(stable_index)
    species, position = np.unique(found.pdg_id, return_inverse=True)
    charge = np.array([charge_of(code) for code in species.tolist()])[position]
    stable = Particles(
        found.event, found.pdg_id, charge, found.px, found.py, found.pz, found.energy
    )
    return Record(len(batch), entries, stable, stable_index)

"""Pythia's event record in flat arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skjetsim.datasets._chain._particles import FourMomenta, Particles

# Outgoing particles of the hard process and of the decays of its resonances: before they radiate
# and, behind resonances, after initial-state radiation.
_OUTGOING = 23


@dataclass(frozen=True)
class Entries(FourMomenta):
    """Entries of Pythia's record, in GeV; `mother` is the index of each one's first mother."""

    event: np.ndarray
    pdg_id: np.ndarray
    status: np.ndarray
    mother: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray


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

        Resonances have their decay products in their place. Momenta are those before final-state
        radiation; but those of a W from a top hold its recoil against what the b radiated.
        """
        return np.flatnonzero(np.abs(self.entries.status) == _OUTGOING)

    def maker(self, index):
        """PDG numbers of what made entries, through their own copies (recoil, radiation)."""
        pdg_id, mother = self.entries.pdg_id, self.entries.mother
        while True:
            above = mother[index]
            same = pdg_id[above] == pdg_id[index]
            if not same.any():
                return pdg_id[above]
            index = np.where(same, above, index)


def unpack(batch, pythia, charges):
    """Make a :class:`Record` of a batch from Pythia; `charges` caches its particle data."""
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
    charge = _charge(found.pdg_id, pythia, charges)
    momenta = (found.px, found.py, found.pz, found.energy)
    stable = Particles(found.event, found.pdg_id, charge, *momenta)
    return Record(len(batch), entries, stable, stable_index)


def _charge(pdg_id, pythia, charges):
    """Electric charges, asking Pythia once for each species."""
    species, position = np.unique(pdg_id, return_inverse=True)
    for code in species.tolist():
        if code not in charges:
            charges[code] = pythia.particleData.charge(code)
    return np.array([charges[code] for code in species.tolist()])[position]

"""Processes with one jet of a known origin, and its constituents."""

from dataclasses import dataclass, replace

import numpy as np

from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import (
    at_events,
    delta_r,
    direction,
    hardest_momenta,
    renumbered,
    smallest_by_event,
)
from skjetsim.datasets._chain._pileup import subtract_pileup
from skjetsim.datasets._chain._process import Process, keep_events
from skjetsim.datasets._chain._reconstruction import jet_energy_scale
from skjetsim.datasets._jets._kinds import KINDS
from skjetsim.datasets._jets._substructure import constituents_of

JET_ETA_MAX = 2.0

JET_COLUMNS = ["pt", "eta", "phi", "mass", "multiplicity"]


@dataclass(frozen=True)
class JetCloudProcess(Process):
    """Jets of one kind as clouds of their hardest constituents, at both levels."""

    kind: str
    radius: float
    pt_range: tuple
    n_constituents: int

    description = "jets.rst"
    options = ("kind", "radius", "pt_range", "n_constituents")

    @property
    def title(self):
        """What is generated."""
        return KINDS[self.kind].title

    @property
    def settings(self):
        """Pythia's settings."""
        kind = KINDS[self.kind]
        return (*kind.settings, f"PhaseSpace:pTHatMin = {kind.pt_hat_factor * self.pt_range[0]}")

    def user_hooks(self):
        """Drop events whose jet will be out of range."""
        return KINDS[self.kind].user_hooks(self.radius, self.pt_range)

    def select(self, record):
        """Find the jet that the parton, boson or top quark became."""
        hard, partons = KINDS[self.kind].momenta(record)
        particles = record.stable.select(record.visible)
        jets, owner = cluster(particles, record.n_events, self.radius)
        distance = delta_r(jets.eta, jets.phi, *direction(hard[jets.event]))
        chosen = hardest(jets, distance < self.radius, record.n_events)
        low, high = self.pt_range
        picked = jets.select(chosen)
        good = (chosen >= 0) & (picked.pt > low) & (picked.pt < high)
        kept = np.flatnonzero(good & (np.abs(picked.eta) < JET_ETA_MAX))
        chosen, picked = chosen[kept], picked.select(kept)
        columns = {
            "data": hardest_constituents(particles, owner, chosen, self.n_constituents),
            "jets": jet_table(picked),
            "parton_delta_r": farthest_parton(record.entries.select(partons), picked, kept),
        }
        return keep_events(record, kept, columns, picked)

    def reconstruct(self, events, flow, role, card, rng):
        """Find the jet near the generated one.

        Returns ``target``: px, py and pz of constituents; ``jets``; and ``accepted``.
        """
        n_events = events.n_events
        jets, owner = cluster(flow, n_events, self.radius)
        chosen = matched_jets(jets, events, card)
        corrected = jets.select(chosen[chosen >= 0])
        if events.has_pileup:
            card = replace(card, jet_radius=self.radius)
            corrected = subtract_pileup(corrected, flow, n_events, card)
        corrected = corrected.scale(jet_energy_scale(corrected.pt, corrected.eta, card))
        corrected = corrected.select(corrected.pt > card.jet_pt_min)

        event = corrected.event
        clouds = hardest_constituents(flow, owner, chosen[event], self.n_constituents)
        # Constituents are corrected as their jet is, so that they still add up to it.
        clouds = clouds * (corrected.pt / jets.pt[chosen[event]])[:, None, None]
        accepted = np.ones(len(event), dtype=bool)
        found = {"target": clouds, "jets": jet_table(corrected), "accepted": accepted}
        return {name: at_events(rows, event, n_events) for name, rows in found.items()}


def matched_jets(jets, events, card):
    """Position of the hardest jet near the generated one in each event, -1 without such a jet."""
    generated = events.jets.select(jets.event)
    near = delta_r(jets.eta, jets.phi, generated.eta, generated.phi) < card.match_delta_r
    return hardest(jets, near & (jets.n_constituents >= card.jet_min_constituents), events.n_events)


def hardest(jets, good, n_events):
    """Position of the hardest of the `good` jets in each event, -1 without such a jet."""
    index = np.flatnonzero(good)
    among = smallest_by_event(jets.event[index], -jets.pt[index], n_events)
    return np.append(index, -1)[among]


def jet_table(jets):
    """Columns of `JET_COLUMNS`, in GeV."""
    return np.column_stack([jets.pt, jets.eta, jets.phi, jets.mass, jets.n_constituents])


def hardest_constituents(particles, owner, chosen, n_constituents):
    """Momenta of the hardest constituents of the jets in `chosen`, padded with zeros.

    Returns an array of shape (n_jets, n_constituents, 3) of px, py and pz in GeV.
    """
    inside = constituents_of(particles, owner, chosen)
    return hardest_momenta(inside, len(chosen), n_constituents)[..., :3]


def farthest_parton(partons, jets, kept):
    """Distance of each jet from its farthest parton; `kept` are the events of the jets."""
    row = renumbered(partons.event, kept)
    partons, row = partons.select(row >= 0), row[row >= 0]
    distance = delta_r(partons.eta, partons.phi, jets.eta[row], jets.phi[row])
    farthest = np.zeros(len(jets.event))
    np.maximum.at(farthest, row, distance)
    return farthest

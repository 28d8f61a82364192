"""Processes with leptons of a W or Z and one jet with them."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._chain._jets import cluster
from skjetsim.datasets._chain._particles import (
    COMPONENTS,
    NEUTRINO_IDS,
    at_events,
    component_names,
    delta_r,
    momenta_by_event,
    smallest_by_event,
)
from skjetsim.datasets._chain._process import (
    OTHER,
    Process,
    in_acceptance,
    keep_events,
    number_leptons,
    veto_hooks,
)
from skjetsim.datasets._chain._reconstruction import find_jets, find_leptons, missing_momentum
from skjetsim.utils._validation import check_option

JET_PT_MIN = 10.0
JET_ETA_MAX = 3.0
JET_RADIUS = 0.5
JET_MIN_CONSTITUENTS = 2


@dataclass(frozen=True)
class LeptonsAndJet(Process):
    """A hard process with one jet and the leptons that `parent` (a PDG number) decays to.

    Events are dropped before they are showered if a lepton of the hard process has an abs(eta)
    above `hard_eta_max`.

    Parameters
    ----------
    matching : {"delta_r", "leading"}, default="delta_r"
        Which reconstructed jet belongs to the generated one. "delta_r" is the nearest one within
        `match_delta_r`; an event without such a jet is not accepted. "leading" is the leading jet,
        near or not; `matched` says whether it is near.
    """

    title: str
    description: str
    settings: tuple
    parent: int
    leptons: tuple
    hard_eta_max: float
    matching: str = "delta_r"

    options = ("matching",)

    def __post_init__(self):
        check_option(self.matching, "matching", ("delta_r", "leading"))

    @property
    def feature_names(self):
        """Columns of both levels: leptons in their order, jet, missing momentum."""
        objects = [*(lepton.name for lepton in self.leptons), "jet"]
        return (*component_names(objects, COMPONENTS[:3]), "jet_mass", "met_px", "met_py")

    target_names = feature_names

    def user_hooks(self):
        """Drop events with a lepton far outside the acceptance.

        Multiparton interactions take most of the time of an event, and initial-state radiation
        hardly ever brings such a lepton back.
        """
        pdg_ids = {pdg_id for lepton in self.leptons for pdg_id in lepton.pdg_ids}

        def is_far(record):
            eta = (abs(particle.eta()) for particle in record if particle.id() in pdg_ids)
            return any(value > self.hard_eta_max for value in eta)

        return veto_hooks(self.title, process_level=is_far)

    def select(self, record):
        """Apply the loose selection and compute the generator-level features."""
        particles, n_events = record.stable, record.n_events
        role = number_leptons(record, self.leptons, self.parent)
        clustered = particles.select(record.visible & (role == OTHER))
        jets, _ = cluster(clustered, n_events, JET_RADIUS)
        leptons = momenta_by_event(particles, role, len(self.leptons), n_events)
        good_jet = (jets.pt > JET_PT_MIN) & (np.abs(jets.eta) < JET_ETA_MAX)
        # A single photon, radiated by a muon for example, is not a jet and has no mass.
        good_jet &= jets.n_constituents >= JET_MIN_CONSTITUENTS
        jets = jets.select(good_jet & jets.away_from(leptons, JET_RADIUS))
        leading = smallest_by_event(jets.event, -jets.pt, n_events)

        kept = np.flatnonzero(in_acceptance(leptons).all(axis=1) & (leading >= 0))
        jets = jets.select(leading[kept])
        neutrinos = particles.select(np.isin(np.abs(particles.pdg_id), NEUTRINO_IDS))
        met = neutrinos.sums(n_events)[kept, :2]
        momenta = leptons.reshape(n_events, -1)[kept]
        data = np.column_stack([momenta, jets.momenta[:, :3], jets.mass, met])
        return keep_events(record, kept, {"data": data}, jets, role)

    def reconstruct(self, events, flow, role, card, rng):
        """Find leptons, jet and missing momentum.

        Returns ``target``; ``accepted``: whether all leptons and a jet were found; and
        ``matched``: whether the jet is also near the generated one.
        """
        n_events = events.n_events
        leptons, has_leptons = find_leptons(flow, role, self.leptons, n_events, card, rng)
        jets = find_jets(flow.select(role < 0), leptons, n_events, card, events.has_pileup)
        jet, has_jet, near = self._match(jets, events, card)
        accepted = has_leptons & has_jet
        met = missing_momentum(flow, n_events)
        target = np.column_stack([leptons.reshape(n_events, -1), jet, met])
        target[~accepted] = 0
        return {"target": target, "accepted": accepted, "matched": accepted & near}

    def _match(self, jets, events, card):
        """Momentum and mass of a jet of each event, whether it is found, and whether it is near."""
        n_events = events.n_events
        generated = events.jets.select(jets.event)
        distance = delta_r(jets.eta, jets.phi, generated.eta, generated.phi)
        nearest = self.matching == "delta_r"
        chosen = smallest_by_event(jets.event, distance if nearest else -jets.pt, n_events)
        found = chosen >= 0
        near = at_events(distance[chosen[found]] < card.match_delta_r, found, n_events)
        picked = jets.select(chosen[found])
        features = np.column_stack([picked.momenta[:, :3], picked.mass])
        features = at_events(features, found, n_events)
        return features, near if nearest else found, near

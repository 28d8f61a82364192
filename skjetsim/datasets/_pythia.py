"""W + jet events from Pythia 8."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._jets import Jets, cluster
from skjetsim.datasets._particles import (
    NEUTRINO_IDS,
    Particles,
    pseudorapidity,
    smallest_by_event,
    sum_by_event,
)

MUON_PT_MIN = 10.0
MUON_ETA_MAX = 2.5
JET_PT_MIN = 10.0
JET_ETA_MAX = 3.0
JET_RADIUS = 0.5
JET_MIN_CONSTITUENTS = 2
PARTICLE_ETA_MAX = 5.0
MAX_SEED = 900_000_000

# Events made at a time. Larger batches waste more events behind the last row, smaller ones
# spend more on the fixed cost of array operations.
BATCH_SIZE = 128

SETTINGS = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "WeakBosonAndParton:qqbar2Wg = on",
    "WeakBosonAndParton:qg2Wq = on",
    "PhaseSpace:pTHatMin = 10.",
    "24:onMode = off",
    "24:onIfMatch = 13 14",
    "PartonLevel:MPI = on",
    # Particles with c tau above 10 mm reach the detector: the LHC's definition of stable.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    "Random:setSeed = on",
)


@dataclass(frozen=True)
class GeneratedEvents:
    """Generated events that pass the loose selection.

    `particles` are the stable ones, `from_w` marks the muon of the W among them, `jets` has one
    jet an event, and `features` the nine columns of the generator level.
    """

    n_events: int
    particles: Particles
    from_w: np.ndarray
    jets: Jets
    features: np.ndarray


def generate(seed):
    """Yield batches of selected events without end, from one Pythia of its own.

    Pythia adapts its maxima as it runs, so events depend on all those before: only a fresh
    object and a seed repeat them.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in (*SETTINGS, f"Random:seed = {seed}"):
        if not pythia.readString(setting):
            raise RuntimeError(f"Pythia does not know the setting {setting!r}.")
    # Multiparton interactions take most of the time of an event, so events whose muon cannot
    # pass are dropped before them.
    veto = _forward_muon_veto(pythia8mc)
    pythia.setUserHooksPtr(veto)
    if not pythia.init():
        raise RuntimeError("Pythia could not be initialised.")
    charges = {}
    while True:
        yield _select(*_unpack(pythia.nextBatch(BATCH_SIZE), pythia, charges))


def _forward_muon_veto(pythia8mc):
    """Pythia hook that drops events with the W's muon far outside the acceptance."""
    # Initial-state radiation moves the muon afterwards: 5 in 10,000 selected events start
    # farther out than this and are lost.
    eta_max = 3.25

    class ForwardMuonVeto(pythia8mc.UserHooks):
        def canVetoProcessLevel(self):  # noqa: N802
            return True

        def doVetoProcessLevel(self, process):  # noqa: N802
            muons = (particle for particle in process if particle.idAbs() == 13)
            return abs(next(muons).eta()) > eta_max

    return ForwardMuonVeto()


def _unpack(batch, pythia, charges):
    """Flat arrays of the stable particles, and which of them is the muon from the W."""
    layout = batch.prt.layout
    record, offsets = layout.content, np.asarray(layout.offsets)

    def column(name):
        return np.asarray(record[name].data)

    pdg_id, mother = column("id"), column("mother1")
    n_particles = np.diff(offsets)
    event = np.repeat(np.arange(len(batch)), n_particles)
    stable = np.flatnonzero(column("status") > 0)
    momentum = record["p"]
    px, py, pz, energy = (
        np.asarray(momentum.content(name).data)[stable] for name in ("px", "py", "pz", "e")
    )
    stable_id = pdg_id[stable]
    charge = _charge(stable_id, pythia, charges)
    particles = Particles(event[stable], stable_id, charge, px, py, pz, energy)

    muons = np.flatnonzero(np.abs(stable_id) == 13)
    from_w = np.zeros(len(stable), dtype=bool)
    start = offsets[event[stable[muons]]]
    from_w[muons] = _comes_from_w(stable[muons], start, pdg_id, mother)
    return particles, from_w, len(batch)


def _comes_from_w(index, start, pdg_id, mother):
    """Follow muons up through their own copies (recoil, radiation) to what made them."""
    while True:
        above = start + mother[index]
        same = pdg_id[above] == pdg_id[index]
        if not same.any():
            return np.abs(pdg_id[above]) == 24
        index = np.where(same, above, index)


def _charge(pdg_id, pythia, charges):
    """Electric charges, asking Pythia once for each species."""
    species, position = np.unique(pdg_id, return_inverse=True)
    for code in species.tolist():
        if code not in charges:
            charges[code] = pythia.particleData.charge(code)
    return np.array([charges[code] for code in species.tolist()])[position]


def _select(particles, from_w, n_events):
    """Apply the loose selection and compute the generator-level features."""
    is_neutrino = np.isin(np.abs(particles.pdg_id), NEUTRINO_IDS)
    clustered = ~is_neutrino & ~from_w & (np.abs(particles.eta) < PARTICLE_ETA_MAX)
    jets = cluster(particles.select(clustered), n_events, JET_RADIUS)

    muon = np.zeros((n_events, 3))
    found = particles.select(from_w)
    muon[found.event] = np.column_stack([found.px, found.py, found.pz])
    muon_eta, muon_phi = pseudorapidity(*muon.T), np.arctan2(muon[:, 1], muon[:, 0])
    good_muon = (np.hypot(muon[:, 0], muon[:, 1]) > MUON_PT_MIN) & (np.abs(muon_eta) < MUON_ETA_MAX)

    good_jet = (jets.pt > JET_PT_MIN) & (np.abs(jets.eta) < JET_ETA_MAX)
    # A photon alone, radiated by the muon for example, is no jet and has no mass.
    good_jet &= jets.n_constituents >= JET_MIN_CONSTITUENTS
    jets = jets.select(good_jet & jets.away_from(muon_eta, muon_phi, JET_RADIUS))
    leading = smallest_by_event(jets.event, -jets.pt, n_events)

    kept = np.flatnonzero(good_muon & (leading >= 0))
    jets = jets.select(leading[kept])
    neutrinos = particles.select(is_neutrino)
    met = [sum_by_event(neutrinos.event, p, n_events)[kept] for p in (neutrinos.px, neutrinos.py)]
    features = np.column_stack([muon[kept], jets.px, jets.py, jets.pz, jets.mass, *met])
    return _keep_events(particles, from_w, jets, features, kept, n_events)


def _keep_events(particles, from_w, jets, features, kept, n_events):
    """Drop the other events and number those kept anew."""
    number = np.full(n_events, -1)
    number[kept] = np.arange(len(kept))
    inside = number[particles.event] >= 0
    particles = particles.select(inside)
    particles.event[:] = number[particles.event]
    jets.event[:] = np.arange(len(kept))
    return GeneratedEvents(len(kept), particles, from_w[inside], jets, features)

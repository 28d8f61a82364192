"""Events of one process from Pythia 8."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._jets import Jets, cluster
from skjetsim.datasets._particles import (
    NEUTRINO_IDS,
    Particles,
    momenta_by_event,
    pseudorapidity,
    smallest_by_event,
    sum_by_event,
)

LEPTON_PT_MIN = 10.0
LEPTON_ETA_MAX = 2.5
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
    "PhaseSpace:pTHatMin = 10.",
    "PartonLevel:MPI = on",
    # Particles with c tau above 10 mm reach the detector: the LHC's definition of stable.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    "Random:setSeed = on",
)


@dataclass(frozen=True)
class GeneratedEvents:
    """Generated events that pass the loose selection.

    `particles` are the stable ones, `lepton` says which of the process's leptons each of them is
    (-1: none), `jets` has one jet an event, and `features` the columns of the generator level.
    """

    n_events: int
    n_leptons: int
    particles: Particles
    lepton: np.ndarray
    jets: Jets
    features: np.ndarray


def generate(process, seed):
    """Yield batches of selected events without end, from one Pythia of its own.

    Pythia adapts its maxima as it runs, so events depend on all those before: only a fresh
    object and a seed repeat them.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in (*SETTINGS, *process.settings, f"Random:seed = {seed}"):
        if not pythia.readString(setting):
            raise RuntimeError(f"Pythia does not know the setting {setting!r}.")
    # Multiparton interactions take most of the time of an event, so events whose leptons cannot
    # pass are dropped before them.
    veto = _forward_lepton_veto(pythia8mc, process)
    pythia.setUserHooksPtr(veto)
    if not pythia.init():
        raise RuntimeError("Pythia could not be initialised.")
    charges = {}
    while True:
        particles, lepton, n_events = _unpack(
            pythia.nextBatch(BATCH_SIZE), process, pythia, charges
        )
        yield _select(particles, lepton, len(process.leptons), n_events)


def _forward_lepton_veto(pythia8mc, process):
    """Pythia hook that drops events with a lepton far outside the acceptance."""
    lepton_ids = {pdg_id for lepton in process.leptons for pdg_id in lepton.pdg_ids}

    class ForwardLeptonVeto(pythia8mc.UserHooks):
        def canVetoProcessLevel(self):  # noqa: N802
            return True

        def doVetoProcessLevel(self, record):  # noqa: N802
            return any(
                abs(particle.eta()) > process.hard_eta_max
                for particle in record
                if particle.id() in lepton_ids
            )

    return ForwardLeptonVeto()


def _unpack(batch, process, pythia, charges):
    """Flat arrays of the stable particles, and which of them are the process's leptons."""
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

    lepton = np.full(len(stable), -1)
    for number, kind in enumerate(process.leptons):
        alike = np.flatnonzero(np.isin(stable_id, kind.pdg_ids))
        start = offsets[event[stable[alike]]]
        made_by = np.abs(_maker(stable[alike], start, pdg_id, mother))
        lepton[alike[made_by == process.parent]] = number
    return particles, lepton, len(batch)


def _maker(index, start, pdg_id, mother):
    """Follow particles up through their own copies (recoil, radiation) to what made them."""
    while True:
        above = start + mother[index]
        same = pdg_id[above] == pdg_id[index]
        if not same.any():
            return pdg_id[above]
        index = np.where(same, above, index)


def _charge(pdg_id, pythia, charges):
    """Electric charges, asking Pythia once for each species."""
    species, position = np.unique(pdg_id, return_inverse=True)
    for code in species.tolist():
        if code not in charges:
            charges[code] = pythia.particleData.charge(code)
    return np.array([charges[code] for code in species.tolist()])[position]


def _select(particles, lepton, n_leptons, n_events):
    """Apply the loose selection and compute the generator-level features."""
    is_neutrino = np.isin(np.abs(particles.pdg_id), NEUTRINO_IDS)
    clustered = ~is_neutrino & (lepton < 0) & (np.abs(particles.eta) < PARTICLE_ETA_MAX)
    jets = cluster(particles.select(clustered), n_events, JET_RADIUS)

    leptons = momenta_by_event(particles, lepton, n_leptons, n_events)
    px, py, pz = np.moveaxis(leptons, 2, 0)
    inside = np.abs(pseudorapidity(px, py, pz)) < LEPTON_ETA_MAX
    good_leptons = (inside & (np.hypot(px, py) > LEPTON_PT_MIN)).all(axis=1)

    good_jet = (jets.pt > JET_PT_MIN) & (np.abs(jets.eta) < JET_ETA_MAX)
    # A photon alone, radiated by a muon for example, is no jet and has no mass.
    good_jet &= jets.n_constituents >= JET_MIN_CONSTITUENTS
    jets = jets.select(good_jet & jets.away_from(leptons, JET_RADIUS))
    leading = smallest_by_event(jets.event, -jets.pt, n_events)

    kept = np.flatnonzero(good_leptons & (leading >= 0))
    jets = jets.select(leading[kept])
    neutrinos = particles.select(is_neutrino)
    met = [sum_by_event(neutrinos.event, p, n_events)[kept] for p in (neutrinos.px, neutrinos.py)]
    momenta = leptons[kept].reshape(len(kept), 3 * n_leptons)
    features = np.column_stack([momenta, jets.px, jets.py, jets.pz, jets.mass, *met])
    return _keep_events(particles, lepton, n_leptons, jets, features, kept, n_events)


def _keep_events(particles, lepton, n_leptons, jets, features, kept, n_events):
    """Drop the other events and number those kept anew."""
    number = np.full(n_events, -1)
    number[kept] = np.arange(len(kept))
    inside = number[particles.event] >= 0
    particles = particles.select(inside)
    particles.event[:] = number[particles.event]
    jets.event[:] = np.arange(len(kept))
    return GeneratedEvents(len(kept), n_leptons, particles, lepton[inside], jets, features)

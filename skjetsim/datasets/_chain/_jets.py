"""Anti-kT jets of many events at once."""

from dataclasses import dataclass, replace

import numpy as np

from skjetsim.datasets._chain._particles import FourMomenta, delta_r, direction


@dataclass(frozen=True)
class Jets(FourMomenta):
    """Jets, with the number of constituents of each."""

    n_constituents: np.ndarray

    def scale(self, factor):
        """Multiply four-momenta."""
        names = ("px", "py", "pz", "energy")
        return replace(self, **{name: getattr(self, name) * factor for name in names})

    @property
    def mass(self):
        """Masses in GeV."""
        return np.sqrt(np.maximum(self.mass_squared, 0))

    def away_from(self, momenta, distance):
        """Mask of jets that are farther than `distance` from all `momenta` of their event.

        `momenta` has shape (n_events, n_momenta, 3).
        """
        away = np.ones(len(self.event), dtype=bool)
        for index in range(momenta.shape[1]):
            eta, phi = direction(momenta[:, index])
            away &= delta_r(self.eta, self.phi, eta[self.event], phi[self.event]) > distance
        return away


def cluster(particles, n_events, radius, algorithm="antikt"):
    """Cluster particles into jets, and find the jet of each particle.

    Parameters
    ----------
    particles : Particles
        Particles to cluster.

    n_events : int
        Number of events, including those without particles.

    radius : float
        Radius parameter of the algorithm.

    algorithm : {"antikt", "kt"}, default="antikt"
        Anti-kT [1]_, or kT for subjets.

    Returns
    -------
    jets : Jets
        All jets, however soft.

    owner : ndarray of int
        Position in `jets` of the jet of each particle.

    References
    ----------
    .. [1] M. Cacciari, G. P. Salam and G. Soyez, "The anti-kt jet clustering algorithm",
       JHEP 04 (2008) 063, arXiv:0802.1189; "FastJet user manual", arXiv:1111.6097.
    """
    import awkward as ak
    import fastjet

    # The banner would land in the middle of a progress bar.
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    columns = {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.energy}
    counts = np.bincount(particles.event, minlength=n_events)
    events = ak.unflatten(ak.zip(columns), counts)
    definition = fastjet.JetDefinition(getattr(fastjet, f"{algorithm}_algorithm"), radius)
    sequence = fastjet.ClusterSequence(events, definition)
    jets = sequence.inclusive_jets()
    members = sequence.constituent_index()
    n_constituents = ak.to_numpy(ak.flatten(ak.num(members, axis=2)))
    flat = ak.flatten(jets)
    event = np.repeat(np.arange(n_events), ak.to_numpy(ak.num(jets)))
    # Members count from the first particle of their event.
    first = np.cumsum(counts) - counts
    jet_of_member = np.repeat(np.arange(len(event)), n_constituents)
    member = ak.to_numpy(ak.flatten(members, axis=None)) + first[event[jet_of_member]]
    owner = np.empty(len(particles.event), dtype=np.int64)
    owner[member] = jet_of_member
    momenta = (ak.to_numpy(flat[name]) for name in columns)
    return Jets(event, *momenta, n_constituents), owner

"""What is inside jets: subjets, trimming, N-subjettiness, of many jets at once."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from skjetsim.datasets._chain._jets import Jets, cluster
from skjetsim.datasets._chain._particles import (
    Particles,
    delta_r,
    direction,
    hardest_momenta,
    renumbered,
)

SUBJET_RADIUS = 0.3
SUBJET_PT_FRACTION = 0.05


@dataclass(frozen=True)
class TrimmedJets:
    """Jets after trimming; the `event` of jets and particles is the row of the jet.

    `axes` has shape (n_jets, 2, 2): eta and phi of the two hardest subjets. The second is NaN if a
    jet has only one.
    """

    jets: Jets
    particles: Particles
    axes: np.ndarray


def trim(particles, owner, jets, chosen):
    """Trim jets [1]_: remove subjets that carry little of their pT.

    Parameters
    ----------
    particles : Particles
        Particles that were clustered.

    owner : ndarray of int
        Position in `jets` of the jet of each particle.

    jets : Jets
        Jets.

    chosen : ndarray of int
        Positions of the jets to trim.

    Returns
    -------
    trimmed : TrimmedJets
        Jets of kT subjets with radius `SUBJET_RADIUS` and above `SUBJET_PT_FRACTION` of the pT.

    References
    ----------
    .. [1] D. Krohn, J. Thaler and L.-T. Wang, "Jet trimming", arXiv:0912.1342.
    """
    inside = constituents_of(particles, owner, chosen)
    subjets, sub_owner = cluster(inside, len(chosen), SUBJET_RADIUS, "kt")
    kept = subjets.pt > SUBJET_PT_FRACTION * jets.pt[chosen][subjets.event]
    inside = inside.select(kept[sub_owner])
    n_jets = len(chosen)
    n_constituents = np.bincount(inside.event, minlength=n_jets)
    trimmed = Jets(np.arange(n_jets), *inside.sums(n_jets).T, n_constituents)
    return TrimmedJets(trimmed, inside, leading_axes(subjets.select(kept), n_jets))


def constituents_of(particles, owner, chosen):
    """Constituents of chosen jets; their `event` is the position of the jet in `chosen`."""
    row = renumbered(owner, chosen)
    inside = np.flatnonzero(row >= 0)
    inside = inside[np.argsort(row[inside], kind="stable")]
    return replace(particles.select(inside), event=row[inside])


def leading_axes(subjets, n_jets):
    """Eta and phi of the two hardest subjets of each jet, NaN for subjets that it lacks."""
    momenta = hardest_momenta(subjets, n_jets, 2)
    axes = np.stack(direction(momenta), axis=2)
    axes[~momenta.any(axis=2)] = np.nan
    return axes


def tau21(particles, jets):
    """Ratio of 2-subjettiness to 1-subjettiness [1]_, about the axes of exclusive kT subjets.

    Zero for a jet of one particle.

    References
    ----------
    .. [1] J. Thaler and K. Van Tilburg, "Identifying boosted objects with N-subjettiness",
       arXiv:1011.2268, eq. 2.1.
    """
    n_jets = len(jets.event)
    several = np.flatnonzero(jets.n_constituents > 1)
    ratio = np.zeros(n_jets)
    if not len(several):
        return ratio
    row = renumbered(particles.event, several)
    inside = replace(particles, event=row).select(row >= 0)
    one = jets.select(several)
    about_one = delta_r(inside.eta, inside.phi, one.eta[inside.event], one.phi[inside.event])
    about_two = np.full(len(inside.event), np.inf)
    for axis in exclusive_axes(inside, len(several)):
        eta, phi = axis[inside.event].T
        about_two = np.minimum(about_two, delta_r(inside.eta, inside.phi, eta, phi))
    tau_1 = np.bincount(inside.event, inside.pt * about_one)
    ratio[several] = np.bincount(inside.event, inside.pt * about_two) / tau_1
    return ratio


def exclusive_axes(particles, n_jets):
    """Eta and phi of the two exclusive kT subjets of each jet, shape (2, n_jets, 2)."""
    import fastjet

    definition = fastjet.JetDefinition(fastjet.kt_algorithm, 1.0)
    momenta = particles.momenta.tolist()
    last = np.cumsum(np.bincount(particles.event, minlength=n_jets)).tolist()
    axes = np.empty((2, n_jets, 2))
    # One jet at a time. For many at once, FastJet warns about any algorithm and permanently changes
    # how Python prints warnings.
    for jet, (begin, end) in enumerate(pairwise([0, *last])):
        constituents = [fastjet.PseudoJet(*momentum) for momentum in momenta[begin:end]]
        sequence = fastjet._swig.ClusterSequence(constituents, definition)
        axes[:, jet] = [(axis.eta(), axis.phi_std()) for axis in sequence.exclusive_jets(2)]
    return axes

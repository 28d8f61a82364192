"""What starts a jet: parton, boson or top quark, and how events with it are made."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._chain._process import veto_hooks
from skjetsim.datasets._chain._pythia import beam_energy

# Outgoing parton moved by the recoil of initial-state radiation.
_RECOILED = 44

# The shower is checked once, when it has come down to this pT in GeV. By then the radiation that
# moves jets is there. The soft multiparton interactions, which take most of the time, are not.
_VETO_SCALE = 10.0

# A jet with a larger abs(eta) at that time does not end below 2.
_VETO_ETA_MAX = 2.3

INVISIBLE_Z = ("WeakZ0:gmZmode = 2", "23:onMode = off", "23:onIfAny = 12 14 16")
_HADRONIC_Z = ("WeakZ0:gmZmode = 2", "23:onMode = off", "23:onIfAny = 1 2 3 4 5")
# Windows of mass. At high pT there is a long tail of high mass, which is not a boson.
_MASS_W = ("24:mMin = 50.", "24:mMax = 110.")
_MASS_Z = ("23:mMin = 60.", "23:mMax = 120.")
HADRONIC_W = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
_LEPTONIC_W = ("24:onMode = off", "24:onIfAny = 11 13")
_DIBOSON = ("WeakDoubleBoson:ffbar2ZW = on", *_MASS_W, *_MASS_Z)

_LIGHT_QUARKS = (1, 2, 3, -1, -2, -3)
_QUARKS = (1, 2, 3, 4, 5, -1, -2, -3, -4, -5)


@dataclass(frozen=True)
class JetKind:
    """What starts a jet, and Pythia's settings for it.

    `partons` are PDG numbers of the particles that leave the hard process or its resonances and
    become the jet. If `makers` are given, partons come from their decay, and `resonance` has the
    PDG numbers of the particle with the momentum of the jet before the decay. `margins` are factors
    on the range of the jets' pT: they give the range of the partons' pT when the shower has come
    down to `_VETO_SCALE`. The pT of the softest hard process is `pt_hat_factor` times the smallest
    pT of a jet. Initial-state radiation would have to give a jet the rest.
    """

    title: str
    settings: tuple
    partons: tuple
    makers: tuple = ()
    resonance: tuple = ()
    margins: tuple = (0.95, 1.05)
    pt_hat_factor: float = 0.6

    def momenta(self, record):
        """Hard momentum of each event, and the partons whose sum it is.

        Returns
        -------
        momentum : ndarray of shape (n_events, 4)
            px, py, pz and energy, in GeV.
        index : ndarray of int
            Entries of the record that are these partons, sorted by event.
        """
        entries = record.entries
        index = record.outgoing
        index = index[np.isin(entries.pdg_id[index], self.partons)]
        if self.makers:
            index = index[np.isin(record.maker(index), self.makers)]
        else:
            index = after_recoil(entries, index)
        return entries.select(index).sums(record.n_events), index

    def user_hooks(self, radius, pt_range):
        """Pythia's hooks that drop events whose jet will be out of range."""
        low, high = (margin * pt for margin, pt in zip(self.margins, pt_range, strict=True))

        def is_of_another_kind(record):
            # Pythia has no switch for the flavour that comes with the boson.
            return not any(p.id() in self.partons for p in record if p.status() == 23)

        def is_out_of_range(position, record):
            # Resonances shower by themselves, after the rest of the event.
            if position > _LAST_OF_HARD_PROCESS:
                return False
            final = [particle for particle in record if particle.isFinal()]
            if self.resonance:
                candidate = next(p for p in final if p.id() in self.resonance)
                inside = low < candidate.pT() < high and abs(candidate.eta()) < _VETO_ETA_MAX
                return not inside
            partons = [p for p in final if p.idAbs() in _COLOURED]
            # Partons just too far apart for one jet may be in one jet after they have radiated.
            too_hard = _leading_pt(partons, radius) >= high
            return too_hard or _leading_pt(partons, 1.25 * radius) <= low

        kind = None if self.makers else is_of_another_kind
        return veto_hooks(self.title, process_level=kind, shower=is_out_of_range, scale=_VETO_SCALE)


def after_recoil(entries, index):
    """Follow partons through the recoil of initial-state radiation, until they radiate."""
    index = index.copy()
    later = np.flatnonzero(np.abs(entries.status) == _RECOILED)
    # A copy stands after its mother in the record. An entry has at most one copy.
    copy_of = np.full(len(entries.status), -1)
    same = entries.pdg_id[entries.mother[later]] == entries.pdg_id[later]
    copy_of[entries.mother[later[same]]] = later[same]
    while True:
        following = copy_of[index]
        moved = following >= 0
        if not moved.any():
            return index
        index[moved] = following[moved]


def _leading_pt(partons, radius):
    """Transverse momentum of the hardest central jet of partons; 0 without such a jet."""
    jets = parton_jets(partons, radius)
    return max((jet.pt() for jet in jets if abs(jet.eta()) < _VETO_ETA_MAX), default=0.0)


# Pythia's numbers: no step yet, multiparton interaction, initial and final-state radiation.
_LAST_OF_HARD_PROCESS = 3
_COLOURED = (1, 2, 3, 4, 5, 21)


def parton_jets(partons, radius):
    """Anti-kT jets of a few of Pythia's particles."""
    import fastjet

    # FastJet's banner would land in the middle of a progress bar.
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    momenta = [fastjet.PseudoJet(p.px(), p.py(), p.pz(), p.e()) for p in partons]
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = fastjet._swig.ClusterSequence(momenta, definition)
    return [fastjet.PseudoJet(jet) for jet in sequence.inclusive_jets()]


KINDS = {
    "gluon": JetKind("gluon jet", ("WeakBosonAndParton:qqbar2gmZg = on", *INVISIBLE_Z), (21,)),
    "quark": JetKind("quark jet", ("WeakBosonAndParton:qg2gmZq = on", *INVISIBLE_Z), _LIGHT_QUARKS),
    "top": JetKind(
        "top jet",
        (
            "Top:gg2ttbar = on",
            "Top:qqbar2ttbar = on",
            # The antitop's W decays to a lepton and is not a candidate.
            "24:onMode = off",
            "24:onPosIfAny = 1 2 3 4 5",
            "24:onNegIfAny = 11 13",
        ),
        partons=_QUARKS,
        resonance=(6,),
        makers=(6, 24),
        # The mass is large: radiation and decay products leave the jet, or another jet joins it.
        margins=(0.80, 1.25),
        pt_hat_factor=0.5,
    ),
    "w": JetKind("W jet", (*_DIBOSON, *INVISIBLE_Z, *HADRONIC_W), _QUARKS, (24, -24), (24, -24)),
    "z": JetKind("Z jet", (*_DIBOSON, *_HADRONIC_Z, *_LEPTONIC_W), _QUARKS, (23,), (23,)),
}


def check_pt_range(pt_range, settings):
    """Lower and upper end of the jets' pT in GeV, as floats; `settings` have the beam energy."""
    try:
        low, high = (float(pt) for pt in pt_range)
    except (TypeError, ValueError):
        raise TypeError(f"pt_range must be two numbers in GeV, got {pt_range!r}.") from None
    if not 0 < low < high < np.inf:
        raise ValueError(f"pt_range must be 0 < low < high in GeV, got {pt_range!r}.")
    energy = beam_energy(settings)
    if low >= energy / 2:
        raise ValueError(
            f"pt_range begins at {low:g} GeV, but beams with {energy:g} GeV together cannot make a "
            "jet of more than half of that."
        )
    return low, high

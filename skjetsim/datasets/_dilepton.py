"""Z bosons that decay to two electrons or two muons."""

from dataclasses import dataclass

import numpy as np

from skjetsim.datasets._bundled import load_pair
from skjetsim.datasets._chain._events import generate_tables
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._particles import component_names
from skjetsim.datasets._chain._process import (
    Lepton,
    Process,
    in_acceptance,
    keep_events,
    number_leptons,
    veto_hooks,
)
from skjetsim.datasets._chain._reconstruction import find_leptons

Z_ID = 23
# Position of the boson of a process 2 -> 1 in Pythia's record: after system, beams and partons.
HARD_BOSON = 5

ELECTRONS = Lepton("electron", (11,)), Lepton("positron", (-11,))
MUONS = Lepton("muon", (13,)), Lepton("antimuon", (-13,))


def z_settings(leptons):
    """Pythia's settings for a Z that decays to a pair of `leptons`.

    Z, photon and their interference are in the mass window in which CMS measures the Z.
    """
    window = "WeakZ0:gmZmode = 0", "23:mMin = 60.", "23:mMax = 120."
    (lepton,), (antilepton,) = (lepton.pdg_ids for lepton in leptons)
    return *window, "23:onMode = off", f"23:onIfMatch = {lepton} {antilepton}"


@dataclass(frozen=True)
class LeptonPair(Process):
    """A Z that decays to two `leptons` of opposite charge, with a `mass` in GeV."""

    title: str
    description: str
    leptons: tuple
    mass: float

    @property
    def settings(self):
        """Pythia's settings."""
        return "WeakSingleBoson:ffbar2gmZ = on", *z_settings(self.leptons)

    @property
    def feature_names(self):
        """Columns of both levels: four-momenta of the negative and the positive lepton."""
        return component_names(lepton.name for lepton in self.leptons)

    target_names = feature_names

    def user_hooks(self):
        """Drop events that fail the selection before they are hadronised."""

        def is_outside(record):
            boson = record[record[HARD_BOSON].iBotCopyId()]
            leptons = (record[index] for index in (boson.daughter1(), boson.daughter2()))
            momenta = np.array([(lepton.px(), lepton.py(), lepton.pz()) for lepton in leptons])
            return not in_acceptance(momenta).all()

        return veto_hooks(self.title, parton_level=is_outside)

    def select(self, record):
        """Apply the loose selection to the leptons before they radiate."""
        momenta = np.zeros((record.n_events, len(self.leptons), 4))
        outgoing = record.entries.select(record.outgoing)
        for number, lepton in enumerate(self.leptons):
            found = outgoing.select(np.isin(outgoing.pdg_id, lepton.pdg_ids))
            momenta[found.event, number] = found.momenta
        kept = np.flatnonzero(in_acceptance(momenta).all(axis=1))
        data = momenta.reshape(record.n_events, -1)[kept]
        role = number_leptons(record, self.leptons, Z_ID)
        return keep_events(record, kept, {"data": data}, role=role)

    def reconstruct(self, events, flow, role, card, rng):
        """Find both leptons. Returns ``target``, and ``accepted``: whether both were found."""
        momenta, accepted = find_leptons(flow, role, self.leptons, events.n_events, card, rng)
        energy = np.sqrt(np.square(momenta).sum(axis=2) + self.mass**2)
        target = np.concatenate([momenta, energy[:, :, None]], axis=2)
        target = target.reshape(events.n_events, -1)
        target[~accepted] = 0
        return {"target": target, "accepted": accepted}


ZEE = LeptonPair("Z -> ee", "zee.rst", ELECTRONS, mass=5.11e-4)
ZMUMU = LeptonPair("Z -> mumu", "zmumu.rst", MUONS, mass=0.10566)


@generator()
def generate_zee(request):
    """Generate Z -> e+ e- events and pass them through a parametric detector.

    Pythia 8 makes proton-proton collisions at 13 TeV with a Z boson or virtual photon of 60 to
    120 GeV that decays to electrons, with parton showers, multiparton interactions and
    hadronisation. A row is an event whose electrons, before they radiate photons, have
    pT > 10 GeV and abs(eta) < 2.5. Parton level and detector level have eight columns each. This is
    the first benchmark of unpaired simulation and unfolding [1]_.

    Parameters
    ----------
    %(n_samples)s

    %(shared)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 8)
            Parton level, in GeV: ``electron_px``, ``electron_py``, ``electron_pz``,
            ``electron_E``, and the same of the positron.
        target : DataFrame of shape (n_samples, 8)
            The same columns after reconstruction; zeros if the event is not accepted.
        accepted : ndarray of bool of shape (n_samples,)
            Whether both electrons were reconstructed with pT > 5 GeV and abs(eta) < 2.4.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            `target` and `accepted` of each of the ``n_detector - 1`` other passes.
        %(feature_names)s
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    %(ValueError)s
    %(OSError)s

    See Also
    --------
    load_zee : Load a bundled sample, without Pythia.
    generate_zmumu : The same with muons.
    DetectorCard : The numbers of the detector.

    Notes
    -----
    The parton level is before final-state radiation. It is after initial-state radiation, so that
    the Z has transverse momentum. Photons radiated near an electron are part of its cluster in the
    calorimeter. Other photons lower the mass of the reconstructed pair.

    Needs the packages of the extra `pythia`.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> from skjetsim.datasets import generate_zee
    >>> events = generate_zee(100, random_state=0)  # doctest: +SKIP
    >>> X, y = events.data[events.accepted], events.target[events.accepted]  # doctest: +SKIP
    >>> X.columns[:4].to_list()  # doctest: +SKIP
    ['electron_px', 'electron_py', 'electron_pz', 'electron_E']
    """
    return generate_tables(ZEE, request)


@generator()
def generate_zmumu(request):
    """Generate Z -> mu+ mu- events and pass them through a parametric detector.

    The events are those of :func:`generate_zee`, but with muons, which radiate less and are
    measured in the tracker alone. With ``settings=["Beams:eCM = 7000."]``, they are the theory for
    the dimuons that CMS recorded in 2011.

    Parameters
    ----------
    %(n_samples)s

    %(shared)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 8)
            Parton level, in GeV: ``muon_px``, ``muon_py``, ``muon_pz``, ``muon_E``, and the
            same of the antimuon.
        target : DataFrame of shape (n_samples, 8)
            The same columns after reconstruction; zeros if the event is not accepted.
        accepted : ndarray of bool of shape (n_samples,)
            Whether both muons were reconstructed with pT > 5 GeV and abs(eta) < 2.4.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            `target` and `accepted` of each of the ``n_detector - 1`` other passes.
        %(feature_names)s
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    %(ValueError)s
    %(OSError)s

    See Also
    --------
    generate_zee : The same with electrons, with more notes.
    DetectorCard : The numbers of the detector.

    Notes
    -----
    Needs the packages of the extra `pythia`.

    Examples
    --------
    >>> from skjetsim.datasets import generate_zmumu
    >>> events = generate_zmumu(  # doctest: +SKIP
    ...     100, random_state=0, settings=["Beams:eCM = 7000."]
    ... )
    >>> events.data.shape, events.target.shape  # doctest: +SKIP
    ((100, 8), (100, 8))
    """
    return generate_tables(ZMUMU, request)


def load_zee(*, selection="accepted", return_X_y=False):
    """Load 30,000 bundled Z -> e+ e- events, as partons and as reconstructed.

    They are made by :func:`generate_zee` with its defaults. Its page describes the columns.

    ========================   ==========
    Generated events               30,000
    Features, targets                8, 8
    Units                             GeV
    ========================   ==========

    Parameters
    ----------
    selection : {"accepted", "all"}, default="accepted"
        "accepted" gives the events that the detector reconstructs. "all" gives every generated
        event, and a ninth target column `accepted`, which is 1 or 0. The other targets of a
        rejected event are 0.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 8)
            Parton level, in GeV.
        target : DataFrame of shape (n_samples, 8) or (n_samples, 9)
            Detector level, in GeV.
        accepted : ndarray of bool of shape (n_samples,)
            Whether the detector found both electrons.
        feature_names, target_names : list of str
            Names of the columns.
        repeats : tuple of one Bunch of `target` and `accepted`
            A second, independent detector pass of the same events. Its difference from the first
            is the floor of every comparison of a simulation with the truth. Rows that this pass
            rejects are 0.
        DESCR : str
            Description of the data.

    (data, target) : tuple of DataFrame
        If `return_X_y` is True.

    See Also
    --------
    generate_zee : Generate more, or with another detector.

    Examples
    --------
    >>> from skjetsim.datasets import load_zee
    >>> X, y = load_zee(return_X_y=True)
    >>> list(y.columns[:4])
    ['electron_px', 'electron_py', 'electron_pz', 'electron_E']
    >>> load_zee(selection="all").data.shape
    (30000, 8)
    """
    return load_pair(ZEE, "zee.parquet", selection=selection, return_X_y=return_X_y)

"""W + jet events: generated anew, or the bundled sample."""

from dataclasses import replace

from skjetsim.datasets._bundled import load_pair
from skjetsim.datasets._chain._events import generate_tables
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._process import Lepton
from skjetsim.datasets._leptons_and_jet import LeptonsAndJet

WJET = LeptonsAndJet(
    title="W + jet",
    description="wjet.rst",
    settings=(
        "WeakBosonAndParton:qqbar2Wg = on",
        "WeakBosonAndParton:qg2Wq = on",
        "PhaseSpace:pTHatMin = 10.",
        "24:onMode = off",
        "24:onIfMatch = 13 14",
    ),
    parent=24,
    leptons=(Lepton("muon", (13, -13)),),
    # 5 in 10,000 selected events start farther out than this and are lost.
    hard_eta_max=3.25,
)


@generator(LeptonsAndJet)
def generate_wjet(request, *, matching="delta_r"):
    """Generate W + jet events and pass them through a parametric detector.

    Pythia 8 [1]_ makes proton-proton collisions at 13 TeV with a W that decays to a muon and a
    neutrino and a jet, with parton showers, multiparton interactions and hadronisation. A
    detector in the manner of Delphes [2]_ measures them. A row is an event that passes a loose
    generator-level selection. The muon has pT > 10 GeV and abs(eta) < 2.5. The leading jet away
    from the muon has pT > 10 GeV, abs(eta) < 3 and two particles or more.

    Parameters
    ----------
    %(n_samples)s

    %(matching)s

    %(shared)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 9)
            Generator level, in GeV: momenta of muon and jet, jet mass, and the missing
            transverse momentum, which is the sum over neutrinos.
        target : DataFrame of shape (n_samples, 9)
            The same columns after reconstruction; zeros if the event is not accepted.
        accepted : ndarray of bool of shape (n_samples,)
            Whether a muon (pT > 5 GeV, abs(eta) < 2.4) and a jet (pT > 5 GeV) were reconstructed.
        matched : ndarray of bool of shape (n_samples,)
            Whether the event is accepted with a jet near the generated one.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            `target`, `accepted` and `matched` of each of the ``n_detector - 1`` other passes.
        %(feature_names)s
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    %(ValueError)s
    %(OSError)s

    See Also
    --------
    load_wjet : Load a bundled sample, without Pythia.
    generate_zjet : Another process, to test what was trained on this one.
    DetectorCard : The numbers of the detector.

    Notes
    -----
    Missing momentum is minus the vector sum of the energy-flow objects, without propagating the
    jet energy scale, as in Delphes. The muon is the one from the W, without the photons that it
    radiates. Needs the packages of the extra `pythia`.

    Tracks of pile-up are recognised by their origin and dropped, as by an ideal vertex finder.
    Neutral particles of pile-up stay, and jets are corrected for them by the median density of an
    event [3]_.

    To save time, events whose muon is at abs(eta) > 3.25 before initial-state radiation are
    dropped early. This loses 5 in 10,000 of the events that would pass the selection.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       arXiv:2203.11601.
    .. [2] DELPHES 3 Collaboration, "DELPHES 3, A modular framework for fast simulation of a
       generic collider experiment", arXiv:1307.6346.
    .. [3] M. Cacciari and G. P. Salam, "Pileup subtraction using jet areas", arXiv:0707.1378.

    Examples
    --------
    >>> from skjetsim.datasets import generate_wjet
    >>> events = generate_wjet(100, random_state=0)  # doctest: +SKIP
    >>> events.data.shape, events.target.shape  # doctest: +SKIP
    ((100, 9), (100, 9))
    """
    return generate_tables(replace(WJET, matching=matching), request)


def load_wjet(*, selection="accepted", return_X_y=False):
    """Load 30,000 bundled W + jet events, at generator level and as reconstructed.

    They are made by :func:`generate_wjet` with its defaults. Its page describes the columns.

    ========================   ==========
    Generated events               30,000
    Features, targets                9, 9
    Units                             GeV
    ========================   ==========

    Parameters
    ----------
    selection : {"accepted", "all"}, default="accepted"
        "accepted" gives the events that the detector reconstructs. "all" gives every generated
        event, and a tenth target column `accepted`, which is 1 or 0. The other targets of a
        rejected event are 0.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 9)
            Generator level, in GeV.
        target : DataFrame of shape (n_samples, 9) or (n_samples, 10)
            Detector level, in GeV.
        accepted, matched : ndarray of bool of shape (n_samples,)
            Whether the detector found muon and jet, and whether the jet is near the generated one.
        feature_names, target_names : list of str
            Names of the columns.
        repeats : tuple of one Bunch of `target`, `accepted` and `matched`
            A second, independent detector pass of the same events. Its difference from the first
            is the floor of every comparison of a simulation with the truth. Its `target` has 9
            columns. Rows that this pass rejects are 0.
        DESCR : str
            Description of the data.

    (data, target) : tuple of DataFrame
        If `return_X_y` is True.

    See Also
    --------
    generate_wjet : Generate more, or with another detector.

    Examples
    --------
    >>> from skjetsim.datasets import load_wjet
    >>> X, y = load_wjet(return_X_y=True)
    >>> list(X.columns[:3])
    ['muon_px', 'muon_py', 'muon_pz']
    >>> load_wjet(selection="all").data.shape
    (30000, 9)
    """
    return load_pair(WJET, "wjet.parquet", selection=selection, return_X_y=return_X_y)

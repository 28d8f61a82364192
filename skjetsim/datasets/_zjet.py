"""Z + jet events."""

from dataclasses import replace

from skjetsim.datasets._chain._events import generate_tables
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._dilepton import MUONS, Z_ID, z_settings
from skjetsim.datasets._leptons_and_jet import LeptonsAndJet

ZJET = LeptonsAndJet(
    title="Z + jet",
    description="zjet.rst",
    settings=(
        "WeakBosonAndParton:qqbar2gmZg = on",
        "WeakBosonAndParton:qg2gmZq = on",
        "PhaseSpace:pTHatMin = 10.",
        *z_settings(MUONS),
    ),
    parent=Z_ID,
    leptons=MUONS,
    # 4 in 10,000 selected events start farther out and are lost. The limit of W + jet loses 15.
    hard_eta_max=4.0,
)


@generator(LeptonsAndJet)
def generate_zjet(request, *, matching="delta_r"):
    """Generate Z + jet events and pass them through a parametric detector.

    The chain is that of :func:`generate_wjet`, with a Z that decays to two muons. This is a closure
    test: a simulation trained on W + jet is right here, too, if it learned the detector and not
    the W. A row is an event that passes the same loose generator-level selection. Both muons have
    pT > 10 GeV and abs(eta) < 2.5. The leading jet away from both has pT > 10 GeV, abs(eta) < 3 and
    two particles or more.

    Parameters
    ----------
    %(n_samples)s

    %(matching)s

    %(shared)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 12)
            Generator level, in GeV: momenta of the negative muon, `muon`, and of the positive
            one, `antimuon`; momentum and mass of the jet; and the missing transverse momentum,
            which is the sum over neutrinos. They are few and soft here.
        target : DataFrame of shape (n_samples, 12)
            The same columns after reconstruction; zeros if the event is not accepted.
        accepted : ndarray of bool of shape (n_samples,)
            Whether both muons (pT > 5 GeV, abs(eta) < 2.4) and a jet (pT > 5 GeV) were
            reconstructed.
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
    generate_wjet : The process to train on, with notes on the detector.
    DetectorCard : The numbers of the detector.

    Notes
    -----
    The Z and the virtual photon interfere and have a mass of 60 to 120 GeV [1]_. Muons that
    radiate photons make the mass of the pair smaller. `muon` is chosen by its charge and not by its
    pT. It is the softer muon as often as the harder one, and its spectrum is as unbiased as that of
    the muon of a W. Missing momentum is minus the vector sum of the energy-flow objects, which
    include both muons. Needs the packages of the extra `pythia`.

    To save time, events with a muon at abs(eta) > 4 before initial-state radiation are
    dropped early. This loses 4 in 10,000 of the events that would pass the selection.

    References
    ----------
    .. [1] CMS Collaboration, "Measurement of the inclusive W and Z production cross sections in
       pp collisions at sqrt(s) = 7 TeV", JHEP 10 (2011) 132, arXiv:1107.4789.

    Examples
    --------
    A model trained on W + jet takes the columns that both samples have:

    >>> from skjetsim.datasets import generate_zjet, load_wjet
    >>> events = generate_zjet(100, random_state=0)  # doctest: +SKIP
    >>> events.data.shape, events.target.shape  # doctest: +SKIP
    ((100, 12), (100, 12))
    >>> X = events.data[load_wjet().feature_names]  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (100, 9)
    """
    return generate_tables(replace(ZJET, matching=matching), request)

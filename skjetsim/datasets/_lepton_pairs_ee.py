"""Lepton pairs of electron-positron collisions at parton level."""

from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._note import describe
from skjetsim.datasets._lepton_pairs import lepton_pairs, pairs_bunch, unweighted_pairs
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_option

LEPTONS = {"electron": 11, "muon": 13, "tau": 15}

# Pythia's Z ends here. At lower energies, hadronic resonances would be missing, too.
ENERGY_MIN = 10.0


@generator(unweighted_pairs, detector=False)
def generate_lepton_pairs_ee(
    request, *, energy=91.1876, boson="both", leptons=("electron", "muon"), isr=False
):
    """Generate lepton pairs of electron-positron collisions at parton level.

    Electron and positron annihilate to a photon or Z that decays to two leptons, at leading
    order, with Pythia 8 [1]_: by default on the Z peak, with electrons and muons alike, a
    benchmark of generative models [2]_. No final-state radiation, no detector.

    Parameters
    ----------
    n_samples : int
        Number of rows.

    energy : float, default=91.1876
        Energy of the collisions in GeV. The default is the mass of the Z.

    boson : {"both", "photon", "z"}, default="both"
        What is exchanged: photon and Z with their interference, or one of them alone.

    leptons : sequence of {"electron", "muon", "tau"}, default=("electron", "muon")
        What the pairs are made of.

    isr : bool, default=False
        Whether the beams radiate photons along their direction before they collide, so that
        pairs have less energy and are boosted. Pairs below 10 GeV are then left out.

    %(random_state)s

    settings : sequence of str, default=()
        Settings of Pythia for variations of its parameters, such as ``"23:m0 = 91."``. They
        overrule the process's own.

    %(memory)s

    %(n_jobs)s

    %(verbose)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 8)
            Momenta and energies of lepton (negative) and antilepton, in GeV. The electron beam
            goes along +z.
        pdg_id : ndarray of int of shape (n_samples,)
            PDG number of the lepton: 11 electron, 13 muon, 15 tau.
        cross_section, cross_section_error : float
            Pythia's cross-section, and its statistical error, in pb.
        feature_names : list of str
            Names of the columns.
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    ValueError
        If Pythia does not take a setting or cannot start, or at an energy of 10 GeV or less.
    %(OSError)s

    See Also
    --------
    generate_drell_yan : The same exchange in proton-proton collisions.

    Notes
    -----
    Only annihilation is simulated: electron pairs have no t-channel, as in [2]_. Needs the
    packages of the extra `pythia`.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       arXiv:2203.11601.
    .. [2] S. Otten et al., "Event generation and statistical sampling for physics with deep
       generative models and a density information buffer", arXiv:1901.00875.

    Examples
    --------
    >>> from skjetsim.datasets import generate_lepton_pairs_ee
    >>> events = generate_lepton_pairs_ee(1000, random_state=0)  # doctest: +SKIP
    >>> events.data.shape, sorted(set(events.pdg_id))  # doctest: +SKIP
    ((1000, 8), [11, 13])
    """
    energy = check_real(energy, "energy", above=ENERGY_MIN, unit="GeV")
    own = (
        "Beams:idA = 11",
        "Beams:idB = -11",
        f"Beams:eCM = {energy!r}",
        f"PDF:lepton = {'on' if isr else 'off'}",
        "23:onMode = off",
        f"23:onIfAny = {_numbers(leptons)}",
    )
    title, file = "e+ e- to lepton pair", "lepton_pairs_ee.rst"
    pairs = lepton_pairs(title, file, boson, own, request.settings)
    columns, cross_section = unweighted_pairs(pairs, request)
    choices = {"energy": energy, "boson": boson, "leptons": tuple(leptons), "isr": isr}
    descr = describe(pairs, request, choices)
    return pairs_bunch("lepton", columns, cross_section, descr, pdg_id=columns["pdg_id"])


def _numbers(leptons):
    """PDG numbers of lepton names, sorted, so that the events do not depend on their order."""
    if isinstance(leptons, str):
        raise TypeError(f"leptons must be a list of names, got the string {leptons!r}.")
    leptons = set(leptons)
    if not leptons:
        raise ValueError(f"leptons is empty; pass some of {list(LEPTONS)}.")
    for name in leptons:
        check_option(name, "leptons", list(LEPTONS))
    return " ".join(map(str, sorted(LEPTONS[name] for name in leptons)))

"""Drell-Yan muon pairs at parton level, unweighted or weighted."""

import re

import numpy as np

from skjetsim.datasets._chain._events import run_chunks
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._note import describe
from skjetsim.datasets._chain._pythia import beam_energy, start
from skjetsim.datasets._drell_yan_weights import muons, phase_space, weights
from skjetsim.datasets._lepton_pairs import CHUNK_ROWS, lepton_pairs, pairs_bunch, unweighted_pairs
from skjetsim.utils._parameters import check_real
from skjetsim.utils._seeds import numpy_rng

# The scales of parton densities end here, in GeV.
MASS_MIN = 1.0

# Settings that the weights read from Pythia as well.
_WEIGHTED_SETTINGS = re.compile(
    r"(Beams:eCM|PDF:pSet|SigmaProcess:(renormMultFac|factorMultFac|alphaEMorder)"
    r"|StandardModel:\w+|23:m0)\b",
    re.IGNORECASE,
)


@generator(unweighted_pairs, detector=False)
def generate_drell_yan(request, *, boson="both", mass_min=50.0, mass_max=None, weighted=False):
    """Generate muon pairs of proton-proton collisions at parton level.

    Quark and antiquark annihilate to a photon or Z that decays to two muons, at leading order
    and 13 TeV: no radiation, no other particles, no detector. A row is an event of weight one
    from Pythia 8 [1]_ or, with `weighted`, a point drawn flat in phase space, which carries the
    differential cross-section there as its weight: what unweighting starts from [2]_.

    Parameters
    ----------
    n_samples : int
        Number of rows.

    boson : {"both", "photon", "z"}, default="both"
        What is exchanged: photon and Z with their interference, or one of them alone. The events
        of both minus those of the photon are Z and interference [3]_.

    mass_min : float, default=50.0
        Smallest mass of the pair in GeV, above 1.

    mass_max : float or None, default=None
        Largest mass of the pair in GeV. None is the energy of the collisions.

    weighted : bool, default=False
        Whether to draw points in phase space instead of events of weight one.

    %(random_state)s

    settings : sequence of str, default=()
        Settings of Pythia for another energy, other parton densities or parameters, such as
        ``"PDF:pSet = 14"``. They overrule the process's own.

    %(memory)s

    %(n_jobs)s

    %(verbose)s

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 8)
            Momenta and energies of muon (negative) and antimuon, in GeV.
        sample_weight : ndarray of shape (n_samples,)
            Weights in pb. Their mean estimates the cross-section. All are the same unless
            `weighted`.
        cross_section, cross_section_error : float
            Cross-section of these cuts, and its statistical error, in pb. They are Pythia's unless
            `weighted`.
        feature_names : list of str
            Names of the columns.
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    ValueError
        If Pythia does not take a setting or cannot start, if no mass is left between the cuts,
        or if `weighted` and the weights cannot follow a setting.
    %(OSError)s

    See Also
    --------
    generate_lepton_pairs_ee : The same exchange in electron-positron collisions.
    generate_zjet : Muon pairs with a jet, showered and detected.

    Notes
    -----
    Weights are exact at leading order: matrix element with running coupling and width, parton
    densities and scales are those of Pythia. Points are flat in the logarithm of the mass, in
    the rapidity of the pair, in cos(theta) and in phi. The Z peak and the falling parton luminosity
    are in the weights. Needs the packages of the extra `pythia`.

    Weighted points are worth (sum w)^2 / sum w^2 events. With the default cuts, this is about 1% of
    `n_samples`, since few points are on the Z peak. From 81 to 101 GeV it is a quarter: a narrow
    window gives many effective events.

    Weights divided by their number add up to the cross-section, so that histograms filled with
    them are in pb. Samples with such weights can be added, and subtracted with a minus sign,
    whatever their sizes.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       arXiv:2203.11601.
    .. [2] M. Backes, A. Butter, T. Plehn and R. Winterhalder, "How to GAN event unweighting",
       arXiv:2012.07873.
    .. [3] A. Butter, T. Plehn and R. Winterhalder, "How to GAN event subtraction",
       arXiv:1912.08824.

    Examples
    --------
    >>> from skjetsim.datasets import generate_drell_yan
    >>> events = generate_drell_yan(1000, weighted=True, random_state=0)  # doctest: +SKIP
    >>> events.data.shape, events.sample_weight.shape  # doctest: +SKIP
    ((1000, 8), (1000,))

    Cross-section in pb for each bin of the negative muon's energy:

    >>> import numpy as np  # doctest: +SKIP
    >>> weight = events.sample_weight / len(events.sample_weight)  # doctest: +SKIP
    >>> both, edges = np.histogram(events.data["muon_E"], 50, weights=weight)  # doctest: +SKIP

    Z and interference are both without the photon:

    >>> events = generate_drell_yan(500, boson="photon", weighted=True)  # doctest: +SKIP
    >>> weight = events.sample_weight / len(events.sample_weight)  # doctest: +SKIP
    >>> photon, _ = np.histogram(events.data["muon_E"], edges, weights=weight)  # doctest: +SKIP
    >>> z_and_interference = both - photon  # doctest: +SKIP
    """
    pairs, limits = _pairs(boson, mass_min, mass_max, request.settings)
    if weighted:
        _check_weighted_settings(request.settings)
        what = pairs, boson, limits
        (columns,) = run_chunks(_weighted_chunk, what, request, CHUNK_ROWS, pairs.title)
        weight = columns["weight"]
        cross_section = _mean(weight)
    else:
        columns, cross_section = unweighted_pairs(pairs, request)
        weight = np.full(request.n_samples, cross_section[0])
    choices = {"boson": boson, "mass_min": mass_min, "mass_max": mass_max, "weighted": weighted}
    descr = describe(pairs, request, choices)
    return pairs_bunch("muon", columns, cross_section, descr, sample_weight=weight)


def _pairs(boson, mass_min, mass_max, settings):
    """Process, and the energy and the smallest and largest mass of its phase space."""
    mass_min = check_real(mass_min, "mass_min", above=MASS_MIN, unit="GeV")
    own = [f"PhaseSpace:mHatMin = {mass_min}", f"23:mMin = {mass_min}"]
    if mass_max is not None:
        mass_max = check_real(mass_max, "mass_max", above=0, unit="GeV")
        own += [f"PhaseSpace:mHatMax = {mass_max}", f"23:mMax = {mass_max}"]
    energy = beam_energy(settings)
    for name, upper in (("mass_max", mass_max), ("the energy of the collisions", energy)):
        if upper is not None and upper <= mass_min:
            raise ValueError(
                f"mass_min = {mass_min:g} GeV leaves no pair below {name}, {upper:g} GeV."
            )
    own += ["23:onMode = off", "23:onIfMatch = 13 -13"]
    pairs = lepton_pairs("Drell-Yan", "drell_yan.rst", boson, own, settings)
    return pairs, (energy, mass_min, energy if mass_max is None else min(mass_max, energy))


def _check_weighted_settings(settings):
    """Raise an error for settings that Pythia would follow and the weights would not."""
    for setting in settings:
        if not _WEIGHTED_SETTINGS.match(setting.strip()):
            raise ValueError(
                f"Weights cannot follow the setting {setting!r}: with weighted=True, settings may "
                "be Beams:eCM, PDF:pSet, SigmaProcess:renormMultFac, SigmaProcess:factorMultFac, "
                "SigmaProcess:alphaEMorder, 23:m0 and those of StandardModel."
            )


def _weighted_chunk(what, n_rows, seed, number):
    """Points in phase space of the rows that belong to one seed, and their weights."""
    root = np.random.SeedSequence(**seed)
    pairs, boson, limits = what
    pythia = start(pairs.settings, seed=1)
    point, volume = phase_space(numpy_rng(root, 1, number).random((n_rows, 4)), *limits)
    weight = volume * weights(pythia, boson, point, energy=limits[0])
    return [{"data": muons(point, pythia.particleData.m0(13)), "weight": weight}]


def _mean(weight):
    """Mean and its standard error, which is NaN for a single event."""
    error = weight.std(ddof=1) / np.sqrt(len(weight)) if len(weight) > 1 else np.nan
    return float(weight.mean()), float(error)

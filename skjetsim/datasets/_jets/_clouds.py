"""Jets as clouds of their constituents: generated anew, or the bundled sample."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets._bundled import jet_levels, read_file
from skjetsim.datasets._chain._events import detector_keys, generate_events
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._note import describe_bundled
from skjetsim.datasets._jets._kinds import KINDS, check_pt_range
from skjetsim.datasets._jets._process import JET_COLUMNS, JetCloudProcess
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_int, check_option

COORDINATES = {"relative": ["eta_rel", "phi_rel", "pt_rel"], "cartesian": ["px", "py", "pz"]}


@generator()
def generate_jets(
    request,
    kind="gluon",
    *,
    radius=0.8,
    pt_range=(900.0, 1100.0),
    n_constituents=30,
    coordinates="relative",
):
    """Generate jets of one kind as clouds of particles, and pass them through a detector.

    Pythia 8 [1]_ makes proton-proton collisions at 13 TeV, with parton showers, multiparton
    interactions and hadronisation. In each of them a quark, a gluon, a W, a Z or a top quark
    becomes a jet, and recoils against something that does not become a jet of this kind. A detector
    in the manner of Delphes [2]_ measures the same events. A row is an event with an anti-kT jet
    within `radius` of the parton, boson or top quark. At generator level, the jet is in `pt_range`
    and has abs(eta) < 2.

    Parameters
    ----------
    n_samples : int
        Number of rows: generated jets that pass the selection. The detector need not find them.

    kind : {"gluon", "quark", "top", "w", "z"}, default="gluon"
        Origin of the jet. A gluon or a light quark (u, d, s) is made with a Z that decays to
        neutrinos. A top quark decays to quarks and is made with an antitop that decays to a lepton.
        A W or Z decays to quarks and is made with a Z or W that decays to neutrinos or a lepton.

    radius : float, default=0.8
        Radius parameter of the anti-kT algorithm.

    pt_range : tuple of two floats, default=(900.0, 1100.0)
        Range of the generated jet's pT, in GeV.

    n_constituents : int, default=30
        Number of constituents kept of each jet, the hardest first. Jets with fewer are padded with
        zeros.

    coordinates : {"relative", "cartesian"}, default="relative"
        "relative" is the distance of each constituent from the jet axis in eta and in phi, and its
        fraction of the jet's pT, as in JetNet [3]_. "cartesian" is px, py and pz in GeV.

    %(random_state)s

    detector : DetectorCard or None, default=None
        The detector; None is ``DetectorCard()``. The generated events do not depend on it. Jets
        have `radius` and not its `jet_radius`.

    n_detector : int or None, default=1
        How many times each generated event passes through the detector, independently. Even a
        perfect simulation differs from the truth by as much as two passes differ. With None there
        is no detector and no key of the detector level.

    %(n_pileup)s

    %(settings)s

    %(memory)s

    %(n_jobs)s

    %(verbose)s

    Returns
    -------
    jets : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n_samples, n_constituents, 3)
            Generator level: the X of a simulator, or what a generator learns.
        mask : ndarray of bool of shape (n_samples, n_constituents)
            True for a particle, False for padding.
        jets : DataFrame of shape (n_samples, 5)
            pt, eta, phi and mass of the jet, in GeV and radians, and the number of its
            constituents, including those beyond `n_constituents`.
        parton_delta_r : ndarray of shape (n_samples,)
            Distance from the jet axis to the parton, or to the farthest of the quarks of a decay.
            If it is below `radius`, the jet holds all of them.
        target : ndarray of shape (n_samples, n_constituents, 3)
            The matched jet after the detector: the y of a simulator. It is zeros if the jet is not
            accepted.
        target_mask, target_jets
            `mask` and `jets` after the detector.
        accepted : ndarray of bool of shape (n_samples,)
            Whether a reconstructed jet is near the generated one.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            The keys of the detector level of each of the ``n_detector - 1`` other passes.
        feature_names, target_names : list of str
            Names of the last axis of `data` and `target`.
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    %(ValueError)s
    %(OSError)s

    See Also
    --------
    generate_jet_images : Jets as images.
    generate_wjet : Notes on the detector.

    Notes
    -----
    Constituents have no mass in the cloud, but `mass` includes their masses. Constituents of a
    reconstructed jet are scaled as the jet is: by the jet energy scale and the subtraction of
    pile-up. Needs the packages of the extra `pythia`.

    To save time, events are dropped early if their partons are out of range when the shower has
    come down to 10 GeV. Hard processes far below the range are not made. `DESCR` says what this
    loses.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       arXiv:2203.11601.
    .. [2] DELPHES 3 Collaboration, "DELPHES 3, A modular framework for fast simulation of a
       generic collider experiment", arXiv:1307.6346.
    .. [3] R. Kansal et al., "Particle cloud generation with message passing generative
       adversarial networks", arXiv:2106.11535, section 2.

    Examples
    --------
    >>> from skjetsim.datasets import generate_jets
    >>> jets = generate_jets(100, "top", random_state=0)  # doctest: +SKIP
    >>> X, y = jets.data[jets.accepted], jets.target[jets.accepted]  # doctest: +SKIP
    >>> X.shape == y.shape  # doctest: +SKIP
    True
    """
    check_option(kind, "kind", tuple(KINDS))
    check_option(coordinates, "coordinates", tuple(COORDINATES))
    radius = check_real(radius, "radius", above=0, below=np.pi / 2)
    pt_range = check_pt_range(pt_range, request.settings)
    n_constituents = check_int(n_constituents, "n_constituents")
    process = JetCloudProcess(kind, radius, pt_range, n_constituents)
    columns, passes, descr = generate_events(process, request)
    columns["data"] = in_coordinates(columns["data"], columns["jets"], coordinates)
    for one in passes:
        one["target"] = in_coordinates(one["target"], one["jets"], coordinates)
    return _clouds_bunch(columns, passes, coordinates, descr)


def load_gluon_jets(*, return_X_y=False):
    """Load 6,000 bundled gluon jets as clouds of particles, at both levels.

    They are made by :func:`generate_jets` with its defaults: 900 < pT < 1100 GeV, anti-kT with
    R = 0.8, the 30 hardest constituents, relative to the jet.

    ========================   ==============
    Jets                                6,000
    Shape of features             (30, 3)
    Shape of targets              (30, 3)
    ========================   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` of the jets that the detector finds instead of a Bunch.

    Returns
    -------
    jets : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (6000, 30, 3)
            eta_rel, phi_rel and pt_rel of the constituents at generator level, stored in steps of
            0.02%.
        mask : ndarray of bool of shape (6000, 30)
            True for a particle, False for padding.
        jets : DataFrame of shape (6000, 5)
            pt, eta, phi, mass and multiplicity of the jet.
        parton_delta_r : ndarray of shape (6000,)
            Distance from the jet axis to the gluon.
        target, target_mask, target_jets
            `data`, `mask` and `jets` of the reconstructed jet; zeros if it is not accepted.
        accepted : ndarray of bool of shape (6000,)
            Whether a reconstructed jet is near the generated one.
        repeats : tuple
            Other detector passes: none.
        feature_names, target_names : list of str
            Names of the last axis of `data` and `target`.
        DESCR : str
            Description of the data.

    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    See Also
    --------
    generate_jets : Make more, of other kinds.

    Examples
    --------
    >>> from skjetsim.datasets import load_gluon_jets
    >>> jets = load_gluon_jets()
    >>> jets.data.shape, float(jets.jets["pt"].min()) > 900
    ((6000, 30, 3), True)
    """
    arrays, metadata = read_file("gluon_jets.parquet")
    accepted = arrays["accepted"]
    if return_X_y:
        return arrays["data"][accepted], arrays["target"][accepted]
    columns, passes = jet_levels(arrays, JET_COLUMNS)
    columns["parton_delta_r"] = arrays["parton_delta_r"]
    descr = describe_bundled(JetCloudProcess, metadata, accepted)
    return _clouds_bunch(columns, passes, "relative", descr)


def _clouds_bunch(columns, passes, coordinates, descr):
    """Bunch of clouds, from the columns of the generator level and of each detector pass."""
    names = COORDINATES[coordinates]
    jets = Bunch(**columns, feature_names=list(names), DESCR=descr)
    jets.update(mask=jets.data.any(axis=2), jets=jet_frame(jets.jets))
    if passes:
        jets.update(detector_keys(passes, _detector_bunch), target_names=list(names))
    return jets


def _detector_bunch(one):
    return Bunch(
        target=one["target"],
        target_mask=one["target"].any(axis=2),
        target_jets=jet_frame(one["jets"]),
        accepted=one["accepted"],
    )


def jet_frame(table):
    """Table of jets with names; the multiplicity is a whole number."""
    return pd.DataFrame(table, columns=JET_COLUMNS).astype({"multiplicity": np.int64})


def in_coordinates(momenta, jets, coordinates):
    """Constituents in the given coordinates, from momenta in GeV and a table of their jets."""
    if coordinates == "cartesian":
        return momenta
    jet_pt, jet_eta, jet_phi = jets[:, :3].T[:, :, None]
    px, py, pz = np.moveaxis(momenta, 2, 0)
    pt = np.hypot(px, py)
    here = pt > 0
    eta = np.arcsinh(np.divide(pz, pt, out=np.zeros_like(pt), where=here)) - jet_eta
    phi = wrap_phi(np.arctan2(py, px) - jet_phi)
    part = np.divide(pt, jet_pt, out=np.zeros_like(pt), where=here)
    return np.where(here[:, :, None], np.stack([eta, phi, part], axis=2), 0.0)

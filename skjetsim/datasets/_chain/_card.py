"""The numbers that describe a detector."""

from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches

import numpy as np

from skjetsim.datasets._chain._card_atlas import ATLAS
from skjetsim.datasets._chain._segmentation import (
    CMS_HCAL_ETA_EDGES,
    CMS_HCAL_PHI_DIVISIONS,
    ECAL_ETA_EDGES,
    ECAL_PHI_DIVISIONS,
)
from skjetsim.utils._parameters import check_real

# For each variation, its relative size and the fields that it multiplies.
_VARIATIONS = {
    "jet_scale": (0.02, ("jet_scale",)),
    "jet_resolution": (0.10, ("ecal_resolution", "hcal_resolution", "hadron_resolution")),
    "tower_threshold": (0.05, ("ecal_energy_min", "hcal_energy_min", "energy_significance_min")),
    "hadron_efficiency": (0.02, ("hadron_efficiency",)),
    "electron_scale": (0.005, ("electron_scale",)),
    "electron_identification": (0.02, ("electron_identification",)),
    "muon_scale": (0.002, ("muon_scale",)),
    "muon_efficiency": (0.005, ("muon_efficiency",)),
}


@dataclass(frozen=True)
class DetectorCard:
    """Parametric detector, by default with the numbers of Delphes' CMS card.

    Energies, momenta and noise terms are in GeV, lengths in metres, angles in radians.
    :meth:`atlas` is another detector, :meth:`scaled` and :meth:`variations` give systematic
    variations of one, and :func:`dataclasses.replace` changes any field. The noise of a particle or
    a tower depends on the seed and not on the numbers here. Two detectors with the same
    segmentation and field see the same events with the same fluctuations, so that their difference
    is more precise than either. Region edges are upper edges of abs(eta). If a table has one row
    more than there are edges, its last row is used beyond the last edge.

    Parameters
    ----------
    magnetic_field : float, default=3.8
        Solenoid field along z, in tesla.

    radius : float, default=1.29
        Radius of the field volume, where the calorimeter begins, in metres.

    half_length : float, default=3.0
        Half-length of the field volume, in metres.

    track_eta_edges : tuple of float, default=(1.5, 2.5)
        Upper abs(eta) edges of the tracking-efficiency tables. There are no tracks beyond the last.

    track_pt_edges : tuple of float, default=(0.1, 1.0, 100.0)
        Lower pT edges of the tracking-efficiency tables, in GeV. There are no tracks below the
        first.

    hadron_efficiency, electron_efficiency, muon_efficiency : tuple of tuple of float
        Probability that a charged hadron, electron or muon leaves a track, one row for each
        abs(eta) region, one column for each pT region.

    resolution_eta_edges : tuple of float, default=(0.5, 1.5, 2.5)
        Upper abs(eta) edges of the pT-resolution tables.

    hadron_resolution, electron_resolution, muon_resolution : tuple of tuple of float
        Rows (a, b) for each abs(eta) region: the relative pT resolution of a track is
        sqrt(a^2 + (b pT)^2), with b in 1/GeV.

    track_eta_resolution, track_phi_resolution : tuple of float
        (a, b): the direction of a track is known to sqrt(a^2 + (b / pT)^2), with b in GeV (times
        radians). Delphes' card has exact directions; the numbers are about those measured for
        the CMS tracker [2]_.

    ecal_eta_edges, hcal_eta_edges : tuple of float
        Tower edges in eta, increasing.

    ecal_phi_divisions, hcal_phi_divisions : tuple of int
        Number of towers around the azimuth in each ring between two eta edges.

    ecal_region_edges : tuple of float, default=(1.5, 2.5)
        Upper abs(eta) edges of the ECAL's resolution tables.

    ecal_resolution : tuple of tuple of float
        Rows (c, s, n) of the ECAL resolution sigma(E) = sqrt(c^2 E^2 + s^2 E + n^2), with s in
        sqrt(GeV) and n in GeV, times a function of eta that follows.

    ecal_eta_shape : tuple of tuple of float
        Rows (p, q, r): the resolution is multiplied by p + q (abs(eta) - r)^2.

    hcal_region_edges : tuple of float, default=(3.0,)
        Upper abs(eta) edges of the HCAL's resolution table.

    hcal_resolution : tuple of tuple of float, default=((0.05, 1.5, 0.0), (0.13, 2.7, 0.0))
        Rows (c, s, n) of the HCAL resolution.

    v0_ecal_fraction : float, default=0.3
        Fraction of the energy of K0S and Lambda that the ECAL sees. The HCAL sees the rest. Other
        hadrons leave all of their energy in the HCAL, photons and electrons all of it in the ECAL,
        and muons nothing.

    ecal_energy_min, hcal_energy_min : float, default=0.5 and 1.0
        Smallest tower energy, in GeV.

    energy_significance_min : float, default=2.0
        Smallest tower energy in units of its resolution.

    jet_radius : float, default=0.5
        Anti-kT radius parameter.

    jet_scale : tuple of tuple of float
        Rows (a, b) for each region of `jet_scale_eta_edges`: the four-momentum of a jet of raw pT
        is multiplied by sqrt(a^2 + b^2 / pT), with b in sqrt(GeV). The form is that of Delphes. The
        numbers are for energy-flow jets and bring the mean of reconstructed over generated pT, in
        bins of generated pT, close to 1. ``benchmarks/datasets/jet_scale.py`` derives them for the
        default calorimeters.

    jet_scale_eta_edges : tuple of float, default=(1.5, 2.5)
        Upper abs(eta) edges of the jet energy scale; its last row is used beyond the last edge.

    underlying_density : tuple of float, default=(1.15, 1.25, 0.08)
        Median transverse momentum per unit area of eta and phi in an event without pile-up, in
        GeV, for each abs(eta) region of the tracking efficiency and beyond. Pile-up subtraction
        leaves this much in jets. It is derived together with the energy scale.

    jet_pt_min : float, default=5.0
        Smallest pT of a reconstructed jet after its energy scale, in GeV.

    jet_min_constituents : int, default=2
        Fewest energy-flow objects in a jet.

    match_delta_r : float, default=0.3
        Largest distance of a matched reconstructed jet from the generated one.

    electron_pt_min, muon_pt_min : float, default=5.0
        Smallest pT of a reconstructed lepton, in GeV.

    electron_eta_max, muon_eta_max : float, default=2.4
        Largest abs(eta) of a reconstructed lepton.

    electron_cone : float, default=0.1
        Photons within this distance of an electron are part of its cluster.

    electron_scale, muon_scale : float, default=1.0
        Factor on the momentum of a reconstructed lepton.

    electron_identification, muon_identification : tuple of float
        Probability that a lepton with a track is recognised, for each abs(eta) region of the
        tracking efficiency, by default (0.95, 0.85) and (1, 1). In Delphes, identification begins
        at pT = 10 GeV and is 0.95 for muons. Here it begins at `electron_pt_min`, so that the
        response has no edge, and every track of a muon is a muon.

    Notes
    -----
    :meth:`atlas` has the field volume, electron tracks, calorimeters and identification of
    Delphes' ATLAS card. The hadron tracks of that card are meant for calorimeter jets (25%
    resolution in the endcaps). For energy flow, resolution and direction of tracks are those of the
    design of the inner detector [3]_, as parametrised near eta = 0 and 1.5. The energy scale is
    derived as for the default card. The jet radius stays 0.5, as for the generated jets of W + jet
    and Z + jet, so that the scale corrects the detector and not the radius. ATLAS itself uses 0.4,
    and Delphes' card 0.6.

    References
    ----------
    .. [1] DELPHES 3 Collaboration, "DELPHES 3, A modular framework for fast simulation of a
       generic collider experiment", JHEP 02 (2014) 057, arXiv:1307.6346.
    .. [2] CMS Collaboration, "Description and performance of track and primary-vertex
       reconstruction with the CMS tracker", JINST 9 (2014) P10009, arXiv:1405.6569.
    .. [3] ATLAS Collaboration, "The ATLAS Experiment at the CERN Large Hadron Collider",
       JINST 3 (2008) S08003, section 10.2.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from skjetsim.datasets import DetectorCard
    >>> replace(DetectorCard(), jet_radius=0.4).jet_radius
    0.4
    >>> DetectorCard.atlas().magnetic_field
    2.0
    >>> card = DetectorCard().scaled(hcal_resolution=2.0)
    >>> card.hcal_resolution
    ((0.1, 3.0, 0.0), (0.26, 5.4, 0.0))
    """

    magnetic_field: float = 3.8
    radius: float = 1.29
    half_length: float = 3.0

    track_eta_edges: tuple = (1.5, 2.5)
    track_pt_edges: tuple = (0.1, 1.0, 100.0)
    hadron_efficiency: tuple = ((0.70, 0.95, 0.95), (0.60, 0.85, 0.85))
    electron_efficiency: tuple = ((0.73, 0.95, 0.99), (0.50, 0.83, 0.90))
    muon_efficiency: tuple = ((0.75, 0.99, 0.99), (0.70, 0.98, 0.98))
    resolution_eta_edges: tuple = (0.5, 1.5, 2.5)
    hadron_resolution: tuple = ((0.01, 1.5e-4), (0.015, 2.5e-4), (0.025, 5.5e-4))
    electron_resolution: tuple = ((0.03, 1.3e-3), (0.05, 1.7e-3), (0.15, 3.1e-3))
    muon_resolution: tuple = ((0.01, 1.0e-4), (0.015, 1.5e-4), (0.025, 3.5e-4))

    track_eta_resolution: tuple = (5e-4, 2e-3)
    track_phi_resolution: tuple = (2e-4, 2e-3)

    # Factories keep hundreds of numbers out of the signature.
    ecal_eta_edges: tuple = field(default_factory=lambda: ECAL_ETA_EDGES, repr=False)
    ecal_phi_divisions: tuple = field(default_factory=lambda: ECAL_PHI_DIVISIONS, repr=False)
    ecal_region_edges: tuple = (1.5, 2.5)
    ecal_resolution: tuple = ((0.008, 0.11, 0.40), (0.008, 0.11, 0.40), (0.107, 2.08, 0.0))
    ecal_eta_shape: tuple = ((1.0, 0.64, 0.0), (2.16, 5.6, 2.0), (1.0, 0.0, 0.0))
    hcal_eta_edges: tuple = field(default_factory=lambda: CMS_HCAL_ETA_EDGES, repr=False)
    hcal_phi_divisions: tuple = field(default_factory=lambda: CMS_HCAL_PHI_DIVISIONS, repr=False)
    hcal_region_edges: tuple = (3.0,)
    hcal_resolution: tuple = ((0.05, 1.5, 0.0), (0.13, 2.7, 0.0))
    v0_ecal_fraction: float = 0.3
    ecal_energy_min: float = 0.5
    hcal_energy_min: float = 1.0
    energy_significance_min: float = 2.0

    jet_radius: float = 0.5
    jet_scale_eta_edges: tuple = (1.5, 2.5)
    jet_scale: tuple = ((1.03, 2.45), (1.02, 2.28), (1.06, 2.70))
    underlying_density: tuple = (1.15, 1.25, 0.08)
    jet_pt_min: float = 5.0
    jet_min_constituents: int = 2
    match_delta_r: float = 0.3
    electron_pt_min: float = 5.0
    electron_eta_max: float = 2.4
    electron_cone: float = 0.1
    electron_scale: float = 1.0
    electron_identification: tuple = (0.95, 0.85)
    muon_pt_min: float = 5.0
    muon_eta_max: float = 2.4
    muon_scale: float = 1.0
    muon_identification: tuple = (1.0, 1.0)

    @classmethod
    def cms(cls):
        """CMS-like detector: the default one.

        Returns
        -------
        card : DetectorCard
            ``DetectorCard()``.
        """
        return cls()

    @classmethod
    def atlas(cls):
        """ATLAS-like detector.

        Returns
        -------
        card : DetectorCard
            The default detector, with the changes in the notes of the class.
        """
        return cls(**ATLAS)

    def scaled(self, **factors):
        """Multiply fields by factors: a systematic variation.

        Parameters
        ----------
        **factors : float
            Factor on all numbers of a field, by the name of the field.

        Returns
        -------
        card : DetectorCard
            The varied detector.

        Raises
        ------
        TypeError
            If there is no field of that name, or if a factor is not a number.
        ValueError
            If no detector can have the product, such as an efficiency above 1.

        Examples
        --------
        >>> from skjetsim.datasets import DetectorCard
        >>> card = DetectorCard().scaled(jet_scale=1.02, electron_scale=1.005)
        >>> card.electron_scale
        1.005
        """
        known = [item.name for item in fields(self)]
        for name, factor in factors.items():
            if name not in known:
                near = get_close_matches(name, known, 3) or known
                raise TypeError(f"A detector has no field {name!r}; the nearest are {near}.")
            check_real(factor, f"The factor on {name}")
        changed = {name: _times(getattr(self, name), factor) for name, factor in factors.items()}
        return replace(self, **changed)

    def variations(self):
        """Usual systematic variations, up and down.

        ===========================  =====  ===================================================
        jet_scale                       2%  [1]_: below 3% above 30 GeV
        jet_resolution                 10%  calorimeters and hadron tracks; [1]_
        tower_threshold                 5%  a choice: it moves soft jets by about 1%
        hadron_efficiency               2%  tracks of charged hadrons; [2]_
        electron_scale                0.5%  [3]_, rounded up to hold in the endcaps, too
        electron_identification         2%  [3]_
        muon_scale                    0.2%  [4]_
        muon_efficiency               0.5%  [4]_
        ===========================  =====  ===================================================

        The scale of jets stays the same in variations that change their response.

        Returns
        -------
        cards : dict of str to DetectorCard
            Name of the variation, such as ``"jet_scale_up"``, to the varied detector.

        Raises
        ------
        ValueError
            If an efficiency varied up is above 1. Use :meth:`scaled` for such a detector.

        References
        ----------
        .. [1] CMS Collaboration, "Jet energy scale and resolution in the CMS experiment in pp
           collisions at 8 TeV", JINST 12 (2017) P02014, arXiv:1607.03663.
        .. [2] CMS Collaboration, arXiv:1405.6569.
        .. [3] ATLAS Collaboration, "Electron and photon performance measurements with the ATLAS
           detector using the 2015-2017 LHC proton-proton collision data", JINST 14 (2019) P12006,
           arXiv:1908.00005.
        .. [4] CMS Collaboration, "Performance of CMS muon reconstruction in pp collision events at
           sqrt(s) = 7 TeV", JINST 7 (2012) P10002, arXiv:1206.4071.

        Examples
        --------
        >>> from skjetsim.datasets import DetectorCard
        >>> cards = DetectorCard().variations()
        >>> list(cards)[:2]
        ['jet_scale_up', 'jet_scale_down']
        """
        return {
            f"{name}_{direction}": self.scaled(**dict.fromkeys(names, 1 + sign * size))
            for name, (size, names) in _VARIATIONS.items()
            for direction, sign in (("up", 1), ("down", -1))
        }

    def __post_init__(self):
        values = {item.name: _finite(item.name, getattr(self, item.name)) for item in fields(self)}
        for complaint, (names, holds) in _RULES.items():
            for name in names:
                _check(name, np.all(holds(values[name])), complaint)
        for name, shape in self._shapes().items():
            found = values[name].shape
            _check(name, found == shape, f"must have shape {shape}, has {found}")
        beyond = self.ecal_eta_edges[-1] > self.track_eta_edges[-1]
        _check("ecal_eta_edges", beyond, "must reach beyond the tracks")

    def _shapes(self):
        """Shape of each field. That of a table depends on the edges of its regions."""
        n_eta, n_resolution = len(self.track_eta_edges), len(self.resolution_eta_edges)
        ecal, hcal = len(self.ecal_region_edges) + 1, len(self.hcal_region_edges) + 1
        return {
            **{item.name: () for item in fields(self) if item.type is not tuple},
            **dict.fromkeys(_ending("_efficiency"), (n_eta, len(self.track_pt_edges))),
            **dict.fromkeys(_ending("_identification"), (n_eta,)),
            **{f"{kind}_resolution": (n_resolution, 2) for kind in ("hadron", "electron", "muon")},
            **dict.fromkeys(("track_eta_resolution", "track_phi_resolution"), (2,)),
            **dict.fromkeys(("ecal_resolution", "ecal_eta_shape"), (ecal, 3)),
            "hcal_resolution": (hcal, 3),
            "ecal_phi_divisions": (len(self.ecal_eta_edges) - 1,),
            "hcal_phi_divisions": (len(self.hcal_eta_edges) - 1,),
            "jet_scale": (len(self.jet_scale_eta_edges) + 1, 2),
            "underlying_density": (n_eta + 1,),
        }


def _ending(*suffixes):
    """Names of the fields with these endings."""
    return [item.name for item in fields(DetectorCard) if item.name.endswith(suffixes)]


_SIGNED = ("magnetic_field", "ecal_eta_edges", "hcal_eta_edges")
_UNSIGNED = [name for name in _ending("") if name not in _SIGNED]
_PROBABILITIES = _ending("_efficiency", "_identification", "_fraction")
_POSITIVE = ("radius", "half_length", "match_delta_r", "jet_radius", "electron_scale", "muon_scale")

# Complaint, the fields that must obey the rule, and the rule for an array.
_RULES = {
    "must be positive": (_POSITIVE, lambda x: x > 0),
    "must be an increasing sequence": (_ending("_edges"), lambda x: x.ndim and np.diff(x) > 0),
    "must lie between 0 and 1": (_PROBABILITIES, lambda x: (x >= 0) & (x <= 1)),
    "must not be negative": (_UNSIGNED, lambda x: x >= 0),
    "must be whole numbers, at least 1": (_ending("_divisions"), lambda x: (x % 1 == 0) & (x >= 1)),
}


def _times(value, factor):
    if isinstance(value, tuple):
        return tuple(_times(item, factor) for item in value)
    product = value * factor
    # Numbers of towers stay integers if they can.
    return int(product) if isinstance(value, int) and product == int(product) else product


def _check(name, condition, complaint):
    if not condition:
        raise ValueError(f"The detector's {name} {complaint}.")


def _finite(name, value):
    try:
        values = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"The detector's {name} must be numbers, got {value!r}.") from None
    _check(name, values.size and np.all(np.isfinite(values)), "must be finite and not empty")
    return values

"""The numbers that describe a detector."""

from dataclasses import dataclass, field, fields

import numpy as np


def _mirror(upper_edges):
    """Edges symmetric about zero from the positive ones."""
    return (*(-edge for edge in reversed(upper_edges)), 0.0, *upper_edges)


def _symmetric_segmentation(*regions):
    """Tower edges and azimuthal divisions from (upper eta edges, divisions) of eta > 0."""
    edges = [edge for upper_edges, _ in regions for edge in upper_edges]
    divisions = [n_phi for upper_edges, n_phi in regions for _ in upper_edges]
    return _mirror(edges), tuple(reversed(divisions)) + tuple(divisions)


# One ECAL tower is one crystal, 1 degree wide, up to the end of the endcap; beyond it are the
# towers of the forward calorimeter.
_ECAL_ETA_EDGES, _ECAL_PHI_DIVISIONS = _symmetric_segmentation(
    ([round(0.0174 * i, 4) for i in range(1, 171)], 360),
    ([3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525, 4.7, 5.0], 36),
)
_HCAL_ETA_EDGES, _HCAL_PHI_DIVISIONS = _symmetric_segmentation(
    ([round(0.087 * i, 3) for i in range(1, 20)], 72),
    ([1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 2.95], 36),
    ([3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525], 36),
    ([4.7, 5.0], 18),
)


@dataclass(frozen=True)
class DetectorCard:
    """Parametric detector, by default with the numbers of Delphes' CMS card.

    Energies, momenta and noise terms are in GeV, lengths in metres, angles in radians.
    :func:`dataclasses.replace` gives a varied detector.

    Parameters
    ----------
    magnetic_field : float, default=3.8
        Solenoid field along z, in tesla.

    radius : float, default=1.29
        Radius of the field volume, where the calorimeter begins, in metres.

    half_length : float, default=3.0
        Half-length of the field volume, in metres.

    track_eta_edges : tuple of float, default=(1.5, 2.5)
        Upper abs(eta) edges of the tracking-efficiency tables; no tracks beyond the last.

    track_pt_edges : tuple of float, default=(0.1, 1.0, 100.0)
        Lower pT edges of the tracking-efficiency tables, in GeV; no tracks below the first.

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
        abs(eta) where the ECAL barrel ends and where the forward formula begins.

    ecal_resolution : tuple of float, default=(0.008, 0.11, 0.40)
        (c, s, n) of the ECAL resolution sigma(E) = sqrt(c^2 E^2 + s^2 E + n^2), with s in
        sqrt(GeV) and n in GeV, times a function of eta that follows.

    ecal_barrel_slope : float, default=0.64
        The barrel resolution is multiplied by 1 + slope eta^2.

    ecal_endcap_shape : tuple of float, default=(2.16, 5.6, 2.0)
        (p, q, r): the endcap resolution is multiplied by p + q (abs(eta) - r)^2.

    ecal_forward_resolution : tuple of float, default=(0.107, 2.08, 0.0)
        (c, s, n) of electromagnetic energy beyond the endcap.

    hcal_region_edge : float, default=3.0
        abs(eta) where the forward HCAL formula begins.

    hcal_resolution, hcal_forward_resolution : tuple of float
        (c, s, n) of the HCAL, by default (0.05, 1.5, 0) and (0.13, 2.7, 0).

    v0_ecal_fraction : float, default=0.3
        Part of the energy of K0S and Lambda that the ECAL sees; the HCAL sees the rest. Other
        hadrons leave all in the HCAL, photons and electrons all in the ECAL, muons nothing.

    ecal_energy_min, hcal_energy_min : float, default=0.5 and 1.0
        Smallest tower energy, in GeV.

    energy_significance_min : float, default=2.0
        Smallest tower energy in units of its resolution.

    jet_radius : float, default=0.5
        Anti-kT radius parameter.

    jet_scale : tuple of tuple of float
        Rows (a, b) for each region of `jet_scale_eta_edges`: the four-momentum of a jet of raw pT
        is multiplied by sqrt(a^2 + b^2 / pT), with b in sqrt(GeV). It is Delphes' form, with
        numbers for energy-flow jets: they bring the mean response, reconstructed over generated
        pT in bins of the latter, close to 1. ``benchmarks/build_datasets.py jet-scale`` derives
        them; they hold for the default calorimeters.

    jet_scale_eta_edges : tuple of float, default=(1.5, 2.5)
        Upper abs(eta) edges of the jet energy scale; its last row serves beyond the last.

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

    electron_scale, muon_scale : float, default=1.0
        Factor on the momentum of a reconstructed lepton.

    References
    ----------
    .. [1] DELPHES 3 Collaboration, "DELPHES 3, A modular framework for fast simulation of a
       generic collider experiment", JHEP 02 (2014) 057, arXiv:1307.6346.
    .. [2] CMS Collaboration, "Description and performance of track and primary-vertex
       reconstruction with the CMS tracker", JINST 9 (2014) P10009, arXiv:1405.6569.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from skjetsim.datasets import DetectorCard
    >>> card = replace(DetectorCard(), hcal_resolution=(0.05, 1.0, 0.0))
    >>> card.hcal_resolution
    (0.05, 1.0, 0.0)
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

    ecal_eta_edges: tuple = field(default=_ECAL_ETA_EDGES, repr=False)
    ecal_phi_divisions: tuple = field(default=_ECAL_PHI_DIVISIONS, repr=False)
    ecal_region_edges: tuple = (1.5, 2.5)
    ecal_resolution: tuple = (0.008, 0.11, 0.40)
    ecal_barrel_slope: float = 0.64
    ecal_endcap_shape: tuple = (2.16, 5.6, 2.0)
    ecal_forward_resolution: tuple = (0.107, 2.08, 0.0)
    hcal_eta_edges: tuple = field(default=_HCAL_ETA_EDGES, repr=False)
    hcal_phi_divisions: tuple = field(default=_HCAL_PHI_DIVISIONS, repr=False)
    hcal_region_edge: float = 3.0
    hcal_resolution: tuple = (0.05, 1.5, 0.0)
    hcal_forward_resolution: tuple = (0.13, 2.7, 0.0)
    v0_ecal_fraction: float = 0.3
    ecal_energy_min: float = 0.5
    hcal_energy_min: float = 1.0
    energy_significance_min: float = 2.0

    jet_radius: float = 0.5
    jet_scale_eta_edges: tuple = (1.5, 2.5)
    jet_scale: tuple = ((1.03, 2.45), (1.02, 2.28), (1.06, 2.70))
    jet_pt_min: float = 5.0
    jet_min_constituents: int = 2
    match_delta_r: float = 0.3
    electron_pt_min: float = 5.0
    electron_eta_max: float = 2.4
    electron_scale: float = 1.0
    muon_pt_min: float = 5.0
    muon_eta_max: float = 2.4
    muon_scale: float = 1.0

    def __post_init__(self):
        for item in fields(self):
            _check_finite(item.name, getattr(self, item.name))
        for name in _POSITIVE:
            _check(name, getattr(self, name) > 0, "must be positive")
        for name in _NON_NEGATIVE:
            _check(name, np.min(getattr(self, name)) >= 0, "must not be negative")
        for name in _INCREASING:
            _check(name, np.all(np.diff(getattr(self, name)) > 0), "must be increasing")
        _check("v0_ecal_fraction", self.v0_ecal_fraction <= 1, "must be at most 1")
        self._check_tables()

    def _check_tables(self):
        """Efficiencies are probabilities, and every table has the shape of its edges."""
        track_shape = (len(self.track_eta_edges), len(self.track_pt_edges))
        for kind in ("hadron", "electron", "muon"):
            efficiency = np.asarray(getattr(self, f"{kind}_efficiency"))
            _check_shape(f"{kind}_efficiency", efficiency, track_shape)
            inside = np.all((efficiency >= 0) & (efficiency <= 1))
            _check(f"{kind}_efficiency", inside, "must lie between 0 and 1")
            resolution = getattr(self, f"{kind}_resolution")
            _check_shape(f"{kind}_resolution", resolution, (len(self.resolution_eta_edges), 2))
        for name in ("track_eta_resolution", "track_phi_resolution"):
            _check_shape(name, getattr(self, name), (2,))
        for name in ("ecal_resolution", "ecal_forward_resolution", "ecal_endcap_shape"):
            _check_shape(name, getattr(self, name), (3,))
        for name in ("hcal_resolution", "hcal_forward_resolution"):
            _check_shape(name, getattr(self, name), (3,))
        _check_shape("ecal_region_edges", self.ecal_region_edges, (2,))
        _check_shape("jet_scale", self.jet_scale, (len(self.jet_scale_eta_edges) + 1, 2))
        for name in ("ecal", "hcal"):
            divisions = getattr(self, f"{name}_phi_divisions")
            n_rings = len(getattr(self, f"{name}_eta_edges")) - 1
            _check_shape(f"{name}_phi_divisions", divisions, (n_rings,))
            _check(f"{name}_phi_divisions", min(divisions) >= 1, "must be at least 1")


_POSITIVE = (
    *("radius", "half_length", "jet_radius", "match_delta_r", "hcal_region_edge"),
    *("electron_scale", "muon_scale"),
)
_NON_NEGATIVE = (
    *("hadron_resolution", "electron_resolution", "muon_resolution"),
    *("track_eta_resolution", "track_phi_resolution"),
    *("ecal_resolution", "ecal_barrel_slope", "ecal_endcap_shape", "ecal_forward_resolution"),
    *("hcal_resolution", "hcal_forward_resolution", "v0_ecal_fraction"),
    *("ecal_energy_min", "hcal_energy_min", "energy_significance_min"),
    *("jet_scale", "jet_pt_min", "jet_min_constituents"),
    *("electron_pt_min", "electron_eta_max", "muon_pt_min", "muon_eta_max"),
)
_INCREASING = (
    *("track_eta_edges", "track_pt_edges", "resolution_eta_edges", "jet_scale_eta_edges"),
    *("ecal_eta_edges", "hcal_eta_edges", "ecal_region_edges"),
)


def _check(name, condition, complaint):
    if not condition:
        raise ValueError(f"The detector's {name} {complaint}.")


def _check_finite(name, value):
    try:
        values = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"The detector's {name} must be numbers, got {value!r}.") from None
    _check(name, values.size and np.all(np.isfinite(values)), "must be finite and not empty")


def _check_shape(name, value, shape):
    found = np.shape(value)
    _check(name, found == shape, f"must have shape {shape}, has {found}")

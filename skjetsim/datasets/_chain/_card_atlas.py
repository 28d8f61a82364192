"""Where the ATLAS-like detector card differs from the default one."""

from skjetsim.datasets._chain._segmentation import ATLAS_HCAL_ETA_EDGES, ATLAS_HCAL_PHI_DIVISIONS

# What comes from Delphes' ATLAS card and what from JINST 3 (2008) S08003 is said in the notes of
# DetectorCard. There, sigma(1/pT) is 0.34/TeV (1 + 44 GeV/pT) near eta = 0 and 0.41/TeV
# (1 + 80 GeV/pT) near 1.5, sums in quadrature, and directions are known to 0.07 mrad
# (1 + 39 GeV/pT) in phi and 0.7e-3 (1 + 5 GeV/pT) in the cotangent of the polar angle.
_BARREL_TRACKS = (0.34e-3 * 44, 0.34e-3)
_ENDCAP_TRACKS = (0.41e-3 * 80, 0.41e-3)

ATLAS = {
    "magnetic_field": 2.0,
    "radius": 1.15,
    "half_length": 3.51,
    "hadron_resolution": (_BARREL_TRACKS, _BARREL_TRACKS, _ENDCAP_TRACKS),
    "track_eta_resolution": (0.7e-3, 3.5e-3),
    "track_phi_resolution": (0.07e-3, 2.73e-3),
    "ecal_region_edges": (3.2,),
    "ecal_resolution": ((0.0017, 0.101, 0.0), (0.035, 0.285, 0.0)),
    "ecal_eta_shape": ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
    "hcal_eta_edges": ATLAS_HCAL_ETA_EDGES,
    "hcal_phi_divisions": ATLAS_HCAL_PHI_DIVISIONS,
    "hcal_region_edges": (1.7, 3.2),
    "hcal_resolution": ((0.0302, 0.5205, 1.59), (0.05, 0.706, 0.0), (0.0942, 1.0, 0.0)),
    "jet_scale": ((1.0, 1.65), (1.0, 1.25), (1.02, 1.12)),
    "underlying_density": (1.42, 1.95, 1.39),
    "electron_eta_max": 2.5,
    "muon_eta_max": 2.5,
    "muon_identification": (0.95, 0.85),
}

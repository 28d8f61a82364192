"""One rule for which columns are angles, for conditions, residuals and metrics alike."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skjetsim._encoders._condition import ConditionEncoder
from skjetsim.compose import ResidualTransformer, SymmetricSimulator
from skjetsim.flows import FlowSimulator
from skjetsim.preprocessing import AngleEncoder, PhiRotation
from skjetsim.utils._angles import is_angle

# Names of ntuples of CMS (NanoAOD), Delphes and ATLAS (DAOD_PHYSLITE), and of public data sets.
ANGLES = [
    *(
        "phi",
        "muon_phi",
        "muon_met_delta_phi",
        "phi_rel",
        "phi_phi",
        "phi1",
        "phi_1",
        "phi0",
        "PHI",
    ),
    *(
        "jetPhi",
        "MET.Phi",
        "Jet_phi",
        "Jet_phi[0]",
        "MET_phi",
        "lep1Phi",
        "lepton_phi",
        "jet_1_phi",
    ),
    *("missing_energy_phi", "PRI_jet_leading_phi", "e_phi", "phi_mu", "phi_jet1", "jet/phi"),
    *("delta_phi", "dphi", "deltaphi", "dPhi", "DeltaPhi", "dPhi_jj", "deltaPhi_j1_met"),
    *("DeltaPhi_Jet_MET", "mu_MET_deltaPhi_reco", "h_deltaphi_jet_met", "lead_jet_dphi_rel"),
    *("AnalysisJetsAuxDyn.phi", "jet_phi_NOSYS", "el_phi[12]", "muplus_PHI", "SV_phi"),
    *("PuppiMET_phiJERUp", "PuppiMET_phiUnclusteredDown", "MET_fiducialGenPhi"),
    *("Tau_leadTkDeltaPhi", "DeepMETResolutionTune_phi", "CorrT1METJet_phi", "GenJetAK8_phi"),
    *("MissingET.Phi", "Track.PhiOuter", "Jet.DeltaPhi", "METphi", "METPHI", "jetphi", "mu1phi"),
    *("jet_phi_reco", "gen_phi", "azimuth", "muon_azimuth", "φ", "muon_φ", "Δφ", "#Delta#phi"),
    "phi1020_phi",
]
OTHERS = [
    *("phi_pt", "phi_eta", "phi_mass", "phi_E", "phi_m", "phi_px", "phi_y", "phi_charge", "phi_id"),
    *("phi_iso", "phi_d0", "phiPt", "phi.M", "phi_1020", "phi_1020_PT", "phi_gen_pt", "phi_mu_pt"),
    *("dphi_mass", "pt_phi", "mass_phi", "muon_phi_residual", "muon_phi_scaled", "muon_cos_phi"),
    *("met_sin_phi", "a_b_delta_cos_phi", "cos_jetPhi", "log_phi", "abs_dphi", "phi_deg"),
    *("phi_err", "errPhi", "phi_pull", "Track.ErrorPhi", "covEtaPhi", "sigmaIphiIphi", "sphi"),
    *("iphi", "n_phi", "phi_bin", "phi_star", "phiz", "philosophy", "graphics", "SV_pAngle"),
    *("HLT_HcalPhiSym", "HLT_Dimuon_Phi_Barrel", "jet_pt"),
]


@pytest.mark.parametrize("name", ANGLES)
def test_azimuths_and_their_differences(name):
    assert is_angle(name)


@pytest.mark.parametrize("name", [*OTHERS, 3, "", None])
def test_what_only_looks_like_one(name):
    assert not is_angle(name)


def test_a_meson_called_phi():
    """Its momentum is not an angle: a residual of 8 GeV stays 8 GeV."""
    X = pd.DataFrame({"phi_pt": [50.0, 60.0, 70.0], "phi_eta": [0.1, 0.2, 0.3]})
    y = X + np.array([[8.0, 0.0], [-8.0, 0.1], [4.0, -0.1]])
    residuals = ResidualTransformer().fit(X, y)
    assert not residuals.angles_.any()
    back = residuals.inverse_transform_target(X, residuals.transform_target(X, y))
    assert_allclose(back, y)
    with pytest.raises(ValueError, match="found no angle"):
        AngleEncoder().fit(X)


def test_the_encoder_takes_every_angle():
    X = pd.DataFrame({"jetPhi": [1.0, 2.0], "phi_rel": [0.1, 0.2], "phi_pt": [50.0, 60.0]})
    encoder = AngleEncoder().fit(X)
    out = encoder.transform(X)
    assert list(out) == ["cos_jetPhi", "sin_jetPhi", "cos_phi_rel", "sin_phi_rel", "phi_pt"]
    assert not any(map(is_angle, out))
    assert_allclose(encoder.inverse_transform(out), X)


@pytest.mark.parametrize("name", ["jetPhi", "phi1", "Jet_phi[0]"])
def test_rotations_leave_no_azimuth_behind(name):
    X = pd.DataFrame({"muon_phi": [1.0, 2.0], "met_phi": [0.5, 0.2], name: [0.1, 0.2]})
    with pytest.raises(ValueError, match=f"{re.escape(repr(name))}.*would not be rotated.*jet_phi"):
        PhiRotation("muon").fit(X)
    rotation = PhiRotation("muon", objects=["met"]).fit(X)
    assert_allclose(rotation.transform(X)[name], X[name])
    model = SymmetricSimulator(FlowSimulator(max_epochs=1), reference="muon")
    with pytest.raises(ValueError, match="would not be rotated"):
        model.fit(X, X)
    differences = X.rename(columns={name: "muon_jet_dphi"})
    assert_allclose(PhiRotation("muon").fit_transform(differences)["muon_jet_dphi"], X[name])


def test_encoded_angles_are_not_encoded_again():
    X = pd.DataFrame({"jet_phi": np.linspace(-3, 3, 50), "jet_pt": np.linspace(20, 90, 50)})
    encoded = AngleEncoder().fit_transform(X)
    assert list(ConditionEncoder(list(X)).fit(X.to_numpy()).angles_) == [0]
    assert len(ConditionEncoder(list(encoded)).fit(encoded.to_numpy()).angles_) == 0

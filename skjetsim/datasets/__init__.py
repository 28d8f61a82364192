"""Samples of collision events, jets and calorimeter showers."""

from skjetsim.datasets._chain._card import DetectorCard
from skjetsim.datasets._dilepton import generate_zee, generate_zmumu, load_zee
from skjetsim.datasets._drell_yan import generate_drell_yan
from skjetsim.datasets._jets._clouds import generate_jets, load_gluon_jets
from skjetsim.datasets._jets._images import generate_jet_images, load_jet_images
from skjetsim.datasets._lepton_pairs_ee import generate_lepton_pairs_ee
from skjetsim.datasets._showers._geometry import ShowerGeometry
from skjetsim.datasets._showers._layer import ShowerLayer
from skjetsim.datasets._showers._make import load_showers, make_showers
from skjetsim.datasets._showers._material import ShowerMaterial
from skjetsim.datasets._showers._superpose import superpose_showers
from skjetsim.datasets._toys import camel_log_prob, make_camel, make_shell, shell_log_prob
from skjetsim.datasets._toys_2d import density_2d_log_prob, make_density_2d
from skjetsim.datasets._ttbar import generate_ttbar, load_ttbar
from skjetsim.datasets._wjet import generate_wjet, load_wjet
from skjetsim.datasets._zjet import generate_zjet

__all__ = [
    "DetectorCard",
    "ShowerGeometry",
    "ShowerLayer",
    "ShowerMaterial",
    "camel_log_prob",
    "density_2d_log_prob",
    "generate_drell_yan",
    "generate_jet_images",
    "generate_jets",
    "generate_lepton_pairs_ee",
    "generate_ttbar",
    "generate_wjet",
    "generate_zee",
    "generate_zjet",
    "generate_zmumu",
    "load_gluon_jets",
    "load_jet_images",
    "load_showers",
    "load_ttbar",
    "load_wjet",
    "load_zee",
    "make_camel",
    "make_density_2d",
    "make_shell",
    "make_showers",
    "shell_log_prob",
    "superpose_showers",
]

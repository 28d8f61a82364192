"""Samples of collision events."""

from skjetsim.datasets._card import DetectorCard
from skjetsim.datasets._dilepton import generate_zee, generate_zmumu
from skjetsim.datasets._wjet import generate_wjet, load_wjet
from skjetsim.datasets._zjet import generate_zjet

__all__ = [
    "DetectorCard",
    "generate_wjet",
    "generate_zee",
    "generate_zjet",
    "generate_zmumu",
    "load_wjet",
]

"""Samples of collision events."""

from skjetsim.datasets._card import DetectorCard
from skjetsim.datasets._wjet import generate_wjet, load_wjet

__all__ = ["DetectorCard", "generate_wjet", "load_wjet"]

"""Samples of collision events."""

from ._card import DetectorCard
from ._wjet import generate_wjet, load_wjet

__all__ = ["DetectorCard", "generate_wjet", "load_wjet"]

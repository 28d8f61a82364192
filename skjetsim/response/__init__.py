"""Response models: what a detector makes of an event, column by column."""

from skjetsim.response._quantile import QuantileSimulator
from skjetsim.response._wjet import make_published_wjet, make_wjet_simulator

__all__ = ["QuantileSimulator", "make_published_wjet", "make_wjet_simulator"]

"""Response models: what a detector makes of an event, column by column."""

from skjetsim.response._quantile import QuantileSimulator
from skjetsim.response._wjet import make_wjet_pipeline, make_wjet_quantile

__all__ = ["QuantileSimulator", "make_wjet_pipeline", "make_wjet_quantile"]

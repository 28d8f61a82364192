"""Response models: what a detector makes of an event, column by column."""

from skjetsim.response._quantile import QuantileSimulator

__all__ = ["QuantileSimulator"]

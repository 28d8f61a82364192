"""Normalizing flows: densities of events, and of detector response given the event."""

from skjetsim.flows._generator import FlowGenerator
from skjetsim.flows._invertible_unfolder import InvertibleUnfolder
from skjetsim.flows._simulator import FlowSimulator

__all__ = ["FlowGenerator", "FlowSimulator", "InvertibleUnfolder"]

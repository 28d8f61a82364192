"""Flows: the density of events, the detector response given an event, and unfolding."""

from skjetsim.flows._generator import FlowGenerator
from skjetsim.flows._invertible_unfolder import InvertibleUnfolder
from skjetsim.flows._matching_generator import FlowMatchingGenerator
from skjetsim.flows._matching_simulator import FlowMatchingSimulator
from skjetsim.flows._simulator import FlowSimulator

__all__ = [
    "FlowGenerator",
    "FlowMatchingGenerator",
    "FlowMatchingSimulator",
    "FlowSimulator",
    "InvertibleUnfolder",
]

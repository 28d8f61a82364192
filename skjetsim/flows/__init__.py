"""Normalizing flows: densities of events, and of detector response given the event."""

from skjetsim.flows._generator import FlowGenerator
from skjetsim.flows._matching_generator import FlowMatchingGenerator
from skjetsim.flows._matching_simulator import FlowMatchingSimulator
from skjetsim.flows._simulator import FlowSimulator

__all__ = ["FlowGenerator", "FlowMatchingGenerator", "FlowMatchingSimulator", "FlowSimulator"]

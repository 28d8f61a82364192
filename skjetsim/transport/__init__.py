"""Maps between theory and detector level that are learnt from unpaired samples."""

from skjetsim.transport._observables import FourMomentum, InvariantMass, ScalarSum
from skjetsim.transport._otus import OTUSSimulator
from skjetsim.transport._presets import make_otus_ttbar, make_otus_zee, make_zee_simulator

__all__ = [
    "FourMomentum",
    "InvariantMass",
    "OTUSSimulator",
    "ScalarSum",
    "make_otus_ttbar",
    "make_otus_zee",
    "make_zee_simulator",
]

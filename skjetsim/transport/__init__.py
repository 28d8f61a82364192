"""Maps between theory and detector level that are learnt from unpaired samples."""

from skjetsim.transport._observables import FourMomentum, InvariantMass, OrderedMomenta, ScalarSum
from skjetsim.transport._otus import OTUSSimulator
from skjetsim.transport._published import make_otus_ttbar, make_otus_zee
from skjetsim.transport._top_pair import TopPairMasses, make_ttbar_simulator
from skjetsim.transport._unpaired import UnpairedMixin
from skjetsim.transport._zee import make_zee_simulator

__all__ = [
    "FourMomentum",
    "InvariantMass",
    "OTUSSimulator",
    "OrderedMomenta",
    "ScalarSum",
    "TopPairMasses",
    "UnpairedMixin",
    "make_otus_ttbar",
    "make_otus_zee",
    "make_ttbar_simulator",
    "make_zee_simulator",
]

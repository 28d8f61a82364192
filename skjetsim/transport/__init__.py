"""Maps between theory and detector level that are learnt from unpaired samples."""

from skjetsim.transport._observables import FourMomentum, InvariantMass, OrderedMomenta, ScalarSum
from skjetsim.transport._otus import OTUSSimulator
from skjetsim.transport._published import make_ttbar_otus, make_zee_otus
from skjetsim.transport._top_pair import TopPairMasses, make_ttbar_unpaired
from skjetsim.transport._unpaired import UnpairedMixin
from skjetsim.transport._zee import make_zee_unpaired

__all__ = [
    "FourMomentum",
    "InvariantMass",
    "OTUSSimulator",
    "OrderedMomenta",
    "ScalarSum",
    "TopPairMasses",
    "UnpairedMixin",
    "make_ttbar_otus",
    "make_ttbar_unpaired",
    "make_zee_otus",
    "make_zee_unpaired",
]

"""Base classes and tags of generators and simulators: what makes an estimator one of ours.

A *generator* learns p(X) and draws new events. A *simulator* learns p(y given X) and draws a
detector-level event for each theory-level one. An *unfolder* learns p(X given y), the way back.
They are recognised by the scikit-learn tag `estimator_type`, which a Pipeline and a search pass on
from the estimator inside.
"""

from skjetsim.base._checks import check_pairs, check_sample
from skjetsim.base._generator import BaseGenerator
from skjetsim.base._inverse import BaseUnfolder, InverseSampling
from skjetsim.base._mixins import GeneratorMixin, SimulatorMixin, UnfolderMixin
from skjetsim.base._simulator import BaseSimulator
from skjetsim.base._tags import is_generator, is_simulator, is_unfolder

__all__ = [
    "BaseGenerator",
    "BaseSimulator",
    "BaseUnfolder",
    "GeneratorMixin",
    "InverseSampling",
    "SimulatorMixin",
    "UnfolderMixin",
    "check_pairs",
    "check_sample",
    "is_generator",
    "is_simulator",
    "is_unfolder",
]

"""Calorimeter showers by parameterised profiles."""

from skjetsim.datasets._showers._geometry import ShowerGeometry
from skjetsim.datasets._showers._layer import ShowerLayer
from skjetsim.datasets._showers._load import load_showers
from skjetsim.datasets._showers._make import make_showers
from skjetsim.datasets._showers._material import ShowerMaterial
from skjetsim.datasets._showers._superpose import superpose_showers

__all__ = [
    "ShowerGeometry",
    "ShowerLayer",
    "ShowerMaterial",
    "load_showers",
    "make_showers",
    "superpose_showers",
]

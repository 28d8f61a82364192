"""One layer of a calorimeter: its cells and their material."""

import math
from dataclasses import dataclass, field

import numpy as np

from skjetsim.datasets._showers._material import ShowerMaterial
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_int


@dataclass(frozen=True)
class ShowerLayer:
    """One layer of a calorimeter: a depth of material, and the cells that read it out.

    Cells are a Cartesian grid (`n_eta` and `n_phi`) or rings cut into sectors (`r_edges`). They are
    centred on the axis of the calorimeter. A layer without cells is dead: it is material without
    readout, or only a number if its depth is zero.

    Parameters
    ----------
    depth : float
        Thickness along the axis, in mm.

    n_eta, n_phi : int, default=0
        Cells of the grid in x, the direction of eta, and in y, the direction of phi.

    eta_size, phi_size : float, default=0.0
        Size of a cell of the grid in x and y, in mm.

    r_edges : tuple of float, default=()
        Radii between rings in mm, increasing, the innermost first.

    n_alpha : int, default=1
        Sectors of each ring, counted from the x axis towards the y axis.

    material : ShowerMaterial, default=ShowerMaterial()
        Material of the layer.

    number : int or None, default=None
        Number of the layer in the names of its cells. None is its position, from 0.

    Raises
    ------
    ValueError
        If a size is negative, a grid has no sizes, both kinds of cells are given, or radii do not
        increase.

    Examples
    --------
    >>> from skjetsim.datasets import ShowerLayer
    >>> ShowerLayer(347.0, n_eta=12, n_phi=12, eta_size=40.0, phi_size=40.0).shape
    (12, 12)
    >>> ShowerLayer(3.4, r_edges=(0.0, 4.65, 9.3), n_alpha=16).n_cells
    32
    """

    depth: float
    n_eta: int = 0
    n_phi: int = 0
    eta_size: float = 0.0
    phi_size: float = 0.0
    r_edges: tuple = ()
    n_alpha: int = 1
    material: ShowerMaterial = field(default_factory=ShowerMaterial)
    number: int | None = None

    def __post_init__(self):
        for name in ("depth", "eta_size", "phi_size"):
            check_real(getattr(self, name), name, minimum=0)
        for name, minimum in (("n_eta", 0), ("n_phi", 0), ("n_alpha", 1)):
            check_int(getattr(self, name), name, minimum=minimum)
        if self.number is not None:
            check_int(self.number, "number", minimum=0)
        if not isinstance(self.material, ShowerMaterial):
            raise TypeError(f"material must be a ShowerMaterial, got {self.material!r}.")
        object.__setattr__(self, "r_edges", tuple(float(edge) for edge in self.r_edges))
        self._check_cells()

    def _check_cells(self):
        edges = np.array(self.r_edges)
        if (self.n_eta > 0) != (self.n_phi > 0):
            raise ValueError(
                f"A grid needs n_eta and n_phi, got n_eta={self.n_eta} and n_phi={self.n_phi}."
            )
        if self.n_eta and len(edges):
            raise ValueError("A layer has a grid (n_eta, n_phi) or rings (r_edges), not both.")
        if self.n_eta and not (self.eta_size > 0 and self.phi_size > 0):
            raise ValueError(
                f"Cells must have sizes, got eta_size={self.eta_size:g} and "
                f"phi_size={self.phi_size:g} mm."
            )
        if len(edges) == 1:
            raise ValueError("r_edges needs two radii or more, or () for a layer without rings.")
        if len(edges) and not (np.isfinite(edges).all() and edges[0] >= 0):
            raise ValueError(f"r_edges must be radii in mm, got {self.r_edges}.")
        if (np.diff(edges) <= 0).any():
            raise ValueError(f"r_edges must increase, got {self.r_edges}.")
        if self.shape and self.depth == 0:
            raise ValueError("A layer with cells must have a depth in mm, got 0.")

    @property
    def is_grid(self):
        """Whether the cells are a Cartesian grid."""
        return self.n_eta > 0

    @property
    def shape(self):
        """Shape of the layer's image: (n_phi, n_eta), (n_alpha, rings), or () without cells."""
        if self.is_grid:
            return (self.n_phi, self.n_eta)
        return (self.n_alpha, len(self.r_edges) - 1) if self.r_edges else ()

    @property
    def n_cells(self):
        """Number of cells."""
        return math.prod(self.shape) if self.shape else 0

    def cell_names(self):
        """Names of the cells, in their order.

        Returns
        -------
        list of str
        """
        one, two = ("phi", "eta") if self.is_grid else ("alpha", "r")
        cells = np.ndindex(self.shape or (0, 0))
        return [f"layer{self.number}_{one}{i}_{two}{j}" for i, j in cells]

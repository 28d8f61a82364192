"""Layers and cells of a calorimeter."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from skjetsim.datasets._showers._layer import ShowerLayer
from skjetsim.datasets._showers._xml import read_layers
from skjetsim.utils._validation import first_duplicate


def _calogan_layers():
    """Three layers in the manner of ATLAS' barrel, as in arXiv:1705.02355, 480 mm across."""
    return (
        ShowerLayer(90.0, n_eta=96, n_phi=3, eta_size=5.0, phi_size=160.0),
        ShowerLayer(347.0, n_eta=12, n_phi=12, eta_size=40.0, phi_size=40.0),
        ShowerLayer(43.0, n_eta=6, n_phi=12, eta_size=80.0, phi_size=40.0),
    )


@dataclass(frozen=True)
class ShowerGeometry:
    """Layers of a calorimeter, the first one at the front.

    The default has the three layers of lead and liquid argon of [1]_, with 3 x 96, 12 x 12 and
    12 x 6 cells. The axis goes through the centre of the layers. In mm, x is the direction of eta
    and y is that of phi.

    Parameters
    ----------
    layers : tuple of ShowerLayer
        The layers, front to back.

    Attributes
    ----------
    n_layers, n_cells : int
        Number of layers, including dead ones, and of all cells.

    depth, radiation_lengths, interaction_lengths : float
        Thickness along the axis: in mm, in radiation lengths and in interaction lengths.

    cell_layers : ndarray of int of shape (n_cells,)
        Position in `layers` of the layer of each cell.

    Raises
    ------
    ValueError
        If there are no layers or no cells, or if two layers have the same number.

    TypeError
        If `layers` is not a sequence of ShowerLayer.

    References
    ----------
    .. [1] M. Paganini, L. de Oliveira and B. Nachman, "CaloGAN: simulating 3D high energy
       particle showers in multilayer electromagnetic calorimeters with generative adversarial
       networks", arXiv:1705.02355.

    Examples
    --------
    >>> from skjetsim.datasets import ShowerGeometry
    >>> geometry = ShowerGeometry()
    >>> geometry.n_cells, [layer.shape for layer in geometry.layers]
    (504, [(3, 96), (12, 12), (12, 6)])
    >>> print(f"{geometry.radiation_lengths:.1f} radiation lengths")
    30.8 radiation lengths
    """

    layers: tuple = field(default_factory=_calogan_layers)

    def __post_init__(self):
        if not isinstance(self.layers, Iterable):
            raise TypeError(
                f"layers must be a sequence of ShowerLayer, got a {type(self.layers).__name__}."
            )
        layers = list(self.layers)
        for position, layer in enumerate(layers):
            if not isinstance(layer, ShowerLayer):
                raise TypeError(f"layers must be ShowerLayer objects, got {layer!r}.")
            if layer.number is None:
                layers[position] = replace(layer, number=position)
        if not any(layer.n_cells for layer in layers):
            raise ValueError(
                f"The geometry has {len(layers)} layers and no cells: nothing is read out. Give a "
                "layer n_eta and n_phi, or r_edges."
            )
        twice = first_duplicate(layer.number for layer in layers)
        if twice is not None:
            raise ValueError(f"Two layers have the number {twice}.")
        object.__setattr__(self, "layers", tuple(layers))

    @classmethod
    def from_xml(cls, path, *, depth, particle=None, material=None):
        """Read a binning file of the Fast Calorimeter Simulation Challenge [1]_.

        The file has rings and sectors, but neither depths nor materials. Layers without rings
        are kept with their numbers. They are dead layers without depth, unless `depth` gives one.

        Parameters
        ----------
        path : str or path-like
            The XML file.

        depth : float or dict of int to float
            Depth in mm of every layer that has cells, or of layers by number.

        particle : str or None, default=None
            Name of the particle whose binning to read, if the file has several.

        material : ShowerMaterial, dict of int to ShowerMaterial or None, default=None
            Material of all layers, or of layers by number. None is ``ShowerMaterial()``.

        Returns
        -------
        ShowerGeometry

        Raises
        ------
        ValueError
            If the file is of another kind, lacks the particle or has unknown attributes, or if
            depths are missing or are for layers that do not exist.

        FileNotFoundError
            If the file does not exist.

        References
        ----------
        .. [1] C. Krause et al., "CaloChallenge 2022: a community challenge for fast calorimeter
           simulation", arXiv:2410.21611.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from skjetsim.datasets import ShowerGeometry
        >>> text = '''<Bins><Bin pid="22" etaMin="0" etaMax="130" name="photon">
        ... <Layer id="0" r_edges="0,5,10" n_bin_alpha="10"/>
        ... <Layer id="4" r_edges="0" n_bin_alpha="1"/></Bin></Bins>'''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "binning.xml"
        ...     _ = path.write_text(text)
        ...     geometry = ShowerGeometry.from_xml(path, depth=90.0)
        >>> [(layer.number, layer.shape) for layer in geometry.layers]
        [(0, (10, 2)), (4, ())]
        """
        return cls(read_layers(path, depth, particle, material))

    @property
    def n_layers(self):
        """Number of layers, including dead ones."""
        return len(self.layers)

    @cached_property
    def n_cells(self):
        """Number of cells."""
        return sum(layer.n_cells for layer in self.layers)

    @property
    def depth(self):
        """Thickness along the axis, in mm."""
        return sum(layer.depth for layer in self.layers)

    @property
    def radiation_lengths(self):
        """Thickness along the axis, in radiation lengths."""
        return sum(layer.depth / layer.material.radiation_length for layer in self.layers)

    @property
    def interaction_lengths(self):
        """Thickness along the axis, in nuclear interaction lengths."""
        return sum(layer.depth / layer.material.interaction_length for layer in self.layers)

    @cached_property
    def cell_layers(self):
        """Position in `layers` of the layer of each cell."""
        return np.repeat(np.arange(self.n_layers), [layer.n_cells for layer in self.layers])

    @cached_property
    def cell_offsets(self):
        """Column of the first cell of each layer."""
        return np.cumsum([0, *(layer.n_cells for layer in self.layers)])[:-1]

    def cell_names(self):
        """Names of the cells, in the order of the columns of a shower.

        Returns
        -------
        list of str
        """
        return [name for layer in self.layers for name in layer.cell_names()]

    def images(self, showers):
        """Cut showers into one image per layer.

        Parameters
        ----------
        showers : array-like of shape (n_showers, n_cells)
            Energies of cells.

        Returns
        -------
        list of ndarray of shape (n_showers, n_phi, n_eta) or (n_showers, n_alpha, rings)
            One for each layer with cells.

        Raises
        ------
        ValueError
            If the number of columns is not the number of cells.

        Examples
        --------
        >>> import numpy as np
        >>> from skjetsim.datasets import ShowerGeometry
        >>> [image.shape for image in ShowerGeometry().images(np.zeros((2, 504)))]
        [(2, 3, 96), (2, 12, 12), (2, 12, 6)]
        """
        showers = np.asarray(showers)
        if showers.ndim != 2 or showers.shape[1] != self.n_cells:
            raise ValueError(
                f"showers must have shape (n_showers, {self.n_cells}), got {showers.shape}."
            )
        return [
            showers[:, start : start + layer.n_cells].reshape(len(showers), *layer.shape)
            for start, layer in zip(self.cell_offsets, self.layers, strict=True)
            if layer.n_cells
        ]

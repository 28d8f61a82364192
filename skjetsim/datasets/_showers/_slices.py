"""A calorimeter cut into thin slices of depth, in which a shower's profiles are integrated."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Slices:
    """Depths at the edges of slices, front to back, and material of each slice.

    `depth` is in mm along the axis. `radiation`, `interaction` and `pion` are the same depth in
    radiation, nuclear interaction and pion interaction lengths. `loss` is the energy in GeV that a
    minimum ionising particle has lost so far. They have one more entry than there are slices.
    """

    layer: np.ndarray
    first: np.ndarray  # first slice of each layer that has a depth
    layers: np.ndarray  # positions of these layers
    depth: np.ndarray
    radiation: np.ndarray
    interaction: np.ndarray
    pion: np.ndarray
    loss: np.ndarray
    moliere_radius: np.ndarray  # of a slice, mm
    interaction_length: np.ndarray  # of a slice, mm

    @property
    def n_slices(self):
        return len(self.layer)

    def layer_sums(self, values, n_layers):
        """Sums over the slices of each layer, shape (n, n_layers), from (n, n_slices)."""
        sums = np.zeros((len(values), n_layers))
        sums[:, self.layers] = np.add.reduceat(values, self.first, axis=1)
        return sums


def cut(geometry, step):
    """Cut a geometry into slices of at most `step` radiation lengths, none across layers."""
    present = [(i, layer) for i, layer in enumerate(geometry.layers) if layer.depth > 0]
    layers = np.array([i for i, _ in present])
    depth = np.array([layer.depth for _, layer in present])
    radiation_length = np.array([layer.material.radiation_length for _, layer in present])
    counts = np.ceil(depth / radiation_length / step).astype(int)
    thickness = np.repeat(depth / counts, counts)

    def along(values):
        return np.concatenate([[0.0], np.cumsum(values)])

    def of_material(name):
        return np.repeat([getattr(layer.material, name) for _, layer in present], counts)

    return Slices(
        layer=np.repeat(layers, counts),
        first=np.cumsum(counts) - counts,
        layers=layers,
        depth=along(thickness),
        radiation=along(thickness / of_material("radiation_length")),
        interaction=along(thickness / of_material("interaction_length")),
        pion=along(thickness / of_material("pion_interaction_length")),
        loss=along(thickness * of_material("min_ionisation")),
        moliere_radius=of_material("moliere_radius"),
        interaction_length=of_material("interaction_length"),
    )

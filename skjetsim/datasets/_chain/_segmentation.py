"""Tower edges and azimuthal divisions of the calorimeters of detector cards."""


def _symmetric(*regions):
    """Edges and divisions of both halves from (upper eta edges, divisions) of eta > 0."""
    edges = [edge for upper_edges, _ in regions for edge in upper_edges]
    divisions = [n_phi for upper_edges, n_phi in regions for _ in upper_edges]
    mirrored = (*(-edge for edge in reversed(edges)), 0.0, *edges)
    return mirrored, tuple(reversed(divisions)) + tuple(divisions)


# One ECAL tower is one crystal of CMS, 1 degree wide, up to the end of the endcap; beyond it are
# the towers of the forward calorimeter. Delphes' ATLAS card has the same.
ECAL_ETA_EDGES, ECAL_PHI_DIVISIONS = _symmetric(
    ([round(0.0174 * i, 4) for i in range(1, 171)], 360),
    ([3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525, 4.7, 5.0], 36),
)
CMS_HCAL_ETA_EDGES, CMS_HCAL_PHI_DIVISIONS = _symmetric(
    ([round(0.087 * i, 3) for i in range(1, 20)], 72),
    ([1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 2.95], 36),
    ([3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525], 36),
    ([4.7, 5.0], 18),
)
ATLAS_HCAL_ETA_EDGES, ATLAS_HCAL_PHI_DIVISIONS = _symmetric(
    ([round(0.1 * i, 1) for i in range(1, 27)], 36),
    ([2.8, 3.0, 3.2, 3.5, 3.7, 3.9, 4.1, 4.3, 4.5, 4.7, 4.9], 18),
)

"""Images of jets: constituents moved, rotated and mirrored, then summed in pixels."""

import numpy as np

from skjetsim.utils._angles import rotated, wrap_phi


def pixelate(eta, phi, pt, row, axes, *, n_pixels, half_width, centre, rotate, flip):
    """Sum the pT of constituents in the pixels of one image per jet.

    The steps are those of [1]_, but constituents are rotated instead of pixels, so that no
    interpolation changes the pT. A rotated image has the second axis below the first one. In a jet
    without a second axis, the principal axis is there. Mirrored images have more pT on the right.

    Parameters
    ----------
    eta, phi, pt : ndarray
        Constituents, pT in GeV.

    row : ndarray of int
        Image of each constituent.

    axes : ndarray of shape (n_jets, 3, 2)
        Eta and phi of the jet, of its hardest subjet, and of the second one, which may be NaN.

    n_pixels : int
        Pixels along each side.

    half_width : float
        Half of an image's side, in eta and phi.

    centre, rotate, flip : bool
        Whether the hardest subjet is in the middle instead of the jet, whether to rotate, and
        whether to mirror.

    Returns
    -------
    images : ndarray of shape (n_jets, n_pixels, n_pixels)
        pT in GeV; the first axis is eta, the second phi.
    outside : ndarray of shape (n_jets,)
        pT beyond the edge of each image.

    References
    ----------
    .. [1] L. de Oliveira et al., "Jet-images -- deep learning edition", arXiv:1511.05190,
       section 3.
    """
    n_jets = len(axes)
    middle = axes[:, 1 if centre else 0]
    x = eta - middle[row, 0]
    y = wrap_phi(phi - middle[row, 1])
    if rotate:
        # The second axis is rotated to minus 90 degrees.
        turn = -np.pi / 2 - _angles(x, y, pt, row, axes)
        x, y = rotated(x, y, np.cos(turn)[row], np.sin(turn)[row])
    size = 2 * half_width / n_pixels
    i = np.floor((x + half_width) / size).astype(np.int64)
    j = np.floor((y + half_width) / size).astype(np.int64)
    inside = (i >= 0) & (i < n_pixels) & (j >= 0) & (j < n_pixels)
    cell = (row * n_pixels + i) * n_pixels + j
    images = np.bincount(cell[inside], pt[inside], n_jets * n_pixels**2)
    outside = np.bincount(row[~inside], pt[~inside], n_jets)
    images = images.reshape(n_jets, n_pixels, n_pixels)
    if flip:
        half = n_pixels // 2
        left, right = (side.sum(axis=(1, 2)) for side in (images[:, :half], images[:, -half:]))
        images[left > right] = images[left > right, ::-1]
    return images, outside


def _angles(x, y, pt, row, axes):
    """Direction of the second subjet of each jet from the middle, or else of the principal axis."""
    n_jets = len(axes)
    away = axes[:, 2] - axes[:, 1]
    angle = np.arctan2(wrap_phi(away[:, 1]), away[:, 0])
    alone = np.flatnonzero(np.isnan(angle))
    if not len(alone):
        return angle
    sums = [np.bincount(row, pt * term, n_jets) for term in (x * x, y * y, x * y, x, y)]
    total = np.bincount(row, pt, n_jets)
    xx, yy, xy, mean_x, mean_y = (value / np.maximum(total, 1e-300) for value in sums)
    xx, yy, xy = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    principal = np.arctan2(2 * xy, xx - yy) / 2
    # An axis has two directions: the one with more pT.
    along = np.cos(principal)[row] * x + np.sin(principal)[row] * y
    backward = np.bincount(row, pt * along, n_jets) < 0
    angle[alone] = (principal + np.pi * backward)[alone]
    return angle

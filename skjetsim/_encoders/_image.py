"""ImageEncoder: images and showers as network inputs, and back."""

import numpy as np
from sklearn.utils.metaestimators import available_if


class ImageEncoder:
    """Encode the energies of cells as numbers of order one. An empty cell stays zero.

    Parameters
    ----------
    scale : {"log", "share"}, default="log"
        "log" is log(1 + E / threshold), divided by its largest value in the fit. "share" is the
        share of a cell in the total energy of the image. `decode` is then given that energy.
    threshold : float, default=1.0
        Energy above which the scale is logarithmic.
    what : str, default="X"
        Name of the table in error messages.

    Attributes
    ----------
    shape_ : tuple of int
        Shape of one image.
    largest_ : float
        Largest logarithm in the fit.
    """

    def __init__(self, scale="log", *, threshold=1.0, what="X"):
        self.scale = scale
        self.threshold = threshold
        self.what = what

    def fit(self, images, weight=None):
        """Learn the scale.

        Parameters
        ----------
        images : ndarray of shape (n_samples, ...)
        weight : ignored
            The largest value does not depend on weights.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For the reasons of `check`, or if all images are empty.
        """
        self.shape_ = images.shape[1:]
        self.check(images)
        if not images.any():
            raise ValueError(f"{self.what} has no energy: there is nothing to learn.")
        self.largest_ = float(np.log1p(images.max() / self.threshold))
        return self

    def check(self, images):
        """Refuse images that cannot be encoded.

        Parameters
        ----------
        images : ndarray of shape (n_samples, ...)

        Raises
        ------
        ValueError
            If the shape differs from that of the fit, or an energy is negative. The message names
            row and cell.
        """
        if images.shape[1:] != self.shape_:
            raise ValueError(
                f"{self.what} has images of shape {images.shape[1:]}, but those of the fit had "
                f"{self.shape_}."
            )
        if (images < 0).any():
            row, *cell = (int(i) for i in np.argwhere(images < 0)[0])
            raise ValueError(
                f"{self.what} row {row}, cell {tuple(cell)} has a negative energy, "
                f"{images[(row, *cell)]:g}."
            )

    def encode(self, images):
        """Network inputs of images.

        Parameters
        ----------
        images : ndarray of shape (n_samples, ...)

        Returns
        -------
        ndarray of the same shape
            Numbers in [0, 1] for images of the fit. An empty image has shares of zero.
        """
        if self.scale == "log":
            return np.log1p(images / self.threshold) / self.largest_
        total = _sum(images)
        return images / np.where(total > 0, total, 1.0)

    def decode(self, inputs, total=None):
        """Inverse of `encode`. A negative input becomes an empty cell.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, ...)
        total : ndarray of shape (n_samples,), optional
            Total energy of each image, to which its cells add up exactly. Only the scale "share"
            needs it.

        Returns
        -------
        ndarray of the same shape
        """
        inputs = np.maximum(inputs, 0.0)
        if self.scale == "log":
            return self.threshold * np.expm1(inputs * self.largest_)
        shares = _sum(inputs)
        total = np.reshape(total, shares.shape)
        return inputs * (total / np.where(shares > 0, shares, 1.0))

    @available_if(lambda self: self.scale == "log")
    def log_det(self, images):
        """Logarithm of the Jacobian determinant of `encode` at each image.

        Parameters
        ----------
        images : ndarray of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        slopes = -np.log((self.threshold + images) * self.largest_)
        return _sum(slopes).reshape(len(images))


def _sum(images):
    """Sum over the cells of each image. All axes are kept."""
    return images.sum(axis=tuple(range(1, images.ndim)), keepdims=True)

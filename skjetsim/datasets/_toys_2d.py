"""Small distributions in the plane, with exact densities."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from skjetsim.datasets._toys import log_normal, on_shell, shell_log_prob
from skjetsim.utils._angles import rotated
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng
from skjetsim.utils._validation import check_events, check_int, check_option


def make_density_2d(kind, n_samples=100, *, random_state=None):
    """Make points in the plane from a distribution that is hard to learn.

    It has separate modes, thin curves or sharp edges, at distances of a few units from the origin.
    :func:`sklearn.datasets.make_moons` is a similar one, but has no exact density.

    Parameters
    ----------
    kind : {"checkerboard", "eight_gaussians", "pinwheel", "rings", "spirals"}
        "checkerboard" is uniform in every other square of side 2. "eight_gaussians" are on a
        circle. "pinwheel" is five bent Gaussians. "rings" are three circles blurred along the
        radius. "spirals" are two long Gaussians that are wound up.

    n_samples : int, default=100
        Number of points.

    random_state : int, RandomState, Generator or None, default=None
        Seed. With an int, fewer samples are the first rows of more.

    Returns
    -------
    X : ndarray of shape (n_samples, 2)
        Points.

    Raises
    ------
    ValueError
        If `kind` is not one of these, or `n_samples` is below 1.

    See Also
    --------
    density_2d_log_prob : The density.

    Examples
    --------
    >>> from skjetsim.datasets import make_density_2d
    >>> make_density_2d("spirals", 200, random_state=0).shape
    (200, 2)
    """
    check_option(kind, "kind", list(KINDS))
    n_samples = check_int(n_samples, "n_samples")
    root = as_seed_sequence(random_state)
    density = KINDS[kind]
    component = numpy_rng(root, 0).integers(density.n_components, size=n_samples)
    return density.draw(component, numpy_rng(root, 1))


def density_2d_log_prob(X, kind):
    """Log density of :func:`make_density_2d`.

    Parameters
    ----------
    X : array-like of shape (n_samples, 2)
        Points.

    kind : {"checkerboard", "eight_gaussians", "pinwheel", "rings", "spirals"}
        Which distribution.

    Returns
    -------
    log_prob : ndarray of shape (n_samples,)
        Natural logarithm of the density; minus infinity if the density is zero.

    Raises
    ------
    ValueError
        If `kind` is not one of these, or if X has values that are not finite or has not two
        columns.

    Examples
    --------
    >>> from skjetsim.datasets import density_2d_log_prob
    >>> density_2d_log_prob([[1.0, 1.0], [1.0, -1.0]], "checkerboard").round(3)
    array([-3.466,   -inf])
    """
    check_option(kind, "kind", list(KINDS))
    X, _ = check_events(X)
    if X.shape[1] != 2:
        raise ValueError(f"X has {X.shape[1]} columns; a point in the plane has 2.")
    return KINDS[kind].log_prob(X)


class Checkerboard:
    """Uniform in the squares of one colour, four on each side."""

    side = 2.0
    n_components = 8

    def draw(self, component, rng):
        """Points in the squares of the given numbers."""
        row, column = component // 2, component % 2
        corner = np.column_stack([2 * column + row % 2, row]) - 2
        return self.side * (corner + rng.random((len(component), 2)))

    def log_prob(self, X):
        """Log density."""
        square = np.floor(X / self.side)
        inside = ((square >= -2) & (square < 2)).all(axis=1) & (square.sum(axis=1) % 2 == 0)
        return np.where(inside, -np.log(self.n_components * self.side**2), -np.inf)


class EightGaussians:
    """Gaussians at equal distances on a circle."""

    scale = 0.3
    n_components = 8

    def __init__(self):
        angle = 2 * np.pi / self.n_components * np.arange(self.n_components)
        self._means = 3.0 * np.column_stack([np.cos(angle), np.sin(angle)])

    def draw(self, component, rng):
        """Points of the Gaussians of the given numbers."""
        return self._means[component] + self.scale * rng.standard_normal((len(component), 2))

    def log_prob(self, X):
        """Log density."""
        z = (X[:, None] - self._means) / self.scale
        humps = log_normal(z).sum(axis=2)
        return logsumexp(humps, axis=1) - np.log(self.n_components) - 2 * np.log(self.scale)


class Rings:
    """Circles around the origin, equally likely, with Gaussian radii."""

    radii = (1.0, 2.0, 3.0)
    scale = 0.1
    n_components = 3

    def draw(self, component, rng):
        """Points on the circles of the given numbers."""
        radius = np.array(self.radii)[component, None]
        return on_shell(radius, self.scale, rng.standard_normal((len(component), 3)))

    def log_prob(self, X):
        """Log density."""
        parts = [shell_log_prob(X, radius=radius, scale=self.scale) for radius in self.radii]
        return logsumexp(parts, axis=0) - np.log(self.n_components)


@dataclass(frozen=True)
class Arms:
    """Elongated Gaussians around the origin, rotated by an angle that grows with the distance.

    Such a rotation keeps areas, so that densities are those of the straight arms.
    """

    n_components: int
    distance: float
    length: float
    width: float
    turn: float

    def draw(self, component, rng):
        """Points of the arms of the given numbers."""
        scale = np.array([self.length, self.width])
        straight = scale * rng.standard_normal((len(component), 2)) + [self.distance, 0]
        return _rotate(straight, self._angle(straight, component))

    def log_prob(self, X):
        """Log density."""
        arms = []
        for arm in range(self.n_components):
            straight = _rotate(X, -self._angle(X, arm))
            z = (straight - [self.distance, 0]) / [self.length, self.width]
            arms.append(log_normal(z).sum(axis=1) - np.log(self.length * self.width))
        return logsumexp(arms, axis=0) - np.log(self.n_components)

    def _angle(self, X, component):
        return 2 * np.pi / self.n_components * component + self.turn * np.linalg.norm(X, axis=1)


def _rotate(X, angle):
    return np.column_stack(rotated(X[:, 0], X[:, 1], np.cos(angle), np.sin(angle)))


KINDS = {
    "checkerboard": Checkerboard(),
    "eight_gaussians": EightGaussians(),
    "pinwheel": Arms(n_components=5, distance=2.0, length=0.6, width=0.2, turn=0.6),
    "rings": Rings(),
    "spirals": Arms(n_components=2, distance=2.2, length=0.8, width=0.2, turn=1.6),
}

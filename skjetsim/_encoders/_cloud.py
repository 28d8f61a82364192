"""CloudEncoder: particle clouds of any multiplicity as network inputs, and back."""

import numpy as np

from skjetsim.utils._weighted import weighted_std


class CloudEncoder:
    """Encode clouds with one scale for all particles, sorted by pT, and a mask.

    A cloud is an array of (particles, features), which may be flattened to a row. The features are
    (eta, phi, pt) or (px, py, pz). All features of a missing particle are zero. If there is a
    fourth feature, it is the mask: 1 for particles, 0 for missing ones.

    Parameters
    ----------
    n_features : {3, 4}, default=3
        4 if the last feature is the mask.
    coordinates : {"polar", "cartesian"}, default="polar"
        (eta, phi, pt) or (px, py, pz).
    log_pt : bool, default=False
        Whether the network sees the logarithm of pt. Drawn pt is then positive.
    what : str, default="X"
        Name of the table in error messages.

    Attributes
    ----------
    n_particles_ : int
        Largest number of particles in a cloud.
    mean_, std_ : ndarray of shape (3,)
        Mean and standard deviation of the features of all particles.
    """

    def __init__(self, n_features=3, *, coordinates="polar", log_pt=False, what="X"):
        self.n_features = n_features
        self.coordinates = coordinates
        self.log_pt = log_pt
        self.what = what

    def fit(self, table, weight=None):
        """Learn the scale of each feature.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_particles * n_features)
            Or of shape (n_samples, n_particles, n_features).
        weight : ndarray of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For the reasons of `check`, if there is no particle, or if `log_pt` is set for Cartesian
            momenta.
        """
        if self.log_pt and self.coordinates != "polar":
            raise ValueError('log_pt=True needs clouds of (eta, phi, pt): coordinates="polar".')
        self.n_particles_ = np.reshape(table[0], (-1, self.n_features)).shape[0]
        self.check(table)
        features, mask = self._split(table)
        if not mask.any():
            raise ValueError(f"{self.what} has no particle: there is nothing to learn.")
        weight = None if weight is None else np.repeat(weight, mask.sum(axis=1))
        particles = self._unscaled(features[mask])
        self.mean_ = np.average(particles, axis=0, weights=weight)
        self.std_ = weighted_std(particles, weight)
        return self

    def check(self, table):
        """Refuse rows that cannot be encoded.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_particles * n_features)

        Raises
        ------
        ValueError
            If the number of particles differs from that of the fit, a mask is neither 0 nor 1, a
            particle with mask 0 has features, or pt is negative. If `log_pt` is set, pt = 0 is an
            error, too. The message names row and particle.
        """
        width = int(np.prod(table.shape[1:]))
        if width != self.n_particles_ * self.n_features:
            raise ValueError(
                f"{self.what} has {width} columns, but clouds of {self.n_particles_} particles "
                f"with {self.n_features} features have {self.n_particles_ * self.n_features}."
            )
        features, mask = self._split(table)
        if self.n_features == 4:
            given = self._clouds(table)[..., 3]
            self._refuse((given != 0) & (given != 1), "has a mask that is neither 0 nor 1")
            hidden = features.any(axis=2) & ~mask
            self._refuse(hidden, "has the mask 0, but its features are not zero")
        if self.coordinates == "polar":
            self._refuse(mask & (features[..., 2] < 0), "has a negative pt")
            if self.log_pt:
                self._refuse(mask & (features[..., 2] == 0), "has pt = 0, which has no logarithm")

    def encode(self, table):
        """Particles in order of falling pT, and a mask of the real ones.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_particles * n_features)

        Returns
        -------
        inputs : ndarray of shape (n_samples, n_particles, 3)
            Zero for missing particles, which come last.
        mask : ndarray of bool, shape (n_samples, n_particles)
        """
        features, mask = self._split(table)
        size = features[..., 2]
        if self.coordinates == "cartesian":
            size = np.hypot(features[..., 0], features[..., 1])
        order = np.argsort(np.where(mask, -size, np.inf), axis=1, kind="stable")
        features = np.take_along_axis(features, order[..., None], axis=1)
        mask = np.take_along_axis(mask, order, axis=1)
        inputs = np.zeros(features.shape)
        inputs[mask] = (self._unscaled(features[mask]) - self.mean_) / self.std_
        return inputs, mask

    def decode(self, inputs, mask):
        """Inverse of `encode`, except that particles stay in order of pT.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_particles, 3)
        mask : ndarray of bool, shape (n_samples, n_particles)

        Returns
        -------
        ndarray of shape (n_samples, n_particles, n_features)
            Missing particles are zero.
        """
        mask = np.asarray(mask, dtype=bool)
        clouds = np.zeros((*mask.shape, self.n_features))
        particles = inputs[mask] * self.std_ + self.mean_
        if self.log_pt:
            particles[:, 2] = np.exp(particles[:, 2])
        elif self.coordinates == "polar":
            particles[:, 2] = np.maximum(particles[:, 2], 0.0)
        clouds[mask, :3] = particles
        if self.n_features == 4:
            clouds[mask, 3] = 1.0
        return clouds

    def log_det(self, table):
        """Logarithm of the Jacobian determinant of `encode`, for the real particles of each row.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_particles * n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        features, mask = self._split(table)
        result = -np.log(self.std_).sum() * mask.sum(axis=1)
        if self.log_pt:
            result = result - np.log(np.where(mask, features[..., 2], 1.0)).sum(axis=1)
        return result

    def _clouds(self, table):
        return table.reshape(len(table), -1, self.n_features)

    def _split(self, table):
        """Features and mask of all particles."""
        clouds = self._clouds(table)
        features = clouds[..., :3]
        return features, clouds[..., 3] > 0 if self.n_features == 4 else features.any(axis=2)

    def _unscaled(self, particles):
        if not self.log_pt:
            return particles
        return np.column_stack([particles[:, :2], np.log(particles[:, 2])])

    def _refuse(self, bad, why):
        if bad.any():
            row, particle = np.argwhere(bad)[0]
            raise ValueError(f"{self.what} row {row}: particle {particle} {why}.")

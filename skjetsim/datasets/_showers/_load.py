"""Bundled showers."""

import numpy as np
import pandas as pd

from skjetsim.datasets._bundled import read_file
from skjetsim.datasets._showers._geometry import ShowerGeometry
from skjetsim.datasets._showers._make import COLUMNS, showers_bunch
from skjetsim.datasets._showers._simulate import DEVELOP
from skjetsim.utils._validation import check_option


def load_showers(particle="electron", *, return_X_y=False):
    """Load 3,000 bundled showers of electrons, photons or pions.

    They are made by :func:`make_showers` in its default calorimeter, at normal incidence on the
    axis, with energies uniform from 1 to 100 GeV. The task is that of CaloGAN [1]_: to draw the
    504 cells given the energy.

    ========================   ==========
    Showers of each particle        3,000
    Features, targets              5, 504
    Units                         GeV, mm
    ========================   ==========

    Parameters
    ----------
    particle : {"electron", "photon", "pion"}, default="electron"
        The incident particle.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    showers : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (3000, 5)
            The incident particle: energy in GeV; theta, phi, x and y are 0.
        target : ndarray of shape (3000, 504)
            Measured energy of each cell in GeV, stored in steps of 0.02%.
        deposited, overflow : ndarray of shape (3000, 3)
            Energy deposited in the depth of each layer, and its part outside the cells, in GeV.
        leakage, invisible : ndarray of shape (3000,)
            Energy that leaves through the back, and energy that hadronic showers lose, in GeV.
        geometry : ShowerGeometry
            The calorimeter.
        particle : str
            The incident particle.
        feature_names, target_names : list of str
            Names of the columns.
        DESCR : str
            Description of the data and of this sample: seed, version of NumPy, rounding.

    (data, target) : tuple of DataFrame and ndarray
        If `return_X_y` is True.

    Raises
    ------
    ValueError
        If `particle` is something else.

    See Also
    --------
    make_showers : Make more, at other angles, in other calorimeters.

    References
    ----------
    .. [1] M. Paganini, L. de Oliveira and B. Nachman, "CaloGAN: simulating 3D high energy
       particle showers in multilayer electromagnetic calorimeters with generative adversarial
       networks", Phys. Rev. D 97 (2018) 014021, arXiv:1705.02355.

    Examples
    --------
    >>> from skjetsim.datasets import load_showers
    >>> showers = load_showers("photon")
    >>> showers.target.shape
    (3000, 504)
    >>> [layer.shape[1:] for layer in showers.geometry.images(showers.target)]
    [(3, 96), (12, 12), (12, 6)]

    A table of the cells:

    >>> import pandas as pd
    >>> cells = pd.DataFrame(showers.target, columns=showers.target_names)
    >>> cells.columns[0], cells.shape
    ('layer0_phi0_eta0', (3000, 504))
    """
    check_option(particle, "particle", DEVELOP)
    arrays, metadata = read_file("showers.parquet", [("particle", "=", particle)])
    zeros = np.zeros((len(arrays["energy"]), 4))
    data = pd.DataFrame(np.column_stack([arrays.pop("energy"), zeros]), columns=COLUMNS)
    if return_X_y:
        return data, arrays["target"]
    arrays["particle"] = particle
    about = f"""
**This sample.** {len(data):,} showers of each particle in the default calorimeter, at normal
incidence on the axis. Energies are uniform from 1 to 100 GeV, and the same for each particle.
Made by ``make_showers`` with ``random_state={metadata["seed"]}`` and
NumPy {metadata["numpy"]}. Energies of cells are rounded to 12 significant bits, other
numbers to single precision.
"""
    return showers_bunch(data, ShowerGeometry(), **arrays, about=about)

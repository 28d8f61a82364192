"""Calorimeter showers, one particle each: simulated anew, or the bundled samples."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets._bundled import read_file
from skjetsim.datasets._chain._note import description
from skjetsim.datasets._showers._checks import check_showers
from skjetsim.datasets._showers._geometry import ShowerGeometry
from skjetsim.datasets._showers._simulate import DEVELOP, METHODS, simulate
from skjetsim.utils._seeds import as_seed_sequence
from skjetsim.utils._validation import check_n_jobs, check_option

COLUMNS = ["energy", "theta", "phi", "x", "y"]


def make_showers(
    energy,
    particle="electron",
    *,
    n_samples=None,
    theta=0.0,
    phi=0.0,
    position=(0.0, 0.0),
    geometry=None,
    method="spots",
    random_state=None,
    n_jobs=None,
):
    """Simulate calorimeter showers by parameterised profiles.

    Electrons and photons are simulated as by GFlash [1]_, in homogeneous and in sampling
    calorimeters. The energy follows a gamma function of the depth, with correlated fluctuations
    from shower to shower, and two functions of the radius that depend on depth and energy. Charged
    pions are simulated in the manner of its hadronic part [2]_. This makes thousands of showers per
    second with the physics of a calorimeter. It does not replace a full simulation: see Notes.

    Parameters
    ----------
    energy : float or array-like of shape (n_samples,)
        Energy of the particle in GeV, for all showers or for each one. The mass is neglected:
        exactly this energy is deposited, leaks or is invisible.

    particle : {"electron", "photon", "pion"}, default="electron"
        Incident particle. Positrons are electrons here, and pions are charged.

    n_samples : int or None, default=None
        Number of showers if all have one `energy`. None is one shower.

    theta : float or array-like of shape (n_samples,), default=0.0
        Angle between the particle and the axis of the calorimeter, from 0 to below pi/2.

    phi : float or array-like of shape (n_samples,), default=0.0
        Azimuth of the particle. With 0 it moves towards larger x, the direction of eta. With pi/2
        it moves towards larger y, the direction of phi.

    position : tuple of float or array-like of shape (n_samples, 2), default=(0.0, 0.0)
        Impact point (x, y) on the front face, in mm from the axis. If a grid has an even number of
        cells, (0, 0) is on their edges.

    geometry : ShowerGeometry or None, default=None
        The calorimeter; None is ``ShowerGeometry()``.

    method : {"spots", "profile"}, default="spots"
        "spots" places energy spots one by one. "profile" is an approximation that is several times
        as fast. It integrates the mean lateral profile over the cells, and lets each cell
        fluctuate.

    random_state : int, RandomState, Generator or None, default=None
        Seed. An int gives the same bits for any `n_jobs` on one machine and version, and fewer
        showers are the first rows of more.

    n_jobs : int or None, default=None
        Worker threads, as in joblib.

    Returns
    -------
    showers : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 5)
            The incident particle: energy in GeV, theta and phi in radians, x and y in mm.
        target : ndarray of shape (n_samples, n_cells)
            Measured energy of each cell in GeV, on the scale of electrons.
        deposited : ndarray of shape (n_samples, n_layers)
            Energy deposited in the depth of each layer in GeV, in its cells and outside them,
            before sampling fluctuations.
        overflow : ndarray of shape (n_samples, n_layers)
            The part of `deposited` outside the cells. In dead layers it is all of it.
        leakage : ndarray of shape (n_samples,)
            Energy that leaves through the back, in GeV.
        invisible : ndarray of shape (n_samples,)
            Energy in GeV that hadronic showers lose to nuclear binding, neutrinos and slow
            neutrons. It is 0 for electrons and photons.
        geometry : ShowerGeometry
            The calorimeter.
        particle : str
            The incident particle.
        feature_names, target_names : list of str
            Names of the columns.
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError
        If an energy is not positive, `n_samples` comes with several energies, the particle is
        unknown, an angle is out of range, a value is NaN, a length is wrong, a particle misses the
        cells of every layer, or pions hit a material without known e/h.

    Warns
    -----
    UserWarning
        If an energy is below 0.5 or above 500 GeV: there the fits are extrapolated.

    See Also
    --------
    superpose_showers : Several particles in one calorimeter.
    ShowerGeometry : The calorimeter.

    Notes
    -----
    In each row ``deposited.sum() + leakage + invisible`` is the incident energy. In each layer,
    the sum of the cells of `target` has the mean ``deposited - overflow``. Its variance is c^2
    times this mean, with the resolution c of the material at 1 GeV. With c = 0 the cells add up to
    the mean exactly. Noise, dead material in front and the constant term of the resolution are not
    simulated.

    Photons convert after 9/7 radiation lengths on average, and both particles of the pair make a
    shower. The axis of a tilted shower is followed from layer to layer. A layer cuts the shower in
    an ellipse.

    The fits of [1]_ are for 1 to 100 GeV. Single cells far from the axis have single spots of some
    10 MeV. A full simulation has many small deposits there.

    Pions are minimum ionising until their first interaction, if they interact. Then a fraction
    1 - (E / GeV)^-0.18 on average [3]_ goes to neutral pions. Most of it goes to neutral pions of
    the first interaction, which make an electromagnetic shower. Later neutral pions, and the rest,
    follow gamma functions of the depth in interaction lengths [4]_. Late neutral pions, radii and
    fluctuations are those of [2]_, without correlations. The fraction h/e of the rest is seen. A
    track on the edge of two cells is in the cell at larger x or y.

    References
    ----------
    .. [1] G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers
       in homogeneous and sampling calorimeters", arXiv:hep-ex/0001020.
    .. [2] G. Grindhammer, M. Rudowicz and S. Peters, "The fast simulation of electromagnetic and
       hadronic showers", Nucl. Instrum. Meth. A 290 (1990) 469.
    .. [3] R. Wigmans, "Calorimetry", 2nd edition, Oxford University Press (2017).
    .. [4] R. K. Bock, T. Hansl-Kozanecka and T. P. Shah, "Parametrization of the longitudinal
       development of hadronic showers in sampling calorimeters", Nucl. Instrum. Meth. 186 (1981)
       533.

    Examples
    --------
    >>> from skjetsim.datasets import make_showers
    >>> showers = make_showers(50.0, "photon", n_samples=100, random_state=0)
    >>> showers.target.shape
    (100, 504)
    >>> layer = showers.geometry.images(showers.target)[1]
    >>> layer.shape
    (100, 12, 12)
    """
    geometry = ShowerGeometry() if geometry is None else geometry
    if not isinstance(geometry, ShowerGeometry):
        raise TypeError(f"geometry must be a ShowerGeometry or None, got {geometry!r}.")
    check_option(particle, "particle", DEVELOP)
    check_option(method, "method", METHODS)
    check_n_jobs(n_jobs)
    showers = check_showers(energy, theta, phi, position, n_samples, geometry)
    arrays = simulate(showers, particle, geometry, method, as_seed_sequence(random_state), n_jobs)
    columns = np.column_stack([showers.energy, showers.theta, showers.phi, showers.position])
    data = pd.DataFrame(columns, columns=COLUMNS)
    return showers_bunch(data, geometry, **arrays, particle=particle)


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


def showers_bunch(data, geometry, *, about="", **keys):
    """Bunch of showers; `about` is added to the description."""
    return Bunch(
        data=data,
        **keys,
        geometry=geometry,
        feature_names=list(data.columns),
        target_names=geometry.cell_names(),
        DESCR=description("showers.rst") + about,
    )

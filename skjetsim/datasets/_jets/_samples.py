"""Bundled jets: clouds and images."""

import numpy as np
from sklearn.utils import Bunch

from skjetsim.datasets._bundled import bundled_descr, read_arrays
from skjetsim.datasets._jets._clouds import COORDINATES, cloud_detector_bunch, cloud_keys
from skjetsim.datasets._jets._image_process import IMAGE_COLUMNS, SETTINGS, JetImageProcess
from skjetsim.datasets._jets._images import image_detector_bunch, image_frame
from skjetsim.datasets._jets._process import JET_COLUMNS, JetCloudProcess
from skjetsim.utils._validation import check_option


def load_gluon_jets(*, return_X_y=False):
    """Load 6,000 bundled gluon jets as clouds of particles, at both levels.

    They are made by :func:`generate_jets` with its defaults: 900 < pT < 1100 GeV, anti-kT with
    R = 0.8, the 30 hardest constituents, relative to the jet.

    ========================   ==============
    Jets                                6,000
    Shape of features             (30, 3)
    Shape of targets              (30, 3)
    ========================   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` of the jets that the detector finds instead of a Bunch.

    Returns
    -------
    jets : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (6000, 30, 3)
            eta_rel, phi_rel and pt_rel of the constituents at generator level, stored in steps of
            0.02%.
        mask : ndarray of bool of shape (6000, 30)
            True for a particle, False for padding.
        jets : DataFrame of shape (6000, 5)
            pt, eta, phi, mass and multiplicity of the jet.
        parton_delta_r : ndarray of shape (6000,)
            Distance from the jet axis to the gluon.
        target, target_mask, target_jets
            The same of the reconstructed jet; zeros if it is not accepted.
        accepted : ndarray of bool of shape (6000,)
            Whether a reconstructed jet is near the generated one.
        feature_names, target_names : list of str
            Names of the last axis of `data` and `target`.
        DESCR : str
            Description of the data.

    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    See Also
    --------
    generate_jets : Make more, of other kinds.

    Examples
    --------
    >>> from skjetsim.datasets import load_gluon_jets
    >>> jets = load_gluon_jets()
    >>> jets.data.shape, float(jets.jets["pt"].min()) > 900
    ((6000, 30, 3), True)
    """
    file = "gluon_jets.parquet"
    arrays = read_arrays(file)
    accepted = arrays["accepted"]
    if return_X_y:
        return arrays["data"][accepted], arrays["target"][accepted]
    columns, one = _levels(arrays, JET_COLUMNS)
    columns["parton_delta_r"] = arrays["parton_delta_r"]
    return Bunch(
        **cloud_keys(columns),
        **cloud_detector_bunch(one),
        feature_names=list(COORDINATES["relative"]),
        target_names=list(COORDINATES["relative"]),
        DESCR=bundled_descr(JetCloudProcess.description, file, len(accepted), accepted.mean()),
    )


def load_jet_images(kind="w"):
    """Load 4,000 bundled jet images of W bosons or of QCD, at both levels.

    They are made by :func:`generate_jet_images` with its defaults: trimmed jets of
    250 < pT < 300 GeV and 65 < mass < 95 GeV, moved, rotated and mirrored.

    ========================   ==============
    Images of either kind               4,000
    Shape of features                (25, 25)
    Units                                 GeV
    ========================   ==============

    Parameters
    ----------
    kind : {"w", "qcd"}, default="w"
        Origin of the jets.

    Returns
    -------
    images : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (4000, 25, 25)
            Generator level: pT in GeV in each pixel, stored in steps of 0.02%.
        jets : DataFrame of shape (4000, 6)
            pt, eta, phi and mass of the trimmed jet, tau21, and outside_pt.
        target : ndarray of shape (4000, 25, 25)
            The reconstructed jet; zeros if it is not accepted.
        target_jets : DataFrame of shape (4000, 6)
            As `jets`, after the detector.
        accepted : ndarray of bool of shape (4000,)
            Whether a reconstructed jet is near the generated one.
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError
        If `kind` is another one.

    See Also
    --------
    generate_jet_images : Make more, without some of the steps.

    Examples
    --------
    Images of both kinds, and their labels:

    >>> import numpy as np
    >>> from skjetsim.datasets import load_jet_images
    >>> w, qcd = load_jet_images("w"), load_jet_images("qcd")
    >>> images = np.concatenate([w.data, qcd.data])
    >>> label = np.repeat([1, 0], [len(w.data), len(qcd.data)])
    >>> images.shape
    (8000, 25, 25)
    """
    check_option(kind, "kind", tuple(SETTINGS))
    file = "jet_images.parquet"
    columns, one = _levels(read_arrays(file, [("kind", "=", kind)]), IMAGE_COLUMNS)
    accepted = one["accepted"]
    return Bunch(
        data=columns["data"],
        jets=image_frame(columns["jets"]),
        **image_detector_bunch(one),
        DESCR=bundled_descr(JetImageProcess.description, file, len(accepted), accepted.mean()),
    )


def _levels(arrays, names):
    """Columns of the generator level, and one detector pass, as a process makes them."""
    jets, target_jets = (
        np.column_stack([arrays[f"{level}_{name}"] for name in names])
        for level in ("jets", "target_jets")
    )
    columns = {"data": arrays["data"], "jets": jets}
    one = {"target": arrays["target"], "jets": target_jets, "accepted": arrays["accepted"]}
    return columns, one

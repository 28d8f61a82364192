"""Bundled jets: clouds and images."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets._bundled import bundled_descr, read_arrays
from skjetsim.datasets._jets._clouds import COORDINATES, jet_frame
from skjetsim.datasets._jets._image_process import IMAGE_COLUMNS, SETTINGS, JetImageProcess
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
            The same of the reconstructed jet; zeros where it is not accepted.
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
    arrays = read_arrays("gluon_jets.parquet")
    accepted = arrays["accepted"]
    if return_X_y:
        return arrays["data"][accepted], arrays["target"][accepted]
    names = COORDINATES["relative"]
    return Bunch(
        data=arrays["data"],
        mask=arrays["data"].any(axis=2),
        jets=jet_frame(_table(arrays, "jets", JET_COLUMNS)),
        parton_delta_r=arrays["parton_delta_r"],
        target=arrays["target"],
        target_mask=arrays["target"].any(axis=2),
        target_jets=jet_frame(_table(arrays, "target_jets", JET_COLUMNS)),
        accepted=accepted,
        feature_names=list(names),
        target_names=list(names),
        DESCR=bundled_descr(
            JetCloudProcess.description, "gluon_jets.parquet", len(accepted), accepted.mean()
        ),
    )


def load_jet_images(kind="w"):
    """Load 4,000 bundled jet images of W bosons or of QCD, at both levels.

    They are made by :func:`generate_jet_images` with its defaults: trimmed jets of
    250 < pT < 300 GeV and 65 < mass < 95 GeV, moved, turned and mirrored.

    ========================   ==============
    Images of either kind               4,000
    Shape of features                (25, 25)
    Units                                 GeV
    ========================   ==============

    Parameters
    ----------
    kind : {"w", "qcd"}, default="w"
        What the jets started from.

    Returns
    -------
    images : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (4000, 25, 25)
            Generator level: pT in GeV in each pixel, stored in steps of 0.02%.
        jets : DataFrame of shape (4000, 6)
            pt, eta, phi and mass of the trimmed jet, tau21, and outside_pt.
        target : ndarray of shape (4000, 25, 25)
            The reconstructed jet; zeros where it is not accepted.
        target_jets : DataFrame of shape (4000, 6)
            As `jets`, after the detector.
        accepted : ndarray of bool of shape (4000,)
            Whether a reconstructed jet is near the generated one.
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError
        If there is no such kind.

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
    arrays = read_arrays("jet_images.parquet", ("kind", kind))
    return Bunch(
        data=arrays["data"],
        jets=pd.DataFrame(_table(arrays, "jets", IMAGE_COLUMNS), columns=list(IMAGE_COLUMNS)),
        target=arrays["target"],
        target_jets=pd.DataFrame(
            _table(arrays, "target_jets", IMAGE_COLUMNS), columns=list(IMAGE_COLUMNS)
        ),
        accepted=arrays["accepted"],
        DESCR=bundled_descr(
            JetImageProcess.description,
            "jet_images.parquet",
            len(arrays["data"]),
            arrays["accepted"].mean(),
        ),
    )


def _table(arrays, prefix, names):
    return np.column_stack([arrays[f"{prefix}_{name}"] for name in names])

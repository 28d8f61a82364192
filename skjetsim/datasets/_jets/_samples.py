"""Bundled jets: clouds and images."""

from skjetsim.datasets._bundled import read_file, stacked
from skjetsim.datasets._chain._note import describe_bundled
from skjetsim.datasets._jets._clouds import cloud_bunch
from skjetsim.datasets._jets._image_process import IMAGE_COLUMNS, SETTINGS, JetImageProcess
from skjetsim.datasets._jets._images import image_bunch
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
            `data`, `mask` and `jets` of the reconstructed jet; zeros if it is not accepted.
        accepted : ndarray of bool of shape (6000,)
            Whether a reconstructed jet is near the generated one.
        repeats : tuple
            Other detector passes: none.
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
    arrays, metadata = read_file("gluon_jets.parquet")
    accepted = arrays["accepted"]
    if return_X_y:
        return arrays["data"][accepted], arrays["target"][accepted]
    columns, passes = _levels(arrays, JET_COLUMNS)
    columns["parton_delta_r"] = arrays["parton_delta_r"]
    descr = describe_bundled(JetCloudProcess, metadata, accepted)
    return cloud_bunch(columns, passes, "relative", descr)


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
            `jets` after the detector.
        accepted : ndarray of bool of shape (4000,)
            Whether a reconstructed jet is near the generated one.
        repeats : tuple
            Other detector passes: none.
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError
        If `kind` is something else.

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
    arrays, metadata = read_file("jet_images.parquet", [("kind", "=", kind)])
    descr = describe_bundled(JetImageProcess, metadata, arrays["accepted"])
    return image_bunch(*_levels(arrays, IMAGE_COLUMNS), descr)


def _levels(arrays, names):
    """Columns of the generator level and of the detector pass, as a process makes them."""
    jets, target_jets = (stacked(arrays, level, names) for level in ("jets", "target_jets"))
    one = {"target": arrays["target"], "jets": target_jets, "accepted": arrays["accepted"]}
    return {"data": arrays["data"], "jets": jets}, [one]

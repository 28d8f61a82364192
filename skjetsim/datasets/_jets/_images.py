"""Images of boosted W jets and of their background: generated anew, or the bundled samples."""

import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets._bundled import jet_levels, read_file
from skjetsim.datasets._chain._events import detector_keys, generate_events
from skjetsim.datasets._chain._generator import generator
from skjetsim.datasets._chain._note import describe_bundled
from skjetsim.datasets._jets._image_process import IMAGE_COLUMNS, SETTINGS, JetImageProcess
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import check_int, check_option


@generator()
def generate_jet_images(
    request,
    kind="w",
    *,
    n_pixels=25,
    half_width=1.25,
    centre=True,
    rotate=True,
    flip=True,
    normalise=False,
):
    """Generate images of jets that a W or a parton made, and pass them through a detector.

    The jets are those of the published jet images [1]_ [2]_. Pythia 8 at 14 TeV makes two partons
    of QCD, or a W' that decays to a W and a Z. The W decays to quarks and the Z to neutrinos. The
    jet of the W, or the leading jet of QCD, is an anti-kT jet of R = 1.0. It is trimmed [3]_: kT
    subjets of R = 0.3 with less than 5% of its pT are removed. A row is an event whose trimmed jet
    has 250 < pT < 300 GeV, 65 < mass < 95 GeV and abs(eta) < 2 at generator level.

    Parameters
    ----------
    n_samples : int
        Number of rows: generated jets that pass the selection. The detector need not find them.

    kind : {"w", "qcd"}, default="w"
        Origin of the jet.

    n_pixels : int, default=25
        Pixels along each side of an image.

    half_width : float, default=1.25
        Half of an image's side, in eta and phi.

    centre : bool, default=True
        Whether the hardest subjet is in the middle of the image. If not, the axis of the jet is.

    rotate : bool, default=True
        Whether to rotate the second subjet below the first one. In a jet of one subjet, the
        principal axis is rotated.

    flip : bool, default=True
        Whether to mirror images whose right half has less pT than the left one.

    normalise : bool, default=False
        Whether to divide each image by the root of the sum of its squared pixels. This hides the pT
        and part of the mass of the jet.

    %(random_state)s

    detector : DetectorCard or None, default=None
        The detector; None is ``DetectorCard()``. The generated events do not depend on it. Its
        `jet_radius` is not used.

    n_detector : int or None, default=1
        How many times each generated event passes through the detector, independently. Even a
        perfect simulation differs from the truth by as much as two passes differ. With None there
        is no detector and no key of the detector level.

    n_pileup : float, default=0.0
        Mean number of other inelastic collisions whose particles reach the detector with those of
        the event. The generated events do not depend on it. Trimming removes most of it, and
        nothing else is subtracted.

    %(settings)s

    %(memory)s

    %(n_jobs)s

    %(verbose)s

    Returns
    -------
    images : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n_samples, n_pixels, n_pixels)
            Generator level: pT in GeV in each pixel, unless normalised. The first axis is eta and
            the second phi, before the rotation.
        jets : DataFrame of shape (n_samples, 6)
            pt, eta, phi and mass of the trimmed jet, in GeV and radians; tau21, its ratio of
            2-subjettiness to 1-subjettiness; and outside_pt, the pT in GeV that lies beyond the
            edge of its image.
        target : ndarray of shape (n_samples, n_pixels, n_pixels)
            The matched jet after the detector, trimmed and rotated independently of the generated
            one. It is zeros if the jet is not accepted.
        target_jets : DataFrame of shape (n_samples, 6)
            `jets` after the detector.
        accepted : ndarray of bool of shape (n_samples,)
            Whether a reconstructed jet is near the generated one. It need not pass the selection.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            `target`, `target_jets` and `accepted` of each of the ``n_detector - 1`` other passes.
        %(DESCR)s

    Raises
    ------
    %(ImportError)s
    %(ValueError)s
    %(OSError)s

    See Also
    --------
    generate_jets : Jets as clouds of particles.

    Notes
    -----
    Constituents are moved, rotated and mirrored before they are summed in pixels. The published
    images were rotated as pictures, with an interpolation that does not conserve the pT.
    Needs the packages of the extra `pythia`.

    Few jets of QCD have this mass, so that they take several times as long as those of a W. To save
    time, dijets out of range are dropped when the shower has come down to 10 GeV. `DESCR` says what
    this loses.

    References
    ----------
    .. [1] L. de Oliveira et al., "Jet-images -- deep learning edition", arXiv:1511.05190.
    .. [2] L. de Oliveira, M. Paganini and B. Nachman, "Learning particle physics by example:
       location-aware generative adversarial networks for physics synthesis", arXiv:1701.05927.
    .. [3] D. Krohn, J. Thaler and L.-T. Wang, "Jet trimming", arXiv:0912.1342.

    Examples
    --------
    >>> from skjetsim.datasets import generate_jet_images
    >>> images = generate_jet_images(100, "w", random_state=0)  # doctest: +SKIP
    >>> images.data.shape  # doctest: +SKIP
    (100, 25, 25)
    """
    check_option(kind, "kind", tuple(SETTINGS))
    switches = {"centre": centre, "rotate": rotate, "flip": flip, "normalise": normalise}
    for name, value in switches.items():
        check_option(value, name, (True, False))
    process = JetImageProcess(
        kind=kind,
        n_pixels=check_int(n_pixels, "n_pixels"),
        half_width=check_real(half_width, "half_width", above=0),
        **{name: bool(value) for name, value in switches.items()},
    )
    columns, passes, descr = generate_events(process, request)
    return _images_bunch(columns, passes, descr)


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
    return _images_bunch(*jet_levels(arrays, IMAGE_COLUMNS), descr)


def _images_bunch(columns, passes, descr):
    """Bunch of images, from the columns of the generator level and of each detector pass."""
    table = pd.DataFrame(columns["jets"], columns=IMAGE_COLUMNS)
    keys = detector_keys(passes, _detector_bunch)
    return Bunch(data=columns["data"], jets=table, **keys, DESCR=descr)


def _detector_bunch(one):
    table = pd.DataFrame(one["jets"], columns=IMAGE_COLUMNS)
    return Bunch(target=one["target"], target_jets=table, accepted=one["accepted"])

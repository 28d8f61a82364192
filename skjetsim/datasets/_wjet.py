"""W + jet events: generated anew, or the bundled sample."""

import numbers
from importlib import resources

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils import Bunch

from skjetsim._sampling import as_seed_sequence, child_seed, numpy_rng
from skjetsim.datasets._card import DetectorCard
from skjetsim.datasets._pythia import MAX_SEED, generate
from skjetsim.datasets._reconstruction import MATCHINGS, reconstruct

FEATURE_NAMES = (
    *("muon_px", "muon_py", "muon_pz"),
    *("jet_px", "jet_py", "jet_pz", "jet_mass"),
    *("met_px", "met_py"),
)

# Rows made from one seed. Pythia takes half a second to start, 2000 rows about 25 seconds.
CHUNK_ROWS = 2000


def generate_wjet(
    n_samples,
    *,
    random_state=None,
    detector=None,
    n_detector=1,
    matching="delta_r",
    n_jobs=None,
    verbose=0,
):
    """Generate W + jet events and pass them through a parametric detector.

    Pythia 8 [1]_ makes proton-proton collisions at 13 TeV with a W that decays to a muon and a
    neutrino beside a jet, with parton showers, multiparton interactions and hadronisation. A
    detector in the manner of Delphes [2]_ measures them. A row is an event that passes a loose
    generator-level selection: muon pT > 10 GeV and abs(eta) < 2.5; leading jet away from the
    muon with pT > 10 GeV, abs(eta) < 3 and two particles or more.

    Parameters
    ----------
    n_samples : int
        Number of rows: generated events that pass the loose selection, whether the detector
        finds them or not.

    random_state : int, RandomState, Generator or None, default=None
        Seed of generator and detector. An int gives the same bits for any `n_jobs` on one
        machine and version, and fewer samples are the first rows of more.

    detector : DetectorCard or None, default=None
        The detector; None is ``DetectorCard()``. The generated events do not depend on it.

    n_detector : int, default=1
        How many times each generated event passes through the detector, independently. The
        difference between two passes is what a perfect simulation still differs by.

    matching : {"delta_r", "leading"}, default="delta_r"
        Which reconstructed jet stands beside the generated one: the nearest one within
        `match_delta_r` (events without are not accepted), or the leading one, which `matched`
        then says to be near or not.

    n_jobs : int or None, default=None
        Worker processes, as in joblib.

    verbose : int, default=0
        Show a progress bar of the rows if not 0.

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 9)
            Generator level, in GeV: momenta of muon and jet, jet mass, and the missing
            transverse momentum, which is the sum of the neutrinos'.
        target : DataFrame of shape (n_samples, 9)
            The same columns after reconstruction; zeros where the event is not accepted.
        accepted : ndarray of bool of shape (n_samples,)
            Whether muon (pT > 5 GeV, abs(eta) < 2.4) and jet (pT > 5 GeV) were reconstructed.
        matched : ndarray of bool of shape (n_samples,)
            Whether the event is accepted with a jet near the generated one.
        repeats : tuple of :class:`~sklearn.utils.Bunch`
            `target`, `accepted` and `matched` of each of the ``n_detector - 1`` other passes.
        feature_names, target_names : list of str
            Names of the columns.
        DESCR : str
            Description of the data.

    See Also
    --------
    load_wjet : Load a bundled sample, without Pythia.
    DetectorCard : The numbers of the detector.

    Notes
    -----
    Missing momentum is minus the vector sum of the energy-flow objects, without propagating the
    jet energy scale, as in Delphes. The muon is the one from the W, without the photons that it
    radiates. Needs ``pip install skjetsim[pythia]``.

    To save time, events whose muon is at abs(eta) > 3.25 before initial-state radiation are
    dropped early; of those that would pass the selection, 5 in 10,000 are lost.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       arXiv:2203.11601.
    .. [2] DELPHES 3 Collaboration, "DELPHES 3, A modular framework for fast simulation of a
       generic collider experiment", arXiv:1307.6346.

    Examples
    --------
    >>> from skjetsim.datasets import generate_wjet
    >>> events = generate_wjet(100, random_state=0)  # doctest: +SKIP
    >>> events.data.shape, events.target.shape  # doctest: +SKIP
    ((100, 9), (100, 9))
    """
    _check_count("n_samples", n_samples)
    _check_count("n_detector", n_detector)
    _check_choice("matching", matching, MATCHINGS)
    card = DetectorCard() if detector is None else detector
    if not isinstance(card, DetectorCard):
        raise TypeError(f"detector must be a DetectorCard or None, got {detector!r}.")
    _require_generator()
    root = as_seed_sequence(random_state)
    sizes = [min(CHUNK_ROWS, n_samples - start) for start in range(0, n_samples, CHUNK_ROWS)]
    work = (
        delayed(_generate_chunk)(size, root, number, card, n_detector, matching)
        for number, size in enumerate(sizes)
    )
    chunks = Parallel(n_jobs=n_jobs, return_as="generator")(work)
    features, *passes = _join(_with_progress(chunks, n_samples, verbose))
    first, *repeats = (_detector_bunch(*columns) for columns in passes)
    return Bunch(
        data=_frame(features),
        **first,
        repeats=tuple(repeats),
        feature_names=list(FEATURE_NAMES),
        target_names=list(FEATURE_NAMES),
        DESCR=_description(),
    )


def load_wjet(*, selection="accepted", return_X_y=False):
    """Load 30,000 bundled W + jet events, at generator level and as reconstructed.

    They are made by :func:`generate_wjet` with its defaults; see there for what the columns are.

    ========================   ==========
    Generated events               30,000
    Features, targets                9, 9
    Units                             GeV
    ========================   ==========

    Parameters
    ----------
    selection : {"accepted", "all"}, default="accepted"
        "accepted" gives the events that the detector reconstructs. "all" gives every generated
        event, and a tenth target column `accepted`, 1 or 0; the other targets of a rejected
        event are 0.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    events : :class:`~sklearn.utils.Bunch`
        data : DataFrame of shape (n_samples, 9)
            Generator level, in GeV.
        target : DataFrame of shape (n_samples, 9) or (n_samples, 10)
            Detector level, in GeV.
        accepted, matched : ndarray of bool of shape (n_samples,)
            Whether the detector found muon and jet, and the jet near the generated one.
        feature_names, target_names : list of str
            Names of the columns.
        repeats : tuple of one Bunch of `target`, `accepted` and `matched`
            A second, independent detector pass of the same events: detector against detector is
            the floor of every comparison of a simulation with the truth. Its `target` has 9
            columns; rows that this pass rejects are 0.
        DESCR : str
            Description of the data.

    (data, target) : tuple of DataFrame
        If `return_X_y` is True.

    See Also
    --------
    generate_wjet : Generate more, or with another detector.

    Examples
    --------
    >>> from skjetsim.datasets import load_wjet
    >>> X, y = load_wjet(return_X_y=True)
    >>> list(X.columns[:3])
    ['muon_px', 'muon_py', 'muon_pz']
    >>> load_wjet(selection="all").data.shape
    (30000, 9)
    """
    _check_choice("selection", selection, ("accepted", "all"))
    with (resources.files(__package__) / "data" / "wjet.parquet").open("rb") as file:
        table = pd.read_parquet(file)
    if selection == "accepted":
        table = table[table["accepted"]]
    # Stored in single precision, which is far finer than any detector.
    data = _frame(table[[f"gen_{name}" for name in FEATURE_NAMES]])
    passes = [_bundled_pass(table, suffix) for suffix in ("", "2")]
    target = passes[0].target
    if selection == "all":
        target["accepted"] = passes[0].accepted.astype(np.float64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        **passes[0],
        repeats=tuple(passes[1:]),
        feature_names=list(data.columns),
        target_names=list(target.columns),
        DESCR=_description(),
    )


def _bundled_pass(table, suffix):
    """One detector pass out of the bundled table."""
    names = [f"reco{suffix}_{name}" for name in FEATURE_NAMES]
    flags = (table[f"{flag}{suffix}"].to_numpy(bool, copy=True) for flag in ("accepted", "matched"))
    return _detector_bunch(table[names], *flags)


def _generate_chunk(n_rows, root, number, card, n_detector, matching):
    """Features and detector passes of the rows that belong to one seed."""
    # Consecutive seeds: Pythia's are few enough that drawn ones would repeat in large samples.
    first = int(child_seed(root, 0).generate_state(1, np.uint64)[0])
    events = generate(1 + (first + number) % MAX_SEED)
    # A branch apart from Pythia's for each pass, so that no detector changes the events.
    noise = [numpy_rng(root, 1 + index, number) for index in range(n_detector)]
    features, passes, n_made = [], [[] for _ in noise], 0
    while n_made < n_rows:
        batch = next(events)
        n_made += batch.n_events
        features.append(batch.features)
        for done, rng in zip(passes, noise, strict=True):
            done.append(reconstruct(batch, card, matching, rng))
    joined = [tuple(map(np.concatenate, zip(*done, strict=True))) for done in passes]
    rows = slice(n_rows)
    return [np.concatenate(features)[rows], *(tuple(a[rows] for a in done) for done in joined)]


def _join(chunks):
    """Concatenate the chunks: features, then (target, accepted, matched) of each pass."""
    features, *passes = zip(*chunks, strict=True)
    return [
        np.concatenate(features),
        *(tuple(map(np.concatenate, zip(*done, strict=True))) for done in passes),
    ]


def _with_progress(chunks, n_samples, verbose):
    if not verbose:
        yield from chunks
        return
    from tqdm.auto import tqdm

    with tqdm(total=n_samples, unit="event", desc="W + jet") as bar:
        for chunk in chunks:
            bar.update(len(chunk[0]))
            yield chunk


def _frame(values):
    return pd.DataFrame(np.array(values, dtype=np.float64), columns=list(FEATURE_NAMES))


def _detector_bunch(target, accepted, matched):
    return Bunch(target=_frame(target), accepted=accepted, matched=matched)


def _description():
    return (resources.files(__package__) / "descr" / "wjet.rst").read_text(encoding="utf-8")


def _require_generator():
    try:
        import awkward  # noqa: F401
        import fastjet  # noqa: F401
        import pythia8mc  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"generate_wjet needs {error.name}: pip install skjetsim[pythia]. "
            "load_wjet gives bundled events without it."
        ) from error


def _check_count(name, value):
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, got {value!r}.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}.")

"""The chain that every process shares: Pythia, detector, reconstruction, tables."""

from importlib import resources

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils import Bunch

from skjetsim._sampling import as_seed_sequence, child_seed, numpy_rng
from skjetsim._validation import check_int, check_option
from skjetsim.datasets._card import DetectorCard
from skjetsim.datasets._pythia import MAX_SEED, generate
from skjetsim.datasets._reconstruction import MATCHINGS, reconstruct

# Rows made from one seed. Pythia takes half a second to start, 2000 rows about 25 seconds.
CHUNK_ROWS = 2000


def generate_events(
    process, n_samples, *, random_state, detector, n_detector, matching, n_jobs, verbose
):
    """Generate events of a process and pass them through the detector.

    Parameters
    ----------
    process : Process
        What is generated.

    n_samples, random_state, detector, n_detector, matching, n_jobs, verbose
        As in :func:`skjetsim.datasets.generate_wjet`.

    Returns
    -------
    events : Bunch
        As from :func:`skjetsim.datasets.generate_wjet`, with the columns of the process.
    """
    n_samples = check_int(n_samples, "n_samples")
    n_detector = check_int(n_detector, "n_detector")
    check_option(matching, "matching", MATCHINGS)
    card = DetectorCard() if detector is None else detector
    if not isinstance(card, DetectorCard):
        raise TypeError(f"detector must be a DetectorCard or None, got {detector!r}.")
    _require_generator(process)
    root = as_seed_sequence(random_state)
    sizes = [min(CHUNK_ROWS, n_samples - start) for start in range(0, n_samples, CHUNK_ROWS)]
    work = (
        delayed(_generate_chunk)(process, size, root, number, card, n_detector, matching)
        for number, size in enumerate(sizes)
    )
    chunks = Parallel(n_jobs=n_jobs, return_as="generator")(work)
    if verbose:
        chunks = _with_progress(chunks, n_samples, process.title)
    features, *passes = _join(chunks)
    names = process.feature_names
    first, *repeats = (detector_bunch(names, *columns) for columns in passes)
    return Bunch(
        data=frame(names, features),
        **first,
        repeats=tuple(repeats),
        feature_names=list(names),
        target_names=list(names),
        DESCR=description(process),
    )


def _generate_chunk(process, n_rows, root, number, card, n_detector, matching):
    """Features and detector passes of the rows that belong to one seed."""
    # Consecutive seeds: Pythia's are few enough that drawn ones would repeat in large samples.
    first = int(child_seed(root, 0).generate_state(1, np.uint64)[0])
    events = generate(process, 1 + (first + number) % MAX_SEED)
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


def _with_progress(chunks, n_samples, title):
    from tqdm.auto import tqdm

    with tqdm(total=n_samples, unit="event", desc=title) as bar:
        for chunk in chunks:
            bar.update(len(chunk[0]))
            yield chunk


def frame(names, values):
    """Table of momenta in double precision."""
    return pd.DataFrame(np.array(values, dtype=np.float64), columns=list(names))


def detector_bunch(names, target, accepted, matched):
    """One detector pass."""
    return Bunch(target=frame(names, target), accepted=accepted, matched=matched)


def description(process):
    """Text for `DESCR`."""
    file = resources.files(__package__) / "descr" / process.description
    return file.read_text(encoding="utf-8")


def _require_generator(process):
    try:
        import awkward  # noqa: F401
        import fastjet  # noqa: F401
        import pythia8mc  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"Generating {process.title} events needs {error.name}: pip install skjetsim[pythia]. "
            "load_wjet gives bundled W + jet events without it."
        ) from error

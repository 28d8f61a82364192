"""The chain that every process shares: Pythia, detector, reconstruction, tables."""

import os
import tempfile
from importlib.metadata import version

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils import Bunch
from sklearn.utils.validation import check_memory

from skjetsim import __version__
from skjetsim.datasets._chain._note import describe
from skjetsim.datasets._chain._pileup import PileupOverlay
from skjetsim.datasets._chain._pythia import MAX_SEED, check_start, records
from skjetsim.datasets._chain._reconstruction import energy_flow
from skjetsim.utils._install import install_command
from skjetsim.utils._seeds import as_seed_sequence, child_seed, numpy_rng

# Rows made from one seed. Pythia takes half a second to start, 2000 rows about 25 seconds.
CHUNK_ROWS = 2000

# If so many events in a row fail, a selection counts as impossible.
MAX_EMPTY_EVENTS = 2048

# Events made at a time with pile-up. The last batch is made whole, and pile-up is costly.
PILEUP_BATCH_SIZE = 16


def generate_events(process, request):
    """Generate events of a process and pass them through the detector.

    Parameters
    ----------
    process : Process
        What is generated.

    request : Request
        What the user asks for.

    Returns
    -------
    columns : dict of ndarray
        What `process.select` gives, `n_samples` rows.

    passes : list of dict of ndarray
        What `process.reconstruct` gives, one dict per detector pass.

    descr : str
        Text of the process and of this sample.

    Raises
    ------
    ImportError
        Without Pythia, FastJet or Awkward Array; the message says what to install.
    ValueError
        If Pythia does not take a setting or cannot start, or if no event passes.
    OSError
        If `memory` cannot be written to.
    """
    detector = request.detector, request.n_detector, request.n_pileup
    what = process, *detector, request.settings, package_versions(process.title)
    # A bad setting must be an error before workers start.
    check_start((*process.settings, *request.settings))
    columns, *passes = run_chunks(_generate_chunk, what, request, CHUNK_ROWS, process.title)
    choices = {name: getattr(process, name) for name in process.options}
    return columns, passes, describe(process, request, choices, passes)


def generate_tables(process, request):
    """Bunch of tables, for processes whose columns are one table at either level.

    Returns
    -------
    Bunch
        It has `data`, the keys of each detector pass, and:

    feature_names, target_names : list of str
        Names of the columns.
    DESCR : str
        Description of the data.
    """
    columns, passes, descr = generate_events(process, request)
    return tables_bunch(process, columns["data"], passes, descr)


def tables_bunch(process, data, passes, descr):
    """Bunch of tables from arrays of the generator level and of each detector pass."""

    def detector_bunch(one):
        return Bunch(**one | {"target": frame(process.target_names, one["target"])})

    return Bunch(
        data=frame(process.feature_names, data),
        **detector_keys(passes, detector_bunch),
        feature_names=list(process.feature_names),
        target_names=list(process.target_names),
        DESCR=descr,
    )


def run_chunks(make_chunk, what, request, chunk_rows, title):
    """Make rows chunk by chunk, each from a seed of its own, and join them.

    Parameters
    ----------
    make_chunk : callable
        ``make_chunk(what, n_rows, seed, number)`` returns a list of dicts of arrays. `seed` has
        the arguments of the SeedSequence of the call, and `number` counts its chunks.

    what : object
        All that a chunk depends on besides its number and seed; `memory` finds it by this.

    request : Request
        What the user asks for.

    chunk_rows : int
        Rows of a chunk.

    title : str
        Title of the progress bar.

    Returns
    -------
    list of dict of ndarray
        What `make_chunk` gives, of all chunks.
    """
    root = as_seed_sequence(request.random_state)
    make_chunk = cached(make_chunk, request.memory, request.random_state)
    starts = range(0, request.n_samples, chunk_rows)
    sizes = [min(chunk_rows, request.n_samples - start) for start in starts]
    seed = {"entropy": root.entropy, "spawn_key": root.spawn_key}
    work = (delayed(make_chunk)(what, size, seed, number) for number, size in enumerate(sizes))
    chunks = Parallel(n_jobs=request.n_jobs, return_as="generator")(work)
    if request.verbose:
        chunks = _with_progress(chunks, sizes, title)
    return [join(parts) for parts in zip(*chunks, strict=True)]


def _generate_chunk(what, n_rows, seed, number):
    """Columns and detector passes of the rows that belong to one seed, each a dict of arrays."""
    process, card, n_detector, n_pileup, settings, _ = what
    root = np.random.SeedSequence(**seed)
    batch_size = PILEUP_BATCH_SIZE if n_pileup else None
    batches = selected_events(process, pythia_seed(root, number, 0), settings, batch_size)
    if n_pileup:
        # Pile-up has seeds of its own, so that the events do not depend on it.
        seed, rng = pythia_seed(root, number, 0, 0), numpy_rng(root, 0, 1, number)
        batches = map(PileupOverlay(n_pileup, settings, seed, rng), batches)
    # Each pass has a branch apart from Pythia's, so that no detector changes the events.
    noise = [numpy_rng(root, 1 + index, number) for index in range(n_detector)]
    parts, n_made = [], 0
    while n_made < n_rows:
        events = next(batches)
        n_made += events.n_events
        flows = ((*energy_flow(events, card, rng), card, rng) for rng in noise)
        parts.append([events.columns, *(process.reconstruct(events, *flow) for flow in flows)])
    joined = [join(dicts) for dicts in zip(*parts, strict=True)]
    return [{name: values[:n_rows] for name, values in one.items()} for one in joined]


def selected_events(process, seed, settings=(), batch_size=None):
    """Yield batches of events that pass, none of them empty.

    Parameters
    ----------
    process : Process
        What is generated.

    seed : int
        Pythia's seed.

    settings : sequence of str, default=()
        Settings of Pythia, after those of the process.

    batch_size : int or None, default=None
        As in :func:`records`; the events do not depend on it.

    Yields
    ------
    events : GeneratedEvents
        A batch.

    Raises
    ------
    ValueError
        If nothing passes the selection for long.
    """
    settings = (*process.settings, *settings)
    n_empty = 0
    for record in records(settings, seed, process.user_hooks(), batch_size):
        events = process.select(record)
        n_empty = 0 if events.n_events else n_empty + record.n_events
        if n_empty >= MAX_EMPTY_EVENTS:
            raise ValueError(
                f"None of the last {n_empty} {process.title} events passed the selection: the "
                f"settings {list(settings)} and the selection exclude each other."
            )
        if events.n_events:
            yield events


def pythia_seed(root, number, *branch):
    """Seed of the Pythia of a chunk."""
    # Consecutive seeds: Pythia has so few that drawn ones would repeat in large samples.
    first = int(child_seed(root, *branch).generate_state(1, np.uint64)[0])
    return 1 + (first + number) % MAX_SEED


def join(parts):
    """Concatenate dicts of arrays."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _with_progress(chunks, sizes, title):
    from tqdm.auto import tqdm

    with tqdm(total=sum(sizes), unit="event", desc=title) as bar:
        for chunk, size in zip(chunks, sizes, strict=True):
            bar.update(size)
            yield chunk


def cached(function, memory, random_state):
    """Return the function. If `memory` is a folder or a joblib.Memory, it keeps the results.

    Raises
    ------
    ValueError
        Without a seed that repeats: nothing would be found again.

    OSError
        If nothing can be written there.
    """
    if memory is None:
        return function
    if random_state is None:
        raise ValueError(
            "memory finds events by their seed, and random_state=None is a new seed in every call; "
            "pass an int."
        )
    try:
        memory = check_memory(os.fspath(memory) if isinstance(memory, os.PathLike) else memory)
        if getattr(memory, "store_backend", None) is not None:
            with tempfile.TemporaryFile(dir=memory.store_backend.location):
                pass
    except OSError as error:
        raise OSError(
            error.errno, f"memory cannot be written to: {error}. Pass another folder"
        ) from error
    return memory.cache(function)


def detector_keys(passes, make_bunch):
    """Keys of the first detector pass, and `repeats` with the others; none without a detector."""
    if not passes:
        return {}
    first, *repeats = map(make_bunch, passes)
    return {**first, "repeats": tuple(repeats)}


def frame(names, values):
    """Table of momenta in double precision."""
    return pd.DataFrame(np.array(values, dtype=np.float64), columns=list(names))


def package_versions(title):
    """Versions of the packages that make events, or an error if one is missing.

    Chunks that `memory` keeps are found again only by the same versions.
    """
    try:
        import awkward  # noqa: F401
        import fastjet  # noqa: F401
        import pythia8mc  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"Generating {title} events needs {error.name}: {install_command('pythia')}. "
            "The load_ functions give bundled events without it."
        ) from error
    return f"{__version__}, Pythia {version('pythia8mc')}"

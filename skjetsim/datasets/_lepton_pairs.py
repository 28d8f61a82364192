"""Lepton pairs of a hard process, f fbar -> gamma*/Z -> l- l+, at parton level."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import Bunch

from skjetsim.datasets._chain._events import frame, join, package_versions, pythia_seed, run_chunks
from skjetsim.datasets._chain._particles import component_names
from skjetsim.datasets._chain._pythia import check_start, start
from skjetsim.datasets._chain._record import next_record
from skjetsim.utils._validation import check_option

# What is exchanged, as Pythia numbers it.
BOSONS = {"both": 0, "photon": 1, "z": 2}

# Nothing but the hard process. Pythia would keep no record if the whole parton level were off.
# Events without remnants do not add up to the beams, which is not an error here.
ALONE = (
    "PartonLevel:MPI = off",
    "PartonLevel:ISR = off",
    "PartonLevel:FSR = off",
    "PartonLevel:Remnants = off",
    "HadronLevel:all = off",
    "Check:event = off",
)

# Rows made from one seed. Making them takes much longer than Pythia's start, a quarter of a second.
CHUNK_ROWS = 50_000
BATCH_SIZE = 10_000

MILLIBARN = 1e9  # in pb


@dataclass(frozen=True)
class LeptonPairs:
    """All that a chunk of rows depends on besides its number and seed.

    `settings` are those of the process, followed by the user's.
    """

    title: str
    description: str
    settings: tuple
    versions: str


def lepton_pairs(title, description, boson, own, settings):
    """Check the options that all samples of pairs share, and whether Pythia starts with them.

    Parameters
    ----------
    title : str
        Name of the process.

    description : str
        Its file in ``descr``.

    boson : {"both", "photon", "z"}
        What is exchanged.

    own : sequence of str
        Settings of the process.

    settings : sequence of str
        The user's.

    Returns
    -------
    pairs : LeptonPairs
    """
    check_option(boson, "boson", list(BOSONS))
    exchange = "WeakSingleBoson:ffbar2gmZ = on", f"WeakZ0:gmZmode = {BOSONS[boson]}"
    settings = (*ALONE, *exchange, *own, *settings)
    pairs = LeptonPairs(title, description, settings, package_versions(title))
    # A bad setting must be an error before workers start.
    check_start(settings)
    return pairs


def unweighted_pairs(pairs, request):
    """Events of weight one from Pythia.

    Parameters
    ----------
    pairs : LeptonPairs
        Process and settings.

    request : Request
        What the user asks for. Two entries differ from those for events with a detector:

    random_state : int, RandomState, Generator or None, default=None
        Seed of the generator. An int gives the same bits for any `n_jobs` on one machine and
        version, and fewer samples are the first rows of more.

    memory : str, path-like, joblib.Memory or None, default=None
        Where to keep what was generated. The same call finds it again. A call for more rows finds
        whole parts of 50,000 rows. Needs a `random_state` that repeats.

    Returns
    -------
    columns : dict of ndarray
        ``data`` of shape (n_samples, 8), and ``pdg_id`` of the lepton.

    cross_section : tuple of float
        Value and error, pb.
    """
    columns, sigma = run_chunks(_unweighted_chunk, pairs, request, CHUNK_ROWS, pairs.title)
    share = sigma["rows"] / sigma["rows"].sum()
    value, error = share @ sigma["value"], np.linalg.norm(share * sigma["error"])
    return columns, (float(value * MILLIBARN), float(error * MILLIBARN))


def _unweighted_chunk(pairs, n_rows, seed, number):
    """Columns of the rows that belong to one seed, and Pythia's cross-section for them."""
    root = np.random.SeedSequence(**seed)
    pythia = start(pairs.settings, pythia_seed(root, number, 0))
    parts, n_made = [], 0
    while n_made < n_rows:
        record = next_record(pythia, min(BATCH_SIZE, n_rows - n_made))
        parts.append(_columns(record, pairs))
        n_made += record.n_events
    info = pythia.infoPython()
    sigma = {"rows": n_made, "value": info.sigmaGen(), "error": info.sigmaErr()}
    return [join(parts), {name: np.array([value]) for name, value in sigma.items()}]


def _columns(record, pairs):
    """Four-vectors of lepton and antilepton, and the lepton's PDG number."""
    entries = record.entries.select(record.outgoing)
    is_lepton = np.isin(np.abs(entries.pdg_id), (11, 13, 15))
    pairs_alone = record.n_events and len(is_lepton) == 2 * record.n_events and is_lepton.all()
    if not pairs_alone:
        raise ValueError(
            f"The settings {list(pairs.settings)} make events other than lepton pairs; "
            "switch on no other process or decay."
        )
    sides = [entries.select(np.flatnonzero(sign * entries.pdg_id > 0)) for sign in (1, -1)]
    data = np.hstack([side.momenta for side in sides])
    return {"data": data, "pdg_id": sides[0].pdg_id.astype(np.int64)}


def pairs_bunch(lepton, columns, cross_section, descr, **fields):
    """Bunch of a table of pairs and of the `fields` that its process adds."""
    value, error = cross_section
    names = list(component_names([lepton, f"anti{lepton}"]))
    return Bunch(
        data=frame(names, columns["data"]),
        **fields,
        cross_section=value,
        cross_section_error=error,
        feature_names=names,
        DESCR=descr,
    )

"""Large samples with two detector passes, made once and kept in ``benchmarks/.cache``.

``python -m benchmarks.shared.event_samples --process wjet --n-accepted 260000 --n-jobs 2`` makes
one, for any process of `GENERATORS`. Benchmarks read it with :func:`load_event_sample`. A sample is
made in parts. Each part is a Parquet file with its own seed. An interrupted run therefore resumes
where it stopped, and the first parts can be read while others are made.
"""

import argparse
import hashlib
import os
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets import (
    DetectorCard,
    generate_ttbar,
    generate_wjet,
    generate_zee,
    generate_zjet,
    generate_zmumu,
)

CACHE = Path(__file__).parents[1] / ".cache"
GENERATORS = {
    "wjet": generate_wjet,
    "zjet": generate_zjet,
    "zee": generate_zee,
    "ttbar": generate_ttbar,
    # Beside the dimuons that CMS measured in 2011.
    "zmumu_7tev": partial(generate_zmumu, settings=["Beams:eCM = 7000."]),
    # Another detector, on whose events nothing was chosen.
    "wjet_atlas": partial(generate_wjet, detector=DetectorCard.atlas()),
    "zee_atlas": partial(generate_zee, detector=DetectorCard.atlas()),
}
# What stands beside the target of an event.
FLAGS = ("accepted", "matched", "n_jets")
# What is generated depends on the rows of a part, too: these never change.
PART_ROWS = {
    **{"wjet": 20_000, "zjet": 5_000, "zee": 20_000, "ttbar": 20_000, "zmumu_7tev": 20_000},
    **{"wjet_atlas": 10_000, "zee_atlas": 10_000},
}


def load_event_sample(
    process,
    n_accepted=None,
    *,
    n_generated=None,
    n_detector=2,
    random_state=0,
    n_jobs=None,
    verbose=0,
):
    """Load events of a process. Those that are not in the cache are generated.

    Parameters
    ----------
    process : {"wjet", "zjet", "zee", "ttbar", "zmumu_7tev", "wjet_atlas", "zee_atlas"}
    n_accepted : int, optional
        Number of rows. The first detector pass accepts all of them.

    n_generated : int, optional
        Number of rows in place of `n_accepted`, whether they are accepted or not.

    n_detector : int, default=2
        Detector passes of each event.

    random_state : int, default=0
        Seed. A smaller sample is the beginning of a larger one.

    n_jobs : int or None, default=None
        Worker processes that generate.

    verbose : int, default=0
        Show progress bars if not 0.

    Returns
    -------
    events : Bunch
        `data`, `target` and `accepted`; `n_generated`, the number of generated events they are
        taken from; `repeats`, for each further pass a Bunch of `target` and `accepted` (rows that
        this pass does not accept are zeros).
    """
    parts, n_found, number = [], 0, 0
    while n_found < (n_accepted or n_generated):
        part = _load_part(process, number, n_detector, random_state, n_jobs, verbose)
        parts.append(part)
        n_found += len(part) if n_accepted is None else int(part["accepted"].sum())
        number += 1
    table = pd.concat(parts, ignore_index=True)
    if n_accepted is None:
        rows = np.arange(n_generated)
    else:
        rows = np.flatnonzero(table["accepted"])[:n_accepted]
    chosen = table.iloc[rows].reset_index(drop=True)
    return Bunch(
        data=_columns(chosen, "gen"),
        target=_columns(chosen, "reco"),
        accepted=chosen["accepted"].to_numpy(),
        n_generated=int(rows[-1]) + 1,
        repeats=tuple(
            Bunch(
                target=_columns(chosen, f"reco{index}"),
                accepted=chosen[f"accepted{index}"].to_numpy(),
            )
            for index in range(2, n_detector + 1)
        ),
    )


def _load_part(process, number, n_detector, random_state, n_jobs, verbose):
    folder = CACHE / _sample_name(process, n_detector, random_state)
    path = folder / f"part-{number:04d}.parquet"
    if not path.exists():
        events = GENERATORS[process](
            PART_ROWS[process],
            random_state=np.random.default_rng([random_state, number]),
            n_detector=n_detector,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        # Renamed when complete, so that another process never reads half a file.
        unfinished = path.with_suffix(f".{os.getpid()}")
        to_table(events).to_parquet(unfinished, compression="zstd", index=False)
        unfinished.rename(path)
    return pd.read_parquet(path)


def _sample_name(process, n_detector, random_state):
    """Name of the folder of a sample. It depends on the detector card."""
    card = getattr(GENERATORS[process], "keywords", {}).get("detector", DetectorCard())
    detector = hashlib.sha256(repr(astuple(card)).encode()).hexdigest()[:8]
    return f"{process}-{detector}-{n_detector}x-seed{random_state}"


def to_table(events):
    """One table of all generated events, with momenta in single precision."""
    passes = [events, *events.repeats]
    columns = [events.data.add_prefix("gen_").astype(np.float32)]
    for index, one in enumerate(passes, start=1):
        suffix = "" if index == 1 else str(index)
        columns.append(one.target.add_prefix(f"reco{suffix}_").astype(np.float32))
        flags = {f"{name}{suffix}": one[name] for name in FLAGS if name in one}
        columns.append(pd.DataFrame(flags))
    return pd.concat(columns, axis=1)


def _columns(table, prefix):
    names = [name for name in table.columns if name.startswith(f"{prefix}_")]
    return table[names].rename(columns=lambda name: name.removeprefix(f"{prefix}_")).astype(float)


def main():
    """Make a sample from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--process", choices=sorted(GENERATORS), default="wjet")
    parser.add_argument("--n-accepted", type=int, default=260_000)
    parser.add_argument("--n-detector", type=int, default=2)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    events = load_event_sample(
        options.process,
        options.n_accepted,
        n_detector=options.n_detector,
        random_state=options.random_state,
        n_jobs=options.n_jobs,
        verbose=1,
    )
    print(f"{len(events.data)} accepted of {events.n_generated} generated events in {CACHE}")


if __name__ == "__main__":
    main()

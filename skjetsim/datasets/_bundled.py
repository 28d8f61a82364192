"""Files that come with the package."""

from importlib import resources

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skjetsim.datasets._chain._events import description, detector_bunch, frame
from skjetsim.datasets._chain._note import bundled_note
from skjetsim.utils._validation import check_option


def open_file(name):
    """Open a file of ``data``."""
    return (resources.files(__package__) / "data" / name).open("rb")


def read_arrays(name, filters=None):
    """Arrays of a bundled file, by the names of its columns.

    Parameters
    ----------
    name : str
        Name in ``data``.

    filters : list of tuple or None, default=None
        Rows to read, as in :func:`pyarrow.parquet.read_table`.

    Returns
    -------
    arrays : dict of ndarray
        Numbers in double precision, and lists in their shape.
    """
    import pyarrow.parquet as pq

    with open_file(name) as file:
        table = pq.read_table(file, filters=filters)
    metadata = table.schema.metadata
    arrays = {}
    for key in table.column_names:
        column = table[key].combine_chunks()
        shape = metadata.get(f"shape {key}".encode())
        if shape is None:
            values = column.to_numpy(zero_copy_only=False)
        else:
            shape = map(int, shape.decode().split(","))
            values = column.flatten().to_numpy().reshape(len(column), *shape)
        # Stored in single precision, which is far finer than any detector.
        is_single = values.dtype == np.float32
        arrays[key] = values.astype(np.float64) if is_single else values.copy()
    return arrays


def read_metadata(name):
    """Metadata of a bundled file: its seed, and versions of the packages that made it."""
    import pyarrow.parquet as pq

    with open_file(name) as file:
        return pq.read_schema(file).metadata


def bundled_descr(name, file, n_samples, accepted):
    """Text of a file in ``descr``, and a note from the metadata of a bundled file."""
    return description(name) + bundled_note(n_samples, read_metadata(file), accepted)


def load_pair(process, file, *, selection, return_X_y):
    """Both levels of bundled events.

    Parameters
    ----------
    process : Process
        Its columns.

    file : str
        Name in ``data``. Columns are ``gen_<name>``; ``reco_<name>`` and flags for the first pass;
        ``reco2_<name>`` and flags that end in 2 for the second pass.

    selection : {"accepted", "all"}
        Which events.

    return_X_y : bool
        Return (data, target) instead of a Bunch.

    Returns
    -------
    events : Bunch or tuple of DataFrame
        As from :func:`skjetsim.datasets.load_wjet`.
    """
    check_option(selection, "selection", ("accepted", "all"))
    with open_file(file) as opened:
        table = pd.read_parquet(opened)
    descr = bundled_descr(process.description, file, len(table), table["accepted"].mean())
    if selection == "accepted":
        table = table[table["accepted"]]
    # Stored in single precision, which is far finer than any detector.
    data = _level(table, "gen_", process.feature_names)
    first, second = (_pass(table, suffix, process.target_names) for suffix in ("", "2"))
    target = first.target
    if selection == "all":
        target["accepted"] = first.accepted.astype(np.float64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        **first,
        repeats=(second,),
        feature_names=list(data.columns),
        target_names=list(target.columns),
        DESCR=descr,
    )


def _level(table, prefix, names):
    return frame(names, table[[f"{prefix}{name}" for name in names]])


def _pass(table, suffix, names):
    """One detector pass."""
    target = _level(table, f"reco{suffix}_", names)
    flags = {
        name: table[f"{name}{suffix}"].to_numpy(copy=True)
        for name in ("accepted", "matched", "n_jets")
        if f"{name}{suffix}" in table
    }
    return detector_bunch(names, {"target": target, **flags})

"""Files that come with the package."""

from importlib import resources

import numpy as np

from skjetsim.datasets._chain._events import tables_bunch
from skjetsim.datasets._chain._note import describe_bundled
from skjetsim.utils._validation import check_option


def read_file(name, filters=None):
    """Arrays and metadata of a bundled file.

    Parameters
    ----------
    name : str
        Name in ``data``.

    filters : list of tuple or None, default=None
        Rows to read, as in :func:`pyarrow.parquet.read_table`.

    Returns
    -------
    arrays : dict of ndarray
        Columns by name: numbers in double precision, and lists in their shape.

    metadata : dict of str
        The seed, and the versions of the packages that made the file.
    """
    import pyarrow.parquet as pq

    with (resources.files(__package__) / "data" / name).open("rb") as file:
        table = pq.read_table(file, filters=filters)
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    arrays = {}
    for key in table.column_names:
        column = table[key].combine_chunks()
        shape = metadata.get(f"shape {key}")
        if shape is None:
            values = column.to_numpy(zero_copy_only=False)
        else:
            shape = map(int, shape.split(","))
            values = column.flatten().to_numpy().reshape(len(column), *shape)
        # Stored in single precision, which is far finer than any detector.
        arrays[key] = values.astype(float if values.dtype == np.float32 else values.dtype)
    return arrays, metadata


def load_pair(process, file, *, selection, return_X_y):
    """Both levels of bundled events.

    Parameters
    ----------
    process : Process
        It gives the names of the columns.

    file : str
        Name in ``data``. Columns are ``gen_<name>``, then ``reco_<name>`` and flags for the first
        pass, then ``reco2_<name>`` and flags that end in 2 for the second pass.

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
    arrays, metadata = read_file(file)
    descr = describe_bundled(process, metadata, arrays["accepted"])
    if selection == "accepted":
        arrays = {name: values[arrays["accepted"]] for name, values in arrays.items()}
    passes = [_pass(arrays, suffix, process.target_names) for suffix in ("", "2")]
    data = stacked(arrays, "gen", process.feature_names)
    events = tables_bunch(process, data, passes, descr)
    if selection == "all":
        events.target["accepted"] = events.accepted.astype(np.float64)
        events.target_names.append("accepted")
    return (events.data, events.target) if return_X_y else events


def stacked(arrays, level, names):
    """Columns ``<level>_<name>`` of a bundled file as one array."""
    return np.column_stack([arrays[f"{level}_{name}"] for name in names])


def jet_levels(arrays, names):
    """Columns of the generator level and of the detector pass, as a process makes them."""
    jets, target_jets = (stacked(arrays, level, names) for level in ("jets", "target_jets"))
    one = {"target": arrays["target"], "jets": target_jets, "accepted": arrays["accepted"]}
    return {"data": arrays["data"], "jets": jets}, [one]


def _pass(arrays, suffix, names):
    """One detector pass, as a process makes it."""
    flags = [name for name in ("accepted", "matched", "n_jets") if name in arrays]
    target = stacked(arrays, f"reco{suffix}", names)
    return {"target": target, **{name: arrays[f"{name}{suffix}"] for name in flags}}

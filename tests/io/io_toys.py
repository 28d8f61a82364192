"""Small files for the tests of `skjetsim.io`."""

import awkward as ak
import numpy as np
import pandas as pd
import uproot

DTYPES = ("f4", "f8", "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


def every_dtype(n_rows=1000):
    """A column of each dtype that files keep, with values that lose bits first."""
    rng = np.random.default_rng(0)
    columns = {}
    for code in DTYPES:
        dtype = np.dtype(code)
        if dtype.kind == "f":
            values = rng.normal(0.0, 50.0, n_rows).astype(dtype)
            special = [np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).smallest_subnormal]
        elif dtype.kind == "b":
            values, special = rng.random(n_rows) < 0.3, [True, False]
        else:
            limits = np.iinfo(dtype)
            values = rng.integers(limits.min, limits.max, n_rows, dtype=dtype, endpoint=True)
            special = [limits.min, limits.max]
        values[: len(special)] = special
        columns[f"x_{code.replace('?', 'bool')}"] = values
    return pd.DataFrame(columns)


def write_ntuple(path, table, n_rows=1000, name="events"):
    """Write an RNTuple with a cluster for every `n_rows` rows."""
    with uproot.recreate(path) as file:
        ntuple = file.mkrntuple(name, dict(table.dtypes))
        for start in range(0, len(table), n_rows):
            part = table.iloc[start : start + n_rows]
            ntuple.extend({column: part[column].to_numpy() for column in part})


JETS = ak.Array([[50.0, 30.0, 20.0], [], [40.0]])


def jets_file(path, kind):
    """Three events with lists, an array of fixed length, and strings, which cannot be a column."""
    columns = {
        "event": np.arange(3, dtype=np.uint64),
        "Jet_pt": ak.values_astype(JETS, np.float32),
        "Jet_id": ak.values_astype(JETS > 25, np.int8),
        "vertex": np.arange(9.0).reshape(3, 3),
    }
    if kind == "parquet":
        ak.to_parquet(ak.zip(columns, depth_limit=1), path, list_to32=True)
        return
    with uproot.recreate(path) as file:
        if kind == "ntuple":
            file["events"] = {**columns, "tag": ak.Array(["a", "bc", "d"])}
            return
        types = {
            name: ak.type(values).content for name, values in columns.items() if name != "vertex"
        }
        tree = file.mktree("events", {**types, "vertex": np.dtype(("f8", (3,))), "tag": "string"})
        tree.extend({**columns, "tag": ak.Array(["a", "bc", "d"])})


def bits(table):
    """Bytes of every column: NaN and signed zeros count."""
    return {name: table[name].to_numpy().tobytes() for name in table}

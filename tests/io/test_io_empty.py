"""Files, lists and chunks without rows."""

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from io_toys import every_dtype
from pandas.testing import assert_frame_equal

from skjetsim.io import iter_events, read_events, write_events

TABLE = every_dtype(20)
COLUMNS = ["x", "vertex", "jets"]
LISTS = {
    "x": np.arange(3, dtype=np.float32),
    "vertex": np.arange(6, dtype=np.int16).reshape(3, 2),
    "jets": ak.values_astype(ak.Array([[1.0, 2.0], [], [3.0]]), np.float32),
}
EXPECTED = {"x": "f4", "vertex_0": "i2", "vertex_1": "i2", "jets_0": "f4", "jets_1": "f4"}


@pytest.fixture(params=["parquet", "root"])
def path(request, tmp_path):
    return tmp_path / f"events.{request.param}"


def write_lists(folder, kind, n_rows):
    """Write numbers, arrays of one length, and lists, `n_rows` of each."""
    rows = {name: values[:n_rows] for name, values in LISTS.items()}
    if kind == "parquet":
        fixed = pa.FixedSizeListArray.from_arrays(pa.array(rows["vertex"].ravel()), 2)
        table = {"x": rows["x"], "vertex": fixed}
        table["jets"] = pa.array(rows["jets"].to_list(), pa.list_(pa.float32()))
        pq.write_table(pa.table(table), folder / "a.parquet")
        return folder / "a.parquet"
    with uproot.recreate(folder / "a.root") as file:
        if kind == "ntuple":
            file["events"] = rows
        else:
            types = {"x": "f4", "vertex": np.dtype(("i2", (2,))), "jets": "var * float32"}
            tree = file.mktree("events", types)
            if n_rows:
                tree.extend(rows)
    return folder / "a.root"


@pytest.mark.parametrize("kind", ["parquet", "tree", "ntuple"])
@pytest.mark.parametrize("n_rows", [0, 1, 3])
def test_lists_with_and_without_rows(tmp_path, kind, n_rows):
    path = write_lists(tmp_path, kind, n_rows)
    read = read_events(path, columns=COLUMNS, max_length=2)
    assert read.dtypes.to_dict() == {name: np.dtype(code) for name, code in EXPECTED.items()}
    assert len(read) == n_rows
    whole = pd.DataFrame(
        {"x": [0, 1, 2], "vertex_0": [0, 2, 4], "vertex_1": [1, 3, 5]}
        | {"jets_0": [1, 0, 3], "jets_1": [2, 0, 0]}
    )
    assert_frame_equal(read, whole[:n_rows].astype(EXPECTED))
    chunks = list(iter_events(path, columns=COLUMNS, max_length=2, chunk_size=2))
    assert [len(chunk) for chunk in chunks] == {0: [0], 1: [1], 3: [2, 1]}[n_rows]
    assert_frame_equal(pd.concat(chunks), read)


def test_arrays_of_length_zero_are_not_columns(tmp_path):
    table = pa.table({"x": [1.0], "none": pa.array([[]], pa.list_(pa.float64(), 0))})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="'none' holds arrays of length 0"):
        read_events(tmp_path / "a.parquet")


def test_streams_with_empty_chunks(path):
    none, some = TABLE[:0], TABLE[:5]
    for chunks, expected in (
        ([none], none),
        ([none, none], none),
        ([none, some, none, some, none], pd.concat([some, some], ignore_index=True)),
    ):
        write_events(path, chunks)
        assert_frame_equal(read_events(path), expected, check_index_type=False)
        assert_frame_equal(pd.concat(iter_events(path)), expected, check_index_type=False)


def test_empty_pairs(path):
    pair = (TABLE[:0], TABLE[:0])
    write_events(path, *pair, sample_weight=np.zeros(0))
    for parts in (read_events(path, return_X_y=True), *iter_events(path, return_X_y=True)):
        assert [len(part) for part in parts] == [0, 0, 0]
        assert_frame_equal(parts[0], TABLE[:0], check_index_type=False)
    write_events(path, [pair, pair])
    assert len(read_events(path)) == 0


def test_an_empty_file_among_others(tmp_path):
    for name, rows in (("a.root", 0), ("b.parquet", 7), ("c.root", 0), ("d.root", 3)):
        write_events(tmp_path / name, TABLE[:rows])
    paths = [tmp_path / name for name in ("a.root", "b.parquet", "c.root", "d.root")]
    expected = pd.concat([TABLE[:7], TABLE[:3]], ignore_index=True)
    assert_frame_equal(read_events(paths), expected)
    chunks = list(iter_events(paths, chunk_size=4))
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert_frame_equal(pd.concat(chunks), expected)

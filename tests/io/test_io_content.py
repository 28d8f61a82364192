"""Files that others wrote: lists, arrays, missing values, several trees."""

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from io_toys import JETS, jets_file
from numpy.testing import assert_array_equal

from skjetsim.io import iter_events, read_events

KINDS = ("parquet", "tree", "ntuple")
LISTS = ["Jet_pt", "Jet_id"]


@pytest.fixture(params=KINDS)
def jets(request, tmp_path):
    path = tmp_path / ("jets.parquet" if request.param == "parquet" else "jets.root")
    jets_file(path, request.param)
    return path


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_lists_are_filled_and_cut(jets, length):
    events = read_events(jets, columns=[*LISTS, "event"], max_length=length)
    assert list(events)[: length + 1] == [*(f"Jet_pt_{i}" for i in range(length)), "Jet_id_0"]
    expected = ak.fill_none(ak.pad_none(JETS, length, clip=True), 0.0).to_numpy()
    assert_array_equal(events.iloc[:, :length], expected)
    assert set(events.dtypes[:length]) == {np.dtype("f4")}
    assert set(events.dtypes[length:-1]) == {np.dtype("i1")}
    assert_array_equal(events["event"], [0, 1, 2])


def test_lists_in_chunks(jets):
    settings = {"columns": ["event", *LISTS], "max_length": 2}
    chunks = list(iter_events(jets, chunk_size=2, **settings))
    assert [len(chunk) for chunk in chunks] == [2, 1]
    assert pd.concat(chunks).equals(read_events(jets, **settings))


def test_lists_need_a_length(jets):
    with pytest.raises(
        ValueError, match=r"differ in length .*'Jet_pt', 'Jet_id'\. Pass max_length=4"
    ):
        read_events(jets, columns=["event", *LISTS])


def test_arrays_of_one_length(jets):
    events = read_events(jets, columns=["vertex", "event"])
    assert list(events) == ["vertex_0", "vertex_1", "vertex_2", "event"]
    assert_array_equal(events["vertex_1"], [1.0, 4.0, 7.0])


@pytest.mark.parametrize("kind", ["tree", "ntuple"])
def test_strings_are_not_columns(tmp_path, kind):
    path = tmp_path / "jets.root"
    jets_file(path, kind)
    with pytest.raises(ValueError, match=r"'tag' .* type string\)\. Name the ones to read in col"):
        read_events(path)


def test_names_of_list_columns_may_not_clash(tmp_path):
    table = pa.table({"jet_0": [1.0, 2.0], "jet": [[1.0], [2.0, 3.0]]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="'jet' need the name 'jet_0', which another column has"):
        read_events(tmp_path / "a.parquet", max_length=1)
    assert list(read_events(tmp_path / "a.parquet", columns=["jet_0"])) == ["jet_0"]


# Parquet.


def test_missing_values(tmp_path):
    path = tmp_path / "a.parquet"
    floats, integers = pa.array([1.0, None], pa.float32()), pa.array([1, None], pa.int16())
    lists = pa.array([[1.0], None])
    pq.write_table(pa.table({"x": floats, "n": integers, "jets": lists}), path)
    x = read_events(path, columns=["x"])["x"]
    assert x.dtype == np.float32
    assert_array_equal(x, [1.0, np.nan])
    with pytest.raises(ValueError, match=r"'n' has 1 missing values \(null, first in row 1\), for"):
        read_events(path, columns=["n"])
    with pytest.raises(ValueError, match=r"null, first in row 1"):
        list(iter_events(path, columns=["n"], chunk_size=1))
    with pytest.raises(ValueError, match=r"'jets' has 1 missing values \(null instead of a list\)"):
        read_events(path, columns=["jets"], max_length=2)


def test_types_that_are_not_numbers(tmp_path):
    path = tmp_path / "a.parquet"
    table = {"x": [1.0], "name": ["a"], "day": pa.array([1], pa.date32()), "jet": [{"pt": 1.0}]}
    pq.write_table(pa.table(table), path)
    with pytest.raises(ValueError, match=r"'name', 'day', 'jet' cannot .* type string\)"):
        read_events(path)
    assert list(read_events(path, columns=["x"])) == ["x"]


def test_no_columns_and_double_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({}), path)
    with pytest.raises(ValueError, match="has no columns"):
        read_events(path)
    pq.write_table(pa.Table.from_arrays([pa.array([1.0])] * 2, ["x", "x"]), path)
    with pytest.raises(ValueError, match="several columns named 'x'"):
        read_events(path)


# ROOT.


def test_several_trees(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for name, value in (("Events", 1.0), ("sub/Runs", 2.0)):
            file.mktree(name, {"x": "f8"}).extend({"x": np.array([value])})
        file["histogram"] = np.histogram([1.0])
    with pytest.raises(ValueError, match=r"several trees: pass tree= as one of \['Events', 'sub/R"):
        read_events(path)
    assert read_events(path, tree="Events")["x"].item() == 1.0
    assert read_events(path, tree="sub/Runs")["x"].item() == 2.0
    with pytest.raises(ValueError, match="no tree 'events'; did you mean 'Events'"):
        read_events(path, tree="events")
    with pytest.raises(ValueError, match="no tree 'histogram'"):
        read_events(path, tree="histogram")


def test_cycles_of_a_tree_are_one_tree(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for value in (1.0, 2.0):
            file.mktree("events", {"x": "f8"}).extend({"x": np.array([value])})
        assert file.keys() == ["events;1", "events;2"]
    assert read_events(path)["x"].item() == 2.0


@pytest.mark.parametrize("n_entries", [3.0, 2.5, np.nan])
def test_numbers_of_entries_that_are_doubles(tmp_path, monkeypatch, n_entries):
    """Old trees keep them so. Uproot has no way to write such a tree."""
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("events", {"x": "f8"}).extend({"x": np.arange(3.0)})
    for kind in (uproot.behaviors.TTree.TTree, uproot.behaviors.TBranch.TBranch):
        monkeypatch.setattr(kind, "num_entries", property(lambda tree: n_entries))
    if n_entries != 3.0:
        with pytest.raises(
            ValueError, match=r"a\.root (is not a complete|cannot be read as a) ROOT"
        ):
            read_events(path)
        return
    assert read_events(path)["x"].tolist() == [0.0, 1.0, 2.0]
    assert [len(chunk) for chunk in iter_events(path, chunk_size=2)] == [2, 1]


def test_branches_of_another_length(tmp_path, monkeypatch):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        table = {"x": np.arange(3.0), "y": np.arange(3.0)}
        file.mktree("events", dict.fromkeys(table, "f8")).extend(table)
    count = property(lambda branch: 3 if branch.name == "x" else 0)
    monkeypatch.setattr(uproot.behaviors.TBranch.TBranch, "num_entries", count)
    with pytest.raises(ValueError, match=r"branch 'y' has 0 entries, but its tree has 3"):
        read_events(path)
    assert list(read_events(path, columns=["x"])) == ["x"]


def test_no_tree(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["histogram"] = np.histogram([1.0])
    with pytest.raises(ValueError, match=r"no TTree or RNTuple .* \['histogram'\]"):
        read_events(path)


def test_uncompressed_files(tmp_path):
    """Uncompressed columns lie in the file, which is closed when the table is used."""
    path = tmp_path / "a.root"
    values = {"n": np.arange(100, dtype=np.int8), "x": np.arange(100.0)}
    with uproot.recreate(path, compression=None) as file:
        file.mktree("events", {"n": "i1", "x": "f8"}).extend(values)
    events = read_events(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert_array_equal(events["n"], values["n"])
    assert_array_equal(events["x"], values["x"])

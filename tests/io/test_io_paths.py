"""Patterns of paths, and trees named in a path."""

import numpy as np
import pandas as pd
import pytest
import uproot

from skjetsim.io import iter_events, read_events, write_events


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(["b.parquet", "a.parquet", "c.root", "deep/d.root"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_events(tmp_path / name, pd.DataFrame({"x": [float(i)]}))
    (tmp_path / "notes.txt").touch()
    return tmp_path


def test_patterns_are_read_in_the_order_of_names(folder):
    def x(path):
        read = read_events(path)["x"]
        assert pd.concat(iter_events(path))["x"].equals(read)
        return read.tolist()

    assert x(f"{folder}/*.parquet") == [1, 0]
    assert x(folder / "*.parquet") == [1, 0]
    assert x(f"{folder}/[ab].parquet") == [1, 0]
    assert x([f"{folder}/c.root", f"{folder}/*.parquet"]) == [2, 1, 0]
    assert x(f"{folder}/**/*.root") == [2, 3]


@pytest.mark.parametrize("read", [read_events, iter_events])
def test_patterns_without_files(folder, read):
    with pytest.raises(FileNotFoundError, match=r"No file matches the pattern '.*/x\*\.root'"):
        read(f"{folder}/x*.root")
    with pytest.raises(ValueError, match=r"ends in '\.txt'"):
        read(f"{folder}/n*")
    with pytest.raises(ValueError, match=r"matches '.*a\.parquet', which another entry of path n"):
        read([f"{folder}/a.parquet", f"{folder}/*.parquet"])
    with pytest.raises(FileNotFoundError, match=r"is an address: copy the file"):
        read("https://cern.ch/a.root")


def test_a_file_that_is_there_is_no_pattern(folder):
    write_events(folder / "a[1].parquet", pd.DataFrame({"x": [9.0]}))
    write_events(folder / "a1.parquet", pd.DataFrame({"x": [1.0]}))
    assert read_events(folder / "a[1].parquet")["x"].item() == 9


def two_trees(path, value=1.0):
    with uproot.recreate(path) as file:
        for name in ("Events", "sub/Runs"):
            for cycle in range(2):
                tree = file.mktree(name, {"x": "f8"})
                tree.extend({"x": np.array([value * (10 if name == "Events" else 1) + cycle])})


def test_trees_in_paths(tmp_path):
    path = tmp_path / "a.root"
    two_trees(path)
    assert read_events(f"{path}:Events")["x"].item() == 11.0
    assert read_events(f"{path}:sub/Runs")["x"].item() == 2.0
    assert read_events(f"{path}:sub/Runs;1")["x"].item() == 1.0
    assert read_events(path, tree="Events;1")["x"].item() == 10.0
    assert read_events([f"{path}:Events", f"{path}:sub/Runs"])["x"].tolist() == [11.0, 2.0]
    two_trees(tmp_path / "b.root", 3.0)
    assert read_events(f"{tmp_path}/*.root:Events")["x"].tolist() == [11.0, 31.0]
    assert read_events(f"{path}:Events", tree="Events")["x"].item() == 11.0


def test_trees_in_paths_that_are_not_there(tmp_path):
    path = tmp_path / "a.root"
    two_trees(path)
    with pytest.raises(ValueError, match="no tree 'events'; did you mean 'Events'"):
        read_events(f"{path}:events")
    with pytest.raises(ValueError, match="no tree 'Events;7'"):
        read_events(f"{path}:Events;7")
    with pytest.raises(ValueError, match=r"several trees: .* as in 'a\.root:Events'"):
        read_events(path)
    with pytest.raises(ValueError, match="names the tree 'Events', and tree= is 'Runs'"):
        read_events(f"{path}:Events", tree="Runs")
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*/b\.root'"):
        read_events(f"{tmp_path}/b.root:Events")


def test_a_tree_with_a_colon_in_its_name(tmp_path):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        for name, value in (("a", 1.0), ("a:x", 2.0)):
            file.mktree(name, {"x": "f8"}).extend({"x": np.array([value])})
    assert read_events(path, tree="a:x")["x"].item() == 2.0
    assert read_events(f"{path}:a:x")["x"].item() == 2.0

"""ROOT files that readers stumble over: every branch is what Uproot gives for its full name."""

from functools import cache
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from numpy.testing import assert_array_equal

from skjetsim.io import iter_events, read_events, write_events

FOLDER = Path(__file__).parents[3] / "shared/data/root"
FILES = {
    "uproot-from-geant4.root": (20, ["opts", "gdml"]),
    "uproot-issue-250.root": (4, []),
    "uproot-issue-513.root": (134, ["evtinfo.", "demc/_opos"]),
    "uproot-issue-880.root": (12, ["Event/pK", "Event/pg[6]", "Event/Cluster[6]"]),
}
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"there is no {FOLDER}")


def leaves(parent, path=""):
    """Full names and branches that have no branches inside."""
    for branch in parent.branches:
        full = f"{path}/{branch.name}" if path else branch.name
        yield from leaves(branch, full) if branch.branches else [(full, branch)]


def columns_of(branch):
    """Columns of a branch as Uproot reads it by itself, or None if it does not hold numbers."""
    try:
        array = branch.array(array_cache=None)
    except ValueError:  # a class that Uproot does not know
        return None
    inner = ak.type(array).content
    if isinstance(inner, ak.types.NumpyType):
        return [ak.to_numpy(array)]
    lists = isinstance(inner, (ak.types.ListType, ak.types.RegularType))
    if not lists or inner.parameters or not isinstance(inner.content, ak.types.NumpyType):
        return None
    filled = ak.fill_none(ak.pad_none(array, int(ak.max(ak.num(array)) or 1)), 0)
    return list(ak.to_numpy(filled).T.astype(inner.content.primitive))


@cache
def trees(name):
    """Columns of all branches of all trees of a file."""
    with uproot.open(FOLDER / name) as file:
        return {
            tree: {full: columns_of(branch) for full, branch in leaves(file[tree])}
            for tree, kind in file.classnames(cycle=False).items()
            if kind == "TTree"
        }


@pytest.mark.parametrize("name", FILES)
def test_every_branch_is_that_of_its_full_name(name):
    n_branches = 0
    for tree, branches in trees(name).items():
        good = {full: columns for full, columns in branches.items() if columns is not None}
        n_branches += len(good)
        lengths = {full: len(columns) for full, columns in good.items()}
        events = read_events(FOLDER / name, tree=tree, columns=[*good], max_length=lengths)
        expected = [column for columns in good.values() for column in columns]
        assert events.shape[1] == len(expected)
        for column, values in zip(events, expected, strict=True):
            assert events[column].dtype == values.dtype
            assert_array_equal(events[column], values, err_msg=column)
        chunks = iter_events(
            FOLDER / name, tree=tree, columns=[*good], max_length=lengths, chunk_size=37
        )
        assert pd.concat(chunks).equals(events)
    assert n_branches == FILES[name][0]


@pytest.mark.parametrize("name", FILES)
def test_what_is_not_a_column_is_named(name):
    for tree, branches in trees(name).items():
        for full in FILES[name][1]:
            if full in branches:
                assert branches[full] is None
                with pytest.raises(ValueError, match="cannot be columns of numbers") as error:
                    read_events(FOLDER / name, tree=tree, columns=[full])
                assert repr(full) in str(error.value)


def test_equal_short_names():
    path = f"{FOLDER}/uproot-issue-513.root:TrkAnaNeg/trkana"
    times = read_events(path, columns=["dem*/_time"])
    assert list(times) == ["demcent/_time", "demcmid/_time", "demcxit/_time"]
    assert times.nunique(axis=1).max() == 3
    with pytest.raises(ValueError, match=r"'_time': use .*'demcent/_time', 'demcmid/_time'"):
        read_events(path, columns=["_time"])


def test_counts_that_are_doubles():
    path = FOLDER / "uproot-issue-250.root"
    events = read_events(path)
    assert len(events) == 1000
    assert pd.concat(iter_events(path, chunk_size=99)).equals(events)


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_branches_with_brackets_in_their_names(tmp_path, suffix):
    events = read_events(FOLDER / "uproot-issue-880.root", columns=["ig*", "W"])
    assert list(events) == [*(f"{x}[6]_{i}" for x in ("ig", "igClus") for i in range(6)), "W"]
    path = tmp_path / f"copy.{suffix}"
    if suffix == "root":
        with pytest.raises(ValueError, match=r"cannot keep the column name 'ig\[6\]_0'"):
            write_events(path, events)
        events = events.rename(columns=lambda name: name.replace("[6]", ""))
    write_events(path, events)
    assert read_events(path).equals(events)


def test_nothing_is_read_from_other_files():
    for path in (FOLDER.parent / "events/Zmumu_Run2011A.csv", FOLDER.parent / "README.md"):
        with pytest.raises(ValueError, match=r"events are kept in \.parquet or \.root files"):
            read_events(path)
    assert np.isfinite(read_events(FOLDER / "uproot-from-geant4.root", tree="TrackedRays")).all(
        axis=None
    )

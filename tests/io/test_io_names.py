"""Which columns a name means: patterns, full names, equal names, names that cannot be kept."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from io_toys import jets_file
from pandas.testing import assert_frame_equal

from skjetsim.io import iter_events, read_events, write_events
from skjetsim.io._names import Names

TABLE = pd.DataFrame({name: np.arange(3.0) + i for i, name in enumerate(["Jet_pt", "Jet_m", "x"])})


@pytest.fixture(params=["parquet", "root"])
def path(request, tmp_path):
    return tmp_path / f"events.{request.param}"


# Patterns.


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["Jet_*"], ["Jet_pt", "Jet_m"]),
        (["x", "Jet_?"], ["x", "Jet_m"]),
        (["Jet_m", "Jet_*"], ["Jet_m", "Jet_pt"]),
        (["*"], ["Jet_pt", "Jet_m", "x"]),
        (["Jet_[mp]*", "*_pt"], ["Jet_pt", "Jet_m"]),
    ],
)
def test_patterns(path, columns, expected):
    write_events(path, TABLE)
    assert_frame_equal(read_events(path, columns=columns), TABLE[expected])
    assert_frame_equal(pd.concat(iter_events(path, columns=columns)), TABLE[expected])


def test_patterns_without_a_match(path):
    write_events(path, TABLE)
    with pytest.raises(ValueError, match=r"no column that matches 'jet_\*': it has \['Jet_pt', "):
        read_events(path, columns=["x", "jet_*"])


def test_a_name_that_is_there_is_no_pattern(path):
    table = pd.DataFrame({"c*": [1.0], "cd": [2.0]})
    write_events(path, table)
    assert list(read_events(path, columns=["c*"])) == ["c*"]
    assert list(read_events(path, columns=["c?"])) == ["c*", "cd"]


# Lengths of lists.


@pytest.fixture(params=["parquet", "tree", "ntuple"])
def jets(request, tmp_path):
    path = tmp_path / ("jets.parquet" if request.param == "parquet" else "jets.root")
    jets_file(path, request.param)
    return path


@pytest.mark.parametrize(
    "lengths",
    [
        {"Jet_pt": 1, "Jet_id": 3},
        {"*": 3, "Jet_pt": 1},  # names come before patterns
        {"*_pt": 1, "Jet_*": 3},  # the first pattern counts
        {"Jet_pt": 1, "Jet_*": 3, "event": 7},
    ],
)
def test_a_length_for_each_branch(jets, lengths):
    columns = ["Jet_pt", "Jet_*", "event"]
    events = read_events(jets, columns=columns, max_length=lengths)
    assert list(events) == ["Jet_pt_0", "Jet_id_0", "Jet_id_1", "Jet_id_2", "event"]
    same = read_events(jets, columns=columns, max_length=3)
    assert_frame_equal(events, same[list(events)])
    chunks = iter_events(jets, columns=columns, max_length=lengths, chunk_size=2)
    assert_frame_equal(pd.concat(chunks), events)


def test_a_list_that_no_length_is_for(jets):
    with pytest.raises(ValueError, match=r"in length .* 'Jet_id'\. .*max_length=\{'Jet_\*': 4\}"):
        read_events(jets, columns=["Jet_*"], max_length={"Jet_pt": 4})
    with pytest.raises(ValueError, match=r"max_length: .* has no column that matches 'Muon_"):
        read_events(jets, columns=["Jet_*"], max_length={"Jet_*": 4, "Muon_*": 4})


# Short and full names.

FULL = ["pt", "one/time", "two/time", "two/mass", "a", "b/a"]


def test_short_names_are_used_if_no_other_branch_has_them():
    names = Names("a.root", FULL, [name.rpartition("/")[2] for name in FULL])
    assert names.choose(None) == ["pt", "one/time", "two/time", "mass", "a", "b/a"]
    chosen = ["two/time", "two/mass", "mass", "a"]
    assert names.choose(chosen) == chosen
    assert [names.position[name] for name in chosen] == [2, 3, 3, 4]
    assert names.choose(["two/*"]) == ["two/time", "mass"]
    assert names.choose(["*a"]) == ["a", "b/a"]


def test_a_short_name_of_several_branches_is_an_error():
    names = Names("a.root", FULL, [name.rpartition("/")[2] for name in FULL])
    with pytest.raises(ValueError, match=r"named 'time': use .* \['one/time', 'two/time'\]"):
        names.choose(["time"])
    with pytest.raises(ValueError, match=r"no column 'two', but columns inside of it: .*'two/\*'"):
        names.choose(["two"])
    with pytest.raises(ValueError, match="no column 'one/tim'; did you mean 'one/time'"):
        names.choose(["one/tim"])


def same_names(path):
    """Write two columns of one name."""
    if path.suffix == ".parquet":
        arrays = [pa.array([1.0]), pa.array([2.0]), pa.array([3.0])]
        pq.write_table(pa.Table.from_arrays(arrays, ["y", "twinA", "twinA"]), path)
        return
    with uproot.recreate(path, compression=None) as file:
        tree = file.mktree("events", dict.fromkeys(("y", "twinA", "twinB"), "f8"))
        tree.extend({name: np.array([1.0]) for name in ("y", "twinA", "twinB")})
    path.write_bytes(path.read_bytes().replace(b"twinB", b"twinA"))


def test_two_columns_of_one_full_name(path):
    same_names(path)
    for columns in (None, ["twinA"], ["t*"]):
        with pytest.raises(ValueError, match=r"several columns named 'twinA': rename all but one"):
            read_events(path, columns=columns)
    assert read_events(path, columns=["y"])["y"].tolist() == [1.0]


# Names that a format cannot keep.

KEPT = ["a.b", "a b", "a:b", "x[0]", "µ_pt", "c*", "d?", "a-b", "1x", "from", "a/b", "b", "x,y"]
LOST = ["jet_pt[1]", "x[2]", "/x", "x[1][2]", "[2]", "/", "ig[6]_0"]


def test_unusual_names(path):
    table = pd.DataFrame({name: np.arange(3.0) + i for i, name in enumerate(KEPT)})
    write_events(path, table)
    assert_frame_equal(read_events(path), table)
    assert_frame_equal(read_events(path, columns=["c*", "a.b"]), table[["c*", "a.b"]])
    assert_frame_equal(pd.concat(iter_events(path, chunk_size=2)), table)


@pytest.mark.parametrize("name", LOST)
def test_names_that_root_cannot_keep(tmp_path, name):
    table = pd.DataFrame({"x": np.arange(3.0), name: np.arange(3.0) + 10})
    path = tmp_path / "a.root"
    write_events(path, TABLE)
    before = path.read_bytes()
    drawn = []

    def chunks():
        for i in range(5):
            drawn.append(i)
            yield table

    with pytest.raises(ValueError, match=r"ROOT file cannot keep the column name '.*Rename the c"):
        write_events(path, chunks())
    assert path.read_bytes() == before
    assert drawn == [0]  # found before the second chunk is made
    assert [file.name for file in tmp_path.iterdir()] == ["a.root"]
    write_events(tmp_path / "a.parquet", table)
    assert_frame_equal(read_events(tmp_path / "a.parquet"), table)


def test_what_is_read_back_differently_is_not_kept(path, monkeypatch):
    """A fault of a library or a disk: the old file stays."""
    write_events(path, TABLE)
    before = path.read_bytes()
    kind = "_root_write.root_writer" if path.suffix == ".root" else "_parquet.parquet_writer"
    module, _, name = kind.partition(".")
    true = getattr(__import__(f"skjetsim.io.{module}", fromlist=[name]), name)
    wrong = {
        "1 rows of": lambda frame: frame.iloc[:1],
        "Column 'Jet_m' of the file .* read back differently": lambda frame: frame.assign(Jet_m=0),
    }
    for message, change in wrong.items():

        class Writer:
            def __init__(self, path, dtypes, metadata):
                self.inner = true(path, dtypes, metadata)

            def __enter__(self):
                write = self.inner.__enter__()
                return lambda frame: write(change(frame).astype(float))  # noqa: B023

            def __exit__(self, *error):
                return self.inner.__exit__(*error)

        with monkeypatch.context() as patch:
            patch.setattr(f"skjetsim.io.{kind}", Writer)
            with pytest.raises(OSError, match=message):
                write_events(path, TABLE + 1)
        assert path.read_bytes() == before
        assert len(list(path.parent.iterdir())) == 1

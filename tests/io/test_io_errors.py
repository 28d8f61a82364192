"""What cannot be written or read says why, and nothing on the disk changes."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from skjetsim.io import iter_events, read_events, write_events

TABLE = pd.DataFrame({"pt": [1.0, 2.0, 3.0], "eta": [0.0, 0.1, 0.2]})
both = pytest.mark.parametrize("suffix", ["parquet", "root"])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.parquet"


# Tables.


def columns(**named):
    return pd.DataFrame(named)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (columns(name=["a", "b"]), "X column 'name' has dtype str"),
        (columns(x=pd.Series([1, "b"], dtype=object)), r"'x' has dtype object \(row 0 holds 1\)"),
        (columns(x=pd.array([1, None], dtype="Int64")), "'x' has dtype Int64"),
        (columns(x=pd.to_datetime(["2026-01-01"])), "'x' has dtype datetime64"),
        (columns(x=np.zeros(2, np.float16)), "'x' has dtype float16"),
        (columns(x=np.zeros(2, np.longdouble)), "'x' has dtype float128|'x' has dtype longdouble"),
        (columns(x=np.zeros(2, complex)), "'x' has dtype complex128"),
        (pd.DataFrame([[1.0, 2.0]]), "column named 0; files need names that are text"),
        (columns(**{"": [1.0]}), "column named ''"),
        (pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), "two columns named 'x'"),
        (pd.DataFrame(index=range(3)), "X has no columns"),
        (TABLE.set_index("eta"), r"name 'eta', dtype float64.* X\.reset_index\(\) to write it"),
        (TABLE.set_index(pd.Index(list("abc"))), "index with a name or a meaning"),
        (TABLE.set_index(pd.MultiIndex.from_product([[1], [1, 2, 3]])), "several levels"),
    ],
)
def test_tables_that_files_do_not_keep(path, X, message):
    with pytest.raises(ValueError, match=message):
        write_events(path, X)
    assert not any(path.parent.iterdir())


@pytest.mark.parametrize("X", [np.zeros((3, 2)), None, 5, "table", TABLE["pt"]])
def test_what_is_not_a_table(path, X):
    with pytest.raises(TypeError, match=f"X must be a DataFrame.*{type(X).__name__}"):
        write_events(path, X)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"y": TABLE.iloc[:2]}, ValueError, "inconsistent numbers of samples: 3 and 2"),
        ({"y": TABLE[::-1]}, ValueError, "indices differ from row 0 on"),
        ({"y": TABLE.to_numpy()}, TypeError, "y must be a DataFrame or a Series .* got ndarray"),
        ({"y": pd.Series([1.0, 2.0, 3.0])}, ValueError, "y has a column named 0"),
        ({"y": TABLE.astype(str)}, ValueError, "y column 'pt' has dtype str"),
        ({"sample_weight": [1.0]}, ValueError, r"shape \(1,\), but there are 3 events"),
        ({"sample_weight": ["a", "b", "c"]}, ValueError, "sample_weight has dtype <U1"),
        ({"units": {"pT": "GeV"}}, ValueError, "no column 'pT'; did you mean 'pt'"),
        ({"units": {"pt": 1}}, TypeError, "The unit of 'pt' must be a str"),
        ({"units": 3}, TypeError, "units must be a str or a dict"),
        ({"units": "rad"}, ValueError, "units='rad' must be one of .*'MeV', 'GeV'.* A dict gives"),
        ({"units": {"*_pt": "GeV"}}, ValueError, r"no column '\*_pt'"),
        ({"description": 3}, TypeError, "description must be a str, got int"),
    ],
)
def test_arguments_of_write(path, settings, error, message):
    with pytest.raises(error, match=message):
        write_events(path, TABLE, **settings)
    assert not any(path.parent.iterdir())


def test_two_columns_of_weights(path):
    table = TABLE.assign(sample_weight=1.0)
    with pytest.raises(ValueError, match="X has a column 'sample_weight', and sample_weight is"):
        write_events(path, table, sample_weight=[1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("chunks", "error", "message"),
    [
        ([], ValueError, "without chunks"),
        ([TABLE, TABLE[["pt"]]], ValueError, "Chunk 1 of X has other columns .* 'eta' is in one"),
        ([TABLE, TABLE[["eta", "pt"]]], ValueError, "Chunk 1 .* their order differs"),
        ([TABLE, TABLE, TABLE.astype("f4")], ValueError, "Chunk 2 of X has dtype float32 in col"),
        ([TABLE, TABLE.to_numpy()], TypeError, "Chunk 1 of X must be a DataFrame"),
        ([(TABLE, TABLE, None, None)], TypeError, "Chunk 0 of X must be"),
        ([(TABLE, TABLE.iloc[1:])], ValueError, "inconsistent numbers of samples"),
    ],
)
def test_chunks_that_do_not_go_together(path, chunks, error, message):
    with pytest.raises(error, match=message):
        write_events(path, chunks)
    assert not any(path.parent.iterdir())


def test_chunks_bring_their_own_sides(path):
    with pytest.raises(TypeError, match=r"let the iterable give tuples \(X, y\)"):
        write_events(path, [TABLE], TABLE)


# Paths.


def test_suffixes(tmp_path):
    for name in ("a.csv", "a", "a.root.gz"):
        with pytest.raises(ValueError, match=r"events are kept in \.parquet or \.root files"):
            write_events(tmp_path / name, TABLE)
        (tmp_path / name).touch()
        with pytest.raises(ValueError, match=r"events are kept in \.parquet or \.root files"):
            read_events(tmp_path / name)
    write_events(tmp_path / "A.ROOT", TABLE)
    assert read_events(str(tmp_path / "A.ROOT")).equals(TABLE)


@both
def test_places_for_a_file(tmp_path, suffix):
    name = f"a.{suffix}"
    with pytest.raises(FileNotFoundError, match=r"no folder '.*missing' to save events in: make"):
        write_events(tmp_path / "missing" / name, TABLE)
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder: pass the name of a file"):
        write_events(tmp_path / name, TABLE)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="No file can be made in the folder"):
        write_events(tmp_path / "a.root", TABLE)
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("read", [read_events, iter_events])
def test_paths_to_read(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*a\.root'"):
        read(tmp_path / "a.root")
    with pytest.raises(FileNotFoundError, match=r"folder without \.parquet or \.root files"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match="path is an empty list"):
        read([])
    with pytest.raises(TypeError, match="path must be a path or a sequence of paths, got int"):
        read(3)
    write_events(tmp_path / "a.parquet", TABLE)
    with pytest.raises(IsADirectoryError, match=r"folder: pass '.*/\*\.parquet' to read"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*b\.root'"):
        read([tmp_path / "a.parquet", tmp_path / "b.root"])


# Reading.


@pytest.mark.parametrize("read", [read_events, iter_events])
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"columns": "pt"}, TypeError, "columns must be a list of str, got 'pt'"),
        ({"columns": [1]}, TypeError, "columns must be a list of str"),
        ({"columns": []}, ValueError, "columns is an empty list"),
        ({"columns": ["pt", "pt"]}, ValueError, "columns has 'pt' twice"),
        ({"max_length": 0}, ValueError, "max_length must be at least 1"),
        ({"max_length": 2.0}, TypeError, "max_length must be an integer"),
        ({"max_length": {"Jet_*": 0}}, ValueError, r"max_length\['Jet_\*'\] must be at least 1"),
        ({"max_length": {1: 4}}, TypeError, "names of columns as its keys, got 1"),
        ({"tree": "events"}, ValueError, "tree='events' is for ROOT files"),
    ],
)
def test_arguments_are_checked_at_the_call(path, read, settings, error, message):
    write_events(path, TABLE)
    with pytest.raises(error, match=message):
        read(path, **settings)


def test_chunk_size(path):
    write_events(path, TABLE)
    with pytest.raises(ValueError, match="chunk_size must be at least 1"):
        iter_events(path, chunk_size=0)


@both
def test_columns_that_are_not_there(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_events(path, TABLE)
    with pytest.raises(ValueError, match="has no column 'Eta'; did you mean 'eta'"):
        read_events(path, columns=["pt", "Eta"])
    with pytest.raises(ValueError, match=r"has no column 'muon_charge': it has \['pt', 'eta'\]"):
        read_events(path, columns=["muon_charge"])


def test_levels_that_are_not_there(path):
    write_events(path, TABLE)
    with pytest.raises(ValueError, match=r"return_X_y=True needs .* none is named gen_\.\.\."):
        read_events(path, return_X_y=True)
    write_events(path, TABLE, TABLE)
    with pytest.raises(ValueError, match=r"none is named reco_\.\.\."):
        read_events(path, columns=["gen_pt"], return_X_y=True)
    write_events(path, read_events(path).assign(run=1))
    with pytest.raises(ValueError, match="no place for column 'run'"):
        next(iter_events(path, return_X_y=True))


@pytest.mark.parametrize(
    ("other", "units", "message"),
    [
        (TABLE[["pt"]], "GeV", "has no column 'eta', which .*a.parquet has"),
        (TABLE.assign(phi=0.0), "GeV", "has a column 'phi', which .*a.parquet does not have"),
        (TABLE.astype({"eta": "f4"}), "GeV", "has dtype float32 in column 'eta'"),
        (TABLE, "MeV", "has unit 'MeV' in column 'pt', and .*a.parquet has unit 'GeV'"),
    ],
)
def test_files_that_differ(path, other, units, message):
    second = path.with_name("b.root")
    write_events(path, TABLE, units="GeV")
    write_events(second, other, units=units)
    with pytest.raises(ValueError, match=rf"b\.root {message}"):
        read_events([path, second])
    with pytest.raises(ValueError, match=rf"b\.root {message}"):
        list(iter_events([path, second]))


def test_root_files_need_uproot(tmp_path, monkeypatch):
    write_events(tmp_path / "a.root", TABLE)
    monkeypatch.setitem(sys.modules, "uproot", None)
    for call in (
        lambda: read_events(tmp_path / "a.root"),
        lambda: write_events(tmp_path / "b.root", TABLE),
    ):
        with pytest.raises(ImportError, match=r"not installed: pip install .*uproot"):
            call()
    write_events(tmp_path / "a.parquet", TABLE)
    assert os.listdir(tmp_path) in (["a.root", "a.parquet"], ["a.parquet", "a.root"])


# Writes that fail.


@both
def test_a_failing_source_leaves_the_old_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_events(path, TABLE)
    before = path.read_bytes()

    def source():
        yield TABLE
        raise FileNotFoundError(2, "the next file is gone")

    with pytest.raises(FileNotFoundError, match="the next file is gone"):
        write_events(path, source())
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.fixture
def small_disk():
    """Files end at 100 kB: the same calls fail as on a full disk."""
    resource = pytest.importorskip("resource", reason="no limit on the size of files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@both
def test_a_full_disk_leaves_the_old_file(tmp_path, suffix, small_disk):
    path = tmp_path / f"a.{suffix}"
    write_events(path, TABLE)
    before = path.read_bytes()
    large = pd.DataFrame({"pt": np.random.default_rng(0).normal(size=50_000)})
    with pytest.raises(
        OSError, match=rf"a\.{suffix}' was not written.* MB were free in '.*'. Make r"
    ):
        write_events(path, large)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_importing_is_light():
    code = """
        import sys, skjetsim.io
        heavy = sys.modules.keys() & {"pandas", "pyarrow", "uproot", "awkward", "torch"}
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)

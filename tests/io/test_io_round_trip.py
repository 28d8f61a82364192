"""What is written is what is read: bits, names, units, in one piece or in chunks."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot
from io_toys import bits, every_dtype, write_ntuple
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from skjetsim.datasets import load_wjet
from skjetsim.io import iter_events, read_events, write_events

FORMATS = ("parquet", "root")
both = pytest.mark.parametrize("suffix", FORMATS)
TABLE = every_dtype()
X, Y = (side.iloc[:500] for side in load_wjet(return_X_y=True))


@pytest.fixture
def path(tmp_path, suffix):
    return tmp_path / f"events.{suffix}"


# Round trips.


@both
def test_every_dtype_keeps_its_bits(path):
    write_events(path, TABLE)
    again = read_events(path)
    assert list(again) == list(TABLE)
    assert again.dtypes.equals(TABLE.dtypes)
    assert bits(again) == bits(TABLE)


def test_ntuples_of_others(tmp_path):
    write_ntuple(tmp_path / "a.root", TABLE, n_rows=300)
    assert bits(read_events(tmp_path / "a.root")) == bits(TABLE)
    chunks = list(iter_events(tmp_path / "a.root", chunk_size=170))
    assert [len(chunk) for chunk in chunks] == [170] * 5 + [150]
    assert bits(pd.concat(chunks)) == bits(TABLE)


@both
def test_pairs_and_weights(path):
    weight = np.random.default_rng(0).normal(size=len(X)).astype(np.float32)
    write_events(path, X, Y, sample_weight=weight)
    X_again, y_again, weight_again = read_events(path, return_X_y=True)
    assert_frame_equal(X_again, X.reset_index(drop=True), check_exact=True)
    assert_frame_equal(y_again, Y.reset_index(drop=True), check_exact=True)
    assert weight_again.name == "sample_weight"
    assert weight_again.to_numpy().tobytes() == weight.tobytes()
    flat = read_events(path)
    assert list(flat) == [*("gen_" + X.columns), *("reco_" + Y.columns), "sample_weight"]
    pair = read_events(path, columns=["gen_jet_mass", "reco_jet_mass"], return_X_y=True)
    assert [list(side) for side in pair] == [["jet_mass"], ["jet_mass"]]


@both
def test_one_target_as_a_series(path):
    write_events(path, X, Y["jet_mass"])
    _, y = read_events(path, return_X_y=True)
    assert_frame_equal(y, Y[["jet_mass"]].reset_index(drop=True), check_exact=True)


@both
def test_no_events(path):
    write_events(path, TABLE.iloc[:0])
    assert_frame_equal(read_events(path), TABLE.iloc[:0], check_index_type=False)
    (chunk,) = iter_events(path)
    assert chunk.dtypes.equals(TABLE.dtypes)


def test_no_events_in_an_ntuple(tmp_path):
    write_ntuple(tmp_path / "a.root", TABLE.iloc[:0])
    assert read_events(tmp_path / "a.root").dtypes.equals(TABLE.dtypes)


@both
def test_other_byte_orders(path):
    write_events(path, pd.DataFrame({"x": np.arange(3, dtype=">f4")}))
    again = read_events(path)["x"]
    assert again.dtype == np.float32
    assert_array_equal(again, [0, 1, 2])


@both
def test_what_was_read_can_be_changed(path):
    write_events(path, X)
    for table in (read_events(path), next(iter_events(path, chunk_size=100))):
        table.iloc[0] = 1
        assert (table.iloc[0] == 1).all()


@both
def test_rows_of_a_selection_are_numbered_anew(path):
    kept = X["jet_mass"] > X["jet_mass"].median()
    write_events(path, X[kept], Y[kept])
    assert_array_equal(read_events(path)["gen_jet_mass"], X.loc[kept, "jet_mass"])
    with pytest.raises(ValueError, match=r"indices differ from row 0 on"):
        write_events(path, X[kept], Y[~kept].iloc[: kept.sum()])


# Chunks.


@both
@pytest.mark.parametrize("chunk_size", [1, 7, 333, 999, 1000, 1001])
def test_chunks_have_their_size_and_are_the_table(path, chunk_size):
    n_rows = 40 if chunk_size == 1 else len(TABLE)
    write_events(path, TABLE.iloc[:n_rows], description="every dtype")
    chunks = list(iter_events(path, chunk_size=chunk_size))
    assert {len(chunk) for chunk in chunks[:-1]} <= {chunk_size}
    assert 0 < len(chunks[-1]) <= chunk_size
    together = pd.concat(chunks)
    assert_frame_equal(together, read_events(path), check_exact=True)
    assert together.attrs == read_events(path).attrs


@both
def test_chunks_of_pairs(path):
    write_events(path, X, Y, sample_weight=np.ones(len(X)))
    parts = list(zip(*iter_events(path, chunk_size=128, return_X_y=True), strict=True))
    for part, whole in zip(parts, read_events(path, return_X_y=True), strict=True):
        assert pd.concat(part).equals(whole)


def test_conversion_there_and_back_is_the_same_file(tmp_path):
    first, second, third = (tmp_path / name for name in ("a.parquet", "b.root", "c.parquet"))
    write_events(first, X, Y, units={"jet_mass": "MeV"}, description="W + jet")
    write_events(second, iter_events(first, chunk_size=77))
    write_events(third, iter_events(second, chunk_size=201, return_X_y=True))
    assert first.read_bytes() == third.read_bytes()


def test_the_same_events_are_the_same_bytes_however_they_come(tmp_path):
    whole, parts = tmp_path / "a.parquet", tmp_path / "b.parquet"
    write_events(whole, TABLE)
    write_events(parts, (TABLE.iloc[i : i + 30] for i in range(0, len(TABLE), 30)))
    assert whole.read_bytes() == parts.read_bytes()


@both
def test_row_groups_and_baskets_do_not_follow_the_chunks(path, monkeypatch):
    monkeypatch.setattr("skjetsim.io._write.ROWS", 400)
    monkeypatch.setattr("skjetsim.io._parquet.ROWS", 400)
    write_events(path, (TABLE.iloc[i : i + 30] for i in range(0, len(TABLE), 30)))
    if path.suffix == ".parquet":
        assert pq.ParquetFile(path).num_row_groups == 3
    else:
        with uproot.open(path) as file:
            assert file["events"]["x_f4"].num_baskets == 3
    assert bits(read_events(path)) == bits(TABLE)


@both
def test_a_file_may_replace_itself(path):
    write_events(path, X, Y)
    write_events(path, (chunk[chunk["gen_jet_mass"] > 10] for chunk in iter_events(path)))
    assert len(read_events(path)) == (X["jet_mass"] > 10).sum()


# Several files.


def test_several_files_are_one_after_another(tmp_path):
    parts = [TABLE.iloc[:400], TABLE.iloc[400:450], TABLE.iloc[450:]]
    paths = [tmp_path / name for name in ("a.parquet", "b.root", "c.parquet")]
    for part, one in zip(parts, paths, strict=True):
        write_events(one, part[sorted(part)[::-1]] if one == paths[1] else part)
    whole = TABLE[list(read_events(paths[0]))]
    assert bits(read_events(paths)) == bits(whole)
    chunks = list(iter_events(iter(paths), chunk_size=300))
    assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100]
    assert bits(pd.concat(chunks)) == bits(whole)

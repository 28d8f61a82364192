"""Damaged files raise one clear error, and never give wrong numbers."""

import struct

import numpy as np
import pandas as pd
import pytest
from io_toys import bits, write_ntuple

from skjetsim.io import iter_events, read_events, write_events

KINDS = {"parquet": "Parquet", "tree": "ROOT", "ntuple": "ROOT"}
N_ROWS = 3000


def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"pt": rng.exponential(30.0, N_ROWS), "eta": rng.normal(size=N_ROWS).astype(np.float32)}
    )


@pytest.fixture(params=KINDS)
def damaged(request, tmp_path):
    """Path, name of the format, bytes of a whole file of several baskets, and its table."""
    suffix = "parquet" if request.param == "parquet" else "root"
    path = tmp_path / f"events.{suffix}"
    events = table()
    if request.param == "ntuple":
        write_ntuple(path, events)
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("skjetsim.io._write.ROWS", 1000)
            write_events(path, events)
    return path, KINDS[request.param], path.read_bytes(), events


def every_reader(path):
    yield lambda: read_events(path)
    yield lambda: pd.concat(iter_events(path, chunk_size=700))


def test_cut_anywhere(damaged):
    path, kind, whole, _ = damaged
    first = [0, 1, 3, 4, 11, 19, 20, 21]
    for size in [*first, *np.linspace(22, len(whole) - 1, 100, dtype=int)]:
        path.write_bytes(whole[:size])
        for read in every_reader(path):
            with pytest.raises(ValueError, match=f"not a complete {kind} file: .*; copy it again"):
                read()


def test_a_changed_bit_never_changes_a_number(damaged):
    path, kind, whole, events = damaged
    rng = np.random.default_rng(0)
    n_found = 0
    for place in rng.integers(len(whole), size=50):
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        for read in every_reader(path):
            try:
                again = read()
            except ValueError as error:
                known = (
                    f"not a complete {kind} file",
                    f"cannot be read as a {kind} file",
                    "is not a column of the same events",
                )
                assert any(text in str(error) for text in known)  # noqa: PT017
                n_found += 1
            else:
                assert bits(again) == bits(events), place
    assert n_found > 50


def test_a_hole_in_a_basket(damaged):
    path, kind, whole, _ = damaged
    changed = bytearray(whole)
    middle = len(whole) // 2
    changed[middle : middle + 512] = bytes(512)
    path.write_bytes(changed)
    for read in every_reader(path):
        with pytest.raises(ValueError, match=f"not a complete {kind} file"):
            read()


def test_not_every_error_is_damage(damaged, monkeypatch):
    """What a library raises for a reason of its own is shown as such, with its type."""
    path, kind, _, _ = damaged

    def fail(*args, **settings):
        raise KeyError("Model_Track_v7")

    for name in (
        "pyarrow.parquet.ParquetFile.read",
        "uproot.behaviors.TBranch.TBranch.array",
        "uproot.behaviors.RNTuple.HasFields.arrays",
    ):
        monkeypatch.setattr(name, fail)
    with pytest.raises(ValueError, match=rf"cannot be read as a {kind} file \(KeyError: .*_v7'\)"):
        read_events(path)


def test_the_header_of_files_beyond_2_gb(tmp_path):
    """Pointers in large files have eight bytes, and a version above a million says so."""
    path = tmp_path / "a.root"
    for end in (200, 3_000_000_000):
        path.write_bytes(b"root" + struct.pack(">iiq", 1_062_400, 100, end) + bytes(180))
        with pytest.raises(ValueError, match=r"complete ROOT file|has no TTree") as found:
            read_events(path)
        assert ("200 bytes of 3,000,000,000" in str(found.value)) == (end > 200)


def test_other_files_under_this_name(tmp_path):
    for name, kind in (("a.root", "ROOT"), ("a.parquet", "Parquet")):
        (tmp_path / name).write_text("<html>404: not found</html>" * 10)
        with pytest.raises(ValueError, match=f"not a complete {kind} file"):
            read_events(tmp_path / name)


def test_damage_in_the_second_file_names_it(tmp_path):
    for name in ("a.parquet", "b.parquet"):
        write_events(tmp_path / name, table())
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-100])
    chunks = iter_events([tmp_path / "a.parquet", tmp_path / "b.parquet"], chunk_size=N_ROWS)
    assert len(next(chunks)) == N_ROWS
    with pytest.raises(ValueError, match=r"b\.parquet is not a complete Parquet file"):
        next(chunks)

"""CMS full simulation as CMS publishes it, NanoAOD, against what Uproot reads."""

from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from numpy.testing import assert_array_equal

from skjetsim.io import iter_events, read_events, write_events

PATH = Path(__file__).parents[3] / "shared/data/genreco/nanoAOD_2015_CMS_Open_Data_ttbar.root"
pytestmark = pytest.mark.skipif(not PATH.exists(), reason=f"{PATH.name} is not in {PATH.parent}")
COLUMNS = ["nJet", "Jet_pt", "GenJet_pt", "MET_pt", "genWeight", "HLT_Mu50"]


@pytest.fixture(scope="module")
def bare():
    with uproot.open(PATH) as file:
        return {name: file["Events"][name].array() for name in COLUMNS}


def test_jets_match_uproot(bare):
    events = read_events(PATH, columns=COLUMNS, max_length=4)
    assert len(events) == 200
    for name in COLUMNS:
        if name.endswith("Jet_pt"):
            expected = ak.fill_none(ak.pad_none(bare[name], 4, clip=True), 0.0).to_numpy()
            found = events[[f"{name}_{i}" for i in range(4)]]
            assert set(found.dtypes) == {np.dtype(np.float32)}
        else:
            expected = bare[name].to_numpy()
            found = events[name]
            assert found.dtype == expected.dtype
        assert_array_equal(found, expected)


def test_chunks_are_the_table():
    settings = {"columns": COLUMNS, "max_length": 4}
    chunks = list(iter_events(PATH, chunk_size=64, **settings))
    assert [len(chunk) for chunk in chunks] == [64, 64, 64, 8]
    assert pd.concat(chunks).equals(read_events(PATH, **settings))


def test_conversion_to_parquet(tmp_path):
    settings = {"columns": COLUMNS, "max_length": 4}
    write_events(tmp_path / "a.parquet", iter_events(PATH, **settings))
    converted = read_events(tmp_path / "a.parquet")
    assert converted.equals(read_events(PATH, **settings))
    assert converted.attrs["units"] == {}  # NanoAOD does not say, so nobody does


def test_lists_without_a_length_are_named():
    with pytest.raises(ValueError, match=r"differ in length .* and \d+ more\. Pass max_length=4"):
        read_events(PATH)
    with pytest.raises(ValueError, match="no column 'jet_PT'; did you mean 'Jet_pt'"):
        read_events(PATH, columns=["jet_PT"])


def test_cut_files_are_errors(tmp_path):
    whole = PATH.read_bytes()
    for size in np.linspace(0, len(whole) - 1, 30, dtype=int):
        (tmp_path / "cut.root").write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"cut\.root is not a complete ROOT file"):
            read_events(tmp_path / "cut.root", columns=["MET_pt"])

"""Units are written if they are known, and travel with the table."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot
from io_toys import write_ntuple
from pandas.testing import assert_frame_equal

from skjetsim import sample_chunks
from skjetsim.datasets import load_wjet
from skjetsim.flows import FlowSimulator
from skjetsim.io import iter_events, read_events, write_events
from skjetsim.pipeline import make_pipeline
from skjetsim.preprocessing import LogTransformer

X, Y = (side.iloc[:500] for side in load_wjet(return_X_y=True))
NAMES = ["jet_pt", "jet_pt_0", "jet_phi", "eta", "jet_E", "jet_log_mass", "weight", "charge"]


@pytest.fixture(params=["parquet", "root"])
def path(request, tmp_path):
    return tmp_path / f"events.{request.param}"


def stated(path, columns=None):
    return read_events(path, columns=columns).attrs["units"]


def table(names=NAMES, n_rows=1):
    return pd.DataFrame(np.ones((n_rows, len(names))), columns=names)


def test_nothing_is_guessed(path):
    write_events(path, table())
    assert read_events(path).attrs == {"units": {}, "description": None}
    write_events(path, X, Y, units={"jet_mass": "MeV"})
    assert stated(path) == {"gen_jet_mass": "MeV", "reco_jet_mass": "MeV"}


def test_a_unit_of_all_energies(path):
    write_events(path, table(), units="MeV")
    energies = dict.fromkeys(["jet_pt", "jet_pt_0", "jet_E"], "MeV")
    assert stated(path) == energies | {"jet_phi": "rad", "eta": ""}
    # It overrules what a table states, but only for energies.
    degrees = table()
    degrees.attrs = {"units": {"jet_phi": "deg", "jet_pt": "GeV", "weight": "pb"}}
    write_events(path, degrees, units="MeV")
    assert stated(path) == energies | {"jet_phi": "deg", "eta": "", "weight": "pb"}


def test_units_stay_with_the_table(path):
    write_events(path, table(), units={"weight": "pb", "jet_E": "MeV"})
    write_events(path, read_events(path), units={"weight": "fb"}, description="twice")
    again = read_events(path, columns=["weight", "jet_E"])
    assert again.attrs == {"units": {"weight": "fb", "jet_E": "MeV"}, "description": "twice"}


def test_units_by_name_and_pattern(path):
    write_events(path, X, Y, units={"*_p[xy]": "GeV", "reco_jet_px": "keV", "jet_mass": "MeV"})
    sides = read_events(path, return_X_y=True)
    assert [side.attrs["units"]["jet_mass"] for side in sides] == ["MeV", "MeV"]
    assert [side.attrs["units"]["jet_px"] for side in sides] == ["GeV", "keV"]
    assert "jet_pz" not in sides[0].attrs["units"]


def test_other_programs_find_the_units(tmp_path):
    write_events(tmp_path / "a.parquet", X, units="GeV")
    write_events(tmp_path / "a.root", X, units="GeV")
    field = pq.read_schema(tmp_path / "a.parquet").field("muon_px")
    assert field.metadata == {b"unit": b"GeV"}
    with uproot.open(tmp_path / "a.root") as file:
        assert '"muon_px": "GeV"' in str(file["skjetsim"])
        assert file["events"].keys() == list(X)
    assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), X.reset_index(drop=True))


def test_files_of_others_state_no_units(tmp_path):
    X.to_parquet(tmp_path / "a.parquet")
    write_ntuple(tmp_path / "a.root", X)
    for name in ("a.parquet", "a.root"):
        read = read_events(tmp_path / name)
        assert read.attrs == {"units": {}, "description": None}
        write_events(tmp_path / "copy.parquet", read, units={"jet_mass": "MeV"})
        assert stated(tmp_path / "copy.parquet") == {"jet_mass": "MeV"}


def test_events_in_mev_are_never_called_gev(path):
    """A file in MeV, a model fitted on it, and what is drawn from it."""
    write_events(path, 1000 * X, 1000 * Y, units="MeV")
    X_mev, y_mev = read_events(path, return_X_y=True)
    model = FlowSimulator(max_epochs=1, random_state=0)
    drawn = model.fit(X_mev, y_mev).set_output(transform="pandas").sample(X_mev)
    assert drawn["jet_px"].abs().median() > 1000
    write_events(path, drawn)
    assert stated(path) == {}
    # Both levels: what is known of X stays.
    chunks = sample_chunks(model, X_mev, random_state=0, return_X_y=True)
    write_events(path, chunks)
    assert set(stated(path).values()) == {"MeV"}
    assert all(name.startswith("gen_") for name in stated(path))
    write_events(path, drawn, units="MeV")
    assert stated(path)["jet_px"] == "MeV"


def test_transformers_do_not_hand_units_on(path):
    """A logarithm is not in GeV."""
    events = table(["jet_pt", "jet_phi"], n_rows=20)
    events.attrs = {"units": {"jet_pt": "GeV"}}
    logs = make_pipeline(LogTransformer(["jet_pt"]), "passthrough").fit_transform(events)
    write_events(path, logs)
    assert stated(path) == {}


def test_chunks_with_differing_units(path):
    write_events(path, table(n_rows=3), units="GeV")
    before = path.read_bytes()
    gev, mev, none = table(), table(), table()
    gev.attrs, mev.attrs = ({"units": {"jet_pt": unit}} for unit in ("GeV", "MeV"))
    for other, text in ((mev, "'MeV'"), (none, "None")):
        with pytest.raises(
            ValueError, match=rf"Chunk 1 of X has unit {text} in column 'jet_pt', and .* has 'GeV'"
        ):
            write_events(path, [gev, other])
        assert path.read_bytes() == before
    write_events(path, [gev, mev], units={"jet_pt": "GeV"})  # the user says what is true
    assert stated(path) == {"jet_pt": "GeV"}
    write_events(path, [(gev, none), (gev, none)])
    with pytest.raises(ValueError, match="Chunk 1 of X has unit 'MeV' in column 'gen_jet_pt'"):
        write_events(path, [(gev, none), (mev, none)])


def test_conversion_of_a_stream_keeps_units(path, tmp_path):
    write_events(path, table(n_rows=9), units="TeV", description="nine")
    write_events(tmp_path / "copy.root", iter_events(path, chunk_size=2))
    assert read_events(tmp_path / "copy.root").attrs == read_events(path).attrs

"""Every container is read by the names of its columns, or refused with the cure."""

from collections import namedtuple

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from skjetsim.metrics import wasserstein_distance
from skjetsim.preprocessing import CartesianToCylindrical, LogMassTransformer
from skjetsim.selection import select_pt
from skjetsim.utils._containers import read_container, table_like
from skjetsim.utils._tables import rechunk, take_rows
from skjetsim.utils._validation import (
    check_events,
    check_sample_weight,
    column_names,
    validate_target,
)

pl = pytest.importorskip("polars")

NAMES = ["jet_log_mass", "jet_px", "jet_py", "jet_pz"]
ROWS = np.random.default_rng(0).normal(50, 5, size=(6, 4)) / [25, 1, 1, 1]
COLUMNS = dict(zip(NAMES, ROWS.T, strict=True))
RECORDS = np.rec.fromarrays(list(ROWS.T), names=NAMES)
Event = namedtuple("Event", NAMES)

named = pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame(COLUMNS),
        COLUMNS,
        {name: list(column) for name, column in COLUMNS.items()},
        {name: pl.Series(column) for name, column in COLUMNS.items()},
        RECORDS,
        np.array(RECORDS),
        np.ma.array(RECORDS),
        list(np.array(RECORDS)),
        pl.DataFrame(COLUMNS),
        pa.table(COLUMNS),
        pa.record_batch(COLUMNS),
        ak.Array(COLUMNS),
    ],
    ids=[
        *("pandas", "dict", "dict of lists", "dict of Series", "recarray", "structured"),
        *("masked structured", "list of records", "polars", "pyarrow", "batch", "awkward"),
    ],
)


@named
def test_tables_of_all_kinds_are_read_by_name(X):
    rows, names = check_events(X)
    assert_array_equal(rows, ROWS)
    assert names == column_names(X) == NAMES
    # By position, the logarithm of the mass would be read as px.
    steps = make_pipeline(CartesianToCylindrical(), CartesianToCylindrical())
    first = steps[0].fit_transform(X)
    assert list(first.columns) == ["jet_log_mass", "jet_pt", "jet_eta", "jet_phi"]
    assert_array_equal(np.asarray(first)[:, 0], ROWS[:, 0])
    back = steps[0].inverse_transform(first)
    np.testing.assert_allclose(np.asarray(back), ROWS)


@named
def test_metrics_and_selections_read_them(X):
    other = pd.DataFrame(ROWS + 1, columns=NAMES)
    assert wasserstein_distance(X, other) == pytest.approx(1.0)
    pt = np.hypot(ROWS[:, 1], ROWS[:, 2])
    assert_array_equal(select_pt(X, "jet", minimum=70), pt > 70)


def test_polars_stays_polars():
    events = pl.DataFrame({"jet_mass": [5.0, 8.0], "jet_pt": [30.0, 40.0]})
    logs = LogMassTransformer()
    out = logs.fit_transform(events)
    assert isinstance(out, pl.DataFrame)
    assert out.columns == ["jet_log_mass", "jet_pt"]
    assert isinstance(logs.inverse_transform(out), pl.DataFrame)
    assert isinstance(logs.fit_transform(events.to_dict(as_series=False)), pd.DataFrame)
    # `set_output` decides, and tables of one model may be of another kind.
    assert isinstance(logs.set_output(transform="pandas").transform(events), pd.DataFrame)
    assert isinstance(logs.inverse_transform(out), pd.DataFrame)
    logs.set_output(transform="polars")
    assert isinstance(logs.transform(events.to_pandas()), pl.DataFrame)


def test_nothing_named_is_read_in_another_order():
    logs = CartesianToCylindrical().fit(pd.DataFrame(COLUMNS))
    turned = {name: COLUMNS[name] for name in reversed(NAMES)}
    for X in (turned, pl.DataFrame(turned), pa.table(turned), ak.Array(turned)):
        with pytest.raises(ValueError, match="same order"):
            logs.transform(X)


MASK = np.zeros_like(ROWS, dtype=bool)
MASK[4, 2] = True
JAGGED = ak.Array([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ma.array(ROWS, mask=MASK), r"row 4 and column 2 is masked \(1 in all\).*filled"),
        ([np.ma.array([1.0, 2.0], mask=[0, 1])], "element in row 1 is masked"),
        ({"pt": np.ma.array([1.0, 2.0], mask=[1, 0])}, r"X\['pt'\] is a masked array.*row 0"),
        (np.ma.array(RECORDS, mask=[(0, 1, 0, 0)] * 6), "row 0 is masked"),
        ({"pt": [1.0], "eta": [1.0, 2.0]}, "1 events in column 'pt', but 2 in column 'eta'"),
        ({"pt": ROWS}, r"X\['pt'\] has type ndarray, shape \(6, 4\).*one value per event"),
        ({"pt": [[1.0], [1.0, 2.0]]}, "must hold one value per event"),
        ({"pt": 1.0}, "must hold one value per event"),
        ({}, "no columns"),
        (JAGGED, "events differ in length.*pad_none"),
        (ak.Array({"pt": JAGGED}), r"X\['pt'\] is an awkward array.*differ in length"),
        (ak.Array({"jet": ak.Array({"pt": [1.0]})}), r"X\['jet'\].*each component"),
        (ak.Array([1.0, None]), "values are missing.*fill_none"),
        (RECORDS.reshape(2, 3), "one record per event"),
    ],
)
def test_containers_that_do_not_hold_one_value_per_event(X, message):
    with pytest.raises(ValueError, match=message):
        check_events(X)


@pytest.mark.parametrize(
    ("X", "cure"),
    [
        (pl.LazyFrame(COLUMNS), r"Pass X\.collect\(\)"),
        (pd.DataFrame(ROWS[:, :2], columns=[("jet", "pt"), ("jet", "eta")]), "Make one name"),
        (pd.DataFrame(ROWS[:, :2], columns=["pt", 1]), r"X\.columns\.astype\(str\)"),
        ([{"pt": 1.0}], r"pandas\.DataFrame\(X\)"),
        ([Event(*ROWS[0])], r"pandas\.DataFrame\(X\)"),
        (ak.Record({"pt": 1.0}), "one awkward record"),
    ],
    ids=["lazy", "levels", "mixed", "dicts", "namedtuples", "record"],
)
def test_tables_that_are_refused_with_the_cure(X, cure):
    with pytest.raises(TypeError, match=cure):
        check_events(X)
    with pytest.raises(TypeError, match=cure):
        LogMassTransformer().fit(X)


def test_other_libraries_are_refused_with_the_cure():
    kinds = [("xarray", "DataArray", "to_pandas"), ("dask", "DataFrame", r"X\.compute")]
    for source, kind, cure in [*kinds, ("someframe", "Frame", "pandas DataFrame")]:
        frame = type(kind, (), {"__module__": f"{source}.core", "columns": NAMES})()
        with pytest.raises(TypeError, match=f"{source}.*{cure}|{kind} of {source}.*{cure}"):
            read_container(frame)


def test_masked_arrays_without_a_masked_element_are_data():
    rows = np.ma.array(ROWS)
    assert type(read_container(rows)) is np.ndarray
    assert_array_equal(check_events(rows)[0], ROWS)
    assert_array_equal(check_events([np.ma.array(row) for row in ROWS])[0], ROWS)


def test_masked_weights_and_targets():
    masked = np.ma.array([1.0, -999.0], mask=[0, 1])
    with pytest.raises(ValueError, match=r"sample_weight is a masked array.*row 1"):
        check_sample_weight(masked, 2)
    with pytest.raises(ValueError, match="y is a masked array"):
        validate_target(LogMassTransformer(), masked, n_samples=2, reset=True)
    for weight in (pl.Series([1.0, 2.0]), pa.array([1.0, 2.0]), ak.Array([1.0, 2.0])):
        assert_array_equal(check_sample_weight(weight, 2), [1.0, 2.0])


def test_columns_of_all_types():
    events = pl.DataFrame({"n": [1, 2], "flag": [True, False], "x": [1.0, None], "s": ["a", "b"]})
    assert_array_equal(check_events(events[["n", "flag"]])[0], [[1.0, 1.0], [2.0, 0.0]])
    with pytest.raises(ValueError, match=r"NaN in column 'x', first bad row 1"):
        check_events(events[["n", "x"]])
    with pytest.raises(ValueError, match=r"'s'.*row 0 holds 'a'"):
        check_events(events)
    assert column_names(pl.Series("pt", [1.0])) == ["pt"]
    assert column_names(pl.Series([1.0])) is None


def test_rows_by_position():
    events = pl.DataFrame(COLUMNS)
    for rows in (np.array([4, -1]), ROWS[:, 1] > 50, slice(1, 3)):
        taken = take_rows(events, rows)
        assert isinstance(taken, pl.DataFrame)
        assert_array_equal(taken.to_numpy(), ROWS[rows])
        assert_array_equal(take_rows(pa.table(COLUMNS), rows), ROWS[rows])
    chunks = list(rechunk([events, events[:0], events], 5))
    assert [chunk.shape for chunk in chunks] == [(5, 4), (5, 4), (2, 4)]
    assert_array_equal(np.vstack([chunk.to_numpy() for chunk in chunks]), np.vstack([ROWS, ROWS]))


def test_rows_take_the_container_of_the_events():
    index = pd.Index([3, 5])
    assert table_like(pd.DataFrame({"a": [1, 2]}, index), ROWS[:2], NAMES).index.equals(index)
    assert isinstance(table_like(COLUMNS, ROWS, NAMES), pd.DataFrame)
    assert table_like(ROWS, ROWS, NAMES) is ROWS
    assert table_like([[1.0]], ROWS, NAMES) is ROWS

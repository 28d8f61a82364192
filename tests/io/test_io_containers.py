"""Tables of other libraries are written by name, or refused with the cure."""

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from io_toys import every_dtype
from pandas.testing import assert_frame_equal

from skjetsim.io import read_events, write_events

TABLE = every_dtype(20)


@pytest.fixture(params=["parquet", "root"])
def path(request, tmp_path):
    return tmp_path / f"events.{request.param}"


def of_polars(table):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({name: table[name].to_numpy() for name in table})


def as_dict(table):
    return {name: table[name].to_numpy() for name in table}


def as_records(table):
    return table.to_records(index=False)


def as_awkward(table):
    return ak.Array(as_dict(table))


CONVERTERS = [
    *(pa.Table.from_pandas, pa.RecordBatch.from_pandas, of_polars),
    *(as_dict, as_records, as_awkward),
]


@pytest.mark.parametrize("convert", CONVERTERS)
def test_tables_of_other_libraries_keep_names_and_dtypes(path, convert):
    table = convert(TABLE)
    write_events(path, table)
    assert_frame_equal(read_events(path), TABLE)
    write_events(path, table, convert(TABLE[["x_f4"]]))
    X, y = read_events(path, return_X_y=True)
    assert_frame_equal(X, TABLE)
    assert_frame_equal(y, TABLE[["x_f4"]])
    write_events(path, iter([table, table]))
    assert len(read_events(path)) == 40


def test_missing_values(path):
    write_events(path, pa.table({"x": pa.array([1.0, None], pa.float32())}))
    assert read_events(path)["x"].dtype == np.float32
    with pytest.raises(
        ValueError, match=r"y column 'n' has missing values \(1 in all\), for which int16"
    ):
        write_events(path, TABLE[:2], pa.table({"n": pa.array([1, None], pa.int16())}))


@pytest.mark.parametrize(
    ("X", "cure"),
    [
        (np.zeros((3, 2)), r"got ndarray\. Columns need names: pandas\.DataFrame\(X, columns="),
        ([np.zeros((3, 2))], r"Chunk 0 of X must be .* got ndarray\. Columns need names"),
        ([{"pt": 1.0}], r"list of records of type dict\. Pass pandas\.DataFrame\(X\)"),
    ],
)
def test_what_is_refused_names_the_cure(path, X, cure):
    with pytest.raises(TypeError, match=cure):
        write_events(path, X)
    assert not path.exists()


def test_polars_lazy_frames_name_the_cure(path):
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"LazyFrame, .* Pass X\.collect\(\)"):
        write_events(path, polars.LazyFrame({"x": [1.0]}))


def test_masks_are_not_ignored(path):
    with pytest.raises(ValueError, match="sample_weight is a masked array"):
        write_events(path, TABLE[:2], sample_weight=np.ma.array([1.0, 2.0], mask=[0, 1]))


@pytest.mark.parametrize("values", [["a", "b"], pd.Categorical(["a", "b"])])
def test_text_is_refused_with_the_cure(path, values):
    with pytest.raises(ValueError, match=r"not keep: number its values with .*cat\.codes"):
        write_events(path, pd.DataFrame({"flavour": values}))

"""draws_to_table: several draws of each event as one table."""

import numpy as np
import pandas as pd
import pytest

from skjetsim import draws_to_table

DRAWS = np.arange(12.0).reshape(2, 3, 2)


def test_rows_are_the_draws_in_order():
    X = pd.DataFrame({"jet_pt": [40.0, 50.0]}, index=[17, 4])
    table = draws_to_table(DRAWS, ["jet_pt", "jet_eta"], index=X)
    assert list(table.columns) == ["event", "draw", "jet_pt", "jet_eta"]
    assert table["event"].tolist() == [17, 17, 17, 4, 4, 4]
    assert table["draw"].tolist() == [0, 1, 2, 0, 1, 2]
    np.testing.assert_array_equal(table[["jet_pt", "jet_eta"]], DRAWS.reshape(6, 2))
    assert table.index.equals(pd.RangeIndex(6))
    mean = table.groupby("event", sort=False)["jet_pt"].mean()
    np.testing.assert_allclose(mean, DRAWS[:, :, 0].mean(axis=1))


@pytest.mark.parametrize("index", [[17, 4], (17, 4), np.array([17, 4]), pd.Index([17, 4])])
def test_numbers_of_events_come_in_any_form(index):
    assert draws_to_table(DRAWS, index=index)["event"].unique().tolist() == [17, 4]


def test_defaults_and_types():
    table = draws_to_table(DRAWS.astype(np.float32))
    assert list(table.columns) == ["event", "draw", "y0", "y1"]
    assert table["event"].tolist() == [0, 0, 0, 1, 1, 1]
    assert (table.dtypes[["y0", "y1"]] == np.float32).all()
    one = draws_to_table(DRAWS[..., 0], "jet_pt")
    assert one["jet_pt"].tolist() == DRAWS[..., 0].ravel().tolist()
    assert draws_to_table(np.empty((0, 3, 2))).shape == (0, 4)


@pytest.mark.parametrize(
    ("draws", "settings", "message"),
    [
        (DRAWS[0, 0], {}, r"draws has shape \(2,\), expected \(n, k, n_columns\)"),
        (DRAWS[..., None], {}, r"draws.reshape\(n, k, -1\)"),
        (DRAWS, {"columns": ["a"]}, "columns has 1 names, but draws has 2 columns"),
        (DRAWS, {"columns": ["a", "a"]}, "two columns named 'a'"),
        (DRAWS, {"columns": ["event", "a"]}, "two columns named 'event'"),
        (DRAWS, {"index": [1, 2, 3]}, "index has 3 entries, but draws has 2 events"),
        (DRAWS, {"index": np.ones((2, 2))}, "one number for each event"),
    ],
)
def test_bad_input(draws, settings, message):
    with pytest.raises(ValueError, match=message):
        draws_to_table(draws, **settings)

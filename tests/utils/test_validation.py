import numpy as np
import pandas as pd
import pytest
from _instances import SMALL, paired_events
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from skjetsim.flows import FlowSimulator
from skjetsim.utils._parameters import check_real
from skjetsim.utils._validation import (
    check_events,
    check_finite,
    check_int,
    check_names_match,
    check_same_events,
    check_sample_weight,
    column_names,
    flatten_rows,
    validate_events,
    validate_target,
)

TIMES = pd.date_range("2026-01-01", periods=3)


class Anything(BaseEstimator):
    pass


def frame():
    return pd.DataFrame({"pt": [20.0, 30.0, 40.0], "eta": [0.1, -0.2, 0.3]})


def test_column_names():
    assert column_names(frame()) == ["pt", "eta"]
    assert column_names(frame()["pt"]) == ["pt"]
    assert column_names(pd.Series([1.0])) is None
    assert column_names(pd.DataFrame([[1, 2]])) is None
    assert column_names(np.ones((2, 2))) is None


def test_same_events_by_their_index():
    one, other = frame(), frame().iloc[[0, 2, 1]]
    with pytest.raises(ValueError, match=r"differ from row 1 on: 1 in X, 2 in y.*reset_index"):
        check_same_events(one, other)
    with pytest.raises(ValueError, match="differ from row 1"):
        check_same_events(one, other["pt"])
    for X, y in [
        (one, other.to_numpy()),
        (one, other.reset_index(drop=True)),
        (other, other),
        (one, one.iloc[:2]),  # the lengths are another error
        (one, one.set_index(np.arange(3.0))),
    ]:
        check_same_events(X, y)


@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_finite(value, kind):
    table = np.ones((5, 3))
    check_finite(table)
    table[[2, 4], 1] = value
    with pytest.raises(ValueError, match=rf"X contains {kind}.* column 1, first bad row 2 .2 bad"):
        check_finite(table)
    with pytest.raises(ValueError, match=r"Input y .* column 'eta'"):
        check_finite(table, ["pt", "eta", "phi"], what="y")


def test_one_bad_row_is_singular():
    with pytest.raises(ValueError, match=r"first bad row 1 \(1 bad row in all\)"):
        check_finite(np.array([[1.0], [np.nan]]))


def test_opposite_infinities_do_not_cancel():
    with pytest.raises(ValueError, match="infinity"):
        check_finite(np.array([[np.inf], [-np.inf]]))


def test_large_numbers_are_finite():
    check_finite(np.full((4, 2), 1e308))  # whose sum is not


def test_events_of_all_kinds_become_doubles():
    for table in (
        frame(),
        frame().astype(np.float32),
        frame().astype(object),
        frame().to_numpy().tolist(),
        np.ones((3, 2), dtype=np.int32),
        np.ones((3, 2), dtype=bool),
    ):
        array, _ = check_events(table)
        assert array.dtype == np.float64
        assert array.shape == (3, 2)
    assert check_events(np.ones((5, 4, 3)))[0].shape == (5, 12)
    assert check_events(np.ones((5, 4, 3, 2)))[0].shape == (5, 24)
    assert check_events(np.ones(5), allow_1d=True)[0].shape == (5, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.ones(3), "1D array"),
        (5, "scalar array"),
        (np.empty((0, 2)), "0 sample"),
        (np.empty((3, 0)), "0 feature"),
        (frame().set_axis(["pt", "pt"], axis=1), "two columns named 'pt'"),
        (frame().assign(tag=["a", "b", "c"]), "column 'tag' has dtype .* row 0 holds 'a'"),
        (frame().assign(pt=[1, "2", "x"]), "column 'pt' has dtype object and row 1 holds '2'"),
        (frame().astype(str), "'pt' has dtype .* row 0 holds '20.0', which is text, not a number"),
        (frame().to_numpy(dtype="U4"), r"X .column 0. has dtype <U4 and row 0 holds '20.0'"),
        (frame().to_numpy(dtype="S4"), r"X .column 0. has dtype .S4 and row 0 holds b'20.0'"),
        ([[1.0, 2.0], [3.0, "4"]], "X .column 1. has dtype object and row 1 holds '4'"),
        (np.array([[1.0, 2.0], [3.0, "4"]], dtype=object), "column 1. .* row 1 holds '4', which"),
        (frame().assign(pt=pd.Categorical(["1", "2", "1"])), "'pt' has dtype category and row 0"),
        (
            np.ones((2, 2)) * [1, 1j],
            "Complex data not supported: X .column 1. has dtype complex",
        ),
        (frame() * 1j, "Complex data not supported: X column 'pt' has dtype .* as columns of"),
        (frame().assign(z=pd.Series([1, 2, 3j], dtype=object)), "column 'z' .* row 2 holds 3j"),
        (frame().assign(t=TIMES), "X column 't' has dtype datetime64.* seconds since the first"),
        (frame().assign(t=TIMES - TIMES[0]), "X column 't' has dtype timedelta64.*is a time"),
        (frame().assign(t=TIMES.to_period("D")), "X column 't' has dtype period.*is a time"),
        (TIMES.to_numpy()[:, None], "X has dtype datetime64"),
    ],
)
def test_events_of_wrong_kinds(table, message):
    with pytest.raises(ValueError, match=message):
        check_events(table)


def test_a_column_of_its_own_is_named_by_its_role():
    for y, message in (
        (pd.Series(["1", "2", "x"]), "y has dtype .* row 0 holds '1'"),
        (np.array(["1", "2"]), "y has dtype <U1 and row 0 holds '1'"),
        (pd.Series(TIMES), "y has dtype datetime64"),
    ):
        with pytest.raises(ValueError, match=message):
            check_events(y, what="y", allow_1d=True)


def test_memory_of_shapes_and_names():
    estimator = Anything()
    validate_events(estimator, frame(), reset=True)
    assert estimator.n_features_in_ == 2
    assert list(estimator.feature_names_in_) == ["pt", "eta"]
    assert estimator.input_shape_ == (2,)
    with pytest.raises(ValueError, match="feature names should match"):
        validate_events(estimator, frame()[["eta", "pt"]], reset=False)
    with pytest.raises(ValueError, match="unseen at fit time:\n- phi"):
        validate_events(estimator, frame().assign(phi=0.0), reset=False)
    clouds = Anything()
    validate_events(clouds, np.ones((5, 4, 3)), reset=True)
    assert clouds.input_shape_ == (4, 3)
    assert validate_events(clouds, np.ones((2, 12)), reset=False).shape == (2, 12)
    with pytest.raises(ValueError, match=r"rows of shape \(6, 2\)"):
        validate_events(clouds, np.ones((5, 6, 2)), reset=False)
    rows = Anything()
    validate_events(rows, np.ones((5, 12)), reset=True)
    with pytest.raises(ValueError, match=r"rows of shape \(4, 3\), .* rows of shape \(12,\)"):
        validate_events(rows, np.ones((2, 4, 3)), reset=False)


def test_memory_of_targets():
    estimator = Anything()
    with pytest.raises(ValueError, match="requires y to be passed"):
        validate_target(estimator, None, n_samples=3, reset=True)
    validate_target(estimator, frame(), n_samples=3, reset=True)
    assert list(estimator.target_names_in_) == ["pt", "eta"]
    assert estimator.target_shape_ == (2,)
    assert estimator.n_targets_ == 2
    with pytest.raises(ValueError, match="3 and 2"):
        validate_target(estimator, frame()[:2], n_samples=3, reset=False)
    with pytest.raises(ValueError, match="y has 1 columns"):
        validate_target(estimator, frame()[["pt"]], n_samples=3, reset=False)
    with pytest.raises(ValueError, match="'eta' at position 0 where 'pt'"):
        validate_target(estimator, frame()[["eta", "pt"]], n_samples=3, reset=False)
    for y, shape in ((np.ones(3), ()), ([1, 2, 3], ()), (np.ones((3, 4, 2)), (4, 2))):
        validate_target(estimator, y, n_samples=3, reset=True)
        assert estimator.target_shape_ == shape
        assert len(estimator.target_names_in_) == np.prod(shape, dtype=int)
    assert validate_target(estimator, np.ones((3, 8)), n_samples=3, reset=False).shape == (3, 8)
    for y in (np.ones((3, 8)), np.ones(3)):
        validate_target(estimator, y, n_samples=3, reset=True)
        with pytest.raises(ValueError, match=r"y has rows of shape \(4, 2\)"):
            validate_target(estimator, np.ones((3, 4, 2)), n_samples=3, reset=False)


def test_names_match():
    check_names_match(None, ["pt"], what="y")
    check_names_match(["pt"], ["pt"], what="y")
    with pytest.raises(ValueError, match=r"y has columns \['pt', 'eta'\], but \['pt'\]"):
        check_names_match(["pt", "eta"], ["pt"], what="y")


def test_weights():
    assert check_sample_weight(None, 3) is None
    assert_array_equal(check_sample_weight(2, 3), [2.0, 2.0, 2.0])
    assert_array_equal(check_sample_weight([1, 0, 3], 3), [1.0, 0.0, 3.0])
    assert_array_equal(check_sample_weight([1, -1], 2, allow_negative=True), [1.0, -1.0])
    with pytest.raises(ValueError, match=r"shape \(3, 1\)"):
        check_sample_weight(np.ones((3, 1)), 3)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 2, "a"], "sample_weight has dtype .* and row 2 holds 'a', which is text, not a"),
        (pd.Series(["1", "b", "c"], index=[7, 8, 9]), "row 0 holds '1', which is text"),
        (["1", "0", "3"], "row 0 holds '1', which is text"),
        ([1, 2, 3j], "Complex data not supported: sample_weight"),
        (TIMES, "sample_weight has dtype datetime64"),
        (TIMES.to_numpy(), "sample_weight has dtype datetime64"),
    ],
)
def test_weights_that_are_no_numbers(weight, message):
    with pytest.raises(ValueError, match=message):
        check_sample_weight(weight, 3)


@pytest.mark.parametrize("bad", [1.0, "1", True, None, np.float64(3)])
def test_integers_are_integers(bad):
    with pytest.raises(TypeError, match=r"n_bins must be an integer, got a DataFrame of shape .3"):
        check_int(frame(), "n_bins")
    with pytest.raises(TypeError, match="n_bins must be an integer"):
        check_int(bad, "n_bins")
    assert check_int(np.int32(3), "n_bins") == 3
    with pytest.raises(ValueError, match="at least 2, got 1"):
        check_int(1, "n_bins", minimum=2)


def test_tables_are_not_flattened():
    assert flatten_rows(frame()) is not None
    assert flatten_rows(np.ones((3, 2, 2))).shape == (3, 4)
    assert flatten_rows([[1, 2]]) == [[1, 2]]


def test_weights_of_other_events_are_refused():
    X, y = (pd.DataFrame(side, columns=["pt", "eta"]) for side in paired_events(50))
    weight = pd.Series(np.linspace(1, 2, 50), index=X.index)
    model = FlowSimulator(**SMALL)
    model.fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError, match="sample_weight must be the same event"):
        model.fit(X, y, sample_weight=weight.sample(frac=1, random_state=0))


def test_equal_weights_are_none():
    X, y = paired_events(100)
    model = FlowSimulator(**SMALL)
    plain = model.fit(X, y).sample(X, random_state=0)
    weighted = model.fit(X, y, sample_weight=np.full(100, 3.0)).sample(X, random_state=0)
    assert_array_equal(weighted, plain)


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (-1.0, {"minimum": 0}, "cut must be zero or more, got -1.0"),
        (np.nan, {"minimum": 0}, "cut must be zero or more, got nan"),
        (0.5, {"minimum": 1, "unit": "GeV"}, "cut must be at least 1 GeV, got 0.5"),
        (0, {"above": 0, "unit": "GeV"}, "cut must be above 0 GeV, got 0"),
        (1.0, {"minimum": 0, "below": 1}, "cut must be zero or more and below 1, got 1.0"),
        (np.inf, {"above": 1, "unit": "GeV"}, "cut must be above 1 GeV and finite, got inf"),
        (np.inf, {}, "cut must be finite, got inf"),
        (np.nan, {}, "cut must be finite, got nan"),
    ],
)
def test_numbers_out_of_bounds(value, bounds, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        check_real(value, "cut", **bounds)


@pytest.mark.parametrize("value", [None, "1", True, np.bool_(True), 1j, [1.0]])
def test_what_is_not_a_number(value):
    with pytest.raises(TypeError, match="cut must be a number in GeV, got"):
        check_real(value, "cut", unit="GeV")


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2)])
def test_numbers_come_back_as_floats(value):
    assert type(check_real(value, "cut", above=1, below=3)) is float

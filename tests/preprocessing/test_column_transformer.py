"""InvertibleColumnTransformer: blocks, parameters, errors."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from skjetsim.preprocessing import InvertibleColumnTransformer, LogMassTransformer, PhiRotation


def test_order_of_columns(events):
    model = InvertibleColumnTransformer(
        [("late", StandardScaler(), ["weight"]), ("mass", LogMassTransformer(), "jet_mass")]
    ).fit(events)
    rest = [c for c in events if c not in ("weight", "jet_mass")]
    assert list(model.get_feature_names_out()) == ["weight", "jet_log_mass", *rest]
    assert [name for name, _, _ in model.transformers_] == ["late", "mass", "remainder"]
    assert model.transformers_[1][2] == [list(events).index("jet_mass")]


@pytest.mark.parametrize(
    "columns",
    [
        [0, 2],
        slice(0, 3, 2),
        [True, False, True, False],
        np.array([True, False, True, False]),
        ["a", "c"],
        lambda X: ["a", "c"],
        make_column_selector("[ac]"),
        [-4, -2],
    ],
)
def test_ways_to_say_columns(columns):
    X = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("abcd"))
    model = InvertibleColumnTransformer([("block", StandardScaler(), columns)])
    out = model.fit_transform(X)
    assert list(out) == ["a", "c", "b", "d"]
    np.testing.assert_allclose(out["c"], [-(1.5**0.5), 0, 1.5**0.5])
    pd.testing.assert_frame_equal(model.inverse_transform(out), X)


@pytest.mark.parametrize(
    "scaler",
    [
        MaxAbsScaler(),
        MinMaxScaler(),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=30, output_distribution="normal"),
        RobustScaler(),
        StandardScaler().set_output(transform="pandas"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("named", [True, False])
def test_scikit_learn_blocks_round_trip_without_warnings(scaler, named, events):
    X = events if named else events.to_numpy()
    model = InvertibleColumnTransformer([("block", scaler, [0, 3, 4])]).fit(X)
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, rtol=1e-9)


def test_function_transformer_keeps_the_names(events):
    log = FunctionTransformer(np.log1p, np.expm1)
    model = InvertibleColumnTransformer([("log", log, ["tau_pt", "muon_E"])])
    out = model.fit_transform(events)
    assert list(out)[:2] == ["tau_pt", "muon_E"]
    np.testing.assert_allclose(out["tau_pt"], np.log1p(events["tau_pt"]))
    pd.testing.assert_frame_equal(model.inverse_transform(out), events, check_exact=False)


def test_parameters(events):
    model = InvertibleColumnTransformer([("scale", StandardScaler(), ["weight"])])
    assert model.get_params()["scale__with_mean"] is True
    assert model.get_params(deep=False).keys() == {"transformers"}
    model.set_params(scale__with_mean=False)
    assert model.transformers[0][1].with_mean is False
    model.set_params(scale=MinMaxScaler(), scale__feature_range=(0, 2))
    assert model.fit_transform(events)["weight"].max() == pytest.approx(2)
    assert not hasattr(model.transformers[0][1], "scale_")
    copy = clone(model)
    assert copy.transformers[0][1] is not model.transformers[0][1]
    assert copy.get_params()["scale__feature_range"] == (0, 2)
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(nothing=1)


@pytest.mark.parametrize(
    ("transformers", "error", "message"),
    [
        ([("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [1])], ValueError, "'muon_py' is"),
        ([("a", StandardScaler(), [0]), ("a", MinMaxScaler(), [1])], ValueError, "named 'a'"),
        ([("a__b", StandardScaler(), [0])], ValueError, "cannot be named 'a__b'"),
        ([("transformers", StandardScaler(), [0])], ValueError, "cannot be named 'transformers'"),
        (
            [("a", Normalizer(), [0])],
            TypeError,
            "Block 'a': Normalizer.* lacks .*inverse_transform",
        ),
        ([("a", "drop", [0])], TypeError, "'drop' lacks fit"),
        (
            [("a", StandardScaler(), ["nothing"])],
            ValueError,
            "InvertibleColumnTransformer: X has no column 'nothing'",
        ),
        ([("a", StandardScaler(), [99])], ValueError, "X has .* no column 99"),
        ([("a", StandardScaler(), [0, 0])], ValueError, "the column 0 is given twice"),
        ([("a", StandardScaler(), [True, False])], ValueError, "mask of 2 entries"),
        ([("a", StandardScaler(), [1.5])], TypeError, "a column's name or position"),
        ([("a", PhiRotation("muon"), ["jet_px", "jet_py"])], ValueError, "no object 'muon'"),
        ([], ValueError, "transformers must be a list"),
        (StandardScaler(), ValueError, "transformers must be a list"),
    ],
)
def test_wrong_blocks(transformers, error, message, events):
    with pytest.raises(error, match=message):
        InvertibleColumnTransformer(transformers).fit(events)


def test_overlap_names_both_blocks(events):
    model = InvertibleColumnTransformer(
        [("a", StandardScaler(), ["weight"]), ("b", "passthrough", ["weight"])]
    )
    with pytest.raises(ValueError, match="column 'weight' is in block 'a' and in block 'b'"):
        model.fit(events)


def test_blocks_may_not_give_a_name_twice(events):
    frame = events.rename(columns={"weight": "jet_log_mass"})
    with pytest.raises(ValueError, match="two columns 'jet_log_mass'"):
        InvertibleColumnTransformer([("mass", LogMassTransformer(), "jet_mass")]).fit(frame)

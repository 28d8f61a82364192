"""What every transformer promises about names, containers and the way back."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skjetsim.preprocessing import (
    AngleEncoder,
    BoundTransformer,
    CartesianToCylindrical,
    EnergyToMass,
    InvertibleColumnTransformer,
    KinematicFeatures,
    LogMassTransformer,
    LogTransformer,
    MassShellTransformer,
    PairMassTransformer,
    PhiRotation,
    TransverseMassTransformer,
    has_log_det,
)

TRANSFORMERS = [
    AngleEncoder(),
    AngleEncoder("tau_phi"),
    BoundTransformer({"tau_pt": (20.0, None), "met_px": (-500, 500), "muon_E": (0, None)}),
    CartesianToCylindrical(),
    CartesianToCylindrical(["jet", "met"]),
    CartesianToCylindrical({"mu": ["muon_px", "muon_py", "muon_pz"], "nu": ["met_px", "met_py"]}),
    EnergyToMass(["top"]),
    KinematicFeatures("wjet"),
    KinematicFeatures(["mass(muon, jet, tau)", "delta_r(muon, tau)"]),
    LogMassTransformer(),
    LogTransformer(["jet_mass", "muon_E"]),
    LogMassTransformer(["jet_mass", "muon_E"]),
    MassShellTransformer({"muon": 0.1056584, "jet": "jet_mass"}),
    PairMassTransformer("tau", "photon"),
    PhiRotation("muon"),
    PhiRotation("tau"),
    TransverseMassTransformer("tau"),
    InvertibleColumnTransformer(
        [
            ("scale", StandardScaler(), ["tau_pt", "muon_E"]),
            ("momenta", CartesianToCylindrical(), ["jet_px", "jet_py", "jet_pz", "jet_E"]),
            ("same", "passthrough", "weight"),
        ]
    ),
]
EXACT = {"rtol": 1e-9, "atol": 1e-9}

each = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
# Tables are checked in one place, after the two ways of fitting that there are.
both = pytest.mark.parametrize(
    "transformer", [CartesianToCylindrical(), TRANSFORMERS[-1]], ids=repr
)


@each
def test_dataframe_in_dataframe_out_and_back(transformer, events):
    before = events.copy()
    transformer = clone(transformer)
    out = transformer.fit_transform(events)
    assert isinstance(out, pd.DataFrame)
    assert list(out.columns) == list(transformer.get_feature_names_out())
    pd.testing.assert_index_equal(out.index, events.index)
    back = transformer.inverse_transform(out)
    pd.testing.assert_frame_equal(back, events, check_exact=False, **EXACT)
    pd.testing.assert_frame_equal(events, before)
    assert transformer.n_features_in_ == events.shape[1]
    assert list(transformer.feature_names_in_) == list(events.columns)


@each
def test_arrays_come_back_as_arrays(transformer, events):
    transformer = clone(transformer).fit(events)
    expected = transformer.transform(events).to_numpy()
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        out = transformer.transform(events.to_numpy())
    assert isinstance(out, np.ndarray)
    np.testing.assert_array_equal(out, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = transformer.inverse_transform(out)
    assert isinstance(back, np.ndarray)
    np.testing.assert_allclose(back, events.to_numpy(), **EXACT)


@each
def test_set_output(transformer, events):
    transformer = clone(transformer).set_output(transform="pandas").fit(events)
    out = transformer.transform(events)
    pd.testing.assert_frame_equal(out, clone(transformer).fit_transform(events))
    pd.testing.assert_frame_equal(
        transformer.inverse_transform(out.to_numpy()).set_axis(events.index),
        events,
        check_exact=False,
        **EXACT,
    )
    pd.testing.assert_index_equal(transformer.inverse_transform(out).index, events.index)


@each
def test_inverse_compares_names(transformer, events):
    transformer = clone(transformer)
    out = transformer.fit_transform(events)
    first, second = out.columns[:2]
    swapped = out[[second, first, *out.columns[2:]]]
    with pytest.raises(ValueError, match=f"column 0 is '{second}', expected '{first}'"):
        transformer.inverse_transform(swapped)
    with pytest.raises(ValueError, match=rf"X has {out.shape[1] - 1} features"):
        transformer.inverse_transform(out.iloc[:, 1:])
    with pytest.raises(ValueError, match=rf"NaN in column '{second}', first bad row 3"):
        transformer.inverse_transform(out.assign(**{second: np.where(out.index == 103, np.nan, 1)}))


@each
def test_clones_and_pickles(transformer, events):
    fitted = clone(transformer).fit(events)
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(again.transform(events), fitted.transform(events))
    assert repr(clone(fitted)) == repr(transformer)
    with pytest.raises(NotFittedError):
        clone(transformer).transform(events)
    with pytest.raises(NotFittedError):
        clone(transformer).inverse_transform(events)
    with pytest.raises(NotFittedError):
        clone(transformer).get_feature_names_out()


@each
def test_rows_are_transformed_alone_in_any_dtype(transformer, events):
    transformer = clone(transformer).fit(events)
    whole = transformer.transform(events)
    np.testing.assert_allclose(transformer.transform(events.iloc[5:6]), whole.iloc[5:6], rtol=1e-13)
    out = transformer.transform(events.astype("float32"))
    assert (out.dtypes == np.float64).all()
    np.testing.assert_allclose(out, whole, rtol=2e-4, atol=2e-4)


@both
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.assign(jet_px=[*X["jet_px"][:7], np.nan, *X["jet_px"][8:]]), "NaN in column "),
        (lambda X: X.assign(jet_px=[*X["jet_px"][:7], np.inf, *X["jet_px"][8:]]), "infinity .inf"),
        (lambda X: X.assign(jet_px=[1.5] * 7 + ["many"] + [2.0] * 32), "'jet_px' has dtype"),
        (lambda X: X.iloc[:0], "0 sample"),
        (lambda X: X.drop(columns="jet_px"), "jet_px"),
        (lambda X: X.rename(columns={"jet_px": "jet_x"}), "jet_px"),
        (lambda X: X[X.columns[::-1]], "same order"),
    ],
)
def test_bad_input_names_column_and_row(transformer, change, message, events):
    transformer = clone(transformer).fit(events)
    with pytest.raises(ValueError, match=message) as caught:
        transformer.transform(change(events))
    if "column" in message or "inf" in message:
        assert "'jet_px', first bad row 7" in str(caught.value)
    elif "dtype" in message:
        assert "row 7 holds 'many'" in str(caught.value)


@both
def test_wrong_width(transformer, events):
    transformer = clone(transformer).fit(events)
    with (
        pytest.warns(UserWarning, match="valid feature names"),
        pytest.raises(ValueError, match="X has 3 features"),
    ):
        transformer.transform(events.to_numpy()[:, :3])


@each
def test_constant_columns_and_huge_outliers_are_exact(transformer, events):
    constant = pd.concat([events.iloc[[0]]] * 3, ignore_index=True)
    fitted = clone(transformer).fit(constant)
    np.testing.assert_allclose(
        fitted.inverse_transform(fitted.transform(constant)), constant, **EXACT
    )
    outlier = events.astype(float)
    momenta = ["muon_px", "muon_py", "muon_pz", "muon_E"]
    outlier.loc[103, momenta] = [3e8, 4e8, 0.0, 5e8]  # some 10^7 standard deviations
    fitted = clone(transformer).fit(outlier)
    np.testing.assert_allclose(
        fitted.inverse_transform(fitted.transform(outlier)), outlier, rtol=1e-9, atol=1e-6
    )


def test_names_survive_a_plain_pipeline(events):
    pipeline = make_pipeline(CartesianToCylindrical(), LogMassTransformer(), PhiRotation("muon"))
    out = pipeline.fit_transform(events)
    assert list(out.columns[:3]) == ["muon_pt", "muon_eta", "muon_phi"]
    assert list(pipeline.get_feature_names_out()) == list(out.columns)
    pd.testing.assert_frame_equal(
        pipeline.inverse_transform(out), events, check_exact=False, **EXACT
    )


def test_names_of_tables_without_names():
    X = np.random.default_rng(0).normal(size=(5, 7))
    coordinates = CartesianToCylindrical().fit(X)
    names = ["p0_pt", "p0_eta", "p0_phi", "p1_pt", "p1_eta", "p1_phi", "x6"]
    assert list(coordinates.get_feature_names_out()) == names
    given = [f"c{i}" for i in range(7)]
    assert list(coordinates.get_feature_names_out(given)) == [*names[:6], "c6"]
    with pytest.raises(ValueError, match="input_features should have length equal"):
        coordinates.get_feature_names_out(["a"])
    frame = coordinates.set_output(transform="pandas").transform(X)
    np.testing.assert_allclose(coordinates.inverse_transform(frame), X)
    assert list(AngleEncoder([1]).fit(X[:, :2]).get_feature_names_out()) == [
        "x0",
        "cos_x1",
        "sin_x1",
    ]
    assert list(LogMassTransformer([-1]).fit(abs(X[:, :2])).get_feature_names_out()) == [
        "x0",
        "log_x1",
    ]


def test_input_features_must_be_those_of_fit(events):
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        LogMassTransformer().fit(events).get_feature_names_out(events.columns[::-1])


def test_only_bijections_have_a_log_determinant(events):
    assert not has_log_det(MassShellTransformer({"muon": 0.1}))
    assert not has_log_det(AngleEncoder())
    assert not has_log_det(KinematicFeatures("wjet"))
    assert has_log_det(BoundTransformer({"tau_pt": (20.0, None)}))
    assert has_log_det(CartesianToCylindrical())
    assert has_log_det(EnergyToMass())
    assert has_log_det(LogMassTransformer())
    assert has_log_det(PairMassTransformer("tau", "photon"))
    assert has_log_det(TransverseMassTransformer("tau"))
    assert has_log_det(PhiRotation("muon"))


def test_two_columns_of_one_name(events):
    twice = pd.concat([events, events[["jet_px"]]], axis=1)
    with pytest.raises(ValueError, match="two columns named 'jet_px'"):
        CartesianToCylindrical().fit(twice)

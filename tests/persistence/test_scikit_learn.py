"""Estimators of scikit-learn with all kinds of fitted state: what is saved is what is loaded."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch, BisectingKMeans, FeatureAgglomeration
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    StackingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge, SGDClassifier, TweedieRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.random_projection import SparseRandomProjection
from sklearn.tree import DecisionTreeRegressor

from skjetsim import load, save

rng = np.random.default_rng(0)
X = np.abs(rng.normal(size=(60, 6))) + 0.1
LABEL = (X[:, 0] > 0.8).astype(int)
ESTIMATORS = [
    BisectingKMeans(2, random_state=0),
    CalibratedClassifierCV(SGDClassifier(random_state=0), cv=2),
    HistGradientBoostingClassifier(max_iter=2, random_state=0),
    ColumnTransformer([("scale", StandardScaler(), slice(0, 2)), ("keep", "passthrough", [3])]),
    DecisionTreeRegressor(max_leaf_nodes=9, ccp_alpha=1e-3, random_state=0),
    FeatureAgglomeration(2, pooling_func=np.median),
    GaussianProcessRegressor(RBF() + WhiteKernel()),
    GradientBoostingClassifier(n_estimators=2, random_state=0),
    GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, scoring="neg_mean_absolute_error"),
    IsolationForest(n_estimators=3, max_features=0.5, random_state=0),
    KBinsDiscretizer(3, dtype=np.float32),
    KNeighborsRegressor(3, algorithm="ball_tree", metric="minkowski", p=3),
    KernelDensity(bandwidth=0.3, algorithm="kd_tree", leaf_size=7),
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0),
    OneHotEncoder(dtype=np.float32, handle_unknown="ignore"),
    PCA(3),
    SGDClassifier(loss="modified_huber", random_state=0),
    SelectKBest(k=2),
    SimpleImputer(strategy="median"),
    SparseRandomProjection(3, random_state=0),
    SplineTransformer(4),
    StackingRegressor([("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=2))]),
    TweedieRegressor(power=1.5, link="log"),
]


def outputs(model, table):
    found = {}
    for method in ("predict", "predict_proba", "decision_function", "transform", "score_samples"):
        if hasattr(model, method):
            value = getattr(model, method)(table)
            found[method] = value.toarray() if hasattr(value, "toarray") else value
    return found


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Bins whose width:UserWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_the_same_numbers_come_back_to_the_last_bit(estimator, path):
    model = estimator.fit(X, LABEL)
    save(model, path)
    again = load(path)
    expected = outputs(model, X)
    for method, values in outputs(again, X).items():
        assert_array_equal(values, expected[method])
    assert repr(again) == repr(model)


def test_what_a_file_cannot_hold_is_named(path):
    with pytest.raises(TypeError, match=r"Birch\.dummy_leaf_ has type .*_CFNode"):
        save(Birch(n_clusters=2).fit(X), path)


def test_what_contains_itself(path):
    endless = [1]
    endless.append(endless)
    with pytest.raises(TypeError, match="more than 100 levels deep, or contains itself"):
        save(StandardScaler().set_params(copy=endless), path)


def test_a_legacy_generator_keeps_its_spare_number(path):
    generator = np.random.RandomState(0)
    generator.normal()  # draws two, and keeps the second
    save(StandardScaler().set_params(copy=generator), path)
    assert load(path).copy.normal() == generator.normal()


@pytest.mark.parametrize(
    "value",
    [
        np.array([["a", "bcd"], ["é", ""]]),
        np.array(["質量"] * 3),
        np.array([], dtype="U5"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
        np.zeros((2, 3), dtype=[("a", "f4"), ("b", "i8")]),
        np.zeros(3, dtype=np.dtype([("a", "u1"), ("b", "f8")], align=True)),
        np.dtype("f4"),
        np.float32,
        float,
        slice(1, None, 2),
    ],
    ids=repr,
)
def test_values_of_all_kinds(value, path):
    save(StandardScaler().set_params(copy=value), path)
    again = load(path).copy
    if not isinstance(value, np.ndarray):
        assert again == value
        return
    assert_array_equal(again, value)
    assert again.dtype == value.dtype
    assert again.flags.f_contiguous == value.flags.f_contiguous or value.ndim == 3

"""Model files: what is saved is what is loaded."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import sklearn
from _instances import (
    FEW_EPOCHS,
    NOTHING_LOST,
    SMALL,
    draw,
    fit,
    generators,
    label,
    paired_events,
    paired_frames,
    pipelines,
    residual_simulators,
    simulators,
)
from file_toys import names_in
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from skjetsim import load, save
from skjetsim._persistence._compiled import PARTS
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import WassersteinScorer, ks_distance, make_generative_scorer
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import AngleEncoder, CartesianToCylindrical, LogMassTransformer

X, Y = paired_events()
COMPILED = set(PARTS)


ROUND_TRIPS = [
    *generators(),
    *simulators(),
    *residual_simulators(),
    *pipelines(),
    FlowGenerator(**SMALL | {"ema_decay": 0.5, "patience": 1, "n_transforms": 3}),
    make_pipeline(PowerTransformer(), KernelDensity(bandwidth=0.2)),
    make_generative_pipeline(QuantileTransformer(n_quantiles=50), GaussianMixture(2)),
    make_pipeline(StandardScaler(), make_pipeline(PCA(2), FlowSimulator(**SMALL))),
]


@FEW_EPOCHS
@NOTHING_LOST
@pytest.mark.parametrize("estimator", ROUND_TRIPS, ids=label)
def test_the_same_events_come_back(estimator, path):
    model = fit(clone(estimator), X, Y)
    save(model, path)
    assert not any("._" in name for name in names_in(path) - COMPILED)
    again = load(path)
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert_array_equal(draw(again, X, random_state=1), draw(model, X, random_state=1))
    assert sorted(vars(again)) == sorted(vars(model))
    refitted = fit(clone(again), X, Y)
    for attribute in ("history_", "best_epoch_"):
        if hasattr(model, attribute):
            assert getattr(again, attribute) == getattr(model, attribute)
            assert getattr(refitted, attribute) == getattr(model, attribute)


@pytest.mark.parametrize("estimator", ROUND_TRIPS, ids=label)
def test_unfitted_estimators_too(estimator, path):
    save(clone(estimator), path)
    assert repr(load(path)) == repr(clone(estimator))


def test_names_containers_and_constants_survive(path):
    frames = [side.assign(muon_mass=0.1057) for side in paired_frames()]
    model = FlowSimulator(**SMALL).set_output(transform="pandas").fit(*frames)
    save(model, path)
    drawn = load(path).sample(frames[0], random_state=0)
    pd.testing.assert_frame_equal(drawn, model.sample(frames[0], random_state=0))
    constant = FlowGenerator(**SMALL).fit(np.ones((5, 2)))
    save(constant, path)
    assert_array_equal(load(path).sample(3), np.ones((3, 2)))


def test_canonical_pipeline_and_search(path):
    from skjetsim.datasets import load_wjet

    truth, reco = (side[:200] for side in load_wjet(return_X_y=True))
    coordinates = [CartesianToCylindrical(["muon", "jet"]), LogMassTransformer(["jet_mass"])]
    model = make_pipeline(
        *coordinates,
        TransformedSimulator(FlowSimulator(**SMALL), [*coordinates, ResidualTransformer()]),
    )
    grid = {"transformedsimulator__simulator__n_bins": [3, 4]}
    search = GridSearchCV(
        model, grid, cv=KFold(2, shuffle=True, random_state=0), scoring=WassersteinScorer()
    ).fit(truth, reco)
    save(search, path)
    again = load(path)
    assert_array_equal(draw(again, truth, random_state=0), draw(search, truth, random_state=0))
    assert again.best_params_ == search.best_params_
    for key, values in search.cv_results_.items():
        assert_array_equal(again.cv_results_[key], values)
    again.fit(truth, reco)
    assert_array_equal(again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestRegressor(3, random_state=0),
        HistGradientBoostingRegressor(max_iter=3),
        make_pipeline(AngleEncoder([1]), StandardScaler(), RandomForestRegressor(2)),
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), RandomForestRegressor(2)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_compiled_parts_of_scikit_learn(estimator, path):
    table = np.abs(X)
    model = estimator.fit(table, Y[:, 0])
    save(model, path)
    assert_array_equal(load(path).predict(table), model.predict(table))


@pytest.mark.parametrize(
    "random_state", [3, None, np.random.default_rng(0), np.random.RandomState(0)], ids=str
)
def test_random_states(random_state, path):
    save(FlowGenerator(random_state=random_state), path)
    again = load(path).random_state
    assert type(again) is type(random_state)
    if isinstance(random_state, np.random.Generator):
        assert again.normal() == random_state.normal()
    elif isinstance(random_state, np.random.RandomState):
        assert_array_equal(again.normal(size=3), random_state.normal(size=3))
    else:
        assert again == random_state


def test_parameters_changed_after_the_fit_do_not_spoil_the_file(path):
    model = FlowSimulator(**SMALL).fit(X, Y)
    model.set_params(n_transforms=6, n_bins=12, hidden_features=(128,))
    save(model, path)
    again = load(path)
    assert again.n_transforms == 6
    assert_array_equal(again.sample(X, random_state=0), model.sample(X, random_state=0))


def test_size(path):
    model = FlowSimulator(**SMALL | {"n_transforms": 6, "hidden_features": (256, 256)})
    model.set_params(max_epochs=1).fit(X, Y)
    save(model, path)
    n_bytes = sum(4 * value.numel() for value in model.net_.module_.parameters())
    assert n_bytes > 1e6
    assert path.stat().st_size <= 1.2 * n_bytes + 64 * 1024


def test_manifest_can_be_read_without_the_package(path):
    model = FlowSimulator(**SMALL).fit(*paired_frames())
    save(model, path)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["estimator"] == "FlowSimulator"
    assert manifest["columns"]["target_names_in_"] == ["muon_pt", "muon_eta"]
    assert manifest["versions"]["scikit-learn"] == sklearn.__version__
    assert manifest["training"]["epochs"] == 2
    assert manifest["training"]["best_epoch"] == model.best_epoch_
    assert "GeV" not in json.dumps(manifest)  # fit does not know the unit


def test_the_same_model_gives_the_same_bytes(path, tmp_path, model):
    save(model, path)
    save(load(path), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_arrays_of_any_order_and_type(path):
    arrays = [
        np.arange(6, dtype=">f8").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3, dtype=np.int16),
        np.zeros((0, 3), dtype=bool),
        np.array([("a", 1.0)], dtype=[("name", "U4"), ("value", "f8")]),
        np.ma.MaskedArray([1.0, 2.0], mask=[True, False]),
        np.array([{"n": np.float32(2.0)}, None], dtype=object),
        pd.Series([[1, 2], [3, 4]]).to_numpy(),
    ]
    save(StandardScaler().set_params(copy=arrays), path)
    again = load(path).copy
    for array, expected in zip(again, arrays, strict=True):
        assert_array_equal(array, expected)
        assert array.dtype == expected.dtype.newbyteorder("=")
    again[0][0, 0] = 7.0  # its own memory


def test_scorers_of_our_metrics(path):
    scorer = make_generative_scorer(ks_distance, bins=2)
    save(scorer, path)
    model = FlowSimulator(**SMALL).fit(X, Y)
    assert load(path)(model, X, Y) == scorer(model, X, Y)

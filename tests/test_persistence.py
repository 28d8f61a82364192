"""Model files: what is saved is what is loaded, damage is an error, and no code runs."""

import json
import os
import sys
import types
import zipfile

import numpy as np
import pandas as pd
import pytest
import sklearn
from _instances import (
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
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone
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
from skjetsim.compose import ResidualTransformer, TransformedSimulator
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.metrics import WassersteinScorer, ks_distance, make_generative_scorer
from skjetsim.pipeline import make_generative_pipeline
from skjetsim.preprocessing import AngleEncoder, CartesianToCylindrical, LogMassTransformer

X, Y = paired_events()


def rewrite(path, change):
    """Change the entries of a model file and make its checksums right again, as a forger would."""
    import hashlib

    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    structure = json.loads(entries["structure.json"])
    manifest = json.loads(entries.pop("manifest.json"))
    structure = change(structure, manifest, entries) or structure
    entries["structure.json"] = json.dumps(structure).encode()
    manifest["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in entries.items()}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, data in entries.items():
            archive.writestr(name, data)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skjetsim"


# Round trips.

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


@pytest.mark.parametrize("estimator", ROUND_TRIPS, ids=label)
def test_the_same_events_come_back(estimator, path):
    model = fit(clone(estimator), X, Y)
    save(model, path)
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
    assert manifest["units"]["momentum, energy, mass"] == "GeV"


# Damage.


@pytest.fixture(scope="module")
def model():
    return FlowGenerator(**SMALL | {"hidden_features": (16,)}).fit(Y)


def test_truncated_files(model, path, tmp_path):
    save(model, path)
    data = path.read_bytes()
    short = tmp_path / "short"
    for length in [*np.linspace(0, len(data) - 1, 60).astype(int), len(data) - 2]:
        short.write_bytes(data[:length])
        with pytest.raises(ValueError, match="truncated, was edited"):
            load(short)


def test_flipped_bytes(model, path, tmp_path):
    """An error, or, where the byte is a date of the archive, the very same model."""
    save(model, path)
    data = path.read_bytes()
    expected, edited, n_errors = model.sample(5, random_state=0), tmp_path / "edited", 0
    places = np.random.default_rng(0).integers(0, len(data), 300)
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 0x41
        edited.write_bytes(changed)
        try:
            again = load(edited)
        except ValueError:
            n_errors += 1
        else:
            assert_array_equal(again.sample(5, random_state=0), expected)
    assert n_errors > 0.95 * len(places)


def test_edited_entries(model, path):
    save(model, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["structure.json"] = entries["structure.json"].replace(b"0.004", b"0.003")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match="was edited"):
        load(path)


def test_no_model_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match=r"no folder '.*missing' to save a model in"):
        save(StandardScaler(), tmp_path / "missing" / "model.skjetsim")
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(ValueError, match="no skjetsim model file"):
        load(text)
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "hello")
    with pytest.raises(ValueError, match="no skjetsim model file"):
        load(archive)


def test_forged_files_that_make_no_sense(model, path):
    def drop_weights(structure, manifest, entries):
        structure["networks"]["net_"].popitem()

    def unknown_array(structure, manifest, entries):
        structure["state"]["encoder_"]["state"]["constants_"]["key"] = "a999"

    for change in (drop_weights, unknown_array):
        save(model, path)
        rewrite(path, change)
        with pytest.raises(ValueError, match="cannot be read"):
            load(path)


def test_a_failed_write_leaves_the_old_file(model, path, monkeypatch):
    save(model, path)
    before = path.read_bytes()

    class FullDisk(zipfile.ZipFile):
        def writestr(self, name, *args, **kwargs):
            if str(name).startswith("tensors"):
                raise OSError("no space left on device")
            super().writestr(name, *args, **kwargs)

    monkeypatch.setattr(zipfile, "ZipFile", FullDisk)
    with pytest.raises(OSError, match="no space"):
        save(FlowGenerator(**SMALL), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    with pytest.raises(TypeError, match="callback"):
        save(FlowGenerator(verbose=_callback), path)
    assert path.read_bytes() == before


def _callback():
    pass


# What is not trusted.


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (_callback, r"FlowGenerator.verbose has type .*_callback"),
        (lambda x: x, "lambda"),
        (object(), "builtins.object"),
        (os.system, "system"),
        (1 + 2j, "complex"),
        ({"a": [1, types.SimpleNamespace()]}, r"verbose\['a'\]\[1\] has type .*SimpleNamespace"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "datetime"),
    ],
)
def test_what_cannot_be_written_is_named(value, message, path):
    with pytest.raises(TypeError, match=message):
        save(FlowGenerator(verbose=value), path)
    assert not path.exists()


def test_local_classes_cannot_be_written(path):
    class Local(BaseEstimator):
        pass

    with pytest.raises(TypeError, match="Local, which cannot be imported again"):
        save(Local(), path)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "pandas.DataFrame",
        "torch.nn.Linear",
        "sklearnfake.Model",
        "skjetsim_evil.Model",
    ],
)
@pytest.mark.parametrize("kind", ["estimator", "object", "pipeline"])
def test_classes_of_other_packages(model, path, name, kind):
    save(model, path)
    rewrite(
        path,
        lambda *_: {"type": kind, "class": name, "state": {}, "networks": {}, "params": {}},
    )
    with pytest.raises(TypeError, match=name):
        load(path)


@pytest.mark.parametrize(
    "name",
    [
        "skjetsim.persistence.os.system",
        "skjetsim.persistence.zipfile",
        "skjetsim.persistence.save",
        "skjetsim.persistence.Decoder",
        "sklearn.utils._testing.unittest",
        "sklearn.base.warnings",
        "sklearn.pipeline.Missing",
        "skjetsim.missing.Model",
        "skjetsim",
        "",
    ],
)
def test_names_that_are_no_estimators(model, path, name):
    save(model, path)
    rewrite(path, lambda *_: {"type": "estimator", "class": name, "state": {}, "networks": {}})
    with pytest.raises((TypeError, ValueError)):
        load(path)


def test_classes_that_trusted_modules_import_from_elsewhere(model, path):
    save(model, path)
    name = "skjetsim._drawing._chunked.Parallel"  # joblib's
    rewrite(path, lambda *_: {"type": "object", "class": name, "state": {}})
    with pytest.raises(TypeError, match="Parallel"):
        load(path)


def test_unknown_nodes(model, path):
    for kind in ("call", "_find_class", "decode", "find_class", "skops_", "items"):
        save(model, path)
        rewrite(path, lambda *_, kind=kind: {"type": kind})
        with pytest.raises((TypeError, ValueError), match="unknown type"):
            load(path)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "skjetsim._drawing._sample.sample_inverse.x",
        "skjetsim._persistence._encoding.importlib",
        "eval",
    ],
)
def test_functions_of_other_packages(model, path, name):
    save(model, path)
    rewrite(path, lambda *_: {"type": "function", "name": name})
    with pytest.raises(TypeError, match="no function of skjetsim"):
        load(path)


def test_no_code_runs(path, tmp_path, monkeypatch):
    """A module that would leave a trace when imported, and a pickle that would when read."""
    trace = tmp_path / "trace"
    (tmp_path / "evil_package.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    save(FlowGenerator(**SMALL), path)
    rewrite(
        path,
        lambda *_: {"type": "estimator", "class": "evil_package.X", "state": {}, "networks": {}},
    )
    with pytest.raises(TypeError, match=r"evil_package\.X"):
        load(path)
    assert not trace.exists()
    assert "evil_package" not in sys.modules

    import skops.io

    save(FlowGenerator(**SMALL), path)

    def smuggle(structure, manifest, entries):
        entries["part0.skops"] = skops.io.dumps(_callback)
        structure["state"]["verbose"] = {"type": "skops", "key": "part0.skops"}

    rewrite(path, smuggle)
    with pytest.raises(TypeError, match="_callback"):
        load(path)


class Foreign(BaseEstimator):
    """Neither ours nor scikit-learn's."""

    def __init__(self, value=1):
        self.value = value

    def fit(self, X, y=None):
        self.mean_ = np.mean(X, axis=0)
        return self


def test_foreign_classes_load_where_they_are_trusted(path):
    name = f"{Foreign.__module__}.Foreign"
    save(Foreign(3).fit(X), path)
    with pytest.raises(TypeError, match=f"trusted=.*{name}"):
        load(path)
    again = load(path, trusted=[name])
    assert again.value == 3
    assert_array_equal(again.mean_, X.mean(axis=0))


# Versions.


def test_a_newer_format(model, path):
    save(model, path)
    rewrite(path, lambda structure, manifest, entries: manifest.update(format=99))
    with pytest.raises(ValueError, match="newer than this version"):
        load(path)


def test_foreign_estimators_need_the_same_minor_version(path, monkeypatch):
    import skjetsim._persistence._encoding

    pipeline = make_generative_pipeline(StandardScaler(), FlowGenerator(**SMALL)).fit(X)
    save(pipeline, path)
    monkeypatch.setattr(skjetsim._persistence._encoding.sklearn, "__version__", "1.99.0")
    with pytest.raises(ValueError, match=r"StandardScaler as scikit-learn .* Install scikit-learn"):
        load(path)


def test_ours_load_across_versions(model, path, monkeypatch):
    import skjetsim._persistence._encoding

    save(model, path)
    monkeypatch.setattr(skjetsim._persistence._encoding.sklearn, "__version__", "1.99.0")
    assert_array_equal(load(path).sample(3, random_state=0), model.sample(3, random_state=0))


def test_a_parameter_that_a_newer_version_added_gets_its_default(model, path):
    save(model, path)
    rewrite(path, lambda structure, *_: structure["state"].pop("gradient_clip") and None)
    again = load(path)
    assert again.gradient_clip == 5.0
    assert_array_equal(again.sample(3, random_state=0), model.sample(3, random_state=0))


def test_scorers_of_our_metrics(path):
    scorer = make_generative_scorer(ks_distance, bins=2)
    save(scorer, path)
    model = FlowSimulator(**SMALL).fit(X, Y)
    assert load(path)(model, X, Y) == scorer(model, X, Y)

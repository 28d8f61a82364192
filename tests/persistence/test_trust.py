"""Names that a model file may hold. Nothing in it runs code."""

import functools
import operator
import os
import sys
import types

import numpy as np
import pytest
from _instances import SMALL, paired_events
from file_toys import rewrite
from network_toys import Foreign
from numpy.testing import assert_array_equal
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.cluster import FeatureAgglomeration
from sklearn.datasets import fetch_openml
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import skjetsim
from skjetsim import load, save
from skjetsim._persistence._registry import FUNCTIONS
from skjetsim.flows import FlowGenerator
from skjetsim.metrics import ks_distance
from skjetsim.pipeline import make_generative_pipeline

X, Y = paired_events()


def _callback():
    pass


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
@pytest.mark.parametrize("kind", ["estimator", "object"])
def test_classes_of_other_packages(model, path, name, kind):
    save(model, path)
    node = {"type": kind, "class": name, "state": {}}
    rewrite(path, lambda *_: node | ({"networks": {}} if kind == "estimator" else {}))
    with pytest.raises(TypeError, match=name):
        load(path)


@pytest.mark.parametrize(
    "name",
    [
        "skjetsim.persistence.os.system",
        "skjetsim.persistence.zipfile",
        "skjetsim.persistence.save",
        "skjetsim.persistence.Decoder",
        "skjetsim._persistence._decoder.Decoder",
        "skjetsim.flows._generator.FlowGenerator",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.conftest.Missing",
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
    for name in ("skjetsim.pipeline.Pipeline", "sklearn.pipeline.Parallel", "skjetsim.io.np"):
        save(model, path)
        rewrite(path, lambda *_, name=name: {"type": "object", "class": name, "state": {}})
        with pytest.raises(TypeError, match=name):
            load(path)


def test_unknown_nodes(model, path):
    for kind in (
        "call",
        "_find_class",
        "decode",
        "find_class",
        "skops_",
        "items",
        "pipeline",
        "compiled_",
        "skops",
    ):
        save(model, path)
        node = {"verbose": {"type": kind}}
        rewrite(path, lambda structure, *_, node=node: structure["state"].update(node))
        with pytest.raises((TypeError, ValueError), match="not a node of a known type"):
            load(path)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "skjetsim._drawing._sample.sample_inverse.x",
        "skjetsim._persistence._names.importlib",
        "skjetsim.io.write_events",
        "skjetsim.persistence.load",
        "skjetsim.metrics.ks_distance.__call__",
        "eval",
    ],
)
def test_functions_that_are_not_registered(model, path, name):
    save(model, path)
    function = {"type": "function", "name": name}
    rewrite(path, lambda structure, *_: structure["state"].update(verbose=function))
    with pytest.raises(TypeError, match="not a registered function"):
        load(path)


def test_no_code_runs(path, tmp_path, monkeypatch):
    """Neither a module that the file names nor a pickle in it is run."""
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


def test_foreign_classes_load_where_they_are_trusted(path):
    name = "network_toys.Foreign"
    save(Foreign(3).fit(X), path)
    with pytest.raises(TypeError, match=f"trusted=.*{name}"):
        load(path)
    for trusted in ([name], {Foreign}, (Foreign, "another.Model")):
        again = load(path, trusted=trusted)
        assert again.value == 3
        assert_array_equal(again.mean_, X.mean(axis=0))


@pytest.mark.parametrize("trusted", ["network_toys.Foreign", Foreign, None, [Foreign()], [None]])
def test_what_is_trusted_is_a_list_of_classes(model, path, trusted):
    save(model, path)
    with pytest.raises(TypeError, match=r"list of classes or of their names.*trusted=\[Class\]"):
        load(path, trusted=trusted)


def test_a_function_that_does_something_is_not_written(path):
    from skjetsim.io import write_events
    from skjetsim.metrics import make_generative_scorer

    with pytest.raises(TypeError, match=r"metric has type .*\.write_events"):
        save(make_generative_scorer(write_events), path)


# What a model would do for a file.


def _forged(path, estimator, **state):
    """Save an estimator, and put nodes into its state."""
    save(estimator, path)
    rewrite(path, lambda structure, *_: structure["state"].update(state))


DOERS = [
    "skjetsim.persistence.save",
    "skjetsim.save",
    "skjetsim.io.write_events",
    "skjetsim.datasets.generate_wjet",
    "skjetsim.utils._archive.write_archive",
    "skjetsim.utils._atomic.replacing",
    "numpy.save",
    "numpy.savetxt",
    "numpy.load",
    "numpy.frompyfunc",
    "numpy.vectorize",
    "numpy.ndarray.tofile",
    "numpy.lib.npyio.save",
    "scipy.io.savemat",
    "scipy.special.seterr",
    "sklearn.datasets.fetch_openml",
    "sklearn.datasets.load_files",
    "sklearn.utils.shuffle",
    "sklearn.metrics.get_scorer",
    "builtins.open",
    "builtins.exec",
    "os.remove",
    "shutil.rmtree",
    "joblib.load",
    "pickle.loads",
    "torch.load",
]


@pytest.mark.parametrize("name", DOERS)
def test_no_function_that_does_something_loads(path, name):
    """Not even if the user trusts it: `trusted` is for classes."""
    _forged(path, FunctionTransformer(), func={"type": "function", "name": name})
    for trusted in ((), [name]):
        with pytest.raises(TypeError, match=f"{name}, which is not a registered function"):
            load(path, trusted=trusted)
    for kind in ("object", "estimator", "compiled"):
        node = {"type": kind, "class": name}
        node |= {"items": []} if kind == "compiled" else {"state": {}}
        node |= {"networks": {}} if kind == "estimator" else {}
        _forged(path, FunctionTransformer(), func=node)
        with pytest.raises((TypeError, ValueError), match=name):
            load(path)


@pytest.mark.parametrize(
    "function",
    [
        save,
        load,
        np.save,
        np.ones(3).tofile,
        functools.partial(np.log1p),
        np.frompyfunc(abs, 1, 1),
        np.vectorize(abs),
        os.remove,
        open,
        exec,
        print,
        StandardScaler().fit,
        StandardScaler,
        operator.methodcaller("tofile", "x"),
        fetch_openml,
        skjetsim.utils._archive.write_archive,
        _callback,
    ],
    ids=lambda one: getattr(one, "__name__", type(one).__name__),
)
def test_no_function_that_does_something_is_saved(path, function):
    with pytest.raises(TypeError, match="func has type"):
        save(FunctionTransformer(function, kw_args={"path": "x"}), path)
    assert not path.exists()


@pytest.mark.parametrize("function", [np.log1p, np.exp, expit, np.mean, r2_score, ks_distance])
def test_functions_that_compute_come_back(path, function):
    save(FunctionTransformer(function), path)
    assert load(path).func is function


def test_registered_functions_are_few_and_public():
    assert not any("._" in name for name in FUNCTIONS if not name.startswith("sklearn.cluster."))
    assert len(FUNCTIONS) < 100


def test_paths_are_not_kept(path, tmp_path):
    cache = str(tmp_path / "cache")
    pipeline = make_pipeline(StandardScaler(), FlowGenerator(checkpoint=cache), memory=cache)
    with pytest.warns(UserWarning, match=r"not keep FlowGenerator\.checkpoint, Pipeline\.memory"):
        save(pipeline, path)
    again = load(path)
    assert again.memory is None
    assert again[-1].checkpoint is None


@pytest.mark.parametrize(
    ("estimator", "parameter"),
    [
        (FlowGenerator(), "checkpoint"),
        (make_pipeline(StandardScaler()), "memory"),
        (make_generative_pipeline(StandardScaler(), FlowGenerator()), "memory"),
        (FeatureAgglomeration(), "memory"),
    ],
)
def test_paths_are_not_read(path, tmp_path, estimator, parameter):
    _forged(path, estimator, **{parameter: str(tmp_path / "cache")})
    with pytest.raises(ValueError, match=rf"{parameter} to .*cache', and a model file may not"):
        load(path)


@pytest.mark.parametrize("key", ["fit", "predict", "__class__", "__dict__", "get_params", "sample"])
def test_state_does_not_replace_methods(path, key):
    function = {"type": "function", "name": "numpy.log1p"}
    estimator = FlowGenerator() if key == "sample" else DecisionTreeRegressor()
    _forged(path, estimator, **{key: function})
    with pytest.raises(ValueError, match=f"has no state '{key}'"):
        load(path)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.utils.parallel.Parallel",
        "sklearn.utils._mocking.CheckingClassifier",
        "sklearn.datasets.tests.conftest.X",
        "sklearn.metrics.ConfusionMatrixDisplay",
        "sklearn.exceptions.NotFittedError",
        "skjetsim.metrics.MetricFloor",
        "skjetsim.inspection.ResponseDisplay",
    ],
)
def test_classes_that_are_no_part_of_a_model(path, name):
    node = {"type": "object", "class": name, "state": {}}
    _forged(path, FlowGenerator(), verbose=node)
    with pytest.raises(
        TypeError, match=rf"{name}, which is not an estimator.* trusted=\['{name}'\]"
    ):
        load(path)

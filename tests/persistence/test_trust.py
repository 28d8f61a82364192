"""Names that a model file may hold. Nothing in it runs code."""

import os
import sys
import types

import numpy as np
import pytest
from _instances import SMALL, paired_events
from file_toys import rewrite
from network_toys import Foreign
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from skjetsim import load, save
from skjetsim.flows import FlowGenerator

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
    rewrite(
        path,
        lambda *_: {"type": kind, "class": name, "state": {}, "networks": {}},
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
    for kind in ("call", "_find_class", "decode", "find_class", "skops_", "items", "pipeline"):
        save(model, path)
        rewrite(path, lambda *_, kind=kind: {"type": kind})
        with pytest.raises((TypeError, ValueError), match="unknown type"):
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
    rewrite(path, lambda *_: {"type": "function", "name": name})
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

    import skops.io

    save(FlowGenerator(**SMALL), path)

    def smuggle(structure, manifest, entries, arrays):
        entries["part0.skops"] = skops.io.dumps(_callback)
        structure["state"]["verbose"] = {"type": "skops", "key": "part0.skops"}

    rewrite(path, smuggle)
    with pytest.raises(TypeError, match="_callback"):
        load(path)


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

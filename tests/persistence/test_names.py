"""Names in model files: public or registered ones, never the place of the code."""

import importlib
import inspect
import sys
import types

import pytest
from file_toys import names_in
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from test_public_api import public_modules

from skjetsim import load, save
from skjetsim._persistence._names import find_class, find_function, function_name, name_in_files
from skjetsim._persistence._registry import FUNCTIONS, OBJECTS, PARTS, STATE
from skjetsim.flows import FlowGenerator


def public_classes():
    return {
        f"{module}.{name}": value
        for module in public_modules()
        for name in importlib.import_module(module).__all__
        if inspect.isclass(value := getattr(importlib.import_module(module), name))
    }


def test_each_public_class_is_named_as_it_is_imported():
    for name, cls in public_classes().items():
        assert name_in_files(cls) == name
        assert find_class(name, {name}) is cls
        if issubclass(cls, BaseEstimator) or name in OBJECTS:
            assert find_class(name) is cls
        else:
            with pytest.raises(TypeError, match="not an estimator, nor a part of one"):
                find_class(name)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (StandardScaler, "sklearn.preprocessing.StandardScaler"),
        (KernelDensity, "sklearn.neighbors.KernelDensity"),
        (HistGradientBoostingRegressor, "sklearn.ensemble.HistGradientBoostingRegressor"),
        (Pipeline, "sklearn.pipeline.Pipeline"),
    ],
)
def test_those_of_scikit_learn_by_their_public_names(cls, name):
    assert name_in_files(cls) == name
    assert find_class(name) is cls


def test_what_is_registered_is_there():
    assert not any("." in name for name in STATE)
    for name in STATE:
        cls = find_class(name)
        assert name_in_files(cls) == name
    for name in FUNCTIONS:
        assert function_name(find_function(name)) == name
    for name in OBJECTS | PARTS:
        assert name_in_files(find_class(name)) == name


class Widths:
    """Fitted state of an estimator."""

    def __init__(self, first):
        self.first = first


@pytest.fixture
def as_ours(monkeypatch):
    """The class above, as if it were in a private file of the package."""
    monkeypatch.setattr(Widths, "__module__", "skjetsim.flows._widths")
    module = types.ModuleType("skjetsim.flows._widths")
    module.Widths = Widths
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("as_ours")
def test_what_is_not_registered_is_told_to_developers(path):
    with pytest.raises(TypeError, match=r"_widths\.Widths is neither .* in STATE of .*_registry"):
        save(FlowGenerator(verbose=Widths(5)), path)


@pytest.mark.usefixtures("as_ours")
def test_what_is_registered_comes_back(path, monkeypatch):
    monkeypatch.setitem(STATE, "Widths", "skjetsim.flows._widths.Widths")
    save(FlowGenerator(verbose=Widths(5)), path)
    assert set(names_in(path)) == {"skjetsim.flows.FlowGenerator", "Widths"}
    assert load(path).verbose.first == 5

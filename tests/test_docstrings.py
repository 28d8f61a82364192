"""Every public class and function is documented, numpydoc style, as its signature has it."""

import dataclasses
import importlib
import inspect
import re

import pytest
from sklearn.utils import Bunch
from test_public_api import public_modules

HEADER = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
NO_EXAMPLE = {
    "MetricFloor",  # what metric_floor returns, and shown there
}


def public_objects():
    found = {}
    for module_name in public_modules():
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found.setdefault(id(value), (name, value))
    return sorted(found.values(), key=lambda pair: pair[0])


def public_methods():
    for name, cls in public_objects():
        if not inspect.isclass(cls):
            continue
        for method, value in vars(cls).items():
            function = getattr(value, "fn", value)  # available_if
            if not method.startswith("_") and inspect.isfunction(function):
                yield f"{name}.{method}", function


def sections(doc):
    """Text of each section of a docstring; the part before the first is called Summary."""
    matches = list(HEADER.finditer(doc))
    found = {"Summary": doc[: matches[0].start()] if matches else doc}
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        found[match["title"]] = doc[match.end() : following.start() if following else None]
    return found


def documented(section):
    """Names of parameters in a section, `a, b : int` counted twice."""
    names = []
    for line in section.splitlines():
        match = re.match(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : .*|$)", line)
        if match:
            names += match[1].replace("*", "").split(", ")
    return names


def parameters(function):
    names = list(inspect.signature(function).parameters)
    return names[1:] if names[:1] == ["self"] else names


def says_what_it_returns(function):
    source = inspect.getsource(function)
    return re.search(r"^\s+(return|yield) .", source, re.MULTILINE) is not None


OBJECTS = public_objects()
everything = pytest.mark.parametrize(("name", "value"), OBJECTS, ids=[name for name, _ in OBJECTS])
METHODS = list(public_methods())
every_method = pytest.mark.parametrize(
    ("name", "function"), METHODS, ids=[name for name, _ in METHODS]
)


def check_summary(doc):
    assert doc, "no docstring"
    first = doc.splitlines()[0]
    assert first, "the summary starts on the first line"
    assert first.endswith("."), "the summary is one line and a sentence"


def check_parameters(found, signature):
    given = documented(found.get("Parameters", ""))
    assert given == signature


@everything
def test_classes_and_functions(name, value):
    doc = inspect.getdoc(value)
    check_summary(doc)
    found = sections(doc)
    if inspect.isfunction(value):
        check_parameters(found, parameters(value))
        if says_what_it_returns(value):
            assert "Returns" in found or "Yields" in found
    elif dataclasses.is_dataclass(value):
        given = documented(found.get("Parameters", found.get("Attributes", "")))
        assert {field.name for field in dataclasses.fields(value)} <= set(given)
    elif issubclass(value, Bunch):  # a result: its attributes are what matters
        assert documented(found["Attributes"])
    elif value.__init__ is not object.__init__:
        check_parameters(found, parameters(value.__init__))
    if name not in NO_EXAMPLE:
        assert ">>>" in found.get("Examples", ""), "no example"


@every_method
def test_methods(name, function):
    doc = inspect.getdoc(function)
    check_summary(doc)
    found = sections(doc)
    check_parameters(found, parameters(function))
    if says_what_it_returns(function):
        assert "Returns" in found


def _estimators():
    return [
        (name, value)
        for name, value in OBJECTS
        if inspect.isclass(value) and hasattr(value, "fit") and hasattr(value, "get_params")
    ]


@pytest.mark.parametrize(("name", "cls"), _estimators(), ids=[name for name, _ in _estimators()])
def test_defaults_in_docstrings_are_those_of_the_signature(name, cls):
    section = sections(inspect.getdoc(cls)).get("Parameters", "")
    for parameter in inspect.signature(cls.__init__).parameters.values():
        match = re.search(rf"^{parameter.name} : .*default=(.+)$", section, re.MULTILINE)
        if match is None:
            continue
        default = parameter.default
        stated = match[1].strip().rstrip(".")
        if isinstance(default, float):
            assert float(stated) == default, parameter.name
        else:
            expected = repr(default).replace("'", '"')
            assert stated == expected, parameter.name


def test_no_parameter_has_the_name_of_a_method():
    for name, cls in _estimators():
        for parameter in inspect.signature(cls.__init__).parameters:
            assert not inspect.isfunction(getattr(cls, parameter, None)), f"{name}.{parameter}"

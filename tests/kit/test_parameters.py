"""Annotated fields as the parameters of estimators."""

import inspect
import pickle
import subprocess
import sys
from dataclasses import field

import pytest
from sklearn.base import BaseEstimator, clone

from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class Base(BaseEstimator):
    """Base class.

    Parameters
    ----------
    rate, decay : float
        How fast.
    """

    rate: float = 1.0
    decay: float = 0.5


@with_parameters
class Child(Base):
    """Derived class.

    It has a summary of two paragraphs.

    Parameters
    ----------
    width : int
        How wide.

    Examples
    --------
    >>> Child()
    Child()
    """

    width: int = 3
    rate: float = 2.0  # another default


@with_parameters
class Around(Base):
    """Around two others.

    Parameters
    ----------
    first, second : object
        Estimators inside.
    columns : list of str
        What the first one learns.
    depth : int
        How deep.
    rate : float
        Of its own.
    """

    first: object
    second: object
    columns: list = field(kw_only=True)
    depth: int = field(default=2, kw_only=False)
    rate: float = 3.0


def test_own_parameters_come_first_in_signature_and_docstring():
    assert list(inspect.signature(Child).parameters) == ["width", "rate", "decay"]
    assert Child.__doc__ == (
        "Derived class.\n\nIt has a summary of two paragraphs.\n\n"
        "Parameters\n----------\n"
        "width : int, default=3\n    How wide.\n"
        "rate : float, default=2.0\n    How fast.\n"
        "decay : float, default=0.5\n    How fast.\n\n"
        "Examples\n--------\n>>> Child()\nChild()"
    )


def test_parameters_are_those_of_scikit_learn():
    child = Child(width=5, decay=0.1)
    assert child.get_params() == {"width": 5, "rate": 2.0, "decay": 0.1}
    assert clone(child).get_params() == child.get_params()
    assert repr(child) == "Child(decay=0.1, width=5)"
    assert child != Child(width=5, decay=0.1)  # estimators are compared by identity
    assert len({child, Child()}) == 2
    with pytest.raises(TypeError, match="positional"):
        Child(5)


def test_fields_without_a_default_may_be_given_by_position():
    around = Around(1, 2, columns=["a"])
    assert (
        str(inspect.signature(Around))
        == "(first, second, depth=2, *, columns, rate=3.0, decay=0.5)"
    )
    assert around.get_params() == {
        "first": 1,
        "second": 2,
        "columns": ["a"],
        "depth": 2,
        "rate": 3.0,
        "decay": 0.5,
    }
    assert clone(around).get_params() == around.get_params()
    assert pickle.loads(pickle.dumps(around)).get_params() == around.get_params()
    assert Around(1, 2, 3, columns=[]).depth == 3
    assert "columns : list of str\n    What" in Around.__doc__
    assert "Of its own." in Around.__doc__
    with pytest.raises(TypeError, match="second"):
        Around(1, columns=[])
    with pytest.raises(TypeError, match="positional"):
        Around(1, 2, 3, [])


def test_estimators_need_no_docstrings():
    code = "from skjetsim.flows import FlowSimulator; FlowSimulator(n_bins=4).get_params()"
    subprocess.run([sys.executable, "-OO", "-c", code], check=True)


def test_a_parameter_without_documentation_or_type_is_refused():
    with pytest.raises(TypeError, match="does not document its parameter 'depth'"):

        @with_parameters
        class Undocumented(Base):
            """No word of it."""

            depth: int = 1

    with pytest.raises(TypeError, match="depth is not a parameter"):

        @with_parameters
        class Untyped(Base):
            """Forgotten.

            Parameters
            ----------
            depth : int
                How deep.
            """

            depth = 1

"""Annotated fields as the parameters of estimators."""

import inspect

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

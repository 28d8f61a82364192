"""Texts that several docstrings share."""

import inspect

import pytest

from skjetsim.utils._docs import with_docs


def test_each_line_of_a_text_is_indented_as_its_place():
    @with_docs(seed="seed : int\n    Repeats.\n\n    Any number.")
    def draw(seed):
        """Draw, to 2%.

        Parameters
        ----------
        %(seed)s
        """

    assert inspect.getdoc(draw).splitlines() == [
        "Draw, to 2%.",
        "",
        "Parameters",
        "----------",
        "seed : int",
        "    Repeats.",
        "",
        "    Any number.",
    ]


def test_texts_may_be_indented_and_stand_in_a_line():
    @with_docs(
        unit="GeV",
        pt="""
        pt : float
            Momentum.
        """,
    )
    class Cut:
        """A cut in %(unit)s.

        %(pt)s
        """

    assert inspect.getdoc(Cut) == "A cut in GeV.\n\npt : float\n    Momentum."


def test_a_name_without_a_text_is_an_error():
    def draw():
        """%(seed)s."""

    with pytest.raises(KeyError, match="seed"):
        with_docs(sead="")(draw)


def test_without_docstrings_nothing_is_replaced():
    def draw():
        pass

    assert with_docs(seed="text")(draw).__doc__ is None

"""Entries that several docstrings share."""

import inspect

import pytest

from skjetsim.utils._docs import documented_as


def chain(seed, pt, n_jobs, verbose):
    """Run the chain, to 2%.

    A sentence that is no entry.

    Parameters
    ----------
    seed : int
        Repeats.

        Any number.

    pt : float, default=2.0
        Momentum.
    n_jobs, verbose
        As in joblib.

    Raises
    ------
    OSError
        If nothing can be written.

    Notes
    -----
    Long
    lines.
    """


def test_an_entry_keeps_its_lines_and_is_indented_as_its_place():
    @documented_as(chain)
    class Events:
        """Draw, to 2%.

        Parameters
        ----------
        %(pt)s

        %(seed)s

        Returns
        -------
        events : Bunch
            %(n_jobs)s

        Raises
        ------
        %(OSError)s
        """

    assert inspect.getdoc(Events).splitlines() == [
        "Draw, to 2%.",
        "",
        "Parameters",
        "----------",
        "pt : float, default=2.0",
        "    Momentum.",
        "",
        "seed : int",
        "    Repeats.",
        "",
        "    Any number.",
        "",
        "Returns",
        "-------",
        "events : Bunch",
        "    n_jobs, verbose",
        "        As in joblib.",
        "",
        "Raises",
        "------",
        "OSError",
        "    If nothing can be written.",
    ]


def test_the_last_source_wins():
    def other(pt):
        """Cut.

        Parameters
        ----------
        pt : int
        """

    def cut():
        """%(pt)s."""

    assert documented_as(chain, other)(cut).__doc__ == "pt : int."


def test_an_entry_that_no_source_has_is_an_error():
    def draw():
        """%(sead)s."""

    with pytest.raises(KeyError, match="sead"):
        documented_as(chain)(draw)


def test_without_docstrings_nothing_is_replaced():
    def draw():
        pass

    assert documented_as(chain)(draw).__doc__ is None

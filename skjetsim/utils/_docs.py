"""Documentation that several functions or classes share, written once."""

from __future__ import annotations

import re
from textwrap import dedent

__all__ = ["with_docs"]

_PLACE = re.compile(r"%\((\w+)\)s")


def with_docs(**texts):
    """Make a decorator that puts shared texts into a docstring.

    Each ``%(name)s`` in the docstring is replaced by ``texts["name"]``. Further lines of a text are
    indented as the line that holds the place; other percent signs are left alone, so that a
    docstring may say "2%".

    Parameters
    ----------
    **texts : str
        Texts by name; an indentation that all lines have is taken away.

    Returns
    -------
    callable
        Takes a function or class, and returns the same object with another `__doc__`.

    Raises
    ------
    KeyError
        If a docstring names a text that is not given.

    Examples
    --------
    >>> from skjetsim.utils._docs import with_docs
    >>> @with_docs(n_jobs="n_jobs : int, default=1")
    ... def generate(n_jobs=1):
    ...     "Generate events: %(n_jobs)s."
    >>> generate.__doc__
    'Generate events: n_jobs : int, default=1.'
    """
    clean = {name: dedent(text).strip() for name, text in texts.items()}

    def decorate(documented):
        if documented.__doc__:  # none with python -OO
            lines = documented.__doc__.split("\n")
            documented.__doc__ = "\n".join(_fill(line, clean) for line in lines)
        return documented

    return decorate


def _fill(line, texts):
    indent = line[: len(line) - len(line.lstrip())]
    return _PLACE.sub(lambda place: texts[place[1]].replace("\n", "\n" + indent), line)

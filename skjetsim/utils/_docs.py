"""Documentation that several functions or classes share, written once."""

import re
from inspect import getdoc

_PLACE = re.compile(r"%\((\w+)\)s")
_ENTRY = re.compile(r"^\*{0,2}(\w+)(?:, \w+)*(?: : .*)?$")


def documented_as(*sources):
    """Make a decorator that fills a docstring with entries of other docstrings.

    ``%(n_jobs)s`` stands for the entry `n_jobs` of a source: its line in a numpydoc section and
    the indented lines below. Other percent signs are left alone, so that a docstring may say "2%".

    Parameters
    ----------
    *sources : function or class
        With numpydoc docstrings. If several have an entry of one name, the last one is taken.

    Returns
    -------
    callable
        Takes a function or class, and returns the same object with another `__doc__`.

    Raises
    ------
    KeyError
        If a docstring names an entry that no source has.

    Examples
    --------
    >>> from skjetsim.utils._docs import documented_as
    >>> def chain(n_jobs=1):
    ...     '''Run.
    ...
    ...     n_jobs : int
    ...         Processes.
    ...     '''
    >>> @documented_as(chain)
    ... def generate(n_jobs=1):
    ...     '%(n_jobs)s'
    >>> print(generate.__doc__)
    n_jobs : int
        Processes.
    """
    texts = {}
    for source in sources:
        texts |= _entries(getdoc(source) or "")

    def decorate(documented):
        if documented.__doc__:  # none with python -OO
            lines = documented.__doc__.split("\n")
            documented.__doc__ = "\n".join(_fill(line, texts) for line in lines)
        return documented

    return decorate


def _entries(doc):
    """{name: text} of the entries of a docstring, whose lines are not indented."""
    found = {}
    name = None
    for line in doc.split("\n"):
        if line.startswith(" ") or not line:
            if name is not None:
                found[name].append(line)
        else:
            match = _ENTRY.match(line)
            name = match[1] if match else None
            if name is not None:
                found[name] = [line]
    return {name: "\n".join(lines).rstrip() for name, lines in found.items()}


def _fill(line, texts):
    indent = line[: len(line) - len(line.lstrip())]
    return _PLACE.sub(lambda place: _indented(texts[place[1]], indent), line)


def _indented(text, indent):
    first, *rest = text.split("\n")
    return "\n".join([first, *(indent + line if line else "" for line in rest)])

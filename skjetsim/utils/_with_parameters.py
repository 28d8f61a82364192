"""Parameters of estimators as annotated fields, documented once where they are first named."""

import inspect
import re
from dataclasses import dataclass

HEADER = re.compile(r"^Parameters\n-{10}\n", re.MULTILINE)
FIELD = re.compile(r"^(\w+(?:, \w+)*) : (.+)$")


def with_parameters(cls):
    """Make the annotated fields of a class, and of its bases, the parameters of its constructor.

    The class becomes a keyword-only dataclass whose `__init__` stores its arguments and does
    nothing else, as scikit-learn wants it. A subclass changes a default by naming the field again.
    The signature has the class's own parameters first, and the docstring gains the documentation
    of those that it inherits, with its own defaults. A parameter that the docstring documents
    itself keeps that text.

    Parameters
    ----------
    cls : type
        Its docstring may have a numpydoc section "Parameters", with the name and the type of each
        parameter, but without its default.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    TypeError
        If no docstring has a parameter, or a docstring has one that is not an annotated field.
    """
    documented = {}
    for base in reversed(cls.__mro__):  # the text of the class itself comes last, and counts
        documented.update(_parameter_texts(vars(base).get("__doc__")))
    doc = vars(cls).get("__doc__")
    cls = dataclass(kw_only=True, eq=False, repr=False)(cls)
    signature = inspect.signature(cls.__init__)
    by_name = signature.parameters
    names = _own_first(cls)
    for name in names:
        if name not in documented:
            raise TypeError(f"{cls.__name__} does not document its parameter {name!r}.")
    for name in _parameter_texts(doc):
        if name not in names:
            raise TypeError(f"{cls.__name__}.{name} is not a parameter: annotate it.")
    empty = inspect.Signature.empty  # annotations are for type checkers: help() shows none
    shown = [by_name[name].replace(annotation=empty) for name in ("self", *names)]
    cls.__init__.__signature__ = signature.replace(parameters=shown, return_annotation=empty)
    cls.__doc__ = _complete(doc, [(name, by_name[name].default) for name in names], documented)
    return cls


def _own_first(cls):
    """Names of the fields: those that the class introduces, then those of its bases."""
    introduced = {}
    for base in cls.__mro__:
        for name in inspect.get_annotations(base):
            if name in cls.__dataclass_fields__:
                introduced[name] = base  # the farthest base that names it
    return [
        name
        for base in cls.__mro__
        for name in inspect.get_annotations(base)
        if introduced.get(name) is base
    ]


def _sections(doc):
    """Docstring before its parameters, the lines on them, and what follows."""
    doc = inspect.cleandoc(doc or "")
    match = HEADER.search(doc)
    if match is None:
        end = re.search(r"^\w[\w ]*\n-{3,}$", doc, re.MULTILINE)
        at = end.start() if end else len(doc)
        return doc[:at].rstrip(), [], doc[at:]
    rest = doc[match.end() :]
    end = re.search(r"^\w[\w ]*\n-{3,}$", rest, re.MULTILINE)
    at = end.start() if end else len(rest)
    return doc[: match.start()].rstrip(), rest[:at].rstrip().splitlines(), rest[at:]


def _parameter_texts(doc):
    """Type and description, as lines, of each parameter that a docstring has."""
    texts, current = {}, []
    for line in _sections(doc)[1]:
        match = FIELD.match(line)
        if match:
            current = [re.sub(r", default=.*$", "", match[2])]
            texts |= dict.fromkeys(match[1].split(", "), current)
        else:
            current.append(line)
    return texts


def _complete(doc, defaults, documented):
    """Docstring with all parameters, in the order of the signature, and their defaults."""
    before, _, after = _sections(doc)
    lines = []
    for name, default in defaults:
        kind, *text = documented[name]
        if default is not inspect.Parameter.empty:
            kind += ", default=" + repr(default).replace("'", '"')
        lines += [f"{name} : {kind}", *text]
    parts = [before, "Parameters\n----------\n" + "\n".join(lines)]
    return "\n\n".join([*parts, after] if after else parts)

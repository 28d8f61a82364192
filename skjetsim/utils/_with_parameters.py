"""Parameters of estimators as annotated fields, each of which is documented once."""

import inspect
import re
import sys
from dataclasses import dataclass, field

HEADER = re.compile(r"^Parameters\n-{10}\n", re.MULTILINE)
FIELD = re.compile(r"^(\w+(?:, \w+)*) : (.+)$")


def with_parameters(cls):
    """Make the annotated fields of a class, and of its bases, the parameters of its constructor.

    The class becomes a dataclass whose `__init__` only stores its arguments, as scikit-learn
    requires. A field without a default may be given by position, all others only by name.
    `dataclasses.field(kw_only=...)` overrides this. A subclass changes a default by naming the
    field again. In the signature, the class's own parameters come first. The docstring gains the
    documentation of inherited parameters, with the defaults of this class. If the docstring itself
    documents a parameter, that text is used.

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
        If no docstring documents a parameter, or the docstring documents one that is not an
        annotated field.
    """
    documented = {}
    for base in reversed(cls.__mro__):  # the class itself comes last and overrides its bases
        documented.update(_parameter_texts(vars(base).get("__doc__")))
    doc = vars(cls).get("__doc__")
    for name in inspect.get_annotations(cls):
        if not hasattr(cls, name):
            setattr(cls, name, field(kw_only=False))
    cls = dataclass(kw_only=True, eq=False, repr=False)(cls)
    signature = inspect.signature(cls.__init__)
    by_name = signature.parameters
    by_position = [name for name, value in by_name.items() if value.kind is not value.KEYWORD_ONLY]
    names = [*by_position[1:], *(name for name in _own_first(cls) if name not in by_position)]
    empty = inspect.Signature.empty  # annotations are for type checkers: help() shows none
    shown = [by_name[name].replace(annotation=empty) for name in ("self", *names)]
    cls.__init__.__signature__ = signature.replace(parameters=shown, return_annotation=empty)
    if sys.flags.optimize < 2:  # python -OO drops docstrings
        _check_documented(cls, names, documented, doc)
        cls.__doc__ = _complete(doc, [(name, by_name[name].default) for name in names], documented)
    return cls


def _check_documented(cls, names, documented, doc):
    """Raise TypeError unless the docstrings document the parameters and no others."""
    for name in names:
        if name not in documented:
            raise TypeError(f"{cls.__name__} does not document its parameter {name!r}.")
    for name in _parameter_texts(doc):
        if name not in names:
            raise TypeError(f"{cls.__name__}.{name} is not a parameter: annotate it.")


def _own_first(cls):
    """Names of the fields. Those that the class introduces come before those of its bases."""
    introduced = {}
    for base in cls.__mro__:
        for name in inspect.get_annotations(base):
            if name in cls.__dataclass_fields__:
                introduced[name] = base  # in the end, the farthest base that names it
    return [
        name
        for base in cls.__mro__
        for name in inspect.get_annotations(base)
        if introduced.get(name) is base
    ]


def _sections(doc):
    """Docstring in three parts: text before the parameters, their lines, and text after them."""
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
    """Type and description, as lines, of each parameter in a docstring."""
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
    """Docstring with all parameters and their defaults, in the order of the signature."""
    before, _, after = _sections(doc)
    lines = []
    for name, default in defaults:
        kind, *text = documented[name]
        if default is not inspect.Parameter.empty:
            kind += ", default=" + repr(default).replace("'", '"')
        lines += [f"{name} : {kind}", *text]
    parts = [before, "Parameters\n----------\n" + "\n".join(lines)]
    return "\n\n".join([*parts, after] if after else parts)

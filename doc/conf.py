"""The documentation site: `make doc` builds it into doc/_build/html."""

import re

import skjetsim

project = "skjetsim"
author = "the skjetsim developers"
copyright = author
version = release = skjetsim.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "templates"]
templates_path = ["templates"]
root_doc = "index"
default_role = "py:obj"  # a link where a name is known, code elsewhere

# Every page of the reference follows __all__ of its module.
autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # numpydoc sections say them
numpydoc_show_class_members = False  # autodoc does
numpydoc_class_members_toctree = False

myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["auto_examples"],
    "doc_module": ("skjetsim",),
    "reference_url": {"skjetsim": None},
    "backreferences_dir": "generated/backreferences",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "ignore_repr_types": r"matplotlib|skjetsim\.inspection",  # a figure says it all
    # Times would tell how busy the machine was.
    "write_computation_times": False,
    "min_reported_time": 10**6,
}

html_theme = "pydata_sphinx_theme"
html_title = "skjetsim"
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}

_OF_SCIKIT_LEARN = re.compile(
    r"set_\w+_request|get_metadata_routing|[gs]et_params|set_(output|callbacks)"
)


def skip_member(app, what, name, obj, skip, options):
    """Leave out what every scikit-learn estimator has: its own pages explain it."""
    return True if skip or _OF_SCIKIT_LEARN.fullmatch(name) else None


_LITERAL = re.compile(r"(`+[^`]+`+)")
_MARKUP = re.compile(r"(?<=\w)_(?!\w)|\|")  # a link, a substitution


def plain_text(app, what, name, obj, options, lines):
    """Let bars and trailing underscores of docstrings, |eta| and classes_, mean themselves."""
    in_example = False
    for number, line in enumerate(lines):
        in_example = bool(line.strip()) and (in_example or line.lstrip().startswith(">>>"))
        if not in_example and not line.lstrip().startswith(".. "):
            parts = _LITERAL.split(line)
            parts[::2] = [_MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def setup(app):
    app.connect("autodoc-skip-member", skip_member)
    app.connect("autodoc-process-docstring", plain_text, priority=900)  # after numpydoc

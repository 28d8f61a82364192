"""Simulate LHC collisions with machine learning, as scikit-learn estimators.

The functions that work on any estimator of the package (`sample`, `sample_inverse`, `log_prob`,
`innermost`, `save`, `load`) and the modules are loaded when first used, so that importing the
package stays light.
"""

from importlib import import_module

__version__ = "0.1.0.dev0"

_EXPORTS = {
    "draws_to_table": "skjetsim._drawing._table_of_draws",
    "innermost": "skjetsim.base._composition",
    "load": "skjetsim.persistence",
    "log_prob": "skjetsim._drawing._sample",
    "sample": "skjetsim._drawing._sample",
    "sample_chunks": "skjetsim._drawing._sample_chunks",
    "sample_inverse": "skjetsim._drawing._sample",
    "save": "skjetsim.persistence",
}

_MODULES = (
    "base",
    "compose",
    "datasets",
    "flows",
    "inspection",
    "io",
    "metrics",
    "persistence",
    "pipeline",
    "preprocessing",
    "response",
    "selection",
    "transport",
    "utils",
)

__all__ = [
    "__version__",
    "draws_to_table",
    "innermost",
    "load",
    "log_prob",
    "sample",
    "sample_chunks",
    "sample_inverse",
    "save",
]


def __getattr__(name):
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    if name in _MODULES:
        return import_module(f"skjetsim.{name}")
    raise AttributeError(f"module 'skjetsim' has no attribute {name!r}")


def __dir__():
    return sorted({*__all__, *_MODULES})

"""Warnings that point at the user's line, however deep in the package they arise."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

_quiet = ContextVar("quiet", default=False)  # of one thread

OURS = ("skjetsim", "skorch", "sklearn", "joblib", "torch")


def warn_user(message, category=UserWarning):
    """Warn from the innermost frame that is neither of the package nor of its dependencies.

    `warnings.warn(skip_file_prefixes=)` does the same from Python 3.12 on.
    """
    frame, level = sys._getframe(1), 2  # level 1 is this function
    while frame.f_back is not None and _package(frame) in OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def without_hints():
    """Leave out the hints of metrics, which are called many times with the same events."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def gives_hints():
    """Whether metrics give hints: not inside `without_hints`, in the same thread."""
    return not _quiet.get()


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]

"""Where a warning points: at the user's line, however deep the code that warns is."""

from __future__ import annotations

import sys

__all__ = ["user_stacklevel"]

PACKAGE = "skjetsim"


def user_stacklevel():
    """`stacklevel` with which `warnings.warn`, called by the caller, names the user's line.

    Returns
    -------
    int
        It counts the frames up to the first outside the package; 1 is the caller's own.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").split(".")[0] != PACKAGE:
            return level
        frame, level = frame.f_back, level + 1
    return level

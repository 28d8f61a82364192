"""Checks of constructor parameters: each error names the parameter and what it may be."""

from __future__ import annotations

import numbers

from skjetsim.utils._validation import check_int

__all__ = ["check_fraction", "check_positive", "check_widths"]


def check_widths(widths, name):
    """Return the widths of hidden layers as a tuple of ints."""
    if isinstance(widths, (numbers.Number, str)):
        raise TypeError(f"{name} must be a sequence of widths, one a layer, got {widths!r}.")
    return tuple(check_int(width, name) for width in widths)


def check_positive(value, name):
    """Raise ValueError unless `value` is a number above zero."""
    if not isinstance(value, numbers.Real) or not value > 0:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")


def check_fraction(value, name):
    """Raise ValueError unless `value` is a number in [0, 1)."""
    if not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {value!r}.")

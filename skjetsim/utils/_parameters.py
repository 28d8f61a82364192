"""Checks of constructor parameters: each error names the parameter and what it may be."""

import numbers

import numpy as np

from skjetsim.utils._validation import check_int


def check_widths(widths, name):
    """Return the widths of hidden layers as a tuple of ints."""
    if isinstance(widths, (numbers.Number, str)):
        raise TypeError(f"{name} must be a sequence of widths, one per layer, got {widths!r}.")
    return tuple(check_int(width, name) for width in widths)


def check_real(value, name, *, minimum=None, above=None, below=None, unit=""):
    """Return a parameter as a float, or raise naming it and what it may be.

    Parameters
    ----------
    value : object
    name : str
    minimum, above, below : float, optional
        Bounds: at least `minimum`, greater than `above`, smaller than `below`. Infinity and NaN
        are always errors.
    unit : str
        Named in messages, such as "GeV".

    Raises
    ------
    TypeError
        If it is not a real number, or is a boolean.
    ValueError
        If it is out of bounds.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number{unit and f' in {unit}'}, got {value!r}.")
    low = -np.inf if minimum is None else minimum
    inside = np.isfinite(value) and value >= low
    inside = inside and (above is None or value > above) and (below is None or value < below)
    if not inside:
        bounds = []
        if minimum is not None:
            bounds.append("zero or more" if minimum == 0 else f"at least {minimum:g} {unit}")
        if above is not None:
            bounds.append(f"above {above:g} {unit}")
        if below is not None:
            bounds.append(f"below {below:g} {unit}")
        if np.isinf(value) or not bounds:
            bounds.append("finite")
        wanted = " and ".join(bound.rstrip() for bound in bounds)
        raise ValueError(f"{name} must be {wanted}, got {value!r}.")
    return float(value)


def check_positive(value, name):
    """Return a number above zero as a float, or raise naming the parameter."""
    return check_real(value, name, above=0)


def check_fraction(value, name):
    """Return a number in [0, 1) as a float, or raise naming the parameter."""
    return check_real(value, name, minimum=0, below=1)

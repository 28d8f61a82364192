"""Several draws of each event as one table."""

import numpy as np
import pandas as pd

from skjetsim.utils._validation import first_duplicate

EVENT, DRAW = "event", "draw"


def draws_to_table(draws, columns=None, index=None):
    """Write several draws of each event as a table with one row for each draw.

    Parameters
    ----------
    draws : array-like of shape (n, k, n_columns), or (n, k) for one column
        What `sample(model, X, n_samples=k)` and `sample_inverse(model, y, n_samples=k)` return.
    columns : sequence of str, optional
        Names of the columns, such as `y.columns`; y0, y1, ... by default.
    index : array-like of shape (n,) or table of n rows, optional
        Number of each event. Of a DataFrame or a Series, such as the X that was simulated, the
        index is taken. By default events are counted from 0.

    Returns
    -------
    DataFrame of shape (n * k, n_columns + 2)
        "event" has the number of the event, "draw" counts its draws from 0, and the columns of
        the draws follow. Rows are sorted as in `draws`.

    Raises
    ------
    ValueError
        If `draws` has another shape, if there are not as many names or numbers as needed, or if a
        name is used twice.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim import draws_to_table
    >>> draws = np.array([[[41.0, 0.1], [43.0, 0.2]], [[60.0, -1.0], [61.0, -1.1]]])
    >>> draws_to_table(draws, ["jet_pt", "jet_eta"], index=[7, 9])
       event  draw  jet_pt  jet_eta
    0      7     0    41.0      0.1
    1      7     1    43.0      0.2
    2      9     0    60.0     -1.0
    3      9     1    61.0     -1.1
    """
    rows = np.asarray(draws)
    if rows.ndim == 2:
        rows = rows[:, :, None]
    if rows.ndim != 3:
        raise ValueError(
            f"draws has shape {np.shape(draws)}, expected (n, k, n_columns) for k draws of n "
            "events. Draws of clouds and images become rows by draws.reshape(n, k, -1)."
        )
    n_events, n_draws, n_columns = rows.shape
    names = _names(columns, n_columns)
    numbers = _numbers(index, n_events)
    table = pd.DataFrame(rows.reshape(-1, n_columns), columns=names)
    table.insert(0, EVENT, np.repeat(numbers, n_draws))
    table.insert(1, DRAW, np.tile(np.arange(n_draws), n_events))
    return table


def _names(columns, n_columns):
    """Names of the columns of the draws, checked."""
    if columns is None:
        return [f"y{i}" for i in range(n_columns)]
    names = [columns] if isinstance(columns, str) else list(columns)
    if len(names) != n_columns:
        raise ValueError(f"columns has {len(names)} names, but draws has {n_columns} columns.")
    if (twice := first_duplicate([EVENT, DRAW, *names])) is not None:
        raise ValueError(
            f"The table would have two columns named {twice!r}: rename that of the draws."
        )
    return names


def _numbers(index, n_events):
    """Number of each event, checked."""
    if index is None:
        return np.arange(n_events)
    numbers = index if isinstance(index, pd.Index) else getattr(index, "index", index)
    if callable(numbers):  # lists and tuples have a method of this name
        numbers = index
    if isinstance(numbers, pd.MultiIndex) or np.ndim(numbers) != 1:
        raise ValueError(
            "index must have one number for each event: pass a one-dimensional array, or a table "
            "with a plain index."
        )
    numbers = np.asarray(numbers)
    if len(numbers) != n_events:
        raise ValueError(f"index has {len(numbers)} entries, but draws has {n_events} events.")
    return numbers

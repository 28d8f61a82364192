"""`sample_chunks`: more events than fit into memory, a table at a time."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from skjetsim._drawing._sample import check_draws, sample, split_steps, unwrap_search
from skjetsim.base import is_generator
from skjetsim.base._inside import explained
from skjetsim.utils._containers import is_polars, read_container, table_like
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng
from skjetsim.utils._tables import rechunk
from skjetsim.utils._validation import check_int, column_names

# A whole number of the chunks that networks see (`CHUNK_ROWS`), so that few threads wait at the end
# of a block. 30 columns of a block are 16 MB.
BLOCK_ROWS = 65_536


def sample_chunks(estimator, X=None, *, n_samples=None, random_state=None, return_X_y=False):
    """Draw events a table at a time, in bounded memory.

    The events come in blocks of 65,536 rows, which :func:`skjetsim.io.write_events` can write and
    histograms can count.

    Parameters
    ----------
    estimator : fitted generator or simulator
        As in `skjetsim.sample`.
    X : table or ndarray of shape (n, n_features), or iterable of them, optional
        Theory-level events that a simulator is given: a table, or tables one after another, as
        :func:`skjetsim.io.iter_events` reads them. A generator takes none.
    n_samples : int, optional
        Number of events (generator, default 1), or of draws for each row of X (simulator).
    random_state : None, int, Generator or RandomState
        None gives new events at each call, an int the same ones. Block i has the i-th seed below
        it. So events depend on the seed and their position, but not on `n_jobs` or on the sizes of
        the tables of X. They differ from those of one call of `sample`.
    return_X_y : bool, default=False
        Give (X, y) instead of y, for files with both levels of an event. It is for simulators,
        without `n_samples`.

    Returns
    -------
    chunks : iterator of DataFrame, ndarray or tuple
        Tables of 65,536 rows, and one of the remaining rows, with the names of the fit. Without
        names they are x0, x1, ... for a generator and y0, y1, ... for a simulator. They are tables
        of polars if those of X are, and otherwise of pandas, with the index of X if X is one table,
        and consecutive numbers if it is not. Chunks are arrays if a row is a cloud or an image, or
        if `n_samples` gives each event an axis of draws. The latter have 65,536 // n_samples
        events. If X has no events, there is one chunk without rows.

    Raises
    ------
    TypeError
        If X is missing for a simulator or given to a generator, or has another type.
    ValueError
        If a table of X has other columns than the first, or holds values that the estimator
        refuses.

    See Also
    --------
    skjetsim.io.write_events : Writes the events to a Parquet or ROOT file.
    skjetsim.io.iter_events : Reads the events of a simulator in chunks.

    Examples
    --------
    >>> import os, tempfile
    >>> from skjetsim import sample_chunks
    >>> from skjetsim.datasets import load_wjet
    >>> from skjetsim.flows import FlowSimulator
    >>> from skjetsim.io import iter_events, read_events, write_events
    >>> X, y = load_wjet(return_X_y=True)
    >>> simulator = FlowSimulator(n_transforms=2, max_epochs=1, random_state=0).fit(X, y)
    >>> folder = tempfile.mkdtemp()
    >>> generated, simulated = (os.path.join(folder, name) for name in ("X.parquet", "y.parquet"))
    >>> write_events(generated, X)
    >>> write_events(simulated, sample_chunks(simulator, iter_events(generated), random_state=1))
    >>> read_events(simulated).shape == y.shape
    True
    """
    inner = unwrap_search(estimator)
    if n_samples is not None:
        n_samples = check_int(n_samples, "n_samples")
    if is_generator(inner):
        check_draws(inner, True if return_X_y else X, "sample_chunks")
        return _generated(inner, n_samples or 1, as_seed_sequence(random_state))
    check_draws(inner, X, "sample_chunks", ", as a table or an iterable of tables")
    if return_X_y and n_samples is not None:
        raise TypeError("return_X_y=True gives one y for each X: leave n_samples out.")
    blocks = _blocks(_tables(X), max(1, BLOCK_ROWS // (n_samples or 1)))
    return _simulated(inner, blocks, n_samples, as_seed_sequence(random_state), return_X_y)


def _generated(estimator, n_samples, root):
    for block, start in enumerate(range(0, n_samples, BLOCK_ROWS)):
        n_rows = min(BLOCK_ROWS, n_samples - start)
        drawn = sample(estimator, n_samples=n_rows, random_state=numpy_rng(root, block))
        names = getattr(estimator, "feature_names_in_", None)
        yield _named(drawn, names, "x", pd.RangeIndex(start, start + n_rows))


def _simulated(estimator, blocks, n_samples, root, return_X_y):
    names = getattr(split_steps(estimator)[1], "target_names_in_", None)
    start = 0
    for block, (X, index) in enumerate(blocks):
        seed = numpy_rng(root, block)
        with explained(rows=range(start, start + len(X)) if start else None):
            drawn = sample(estimator, X, n_samples=n_samples, random_state=seed)
        start += len(X)
        y = _named(drawn, names, "y", index, like=X)
        yield (X, y) if return_X_y else y


def _blocks(tables, n_rows):
    """Blocks of X and their index: that of X if it is one table, else consecutive numbers."""
    if isinstance(tables, pd.DataFrame):
        yield from ((X, X.index) for X in rechunk([tables], n_rows))
        return
    start = 0
    for X in rechunk(tables, n_rows):
        index = pd.RangeIndex(start, start + len(X))
        start += len(X)
        yield (X.set_axis(index) if isinstance(X, pd.DataFrame) else X), index


def _named(drawn, names, letter, index, like=None):
    """Rows as a table, which files need. Clouds, images and draws stay arrays."""
    if isinstance(drawn, pd.DataFrame):
        return drawn.set_axis(index)
    if not isinstance(drawn, np.ndarray) or drawn.ndim > 2:
        return drawn
    rows = drawn[:, None] if drawn.ndim == 1 else drawn
    if names is None or len(names) != rows.shape[1]:
        names = [f"{letter}{i}" for i in range(rows.shape[1])]
    if is_polars(like):
        return table_like(like, rows, names)
    return pd.DataFrame(rows, columns=list(names), index=index)


def _tables(X):
    """Check the type of X: a table, or tables one after another."""
    if not isinstance(X, (list, tuple)) and not is_polars(X):
        X = read_container(X)
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, np.ndarray) or is_polars(X):
        return [X]
    if not isinstance(X, Iterable) or isinstance(X, (str, bytes, dict)):
        raise TypeError(
            f"X must be a DataFrame or an array, or an iterable of them, got {type(X).__name__}."
        )
    return _alike(X)


def _alike(tables):
    """Yield tables, or raise if one has other columns than the first."""
    first = None
    for number, table in enumerate(tables):
        if not isinstance(table, (pd.DataFrame, np.ndarray)) and not is_polars(table):
            hint = ""
            if isinstance(table, tuple):
                hint = " For pairs, pass X alone: sample_chunks(estimator, (X for X, y in pairs))."
            raise TypeError(
                f"Chunk {number} of X must be a DataFrame or an array, got "
                f"{type(table).__name__}.{hint}"
            )
        shape = (column_names(table), table.shape[1:])
        first = first or shape
        if shape != first:
            raise ValueError(
                f"Chunk {number} of X has other columns than the first: {shape[0] or shape[1]} "
                f"where the first has {first[0] or first[1]}."
            )
        yield table
    if first is None:
        raise ValueError("X is an iterable without chunks: there is nothing to simulate.")

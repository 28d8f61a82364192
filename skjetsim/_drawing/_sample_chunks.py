"""`sample_chunks`: more events than fit into memory, a table at a time."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from skjetsim._drawing._sample import sample, split_steps, unwrap_search
from skjetsim.base import is_generator, is_simulator
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng
from skjetsim.utils._tables import rechunk
from skjetsim.utils._validation import check_int, column_names, refuse_count

# A whole number of the chunks that networks see (`CHUNK_ROWS`): few threads wait at the
# end of a block, and 30 columns of it are 16 MB.
BLOCK_ROWS = 65_536


def sample_chunks(estimator, X=None, *, n_samples=None, random_state=None, return_X_y=False):
    """Draw events a table at a time, in bounded memory.

    What `skjetsim.sample` draws at once comes in blocks of 65,536 rows, for
    :func:`skjetsim.io.write_events` to write or for histograms to count.

    Parameters
    ----------
    estimator : fitted generator or simulator
        As in `skjetsim.sample`.
    X : DataFrame or ndarray of shape (n, n_features), or iterable of them, optional
        Theory-level events a simulator is asked about: a table, or tables one after another, as
        :func:`skjetsim.io.iter_events` reads them. A generator takes none.
    n_samples : int, optional
        Number of events (generator, default 1), or of draws for each row of X (simulator).
    random_state : None, int, Generator or RandomState
        None is fresh at each call. An int repeats the same events: block i has the i-th seed
        below it, so that events depend on the seed and their position, and neither on `n_jobs`
        nor on the sizes of the tables of X. They are not those of one call of `sample`.
    return_X_y : bool, default=False
        Give (X, y) instead of y, for the two levels of an event in one file; for simulators,
        without `n_samples`.

    Returns
    -------
    chunks : iterator of DataFrame, ndarray or tuple
        Tables of 65,536 rows, the last one of what is left, with the names of the fit. Without
        names they are x0, x1, ... for a generator and y0, y1, ... for a simulator. Rows have the
        index of X if that is one table, and are numbered through otherwise. Arrays, if a row is a
        cloud or an image, or `n_samples` gives each event an axis of draws: these have
        65,536 // n_samples events. No events in X give one chunk without rows.

    Raises
    ------
    TypeError
        If X is missing for a simulator or given to a generator, or is of another type.
    ValueError
        If a table of X has other columns than the first; from the estimator, on bad values.

    See Also
    --------
    skjetsim.io.write_events : Writes them to a Parquet or ROOT file.
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
        if X is not None or return_X_y:
            raise TypeError(
                f"{type(inner).__name__} is a generator: it draws p(X) and takes no X. Ask for "
                "sample_chunks(estimator, n_samples=...)."
            )
        return _generated(inner, n_samples or 1, as_seed_sequence(random_state))
    if not is_simulator(inner):
        sample(inner, X)  # raises the TypeError that says so
    if return_X_y and n_samples is not None:
        raise TypeError("return_X_y=True gives one y for each X: leave n_samples out.")
    blocks = _blocks(_tables(inner, X), max(1, BLOCK_ROWS // (n_samples or 1)))
    return _simulated(inner, blocks, n_samples, as_seed_sequence(random_state), return_X_y)


def _generated(estimator, n_samples, root):
    for block, start in enumerate(range(0, n_samples, BLOCK_ROWS)):
        n_rows = min(BLOCK_ROWS, n_samples - start)
        drawn = sample(estimator, n_samples=n_rows, random_state=numpy_rng(root, block))
        names = getattr(estimator, "feature_names_in_", None)
        yield _named(drawn, names, "x", pd.RangeIndex(start, start + n_rows))


def _simulated(estimator, blocks, n_samples, root, return_X_y):
    names = getattr(split_steps(estimator)[1], "target_names_in_", None)
    for block, (X, index) in enumerate(blocks):
        seed = numpy_rng(root, block)
        drawn = sample(estimator, X, n_samples=n_samples, random_state=seed)
        y = _named(drawn, names, "y", index)
        yield (X, y) if return_X_y else y


def _blocks(tables, n_rows):
    """Blocks of X and their index: that of one table, else rows are numbered through."""
    if isinstance(tables, pd.DataFrame):
        yield from ((X, X.index) for X in rechunk([tables], n_rows))
        return
    start = 0
    for X in rechunk(tables, n_rows):
        index = pd.RangeIndex(start, start + len(X))
        start += len(X)
        yield (X.set_axis(index) if isinstance(X, pd.DataFrame) else X), index


def _named(drawn, names, letter, index):
    """Rows as a table, which files need; what is not a table of columns stays an array."""
    if isinstance(drawn, pd.DataFrame):
        return drawn.set_axis(index)
    if not isinstance(drawn, np.ndarray) or drawn.ndim > 2:
        return drawn
    rows = drawn[:, None] if drawn.ndim == 1 else drawn
    if names is None or len(names) != rows.shape[1]:
        names = [f"{letter}{i}" for i in range(rows.shape[1])]
    return pd.DataFrame(rows, columns=list(names), index=index)


def _tables(estimator, X):
    """Check the type of X: a DataFrame, or tables one after another."""
    if X is None:
        raise TypeError(
            f"{type(estimator).__name__} is a simulator: pass the theory-level events X it shall "
            "simulate, as a table or an iterable of tables."
        )
    refuse_count(estimator, X)
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, np.ndarray):
        return [X]
    if not isinstance(X, Iterable) or isinstance(X, (str, bytes, dict)):
        raise TypeError(
            f"X must be a DataFrame or an array, or an iterable of them, got {type(X).__name__}."
        )
    return _alike(X)


def _alike(tables):
    """Pass tables on, as long as each has the columns of the first."""
    first = None
    for number, table in enumerate(tables):
        if not isinstance(table, (pd.DataFrame, np.ndarray)):
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

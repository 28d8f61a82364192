"""Seed-chunked sampling: same seed, same events, on any number of workers.

Rows are drawn in chunks of constant size. Chunk i has its own seed, spawned from that of the call.
A network sees the whole chunk on one thread, because the rounding of a matrix product depends on
its height and on how threads share it. So events do not depend on the number of workers. The rest
at the end is padded to the next power of two. So one event costs one event, and differs from the
same row of a longer call only by rounding.
"""

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from skjetsim.utils._seeds import as_seed_sequence, torch_generator
from skjetsim.utils._threads import one_thread
from skjetsim.utils._validation import check_n_jobs

CHUNK_ROWS = 4096
LEAST_DRAWN = 16  # rows of noise


class Chunk:
    """Rows that are drawn together: their number, their inputs and their own noise.

    Parameters
    ----------
    root : numpy.random.SeedSequence
        Seed of the call.
    index : int
        Number of the chunk in the call.
    n_rows : int
        Number of rows that networks see: a full chunk or, at the end, the next power of two.
    inputs : ndarray of shape (at most n_rows, n_inputs) or None
        Condition of each event. The last row is repeated up to `n_rows`.
    """

    def __init__(self, root, index, n_rows, inputs=None):
        self.n_rows = n_rows
        self.inputs = None if inputs is None else padded_rows(inputs, n_rows)
        self._root, self._key, self._n_drawn = root, (index,), 0

    def generator(self):
        """Private torch.Generator. Each call gives a new one."""
        key = self._key if self._n_drawn == 0 else (*self._key, self._n_drawn)
        self._n_drawn += 1
        return torch_generator(self._root, *key)

    def normal(self, n_columns):
        """Standard normal noise, float32 of shape (n_rows, n_columns)."""
        import torch

        # torch fills blocks of 16 numbers: from 16 rows on, the first rows do not depend on n_rows.
        n_drawn = max(self.n_rows, LEAST_DRAWN)
        return torch.randn(n_drawn, n_columns, generator=self.generator())[: self.n_rows]


def chunk_height(n_rows, chunk_rows=CHUNK_ROWS):
    """Number of rows that a network sees of a part of a chunk: the next power of two."""
    return min(chunk_rows, 1 << (n_rows - 1).bit_length())


def padded_rows(rows, n_rows):
    """Rows, the last one repeated so that there are `n_rows`."""
    if len(rows) == n_rows:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], n_rows - len(rows), axis=0)])


def draw_in_chunks(
    draw, n_rows, *, n_columns, random_state, inputs=None, n_jobs=None, chunk_rows=CHUNK_ROWS
):
    """Fill an array of events chunk by chunk.

    Parameters
    ----------
    draw : callable
        `draw(chunk)` takes a `Chunk` and returns an array of shape (chunk.n_rows, ...), whose
        rows are flattened to `n_columns` numbers.
    n_rows, n_columns : int
        Shape of the result.
    random_state : None, int, Generator, RandomState or SeedSequence
    inputs : ndarray of shape (n_rows, n_inputs), optional
        Condition of each event.
    n_jobs : int, optional
        Number of worker threads. The result does not depend on it.
    chunk_rows : int
        Rows of a full chunk. Another size means other noise, so an estimator keeps the size that it
        was fitted with.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)
    """
    root, n_jobs = as_seed_sequence(random_state), check_n_jobs(n_jobs)
    result = np.empty((n_rows, n_columns))
    starts = range(0, n_rows, chunk_rows)

    def fill(index, start):
        stop = min(start + chunk_rows, n_rows)
        height = chunk_height(stop - start, chunk_rows)
        rows = None if inputs is None else inputs[start:stop]
        drawn = draw(Chunk(root, index, height, rows))[: stop - start]
        result[start:stop] = drawn.reshape(stop - start, n_columns)

    def fill_on_one_thread(index, start):
        with one_thread():
            fill(index, start)

    n_workers = min(effective_n_jobs(n_jobs), len(starts)) if len(starts) > 1 else 1
    if n_workers <= 1:  # without joblib, which costs more than a short call
        with one_thread():
            for index, start in enumerate(starts):
                fill(index, start)
    else:
        Parallel(n_jobs=n_workers, backend="threading")(
            delayed(fill_on_one_thread)(index, start) for index, start in enumerate(starts)
        )
    return result

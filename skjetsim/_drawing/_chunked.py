"""Seed-chunked sampling: same seed, same events, on any number of workers.

Rows are drawn in chunks of one constant size. Chunk i has a seed of its own, spawned from the
call's, and a network always sees a full chunk (the tail is padded) on one thread, because the
rounding of a matrix product depends on its height and on how threads share it. So what a row
becomes depends on the seed and on its position, and on nothing else.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from skjetsim.utils._seeds import as_seed_sequence, torch_generator

__all__ = ["CHUNK_ROWS", "draw_in_chunks", "one_thread", "padded_chunk"]

CHUNK_ROWS = 4096


_thread_lock = threading.Lock()
_thread_state = {"users": 0, "before": 0}


@contextmanager
def one_thread():
    """Run torch on one thread per worker; the process's setting comes back afterwards."""
    import torch

    with _thread_lock:
        if _thread_state["users"] == 0:
            _thread_state["before"] = torch.get_num_threads()
        _thread_state["users"] += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _thread_lock:
            _thread_state["users"] -= 1
            if _thread_state["users"] == 0:
                torch.set_num_threads(_thread_state["before"])


def draw_in_chunks(draw, n_rows, *, n_columns, random_state, inputs=None, n_jobs=None):
    """Fill an array of events chunk by chunk.

    Parameters
    ----------
    draw : callable
        `draw(generator, chunk)` returns an array of shape (CHUNK_ROWS, n_columns); `generator` is
        the chunk's torch.Generator and `chunk` its rows of `inputs` (None without inputs).
    n_rows, n_columns : int
        Shape of the result.
    random_state : None, int, Generator, RandomState or SeedSequence
    inputs : ndarray of shape (n_rows, n_inputs), optional
        What is conditioned on; the last chunk is padded with its last row.
    n_jobs : int, optional
        Worker threads. The result does not depend on it.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)
    """
    root = as_seed_sequence(random_state)
    result = np.empty((n_rows, n_columns))
    starts = range(0, n_rows, CHUNK_ROWS)

    def fill(index, start):
        import torch

        torch.set_num_threads(1)  # a setting of the thread it is called in
        stop = min(start + CHUNK_ROWS, n_rows)
        chunk = None if inputs is None else padded_chunk(inputs[start:stop])
        result[start:stop] = draw(torch_generator(root, index), chunk)[: stop - start]

    with one_thread():
        n_workers = min(effective_n_jobs(n_jobs), len(starts))
        if n_workers <= 1:
            for index, start in enumerate(starts):
                fill(index, start)
        else:
            Parallel(n_jobs=n_workers, backend="threading")(
                delayed(fill)(index, start) for index, start in enumerate(starts)
            )
    return result


def padded_chunk(rows):
    """Rows of a chunk, the last one repeated up to the constant size."""
    if len(rows) == CHUNK_ROWS:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], CHUNK_ROWS - len(rows), axis=0)])

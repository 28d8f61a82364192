"""Number of threads of torch, OpenMP and BLAS: one for a while, and one in forked processes."""

import functools
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

from threadpoolctl import threadpool_limits

# A fit on several threads lets each wait for all others many times per tree or batch. If other
# programs use the cores too, a fit of a few events takes a hundred times as long.
ONE_THREAD_ROWS = 200_000

_lock = threading.Lock()
_blas = {"users": 0, "limits": None}


@contextmanager
def one_thread():
    """Run torch on one thread in the calling thread, and restore its setting afterwards.

    Each thread has a setting of its own. `torch.set_num_threads` changes that of its caller, and
    also the setting that threads start with which have not used torch yet.
    """
    import torch

    with _lock:  # so that no other thread starts with the setting of this one
        before = torch.get_num_threads()
        # Also if it is one: that is OpenMP's number, and MKL may have another one.
        torch.set_num_threads(1)
        if before != 1:
            _set_default(before)
    try:
        yield
    finally:
        if before != 1:
            with _lock:
                torch.set_num_threads(before)


def _set_default(n_threads):
    """Set the number of threads that torch has in threads that have not used it yet."""
    import torch

    if threading.active_count() > 1:  # else there is no other thread that could start with it
        setter = threading.Thread(target=torch.set_num_threads, args=(n_threads,))
        setter.start()
        setter.join()


@contextmanager
def single_threaded():
    """Use one thread of torch, OpenMP and BLAS, and restore the settings afterwards.

    The setting of BLAS is that of the process. The last of several users restores it.
    """
    with one_thread(), _single_threaded_without_torch():
        yield


def fit_threads(n_rows):
    """Context for the fit of a classifier: `single_threaded` for up to `ONE_THREAD_ROWS` rows.

    torch is not loaded for it.
    """
    if n_rows > ONE_THREAD_ROWS:
        return nullcontext()
    return single_threaded() if "torch" in sys.modules else _single_threaded_without_torch()


@contextmanager
def _single_threaded_without_torch():
    with _lock:
        if _blas["users"] == 0:
            _blas["limits"] = threadpool_limits(1, user_api="blas")
        _blas["users"] += 1
    try:
        with threadpool_limits(1, user_api="openmp"):
            yield
    finally:
        with _lock:
            _blas["users"] -= 1
            if _blas["users"] == 0:
                _blas["limits"].restore_original_limits()


def map_threads(function, items):
    """List of the results of a function for each item, in as many threads as torch may use.

    Torch computes each item on one thread, so that its rounding does not depend on their number.
    """
    import torch

    def alone(item):
        with one_thread():
            return function(item)

    n_workers = min(torch.get_num_threads(), len(items))
    if n_workers <= 1:
        with one_thread():
            return list(map(function, items))
    with ThreadPoolExecutor(n_workers) as pool:
        return list(pool.map(alone, items))


@functools.cache
def protect_forks():
    """Let processes that are forked from now on compute on one thread.

    OpenMP hangs in a forked process if its parent has used several threads.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_stay_on_one_thread)


def _stay_on_one_thread():
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threadpool_limits(1, user_api="openmp")

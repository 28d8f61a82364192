"""Locks on files. They end with the process that holds them, however it ends."""

import os
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


def try_lock(descriptor):
    """Lock an open file.

    Parameters
    ----------
    descriptor : int

    Returns
    -------
    bool or None
        False if another holds the lock. None if this system or its folder has no locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have none
        return None
    return True


def is_named(descriptor, path):
    """Whether an open file is still the one at `path`: its name may have been removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


@contextmanager
def holding(path, what):
    """Hold a lock on `path`, which needs not exist, in a file next to it that ends in ".lock".

    Parameters
    ----------
    path : str
    what : str
        How the message calls what is held, such as "checkpoint".

    Raises
    ------
    BlockingIOError
        If another process or thread holds it.
    """
    path = os.path.realpath(path)
    descriptor = _locked(f"{path}.lock")
    if descriptor is None:
        raise BlockingIOError(
            f"The {what} {path!r} is in use by {_holder(f'{path}.lock')}. Wait until it ends, or "
            "give another path."
        )
    try:
        yield
    finally:
        with suppress(OSError):
            os.remove(f"{path}.lock")
        os.close(descriptor)


def _locked(lock):
    """Descriptor of a lock file that is locked, or None if another holds it."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        if try_lock(descriptor) is False:
            os.close(descriptor)
            return None
        if is_named(descriptor, lock):  # its last holder may have removed it just now
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            return descriptor
        os.close(descriptor)


def _holder(lock):
    with suppress(OSError, ValueError), open(lock) as file:
        number = int(file.read())
        return "another fit of this process" if number == os.getpid() else f"process {number}"
    return "another process"

"""Files that are written whole or not at all: they are moved to their place in one step."""

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path, what):
    """Give the name of a partial file that takes the place of `path` if nothing fails.

    If something fails, the partial file is removed, and an old file at `path` stays as it was.

    Parameters
    ----------
    path : str or path-like
    what : str
        How messages call what is saved, such as "a model".

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can have this name.
    OSError
        If the disk or a quota is full.
    """
    path = os.fspath(path)
    folder = os.path.dirname(path) or os.curdir
    _check_place(path, folder, what)
    # The name is random, so that two processes that write the same file do not mix their bytes.
    partial = f"{path}.{secrets.token_hex(4)}.partial"
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        _remove(partial)
        free = shutil.disk_usage(folder).free / 1e6
        raise OSError(
            error.errno,
            f"{os.strerror(error.errno)}: {path!r} was not written, and nothing else was changed. "
            f"{free:,.1f} MB are free in {folder!r}; make room or choose another folder",
        ) from error
    finally:
        _remove(partial)


def _remove(path):
    with suppress(FileNotFoundError):
        os.remove(path)


def _check_place(path, folder, what):
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a folder: pass the name of a file to save {what} in.")
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"There is no folder {folder!r} to save {what} in: make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"No file can be made in the folder {folder!r} to save {what} in: choose another, or "
            "change its permissions."
        )

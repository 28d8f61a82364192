"""Files that are written whole or not at all: they are moved to their place in one step."""

import errno
import os
import re
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress

from skjetsim.utils._locks import is_named, try_lock

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
ANYONE_WRITES = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def replacing(path, what):
    """Give the name of a partial file that takes the place of `path` if nothing fails.

    The file is on the disk before it takes the place of the old one. It keeps the permissions of
    the old one, and a symbolic link stays a link. If something fails, the partial file is removed,
    and an old file at `path` stays as it was. A partial file that a killed process left is removed
    by the next writing to the same path.

    Parameters
    ----------
    path : str or path-like
    what : str
        How messages call what is saved, such as "a model".

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can have this name, or the old file is read-only.
    FileExistsError
        If `path` is a device, a pipe or a socket.
    OSError
        If the disk or a quota is full.
    """
    path = os.fsdecode(path)
    target = os.path.realpath(path)
    check_place(path, what)
    _remove_leftovers(target)
    partial, descriptor = _new_partial(target)
    try:
        yield partial
        _finish(partial, target)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise OSError(error.errno, _no_space(error, path, partial)) from error
    finally:
        with suppress(FileNotFoundError):
            os.remove(partial)
        os.close(descriptor)


def check_place(path, what):
    """Raise OSError if no file can be written at `path`, by the rules of `replacing`."""
    path = os.fsdecode(path)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{path!r} is a folder: pass the name of a file to save {what} in.")
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"There is no folder {_named(path, folder)!r} to save {what} in: make it first."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"No file can be made in the folder {_named(path, folder)!r} to save {what} in: choose "
            "another, or change its permissions."
        )
    if not os.path.lexists(target):
        return
    mode = os.stat(target, follow_symlinks=False).st_mode
    if not stat.S_ISREG(mode):
        raise FileExistsError(f"{path!r} is not a regular file: choose another name for {what}.")
    # The administrator may write to any file, but the mode still says that nobody should.
    if not mode & ANYONE_WRITES or not os.access(target, os.W_OK):
        raise PermissionError(
            f"{path!r} is read-only, and is not replaced: choose another name for {what}, or "
            "change its permissions."
        )


def _named(path, folder):
    """The folder as the user wrote it, unless `path` is a link to another one."""
    return folder if os.path.islink(path) else os.path.dirname(path) or os.curdir


def _new_partial(target):
    """Name of a new file next to the target, and its descriptor, which is locked."""
    while True:
        # The name is random, so that two processes that write the same file do not mix their bytes.
        partial = f"{target}.{secrets.token_hex(4)}.partial"
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        # Another writer may have taken it for a leftover before it was locked.
        if try_lock(descriptor) is not False and is_named(descriptor, partial):
            if os.path.exists(target):  # nobody else may read now what is private afterwards
                os.chmod(
                    partial, stat.S_IMODE(os.stat(target).st_mode) | stat.S_IRUSR | stat.S_IWUSR
                )
            return partial, descriptor
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.remove(partial)


def _finish(partial, target):
    """Bring a partial file to the disk, and then to its place."""
    with open(partial, "rb+") as file:
        os.fsync(file.fileno())
    if os.path.exists(target):
        old = os.stat(target)
        with suppress(PermissionError, AttributeError):  # only an administrator gives files away
            os.chown(partial, old.st_uid, old.st_gid)
        os.chmod(partial, stat.S_IMODE(old.st_mode))
    os.replace(partial, target)
    with suppress(OSError):  # not every system lets a folder be opened
        folder = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remove_leftovers(target):
    """Remove the partial files of killed writers. Those of living ones are locked."""
    folder, name = os.path.split(target)
    leftover = re.compile(rf"{re.escape(name)}\.[0-9a-f]{{8}}\.partial")
    with os.scandir(folder) as entries:
        found = [entry.path for entry in entries if leftover.fullmatch(entry.name)]
    for partial in found:
        with suppress(OSError):
            descriptor = os.open(partial, os.O_RDWR)
            try:
                if try_lock(descriptor) and is_named(descriptor, partial):
                    os.remove(partial)
            finally:
                os.close(descriptor)


def _no_space(error, path, partial):
    """Message of a full disk, as it was when writing failed."""
    folder = os.path.dirname(partial)
    free = shutil.disk_usage(folder).free / 1e6
    with suppress(OSError):
        written = os.path.getsize(partial) / 1e6
        return (
            f"{os.strerror(error.errno)}: {path!r} was not written, and nothing else was changed. "
            f"When writing failed, {written:,.1f} MB of it were written, and {free:,.1f} MB were "
            f"free in {folder!r}. Make room, or choose another folder"
        )
    return f"{os.strerror(error.errno)}: {path!r} was not written. {free:,.1f} MB were free"

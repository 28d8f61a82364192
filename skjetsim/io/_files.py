"""What the file formats have in common: paths, suffixes, metadata, damage."""

import glob
import json
import os
import re
from contextlib import contextmanager
from difflib import get_close_matches

# Parquet's file metadata and an object in ROOT files: one JSON text under this name.
METADATA = "skjetsim"

# Rows of a Parquet row group or a ROOT basket: a megabyte per column is large for the disk and
# small for the memory.
ROWS = 100_000

FORMATS = {".parquet": "Parquet", ".root": "ROOT"}


def file_format(path):
    """Format that the suffix of a path names."""
    suffix = os.path.splitext(path)[1]
    if suffix.lower() not in FORMATS:
        raise ValueError(
            f"{path!r} ends in {suffix!r}, but events are kept in {' or '.join(FORMATS)} files: "
            "change the suffix to say which."
        )
    return FORMATS[suffix.lower()]


def as_files(path, tree):
    """Files to read, which are there, each with the tree to read from it.

    Parameters
    ----------
    path : str, path-like or sequence of them
        Paths, patterns of them, and paths that end in `.root:` and the name of a tree.
    tree : str or None

    Returns
    -------
    list of tuple of str and (str or None)
    """
    if isinstance(path, (str, os.PathLike)):
        given = [path]
    else:
        try:
            given = list(path)
        except TypeError as error:
            raise _path_type_error(path) from error
    if not given:
        raise FileNotFoundError("path is an empty list: does its pattern match any file?")
    files = []
    for one in given:
        name, inside = _split_tree(_as_text(one), tree)
        for found in _expanded(name, [file for file, _ in files]):
            _check_there(found)
            if file_format(found) != "ROOT" and inside is not None:
                raise ValueError(f"tree={inside!r} is for ROOT files, and {found} is not one.")
            files.append((found, inside))
    return files


def _as_text(path):
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise _path_type_error(path)
    return text


def _path_type_error(path):
    return TypeError(f"path must be a path or a sequence of paths, got {type(path).__name__}.")


def _split_tree(path, tree):
    """Path of a file, and the tree that follows it after a colon."""
    parts = re.fullmatch(r"(.+\.root):(.+)", path, re.IGNORECASE | re.DOTALL)
    if parts is None or os.path.exists(path):
        return path, tree
    file, inside = parts.groups()
    if tree not in (None, inside):
        raise ValueError(f"{path!r} names the tree {inside!r}, and tree= is {tree!r}: drop one.")
    return file, inside


def _expanded(path, others):
    """Return the files that a pattern matches, sorted; a name that is there is no pattern."""
    if os.path.exists(path) or not glob.has_magic(path):
        return [path]
    found = sorted(glob.glob(path, recursive=True))
    if not found:
        raise FileNotFoundError(f"No file matches the pattern {path!r}.")
    twice = {*map(os.path.abspath, found)}.intersection(map(os.path.abspath, others))
    if twice:
        raise ValueError(
            f"The pattern {path!r} matches {min(twice)!r}, which another entry of path names, too: "
            "its events would be read twice."
        )
    return found


def _check_there(path):
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        files = [name for name in names if os.path.splitext(name)[1].lower() in FORMATS]
        if not files:
            raise FileNotFoundError(
                f"{path!r} is a folder without {' or '.join(FORMATS)} files: there is nothing to "
                "read."
            )
        pattern = os.path.join(path, f"*{os.path.splitext(files[0])[1]}")
        raise IsADirectoryError(f"{path!r} is a folder: pass {pattern!r} to read the files in it.")
    if "://" in path:
        raise FileNotFoundError(f"{path!r} is an address: copy the file to this machine first.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file {path!r}.")


def did_you_mean(name, options):
    """End of a message about a name that is not there: those that look like it, or nothing."""
    lower = {option.lower(): option for option in options}
    near = [lower[match] for match in get_close_matches(name.lower(), lower, 3)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


class DamageError(ValueError):
    """A file whose parts do not go together. Users see it as the error that `complete` makes."""


# What decompression, checksums and readers of bytes raise. Libraries have classes of their own, and
# names of them need no import.
DAMAGE = {"ArrowInvalid", "DecompressionError", "DeserializationError", "LZMAError", "error"}


def _is_damage(error):
    # Without a number, an OSError is one of Arrow about what it read.
    return isinstance(error, (DamageError, EOFError, UnicodeDecodeError, OSError)) or (
        type(error).__name__ in DAMAGE
    )


@contextmanager
def complete(path, kind):
    """Turn what a library raises on a file into one ValueError that names the file.

    It says that the file is damaged if the error says so. Errors with another cause (no permission,
    no memory, a package that is missing) pass.
    """
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        text = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
        if _is_damage(error):
            text = f"is not a complete {kind} file: {text}; copy it again."
        elif isinstance(error, NotImplementedError):
            text = f"cannot be read as a {kind} file: {text}."
        else:
            text = (
                f"cannot be read as a {kind} file ({type(error).__name__}: {text}). It is damaged, "
                "or holds what cannot be read: copy it again, or name other columns in columns=."
            )
        raise ValueError(f"{path} {text}") from error


def encode_metadata(units, description):
    """Units of the columns and a description, as JSON."""
    return json.dumps({"format": 1, "units": units, "description": description})


def decode_metadata(text):
    """Units and description from the JSON of a file, or an empty dict and None."""
    if text is None:
        return {}, None
    found = json.loads(text)
    return dict(found["units"]), found["description"]

"""What the file formats have in common: paths, suffixes, metadata, damage."""

import json
import os
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


def as_paths(path):
    """Paths to read, as a list of str that name files which are there."""
    if isinstance(path, (str, os.PathLike)):
        paths = [os.fspath(path)]
    else:
        try:
            paths = [os.fspath(one) for one in path]
        except TypeError as error:
            raise TypeError(
                f"path must be a path or a sequence of paths, got {type(path).__name__} ({error})."
            ) from error
    if not paths:
        raise FileNotFoundError("path is an empty list: does its pattern match any file?")
    for one in paths:
        _check_there(one)
        file_format(one)
    return paths


def _check_there(path):
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        files = [name for name in names if os.path.splitext(name)[1].lower() in FORMATS]
        if not files:
            raise FileNotFoundError(
                f"{path!r} is a folder without {' or '.join(FORMATS)} files: there is nothing to "
                "read."
            )
        raise IsADirectoryError(
            f"{path!r} is a folder: pass the files in it as a list, as in "
            f"sorted(pathlib.Path({path!r}).glob('*{os.path.splitext(files[0])[1]}'))."
        )
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file {path!r}.")


def did_you_mean(name, options):
    """End of a message about a name that is not there: those that look like it, or nothing."""
    lower = {option.lower(): option for option in options}
    near = [lower[match] for match in get_close_matches(name.lower(), lower, 3)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


@contextmanager
def complete(path, kind):
    """Turn what a library raises on a damaged file into one ValueError that names the file.

    Errors with another cause (no permission, no memory, a package that is missing) pass.
    """
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except NotImplementedError as error:
        raise ValueError(f"{path} cannot be read as a {kind} file: {error}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        text = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
        raise ValueError(f"{path} is not a complete {kind} file: {text}; copy it again.") from error


def encode_metadata(units, description):
    """Units of the columns and a description, as JSON."""
    return json.dumps({"format": 1, "units": units, "description": description})


def decode_metadata(text):
    """Units and description from the JSON of a file, or an empty dict and None."""
    if text is None:
        return {}, None
    found = json.loads(text)
    return dict(found["units"]), found["description"]

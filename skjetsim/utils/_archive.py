"""The zip archive of a model file or a checkpoint, and its checksums.

Entries are not compressed. `checksums.json` holds a SHA-256 of each other entry and of each tensor.
The comment of the archive holds the SHA-256 of `checksums.json`.
"""

import hashlib
import io
import json
import os
import struct
import zipfile

import numpy as np

FORMAT = 3
MODEL, CHECKPOINT = "model", "checkpoint"  # what the manifest says that a file holds
MANIFEST, STRUCTURE = "manifest.json", "structure.json"
TENSORS, CHECKSUMS = "tensors.safetensors", "checksums.json"
ENTRIES = frozenset([MANIFEST, STRUCTURE, TENSORS, CHECKSUMS])

LONGEST = 1_000_000  # bytes of a manifest that a newer format may have compressed
LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip entry, with two lengths: name and extra field


def write_archive(file, entries, arrays):
    """Write a model file or a checkpoint.

    Parameters
    ----------
    file : str
    entries : dict of str to bytes
        Manifest and structure.
    arrays : dict of str to ndarray
    """
    from safetensors.numpy import save

    sums = {name: hashlib.sha256(data).hexdigest() for name, data in entries.items()}
    sums[TENSORS] = {key: _array_sum(array) for key, array in arrays.items()}
    checksums = json.dumps(sums).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {**entries, CHECKSUMS: checksums, TENSORS: save(arrays)}.items():
            # No date of today in the file: the same model gives the same bytes.
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
        archive.comment = _seal(checksums)


def read_archive(path):
    """Return what is in a model file or a checkpoint.

    Returns
    -------
    manifest, structure : object
        As JSON has them.
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no file with this name.
    ValueError
        If the file is not a model file, has another format, or has a damaged part.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(f"{str(path)!r} is a folder: pass the name of a model file.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    with open(path, "rb") as file:
        entries, comment = _entries(path, file)
    checksums = entries.pop(CHECKSUMS)
    if comment != _seal(checksums):
        raise _damaged(path, CHECKSUMS)
    sums = _parsed(path, CHECKSUMS, checksums)
    tensors = entries.pop(TENSORS)
    if not isinstance(sums, dict) or not isinstance(tensor_sums := sums.pop(TENSORS, None), dict):
        raise _damaged(path, CHECKSUMS)
    actual = {name: hashlib.sha256(data).hexdigest() for name, data in entries.items()}
    _compare(path, actual, sums)
    manifest, structure = (_parsed(path, name, entries[name]) for name in (MANIFEST, STRUCTURE))
    return manifest, structure, _arrays(path, tensors, tensor_sums)


def _entries(path, file):
    """Bytes of all entries by name, and the comment of the archive."""
    size = os.fstat(file.fileno()).st_size
    try:
        archive = zipfile.ZipFile(file)
        # A newer format may compress its manifest, so the length that is read is limited.
        number = json.loads(archive.open(MANIFEST).read(size + LONGEST))["format"]
    except Exception as error:
        raise _unreadable(path, error) from error
    _check_format(path, number)
    try:
        _check_stored(archive, size)
    except ValueError as error:
        raise _unreadable(path, error) from error
    return {info.filename: _entry(file, info) for info in archive.infolist()}, archive.comment


def _check_stored(archive, size):
    """Raise ValueError before anything is read unless the entries are ours and fit into `size`."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        raise ValueError("two entries have the same name")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ValueError(f"the entry {info.filename!r} is compressed")
    if sum(info.file_size for info in infos) > size:
        raise ValueError("its entries are larger than the file")
    for what, different in (("lacks", ENTRIES.difference(names)), ("has", set(names) - ENTRIES)):
        if different:
            raise ValueError(f"it {what} the entry {min(different)!r}")


def _parsed(path, name, data):
    """Value of a JSON text. NaN and Infinity, which Python reads, are not JSON."""
    try:
        return json.loads(data, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, f"{name}: {error}") from error


def _not_json(name):
    raise ValueError(f"{name} is not a number in JSON")


def _entry(file, info):
    """Bytes of an entry, which are compared with our checksum, not with that of zip."""
    file.seek(info.header_offset)
    header = file.read(LOCAL_HEADER.size)
    if len(header) == LOCAL_HEADER.size:
        file.seek(sum(LOCAL_HEADER.unpack(header)), io.SEEK_CUR)
    return file.read(info.file_size)


def _check_format(path, number):
    if type(number) is not int or number < FORMAT:
        raise _unreadable(path, f"format {number!r}")
    if number > FORMAT:
        raise ValueError(
            f"{path} has format {number}, which is newer than this version of skjetsim reads "
            f"({FORMAT}). Upgrade skjetsim."
        )


def _arrays(path, data, sums):
    from safetensors.numpy import load

    try:
        # safetensors compares the sizes in the header with the data before it takes memory.
        arrays = {key: np.require(array, None, "W") for key, array in load(data).items()}
    except Exception as error:
        raise _damaged(path, f"the header of {TENSORS}") from error
    actual = {key: _array_sum(array) for key, array in arrays.items()}
    _compare(path, actual, sums, "the tensor ")
    return arrays


def _compare(path, actual, expected, what=""):
    for name in [*expected, *actual]:
        if actual.get(name) != expected.get(name):
            raise _damaged(path, f"{what}{name}")


def _array_sum(array):
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _seal(checksums):
    return b"skjetsim " + hashlib.sha256(checksums).hexdigest().encode()


def _unreadable(path, error):
    return _refused(f"{path} is truncated, or is not a skjetsim model file ({error})")


def _damaged(path, part):
    return _refused(f"{path} is damaged: {part} is not as it was written")


def _refused(why):
    return ValueError(f"{why}. Take another copy of the file, or save the model again.")

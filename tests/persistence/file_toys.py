"""Model files taken apart and put together again."""

import json
import zipfile

from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as tensor_bytes

from skjetsim._persistence._manifest import n_numbers
from skjetsim.utils._archive import read_archive, write_archive


def rewrite(path, change):
    """Change a model file and make its checksums right again, as a forger would.

    `change(structure, manifest, arrays)` changes them in place, or returns a structure. The
    manifest says what the file holds then, unless it was changed itself.
    """
    manifest, structure, arrays = read_archive(path)
    before = json.dumps(manifest)
    structure = change(structure, manifest, arrays) or structure
    if json.dumps(manifest) == before:
        manifest |= {"parameters": n_numbers(arrays)}
    forge(path, manifest, structure, arrays)


def forge(path, manifest, structure, arrays):
    """Write a model file with right checksums from any JSON and arrays."""
    texts = {"manifest.json": manifest, "structure.json": structure}
    write_archive(path, {name: json.dumps(text).encode() for name, text in texts.items()}, arrays)


def entries_of(path):
    """All entries as they are in the archive, and its comment."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}, archive.comment


def write_entries(path, entries, comment, compression=zipfile.ZIP_STORED):
    """Write an archive of these entries, even if checksums are wrong."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        archive.comment = comment


def change_tensors(path, change):
    """Change the tensors of a file and leave their checksums."""
    entries, comment = entries_of(path)
    arrays = read_tensors(entries["tensors.safetensors"])
    change(arrays)
    entries["tensors.safetensors"] = tensor_bytes(arrays)
    write_entries(path, entries, comment)


def names_in(path):
    """Names of all classes and functions in a model file."""
    entries, _ = entries_of(path)
    found = set()

    def collect(node):
        if isinstance(node, dict):
            if node.get("type") in ("estimator", "object", "compiled"):
                found.add(node["class"])
            if node.get("type") == "function":
                found.add(node["name"])
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                collect(item)

    collect(json.loads(entries["structure.json"]))
    return found

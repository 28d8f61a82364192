"""Damaged files: the error names the part."""

import copy
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
from _instances import SMALL
from file_toys import change_tensors, entries_of, rewrite, write_entries
from numpy.testing import assert_array_equal
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from skjetsim import load, save
from skjetsim.flows import FlowGenerator
from skjetsim.metrics import ks_distance

ENTRIES = ["manifest.json", "structure.json", "checksums.json", "tensors.safetensors"]


def test_truncated_files(model, path, tmp_path):
    save(model, path)
    data = path.read_bytes()
    short = tmp_path / "short"
    for length in [*np.linspace(0, len(data) - 1, 60).astype(int), len(data) - 2]:
        short.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"is truncated, or is not|checksums\.json is not as"):
            load(short)


def test_flipped_bytes(model, path, tmp_path):
    """An error, or the same model if the byte is a date of the archive."""
    save(model, path)
    data = path.read_bytes()
    expected, edited, n_errors = model.sample(5, random_state=0), tmp_path / "edited", 0
    places = np.random.default_rng(0).integers(0, len(data), 300)
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 0x41
        edited.write_bytes(changed)
        try:
            again = load(edited)
        except ValueError:
            n_errors += 1
        else:
            assert_array_equal(again.sample(5, random_state=0), expected)
    assert n_errors > 0.95 * len(places)


DAMAGE = {"manifest.json": "Bad CRC-32 for file 'manifest.json'", "tensors.safetensors": "tensor"}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_flipped_byte_names_its_part(model, path, name):
    """Every byte of every entry is checked."""
    save(model, path)
    data = path.read_bytes()
    entry = entries_of(path)[0][name]
    start = data.index(entry)
    places = [0, len(entry) - 1, *np.random.default_rng(1).integers(0, len(entry), 60)]
    for place in places:
        changed = bytearray(data)
        changed[start + place] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=DAMAGE.get(name, name)):
            load(path)


def test_each_changed_tensor_is_named(model, path):
    save(model, path)
    data = path.read_bytes()
    weights = model.net_.module_.state_dict()
    for key, tensor in weights.items():
        values = tensor.numpy().tobytes()
        if data.count(values) == 1:
            changed = bytearray(data)
            changed[data.index(values)] ^= 1
            path.write_bytes(changed)
            with pytest.raises(ValueError, match=f"the tensor FlowGenerator.net_.{key} is"):
                load(path)


def test_the_comment_is_the_checksum_of_the_checksums(model, path):
    save(model, path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged: checksums\.json"):
        load(path)


def test_swapped_missing_and_retyped_tensors(model, path):
    def swap(arrays):
        one, two, *_ = (key for key in arrays if arrays[key].shape == (16,))
        arrays[one], arrays[two] = arrays[two], arrays[one]

    def drop(arrays):
        arrays.popitem()

    def add(arrays):
        arrays["more"] = np.zeros(3)

    def reshape(arrays):
        key = next(key for key in arrays if arrays[key].ndim == 2)
        arrays[key] = arrays[key].reshape(-1)

    def retype(arrays):
        key = next(key for key in arrays if arrays[key].dtype == np.float32)
        arrays[key] = arrays[key].view(np.int32)

    for change in (swap, drop, add, reshape, retype):
        save(model, path)
        change_tensors(path, change)
        with pytest.raises(ValueError, match="damaged: the tensor"):
            load(path)


def test_edited_missing_and_added_entries(model, path):
    save(model, path)
    entries, comment = entries_of(path)
    edited = entries["structure.json"].replace(b"0.004", b"0.003")
    write_entries(path, entries | {"structure.json": edited}, comment)
    with pytest.raises(ValueError, match=r"damaged: structure\.json is not as it was written"):
        load(path)
    write_entries(path, entries | {"more": b"data"}, comment)
    with pytest.raises(ValueError, match="it has the entry 'more'"):
        load(path)
    for name in ENTRIES[1:]:
        write_entries(path, {key: entries[key] for key in entries if key != name}, comment)
        with pytest.raises(ValueError, match=f"it lacks the entry '{name}'"):
            load(path)


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("text", "a str"),
        ({}, "a dict"),
        (None, "a NoneType"),
        ([StandardScaler()], "a list"),
        (np.ones(3), "a ndarray"),
        (pd.DataFrame({"pt": [1.0]}), "a DataFrame"),
        (KFold(), "a KFold"),
        (ks_distance, "'ks_distance'"),
        (StandardScaler().fit, "'fit'"),
        (StandardScaler, "'StandardScaler'. Make an estimator of the class first"),
    ],
)
def test_only_estimators_are_saved(value, given, path):
    with pytest.raises(TypeError, match=f"a search or a scorer, got {given}"):
        save(value, path)
    assert not path.exists()


def test_no_model_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*missing'"):
        load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError, match="is a folder: pass the name of a model file"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder '.*missing' to save a model in"):
        save(StandardScaler(), tmp_path / "missing" / "model.skjetsim")
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(ValueError, match="not a skjetsim model file"):
        load(text)
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "hello")
    with pytest.raises(ValueError, match="not a skjetsim model file"):
        load(archive)


# Files without sense, and failures of writing.


@pytest.mark.parametrize("key", ["a999", "FlowGenerator.encoder_.center_"])
def test_arrays_that_are_missing_or_used_twice(model, path, key):
    def change(structure, *_):
        structure["state"]["encoder_"]["state"]["constants_"]["key"] = key

    save(model, path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=rf"{key}' is missing, or is used twice"):
        load(path)


def test_arrays_that_nothing_uses(model, path):
    def change(structure, manifest, arrays):
        arrays["more"] = np.zeros(3)

    save(model, path)
    rewrite(path, change)
    with pytest.raises(ValueError, match="nothing uses the array 'more'"):
        load(path)


def test_nan_in_weights(model, path):
    def change(structure, manifest, arrays):
        next(a for key, a in arrays.items() if ".net_." in key and a.dtype == np.float32)[0] = (
            np.nan
        )

    save(model, path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=r"tensor .* of the network net_ holds NaN in 1"):
        load(path)
    broken = copy.deepcopy(model)
    next(broken.net_.module_.parameters()).data[:] = float("nan")
    with pytest.raises(ValueError, match=r"FlowGenerator\.net_\..* holds NaN"):
        save(broken, path)


def test_a_failed_write_leaves_the_old_file(model, path, monkeypatch):
    save(model, path)
    before = path.read_bytes()

    class FullDisk(zipfile.ZipFile):
        def writestr(self, info, *args, **kwargs):
            if info.filename.startswith("tensors"):
                raise OSError("no space left on device")
            super().writestr(info, *args, **kwargs)

    monkeypatch.setattr(zipfile, "ZipFile", FullDisk)
    with pytest.raises(OSError, match="no space"):
        save(FlowGenerator(**SMALL), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    with pytest.raises(TypeError, match="verbose"):
        save(FlowGenerator(verbose=lambda: None), path)
    assert path.read_bytes() == before

"""Damaged and forged files: the error names the part, before memory is taken."""

import io
import json
import os
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from _instances import SMALL
from file_toys import change_tensors, entries_of, rewrite, write_entries
from network_toys import TWO_NETS, TwoNets
from numpy.testing import assert_array_equal
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skjetsim import load, save
from skjetsim._nn import PrivateRandom
from skjetsim._persistence._networks import SizeLimit
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
    with pytest.raises(ValueError, match="damaged: more"):
        load(path)
    for name in ENTRIES[1:]:
        write_entries(path, {key: entries[key] for key in entries if key != name}, comment)
        with pytest.raises(ValueError, match="damaged: "):
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


# Sizes.


def refused_in_little_memory(path, match, **params):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match):
            load(path, **params)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_compressed_entries_are_not_unpacked(model, path):
    save(model, path)
    entries, comment = entries_of(path)
    bomb = entries | {"part0.skops": bytes(200_000_000)}
    write_entries(path, bomb, comment, zipfile.ZIP_DEFLATED)
    del bomb
    refused_in_little_memory(path, "compressed")
    bomb = entries | {"manifest.json": b"0" * 200_000_000}
    write_entries(path, bomb, comment, zipfile.ZIP_DEFLATED)
    del bomb
    refused_in_little_memory(path, "not a skjetsim model file")


def test_entries_that_claim_more_than_the_file_has(model, path):
    save(model, path)
    data, size = path.read_bytes(), len(entries_of(path)[0]["structure.json"]).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (2**31).to_bytes(4, "little")))
    refused_in_little_memory(path, "larger than the file")


def test_tensors_that_claim_a_terabyte(model, path):
    save(model, path)
    entries, comment = entries_of(path)
    header = json.dumps({"a": {"dtype": "F64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]}})
    tensors = len(header).to_bytes(8, "little") + header.encode() + bytes(8)
    write_entries(path, entries | {"tensors.safetensors": tensors}, comment)
    refused_in_little_memory(path, "the header of tensors")


def test_networks_larger_than_their_tensors(path):
    model = TwoNets().fit(np.eye(3))
    model.width_ = 10**9
    save(model, path)
    refused_in_little_memory(path, "larger than the tensors it holds", trusted=[TWO_NETS])


def test_small_parts_add_up_to_a_large_network():
    generator = torch.Generator()
    with SizeLimit(1000), PrivateRandom(generator):
        torch.nn.Linear(50, 50)
        torch.randn(3, generator=generator)
        with pytest.raises(ValueError, match="larger than"):
            torch.nn.Sequential(*(torch.nn.Linear(50, 50) for _ in range(1000)))


def test_compiled_parts_that_unpack_to_more(path):
    save(DecisionTreeRegressor().fit([[0.0], [1.0]], [0.0, 1.0]), path)

    def compress(structure, manifest, entries, arrays):
        name = next(name for name in entries if name.endswith(".skops"))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("schema.json", bytes(1_000_000))
        entries[name] = packed.getvalue()

    rewrite(path, compress)
    refused_in_little_memory(path, "compressed")


# Files without sense, and failures of writing.


def test_forged_files_that_make_no_sense(model, path):
    def unknown_array(structure, manifest, entries, arrays):
        structure["state"]["encoder_"]["state"]["constants_"]["key"] = "a999"

    def endless(structure, manifest, entries, arrays):
        node = 1
        for _ in range(600):
            node = {"type": "scalar", "value": node}
        structure["state"]["verbose"] = node

    for change in (unknown_array, endless):
        save(model, path)
        rewrite(path, change)
        with pytest.raises(ValueError, match="cannot be read"):
            load(path)


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

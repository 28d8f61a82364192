"""Edited files: each edit is an error that says what is wrong, or gives the same model."""

import copy
import json
import re
import zipfile

import numpy as np
import pytest
from file_toys import entries_of, forge, write_entries
from numpy.testing import assert_array_equal
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skjetsim import load, save
from skjetsim.flows import FlowGenerator
from skjetsim.utils._archive import _seal, read_archive

VALUES = [None, [], {}, "x", "", -1, 2**40, 0.5, True, {"type": "list", "items": []}]
RAW = re.compile(r"(Key|Attribute|Index|Name|Recursion|UnboundLocal)Error")


def edits(value):
    """All JSON values that differ from `value` in one place."""
    yield from (other for other in VALUES if json.dumps(other) != json.dumps(value))
    if not isinstance(value, (dict, list)):
        return
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        for edited in edits(item):
            changed = copy.copy(value)
            changed[key] = edited
            yield changed
        lacking = copy.copy(value)
        del lacking[key]
        yield lacking
    if isinstance(value, dict):
        yield value | {"more": 1}
    if isinstance(value, list):
        yield [*value, None]


def refusal(path):
    """Message of the error that a file gives, or None and the model."""
    try:
        return None, load(path)
    except (ValueError, TypeError) as error:
        return str(error), None


def test_every_edit_of_the_manifest(model, path):
    """Its checksums are right, as a forger would make them."""
    save(model, path)
    manifest, structure, arrays = read_archive(path)
    expected, n_refused, n_edits = model.sample(5, random_state=0), 0, 0
    for edited in edits(manifest):
        forge(path, edited, structure, arrays)
        message, again = refusal(path)
        n_edits += 1
        if message is None:
            assert_array_equal(again.sample(5, random_state=0), expected)
        else:
            n_refused += 1
            assert not RAW.search(message), message
    assert n_edits > 200
    assert n_refused > 100


@pytest.mark.parametrize("field", ["format", "holds", "estimator", "foreign", "parameters"])
def test_what_the_manifest_says_agrees_with_the_file(model, path, field):
    save(make_pipeline(StandardScaler(), model), path)
    manifest, structure, arrays = read_archive(path)
    for edited in edits(manifest[field]):
        forge(path, manifest | {field: edited}, structure, arrays)
        assert refusal(path)[0] is not None
    del manifest[field]
    forge(path, manifest, structure, arrays)
    assert refusal(path)[0] is not None


def fitted(model):
    X = np.abs(np.random.default_rng(0).normal(size=(40, 2))) + 0.1
    return model.fit(X, X[:, 0])


@pytest.mark.parametrize(
    "estimator",
    [
        FlowGenerator(n_transforms=2, hidden_features=(4,), n_bins=3, max_epochs=1, random_state=0),
        make_pipeline(
            FunctionTransformer(np.log, inverse_func=np.exp),
            StandardScaler(),
            HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=3, random_state=0),
        ),
    ],
    ids=["FlowGenerator", "Pipeline"],
)
def test_every_edit_of_the_structure(estimator, path):
    """A model or an error in words, and never an error of Python's own."""
    save(fitted(estimator), path)
    manifest, structure, arrays = read_archive(path)
    n_edits, rng = 0, np.random.default_rng(0)
    for edited in edits(structure):
        n_edits += 1
        if rng.random() < 0.2:
            forge(path, manifest, edited, arrays)
            message, _ = refusal(path)
            assert message is None or not RAW.search(message), message
    assert n_edits > 1000


@pytest.mark.parametrize(
    "value", [None, [], {}, 1, "x", [1], [None], {"type": "list", "items": []}]
)
def test_files_without_an_estimator(model, path, value):
    save(model, path)
    manifest, _, arrays = read_archive(path)
    forge(path, manifest, value, arrays)
    with pytest.raises(ValueError, match=r"structure\.json does not describe an estimator"):
        load(path)


def state(estimator):
    return {name: np.asarray(value).tobytes() for name, value in vars(estimator).items()}


def test_every_byte(path, tmp_path):
    """Each byte of a small file is changed, without new checksums."""
    scaler = StandardScaler().fit([[80.0, 1.0], [100.0, 3.0]])
    save(scaler, path)
    data, edited, n_errors = path.read_bytes(), tmp_path / "edited", 0
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x41
        edited.write_bytes(changed)
        message, again = refusal(edited)
        n_errors += message is not None
        if message is None:
            assert state(again) == state(scaler)
    assert n_errors > 0.8 * len(data)


@pytest.mark.parametrize("text", ["NaN", "Infinity", '{"a":', "[" * 100_000, "\ud800", ""])
@pytest.mark.parametrize("entry", ["structure.json", "manifest.json", "checksums.json"])
def test_texts_that_are_not_json(model, path, text, entry):
    save(model, path)
    entries, _ = entries_of(path)
    entries[entry] = text.encode("utf-8", "surrogatepass")
    if entry != "checksums.json":
        import hashlib

        sums = json.loads(entries["checksums.json"])
        sums[entry] = hashlib.sha256(entries[entry]).hexdigest()
        entries["checksums.json"] = json.dumps(sums).encode()
    write_entries(path, entries, _seal(entries["checksums.json"]))
    message, _ = refusal(path)
    assert message is not None
    assert "Take another copy of the file" in message


def test_names_of_any_alphabet(path):
    import pandas as pd

    columns = ["p_µ", "質量", "a'b\"c\\", "é\n", ""]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 5)), columns=columns)
    scaler = StandardScaler().fit(table)
    scaler.set_params(copy={name: np.ones(2) for name in [*columns, "\ud800"]})
    save(scaler, path)
    again = load(path)
    assert list(again.feature_names_in_) == columns
    assert list(again.copy) == [*columns, "\ud800"]
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("manifest.json"))["columns"]["feature_names_in_"] == columns

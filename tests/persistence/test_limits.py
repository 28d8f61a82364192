"""Forged files that ask for more memory or time than they hold are refused before they get it."""

import json
import re
import subprocess
import sys
import textwrap
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from file_toys import entries_of, forge, rewrite, write_entries
from network_toys import TWO_NETS, TwoNets
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skjetsim import load, save
from skjetsim._nn import PrivateRandom
from skjetsim._persistence._networks import SizeLimit
from skjetsim.utils._archive import read_archive


def refused_in_little_memory(path, match, **params):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match):
            load(path, **params)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


# The archive.


def test_compressed_entries_are_not_unpacked(model, path):
    save(model, path)
    entries, comment = entries_of(path)
    for name in ("more", "manifest.json"):
        bomb = entries | {name: b"0" * 200_000_000}
        write_entries(path, bomb, comment, zipfile.ZIP_DEFLATED)
        del bomb
        assert path.stat().st_size < 1e6
        refused_in_little_memory(path, "compressed|not a skjetsim model file")


def test_entries_that_claim_more_than_the_file_has(model, path):
    save(model, path)
    data, size = path.read_bytes(), len(entries_of(path)[0]["structure.json"]).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (2**31).to_bytes(4, "little")))
    refused_in_little_memory(path, "larger than the file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_that_come_twice(model, path):
    save(model, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("structure.json", b"{}")
    refused_in_little_memory(path, "two entries have the same name")


def test_tensors_that_claim_a_terabyte(model, path):
    save(model, path)
    entries, comment = entries_of(path)
    header = json.dumps({"a": {"dtype": "F64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]}})
    tensors = len(header).to_bytes(8, "little") + header.encode() + bytes(8)
    write_entries(path, entries | {"tensors.safetensors": tensors}, comment)
    refused_in_little_memory(path, "the header of tensors")


# Networks.


def test_networks_larger_than_their_tensors(path):
    model = TwoNets().fit(np.eye(3))
    model.width_ = 10**9
    save(model, path)
    refused_in_little_memory(path, "larger than the tensors it holds", trusted=[TWO_NETS])


def limit_of(n_elements, n_tensors=10):
    return SizeLimit([torch.zeros(n_elements // n_tensors)] * n_tensors)


def test_small_parts_add_up_to_a_large_network():
    generator = torch.Generator()
    with limit_of(1000), PrivateRandom(generator):
        torch.nn.Linear(50, 50)
        torch.randn(3, generator=generator)
        with pytest.raises(ValueError, match="larger than"):
            torch.nn.Sequential(*(torch.nn.Linear(50, 50) for _ in range(1000)))


def test_layers_without_end():
    with limit_of(1000), pytest.raises(ValueError, match="larger than"):
        torch.nn.Sequential(*(torch.nn.Linear(1, 1) for _ in range(10_000)))


@pytest.mark.parametrize(
    "grow",
    [
        lambda x: x[:, None] >= x[None],
        lambda x: torch.outer(x, x),
        lambda x: x.repeat(100_000),
        lambda x: x.expand(100_000, -1).contiguous(),
        lambda x: torch.nn.functional.pad(x, (0, 10**9)),
        lambda x: torch.nn.functional.one_hot(x.long(), 10**6),
        lambda x: x.new_zeros(10**9),
        lambda x: torch.tril_indices(40_000, 40_000),
        lambda x: torch.cat([x] * 100),
    ],
)
def test_results_that_are_larger_than_their_arguments(grow):
    with limit_of(1000):
        x = torch.zeros(40_000)
        assert torch.outer(x[:100], x[:100]).shape == (100, 100)
        with pytest.raises(ValueError, match="larger than"):
            grow(x)


# Whole files, in a process that has hardly any memory left.

ATTACKED = textwrap.dedent(
    """
    import resource, sys, time
    from skjetsim import load
    load(sys.argv[1])
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in sys.argv[2:]:
        start = time.process_time()
        try:
            load(path)
            found = "loaded"
        except BaseException as error:
            found = type(error).__name__
        print(found, time.process_time() - start, path, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
)


def settings(**values):
    """Change of the settings that a network is built from."""

    def change(structure, *_):
        items = structure["state"]["_architecture"]["items"]
        for pair in items:
            pair[1] = values.get(pair[0], pair[1])
        assert set(values) <= {pair[0] for pair in items}

    return change


def widths(numbers):
    return {"type": "tuple", "items": list(numbers)}


def nested(structure, *_):
    node = 1
    for _ in range(200):
        node = {"type": "list", "items": [node]}
    structure["state"]["verbose"] = node


def copies(structure, manifest, arrays):
    arrays["big"] = np.zeros((1000, 1000), np.uint8)
    node = {"type": "records", "key": "big"}
    node["layout"] = {"names": ["a"], "formats": ["<U250"], "offsets": [0], "itemsize": 1000}
    structure["state"]["verbose"] = {"type": "list", "items": [node] * 1000}


def wide_text(structure, manifest, arrays):
    node = {
        "type": "objects",
        "kind": "U",
        "shape": [5000],
        "items": ["x" * 100_000] + ["y"] * 4999,
    }
    structure["state"]["verbose"] = node


def wide_records(structure, manifest, arrays):
    arrays["big"] = np.zeros((1, 1), np.uint8)
    node = {"type": "records", "key": "big"}
    node["layout"] = {"names": ["a"], "formats": ["<U500000000"], "offsets": [0], "itemsize": 2**31}
    structure["state"]["verbose"] = node


ATTACKS = {
    "wide": settings(hidden_features=widths([40_000, 40_000])),
    "deep": settings(hidden_features=widths([8] * 10_000)),
    "bins": settings(n_bins=10**9),
    "layers": settings(orders={"type": "list", "items": [widths([0, 1])] * 10_000}),
    "nested": nested,
    "copies": copies,
    "text": wide_text,
    "records": wide_records,
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
def test_attacks_are_refused_in_little_time_and_memory(model, tmp_path):
    good, paths = tmp_path / "good", []
    save(model, good)
    for name, change in ATTACKS.items():
        paths.append(tmp_path / name)
        save(model, paths[-1])
        rewrite(paths[-1], change)
        assert paths[-1].stat().st_size < 2e6
    done = subprocess.run(
        [sys.executable, "-c", ATTACKED, good, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    *lines, kilobytes = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ValueError"] * len(ATTACKS), done.stdout
    assert max(float(line.split()[1]) for line in lines) < 2
    assert int(kilobytes) < 60_000


# Parts of scikit-learn.


def test_a_tree_whose_nodes_never_end(path):
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, X[:, 0])

    def forge_nodes(column, value):
        save(model, path)
        manifest, structure, arrays = read_archive(path)
        node = structure["state"]["tree_"]["items"][4]
        layout = node["layout"]
        dtype = np.dtype({key: layout[key] for key in layout})
        nodes = np.ascontiguousarray(arrays[node["key"]]).view(dtype)[..., 0]
        nodes[column][0] = value
        forge(path, manifest, structure, arrays)

    for column, value in (("left_child", 0), ("right_child", 10**6), ("feature", 2)):
        forge_nodes(column, value)
        with pytest.raises(ValueError, match=r"child that is not in the tree|is not in the table"):
            load(path)
    forge_nodes("threshold", 0.5)
    assert load(path).tree_.threshold[0] == 0.5


def test_a_tree_with_more_columns_than_its_estimator(path):
    X = np.random.default_rng(0).normal(size=(50, 2))
    save(DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, X[:, 0]), path)
    rewrite(path, lambda structure, *_: structure["state"].update(n_features_in_=1))
    with pytest.raises(ValueError, match="another number of columns than its estimator"):
        load(path)


@pytest.mark.parametrize(
    ("column", "value"), [("left", 0), ("right", 10**6), ("feature_idx", 2), ("feature_idx", -1)]
)
def test_trees_of_histogram_boosting(path, column, value):
    from sklearn.ensemble import HistGradientBoostingRegressor

    X = np.random.default_rng(0).normal(size=(100, 2))
    model = HistGradientBoostingRegressor(max_iter=1, random_state=0).fit(X, X[:, 0])
    model._predictors[0][0].nodes[column][0] = value
    save(model, path)
    with pytest.raises(ValueError, match=r"child that is not in the tree|is not in the table"):
        load(path)


@pytest.mark.parametrize("bits", ["MT19937", "Philox"])
def test_random_generators_that_read_beyond_their_block(path, bits):
    from sklearn.preprocessing import StandardScaler

    generator = np.random.Generator(getattr(np.random, bits)(0))
    save(StandardScaler().set_params(copy=generator), path)

    def change(structure, *_):
        text = re.sub(r'(pos", )\d+', r"\g<1>100000", json.dumps(structure))
        assert text != json.dumps(structure)
        return json.loads(text)

    rewrite(path, change)
    with pytest.raises(ValueError, match="outside its block"):
        load(path)


def test_text_that_is_not_characters(path):
    save(OneHotEncoder().fit(np.array([["a"], ["b"]])), path)

    def change(structure, manifest, arrays):
        key = next(key for key in arrays if "categories_" in key)
        arrays[key][:] = 2**32 - 1

    rewrite(path, change)
    with pytest.raises(ValueError, match="something else than characters"):
        load(path)

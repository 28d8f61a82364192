"""Killed trainings resume from their checkpoints, and from no other file."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import traceback
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from training_toys import Line, interrupt, line_set, make_net, weights

from skjetsim import load, save
from skjetsim._nn.training import _checkpoint
from skjetsim.flows import FlowGenerator, FlowSimulator
from skjetsim.utils._archive import (
    ENTRIES,
    MANIFEST,
    STRUCTURE,
    read_archive,
    write_archive,
)

SMALL = {"n_transforms": 2, "hidden_features": (8,), "n_bins": 4, "device": "cpu"}


def events(n_events=200):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_events, 2))
    return X, X + 0.1 * rng.normal(size=X.shape)


def estimator(cls, **params):
    settings = {"max_epochs": 6, "batch_size": 64, "random_state": 0, "schedule": "constant"}
    return cls(**SMALL | settings | params)


@pytest.mark.parametrize("ema_decay", [None, 0.5])
@pytest.mark.parametrize("patience", [None, 3])
@pytest.mark.parametrize("after", [1, 7, 9, 14])
def test_a_killed_training_resumes_to_the_same_bits(tmp_path, after, patience, ema_decay):
    def net(module=None):
        plan = {"checkpoint": str(tmp_path / "training.pt"), "ema_decay": ema_decay}
        return make_net(module, max_epochs=6, patience=patience, **plan)

    training, validation = line_set(), line_set(64, slope=0.3, seed=1)
    whole = net().fit(training, validation)
    os.remove(tmp_path / "training.pt")
    with pytest.raises(KeyboardInterrupt):
        net(Line(after=after, then=interrupt)).fit(training, validation)
    resumed = net()
    resumed.fit(training, validation)
    assert torch.equal(weights(resumed.module_), weights(whole.module_))
    assert resumed.best_epoch_ == whole.best_epoch_
    assert resumed.history[:, "valid_loss"] == whole.history[:, "valid_loss"]
    # A finished training is not continued.
    again = net().fit(training, validation)
    assert again.module_.calls == 0
    assert torch.equal(weights(again.module_), weights(whole.module_))


def test_a_checkpoint_may_be_moved(tmp_path):
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    make_net(checkpoint=str(first)).fit(line_set())
    first.rename(second)
    assert make_net(checkpoint=str(second)).fit(line_set()).module_.calls == 0


@pytest.mark.parametrize(
    ("plan", "data"),
    [
        ({"learning_rate": 0.1}, line_set()),
        ({}, line_set(seed=3)),
        ({}, line_set(weight=torch.linspace(1, 2, 64))),
    ],
    ids=["other parameters", "other data", "weighted"],
)
def test_a_foreign_checkpoint(tmp_path, plan, data):
    path = str(tmp_path / "training.pt")
    make_net(checkpoint=path).fit(line_set())
    with pytest.raises(ValueError, match="belongs to another training"):
        make_net(checkpoint=path, **plan).fit(data)


@pytest.mark.parametrize("damage", ["empty", "truncated", "text", "pickle", "tensor"])
def test_a_damaged_checkpoint(tmp_path, damage):
    path = tmp_path / "training.pt"
    make_net(checkpoint=str(path)).fit(line_set())
    if damage == "pickle":
        torch.save({"fingerprint": os.system}, path)
    elif damage == "tensor":
        torch.save(torch.ones(3), path)
    else:
        data = path.read_bytes()
        contents = {"empty": b"", "truncated": data[: len(data) // 2], "text": b"hello"}
        path.write_bytes(contents[damage])
    with pytest.raises(ValueError, match=r"cannot be read.*Delete it to start afresh") as caught:
        make_net(checkpoint=str(path)).fit(line_set())
    # PyTorch advises to read such files with weights_only=False, which runs their code.
    assert "weights_only" not in "".join(traceback.format_exception(caught.value))


def test_a_checkpoint_that_is_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"is a folder: .* to save a checkpoint in"):
        make_net(checkpoint=str(tmp_path)).fit(line_set())


@pytest.mark.parametrize("cls", [FlowGenerator, FlowSimulator])
def test_a_checkpoint_needs_a_seed(cls, tmp_path):
    path = tmp_path / "training.pt"
    arguments = events()[1:] if cls is FlowGenerator else events()
    with pytest.raises(ValueError, match="needs an int as random_state"):
        estimator(cls, checkpoint=str(path), random_state=None).fit(*arguments)
    assert not path.exists()
    estimator(cls, checkpoint=str(path), random_state=1).fit(*arguments)
    assert path.exists()


def test_estimators_pass_checkpoint_errors_on(tmp_path):
    path = tmp_path / "training.pt"
    path.write_bytes(b"hello")
    with pytest.raises(ValueError, match="cannot be read"):
        estimator(FlowSimulator, checkpoint=str(path)).fit(*events())


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "training.pt"
    make_net(checkpoint=str(path)).fit(line_set())
    before = path.read_bytes()

    def full_disk(file, entries, arrays):
        Path(file).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(_checkpoint, "write_archive", full_disk)
    with pytest.raises(OSError, match="no space"):
        _checkpoint.save_checkpoint(str(path), {})
    assert path.read_bytes() == before


def test_no_pickle_is_in_a_checkpoint(tmp_path, monkeypatch):
    """A checkpoint is JSON and tensors, and is read without an unpickler."""
    path = tmp_path / "training.pt"
    make_net(checkpoint=str(path), ema_decay=0.5).fit(line_set())
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == sorted(ENTRIES)

    def unpickle(*args, **kwargs):
        raise AssertionError("a checkpoint was unpickled")

    for module, name in ((torch, "load"), (pickle, "load"), (pickle, "loads"), (np, "load")):
        monkeypatch.setattr(module, name, unpickle)
    assert make_net(checkpoint=str(path), ema_decay=0.5).fit(line_set()).module_.calls == 0


def test_a_checkpoint_holds_no_classes(tmp_path):
    path = str(tmp_path / "training.pt")
    make_net(checkpoint=path).fit(line_set())
    manifest, structure, arrays = read_archive(path)
    node = {"type": "estimator", "class": "sklearn.preprocessing.StandardScaler"}
    structure["dict"].append(["more", node | {"state": {}, "networks": {}}])
    entries = {MANIFEST: json.dumps(manifest).encode(), STRUCTURE: json.dumps(structure).encode()}
    write_archive(path, entries, arrays)
    with pytest.raises(ValueError, match="cannot be read"):
        make_net(checkpoint=path).fit(line_set())


def test_a_model_file_is_not_a_checkpoint_nor_the_reverse(tmp_path):
    path, model = str(tmp_path / "training.pt"), str(tmp_path / "model")
    fitted = estimator(FlowGenerator, checkpoint=path).fit(events()[0])
    with pytest.raises(ValueError, match="it is the checkpoint of a training"):
        load(path)
    save(fitted.set_params(checkpoint=None), model)
    with pytest.raises(ValueError, match=f"{model!r} cannot be read"):
        estimator(FlowGenerator, checkpoint=model).fit(events()[0])


# Two trainings.


class Meanwhile(Line):
    """Fits another network with the same checkpoint while this one is trained."""

    def losses(self, step, batch, generator):
        if not hasattr(self, "caught"):
            self.caught = None
            with pytest.raises(BlockingIOError) as caught:
                make_net(checkpoint=self.path).fit(line_set())
            self.caught = str(caught.value)
        return super().losses(step, batch, generator)


def test_a_second_training_notices_the_first(tmp_path):
    module = Meanwhile()
    module.path = path = str(tmp_path / "training.pt")
    link = tmp_path / "link.pt"
    link.symlink_to(path)
    make_net(module, checkpoint=str(link)).fit(line_set())
    assert "is in use by another fit of this process" in module.caught
    assert sorted(os.listdir(tmp_path)) == ["link.pt", "training.pt"]
    assert link.is_symlink()
    make_net(checkpoint=path).fit(line_set())


def test_a_failed_training_releases_its_checkpoint(tmp_path):
    path = str(tmp_path / "training.pt")
    kept = []  # as a notebook keeps the traceback of the last error
    for after in (7, 1):
        with pytest.raises(KeyboardInterrupt) as caught:
            make_net(Line(after=after, then=interrupt), checkpoint=path).fit(line_set())
        kept.append(caught.value)
    with pytest.raises(ValueError, match="another training") as foreign:
        make_net(checkpoint=path, learning_rate=0.1).fit(line_set())
    kept.append(foreign.value)
    make_net(checkpoint=path).fit(line_set())


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_a_killed_training_holds_no_checkpoint(tmp_path):
    path = str(tmp_path / "training.pt")
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert os.path.exists(f"{path}.lock")
    X = np.random.default_rng(0).normal(size=(200, 2))
    estimator(FlowGenerator, checkpoint=path).fit(X)
    assert os.listdir(tmp_path) == ["training.pt"]


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    import numpy as np
    from skjetsim._nn.training import _loop
    from skjetsim.flows import FlowGenerator

    save, calls = _loop.save_checkpoint, []

    def save_and_die(path, state):
        save(path, state)
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    _loop.save_checkpoint = save_and_die
    X = np.random.default_rng(0).normal(size=(200, 2))
    FlowGenerator(n_transforms=2, hidden_features=(8,), n_bins=4, device="cpu", max_epochs=6,
                  batch_size=64, random_state=0, schedule="constant", checkpoint=sys.argv[1]).fit(X)
    """
)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_kill_minus_nine(tmp_path):
    path = str(tmp_path / "training.pt")
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    X = np.random.default_rng(0).normal(size=(200, 2))
    resumed = estimator(FlowGenerator, checkpoint=path).fit(X)
    whole = estimator(FlowGenerator).fit(X)
    assert_array_equal(resumed.sample(50, random_state=0), whole.sample(50, random_state=0))
    assert resumed.history_ == whole.history_

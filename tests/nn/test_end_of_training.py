"""How a training ends and goes on: its reason, what is printed, and larger `max_epochs`."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
import tqdm.auto
from skorch.callbacks import Callback
from training_toys import Line, interrupt, line_set, make_net, nan, weights

from skjetsim._nn import TrainingWarning
from skjetsim.flows import FlowGenerator

X = np.random.default_rng(0).normal(size=(300, 2))
SMALL = {"n_transforms": 1, "hidden_features": (8,), "n_bins": 4, "random_state": 0}


class Stop(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def overshooting(**plan):
    return make_net(max_epochs=20, schedule="constant", **plan).fit(
        line_set(), line_set(64, slope=0.3, seed=1)
    )


def test_reasons_of_the_end(capsys):
    assert make_net(verbose=True).fit(line_set()).stop_reason_ == "max_epochs"
    assert "ended after epoch 4 of 4 (these were all). The weights of epoch 4" in printed(capsys)
    net = overshooting(patience=3, verbose=True)
    assert net.stop_reason_ == "patience"
    text = f"after epoch {net.n_epochs_} of 20 (no better validation loss for 3 epochs). The "
    assert f"{text}weights of epoch {net.best_epoch_} were kept." in printed(capsys)
    assert make_net(callbacks=[Stop()], verbose=True).fit(line_set()).stop_reason_ == "callback"
    assert "after epoch 2 of 4 (a callback stopped it)" in printed(capsys)
    net = make_net(Line(after=11, then=interrupt), verbose=True)
    with pytest.raises(KeyboardInterrupt):
        net.fit(line_set())
    assert net.stop_reason_ == "interrupted"
    assert "after epoch 2 of 4 (interrupted)" in printed(capsys)
    net = make_net(Line(after=10, then=nan), verbose=True)
    with pytest.warns(TrainingWarning):
        net.fit(line_set())
    assert net.stop_reason_ == "not_finite"
    assert "(the loss was not finite). The weights of epoch 2" in printed(capsys)
    make_net().fit(line_set())
    assert printed(capsys) == ""


def printed(capsys):
    return capsys.readouterr().out


def test_estimators_say_how_the_training_ended():
    model = FlowGenerator(max_epochs=30, patience=2, learning_rate=0.3, **SMALL)
    assert not hasattr(model, "n_epochs_")
    model.fit(X)
    assert model.stop_reason_ == "patience"
    assert model.n_epochs_ == len(model.history_) == model.best_epoch_ + 2 < 30
    assert model.set_params(max_epochs=2).fit(X).stop_reason_ == "max_epochs"
    assert model.n_epochs_ == 2


def test_the_bar_shows_the_best_of_the_epochs_that_it_counts(monkeypatch):
    text = io.StringIO()

    def bar(**kwargs):
        return original(**kwargs, file=text, mininterval=0)

    original = tqdm.auto.tqdm
    monkeypatch.setattr(tqdm.auto, "tqdm", bar)
    net = make_net(verbose=True).fit(line_set(), line_set(64, slope=0.5, seed=1))
    losses = net.history[:, "valid_loss"]
    for line in text.getvalue().replace("\n", "\r").split("\r"):
        done = next((n for n in range(1, 5) if f"| {n}/4 [" in line), 0)
        assert ("best" in line) == (done > 0)
        if done:
            assert f"valid_loss={losses[done - 1]:.4f}" in line
            assert f"best={min(losses[:done]):.4f}" in line


SILENT = """
import sys
import numpy as np
from skjetsim.flows import FlowSimulator
from skjetsim.transport import OTUSSimulator

assert "torch" not in sys.modules
X = np.random.default_rng(0).normal(size=(200, 2))
{}(max_epochs=1, random_state=0, verbose=VERBOSE).fit(X, X)
"""


@pytest.mark.slow  # processes that import torch
@pytest.mark.parametrize("model", ["FlowSimulator", "OTUSSimulator"])
def test_loading_torch_is_announced(model):
    for verbose in (0, 1):
        code = SILENT.format(model).replace("VERBOSE", str(verbose))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["Loading", "Training"] * verbose


# More epochs than planned.


@pytest.mark.parametrize("schedule", ["constant", "inverse_epoch"])
def test_a_checkpoint_accepts_more_epochs(tmp_path, schedule):
    path = str(tmp_path / "training.ckpt")

    def net(max_epochs, checkpoint=path):
        return make_net(max_epochs=max_epochs, schedule=schedule, checkpoint=checkpoint)

    net(2).fit(line_set())
    longer = net(5).fit(line_set())
    whole = net(5, None).fit(line_set())
    assert longer.module_.calls == 3 * 4
    assert torch.equal(weights(longer.module_), weights(whole.module_))
    assert longer.history[:, "train_loss"] == whole.history[:, "train_loss"]
    with pytest.raises(ValueError, match=r"holds 5 epochs, more than max_epochs=3"):
        net(3).fit(line_set())


def test_a_cosine_schedule_is_that_of_more_epochs(tmp_path):
    path = str(tmp_path / "training.ckpt")
    make_net(max_epochs=2, checkpoint=path).fit(line_set())
    longer = make_net(max_epochs=4, checkpoint=path).fit(line_set())
    assert len(longer.history) == 4
    assert longer.history[-1, "train_loss"] < longer.history[1, "train_loss"]


def test_patience_stands_in_a_longer_training(tmp_path):
    path = str(tmp_path / "training.ckpt")
    net = overshooting(patience=3, checkpoint=path)
    longer = make_net(max_epochs=90, schedule="constant", patience=3, checkpoint=path)
    longer.fit(line_set(), line_set(64, slope=0.3, seed=1))
    assert longer.stop_reason_ == "patience"
    assert len(longer.history) == len(net.history)
    assert longer.best_epoch_ == net.best_epoch_

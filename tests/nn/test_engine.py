"""The training engine against loops written out by hand, and everything that can interrupt it."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import traceback

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from skjetsim._nn import (
    TensorNet,
    TrainingPlan,
    TrainingSet,
    TrainingWarning,
    _engine,
    resolve_device,
)
from skjetsim.flows import FlowGenerator, FlowSimulator

SMALL = {"n_transforms": 2, "hidden_features": (8,), "n_bins": 4, "device": "cpu"}


class Line(nn.Module):
    """y = slope x + offset; the squared error is the loss of a row."""

    def __init__(self, after=None, then=None):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([0.0]))
        self.offset = nn.Parameter(torch.tensor([0.5]))
        self.calls, self.after, self.then = 0, after, then

    def forward(self, x, y):
        losses = (self.slope * x + self.offset - y).square()
        self.calls += self.training
        return self.then(losses) if self.training and self.calls == self.after else losses


def line_set(n_rows=64, slope=1.0, seed=0, weight=None):
    x = torch.as_tensor(np.random.default_rng(seed).normal(size=n_rows), dtype=torch.float32)
    return TrainingSet((x, slope * x), weight)


def make_net(module=None, cls=TensorNet, seed=0, **plan):
    settings = {"batch_size": 16, "max_epochs": 4, "learning_rate": 0.05} | plan
    generator = torch.Generator().manual_seed(seed)
    return cls(module or Line(), plan=TrainingPlan(**settings), generator=generator)


def weights(module):
    return torch.cat([value.flatten() for value in module.state_dict().values()])


def bare_loop(
    data,
    *,
    batch_size=16,
    max_epochs=4,
    learning_rate=0.05,
    weight_decay=0.0,
    schedule="cosine",
    gradient_clip=None,
    ema_decay=None,
):
    """What the engine shall do, in plain torch; returns the weights to keep."""
    module, generator = Line(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.0, weight_decay=weight_decay)
    n_rows = len(data)
    n_steps = max_epochs * math.ceil(n_rows / batch_size)
    warmup, step, average = max(1, min(200, n_steps // 50)), 0, None
    for _ in range(max_epochs):
        order = torch.randperm(n_rows, generator=generator)
        for rows in order.split(batch_size):
            factor = 1.0
            if schedule == "cosine" and step < warmup:
                factor = (step + 1) / warmup
            elif schedule == "cosine":
                factor = (1 + math.cos(math.pi * (step - warmup) / (n_steps - warmup))) / 2
            optimizer.param_groups[0]["lr"] = learning_rate * factor
            optimizer.zero_grad()
            losses = module(*(tensor[rows] for tensor in data.inputs))
            if data.weight is not None:
                losses = losses * data.weight[rows] / data.weight.mean()
            losses.mean().backward()
            if gradient_clip is not None:
                nn.utils.clip_grad_norm_(module.parameters(), gradient_clip)
            optimizer.step()
            step += 1
            now = weights(module)
            if average is None or ema_decay is None:
                average = now
            else:
                average = ema_decay * average + (1 - ema_decay) * now
    return average


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"schedule": "constant"},
        {"max_epochs": 40},  # long enough for a warm-up of several steps
        {"weight_decay": 0.5},
        {"gradient_clip": 0.01},
        {"ema_decay": 0.9},
        {"batch_size": 10},  # a last batch of four rows
        {"batch_size": 1000},
    ],
    ids=str,
)
def test_training_is_the_plain_loop(plan):
    data = line_set()
    net = make_net(**plan).train(data)
    torch.testing.assert_close(weights(net.module_), bare_loop(data, **plan), rtol=1e-4, atol=1e-5)
    if plan and "max_epochs" not in plan:
        assert not torch.allclose(weights(net.module_), bare_loop(data), atol=1e-4)


def test_weighted_training_is_the_plain_loop_at_any_scale():
    weight = torch.rand(64, generator=torch.Generator().manual_seed(1)) + 0.1
    data = line_set(weight=weight)
    trained = weights(make_net().train(data).module_)
    torch.testing.assert_close(trained, bare_loop(data), rtol=1e-4, atol=1e-5)
    scaled = make_net().train(TrainingSet(data.inputs, 1e4 * weight))
    torch.testing.assert_close(weights(scaled.module_), trained, rtol=1e-4, atol=1e-5)


def test_weight_decay_shrinks():
    plain, decayed = (make_net(weight_decay=w, max_epochs=20).train(line_set()) for w in (0.0, 1.0))
    assert weights(decayed.module_).norm() < weights(plain.module_).norm() - 0.01


def test_history_holds_the_losses_and_training_mode_is_left():
    net = make_net(max_epochs=5).train(line_set(), line_set(32, seed=1))
    assert [epoch["epoch"] for epoch in net.history] == [1, 2, 3, 4, 5]
    assert net.history[-1]["train_loss"] < net.history[0]["train_loss"]
    assert not net.module_.training


def overshooting(**plan):
    """Training pulls the slope to 1, past the 0.3 that validation likes best."""
    plan = {"schedule": "constant", "max_epochs": 20, "learning_rate": 0.02} | plan
    return make_net(**plan), line_set(), line_set(64, slope=0.3, seed=1)


@pytest.mark.parametrize("ema_decay", [None, 0.5])
def test_best_epoch_is_restored(ema_decay):
    net, training, validation = overshooting(ema_decay=ema_decay)
    net.train(training, validation)
    losses = [epoch["valid_loss"] for epoch in net.history]
    assert len(losses) == 20
    assert 1 < net.best_epoch_ < 20
    assert net.best_epoch_ == 1 + int(np.argmin(losses))
    kept = float(net.module_(*validation.inputs).mean().detach())
    assert kept == pytest.approx(min(losses), rel=1e-5)


def test_without_validation_the_last_epoch_is_kept():
    net, training, _ = overshooting()
    assert net.train(training).best_epoch_ == 20


def test_patience_stops():
    net, training, validation = overshooting(patience=3)
    net.train(training, validation)
    assert len(net.history) == net.best_epoch_ + 3 < 20


# What goes wrong.


def nan(losses):
    return losses * float("nan")


def test_nan_in_the_first_epoch_is_an_error():
    net = make_net(Line(after=2, then=nan))
    with pytest.raises(ValueError, match=r"not finite in epoch 1, the first one.*learning_rate"):
        net.train(line_set())


@pytest.mark.parametrize("value", [nan, lambda losses: losses + math.inf], ids=["nan", "inf"])
def test_nan_later_keeps_the_best_epoch(value):
    expected = weights(make_net(max_epochs=2, schedule="constant").train(line_set()).module_)
    module = Line(after=10, then=value)  # in the third epoch of four steps
    net = make_net(module, schedule="constant")
    with pytest.warns(TrainingWarning, match="in epoch 3; the weights of epoch 2 were kept"):
        net.train(line_set())
    assert net.best_epoch_ == 2
    assert torch.equal(weights(net.module_), expected)


def interrupt(_):
    raise KeyboardInterrupt


def test_ctrl_c_restores_the_best_epoch_and_goes_on_up():
    expected = weights(make_net(max_epochs=2, schedule="constant").train(line_set()).module_)
    net = make_net(Line(after=11, then=interrupt), schedule="constant")
    with pytest.raises(KeyboardInterrupt):
        net.train(line_set())
    assert torch.equal(weights(net.module_), expected)
    assert not net.module_.training


def events(n_events=200):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_events, 2))
    return X, X + 0.1 * rng.normal(size=X.shape)


def estimator(cls, **params):
    settings = {"max_epochs": 6, "batch_size": 64, "random_state": 0, "schedule": "constant"}
    return cls(**SMALL | settings | params)


# Checkpoints.


@pytest.mark.parametrize("ema_decay", [None, 0.5])
@pytest.mark.parametrize("patience", [None, 3])
@pytest.mark.parametrize("after", [1, 7, 9, 14])
def test_a_killed_training_resumes_to_the_same_bits(tmp_path, after, patience, ema_decay):
    def net(module=None):
        plan = {"checkpoint": str(tmp_path / "training.pt"), "ema_decay": ema_decay}
        return make_net(module, max_epochs=6, patience=patience, **plan)

    training, validation = line_set(), line_set(64, slope=0.3, seed=1)
    whole = net().train(training, validation)
    os.remove(tmp_path / "training.pt")
    with pytest.raises(KeyboardInterrupt):
        net(Line(after=after, then=interrupt)).train(training, validation)
    resumed = net()
    resumed.train(training, validation)
    assert torch.equal(weights(resumed.module_), weights(whole.module_))
    assert resumed.best_epoch_ == whole.best_epoch_
    assert resumed.history[:, "valid_loss"] == whole.history[:, "valid_loss"]
    # and a training that had come to its end adds nothing
    again = net().train(training, validation)
    assert again.module_.calls == 0
    assert torch.equal(weights(again.module_), weights(whole.module_))


def test_a_checkpoint_may_be_moved(tmp_path):
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    make_net(checkpoint=str(first)).train(line_set())
    first.rename(second)
    assert make_net(checkpoint=str(second)).train(line_set()).module_.calls == 0


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
    make_net(checkpoint=path).train(line_set())
    with pytest.raises(ValueError, match="belongs to another training"):
        make_net(checkpoint=path, **plan).train(data)


@pytest.mark.parametrize("damage", ["empty", "truncated", "text", "pickle", "tensor"])
def test_a_damaged_checkpoint(tmp_path, damage):
    path = tmp_path / "training.pt"
    make_net(checkpoint=str(path)).train(line_set())
    if damage == "pickle":
        torch.save({"fingerprint": os.system}, path)
    elif damage == "tensor":
        torch.save(torch.ones(3), path)
    else:
        data = path.read_bytes()
        contents = {"empty": b"", "truncated": data[: len(data) // 2], "text": b"hello"}
        path.write_bytes(contents[damage])
    with pytest.raises(ValueError, match=r"cannot be read.*Delete it to start afresh") as caught:
        make_net(checkpoint=str(path)).train(line_set())
    # PyTorch advises to read such files with weights_only=False, which runs what is in them.
    assert "weights_only" not in "".join(traceback.format_exception(caught.value))


def test_a_checkpoint_that_is_a_folder(tmp_path):
    with pytest.raises(OSError, match=r"directory|Permission"):
        make_net(checkpoint=str(tmp_path)).train(line_set())


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
    make_net(checkpoint=str(path)).train(line_set())
    before = path.read_bytes()

    def full_disk(state, file):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        _engine.save_checkpoint(str(path), {})
    assert path.read_bytes() == before


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    import numpy as np
    from skjetsim._nn import _engine
    from skjetsim.flows import FlowGenerator

    save, calls = _engine.save_checkpoint, []

    def save_and_die(path, state):
        save(path, state)
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    _engine.save_checkpoint = save_and_die
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


# Two optimizers.


class TinyGAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Linear(1, 1)
        self.critic = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x):
        fake = self.critic(self.generator(torch.ones_like(x)))
        return nn.functional.softplus(-fake).squeeze(-1)


class GANNet(TensorNet):
    """Discriminator and generator step on each batch."""

    def initialize_optimizer(self, triggered_directly=None):
        self.optimizer_ = self.make_optimizer(self.module_.generator.parameters())
        self.optimizer_critic_ = self.make_optimizer(self.module_.critic.parameters(), 0.05)
        return self

    def train_batch(self, batch):
        module, (x,) = self.module_, batch.inputs
        noise = torch.randn(x.shape, generator=self.generator)
        self.optimizer_critic_.zero_grad()
        fake = module.generator(noise).detach()
        loss = nn.functional.softplus(-module.critic(x)) + nn.functional.softplus(
            module.critic(fake)
        )
        loss.mean().backward()
        self.optimizer_critic_.step()
        self.optimizer_.zero_grad()
        loss = nn.functional.softplus(-module.critic(module.generator(noise))).mean()
        loss.backward()
        self.optimizer_.step()
        return loss.detach()


def train_gan(path=None, after=None):
    torch_state = torch.get_rng_state()
    torch.manual_seed(0)
    module = TinyGAN()
    torch.set_rng_state(torch_state)
    x = 3 + 0.5 * torch.randn(256, 1, generator=torch.Generator().manual_seed(1))
    net = make_net(module, GANNet, max_epochs=30, learning_rate=0.05, checkpoint=path)
    net.initialize()
    if after is not None:
        original, calls = net.train_batch, []

        def train_batch(batch):
            calls.append(1)
            if len(calls) == after:
                raise KeyboardInterrupt
            return original(batch)

        net.train_batch = train_batch
    start = weights(module.generator), weights(module.critic)
    return net, TrainingSet((x,)), start


def test_two_optimizers_train_two_networks():
    net, data, (generator, critic) = train_gan()
    net.train(data)
    assert len(net.optimizers()) == 2
    assert not torch.equal(weights(net.module_.generator), generator)
    assert not torch.equal(weights(net.module_.critic), critic)
    assert abs(float(net.module_.generator.bias.detach()) - 3) < 1  # it found the data


def test_two_optimizers_resume(tmp_path):
    path = str(tmp_path / "gan.pt")
    whole, data, _ = train_gan()
    whole.train(data)
    killed, data, _ = train_gan(path, after=100)
    with pytest.raises(KeyboardInterrupt):
        killed.train(data)
    resumed, data, _ = train_gan(path)
    resumed.train(data)
    assert torch.equal(weights(resumed.module_), weights(whole.module_))


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="nonsense"):
        resolve_device("nonsense")
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ValueError, match=f"device='{missing}', but torch finds"):
        resolve_device(missing)


def test_progress_bar_closes_and_changes_nothing(capsys):
    shown = make_net(verbose=True).train(line_set(), line_set(32, seed=1))
    silent = make_net().train(line_set(), line_set(32, seed=1))
    assert torch.equal(weights(shown.module_), weights(silent.module_))
    assert "training" in capsys.readouterr().err

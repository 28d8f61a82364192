"""Training against plain loops, and failures of training."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from training_toys import Line, interrupt, line_set, make_net, nan, weights

from skjetsim._nn import Rows, TrainingWarning, resolve_device


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
    """The same training in plain torch. Returns the weights to keep."""
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
            losses = module.losses("loss", Rows(tuple(x[rows] for x in data.inputs)), None)["error"]
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
    net = make_net(**plan).fit(data)
    torch.testing.assert_close(weights(net.module_), bare_loop(data, **plan), rtol=1e-4, atol=1e-5)
    if plan and "max_epochs" not in plan:
        assert not torch.allclose(weights(net.module_), bare_loop(data), atol=1e-4)


def test_weighted_training_is_the_plain_loop_at_any_scale():
    weight = torch.rand(64, generator=torch.Generator().manual_seed(1)) + 0.1
    data = line_set(weight=weight)
    trained = weights(make_net().fit(data).module_)
    torch.testing.assert_close(trained, bare_loop(data), rtol=1e-4, atol=1e-5)
    scaled = make_net().fit(Rows(data.inputs, 1e4 * weight))
    torch.testing.assert_close(weights(scaled.module_), trained, rtol=1e-4, atol=1e-5)


def test_weight_decay_shrinks():
    plain, decayed = (make_net(weight_decay=w, max_epochs=20).fit(line_set()) for w in (0.0, 1.0))
    assert weights(decayed.module_).norm() < weights(plain.module_).norm() - 0.01


def test_history_holds_the_losses_and_training_mode_is_left():
    net = make_net(max_epochs=5).fit(line_set(), line_set(32, seed=1))
    assert [epoch["epoch"] for epoch in net.history] == [1, 2, 3, 4, 5]
    assert net.history[-1]["train_loss"] < net.history[0]["train_loss"]
    assert not net.module_.training


def overshooting(**plan):
    """Training moves the slope to 1, past 0.3, which is best in validation."""
    plan = {"schedule": "constant", "max_epochs": 20, "learning_rate": 0.02} | plan
    return make_net(**plan), line_set(), line_set(64, slope=0.3, seed=1)


@pytest.mark.parametrize("ema_decay", [None, 0.5])
def test_best_epoch_is_restored(ema_decay):
    net, training, validation = overshooting(ema_decay=ema_decay)
    net.fit(training, validation)
    losses = [epoch["valid_loss"] for epoch in net.history]
    assert len(losses) == 20
    assert 1 < net.best_epoch_ < 20
    assert net.best_epoch_ == 1 + int(np.argmin(losses))
    kept = net.module_.monitor(validation, None)
    assert kept == pytest.approx(min(losses), rel=1e-5)


def test_without_validation_the_last_epoch_is_kept():
    net, training, _ = overshooting()
    assert net.fit(training).best_epoch_ == 20


def test_patience_stops():
    net, training, validation = overshooting(patience=3)
    net.fit(training, validation)
    assert len(net.history) == net.best_epoch_ + 3 < 20


# Failures.


def test_nan_in_the_first_epoch_is_an_error():
    net = make_net(Line(after=2, then=nan))
    with pytest.raises(ValueError, match=r"not finite in epoch 1, the first one.*learning_rate"):
        net.fit(line_set())


@pytest.mark.parametrize("value", [nan, lambda losses: losses + math.inf], ids=["nan", "inf"])
def test_nan_later_keeps_the_best_epoch(value):
    expected = weights(make_net(max_epochs=2, schedule="constant").fit(line_set()).module_)
    module = Line(after=10, then=value)  # in the third epoch of four steps
    net = make_net(module, schedule="constant")
    with pytest.warns(TrainingWarning, match="in epoch 3; the weights of epoch 2 were kept"):
        net.fit(line_set())
    assert net.best_epoch_ == 2
    assert torch.equal(weights(net.module_), expected)


def test_ctrl_c_restores_the_best_epoch_and_goes_on_up():
    expected = weights(make_net(max_epochs=2, schedule="constant").fit(line_set()).module_)
    net = make_net(Line(after=11, then=interrupt), schedule="constant")
    with pytest.raises(KeyboardInterrupt):
        net.fit(line_set())
    assert torch.equal(weights(net.module_), expected)
    assert not net.module_.training


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="nonsense"):
        resolve_device("nonsense")
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ValueError, match=f"device='{missing}', but torch finds"):
        resolve_device(missing)


def test_progress_bar_closes_and_changes_nothing(capsys):
    shown = make_net(verbose=True).fit(line_set(), line_set(32, seed=1))
    silent = make_net().fit(line_set(), line_set(32, seed=1))
    assert torch.equal(weights(shown.module_), weights(silent.module_))
    assert "training" in capsys.readouterr().err


# Passes over more rows.


def passes(plans, data):
    net = make_net(**plans[0])
    for plan in plans:
        net.train_once(data, make_net(**plan).plan)
    return net


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_passes_are_epochs_of_one_training(ema_decay):
    plan = {"schedule": "constant", "ema_decay": ema_decay}
    net = passes([plan] * 3, line_set())
    expected = make_net(max_epochs=3, **plan).fit(line_set())
    assert torch.equal(weights(net.module_), weights(expected.module_))
    assert net.history[:, "train_loss"] == expected.history[:, "train_loss"]
    assert not net.module_.training


def test_without_an_average_the_trained_weights_go_on():
    plans = [{"ema_decay": 0.9}, {"ema_decay": 0.9}, {}]
    without = passes([{}] * 3, line_set())
    assert torch.equal(weights(passes(plans, line_set()).module_), weights(without.module_))


def test_after_a_fit_the_average_starts_at_what_was_kept():
    net = make_net(ema_decay=0.999).fit(line_set())
    kept = weights(net.module_).clone()
    net.train_once(line_set(slope=-3.0), net.plan)
    changed = (weights(net.module_) - kept).abs().max()
    assert 0 < changed < 0.01


@pytest.mark.parametrize("ema_decay", [None, 0.9])
@pytest.mark.parametrize(
    ("then", "error"), [(nan, ValueError), (interrupt, KeyboardInterrupt)], ids=["nan", "ctrl-c"]
)
def test_a_pass_that_fails_leaves_the_network_as_it_was(then, error, ema_decay):
    net = make_net(Line(after=7, then=then), ema_decay=ema_decay)
    net.train_once(line_set(), net.plan)
    before = weights(net.module_).clone()
    with pytest.raises(error):
        net.train_once(line_set(), net.plan)
    assert torch.equal(weights(net.module_), before)
    net.train_once(line_set(), net.plan)
    assert torch.isfinite(weights(net.module_)).all()
    assert not torch.equal(weights(net.module_), before)


@pytest.mark.parametrize("factor", [2.0**-10, 2.0**10])
def test_the_unit_of_the_weights_does_not_matter(factor):
    weight = torch.linspace(0.1, 3.0, 64)
    first, second = (
        make_net(gradient_clip=1.0).fit(line_set(weight=w), line_set(seed=1, weight=w))
        for w in (weight, factor * weight)
    )
    assert torch.equal(weights(first.module_), weights(second.module_))
    for name in ("train_loss", "valid_loss"):
        assert first.history[:, name] == second.history[:, name]
    assert line_set(weight=weight).normalised().weight.mean() == pytest.approx(1.0)

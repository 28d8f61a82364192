"""Networks with several optimizers, labels, several losses, or no data."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from training_toys import Line, line_set, make_net, weights

from skjetsim._nn import Draws, Network, Rows, weighted_mean
from skjetsim._nn._random import PrivateRandom

STEPS = ("critic",) * 3 + ("generator",)


class TinyGAN(Network):
    """Normal numbers with a learnt mean. The critic takes three steps in turn."""

    steps = STEPS

    def __init__(self):
        super().__init__()
        with PrivateRandom(torch.Generator().manual_seed(0)):
            self.generator = nn.Linear(1, 1)
            self.critic = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        self.taken = []

    def groups(self):
        return {
            "critic": [{"params": self.critic.parameters(), "betas": (0.5, 0.9)}],
            "generator": [{"params": self.generator.parameters(), "lr_factor": 0.5}],
        }

    def losses(self, step, batch, generator):
        (x,) = batch.inputs
        self.taken.append((step, x[:, 0].tolist()))
        fake = self.generator(torch.randn(x.shape, generator=generator))
        if step == "generator":
            return {"generator_loss": nn.functional.softplus(-self.critic(fake))[:, 0]}
        real, fake = self.critic(x)[:, 0], self.critic(fake.detach())[:, 0]
        losses = {"real": nn.functional.softplus(-real), "fake": nn.functional.softplus(fake)}
        return losses | {"penalty": 1e-3 * real.square().mean()}

    def monitor(self, data, generator):
        (x,) = data.inputs
        fake = self.generator(torch.randn(x.shape, generator=generator))
        return (fake.mean() - x.mean()).abs()


def numbers(n_rows=256, weight=None):
    x = 3 + 0.5 * torch.randn(n_rows, 1, generator=torch.Generator().manual_seed(1))
    return Rows((x,), weight)


def test_a_gan_finds_the_data_and_keeps_the_epoch_that_is_best_by_its_monitor():
    net = make_net(TinyGAN(), max_epochs=40, schedule="constant")
    net.fit(numbers(), numbers(128))
    assert abs(float(net.module_.generator.bias.detach()) - 3) < 1
    values = net.history[:, "valid_loss"]
    assert net.best_epoch_ == 1 + int(np.argmin(values)) < 40
    assert net.module_.monitor(numbers(128), torch.Generator().manual_seed(0)) == min(values)
    assert {"train_loss", "real", "fake", "penalty", "generator_loss"} < set(net.history[-1])


@pytest.mark.parametrize("n_batches", [16, 3])  # 3: an epoch has fewer batches than steps
def test_each_step_has_a_batch_of_its_own_and_the_turn_goes_on_over_epochs(n_batches):
    net = make_net(TinyGAN(), max_epochs=4).fit(numbers(16 * n_batches))
    taken = net.module_.taken
    assert [step for step, _ in taken] == [STEPS[i % 4] for i in range(4 * n_batches)]
    epoch = [x for _, rows in taken[:n_batches] for x in rows]
    assert len(set(epoch)) == 16 * n_batches


def bare_gan(data, weight, gradient_clip, n_epochs=4):
    """The same training, in plain torch."""
    module, generator = TinyGAN(), torch.Generator().manual_seed(0)
    optimizers = {
        "critic": torch.optim.AdamW(
            module.critic.parameters(), lr=0.05, betas=(0.5, 0.9), weight_decay=0.0
        ),
        "generator": torch.optim.AdamW(module.generator.parameters(), lr=0.025, weight_decay=0.0),
    }
    parts = {"critic": module.critic, "generator": module.generator}
    x, batch = data.inputs[0], 0
    for _ in range(n_epochs):
        for rows in torch.randperm(len(x), generator=generator).split(16):
            step = STEPS[batch % 4]
            share = torch.ones(len(rows)) if weight is None else weight[rows] / weight.mean()
            losses = module.losses(step, Rows((x[rows],)), generator)
            penalty = losses.pop("penalty", 0.0)
            loss = sum((loss * share).mean() for loss in losses.values()) + penalty
            optimizers[step].zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parts[step].parameters(), gradient_clip or math.inf)
            optimizers[step].step()
            batch += 1
    return weights(module)


@pytest.mark.parametrize("gradient_clip", [None, 0.01])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_and_clipping_count_for_both_optimizers(weighted, gradient_clip):
    weight = torch.linspace(0.1, 2, 256) if weighted else None
    data = numbers(weight=weight)
    net = make_net(TinyGAN(), schedule="constant", gradient_clip=gradient_clip).fit(data)
    expected = bare_gan(data, weight, gradient_clip)
    torch.testing.assert_close(weights(net.module_), expected, rtol=1e-4, atol=1e-5)
    for other in (bare_gan(data, weight, 1.0), bare_gan(data, torch.linspace(2, 0.1, 256), None)):
        assert not torch.allclose(expected, other, atol=1e-3)


@pytest.mark.parametrize("after", [10, 63])
def test_a_killed_gan_resumes_in_the_same_turn(tmp_path, after):
    class Killed(TinyGAN):
        def losses(self, step, batch, generator):
            if len(self.taken) == after:
                raise KeyboardInterrupt
            return super().losses(step, batch, generator)

    plan = {"max_epochs": 10, "ema_decay": 0.9, "checkpoint": str(tmp_path / "gan.pt")}
    data = numbers(112)  # seven batches: the turn goes on after the epoch
    whole = make_net(TinyGAN(), **plan | {"checkpoint": None}).fit(data, numbers(64))
    with pytest.raises(KeyboardInterrupt):
        make_net(Killed(), **plan).fit(data, numbers(64))
    resumed = make_net(TinyGAN(), **plan).fit(data, numbers(64))
    assert torch.equal(weights(resumed.module_), weights(whole.module_))
    assert resumed.entries() == whole.entries()


def test_without_a_monitor_of_its_own_a_gan_keeps_the_last_epoch():
    class Plain(TinyGAN):
        monitor = Network.monitor

    net = make_net(Plain(), patience=1).fit(numbers(), numbers(64))
    assert net.best_epoch_ == 4
    assert "valid_loss" not in net.history[-1]


# Labels.


class ByClass(Network):
    """A number for each class, which learns the mean."""

    def __init__(self):
        super().__init__()
        self.mean = nn.Embedding(3, 1, _weight=torch.zeros(3, 1))

    def losses(self, step, batch, generator):
        y, label, known = batch.inputs
        return {"loss": torch.where(known, (self.mean(label)[:, 0] - y).square(), 0.0)}


def test_integer_labels_reach_an_embedding():
    label = torch.arange(300) % 3
    y = 2.0 * label + 0.01 * torch.randn(300, generator=torch.Generator().manual_seed(0))
    known = torch.arange(300) % 5 != 0
    net = make_net(ByClass(), max_epochs=60, learning_rate=0.1)
    net.fit(Rows((torch.where(known, y, 100.0), label, known)))
    expected = torch.tensor([[0.0], [2.0], [4.0]])
    torch.testing.assert_close(net.module_.mean.weight.detach(), expected, rtol=0, atol=0.05)


# No data.


class Shifted(Network):
    """mean + width * z, learnt from a density by the reverse Kullback-Leibler divergence."""

    def __init__(self):
        super().__init__()
        self.mean, self.log_width = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))

    def losses(self, step, batch, generator):
        (z,) = batch.inputs
        x = self.mean + self.log_width.exp() * z
        target = torch.distributions.Normal(torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0]))
        return {"divergence": -target.log_prob(x).sum(dim=1) - self.log_width.sum()}


def test_a_network_learns_a_density_without_data():
    net = make_net(Shifted(), batch_size=128, max_epochs=40).fit(Draws(1280, 2), Draws(1000, 2))
    torch.testing.assert_close(
        net.module_.mean.detach(), torch.tensor([1.0, -2.0]), rtol=0, atol=0.1
    )
    width = net.module_.log_width.detach().exp()
    torch.testing.assert_close(width, torch.tensor([0.5, 3.0]), rtol=0.05, atol=0)
    assert net.history[-1]["valid_loss"] < net.history[0]["valid_loss"]


def test_a_density_without_data_resumes(tmp_path):
    path = str(tmp_path / "training.pt")
    whole = make_net(Shifted(), checkpoint=path).fit(Draws(64, 2))
    again = make_net(Shifted(), checkpoint=path).fit(Draws(64, 2))
    assert torch.equal(weights(again.module_), weights(whole.module_))
    with pytest.raises(ValueError, match="another training"):
        make_net(Shifted(), checkpoint=path).fit(Draws(80, 2))


# Losses, groups, entries of the history.


class TwoTerms(Line):
    """A loss of rows, a loss of the mini-batch, and a logged fraction."""

    def losses(self, step, batch, generator):
        errors = super().losses(step, batch, generator)
        self.log("below_one", errors["error"] < 1)
        return errors | {"size": 0.1 * self.slope.square().sum()}

    def check_epoch(self, entries):
        if entries["epoch"] == 3:
            raise ValueError(f"below_one is {entries['below_one']}")


def test_several_losses_and_shares_are_in_the_history():
    data = line_set()
    with pytest.raises(ValueError, match=r"below_one is 0\.\d"):
        make_net(TwoTerms(), max_epochs=5).fit(data, data)
    net = make_net(TwoTerms(), max_epochs=2)
    net.fit(data, data)
    (first, _) = net.entries()
    assert list(first) == ["epoch", "train_loss", "error", "size", "below_one", "valid_loss"]
    assert first["error"] + first["size"] == pytest.approx(first["train_loss"])
    assert 0 < first["below_one"] < 1
    assert "error" not in make_net().fit(data).entries()[0]  # the only loss


def test_the_monitor_weighs_rows_and_takes_batch_losses_as_they_are():
    data = Rows(line_set().inputs, torch.linspace(0, 2, 64))
    module = TwoTerms().eval()
    errors = module.losses("loss", data, None)
    expected = (errors["error"] * data.weight).mean() + errors["size"]
    assert module.monitor(data, None) == pytest.approx(float(expected.detach()))
    assert weighted_mean(data, lambda batch: {"one": torch.ones(3 * len(batch))}) == pytest.approx(
        1
    )


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([], "got a list"),
        ({"loss": {"params": []}}, "but the step 'loss' has a dict"),
        ({"loss": [[]]}, "the list of the step 'loss' holds something else"),
        ({"loss": [{"lr": 0.1}]}, "the list of the step 'loss' holds something else"),
    ],
)
def test_groups_of_another_form(groups, message):
    class Wrong(Line):
        def groups(self):
            return groups

    with pytest.raises(TypeError, match=rf"Wrong.groups\(\) must return a dict .*{message}"):
        make_net(Wrong()).initialize()


def test_groups_have_rates_of_their_own():
    class Grouped(Line):
        def groups(self):
            slope = {"params": [self.slope], "lr": 0.2, "weight_decay": 0.3}
            return {"loss": [slope, {"params": [self.offset], "lr_factor": 0.1}, {"params": []}]}

    net = make_net(Grouped(), weight_decay=0.7, schedule="constant").fit(line_set())
    rates = [(g["lr"], g["weight_decay"]) for g in net.optimizer_.param_groups]
    assert rates == [(0.2, 0.3), (pytest.approx(0.005), 0.7)]


def test_parameters_without_gradient_are_left_alone():
    module = Line()
    module.offset.requires_grad_(False)
    net = make_net(module, weight_decay=0.5).fit(line_set())
    assert float(net.module_.offset) == 0.5
    assert float(net.module_.slope.detach()) > 0.1

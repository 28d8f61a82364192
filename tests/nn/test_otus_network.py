"""OTUS: features of a level, maps with noise, and the losses."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from skjetsim._nn import (
    OTUS,
    Level,
    Losses,
    MapLayout,
    PrivateRandom,
    Rows,
    Stage,
    TrainingNet,
    TrainingPlan,
    Unpaired,
    object_groups,
)
from skjetsim._nn._transport_map import TransportMap, gaussian_log_prob
from skjetsim.transport import InvariantMass
from skjetsim.transport._scales import learn_scales

NAMES = ["a_pt", "a_phi", "b_pt", "b_phi"]
ANGLES = [False, True, False, True]
NETWORK = {"hidden_features": (8,), "n_blocks": 0, "activation": "silu"}
COMPONENTS = ("px", "py", "pz", "E")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed))


def make_level(names=("a_x", "b_x"), scale="standard", events=None, **settings):
    angle = settings.pop("angle", [False] * len(names))
    level = Level(names, angle, [True] * len(names), scale=scale, **settings)
    if events is not None:
        quantities = level.quantities(events.double()).numpy()
        level.set_scales(*learn_scales(quantities, scale, level.knots.shape[1]))
    return level


def make_layout(n_free=2, **changes):
    settings = {
        "free": list(range(n_free)),
        "center": [0.0] * n_free,
        "step": [1.0] * n_free,
        "partner": [None] * n_free,
        "angle": [False] * n_free,
        "shells": [],
        "constants": {},
    }
    return MapLayout(**settings | changes)


def make_map(source, layout, *, groups=None, noise="standard", n_noise=2, seed=0, **settings):
    n_free = len(layout.free)
    groups = groups or [(list(range(source.n_features)), list(range(n_free)), 0)]
    settings = NETWORK | {"start": 1.0, "stretched": False} | settings
    torch.manual_seed(seed)
    return TransportMap(
        source.features, layout, n_noise=n_noise, groups=groups, noise=noise, **settings
    ).eval()


@pytest.fixture(autouse=True)
def _seeded():
    """Seed the global generator, which initialises the weights of torch."""
    with torch.random.fork_rng():
        yield


# Levels.


def test_angles_are_seen_as_cosine_and_sine():
    events = randn(5000, 4)
    events[:, [1, 3]] = 2 * math.pi * torch.rand(5000, 2, generator=generator()) - math.pi
    level = make_level(NAMES, angle=ANGLES, events=events)
    features = level.features(events)
    assert level.feature_columns() == [0, 2, 1, 3, 1, 3]
    assert features.shape == (5000, level.n_features) == (5000, 6)
    torch.testing.assert_close(features[:, 2], 2**0.5 * events[:, 1].cos())
    torch.testing.assert_close(features[:, 5], 2**0.5 * events[:, 3].sin())
    turned = events + 2 * math.pi * torch.tensor(ANGLES)
    torch.testing.assert_close(level.features(turned), features, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features.std(dim=0), torch.ones(6), rtol=0.05, atol=0)


def test_normal_scale_makes_a_normal_of_anything():
    events = torch.stack([randn(20_000).exp(), torch.rand(20_000, generator=generator())], dim=1)
    level = make_level(scale="normal", events=events)
    for column in level.features(events).T:
        assert kstest(column[::10].numpy(), "norm").statistic < 0.03


@pytest.mark.parametrize("scale", ["standard", "normal"])
def test_scales_rise_everywhere_and_are_finite(scale):
    events = randn(4000, 1).exp()
    level = make_level(["x"], scale=scale, events=events)
    x = torch.cat([torch.linspace(-1e4, 1e4, 401), torch.linspace(0, 10, 400)]).sort().values
    u = level.features(x[:, None])[:, 0]
    assert torch.isfinite(u).all()
    assert (u.diff() >= 0).all()
    assert (u[x.diff(append=x[-1:] + 1) > 1e-3].diff() > 0).all()
    assert u[-1] < 2e4 / events.std() + 10  # a straight line with that slope beyond


def test_ties_share_a_knot_and_stay_finite():
    events = torch.cat([torch.zeros(900), torch.ones(900), randn(200)])[:, None]
    level = make_level(["x"], scale="normal", events=events)
    assert (level.knots.diff(dim=1) > 0).all()
    assert (level.scaled_knots.diff(dim=1) > 0).all()
    assert torch.isfinite(level.features(events)).all()


@pytest.mark.parametrize("scale", ["standard", "normal"])
def test_gradient_of_features_reaches_events(scale):
    names = [f"{name}_{part}" for name in ("a", "b") for part in ("pt", "eta", "phi")]
    events = randn(200, 6).abs()
    level = make_level(
        names,
        scale=scale,
        angle=[False, False, True] * 2,
        observables=[InvariantMass("a", "b")],
        n_observed=1,
        events=events,
    )
    events.requires_grad_()
    features = level.features(events)
    assert features.shape == (200, 9)
    for column in range(9):
        (slope,) = torch.autograd.grad(features[:, column].sum(), events, retain_graph=True)
        assert torch.isfinite(slope).all()
        assert (slope != 0).any()


# Maps.


@pytest.mark.parametrize("noise", ["conditional", "standard", "additive", None])
@pytest.mark.parametrize("stretched", [False, True])
def test_maps_that_add_start_near_the_identity(noise, stretched):
    events = randn(500, 2)
    layout = make_layout(partner=[0, 1], step=[0.01, 0.01])
    level = make_level(events=events)
    transport = make_map(level, layout, noise=noise, start=0.1, stretched=stretched)
    moved = transport(events, randn(500, transport.n_noise, seed=1))
    assert (moved - events).abs().median() < 0.01  # one step
    assert (moved - events).abs().max() < 0.1
    assert (moved != events).any()


def test_energies_constants_and_order_of_columns():
    names = [f"a_{part}" for part in COMPONENTS]
    events = randn(100, 4)
    layout = make_layout(
        2, free=[0, 2], shells=[(0, 1, 2, 4, 5.0)], constants={1: -3.0, 3: 0.5}, step=[10.0, 10.0]
    )
    moved = make_map(make_level(names, events=events), layout)(events, randn(100, 2))
    assert moved.shape == (100, 5)
    assert (moved[:, 1] == -3.0).all()
    assert (moved[:, 3] == 0.5).all()
    expected = moved[:, :3].square().sum(dim=1) + 25.0
    torch.testing.assert_close(moved[:, 4].square(), expected)


def test_angles_are_wrapped():
    events = 3.1 * randn(300, 2).sign()
    layout = make_layout(partner=[0, 1], angle=[True, False], step=[3.0, 3.0])
    moved = make_map(make_level(events=events), layout)(events, randn(300, 2))
    assert moved[:, 0].abs().max() <= math.pi
    assert moved[:, 1].abs().max() > math.pi


def by_object(alike=(), noise="standard"):
    names = ["a_x", "a_y", "b_x", "b_y"]
    events = randn(200, 4)
    groups = object_groups(list("aabb"), list("aabb"), alike)
    transport = make_map(
        make_level(names, events=events), make_layout(4), groups=groups, n_noise=4, noise=noise
    )
    return transport, events


@pytest.mark.parametrize("noise", ["conditional", "standard", "additive", None])
def test_each_object_is_drawn_from_itself_alone(noise):
    transport, events = by_object(noise=noise)
    draw = randn(200, transport.n_noise, seed=1)
    moved = transport(events, draw)
    other, other_draw = events.clone(), draw.clone()
    other[:, 2:] = randn(200, 2, seed=2)
    if transport.n_noise:
        other_draw[:, 2:] = randn(200, 2, seed=3)
    changed = transport(other, other_draw)
    torch.testing.assert_close(changed[:, :2], moved[:, :2])
    assert (changed[:, 2:] != moved[:, 2:]).all()


def test_objects_that_are_alike_have_one_network():
    transport, events = by_object([["a", "b"]])
    assert len(transport.networks) == 1
    assert len(by_object()[0].networks) == 2
    same = torch.cat([events[:, :2], events[:, :2]], dim=1)
    level = transport.see.__self__
    level.knots.copy_(level.knots[:1].expand_as(level.knots).clone())
    level.slope.copy_(level.slope[:1].expand_as(level.slope).clone())
    draw = randn(200, 2, seed=1).repeat(1, 2)
    moved = transport(same, draw)
    torch.testing.assert_close(moved[:, :2], moved[:, 2:])


def test_groups_of_objects():
    groups = object_groups(["a", "b", None, "a"], ["b", "b", "a", None], [["a", "b"]])
    # Groups of b, of a, and of columns without an object.
    assert groups == [([1], [0, 1], 0), ([0, 3], [2], 0), ([2], [3], 1)]


def test_additive_noise_has_the_width_that_is_told():
    events = randn(200, 2)
    transport = make_map(make_level(events=events), make_layout(step=[2.0, 0.5]), noise="additive")
    draw = randn(200, 2, seed=1)
    at_zero, _ = transport.with_log_width(events, torch.zeros_like(draw))
    moved, log_width = transport.with_log_width(events, draw)
    step = torch.tensor([2.0, 0.5])
    torch.testing.assert_close(moved - at_zero, step * log_width.exp() * draw)
    assert transport.n_noise == 2
    assert make_map(make_level(events=events), make_layout())(events, draw).shape == (200, 2)


def test_log_density_is_that_of_a_normal():
    draw, log_width = randn(50, 3), 0.3 * randn(50, 3, seed=1)
    normal = torch.distributions.Normal(0.0, log_width.exp())
    expected = normal.log_prob(draw * log_width.exp()).sum(dim=1)
    torch.testing.assert_close(gaussian_log_prob(draw, log_width), expected)


# Losses.


def make_otus(noise=None, losses=None, shared=(), prior=None, **stage):
    events = randn(256, 2)
    levels = [make_level(["a_pt", "a_x"], events=events) for _ in range(2)]
    settings = NETWORK | {"noise": noise, "n_noise": 2, "start": 0.0, "stretched": False}
    groups = [([0, 1], [0, 1], 0)]
    layout = make_layout(partner=[0, 1])
    if noise == "additive":
        layout = make_layout()
    one_map = settings | {"layout": layout, "groups": groups}
    losses = losses or Losses(n_slices=20)
    with PrivateRandom(generator()):
        module = OTUS(*levels, one_map, one_map, losses, list(shared), prior)
    module.stage = Stage(**stage)
    return module, events


def losses_of(module, *inputs, seed=0):
    return module.losses("loss", Rows(inputs), generator(seed))


def loss_of(module, *inputs, seed=0):
    return sum(losses_of(module, *inputs, seed=seed).values())


def only(name):
    weights = dict.fromkeys(
        ("data_weight", "latent_weight", "simulated_weight", "anchor_weight", "paired_weight"), 0.0
    )
    return weights | {name: 1.0}


@pytest.mark.parametrize(
    "name", ["data_weight", "latent_weight", "simulated_weight", "anchor_weight", "paired_weight"]
)
def test_exact_maps_have_no_loss(name):
    shared = [(0, 0, 1.0, False), (1, 1, 1.0, False)]
    module, events = make_otus(shared=shared, **only(name))  # the last layer is zero: y = X
    losses = losses_of(module, events, events.flip(0), events, events)
    assert list(losses) == [name.replace("weight", "loss")]
    (loss,) = losses.values()
    assert loss.shape == ()
    assert loss.abs() < 1e-5
    farther = loss_of(module, events, events + 1, events, events + 1)
    assert (farther > 0.1) == (name not in ("data_weight", "anchor_weight"))


def test_distance_is_of_slices_columns_and_observables():
    losses = Losses(n_slices=500, marginal_weight=2.0, p=2)
    module, events = make_otus(losses=losses, **only("latent_weight"))
    with torch.no_grad():
        shifted = events + torch.tensor([1.0, 0.0]) * events.std(dim=0)
        loss = loss_of(module, events, shifted).item()
    assert loss == pytest.approx(1 / 2 + 2 * 1 / 2, rel=0.1)


def test_squared_error_is_divided_by_the_share_that_passes():
    losses = Losses(n_slices=1, thresholds=((0, None, 20.0),))
    module, _ = make_otus(losses=losses, **only("data_weight"))
    measured = torch.tensor([[10.0, 0.0], [25.0, 1.0], [30.0, 2.0], [35.0, 3.0]])
    with torch.no_grad():
        # D adds one to each pT: the three that pass have an error of 1 in one of two columns.
        module.decoder.networks[0].body[-1].bias[0] = 1.0
        loss = loss_of(module, measured, measured).item()
    assert loss == pytest.approx(0.5 / 0.75)
    assert torch.equal(module._passes(measured), torch.tensor([0.0, 1.0, 1.0, 1.0]))


def test_thresholds_of_cartesian_columns():
    module, _ = make_otus(losses=Losses(thresholds=((0, 1, 5.0),)))
    events = torch.tensor([[3.0, 4.1], [3.0, -3.9], [-6.0, 0.0]])
    assert torch.equal(module._passes(events), torch.tensor([1.0, 0.0, 1.0]))


def test_no_event_passes():
    losses = Losses(n_slices=1, thresholds=((0, None, 1e6),))
    module, events = make_otus(losses=losses, **only("data_weight"))
    assert loss_of(module, events, events) == 0.0
    plan = TrainingPlan(batch_size=64, max_epochs=1)
    net = TrainingNet(module, plan=plan, generator=generator())
    with pytest.raises(ValueError, match=r"no reconstructed event .* epoch 1: passing rate 0"):
        net.fit(Unpaired((events, events)))


def test_divergence_of_a_gaussian_from_the_prior():
    prior = {
        "center": [1.0, 0.0],
        "scale": [2.0, 1.0],
        "orders": [np.array([0, 1])],
        "hidden_features": (8,),
        "n_bins": 4,
    }
    losses = Losses(latent_loss="kl")
    module, _ = make_otus("additive", losses, prior=prior, **only("latent_weight"))
    n_rows = 50_000
    mean, width = torch.tensor([0.5, -0.2]), torch.tensor([0.7, 1.3])
    draw = randn(n_rows, 2, seed=4)
    module.prior.log_prob = lambda z: torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    encoded = mean + width * draw
    found = module._divergence(encoded, draw, width.log().expand(n_rows, 2)).item()
    center, scale = torch.tensor([1.0, 0.0]), torch.tensor([2.0, 1.0])
    shifted = torch.distributions.Normal((mean - center) / scale, width / scale)
    normal = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    exact = torch.distributions.kl_divergence(shifted, normal).sum()
    # The density of the encoder has its own unit, which adds a constant.
    assert found == pytest.approx((exact - scale.log().sum()).item(), abs=0.02)


def test_anchors_of_the_same_direction_cost_nothing():
    losses = Losses(n_slices=1, anchors=[([0, 1], [0, 1])])
    module, events = make_otus(losses=losses, **only("anchor_weight"))
    assert module._anchor_loss(events, 3 * events).abs() < 1e-6
    torch.testing.assert_close(module._anchor_loss(events, -events), torch.tensor(2.0))


def test_steps_of_angles_take_the_short_way():
    module, _ = make_otus(shared=[(0, 1, 0.5, True)], **only("anchor_weight"))
    theory, measured = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, -3.0]])
    expected = torch.tensor(((2 * math.pi - 6) / 0.5) ** 2)
    torch.testing.assert_close(module._anchor_loss(theory, measured), expected)


def test_energy_score_is_least_for_the_width_of_the_response():
    module, events = make_otus("additive", **only("paired_weight"))
    true = events + 0.5 * randn(256, 2, seed=7)

    def score(width):
        module._draw = lambda transport, given, rng: (
            given + width * torch.randn(given.shape, generator=rng)
        )
        return module._energy_score(module.decoder, events, true, generator(3)).item()

    best = score(0.5)
    assert best < score(0.1)
    assert best < score(1.5)


@pytest.mark.parametrize(
    ("train", "moved"),
    [("both", {"encoder", "decoder"}), ("encoder", {"encoder"}), ("decoder", {"decoder"})],
)
def test_a_stage_trains_its_parts_alone(train, moved):
    module, events = make_otus(train=train, simulated_weight=1.0)
    before = {name: value.clone() for name, value in module.named_parameters()}
    plan = TrainingPlan(batch_size=64, max_epochs=1, learning_rate=1e-2)
    net = TrainingNet(module, plan=plan, generator=generator())
    net.fit(Unpaired((events, events + 1)))
    changed = {
        name.split(".")[0]
        for name, value in module.named_parameters()
        if not torch.equal(value, before[name])
    }
    assert changed == moved


def test_learnt_directions_turn_in_training_alone():
    losses = Losses(n_slices=4, n_learned_slices=3)
    module, events = make_otus(losses=losses, simulated_weight=1.0)
    before = module.theory_directions.clone()
    loss_of(module.eval(), events, events + 1)
    assert torch.equal(module.theory_directions, before)
    loss_of(module.train(), events, events + 1)
    assert not torch.equal(module.theory_directions, before)
    torch.testing.assert_close(module.measured_directions.norm(dim=1), torch.ones(3))


def test_noise_and_slices_come_from_the_generator():
    module, events = make_otus("additive", simulated_weight=1.0)
    first, second = (loss_of(module, events, events) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(loss_of(module, events, events, seed=5), first)

"""Flow matching: orders of solvers, determinants, paths, optimal transport and training."""

import itertools
import math

import pytest
import torch

from skjetsim._nn import SOLVERS, FlowMatching, PrivateRandom, Rows, TrainingNet, TrainingPlan
from skjetsim._nn._ode import integrate, integrate_with_log_det
from skjetsim._nn._transport import BLOCK_ROWS, transport_order

ANGLES = [False, True, False, True]
KINDS = {"plain": [False] * 4, "angles": ANGLES, "only angles": [True] * 4}
ORDER = {"midpoint": 2, "heun": 2, "rk4": 4}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make_matching(n_target, n_context, scale=0.3, **settings):
    """Module in double precision, with weights away from the identity of the start."""
    settings = {"hidden_features": (16, 16, 8)} | settings
    with PrivateRandom(generator()):
        module = FlowMatching(n_target, n_context, **settings).double()
    rng = generator(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=rng).double())
    return module.eval()


def matching_inputs(n_target, n_context, n_rows=30, seed=2):
    rng = generator(seed)
    target = torch.randn(n_rows, n_target, generator=rng, dtype=torch.float64).clamp(-3.1, 3.1)
    context = torch.randn(n_rows, n_context, generator=rng, dtype=torch.float64)
    return target, context if n_context else None


shapes = pytest.mark.parametrize(("n_target", "n_context"), [(1, 0), (2, 3), (4, 2)])
kinds = pytest.mark.parametrize("kind", KINDS)


# Solvers.


@pytest.mark.parametrize("solver", SOLVERS)
def test_error_falls_with_the_order_of_the_solver(solver):
    start = torch.tensor([0.1, 0.5], dtype=torch.float64)

    def slope(t, x):
        return (1 + t) * x * (1 - x)

    growth = math.exp(2 + 2**2 / 2)
    exact = start * growth / (1 - start + start * growth)
    errors = [
        (integrate(slope, start, 0.0, 2.0, solver=solver, n_steps=n) - exact).abs().max().item()
        for n in (16, 32, 64)
    ]
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(ORDER[solver], abs=0.3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_determinant_of_steps_is_that_of_autograd(solver):
    matrix = torch.randn(3, 3, generator=generator(), dtype=torch.float64)
    x = torch.randn(3, 5, generator=generator(1), dtype=torch.float64)

    def slope(t, x):
        return torch.tanh(matrix @ x) * (1 + t)

    def dual_slope(t, dual):
        value = torch.tanh(torch.einsum("ij,jdn->idn", matrix, dual[:, :1]))
        change = torch.einsum("ij,jdn->idn", matrix, dual[:, 1:])
        return torch.cat([value, (1 - value**2) * change], dim=1) * (1 + t)

    settings = {"solver": solver, "n_steps": 3}
    found, log_det = integrate_with_log_det(dual_slope, x, 1.0, 0.0, **settings)
    torch.testing.assert_close(found, integrate(slope, x, 1.0, 0.0, **settings))
    for row in range(5):
        jacobian = torch.autograd.functional.jacobian(
            lambda point: integrate(slope, point, 1.0, 0.0, **settings), x[:, row : row + 1]
        )
        torch.testing.assert_close(log_det[row], jacobian[:, 0, :, 0].slogdet().logabsdet)


# The module.


@kinds
@shapes
@pytest.mark.parametrize("solver", SOLVERS)
def test_density_is_that_of_the_full_map(solver, kind, n_target, n_context):
    module = make_matching(n_target, n_context, circular=KINDS[kind][:n_target])
    module.solver, module.n_steps = solver, 2
    target, context = matching_inputs(n_target, n_context, 6)
    log_prob = module.log_prob(target, context)
    z = module.to_latent(target, context)
    base = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    for i in range(len(target)):
        row = None if context is None else context[i : i + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda point, row=row: module.to_latent(point[None], row)[0], target[i]
        )
        expected = base[i] + jacobian.slogdet().logabsdet
        torch.testing.assert_close(log_prob[i], expected, rtol=1e-7, atol=1e-7)


@kinds
@shapes
def test_base_and_events_are_inverses_up_to_the_solver(kind, n_target, n_context):
    module = make_matching(n_target, n_context, circular=KINDS[kind][:n_target], scale=0.2)
    target, context = matching_inputs(n_target, n_context)
    errors = []
    module.solver = "rk4"
    for n_steps in (8, 32):
        module.n_steps = n_steps
        z = module.to_latent(target, context)
        errors.append((module.from_base(z, context) - target).abs().max().item())
    assert (z - target).abs().max() > 0.05
    assert errors[1] < 1e-5
    assert errors[1] < errors[0]


def test_density_does_not_depend_on_how_rows_are_split(monkeypatch):
    module = make_matching(2, 1)
    target, context = matching_inputs(2, 1)
    whole = module.log_prob(target, context)
    monkeypatch.setattr("skjetsim._nn._matching.DUAL_NUMBERS", 21)
    torch.testing.assert_close(module.log_prob(target, context), whole)


@kinds
def test_nothing_moves_before_training(kind):
    module = FlowMatching(4, 0, hidden_features=(8,), circular=KINDS[kind]).double()
    target, _ = matching_inputs(4, 0)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(target)
    uniform = torch.full_like(target, -math.log(2 * math.pi))
    expected = torch.where(torch.tensor(KINDS[kind]), uniform, normal).sum(-1)
    torch.testing.assert_close(module.log_prob(target), expected)


def test_density_is_periodic_in_angles():
    module = make_matching(4, 2, circular=ANGLES)
    target, context = matching_inputs(4, 2)
    turned = target + 2 * math.pi * torch.tensor(ANGLES)
    torch.testing.assert_close(module.log_prob(turned, context), module.log_prob(target, context))
    z, _ = matching_inputs(4, 0, seed=3)
    assert module.from_base(z, context)[:, ANGLES].abs().max() <= math.pi


@pytest.mark.parametrize("optimal_transport", [False, True])
@kinds
def test_paths_lead_from_noise_to_events(kind, optimal_transport):
    module = make_matching(4, 0, circular=KINDS[kind], optimal_transport=optimal_transport)
    x = matching_inputs(4, 0)[0].T
    z = module.draw_noise(30, generator(4), "cpu")[0].double()
    near, step = torch.tensor([0.4], dtype=torch.float64), 1e-6
    point, velocity = module._path(z, x, near)
    later, _ = module._path(z, x, near + step)
    torch.testing.assert_close((later - point) / step, velocity, rtol=1e-4, atol=1e-4)
    start, _ = module._path(z, x, near * 0)
    end, _ = module._path(z, x, near * 0 + 1)
    torch.testing.assert_close(start, z)
    turns = (end - x) / (2 * math.pi)
    torch.testing.assert_close(turns, turns.round(), rtol=0, atol=1e-9)
    angle = torch.tensor(KINDS[kind])
    assert (turns[~angle].abs() < 1e-9).all()
    assert velocity[angle].numel() == 0 or velocity[angle].abs().max() <= math.pi


@shapes
def test_gradients_reach_all_weights(n_target, n_context):
    module = make_matching(n_target, n_context, circular=ANGLES[:n_target])
    target, context = matching_inputs(n_target, n_context)
    module.log_prob(target, context).mean().backward()
    for path, parameter in module.named_parameters():
        assert parameter.grad.abs().sum() > 0, path


def test_validation_has_the_same_noise_each_time_and_training_has_not():
    module = make_matching(3, 2).float()
    batch, rng = Rows(tuple(table.float() for table in matching_inputs(3, 2))), generator()
    assert module.monitor(batch, rng) == module.monitor(batch, rng)
    first, second = (module.losses("loss", batch, rng)["loss"] for _ in range(2))
    assert not torch.allclose(first, second)


def test_few_events_are_shown_several_times_with_other_noise():
    module = make_matching(3, 2).float()
    batch = Rows(tuple(table.float() for table in matching_inputs(3, 2)))
    losses = module.losses("loss", batch, generator())["loss"]
    assert len(losses) == 18 * 30  # the smallest multiple of 30 above 512
    assert len(set(losses.tolist())) == len(losses)


def test_times_fill_the_path_evenly():
    _, time = make_matching(1, 0).draw_noise(50, generator(), "cpu")
    assert ((time * 50).floor() == torch.arange(50)).all()


# Optimal transport.


def total_way(z, x):
    return (x - z).square().sum().item()


def test_transport_is_the_best_permutation():
    z, x = (torch.randn(2, 6, generator=generator(seed)) for seed in (0, 1))
    order = transport_order(z, x, torch.tensor([False, False]))
    best = min(total_way(z[:, list(p)], x) for p in itertools.permutations(range(6)))
    assert total_way(z[:, order], x) == pytest.approx(best)


def test_transport_takes_the_shorter_way_round():
    z, x = torch.tensor([[3.1, 0.0]]), torch.tensor([[0.5, -3.1]])
    assert transport_order(z, x, torch.tensor([True])).tolist() == [1, 0]
    assert transport_order(z, x, torch.tensor([False])).tolist() == [0, 1]


def test_transport_shortens_the_way_in_blocks():
    z, x = (torch.randn(3, 2 * BLOCK_ROWS + 40, generator=generator(seed)) for seed in (0, 1))
    order = transport_order(z, x, torch.zeros(3, dtype=torch.bool))
    assert sorted(order.tolist()) == list(range(z.shape[1]))
    assert (order // BLOCK_ROWS == torch.arange(z.shape[1]) // BLOCK_ROWS).all()
    assert total_way(z[:, order], x) < 0.3 * total_way(z, x)


# Training.


def test_student_is_left_alone_while_the_velocity_learns():
    with PrivateRandom(generator()):
        module = FlowMatching(2, 0, hidden_features=(8,), n_distill_steps=1)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    plan = TrainingPlan(batch_size=32, max_epochs=1, weight_decay=1.0, ema_decay=0.9)
    target, _ = matching_inputs(2, 0, 64)
    TrainingNet(module, plan=plan, generator=generator()).fit(Rows((target.float(),)))
    for name, value in module.state_dict().items():
        same = torch.equal(value, before[name])
        assert same == (name.startswith("student.") or name == "distilled"), name


def loss_of_student(module, *inputs):
    return module.student.losses("loss", Rows(inputs), None)["loss"]


@pytest.mark.parametrize("n_jumps", [1, 2])
def test_student_of_the_true_points_has_no_loss(n_jumps):
    module = make_matching(4, 2, circular=ANGLES, n_distill_steps=n_jumps)
    z, context = matching_inputs(4, 2)
    start = module._from_normal(z)
    points = torch.cat(module.student.points(start, context.T)).T
    turned = points + 2 * math.pi * torch.tensor(ANGLES * n_jumps)
    zero = torch.zeros(len(z), dtype=torch.float64)
    torch.testing.assert_close(loss_of_student(module, start.T, turned, context), zero)
    assert (loss_of_student(module, start.T, points + 0.1, context) - 0.01).abs().max() < 1e-9
    lesson = module.lesson(z, context)
    assert lesson.shape == (30, 4 * (1 + n_jumps))
    torch.testing.assert_close(lesson[:, :4], start.T)

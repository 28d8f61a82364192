"""Flow matching learns densities and responses, and reports the error of its student."""

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone

from skjetsim import load, save
from skjetsim._nn import FlowMatching
from skjetsim._nn._student import Student
from skjetsim.flows import FlowMatchingGenerator, FlowMatchingSimulator

QUICK = {
    "hidden_features": (48, 48, 48),
    "max_epochs": 14,
    "batch_size": 128,
    "learning_rate": 5e-3,
    "device": "cpu",
    "random_state": 0,
}
TINY = QUICK | {"hidden_features": (8, 8), "max_epochs": 2, "batch_size": 64}


def bent(n_events, seed=0):
    """Two columns. The second is a parabola of the first, plus noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_events)
    return np.column_stack([x, 0.5 * x * x + 0.5 * rng.normal(size=n_events)])


def bent_log_density(X):
    return stats.norm.logpdf(X[:, 0]) + stats.norm.logpdf(X[:, 1], 0.5 * X[:, 0] ** 2, 0.5)


def turned(n_events, seed=0):
    """An angle with a peak at pi, and a column whose width depends on the angle."""
    rng = np.random.default_rng(seed)
    phi = rng.vonmises(np.pi, 0.7, n_events)
    pull = rng.normal(size=n_events) * (1 + 0.6 * np.cos(phi))
    return pd.DataFrame({"pull": pull, "jet_phi": phi})


def smeared(n_events, seed=0):
    """Energies measured with a width that grows with energy, and shifted by 2 GeV."""
    rng = np.random.default_rng(seed)
    energy = rng.uniform(20, 200, n_events)
    width = np.hypot(np.sqrt(energy), 0.05 * energy)
    return energy[:, None], (energy - 2 + width * rng.normal(size=n_events))[:, None]


@pytest.fixture(scope="module")
def plane():
    return FlowMatchingGenerator(**QUICK | {"n_distill_steps": 2}).fit(bent(3000))


@pytest.fixture(scope="module")
def circle():
    return FlowMatchingGenerator(**QUICK).fit(turned(3000))


@pytest.fixture(scope="module")
def calorimeter():
    settings = QUICK | {"n_distill_steps": 1}
    return FlowMatchingSimulator(**settings).fit(*smeared(8000))


# Densities.


def test_density_in_the_plane_integrates_to_one(plane):
    x, y = np.linspace(-6, 6, 121), np.linspace(-5, 15, 161)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(plane.score_samples(grid)).reshape(len(x), len(y))
    assert np.trapezoid(np.trapezoid(density, y), x) == pytest.approx(1, abs=0.01)


def test_density_on_a_cylinder_integrates_to_one(circle):
    x, phi = np.linspace(-8, 8, 161), np.linspace(-np.pi, np.pi, 81)
    grid = np.stack(np.meshgrid(x, phi, indexing="ij"), axis=-1).reshape(-1, 2)
    table = pd.DataFrame(grid, columns=["pull", "jet_phi"])
    density = np.exp(circle.score_samples(table)).reshape(len(x), len(phi))
    assert np.trapezoid(np.trapezoid(density, phi), x) == pytest.approx(1, abs=0.01)
    assert_allclose(density[:, 0], density[:, -1], rtol=1e-3, atol=1e-6)


def test_density_is_near_that_of_the_events(plane):
    X = bent(4000, seed=1)
    truth = bent_log_density(X).mean()
    assert truth - 0.1 < plane.score(X) < truth + 0.03


def test_density_changes_with_the_unit():
    X = bent(600)
    gev = FlowMatchingGenerator(**TINY).fit(X)
    mev = FlowMatchingGenerator(**TINY).fit(1000 * X)
    expected = gev.score_samples(X) - 2 * np.log(1000)
    assert_allclose(mev.score_samples(1000 * X), expected, atol=2e-2)


# Events.


@pytest.mark.parametrize("drawn_by", ["student", "solver"])
def test_generated_events_look_like_the_events(plane, drawn_by):
    model = clone(plane)
    vars(model).update(vars(plane))
    if drawn_by == "solver":
        model.set_params(n_distill_steps=None)
    X, drawn = bent(4000, seed=1), model.sample(4000, random_state=0)
    for j in range(2):
        assert stats.ks_2samp(X[:, j], drawn[:, j]).statistic < 0.05
    low, middle, high = np.quantile(drawn[:, 1] - 0.5 * drawn[:, 0] ** 2, [0.16, 0.5, 0.84])
    assert middle == pytest.approx(0, abs=0.06)
    assert (high - low) / 2 == pytest.approx(0.5, abs=0.08)


def test_angles_are_drawn_on_the_circle(circle):
    X, drawn = turned(4000, seed=1), circle.sample(4000, random_state=0)
    assert np.abs(drawn[:, 1]).max() <= np.pi
    for shift in (0.0, 2.0):
        sides = [np.mod(table + shift, 2 * np.pi) for table in (X["jet_phi"], drawn[:, 1])]
        assert stats.ks_2samp(*sides).statistic < 0.05
    near, far = (drawn[np.cos(drawn[:, 1]) * sign < -0.5, 0] for sign in (1, -1))
    assert np.std(far) > 1.8 * np.std(near)


@pytest.mark.parametrize("name", ["plane", "circle"])
def test_latent_points_are_standard_normal_and_come_back(name, request):
    model = request.getfixturevalue(name)
    X = (bent if name == "plane" else turned)(2000, seed=2)
    latent = model.transform(X)
    for j in range(2):
        assert stats.kstest(latent[:, j], "norm").statistic < 0.06
    apart = []
    for n_steps in (8, 32):
        same = clone(model)
        vars(same).update(vars(model))
        same.set_params(n_steps=n_steps, solver="rk4")
        back = same.inverse_transform(same.transform(X))
        away = np.abs(back - np.asarray(X))
        apart.append(np.minimum(away, np.abs(2 * np.pi - away)).max())
    assert apart[1] < 5e-4
    assert apart[1] <= apart[0] + 1e-4


@pytest.mark.parametrize("energy", [60.0, 100.0, 170.0])
@pytest.mark.parametrize("n_distill_steps", [1, None])
def test_response_has_the_mean_and_width_of_its_energy(calorimeter, energy, n_distill_steps):
    model = clone(calorimeter)
    vars(model).update(vars(calorimeter))
    model.set_params(n_distill_steps=n_distill_steps)
    drawn = model.sample([[energy]], n_samples=4000, random_state=0)[0, :, 0]
    width = np.hypot(np.sqrt(energy), 0.05 * energy)
    assert drawn.mean() == pytest.approx(energy - 2, abs=0.15 * width)
    assert drawn.std() == pytest.approx(width, rel=0.15)


def test_conditional_density_is_near_the_truth(calorimeter):
    X, y = smeared(4000, seed=1)
    truth = stats.norm.logpdf(y, X - 2, np.hypot(np.sqrt(X), 0.05 * X)).mean()
    assert truth - 0.03 < calorimeter.score(X, y) < truth + 0.03
    grid = np.linspace(-100, 300, 4001)[:, None]
    density = np.exp(calorimeter.score_samples(np.full_like(grid, 60.0), grid))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1, abs=0.01)


@pytest.mark.filterwarnings("ignore:.* events outside the range")
def test_far_from_the_events_all_is_finite(calorimeter):
    far = np.array([[1e4], [-1e4], [1e9]])
    assert np.isfinite(calorimeter.sample(far, random_state=0)).all()
    assert np.isfinite(calorimeter.score_samples(far, far)).all()


# The student.


def test_student_is_close_to_the_solver_and_says_how_close(plane, calorimeter):
    for model in (plane, calorimeter):
        lost = model.distillation_loss_
        assert set(lost) == {"rms_distance", "sliced_wasserstein", "sliced_wasserstein_floor"}
        assert 0 < lost["rms_distance"] < 0.06
        assert lost["sliced_wasserstein"] < 2 * lost["sliced_wasserstein_floor"]
    drawn = plane.sample(2000, random_state=0)
    solver = clone(plane)
    vars(solver).update(vars(plane))
    solver.set_params(n_distill_steps=None)
    solved = solver.sample(2000, random_state=0)
    apart = np.sqrt(np.mean((drawn - solved) ** 2 / solved.var(axis=0)))
    assert 0 < apart < 3 * plane.distillation_loss_["rms_distance"]
    # Events are mapped by the solver, with and without a student.
    assert_array_equal(plane.transform(drawn), solver.transform(drawn))
    assert_array_equal(plane.inverse_transform(drawn), solver.inverse_transform(drawn))
    assert_array_equal(plane.score_samples(drawn), solver.score_samples(drawn))


def test_student_counts_weighted_contexts():
    X, y = smeared(600)
    weight = np.where(X[:, 0] < 100, 3.0, 0.0)
    kept = weight > 0
    settings = TINY | {"n_distill_steps": 1}
    weighted = FlowMatchingSimulator(**settings).fit(X, y, sample_weight=weight)
    plain = FlowMatchingSimulator(**settings).fit(X[kept], y[kept])
    assert weighted.distillation_loss_ == plain.distillation_loss_


def test_interrupted_student_leaves_the_solver(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Student, "losses", interrupt)
    model = FlowMatchingGenerator(**TINY | {"n_distill_steps": 1})
    with pytest.raises(KeyboardInterrupt):
        model.fit(bent(200))
    assert model.distillation_loss_ is None
    with pytest.raises(ValueError, match=r"no student with that many steps.* n_distill_steps=None"):
        model.sample(100)
    drawn = model.set_params(n_distill_steps=None).sample(100, random_state=0)
    solver = FlowMatchingGenerator(**TINY).fit(bent(200))
    assert_allclose(drawn.mean(axis=0), solver.sample(100, random_state=0).mean(axis=0), atol=0.3)


@pytest.mark.parametrize("cls", [FlowMatchingGenerator, FlowMatchingSimulator])
@pytest.mark.parametrize("n_distill_steps", [None, 2])
def test_saved_and_read_again(cls, n_distill_steps, tmp_path):
    X, y = smeared(200)
    arguments = (y,) if cls is FlowMatchingGenerator else (X, y)
    model = cls(**TINY, n_distill_steps=n_distill_steps).fit(*arguments)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    count = 50 if cls is FlowMatchingGenerator else X[:50]
    assert_array_equal(model.sample(count, random_state=0), again.sample(count, random_state=0))
    assert_array_equal(model.score_samples(*arguments), again.score_samples(*arguments))
    assert again.distillation_loss_ == model.distillation_loss_


# Same events.


@pytest.mark.parametrize("n_distill_steps", [1, None])
def test_same_bytes_for_any_number_of_workers(calorimeter, n_distill_steps):
    model = clone(calorimeter)
    vars(model).update(vars(calorimeter))
    model.set_params(n_distill_steps=n_distill_steps, n_steps=2)
    X = smeared(9000)[0]
    one = model.set_params(n_jobs=1).sample(X, random_state=0)
    assert_array_equal(one, model.set_params(n_jobs=2).sample(X, random_state=0))
    fewer = model.sample(X[:4097], random_state=0)
    assert_array_equal(fewer[:4096], one[:4096])
    assert_allclose(fewer, one[:4097], rtol=1e-5)  # the last row is in a chunk of its own


def checkpointed(path=None):
    return FlowMatchingGenerator(
        **TINY | {"max_epochs": 3, "n_distill_steps": 1, "checkpoint": path}
    )


@pytest.mark.parametrize("epoch", [2, 5])
def test_interrupted_training_resumes_to_the_same_bits(epoch, tmp_path, monkeypatch):
    X, path = bent(200), str(tmp_path / "checkpoint")
    whole = checkpointed().fit(X)
    import skjetsim._nn.training._loop as engine

    written, write = [], engine.save_checkpoint

    def write_until(path, state):
        write(path, state)
        written.append(path)
        if len(written) == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(engine, "save_checkpoint", write_until)
        with pytest.raises(KeyboardInterrupt):
            checkpointed(path).fit(X)
    assert os.path.exists(f"{path}.student") == (epoch > 3)
    resumed = checkpointed(path).fit(X)
    assert_array_equal(resumed.sample(50, random_state=0), whole.sample(50, random_state=0))
    assert_array_equal(resumed.score_samples(X), whole.score_samples(X))
    assert resumed.history_ == whole.history_
    assert resumed.distillation_loss_ == whole.distillation_loss_


KILLED = """
import os, signal, sys
import skjetsim._nn.training._loop as engine
from test_flow_matching import bent, checkpointed

write, written = engine.save_checkpoint, []

def write_and_die(path, state):
    write(path, state)
    written.append(path)
    if len(written) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

engine.save_checkpoint = write_and_die
checkpointed(sys.argv[1]).fit(bent(200))
"""


def test_kill_minus_nine(tmp_path):
    path = str(tmp_path / "checkpoint")
    folder = os.path.dirname(__file__)
    paths = os.pathsep.join([folder, *sys.path])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, path], check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    assert killed.returncode == -signal.SIGKILL
    resumed, whole = checkpointed(path).fit(bent(200)), checkpointed().fit(bent(200))
    assert_array_equal(resumed.sample(50, random_state=0), whole.sample(50, random_state=0))


# What all densities share: constants, integers, angles, partial_fit.


def test_constants_integers_and_angles_together():
    rng = np.random.default_rng(0)
    table = turned(400).assign(n_jets=rng.poisson(2.0, 400), mass=91.2)
    settings = TINY | {"integer_columns": ("n_jets",), "n_distill_steps": 1}
    model = FlowMatchingGenerator(**settings).set_output(transform="pandas").fit(table)
    drawn = model.sample(300, random_state=0)
    assert list(drawn) == list(table)
    assert (drawn["mass"] == 91.2).all()
    assert (drawn["n_jets"] == drawn["n_jets"].round()).all()
    assert drawn["n_jets"].min() >= 0
    assert drawn["jet_phi"].between(-np.pi, np.pi).all()
    assert np.isfinite(model.score_samples(table)).all()
    assert (model.score_samples(table.assign(n_jets=1.5)) == -np.inf).all()


def test_a_table_that_never_varies_has_no_network():
    model = FlowMatchingGenerator(**TINY, n_distill_steps=1).fit(np.ones((20, 2)))
    assert model.net_ is None
    assert model.distillation_loss_ is None
    assert_array_equal(model.sample(3), np.ones((3, 2)))


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_partial_fit_continues(ema_decay):
    X = bent(2000)
    model = FlowMatchingGenerator(**TINY | {"ema_decay": ema_decay}).partial_fit(X)
    before = model.score(X)
    for _ in range(8):
        model.partial_fit(X)
    assert len(model.history_) == 9
    assert model.score(X) > before + 0.02


def test_partial_fit_refuses_a_student(plane):
    with pytest.raises(ValueError, match="partial_fit does not train a student"):
        FlowMatchingGenerator(**TINY, n_distill_steps=1).partial_fit(bent(100))


def test_a_student_is_not_used_after_partial_fit():
    X = bent(200)
    model = FlowMatchingGenerator(**TINY | {"n_distill_steps": 1}).fit(X)
    model.set_params(n_distill_steps=None).partial_fit(X)
    assert model.distillation_loss_ is None
    assert np.isfinite(model.sample(20, random_state=0)).all()
    with pytest.raises(ValueError, match="n_distill_steps=1, but the fit has no student"):
        model.set_params(n_distill_steps=1).sample(20)


def test_another_student_needs_another_fit(plane, calorimeter):
    X = smeared(20)[0]
    for fitted, arguments, trained in ((plane, (), 2), (calorimeter, (X,), 1)):
        model = clone(fitted)
        vars(model).update(vars(fitted))
        drawn = model.sample(*arguments, random_state=0)
        model.set_params(n_distill_steps=3 - trained)
        with pytest.raises(ValueError, match=f"only one with {trained}. Fit again, or set"):
            model.sample(*arguments)
        model.set_params(n_distill_steps=None).sample(*arguments)
        again = model.set_params(n_distill_steps=trained).sample(*arguments, random_state=0)
        assert_array_equal(again, drawn)
    model = FlowMatchingGenerator(**TINY).fit(bent(100)).set_params(n_distill_steps=1)
    with pytest.raises(ValueError, match=r"no student with that many steps. Fit again"):
        model.sample()


def test_optimal_transport_straightens_paths():
    """A few steps of the solver then lead nearly to the result of many."""
    X = bent(1600)
    X[::2, 0] += 8
    bends = []
    for paired in (False, True):
        model = FlowMatchingGenerator(**QUICK | {"max_epochs": 20}, optimal_transport=paired)
        model.fit(X)
        few, many = (model.set_params(n_steps=k).sample(500, random_state=0) for k in (2, 16))
        bends.append(np.sqrt(np.mean((few - many) ** 2)))
    assert bends[1] < 0.6 * bends[0]


# Bad parameters.


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("solver", "euler", ValueError),
        ("n_steps", 0, ValueError),
        ("n_steps", 2.5, TypeError),
        ("n_distill_steps", 3, ValueError),
        ("n_distill_steps", 0, ValueError),
        ("hidden_features", (), ValueError),
        ("hidden_features", 8, TypeError),
        ("optimal_transport", "yes", TypeError),
        ("learning_rate", -1.0, ValueError),
        ("ema_decay", 1.0, ValueError),
    ],
)
def test_bad_parameters_are_named(parameter, value, error):
    with pytest.raises(error, match=parameter):
        FlowMatchingGenerator(**TINY | {parameter: value}).fit(bent(50))


def test_bad_solver_after_the_fit(plane):
    model = clone(plane)
    vars(model).update(vars(plane))
    model.set_params(solver="euler", n_distill_steps=None)
    for call in (model.sample, lambda: model.transform(bent(5))):
        with pytest.raises(ValueError, match="solver"):
            call()


def test_optimal_transport_refuses_weights():
    X, weight = bent(50), np.linspace(1, 2, 50)
    model = FlowMatchingGenerator(**TINY, optimal_transport=True)
    with pytest.raises(ValueError, match="optimal_transport=False"):
        model.fit(X, sample_weight=weight)
    model.fit(X, sample_weight=np.full(50, 2.0))  # equal weights are no weights


def test_fit_with_nan_from_the_start(monkeypatch):
    original = FlowMatching._loss
    monkeypatch.setattr(FlowMatching, "_loss", lambda *a: original(*a) * float("nan"))
    with pytest.raises(ValueError, match="nothing was learnt"):
        FlowMatchingGenerator(**TINY).fit(bent(100))


def test_weights_count():
    X = bent(2000)
    X[::2, 0] += 10
    weight = np.where(X[:, 0] > 5, 3.0, 1.0)
    for draws_by, n_distill_steps in (("solver", None), ("student", 1)):
        settings = QUICK | {"max_epochs": 6, "n_distill_steps": n_distill_steps}
        model = FlowMatchingGenerator(**settings).fit(X, sample_weight=weight)
        share = np.mean(model.sample(4000, random_state=0)[:, 0] > 5)
        assert share == pytest.approx(0.75, abs=0.05), draws_by

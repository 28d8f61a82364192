"""Models on the estimator kit: each keeps the whole contract, and is short."""

import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from density_flow import RADIUS, WIDTH, ShellGenerator
from image_decoder import ClassImageSimulator
from latent_flow import LatentFlowGenerator
from numpy.testing import assert_array_equal
from set_vae import CloudVAE
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import EarlyStopping, EpochScoring
from table_gan import TableGAN
from table_vae import TableVAE

from skjetsim import load, sample, save
from skjetsim.flows import FlowGenerator
from skjetsim.metrics import get_scorer
from skjetsim.utils.estimator_checks import estimator_checks_generator

SMALL = {"max_epochs": 2, "device": "cpu", "random_state": 0, "width": 8}
LATENT = FlowGenerator(hidden_features=(8,), n_transforms=2, max_epochs=2)
TOYS = Path(__file__).parent


OTHER_NOISE = {"check_weights_equal_duplicates": "an event that comes twice has other noise"}


def clouds(n_events=240, seed=0):
    """Clouds of up to five particles (eta, phi, pt), in rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 0.1, (n_events, 5, 3))
    X[:, :, 2] = rng.exponential(10.0, (n_events, 5)) + 0.5
    X[np.arange(5) >= rng.integers(1, 6, n_events)[:, None]] = 0.0
    names = [f"particle{i}_{name}" for i in range(5) for name in ("eta", "phi", "pt")]
    X = pd.DataFrame(X.reshape(n_events, -1), columns=names)
    return X, X


def images(n_events=240, seed=0):
    """Classes 0, 1 and 3, and images of 4 x 4 cells, bright in the row that the class says."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"jet_type": rng.choice([0.0, 1.0, 3.0], n_events)})
    y = rng.exponential(0.2, (n_events, 4, 4))
    y[np.arange(n_events), X["jet_type"].astype(int)] += rng.exponential(5.0, (n_events, 4))
    names = [f"cell{i}{j}" for i in range(4) for j in range(4)]
    return X, pd.DataFrame(y.reshape(n_events, -1), columns=names)


ANY_TABLE = [
    TableVAE(**SMALL),
    TableGAN(**SMALL),
    LatentFlowGenerator(latent=LATENT, **SMALL),
    ShellGenerator(n_draws=256, **SMALL),
]
SPECIAL = [(CloudVAE(**SMALL), clouds), (ClassImageSimulator(**SMALL | {"max_epochs": 20}), images)]
CASES = [
    case
    for toy, events in [*((toy, None) for toy in ANY_TABLE), *SPECIAL]
    for case in estimator_checks_generator(
        toy, events=events, expected_failed_checks=OTHER_NOISE, mark="xfail"
    )
]


def identifier(value):
    if hasattr(value, "get_params"):
        return type(value).__name__
    return getattr(value, "func", value).__name__


@pytest.mark.parametrize(("estimator", "check"), CASES, ids=identifier)
def test_contract(estimator, check):
    check(estimator)


def code_lines(path):
    """Lines that are neither blank, comments nor docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documented |= set(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in documented
        for number, line in lines
    )


@pytest.mark.parametrize("path", sorted(TOYS.glob("[!_t]*.py")) + sorted(TOYS.glob("table_*.py")))
def test_a_model_is_sixty_lines(path):
    assert code_lines(path) <= 60


# What each learns.


def table(n_events=2000, seed=0):
    rng = np.random.default_rng(seed)
    mass = rng.normal(91.0, 2.0, n_events)
    return np.column_stack([mass, 0.5 * mass + rng.normal(0, 0.3, n_events)])


@pytest.mark.parametrize(
    "toy",
    [
        TableVAE(max_epochs=60, width=32, n_latent=2, beta=0.02, random_state=0),
        TableGAN(max_epochs=150, width=32, learning_rate=3e-3, random_state=0),
        LatentFlowGenerator(
            latent=FlowGenerator(max_epochs=15), max_epochs=60, width=32, random_state=0
        ),
    ],
    ids=identifier,
)
def test_correlations_are_learnt(toy):
    X = table()
    drawn = toy.fit(X).sample(2000, random_state=1)
    assert abs(drawn.mean(axis=0) - X.mean(axis=0)).max() < 0.6
    assert np.corrcoef(drawn.T)[0, 1] > 0.8


def test_a_density_is_learnt_without_data():
    X = np.random.default_rng(0).normal([100.0, 0.0], [10.0, 0.1], (500, 2))
    toy = ShellGenerator(max_epochs=30, width=32, n_bins=8, learning_rate=1e-2, random_state=0)
    toy.fit(X)
    drawn = (toy.sample(4000, random_state=0) - X.mean(axis=0)) / X.std(axis=0)
    radius = np.hypot(*drawn.T)
    assert abs(radius.mean() - RADIUS) < 0.15
    assert radius.std() < 2 * WIDTH
    assert np.abs(drawn.mean(axis=0)).max() < 0.3


def test_multiplicities_of_clouds_are_those_of_the_fit():
    X = clouds(2000)[0].to_numpy().reshape(2000, 5, 3)
    drawn = CloudVAE(**SMALL).fit(X).sample(2000, random_state=0)
    assert drawn.shape == (2000, 5, 3)
    counts = [np.bincount((c != 0).any(axis=2).sum(axis=1), minlength=6) for c in (X, drawn)]
    assert abs(counts[0] - counts[1]).max() < 120  # some 400 in each
    assert counts[1][0] == 0


def test_images_follow_their_class():
    X, y = images(1000)
    y = y.to_numpy().reshape(1000, 4, 4)
    toy = ClassImageSimulator(max_epochs=30, width=32, random_state=0).fit(X, y)
    types = pd.DataFrame({"jet_type": [0.0, 1.0, 3.0]})
    drawn = toy.sample(types, n_samples=200, random_state=0)
    assert drawn.shape == (3, 200, 4, 4)
    brightest = drawn.sum(axis=3).mean(axis=1).argmax(axis=1)
    assert_array_equal(brightest, [0, 1, 3])
    with pytest.raises(ValueError, match="row 1: 2 is not a class"):
        toy.sample(types.replace(1.0, 2.0))


# What comes with the kit.


@pytest.mark.parametrize("toy", [*ANY_TABLE, CloudVAE(**SMALL)], ids=identifier)
def test_a_killed_fit_resumes_to_the_same_bits(toy, tmp_path, monkeypatch):
    from skjetsim._nn.training import _net

    X = clouds()[0] if isinstance(toy, CloudVAE) else table(240)
    toy = toy.__class__(**toy.get_params(deep=False) | {"max_epochs": 4})
    expected = sample(toy.fit(X), n_samples=5, random_state=0)
    path = str(tmp_path / "checkpoint")
    interrupted = toy.__class__(**toy.get_params(deep=False) | {"checkpoint": path})
    seen = []

    def stop(self, *args, **kwargs):
        seen.append(1)
        if len(seen) == 3:
            raise RuntimeError("killed")
        return run(self, *args, **kwargs)

    run = _net.TrainingNet.run_single_epoch
    with monkeypatch.context() as patch:
        patch.setattr(_net.TrainingNet, "run_single_epoch", stop)
        with pytest.raises(RuntimeError, match="killed"):
            interrupted.fit(X)
    assert_array_equal(sample(interrupted.fit(X), n_samples=5, random_state=0), expected)


def test_two_networks_come_back_from_a_file(tmp_path):
    X = table(240)
    toy = LatentFlowGenerator(latent=LATENT, **SMALL).fit(X)
    save(toy, tmp_path / "toy")
    trusted = ["latent_flow.LatentFlowGenerator"]
    loaded = load(tmp_path / "toy", trusted=trusted)
    assert_array_equal(loaded.sample(7, random_state=1), toy.sample(7, random_state=1))


def test_what_is_inside_is_searched():
    search = GridSearchCV(
        LatentFlowGenerator(latent=LATENT, **SMALL),
        {"latent__n_bins": [2, 4]},
        scoring=get_scorer("neg_wasserstein_distance"),
        cv=2,
        error_score="raise",
    ).fit(table(240))
    assert search.best_params_["latent__n_bins"] in (2, 4)
    assert sample(search, n_samples=3).shape == (3, 2)


def test_losses_are_logged_by_name():
    X = table(240)
    assert {"reconstruction", "divergence"} <= set(TableVAE(**SMALL).fit(X).history_[0])
    assert {"critic", "penalty", "generator"} <= set(TableGAN(**SMALL).fit(X).history_[0])


def test_callbacks_of_skorch_stop_a_fit():
    stop = EarlyStopping(patience=1, threshold=10.0)  # nothing is so much better
    toy = TableVAE(**SMALL | {"max_epochs": 20, "callbacks": [stop]}).fit(table(240))
    assert len(toy.history_) < 5
    assert toy.sample(3).shape == (3, 2)


def test_a_model_file_keeps_no_callbacks(tmp_path):
    callbacks = [EarlyStopping(), ("score", EpochScoring(len))]
    flow = FlowGenerator(callbacks=callbacks, max_epochs=2, random_state=0)
    expected = re.escape("FlowGenerator.callbacks (EarlyStopping, EpochScoring): ")
    with pytest.warns(UserWarning, match=expected):
        save(flow, tmp_path / "flow")
    flow.set_params(callbacks=callbacks[:1]).fit(table(240))
    with pytest.warns(UserWarning, match=r"callbacks \(EarlyStopping\): callbacks act in training"):
        save(flow, tmp_path / "flow")
    loaded = load(tmp_path / "flow")
    assert loaded.callbacks is None
    assert_array_equal(loaded.sample(3, random_state=0), flow.sample(3, random_state=0))


def test_the_example_of_contributing_is_the_first_toy():
    text = (TOYS.parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1].split("```")[0]
    assert example == (TOYS / "table_vae.py").read_text(encoding="utf-8")

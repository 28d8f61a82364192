"""What is public, what importing costs, and which way dependencies point."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import skjetsim

ROOT = Path(skjetsim.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))


def public_modules():
    """Names of all modules without a leading underscore, scripts left out."""
    names = [skjetsim.__name__]
    for module in pkgutil.walk_packages([str(ROOT)], "skjetsim."):
        parts = module.name.split(".")
        if not any(part.startswith("_") for part in parts) and parts[-1] not in ("demo", "cli"):
            names.append(module.name)
    return sorted(names)


every_module = pytest.mark.parametrize("name", public_modules())


def test_the_layout_is_there():
    expected = {"skjetsim.base", "skjetsim.compose", "skjetsim.datasets", "skjetsim.flows"}
    expected |= {"skjetsim.metrics", "skjetsim.persistence", "skjetsim.pipeline"}
    expected |= {"skjetsim.preprocessing", "skjetsim.selection"}
    assert expected <= set(public_modules())


@every_module
def test_all_is_sorted_complete_and_importable(name):
    module = importlib.import_module(name)
    names = module.__all__
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    for attribute in names:
        assert getattr(module, attribute) is not None
    assert set(names) <= set(dir(module))


@every_module
def test_nothing_public_is_left_out(name):
    module = importlib.import_module(name)
    defined = {
        attribute
        for attribute, value in vars(module).items()
        if not attribute.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and getattr(value, "__module__", "").startswith("skjetsim")
    }
    if hasattr(module, "__path__"):  # a package exports what it imports
        assert defined <= set(module.__all__)


def test_modules_resolve_when_first_used():
    run(
        """
        import sys
        import skjetsim
        assert "skjetsim.flows" not in sys.modules
        assert skjetsim.flows.FlowSimulator.__name__ == "FlowSimulator"
        """
    )
    top_level = {name.split(".")[1] for name in public_modules() if name.count(".") == 1}
    assert top_level <= set(dir(skjetsim))
    for name in top_level:
        assert getattr(skjetsim, name).__name__ == f"skjetsim.{name}"


def test_version():
    assert skjetsim.__version__.count(".") >= 2


def run(code):
    """Run a script in a fresh interpreter; it fails where an assertion does."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_importing_is_light_and_changes_nothing():
    run(
        """
        import locale, os, random, signal, sys, warnings
        import numpy as np, sklearn

        def state():
            return (
                dict(np.geterr()), np.get_printoptions(), np.random.get_state()[1].tolist(),
                random.getstate(), sklearn.get_config(), dict(os.environ), os.getcwd(),
                list(warnings.filters), signal.getsignal(signal.SIGINT), locale.getlocale(),
            )

        before, modules = state(), set(sys.modules)
        import skjetsim
        assert state() == before
        heavy = {"torch", "matplotlib", "pandas", "skorch", "zuko", "pyarrow", "scipy.stats",
                 "skops", "pythia8mc", "awkward", "mplhep", "hist"}
        loaded = (sys.modules.keys() - modules) & heavy
        assert not loaded, loaded
        assert "torch" not in sys.modules
        assert "matplotlib" not in sys.modules
        """
    )


def test_physics_modules_need_no_torch():
    run(
        """
        import sys
        import skjetsim.base, skjetsim.datasets, skjetsim.metrics, skjetsim.pipeline
        import skjetsim.preprocessing, skjetsim.selection, skjetsim.compose, skjetsim.flows
        from skjetsim import load, log_prob, sample, sample_inverse, save
        heavy = sys.modules.keys() & {"torch", "skorch", "zuko", "matplotlib", "pythia8mc"}
        assert not heavy, heavy
        """
    )


def test_training_changes_no_global_state():
    run(
        """
        import numpy as np, torch, warnings
        from skjetsim.flows import FlowGenerator

        def state():
            return (torch.get_rng_state().tolist(), torch.get_default_dtype(),
                    torch.get_num_threads(), torch.is_grad_enabled(),
                    torch.are_deterministic_algorithms_enabled(),
                    np.random.get_state()[1].tolist(), dict(np.geterr()))

        X = np.random.default_rng(0).normal(size=(50, 2))
        before = state()
        flow = FlowGenerator(n_transforms=2, hidden_features=(8,), max_epochs=1, device="cpu")
        flow.fit(X).sample(5)
        assert state() == before
        """
    )


@pytest.mark.parametrize("name", sorted(set(skjetsim.__all__) - {"__version__"}))
def test_lazy_functions(name):
    function = getattr(skjetsim, name)
    assert callable(function)
    assert function.__name__ == name
    assert name in dir(skjetsim)


def test_lazy_functions_do_their_work(tmp_path):
    from sklearn.neighbors import KernelDensity

    model = KernelDensity().fit([[0.0], [1.0]])
    skjetsim.save(model, tmp_path / "model")
    again = skjetsim.load(tmp_path / "model")
    drawn = skjetsim.sample(again, n_samples=3, random_state=0)
    assert (skjetsim.log_prob(again, drawn) == skjetsim.log_prob(model, drawn)).all()
    with pytest.raises(TypeError):
        skjetsim.sample_inverse(again, drawn)


# Layers.


def imports(path):
    """Full names of everything a file imports, at the top or inside functions."""
    package = ("skjetsim", *path.relative_to(ROOT).parts)[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def top(name):
    return name.split(".")[0]


def relative(path):
    return str(path.relative_to(ROOT))


every_file = pytest.mark.parametrize("path", FILES, ids=relative)


@every_file
def test_only_the_training_imports_skorch(path):
    if "skorch" in {top(name) for name in imports(path)}:
        assert relative(path).startswith("_nn/training/")


@every_file
def test_networks_know_nothing_of_the_rest(path):
    if path.parent.name != "_nn":
        return
    for name in imports(path):
        assert top(name) != "sklearn"
        # The standard library is all that writing files in one step knows.
        assert top(name) != "skjetsim" or name.startswith(
            ("skjetsim._nn", "skjetsim.utils._atomic")
        )


@every_file
def test_private_parts_of_scikit_learn_are_touched_in_one_place(path):
    private = [
        name
        for name in imports(path)
        if top(name) == "sklearn" and any(part.startswith("_") for part in name.split("."))
    ]
    assert not private or relative(path) == "_sklearn_compat.py"


# What a layer must not import: dependencies point one way.
ESTIMATORS = ("flows", "response", "transport")
ABOVE = ("inspection", "persistence", "demo")
LAYERS = {
    "preprocessing": (*ESTIMATORS, *ABOVE, "compose", "metrics", "pipeline", "_nn"),
    "metrics": (*ESTIMATORS, *ABOVE, "compose", "pipeline"),
    "datasets": (*ESTIMATORS, *ABOVE, "compose", "metrics", "pipeline", "_nn", "io"),
    "io": (*ESTIMATORS, *ABOVE, "base", "compose", "datasets", "metrics", "pipeline", "_nn"),
    "base": (*ESTIMATORS, *ABOVE, "compose", "pipeline", "_nn"),
    "flows": (*ABOVE, "compose", "transport", "pipeline", "datasets"),
    "response": (*ABOVE, "flows", "transport", "datasets"),
    "transport": (*ABOVE, "flows", "response", "datasets"),
    "compose": (*ESTIMATORS, *ABOVE, "pipeline", "datasets", "_nn"),
    "pipeline.py": (*ESTIMATORS, *ABOVE, "compose", "datasets", "_nn"),
    "inspection": (*ESTIMATORS, "compose", "datasets", "demo", "_nn"),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_dependencies_point_one_way(layer):
    for path in FILES:
        if path.relative_to(ROOT).parts[0] != layer:
            continue
        wrong = [
            name
            for name in imports(path)
            for forbidden in LAYERS[layer]
            if f"{name}.".startswith(f"skjetsim.{forbidden}.")
        ]
        assert not wrong, f"{relative(path)} imports {wrong}"


@every_file
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500

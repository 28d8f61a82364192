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
from sklearn.base import BaseEstimator

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


def owners(names):
    """Files, out of all, that a name is imported from."""
    return {relative(MODULES[name]) for name in names if name in MODULES}


def module_name(path):
    parts = ("skjetsim", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}
IMPORTS = {relative(path): sorted(set(imports(path))) for path in FILES}


def test_only_the_training_imports_skorch():
    users = {file for file, names in IMPORTS.items() if "skorch" in map(top, names)}
    assert all(file.startswith("_nn/training/") for file in users)


def test_networks_know_nothing_of_scikit_learn():
    knowing = {file for file, names in IMPORTS.items() if "sklearn" in map(top, names)}
    for file, names in IMPORTS.items():
        if file.startswith("_nn/"):
            wrong = (owners(names) | {file}) & knowing
            assert not wrong, f"{file} imports scikit-learn, or {sorted(wrong)}, which does"


def test_private_parts_of_scikit_learn_are_touched_in_one_place():
    private = {
        file
        for file, names in IMPORTS.items()
        for name in names
        if top(name) == "sklearn" and any(part.startswith("_") for part in name.split("."))
    }
    assert private <= {"_sklearn_compat.py"}


# Bottom to top: a file imports from its own package and from lower levels.
LEVELS = (
    ("utils", "_sklearn_compat"),
    ("_nn", "_encoders", "_persistence", "base", "preprocessing", "datasets", "io"),
    ("_classifiers", "_drawing", "persistence", "selection"),
    ("metrics", "pipeline"),
    ("_estimators",),
    ("compose",),
    ("flows", "response", "transport"),
    ("inspection",),
    ("estimator_checks",),
    ("demo",),
)
LEVEL_OF = {package: level for level, packages in enumerate(LEVELS) for package in packages}
# In utils by their public name, and above all that they check.
CHECKS = ("skjetsim.utils.estimator_checks", "skjetsim.utils._contract")


def package_of(module):
    """Entry of `LEVELS` that a module of ours belongs to."""
    if f"{module}.".startswith(tuple(f"{name}." for name in CHECKS)):
        return "estimator_checks"
    return module.split(".")[1]


def test_every_file_is_in_a_level():
    unknown = {package_of(name) for name in MODULES if name != "skjetsim"} - set(LEVEL_OF)
    assert not unknown, f"say in LEVELS where {sorted(unknown)} belong"


def test_dependencies_point_one_way():
    wrong = []
    for module, path in MODULES.items():
        if module == "skjetsim":  # its lazy functions come from everywhere
            continue
        package = package_of(module)
        for name in IMPORTS[relative(path)]:
            if name.startswith("skjetsim.") and name != "skjetsim.__version__":
                other = package_of(name)
                if other != package and LEVEL_OF[other] >= LEVEL_OF[package]:
                    wrong.append(f"{relative(path)} imports {name}")
    assert not wrong, wrong


def imported_modules(path):
    """Modules that a file needs; `from package import module` needs that module."""
    names = set(imports(path)) & set(MODULES)
    return {
        name
        for name in names
        if not (
            MODULES[name].name == "__init__.py"
            and any(other.startswith(f"{name}.") for other in names)
        )
    }


def test_no_module_needs_itself():
    needs = {name: imported_modules(path) - {name} for name, path in MODULES.items()}
    while True:  # take away what needs nothing that is left: circles remain
        free = {name for name, others in needs.items() if not others & set(needs)}
        if not free:
            break
        needs = {name: others for name, others in needs.items() if name not in free}
    circle = {name for name in needs if any(name in others for others in needs.values())}
    assert not circle, f"in circles, or between them: {sorted(circle)}"


def test_files_are_short():
    lengths = {file: len((ROOT / file).read_text("utf-8").splitlines()) for file in IMPORTS}
    long = {file: length for file, length in lengths.items() if length > 500}
    assert not long


# Classes.


def is_ours(cls):
    return cls.__module__.startswith("skjetsim")


def depth(cls):
    """Classes of ours on the longest way up, the class itself included."""
    return 1 + max(map(depth, cls.__bases__)) if is_ours(cls) else 0


def test_chains_of_inheritance_are_short():
    """At most five classes of ours, one above the other, and six in all, mixins included."""
    modules = [importlib.import_module(name) for name in public_modules()]
    public = {getattr(module, name) for module in modules for name in module.__all__}
    for cls in public:
        if inspect.isclass(cls) and issubclass(cls, BaseEstimator):
            ours = [base.__name__ for base in cls.__mro__ if is_ours(base)]
            assert depth(cls) <= 5, ours
            assert len(ours) <= 6, ours

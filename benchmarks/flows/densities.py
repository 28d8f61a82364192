"""Densities in 2 and 6 dimensions: ours, nflows, zuko, KernelDensity and GaussianMixture.

All models learn the same events. The output has held-out log p, W1 of samples with its floor, and
processor time. If the true density is known, it also has the difference of log p from the truth.
This is the Kullback-Leibler divergence, in which fluctuations of the test sample cancel. In 2
dimensions it has the integral of the density over a grid. The couplings of other packages train for
as long as `FlowGenerator` and hold back the same rows. All use one thread. The figures are in
``benchmarks/results``.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.flows.density_peers import (
    NflowsCouplings,
    ZukoCouplings,
    fit_gaussian_mixture,
    fit_kernel_density,
)
from skjetsim._drawing._chunked import one_thread
from skjetsim._estimators._network import SPLIT
from skjetsim.datasets import (
    camel_log_prob,
    density_2d_log_prob,
    load_zee,
    make_camel,
    make_density_2d,
    make_shell,
    shell_log_prob,
)
from skjetsim.flows import FlowGenerator, FlowMatchingGenerator
from skjetsim.metrics import metric_floor, sliced_wasserstein_distance, wasserstein_distance
from skjetsim.preprocessing import CartesianToCylindrical
from skjetsim.utils._seeds import as_seed_sequence, numpy_rng

RESULTS = Path(__file__).parents[1] / "results"
SHAPES = ("checkerboard", "eight_gaussians", "pinwheel", "rings", "spirals")
N_TEST, N_JUDGE, N_TIMED, ROUNDS = 20_000, 5_000, 50_000, 3
# All of every shape but one event in a million.
REACH, N_CELLS = 7.0, 400
SEED = 0
# Not 1: settings of ours and of peers were chosen on those events.
TEST_SEED = 2
# Half of the bundled events: train and test must not overlap.
N_PAIRS = 10_000
REFERENCE = "FlowGenerator"


def ours():
    """Models of the package, by name. The first is the reference and sets the time of training."""
    return {
        REFERENCE: FlowGenerator(random_state=SEED),
        "autoregressive": FlowGenerator(structure="autoregressive", random_state=SEED),
        "RealNVP": FlowGenerator(bijection="affine", random_state=SEED),
        "FlowMatchingGenerator": FlowMatchingGenerator(random_state=SEED),
    }


@dataclass(frozen=True)
class Problem:
    """A density to learn.

    Attributes
    ----------
    draw : callable
        `draw(n_samples, random_state=)`.
    log_prob : callable or None
        The true log-density, if it is known.
    quantity : callable or None
        A quantity of each event, for the figure of what models get wrong. Has `label` and `bins`.
    """

    draw: Callable
    log_prob: Callable | None
    quantity: Callable | None = None
    label: str = ""
    bins: tuple = ()


def problems():
    """Problems by name."""
    plane = {
        shape: Problem(
            lambda n, random_state, shape=shape: make_density_2d(
                shape, n, random_state=random_state
            ),
            partial(density_2d_log_prob, kind=shape),
        )
        for shape in SHAPES
    }
    return plane | {
        "camel, 6 columns": Problem(
            partial(make_camel, n_features=6),
            camel_log_prob,
            lambda X: X.mean(axis=1),
            "mean of the columns",
            (-6, 6, 61),
        ),
        "shell, 6 columns": Problem(
            partial(make_shell, n_features=6),
            shell_log_prob,
            lambda X: np.linalg.norm(X, axis=1),
            "radius",
            (0, 9, 61),
        ),
        "Z -> ee, 6 columns": Problem(
            draw_pairs, None, pair_mass, "mass of the pair [GeV]", (60, 120, 61)
        ),
    }


def draw_pairs(n_samples, random_state):
    """Reconstructed Z -> ee in six columns. `SEED` takes the first events, other seeds the last.

    The columns are log pT and eta of the electron and of the positron, phi of the electron, and the
    difference in phi of the positron.
    """
    _, y = load_zee(return_X_y=True)
    momenta = y[[name for name in y if not name.endswith("_E")]]
    table = CartesianToCylindrical().fit_transform(momenta)
    table = table.iloc[:n_samples] if random_state == SEED else table.iloc[-n_samples:]
    pt, eta, phi = (
        np.column_stack([table[f"{lepton}_{name}"] for lepton in ("electron", "positron")])
        for name in ("pt", "eta", "phi")
    )
    between = (phi[:, 1] - phi[:, 0]) % (2 * np.pi)
    return np.column_stack([np.log(pt), eta, phi[:, 0], between])


def pair_mass(X):
    """Mass in GeV of a pair of massless leptons in these columns."""
    angle = np.cosh(X[:, 2] - X[:, 3]) - np.cos(X[:, 5])
    return np.sqrt(2 * np.exp(X[:, 0] + X[:, 1]) * angle)


def fit_all(X):
    """Fitted models and seconds of processor time for each."""
    models, seconds = {}, {}

    def keep(name, fit):
        start = time.process_time()
        models[name] = fit()
        seconds[name] = time.process_time() - start

    for name, model in ours().items():
        keep(name, partial(model.fit, X))
    reference = models[REFERENCE]
    batch_size = reference.net_.plan.batch_size
    order = numpy_rng(as_seed_sequence(SEED), SPLIT).permutation(len(X))
    held_back = order[: int(reference.validation_fraction * len(X))]
    for name, peer in (("nflows", NflowsCouplings), ("zuko", ZukoCouplings)):
        if importlib.util.find_spec(name):
            couplings = peer(seconds[REFERENCE], batch_size)
            keep(name, partial(couplings.fit, X, held_back))
    keep("KernelDensity", partial(fit_kernel_density, X))
    keep("GaussianMixture", partial(fit_gaussian_mixture, X))
    return models, seconds


def sampling_times(models):
    """Microseconds of processor time per drawn event, models in turn, the best of some rounds."""
    times = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            start = time.process_time()
            model.sample(N_TIMED, random_state=SEED)
            times[name].append(1e6 * (time.process_time() - start) / N_TIMED)
    return {name: min(values) for name, values in times.items()}


def with_error(values):
    """Mean and its standard error, as text."""
    return f"{values.mean():.4f} +- {values.std() / np.sqrt(len(values)):.4f}"


def integral(model):
    """Integral of the density over the grid."""
    cell = (2 * REACH / N_CELLS) ** 2
    return np.exp(model.score_samples(grid_points())).sum() * cell


def grid_points():
    """Centres of the cells."""
    centres = REACH * ((2 * np.arange(N_CELLS) + 1) / N_CELLS - 1)
    return np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)


METRICS = {
    "W1 / std, worst column": partial(wasserstein_distance, scale="std", multioutput="max"),
    "W1 / std, sliced": partial(sliced_wasserstein_distance, scale="std", random_state=SEED),
}


def measure(problem, models, seconds, X_test):
    """Table of figures, with one row for each model."""
    rows, drawing = {}, sampling_times(models)
    truth = None if problem.log_prob is None else problem.log_prob(X_test)
    if truth is not None:
        rows["truth"] = {"log p": with_error(truth)}
    for name, model in models.items():
        density = model.score_samples(X_test)
        rows[name] = {"log p": with_error(density)}
        if truth is not None:
            rows[name]["truth - model"] = with_error(truth - density)
        drawn = model.sample(N_JUDGE, random_state=SEED + 1)
        for metric, function in METRICS.items():
            rows[name][metric] = f"{function(X_test[:N_JUDGE], drawn):.4f}"
        if X_test.shape[1] == 2:
            rows[name]["integral"] = f"{integral(model):.4f}"
        rows[name] |= {"fit, s": f"{seconds[name]:.1f}", "draw, us": f"{drawing[name]:.2f}"}
    floors = {
        metric: metric_floor(function, X_test, N_JUDGE, n_repeats=50, random_state=SEED)
        for metric, function in METRICS.items()
    }
    for label, level in (("floor, median", 1), ("floor, 95%", 2)):
        rows[label] = {
            metric: f"{float(floor.quantiles[level]):.4f}" for metric, floor in floors.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def note_sizes(models):
    """Sizes of the models, which a reader needs to judge the peers, as text."""
    notes = []
    for name, model in models.items():
        if hasattr(model, "net_"):
            notes.append(f"{name} best epoch {model.best_epoch_} of {len(model.history_)}")
        elif hasattr(model, "flow"):
            size = sum(parameter.numel() for parameter in model.flow.parameters())
            notes.append(f"{name} {model.epochs} epochs, {size:,} weights")
    notes.append(f"bandwidth {models['KernelDensity'][-1].bandwidth:.3g} std")
    notes.append(f"{models['GaussianMixture'][-1].n_components} Gaussians")
    return "; ".join(notes)


def draw_planes(fitted, path):
    """Densities in the plane: a row for each shape, a column for each model, one colour scale."""
    import matplotlib.pyplot as plt

    names = ["truth", *next(iter(fitted.values()))[1]]
    figure, axes = plt.subplots(
        len(fitted),
        len(names),
        figsize=(2 * len(names), 2 * len(fitted) + 0.3),
        layout="constrained",
        squeeze=False,
    )
    view = 5.0
    centres = np.linspace(-view, view, 250)
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    for row, (shape, (problem, models, _)) in zip(axes, fitted.items(), strict=True):
        truth = np.exp(problem.log_prob(points)).reshape(len(centres), -1)
        # The innermost ring is infinite at its centre; a few cells must not set the colours.
        top = np.quantile(truth, 0.998)
        for ax, name in zip(row, names, strict=True):
            density = truth if name == "truth" else np.exp(models[name].score_samples(points))
            density = density.reshape(truth.shape)
            ax.pcolormesh(centres, centres, density, vmin=0, vmax=top, rasterized=True)
            ax.set(aspect="equal", xticks=[], yticks=[])
            if ax in axes[0]:
                ax.set_title(name, fontsize=9)
        row[0].set_ylabel(shape)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_quantities(fitted, path):
    """A quantity of all six columns that no model was trained on: samples and truth."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        2,
        len(fitted),
        figsize=(4.2 * len(fitted), 5),
        height_ratios=(3, 1),
        sharex="col",
        layout="constrained",
        squeeze=False,
    )
    for (ax, ratio_ax), (problem, models, X_test) in zip(axes.T, fitted.values(), strict=True):
        bins = np.linspace(*problem.bins)
        counts, _ = np.histogram(problem.quantity(X_test), bins)
        width = np.diff(bins) * len(X_test)
        true, error = counts / width, np.sqrt(counts) / width
        ax.stairs(true, bins, color="0.8", fill=True, label="truth")
        with np.errstate(divide="ignore", invalid="ignore"):
            band = np.where(counts > 0, error / true, np.nan)
        ratio_ax.stairs(1 + band, bins, baseline=1 - band, color="0.8", fill=True)
        for name, model in models.items():
            drawn = problem.quantity(model.sample(N_TIMED, random_state=SEED))
            density = np.histogram(drawn, bins)[0] / (np.diff(bins) * len(drawn))
            line = ax.stairs(density, bins, label=name)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(counts > 20, density / true, np.nan)
            ratio_ax.stairs(ratio, bins, color=line.get_edgecolor(), baseline=None)
        ax.set_ylabel("density")
        ratio_ax.set(xlabel=problem.label, ylabel="model / truth", ylim=(0.5, 1.5))
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    choices = problems()
    parser.add_argument("problems", nargs="*", help=", ".join(choices))
    parser.add_argument("--n-train", type=int, default=10_000, help="at most 10,000 for Z -> ee")
    options = parser.parse_args()
    unknown = set(options.problems) - set(choices)
    if unknown:
        parser.error(f"there are no problems {sorted(unknown)}, only {', '.join(choices)}")
    chosen = options.problems or list(choices)
    if options.n_train > N_PAIRS and any(choices[name].log_prob is None for name in chosen):
        parser.error(f"Z -> ee has {N_PAIRS} events to learn from: name the other problems")
    matplotlib.use("Agg")
    if importlib.util.find_spec("nflows") is None:
        print("nflows is not installed: pip install --no-deps nflows==0.14")
    planes, spaces = {}, {}
    for name in chosen:
        problem = choices[name]
        X = problem.draw(options.n_train, random_state=SEED)
        X_test = problem.draw(N_TEST if problem.log_prob else N_PAIRS, random_state=TEST_SEED)
        with one_thread(), threadpool_limits(1):
            models, seconds = fit_all(X)
            table = measure(problem, models, seconds, X_test)
        print(f"\n{name}: {len(X)} events to learn from, {len(X_test)} to test on")
        print(table.to_string(na_rep=""))
        print(note_sizes(models), flush=True)
        (planes if X.shape[1] == 2 else spaces)[name] = problem, models, X_test
    if planes:
        draw_planes(planes, RESULTS / "densities_2d.png")
    if spaces:
        draw_quantities(spaces, RESULTS / "densities_6d.png")


if __name__ == "__main__":
    main()

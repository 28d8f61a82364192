"""Unfolding of W + jet and Z -> ee: coverage, energy score and joint AUC of unfolders.

The unfolders are the conditional network `Unfolder(FlowSimulator())` in coordinates of the process,
and the two bijections that it replaced (arXiv:2006.06685). The controls are the detector level in
place of the theory level, and the prior, random events of the training sample.

For each, the output has the coverage at 10, 25, 50, 75 and 90% minus the level, for each column,
with its binomial error; the worst p-value of uniform ranks; the energy score; and the joint AUC of
(unfolded, measured) against (true, measured). The prior is calibrated for any unfolded events. Its
faults show in its energy score and its AUC. Coverage curves and some posteriors are drawn.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import chisquare

from benchmarks.shared.judging import both_passes, print_figures
from benchmarks.shared.processes import PROCESSES
from skjetsim import sample_inverse
from skjetsim.flows import FlowSimulator, InvertibleUnfolder
from skjetsim.inspection import CalibrationDisplay, PosteriorDisplay
from skjetsim.inspection._style import COLOURS, FLOOR, house_style, style_axes
from skjetsim.metrics import (
    classifier_two_sample_auc,
    energy_score,
    posterior_coverage,
    sbc_ranks,
)

N_TRAIN, N_TEST, N_POSTERIORS = 140_000, 100_000, 20_000
# Chosen on training events: the weight decay "auto", that of log p, blurs resonance and edges.
SETTINGS = {"max_epochs": 40, "weight_decay": 0.4, "random_state": 0}
BIJECTION_EPOCHS = 4  # what is wrong with them is not too few
N_DRAWS, N_SCORED_DRAWS = 99, 20
LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
N_RANK_BINS = 20
GOALS = {"coverage - level, worst": 0.01, "AUC, joint": 0.52}
RESULTS = Path(__file__).parents[1] / "results" / "unfolding"


class Reference:
    """Control: the detector level as measured, or events of the prior."""

    def __init__(self, *, prior):
        self.prior = prior

    def fit(self, X, y):
        """Keep the prior."""
        self.X_ = X.to_numpy()
        return self

    def draw(self, y, n_samples, random_state):
        """Rows of the prior, or y itself."""
        if not self.prior:
            return np.repeat(y.to_numpy()[:, None], n_samples, axis=1)
        rng = np.random.default_rng(random_state)
        return self.X_[rng.integers(len(self.X_), size=(len(y), n_samples))]


def unfolders(process, max_epochs):
    """Unfolders in the table, by name."""
    bijections = {"max_epochs": min(BIJECTION_EPOCHS, max_epochs), "random_state": 0}
    return {
        "flow": process.unfolder(FlowSimulator(**SETTINGS | {"max_epochs": max_epochs})),
        "bijection": InvertibleUnfolder(**bijections),
        "with noise": InvertibleUnfolder(n_noise=len(process.columns), **bijections),
        "measured": Reference(prior=False),
        "prior": Reference(prior=True),
    }


def draw(model, y, n_samples, random_state):
    """Draws of shape (n, n_samples, n_columns)."""
    if isinstance(model, Reference):
        return model.draw(y, n_samples, random_state)
    return np.asarray(sample_inverse(model, y, n_samples=n_samples, random_state=random_state))


def in_features(features, draws, columns):
    """Derived quantities of draws."""
    flat = pd.DataFrame(draws.reshape(-1, draws.shape[-1]), columns=columns)
    return features.transform(flat).to_numpy().reshape(*draws.shape[:2], -1)


def judge(model, X, y, features, n_posteriors):
    """Figures of one unfolder, its coverage, and displays of it.

    Parameters
    ----------
    model : fitted unfolder
    X, y : DataFrame
        Cartesian test events on both levels.
    features : fitted KinematicFeatures
    n_posteriors : int
        Number of events whose posteriors are drawn. Classifiers judge one draw of every event.

    Returns
    -------
    figures : dict
    coverage : DataFrame
        Coverage minus the level, and its error.
    display : CalibrationDisplay
    """
    few = slice(n_posteriors)
    draws = draw(model, y[few], N_DRAWS, 1)
    truth, drawn = features.transform(X[few]), in_features(features, draws, X.columns)
    coverage, error = posterior_coverage(truth, drawn, LEVELS)
    difference = coverage.sub(LEVELS, axis=0)
    ranks = sbc_ranks(truth, drawn) * N_RANK_BINS // (N_DRAWS + 1)
    p_values = [chisquare(np.bincount(rank, minlength=N_RANK_BINS)).pvalue for rank in ranks.T]
    one = pd.DataFrame(draw(model, y, 1, 2)[:, 0], columns=X.columns)
    _, aucs = classifier_two_sample_auc(
        features.transform(X),
        features.transform(one),
        X=features.transform(y),
        random_state=0,
        return_all=True,
    )
    figures = {
        "coverage - level, worst": difference.abs().max(axis=None),
        "its pull": (difference.abs() / error[:, None]).max(axis=None),
        "ranks, lowest p": min(p_values),
        "energy score / std": energy_score(X[few], draws[:, :N_SCORED_DRAWS], scale="std"),
        "AUC, joint": max(aucs.values()),
    } | {f"AUC, {name}": value for name, value in aucs.items()}
    difference.insert(0, "error", error)
    return figures, difference, CalibrationDisplay.from_samples(truth, drawn)


def posteriors(process, model, X, y, prior, features):
    """Display of the posteriors of three events."""
    few = slice(3)
    return PosteriorDisplay.from_samples(
        features.transform(X[few]),
        in_features(features, draw(model, y[few], 2000, 1), X.columns),
        measured=features.transform(y[few]),
        prior=features.transform(prior),
        features=list(process.shown),
    )


def draw_coverage(displays, path):
    """Coverage minus level of each column, with one line for each model."""
    first = next(iter(displays.values()))
    n_rows = -(-len(first.names) // 3)
    with house_style() as plt:
        figure, axes = plt.subplots(
            n_rows, 3, figsize=(10, 2.4 * n_rows), sharex=True, sharey=True, layout="constrained"
        )
        for column, (ax, name) in enumerate(zip(axes.flat, first.names, strict=False)):
            ax.fill_between(first.levels, -first.floor, first.floor, color=FLOOR, label="floor")
            for (model, display), colour in zip(displays.items(), COLOURS, strict=False):
                difference = display.coverage[:, column] - display.levels
                ax.plot(display.levels, difference, color=colour, label=model)
            ax.set_title(name, fontsize="medium", loc="right")
            ax.set_xlim(0, 1)
        for ax in axes.flat[len(first.names) :]:
            ax.set_visible(False)
        style_axes(*axes.flat)
        handles = axes.flat[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper center", ncols=len(handles[1]))
        figure.supxlabel("quantile of the draws")
        figure.supylabel("fraction of truth below, minus the quantile")
        figure.savefig(path, dpi=110)
        plt.close(figure)


def save_figure(display, path):
    """Draw a Display into a file."""
    with house_style() as plt:
        figure = display.plot().figure_
        figure.savefig(path, dpi=110)
        plt.close(figure)


def unfold(name, options):
    """Print the tables of one process and draw its figures."""
    process = PROCESSES[name]
    events = process.load(name, options.n_train + options.n_test)
    train = both_passes(events, slice(options.n_train))
    X, y = (side[options.n_train :].reset_index(drop=True) for side in (events.X, events.y))
    features = process.features.fit(X)
    print(
        f"\n{name}: {options.n_train} events to train on, {len(train[0])} with the second detector "
        f"pass; {len(X)} to judge by; threads: {torch.get_num_threads()}"
    )
    n_judged = 0.4 * len(X)
    print(f"posteriors of {options.n_posteriors}; error of an AUC {1 / np.sqrt(6 * n_judged):.4f}")
    figures, displays = {}, {}
    for model_name, model in unfolders(process, options.max_epochs).items():
        if options.only is not None and model_name not in options.only:
            continue
        start = time.perf_counter()
        model.fit(*train)
        minutes = (time.perf_counter() - start) / 60
        found = judge(model, X, y, features, options.n_posteriors)
        figures[model_name], coverage, displays[model_name] = found
        figures[model_name]["fit, min"] = minutes
        print(f"\n{model_name}: coverage - level")
        print(coverage.to_string(float_format=lambda value: f"{value:.4f}"), flush=True)
        if model_name == "flow":
            save_figure(displays["flow"], RESULTS / f"{name}_flow_calibration.png")
            display = posteriors(process, model, X, y, train[0], features)
            save_figure(display, RESULTS / f"{name}_flow_posteriors.png")
    print_figures(figures, GOALS)
    draw_coverage(displays, RESULTS / f"{name}_coverage.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--process", nargs="*", choices=["wjet", "zee"], default=["wjet", "zee"])
    parser.add_argument("--n-train", type=int, default=N_TRAIN)
    parser.add_argument("--n-test", type=int, default=N_TEST)
    parser.add_argument("--n-posteriors", type=int, default=N_POSTERIORS)
    parser.add_argument("--max-epochs", type=int, default=SETTINGS["max_epochs"])
    parser.add_argument("--only", nargs="*", help="names of unfolders")
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in options.process:
        unfold(name, options)


if __name__ == "__main__":
    main()

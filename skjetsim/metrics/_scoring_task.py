"""What all scorers share: drawing the events to compare, and comparing them in bins of X."""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from skjetsim._drawing._sample import sample, sample_inverse
from skjetsim.base import is_generator, is_simulator, is_unfolder
from skjetsim.base._tags import is_paired
from skjetsim.utils._circle import angle_columns
from skjetsim.utils._comparison import (
    check_pair,
    check_table,
    check_weight,
    rng_from,
    shared_differences,
)
from skjetsim.utils._scores import event_blocks
from skjetsim.utils._tables import take_rows, with_rows
from skjetsim.utils._validation import check_int, check_option, check_same_events
from skjetsim.utils._warnings import without_hints
from skjetsim.utils._weighted import weighted_quantile
from skjetsim.utils._with_parameters import with_parameters

# Bins are made in this many columns of X at most: clouds and images have hundreds.
_MAX_CONDITIONS = 16
_MAX_ENSEMBLE = 2000


class BaseScorer(BaseEstimator, metaclass=ABCMeta):
    """A scorer: called as `scorer(estimator, X, y, sample_weight=...)`, higher is better."""

    # `estimator` is the subject of `score`, not metadata to be routed to it.
    __metadata_request__score: ClassVar = {"estimator": UNUSED}

    @abstractmethod
    def score(self, estimator, X, y=None, sample_weight=None):
        """Score a fitted estimator on held-out events."""

    def __call__(self, estimator, X, y=None, sample_weight=None):
        """Score a fitted estimator, as scikit-learn's model selection calls it."""
        return self.score(estimator, X, y, sample_weight=sample_weight)

    def _accept_sample_weight(self):
        # scikit-learn's multimetric scorer asks for it if metadata routing is off.
        return True


@dataclass
class ScoringTask:
    """Held-out events, and a way to draw what the estimator makes of them."""

    target: Any
    condition: Any  # None if marginal distributions are compared
    weight: np.ndarray | None
    generated_weight: np.ndarray | None
    rng: np.random.Generator
    draw: Callable  # takes the number of draws for each event

    def draw_ensemble(self):
        """Events of equal weight that stand for the marginal distribution, a few thousand."""
        events = self.draw()
        weight = self.generated_weight
        if weight is None and len(events) <= _MAX_ENSEMBLE:
            return events
        share = None if weight is None else weight / weight.sum()
        size = min(_MAX_ENSEMBLE, len(events))
        return take_rows(
            events, self.rng.choice(len(events), size, replace=share is not None, p=share)
        )


@with_parameters
class BaseGenerativeScorer(BaseScorer):
    """Scorer that draws events and compares them; subclasses define `_score(task)`.

    Parameters
    ----------
    n_samples : int or None
        Number of events that a generator draws, or of rows of X, chosen at random, that a simulator
        is given. By default as many as X has.
    random_state : int, RandomState, Generator or None
        Seed of the drawn events. An int gives every candidate of a search the same noise.
    direction : {"forward", "inverse"}
        "inverse" unfolds y and compares with X in bins of y. It is for unfolders, and for
        simulators with `sample_inverse`.
    """

    n_samples: int | None = None
    random_state: Any = 0
    direction: str = "forward"
    _made = "make_generative_scorer(metric)"  # how messages say it is made

    def score(self, estimator, X, y=None, sample_weight=None):
        """Score a fitted generator, simulator or unfolder on held-out events.

        Parameters
        ----------
        estimator : fitted estimator
            On its own, in a Pipeline, or a fitted search.
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets), optional
            Required by simulators and unfolders, ignored by generators.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the held-out events. The events of a generator count equally. Those of a
            simulator carry the weight of the event that they were simulated for.

        Returns
        -------
        float
            Higher is better.

        Raises
        ------
        TypeError
            If the estimator cannot draw in the scorer's direction.
        ValueError
            On bad input, or a missing y.
        """
        task = self._task(estimator, X, y, sample_weight)
        with without_hints():  # `fit` has given them
            return float(self._score(task))

    @abstractmethod
    def _score(self, task):
        """Score of a task: higher is better."""

    def _task(self, estimator, X, y, sample_weight):
        check_option(self.direction, "direction", ("forward", "inverse"))
        rng = rng_from(self.random_state)
        n_samples = None if self.n_samples is None else check_int(self.n_samples, "n_samples")
        X, y = with_rows(X), with_rows(y, "y")
        pairs = not is_generator(estimator) and is_paired(estimator)
        check_same_events(X, y if pairs else None, sample_weight)
        weight = check_weight(sample_weight, len(X), "sample_weight")
        if is_generator(estimator):
            n_generated = len(X) if n_samples is None else n_samples

            def draw(n_draws=None):
                return sample(estimator, n_samples=n_generated, random_state=rng)

            return ScoringTask(X, None, weight, None, rng, draw)
        self._check_conditional(estimator, y)
        if n_samples is not None and n_samples < len(X):
            rows = np.sort(rng.choice(len(X), n_samples, replace=False))
            X, y, weight = (take_rows(table, rows) for table in (X, y, weight))
        sampler, condition, target = sample, X, y
        if self.direction == "inverse":
            sampler, condition, target = sample_inverse, y, X

        def draw(n_draws=None):
            return sampler(estimator, condition, n_samples=n_draws, random_state=rng)

        shown = condition if is_paired(estimator) else None
        return ScoringTask(target, shown, weight, weight, rng, draw)

    def _check_conditional(self, estimator, y):
        name = type(estimator).__name__
        if not (is_simulator(estimator) or is_unfolder(estimator)):
            raise TypeError(
                f"{name} is neither a generator nor a simulator: it has nothing to draw."
            )
        if is_unfolder(estimator) and self.direction == "forward":
            raise TypeError(
                f'{name} is an unfolder: score it with direction="inverse", here '
                f'{self._made}.set_params(direction="inverse").'
            )
        if y is None:
            raise ValueError(f"{name} is scored on pairs of events: pass y as well as X.")


@dataclass
class ComparedColumns:
    """Columns of the target, followed by the residuals of those that X has, too."""

    truth: np.ndarray
    generated: np.ndarray
    names: list | None
    circular: np.ndarray  # which are angles, or differences of angles
    responses: np.ndarray  # positions of the residuals, and of the columns that X lacks


def compared_columns(task, *, residuals=True):
    """Draw once; return a `ComparedColumns`."""
    pair = check_pair(task.target, task.draw(), task.weight, task.generated_weight)
    if task.condition is None or not residuals:
        every = np.arange(pair.n_columns)
        return ComparedColumns(pair.truth, pair.generated, pair.names, pair.circular, every)
    condition, condition_names = check_table(task.condition, what="X")
    circular = angle_columns(pair.names or condition_names, pair.n_columns)
    tables = []
    for y in (pair.truth, pair.generated):
        residual, columns = shared_differences(condition, y, condition_names, pair.names)
        tables.append(np.concatenate([y, residual], axis=1))
    names = pair.names
    return ComparedColumns(
        *tables,
        names and names + [f"{names[column]}_residual" for column in columns],
        np.concatenate([circular, circular[columns]]),
        np.setdiff1d(np.arange(tables[0].shape[1]), columns),
    )


def condition_columns(task):
    """Columns of X whose bins are compared; a random choice if there are many."""
    condition, _ = check_table(task.condition, what="X")
    if condition.shape[1] > _MAX_CONDITIONS:
        chosen = task.rng.choice(condition.shape[1], _MAX_CONDITIONS, replace=False)
        condition = condition[:, np.sort(chosen)]
    return list(condition.T)


def mean_over_bins(measure, truth, generated, task, bins):
    """Mean of `measure(truth, generated, **weights)` over quantile bins of each column of X."""
    bins = check_int(bins, "bins")
    if task.condition is None:
        return measure(truth, generated, **_weights(task, slice(None)))
    bins = max(1, min(bins, len(truth) // 2))
    values = []
    for column in condition_columns(task):
        edges = np.unique(weighted_quantile(column, np.arange(1, bins) / bins, task.weight))
        index = np.searchsorted(edges, column)
        for k in range(len(edges) + 1):
            rows = np.flatnonzero(index == k)
            if len(rows) and (task.weight is None or task.weight[rows].sum() > 0):
                values.append(measure(truth[rows], generated[rows], **_weights(task, rows)))
    return np.mean(values)


def _weights(task, rows):
    """Weights of some rows, as keyword arguments of a metric; empty without weights."""
    named = {"sample_weight": task.weight, "generated_weight": task.generated_weight}
    return {name: weight[rows] for name, weight in named.items() if weight is not None}


def marginal_energy_score(truth, ensemble, weight=None):
    """Energy score of one ensemble for all true events, unbiased in the size of the ensemble."""
    n_draws = len(ensemble)
    if n_draws < 2:
        raise ValueError("the energy score needs at least two drawn events.")
    blocks = event_blocks(len(truth), n_draws)
    accuracy = np.concatenate([cdist(truth[rows], ensemble).mean(axis=1) for rows in blocks])
    spread = sum(
        float(cdist(ensemble[rows], ensemble).sum()) for rows in event_blocks(n_draws, n_draws)
    )
    return float(np.average(accuracy, weights=weight)) - 0.5 * spread / (n_draws * (n_draws - 1))

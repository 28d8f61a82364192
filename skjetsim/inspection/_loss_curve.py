"""Losses of a training, epoch by epoch."""

import numbers

import numpy as np
import pandas as pd

from skjetsim.base._composition import models_inside
from skjetsim.inspection import _style as style

TRAIN, VALID = "train_loss", "valid_loss"
# Entries of an epoch that are not losses. skorch's callbacks write those that begin with "event_".
NOT_LOSSES = ("epoch", "stage", "dur", "batches", "train_batch_count", "valid_batch_count")
START = 0.1  # share of the epochs whose large losses do not set the scale


class LossCurveDisplay:
    """Losses of training and validation by epoch, with the best epoch marked.

    Make one with `from_estimator` or `from_history`. Dashed lines are the losses of the training
    events, full lines those of the held-out events. A vertical line marks the epoch whose weights
    were kept. Each member of an ensemble has a colour. Single losses that the history names, such
    as a reconstruction and a divergence, are below. The first tenth of the epochs does not set the
    scale, since losses often start far above.

    scikit-learn's `LearningCurveDisplay` is another plot: the score by the number of training
    events.

    Parameters
    ----------
    curves : dict of str to DataFrame
        Losses by the name of the model, indexed by epoch, with the columns `train_loss`,
        `valid_loss` (if events were held out), and one for each single loss.
    best_epochs : dict of str to int or None
        Epoch whose weights were kept, by the name of the model.
    valid_is_loss : bool, default=True
        Whether `valid_loss` is the loss of the held-out events. If it is another quantity, by
        which the best epoch is chosen, it has a panel of its own.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Set by `plot`, like `axes_`.
    axes_ : tuple of matplotlib Axes
        One for each panel.

    See Also
    --------
    skjetsim.innermost : The model inside a composition, which has the `history_`.

    Examples
    --------
    >>> from skjetsim.inspection import LossCurveDisplay
    >>> history = [
    ...     {"epoch": 1, "train_loss": 2.0, "valid_loss": 1.9},
    ...     {"epoch": 2, "train_loss": 1.5, "valid_loss": 1.6},
    ...     {"epoch": 3, "train_loss": 1.2, "valid_loss": 1.8},
    ... ]
    >>> display = LossCurveDisplay.from_history(history)
    >>> display.best_epochs
    {'': 2}
    """

    def __init__(self, *, curves, best_epochs, valid_is_loss=True):
        self.curves = curves
        self.best_epochs = best_epochs
        self.valid_is_loss = valid_is_loss

    @classmethod
    def from_history(cls, history, *, best_epoch=None, valid_is_loss=True):
        """Read the losses of one training.

        Parameters
        ----------
        history : list of dict
            `history_` of an estimator: the numbers of each epoch by name.
        best_epoch : int, optional
            Epoch to mark, counted from 1; by default that of the lowest `valid_loss`.
        valid_is_loss : bool, default=True
            Whether `valid_loss` is the loss of the held-out events.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If the history is empty, or its epochs have no `train_loss`.
        """
        curve = _curve(history)
        if best_epoch is None and VALID in curve and curve[VALID].notna().any():
            best_epoch = int(curve[VALID].idxmin())
        curves, best_epochs = {"": curve}, {"": best_epoch}
        return cls(curves=curves, best_epochs=best_epochs, valid_is_loss=valid_is_loss)

    @classmethod
    def from_estimator(cls, estimator):
        """Find the networks inside an estimator, and read their losses.

        Parameters
        ----------
        estimator : fitted estimator
            A model that is trained by epochs, on its own or inside any composition: a Pipeline, a
            search, an unfolder, an ensemble with all its members, a chain with all its steps.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        TypeError
            If no model inside has a history of its training.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        models = models_inside(estimator)
        trained = {name: model for name, model in models.items() if hasattr(model, "history_")}
        if not trained:
            kinds = sorted({type(model).__name__ for model in models.values()})
            raise TypeError(
                f"{' and '.join(kinds)} has no history_: it is not fitted, or it was not trained "
                "by epochs."
            )
        with_events = {name: model for name, model in trained.items() if model.history_}
        if not with_events:
            raise TypeError("The training had no epochs: no column of the events varies.")
        return cls(
            curves={name: _curve(model.history_) for name, model in with_events.items()},
            best_epochs={name: _best_epoch(model) for name, model in with_events.items()},
            valid_is_loss=all(map(_validates_loss, with_events.values())),
        )

    def plot(self, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, optional
            One for each panel: the losses, `valid_loss` if it is another quantity, and the single
            losses if there are any. Made by default.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib or mplhep is missing.
        ValueError
            On a wrong number of axes.
        """
        panels = self._panels()
        size = {"figsize": (5.6, 1.6 + 2.4 * len(panels)), "sharex": True}
        with style.house_style():
            axes = style.make_axes(axes, f"the panels {list(panels)}", len(panels), 1, **size)
            for ax, (label, lines) in zip(axes, panels.items(), strict=True):
                self._draw(ax, label, lines)
            axes[-1].set_xlabel("epoch")
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _panels(self):
        """Lines of each panel, (label, losses, settings), by the label of the panel."""
        several = len(self.curves) > 1
        panels = {"loss": []}
        if not self.valid_is_loss and any(VALID in curve for curve in self.curves.values()):
            panels[VALID] = []
        for number, (name, curve) in enumerate(self.curves.items()):
            colour = _colour(number) if several else None
            train = {"color": colour or style.COLOURS[0], "linestyle": "--", "linewidth": 1.1}
            label = ("_" if VALID in curve else name) if several else "training"
            panels["loss"].append((label, curve[TRAIN], train))
            if VALID in curve:
                valid = {"color": colour or style.MODEL, "linewidth": 1.4}
                where = "loss" if self.valid_is_loss else VALID
                panels[where].append((name if several else "validation", curve[VALID], valid))
            for place, term in enumerate(_terms(curve)):
                label = f"{name} {term}".strip()
                lines = panels.setdefault("single losses", [])
                lines.append((label, curve[term], {"color": _colour(number + place)}))
        return panels

    def _draw(self, ax, label, lines):
        """Draw the lines of a panel, and the best epochs."""
        several = len(self.best_epochs) > 1
        for name, values, settings in lines:
            marker = {"marker": "."} if len(values) < 3 else {}
            ax.plot(values.index, values, label=name, **settings, **marker)
        if several and label == "loss":  # members have colours, and kinds of losses have dashes
            for kind, dashes in (("training", "--"), ("validation", "-")):
                ax.plot([], color=style.TRUTH_LINE, linestyle=dashes, label=kind)
        for number, epoch in enumerate(self.best_epochs.values()):
            if epoch is not None:
                colour = _colour(number) if several else style.TRUTH_LINE
                text = "best epoch" if number == 0 else None
                ax.axvline(epoch, color=colour, linewidth=0.9, linestyle=":", label=text)
        ax.set_ylim(*_limits([values.to_numpy() for _, values, _ in lines]))
        last = max(values.index[-1] for _, values, _ in lines)
        margin = 0.02 * last  # a line at the first or the last epoch would be hidden by the frame
        ax.set_xlim(1 - margin, last + margin)
        ax.set_ylabel(label)
        style.style_axes(ax)
        style.whole_ticks(ax)
        style.legend_above(ax)


def _colour(number):
    return style.COLOURS[number % len(style.COLOURS)]


def _curve(history):
    """The losses of a history as a table; epochs are counted on through the stages of a fit."""
    if not len(history):
        raise ValueError("history is empty: there was no epoch.")
    entries = [
        {
            name: float(value)
            for name, value in epoch.items()
            if _is_number(value) and not _is_no_loss(name)
        }
        for epoch in history
    ]
    table = pd.DataFrame(entries, index=pd.RangeIndex(1, len(entries) + 1, name="epoch"))
    if TRAIN not in table:
        raise ValueError(f"The epochs of history have no {TRAIN!r}: they have {list(history[0])}.")
    return table


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def _is_no_loss(name):
    return name in NOT_LOSSES or name.startswith("event_") or name.endswith("_best")


def _terms(curve):
    """Names of the single losses, which are drawn if they are not the sum."""
    return [name for name in curve if name not in (TRAIN, VALID)]


def _best_epoch(model):
    """Epoch whose weights were kept, counted through the stages of the fit."""
    history = model.history_
    if "stage" not in history[-1]:
        return model.best_epoch_
    return sum(epoch["stage"] != history[-1]["stage"] for epoch in history) + model.best_epoch_


def _validates_loss(model):
    """Whether `valid_loss` of a model is its loss, and not what its network defines instead."""
    from skjetsim._nn import Network

    monitor = getattr(type(getattr(model.net_, "module_", None)), "monitor", Network.monitor)
    return monitor is Network.monitor


def _limits(lines):
    """Limits of the losses, without the start of the training."""
    lines = [line[np.isfinite(line)] for line in lines]
    lines = [line for line in lines if len(line)]
    if not lines:
        return (0, 1)
    low = min(line.min() for line in lines)
    high = max(line[int(START * len(line)) :].max() for line in lines)
    margin = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
    return (low - margin, high + margin)

"""MetaSimulator: what simulators around other estimators share."""

import numpy as np

from skjetsim._estimators._unpaired_score import unpaired_score
from skjetsim.base._checks import read_events, used_events
from skjetsim.base._inside import forget, going_on, is_fitted
from skjetsim.base._simulator import BaseSimulator
from skjetsim.base._tags import is_paired, unwrapped


def all_have(method):
    """Condition of `available_if`: all simulators inside, fitted or not, have the method."""
    return lambda self: all(hasattr(simulator, method) for simulator in self._inside)


class MetaSimulator(BaseSimulator):
    """Simulator around another one, `simulator`, whose fitted clone is `simulator_`.

    A subclass defines the hooks of `BaseSimulator`, and ``_predict_inside(rows)``, which makes a
    point prediction of those of the simulators inside.
    """

    # False if `fit` does not match X with y: the simulator inside then says whether rows are pairs.
    _needs_pairs = True
    # The attribute that `fit` sets last. Without it, the estimator is not fitted.
    _learnt = "simulator_"

    def __sklearn_is_fitted__(self):
        return hasattr(self, self._learnt)

    @property
    def _inside(self):
        """The simulators inside: the fitted ones, if there are any."""
        return [getattr(self, "simulator_", self.simulator)]

    @property
    def paired_(self):
        """Whether row i of X and y is the same event. If not, `score` compares distributions."""
        return self._needs_pairs or is_paired(self._inside[0])

    @property
    def trained_(self):
        """Which maps the unpaired simulator inside has learnt."""
        return unwrapped(next(iter(self._inside), None)).trained_

    def _predict(self, rows):
        """Point predictions of the simulators inside, if they have any; else medians of draws."""
        predict = self._predict_inside if all_have("predict")(self) else super()._predict
        return predict(rows)

    def score(self, X, y, sample_weight=None):
        """Mean log p(y given X) if it is tractable, else minus the energy score.

        If the simulator inside learns from unpaired events (`paired_` is False), it is minus the
        sliced Wasserstein distance between simulated and measured events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event. Unpaired events may have any number and any order.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
            Higher is better. Distances and energy scores are in standard deviations of y.
        """
        if is_paired(self):
            return super().score(X, y, sample_weight)
        return unpaired_score(self, X, y, sample_weight)

    def _read_events(self, X, y, sample_weight, **settings):
        """Checked X, y and weights; forgets the last fit."""
        forget(self, self._learnt)
        return read_events(self, X, y, sample_weight, **settings)

    def _read_used(self, X, y, sample_weight):
        """Checked X, y and weights without events of weight zero, and the rows that are left."""
        X, y, weight = self._read_events(X, y, sample_weight, min_samples=2)
        used = np.arange(len(X))
        if weight is not None:
            used = used_events(self, weight)
            X, y, weight = X[used], y[used], weight[used]
        return X, y, weight, used

    def _fit_in_turn(self, simulators, fit):
        """Fit `simulators_`. After Ctrl-C they are kept if all of them can be used.

        Parameters
        ----------
        simulators : dict of str to simulator
            Clones by name.
        fit : callable
            Takes the number, the name and the clone.
        """
        simulators = going_on(self, "simulators", simulators)
        try:
            for number, (name, simulator) in enumerate(simulators.items()):
                fit(number, name, simulator)
        except KeyboardInterrupt:
            if all(map(is_fitted, simulators.values())):
                self.simulators_ = simulators
            raise
        self.simulators_ = simulators

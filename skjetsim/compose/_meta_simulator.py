"""What simulators around other estimators share: reading events, and whether rows are pairs."""

import numpy as np

from skjetsim._classifiers._training import used_events
from skjetsim._estimators._unpaired_score import unpaired_score
from skjetsim.base._inside import forget, is_fitted
from skjetsim.base._simulator import BaseSimulator
from skjetsim.base._tags import innermost, is_paired
from skjetsim.compose._tables import read_events


def all_have(method):
    """Condition of `available_if`: the simulators inside, fitted or not, have the method."""
    return lambda self: all(hasattr(simulator, method) for simulator in self._inside)


class MetaSimulator(BaseSimulator):
    """Simulator around another one, `simulator`, which is `simulator_` once fitted.

    A subclass defines the hooks of `BaseSimulator`, and ``_predict_inside(rows)``, a point
    prediction made of those of the simulators inside.
    """

    # Whether its own `fit` matches X with y. If not, the simulator inside says whether rows are
    # pairs.
    _needs_pairs = True
    # The attribute that `fit` sets last, without which the estimator is not fitted.
    _learnt = "simulator_"

    def __sklearn_is_fitted__(self):
        return hasattr(self, self._learnt)

    @property
    def _inside(self):
        """The simulators inside: the fitted ones if there are any."""
        return [getattr(self, "simulator_", self.simulator)]

    @property
    def paired_(self):
        """Whether row i of X and y is the same event; if not, distributions are compared."""
        return self._needs_pairs or is_paired(self._inside[0])

    @property
    def trained_(self):
        """Which maps an unpaired simulator inside has learnt."""
        return innermost(next(iter(self._inside), None)).trained_

    def _predict(self, rows):
        """Made of the point predictions of the simulators inside, if they have them."""
        if all_have("predict")(self):
            return self._predict_inside(rows)
        return super()._predict(rows)

    def score(self, X, y, sample_weight=None):
        """Mean log p(y given X) if it is tractable, else minus the energy score.

        Around a simulator that learns from unpaired events (`paired_` is False), it is minus the
        sliced Wasserstein distance of simulated from measured events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)
            Row i of both is the same event. Unpaired events may be of any number, in any order.
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
        """Checked arrays of what `fit` is given."""
        forget(self, self._learnt)
        return read_events(self, X, y, sample_weight, **settings)

    def _read_used(self, X, y, sample_weight):
        """Checked arrays without events of weight zero, and the rows that are left."""
        X, y, weight = self._read_events(X, y, sample_weight, min_samples=2)
        used = np.arange(len(X))
        if weight is not None:
            used = used_events(weight)
            X, y, weight = X[used], y[used], weight[used]
        return X, y, weight, used

    def _fit_in_turn(self, simulators, fit):
        """Fit `simulators_`; after Ctrl-C in the last one they are usable if that one is.

        Parameters
        ----------
        simulators : dict of str to simulator
            Clones by name.
        fit : callable
            Takes the number, the name and the clone.
        """
        fitted = {}
        for number, (name, simulator) in enumerate(simulators.items()):
            try:
                fit(number, name, simulator)
            except KeyboardInterrupt:
                if number == len(simulators) - 1 and is_fitted(simulator):
                    self.simulators_ = fitted | {name: simulator}
                raise
            fitted[name] = simulator
        self.simulators_ = fitted

"""Unfolder: a simulator that learns the theory level from the detector level."""

from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from skjetsim._drawing._sample import log_prob, sample
from skjetsim.base._checks import read_events
from skjetsim.base._inside import (
    check_simulator,
    explained,
    fit_inside,
    forget,
    parts_have,
    seed_inside,
)
from skjetsim.base._inverse import BaseUnfolder
from skjetsim.compose._tables import measured_table, theory_table
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class Unfolder(BaseUnfolder):
    """Unfold with a simulator that learns the theory level from the detector level.

    A simulator learns p(y given X). If the two levels are swapped in the training, it learns
    p(X given y). Its draws for a measured event are the posterior of the theory-level event.
    `Unfolder(FlowSimulator())` is the conditional invertible network of [1]_.

    Parameters
    ----------
    simulator : simulator
        Learns X given y. It may be a Pipeline or a search that ends in a simulator. Transformers
        of a Pipeline then act on y, and those of a `TransformedSimulator` act on X.

    Attributes
    ----------
    simulator_ : simulator
        Fitted clone. Its y is the theory level, and its X is the detector level.
    n_features_in_, n_targets_ : int
        Columns of X and of y.
    feature_names_in_ : ndarray of str
        If X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.
    input_shape_, target_shape_ : tuple of int
        Shapes of one row of X and of y.

    See Also
    --------
    IterativeUnfolder : Takes the prior from measured events.
    TransformedSimulator : With a `ResidualTransformer` inside, the simulator learns the difference
        of the two levels.

    Notes
    -----
    The posterior is p(y given X) p(X) / p(y). The prior p(X) is that of the training events. If
    the measured events have another prior, the unfolded spectrum is biased towards the simulated
    one. The more the detector smears, the larger is the bias. Many draws of one measured event
    sample its posterior. One draw of each measured event samples the unfolded spectrum.

    References
    ----------
    .. [1] M. Bellagente et al., "Invertible networks or partons to detector and back again",
       SciPost Phys. 9 (2020) 074, arXiv:2006.06685.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.compose import Unfolder
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> unfolder = Unfolder(FlowSimulator(max_epochs=2, random_state=0)).fit(energy, measured)
    >>> unfolder.inverse_transform([[50.0], [100.0]]).shape
    (2, 1)
    >>> unfolder.sample_inverse([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    """

    simulator: BaseEstimator

    random_state = seed_inside("simulator")

    def fit(self, X, y, sample_weight=None):
        """Learn p(X given y) from pairs of events.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Theory-level events.
        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Detector-level events; row i of both is the same event.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the pairs. They change the prior.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `simulator` is not a simulator.
        ValueError
            On bad values (naming column and row), or different lengths or indices of X and y.
        """
        check_simulator(self.simulator, learns="X given y")
        forget(self, "simulator_")
        X, y, weight = read_events(self, X, y, sample_weight)
        with _sides_swapped():
            measured = measured_table(self, y)
            fit_inside(self, "simulator", measured, theory_table(self, X), weight=weight)
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "simulator_")

    def _draw_inverse(self, rows, n_samples, random_state):
        measured = measured_table(self, rows)
        with _sides_swapped():
            return sample(self.simulator_, measured, n_samples=n_samples, random_state=random_state)

    @available_if(parts_have("score_samples", "simulator"))
    def _log_density(self, X, y):
        with _sides_swapped():
            return log_prob(self.simulator_, measured_table(self, y), theory_table(self, X))


def _sides_swapped():
    """Say in errors of the simulator which level its X and its y are."""
    return explained(
        "in the simulator inside, whose X is the measured y and whose y is the theory X"
    )

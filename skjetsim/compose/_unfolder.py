"""Any simulator, trained the other way round: theory level from detector level."""

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._drawing._sample import log_prob, sample
from skjetsim.base._inside import check_simulator, explained, fit_inside, forget, seed_inside
from skjetsim.base._inverse import BaseUnfolder
from skjetsim.compose._tables import measured_table, read_events, theory_table
from skjetsim.utils._validation import validate_events, validate_target


def _has_density(self):
    return hasattr(getattr(self, "simulator_", self.simulator), "score_samples")


class Unfolder(BaseUnfolder):
    """Unfold with a simulator that learns the theory level from the detector level.

    A simulator learns p(y given X); trained with the sides swapped, it learns p(X given y), and its
    draws for a measured event are the posterior of what happened in the collision.
    `Unfolder(FlowSimulator())` is the conditional invertible network of [1]_.

    Parameters
    ----------
    simulator : simulator
        Learns X given y. Also a Pipeline or search that ends in one: its transformers then act on
        y, as those of a `TransformedSimulator` act on X.

    Attributes
    ----------
    simulator_ : simulator
        Fitted clone, to which y is the theory level and X the detector level.
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
    TransformedSimulator : With `ResidualTransformer`, which here sees y, makes the simulator learn
        the difference of the two levels.

    Notes
    -----
    The posterior is p(y given X) p(X) / p(y), and the prior p(X) is that of the training events:
    if the measured events follow another, the unfolded spectrum is drawn towards the simulated
    one, by as much as the detector smears it. Draws of one measured event are its posterior; one
    draw of each measured event is a sample of the unfolded spectrum.

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

    def __init__(self, simulator):
        self.simulator = simulator

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
            Change the prior: they go along with the pairs.

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

    @available_if(_has_density)
    def score_samples(self, X, y):
        """Log p(X given y) of each event, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = validate_events(self, X, reset=False)
        y = validate_target(self, y, n_samples=len(X), reset=False)
        with _sides_swapped():
            return log_prob(self.simulator_, measured_table(self, y), theory_table(self, X))


def _sides_swapped():
    """Say in the errors of the simulator which side it means."""
    return explained(
        "in the simulator inside, whose X is the measured y and whose y is the theory X"
    )

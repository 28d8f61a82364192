"""FlowMatchingGenerator: flow matching of events."""

from skjetsim.flows._density_generator import DensityGenerator
from skjetsim.flows._matching_model import FlowMatchingModel
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowMatchingGenerator(FlowMatchingModel, DensityGenerator):
    """Learn the density of events by flow matching, and sample it.

    Straight lines join events to standard normal noise. A network learns the mean velocity at each
    point and each time, which is a plain regression [1]_ [2]_. To sample, a solver follows the
    velocity from noise to an event. `transform` follows it back. `score_samples` is the exact
    density of that map, for any number of steps.

    Columns are scaled inside, as in `FlowGenerator`: they are standardised, or mapped to a normal
    through their quantiles. Columns named `phi` or `..._phi` are angles. Their lines start from
    uniform noise and take the shorter way round the circle, and they are drawn in (-pi, pi].
    Columns that never vary are returned as they were.

    Values that many events hold, such as zeros of padding, -999, a saturated reading or steps of
    0.5, are found and drawn exactly, with their share and together with the other columns.

    Parameters
    ----------
    optimal_transport : bool
        Pair the noise and the events of a batch so that the sum of the squared lengths of their
        lines is least, in blocks of 256. Paths are then straighter and need fewer steps, but
        training takes several times as long. Weights are not supported. A simulator does not have
        this option: the noise of an event would depend on the condition, but `sample` draws noise
        that does not.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Column names seen in `fit`, if X had names.
    input_shape_ : tuple of int
        Shape of one event, as `sample` returns it.
    history_ : list of dict
        Loss of each epoch. The loss of held-out events is minus their mean log-density.
    n_epochs_ : int
        Number of epochs.
    best_epoch_ : int
        Epoch whose weights were kept.
    stop_reason_ : str or None
        How the training ended: "max_epochs", "patience", "callback", "interrupted" or "not_finite".
        None after `partial_fit`.
    distillation_loss_ : dict or None
        Errors of the student on new noise. `rms_distance` is the distance between its events and
        those of the solver for the same noise, in widths of the scaled columns.
        `sliced_wasserstein` is the distance between its events and those of the solver for other
        noise. `sliced_wasserstein_floor` is the same for two sets of events of the solver. None
        without a student.
    net_ : skorch.NeuralNet or None
        The trained network. None if no column varies.

    See Also
    --------
    FlowGenerator : Is trained on the likelihood, and samples in one pass.

    Notes
    -----
    Without optimal transport, the solver works in units of the width of the lines,
    sqrt((1 - t)^2 + t^2), and its time is the angle arctan(t / (1 - t)). The flow is the same as
    along the lines themselves. In these units it is the trigonometric interpolant [3]_. Columns
    that are already normal do not move in it, so a few steps suffice.

    References
    ----------
    .. [1] Y. Lipman et al., "Flow Matching for Generative Modeling", arXiv:2210.02747.
    .. [2] A. Tong et al., "Improving and generalizing flow-based generative models with minibatch
       optimal transport", arXiv:2302.00482.
    .. [3] M. S. Albergo, N. M. Boffi and E. Vanden-Eijnden, "Stochastic Interpolants: A Unifying
       Framework for Flows and Diffusions", arXiv:2303.08797.
    .. [4] E. Luhman and T. Luhman, "Knowledge Distillation in Iterative Generative Models for
       Improved Sampling Speed", arXiv:2101.02388.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.flows import FlowMatchingGenerator
    >>> X = np.random.default_rng(0).normal(size=(512, 2))
    >>> flow = FlowMatchingGenerator(max_epochs=2, random_state=0).fit(X)
    >>> flow.sample(3, random_state=1).shape
    (3, 2)
    >>> bool(np.allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-3))
    True
    """

    optimal_transport: bool = False

    def _check_training(self, X, sample_weight, *, reset):
        X, weight = super()._check_training(X, sample_weight, reset=reset)
        if self.optimal_transport and weight is not None:
            raise ValueError(
                "optimal_transport=True does not support weights, because it pairs each event with "
                "one point of noise. Set optimal_transport=False, or draw events by their weights."
            )
        return X, weight

    def _settings(self, names, root):
        if not isinstance(self.optimal_transport, bool):
            raise TypeError(f"optimal_transport must be a bool, got {self.optimal_transport!r}.")
        return super()._settings(names, root) | {"optimal_transport": self.optimal_transport}

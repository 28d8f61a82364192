"""FlowMatchingGenerator: the density of events, as a flow whose velocity is learnt."""

from skjetsim.flows._density_generator import DensityGenerator
from skjetsim.flows._matching_model import FlowMatchingModel
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowMatchingGenerator(FlowMatchingModel, DensityGenerator):
    """Learn the density of events by flow matching, and sample it.

    Events are joined to standard normal noise by straight lines, and one network learns the mean
    velocity through each point at each time, a plain regression [1]_ [2]_. To sample, a solver
    follows the velocity from noise to an event; `transform` follows it back, and `score_samples`
    has the exact density of that map, for any number of steps. Columns are scaled inside, as in
    `FlowGenerator`: standardised, or mapped through their quantiles to a normal. Columns named
    `phi` or `..._phi` are angles, which go the shorter way round from uniform noise, and are drawn
    in (-pi, pi]. Columns that never vary are returned as they were.

    Parameters
    ----------
    optimal_transport : bool
        Pair noise and events of a batch so that the squared lengths of their lines are least, in
        blocks of 256: straighter paths, for fewer steps, at several times the time of training.
        Not with weights. A simulator has no such choice: which noise an event is paired with
        would depend on the condition, while `sample` draws noise that does not.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    input_shape_ : tuple of int
        Shape of one event, as `sample` returns it.
    history_ : list of dict
        Loss of each epoch, and of events held back minus the mean log-density.
    best_epoch_ : int
        The epoch whose weights were kept.
    distillation_loss_ : dict or None
        What the student loses, on fresh noise: `rms_distance` of its events from the solver's for
        the same noise, in widths of the scaled columns; `sliced_wasserstein` of its events from
        the solver's for other noise; `sliced_wasserstein_floor`, the same of the
        solver's events. None without a student.
    net_ : skorch.NeuralNet or None
        None where no column varies.

    See Also
    --------
    FlowGenerator : Trained on the likelihood, and sampled in one pass.

    Notes
    -----
    Without optimal transport, lines are followed in units of their width, sqrt((1 - t)^2 + t^2),
    and by the angle arctan(t / (1 - t)). This is the same flow as along the lines themselves; in
    these units it is the trigonometric interpolant [3]_, in which columns that are normal already
    do not move, so that a few steps suffice.

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
                "optimal_transport=True pairs each event with one point of noise, which weights "
                "would count, too. Set optimal_transport=False, or draw events by their weights."
            )
        return X, weight

    def _settings(self, names, root):
        if not isinstance(self.optimal_transport, bool):
            raise TypeError(f"optimal_transport must be a bool, got {self.optimal_transport!r}.")
        return super()._settings(names, root) | {"optimal_transport": self.optimal_transport}

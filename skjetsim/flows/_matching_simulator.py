"""FlowMatchingSimulator: the density of a response, as a flow whose velocity is learnt."""

from skjetsim.flows._density_simulator import DensitySimulator
from skjetsim.flows._matching_model import FlowMatchingModel
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowMatchingSimulator(FlowMatchingModel, DensitySimulator):
    """Simulate y given X by flow matching.

    Detector-level events are joined to standard normal noise by straight lines, and one network,
    told X, learns the mean velocity through each point at each time, a plain regression [1]_ [2]_.
    A second one, trained by likelihood, gives place and width of each column of y, in units of
    which the first one works: alone, it would be slow to learn a narrow response. Simulating is to
    follow the velocity from noise with a solver; `score_samples` follows it back, and has the exact
    density of that map, for any number of steps. Columns are scaled inside, as in `FlowSimulator`:
    each column of y and X is standardised, or mapped through its quantiles to a normal. Columns of
    y named `phi` or `..._phi` are angles, which go the shorter way round from uniform noise, and
    are drawn in (-pi, pi]; those of X enter as (cos, sin). Columns of y that never vary are
    returned as they were. Narrow responses are found by regression first, as in `FlowSimulator`.

    Parameters
    ----------
    weight_decay : float or "auto"
        Of AdamW, times the learning rate. The network of place and width, which learns by
        likelihood and would memorise, has that of "auto", whatever this.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... where it had no names.
    history_ : list of dict
        Loss of each epoch, and of events held back minus the mean log-density.
    best_epoch_ : int
        The epoch whose weights were kept.
    distillation_loss_ : dict or None
        What the student loses, on fresh noise: `rms_distance` of its events from the solver's for
        the same noise, in widths of the scaled columns; `sliced_wasserstein` of its events from
        the solver's for other noise, joint with X; `sliced_wasserstein_floor`, the same of the
        solver's events. None without a student.
    net_ : skorch.NeuralNet or None
        None where no column of y varies.

    See Also
    --------
    FlowSimulator : Trained on the likelihood, and sampled in one pass.

    Notes
    -----
    Lines are followed in units of their width, sqrt((1 - t)^2 + t^2), and by the angle
    arctan(t / (1 - t)). This is the same flow as along the lines themselves; in these units it is
    the trigonometric interpolant [3]_, in which a column that is normal, whatever X, does not move,
    so that a few steps suffice. Noise is paired with events at random: by mini-batch optimal
    transport it would come to depend on X.

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
    >>> from skjetsim.flows import FlowMatchingSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> simulator = FlowMatchingSimulator(max_epochs=2, random_state=0).fit(energy, measured)
    >>> simulator.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    >>> simulator.set_params(n_steps=4).sample([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    """

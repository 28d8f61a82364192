"""FlowMatchingSimulator: flow matching of the detector response."""

from skjetsim.flows._density_simulator import DensitySimulator
from skjetsim.flows._matching_model import FlowMatchingModel
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowMatchingSimulator(FlowMatchingModel, DensitySimulator):
    """Simulate y given X by flow matching.

    Straight lines join detector-level events to standard normal noise. A network learns the mean
    velocity at each point and each time, given X, which is a plain regression [1]_ [2]_. A second
    network, trained on the likelihood, gives place and width of each column of y. They are the
    units of the first network, which alone would be slow to learn a narrow response. To simulate, a
    solver follows the velocity from noise to an event. `score_samples` follows it back, and is the
    exact density of that map, for any number of steps.

    Columns are scaled inside, as in `FlowSimulator`: each column of y and X is standardised, or
    mapped to a normal through its quantiles. Columns of y named `phi` or `..._phi` are angles.
    Their lines start from uniform noise and take the shorter way round the circle, and they are
    drawn in (-pi, pi]. Angles of X enter as (cos, sin). Columns of y that never vary are returned
    as they were. A regression finds narrow responses first, and mismeasured events have a density
    of their own, as in `FlowSimulator`.

    Values of y that many events hold, such as zeros of padding, -999, a saturated reading or steps
    of 0.5, are found and drawn exactly, with their share and together with the other columns.

    Parameters
    ----------
    weight_decay : float or "auto"
        Decay of AdamW, times the learning rate. The network of place and width always has that of
        "auto", because it learns from the likelihood and would otherwise memorise the events.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        Column names seen in `fit`, if X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... if it had no names.
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
        noise, jointly with X. `sliced_wasserstein_floor` is the same for two sets of events of the
        solver. None without a student.
    net_ : skorch.NeuralNet or None
        The trained network. None if no column of y varies.
    outliers_ : object or None
        Density of mismeasured events. None if no event of the fit is mismeasured.

    See Also
    --------
    FlowSimulator : Is trained on the likelihood, and samples in one pass.

    Notes
    -----
    The solver works in units of the width of the lines, sqrt((1 - t)^2 + t^2), and its time is the
    angle arctan(t / (1 - t)). The flow is the same as along the lines themselves. In these units it
    is the trigonometric interpolant [3]_. A column that is normal for any X does not move in it, so
    a few steps suffice. Noise is paired with events at random. With mini-batch optimal transport it
    would depend on X.

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

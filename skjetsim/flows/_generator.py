"""FlowGenerator: a normalizing flow of events."""

from skjetsim.flows._density_generator import DensityGenerator
from skjetsim.flows._spline_flow import SplineFlow
from skjetsim.utils._with_parameters import with_parameters


@with_parameters
class FlowGenerator(SplineFlow, DensityGenerator):
    """Learn the density of events with a normalizing flow, and sample it.

    A stack of rational-quadratic spline couplings [1]_ maps events to a standard normal. It is
    trained on the exact likelihood. `transform` gives the latent point of an event and
    `inverse_transform` gives the event of a latent point. Columns are scaled inside. They are
    standardised, or mapped to a normal through their quantiles if they have heavy tails or a narrow
    core. Densities include the log-determinant of this. Columns that never vary are returned as
    they were.

    Values that many events hold, such as zeros of padding, -999, a saturated reading or steps of
    0.5, are found and drawn exactly, with their share and together with the other columns.

    A few events of the fit may lie behind the tail of all others. A smooth density cannot learn
    them, and the network is trained without them. They have a density of their own. `sample` and
    `score_samples` mix both densities at the rate of the fit; `transform` and `inverse_transform`
    are those of the network.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Column names seen in `fit`, if X had names.
    input_shape_ : tuple of int
        Shape of one event, as `sample` returns it.
    history_ : list of dict
        Losses of each epoch.
    n_epochs_ : int
        Number of epochs.
    best_epoch_ : int
        Epoch whose weights were kept.
    stop_reason_ : str or None
        How the training ended: "max_epochs", "patience", "callback", "interrupted" or "not_finite".
        None after `partial_fit`.
    net_ : skorch.NeuralNet or None
        The trained network. None if no column varies.
    outliers_ : object or None
        Density of events behind the tails. None if there is no such event in the fit.

    References
    ----------
    .. [1] C. Durkan, A. Bekasov, I. Murray and G. Papamakarios, "Neural Spline Flows",
       arXiv:1906.04032.
    .. [2] L. Dinh, J. Sohl-Dickstein and S. Bengio, "Density estimation using Real NVP",
       arXiv:1605.08803.
    .. [3] D. J. Rezende et al., "Normalizing Flows on Tori and Spheres", arXiv:2002.02428.
    .. [4] D. J. Rezende and S. Mohamed, "Variational Inference with Normalizing Flows",
       arXiv:1505.05770.
    .. [5] R. van den Berg et al., "Sylvester Normalizing Flows for Variational Inference",
       arXiv:1803.05649.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.flows import FlowGenerator
    >>> X = np.random.default_rng(0).normal(size=(512, 2))
    >>> flow = FlowGenerator(max_epochs=2, random_state=0).fit(X)
    >>> flow.sample(3, random_state=1).shape
    (3, 2)
    >>> bool(np.allclose(flow.inverse_transform(flow.transform(X)), X, atol=1e-3))
    True
    """

"""FlowSimulator: the density of a detector's response, learnt from pairs of events."""

from __future__ import annotations

import numpy as np

from skjetsim.flows._density_simulator import DensitySimulator
from skjetsim.flows._flow_settings import FlowSettings
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_widths


class FlowSimulator(FlowSettings, DensitySimulator):
    """Simulate y given X with a conditional normalizing flow.

    A stack of rational-quadratic spline couplings [1]_ maps y, given X, to a standard normal and is
    trained on the exact likelihood; simulating is one pass back. Columns are scaled inside: each
    column of y and X is standardised, or mapped through its quantiles to a normal where it has
    heavy tails or a narrow core, with the log-determinant kept; columns of X named `phi` or
    `..._phi` enter as (cos, sin). Columns of y that never vary are returned as they were. Where X
    says within less than half its spread what a column of y will be, as of a detector's response,
    place and width are found by regression first, and the flow learns the residual; momenta that
    both have (`muon_px`, `muon_py`, `muon_pz`) are compared along and across that of X.

    Parameters
    ----------
    n_transforms : int, default=6
        Number of layers; each column is transformed by half of the couplings.
    hidden_features : sequence of int, default=(128, 128)
        Widths of the network in each layer.
    n_bins : int, default=8
        Bins of each spline.
    bijection : str or dict, default="rqs"
        What transforms a column: "rqs", a rational-quadratic spline; "affine", shift and scale
        (RealNVP [2]_); "circular", a spline of the circle [3]_, for angles in radians. A dict gives
        it by column. Columns named `phi` or `..._phi` are "circular" unless a dict says otherwise
        or X has an angle close to them, whose difference is a number,
        and are drawn in (-pi, pi]. "planar" [4]_ and "sylvester" [5]_ move all columns together,
        angles as plain numbers; they are sampled by solving an equation for each event.
    structure : {"coupling", "autoregressive"}, default="coupling"
        Half of the columns steer the others in turn; or each column is steered by all before it,
        which describes more and is sampled column by column, several times slower.
    permutation : {"random", "reverse"}, default="random"
        Order of columns from layer to layer.
    integer_columns : sequence of str or int, default=()
        Columns of counts, by name or position: spread over [n, n + 1) in the fit, and rounded down
        when drawn, to no less than the fit has seen; `score_samples` has their probability, zero
        below.
    condition_network : sequence of int, default=()
        Widths of a network that X passes before all couplings, trained with them: the f(x) of the
        conditional INN. None by default, since each coupling has a network of its own.
    learning_rate : float, default=4e-3
        Of AdamW, at its largest.
    batch_size : int or "auto", default="auto"
        Rows of a training step; "auto" makes some 64 steps an epoch, of 64 to 2048 rows. Sampling
        does not depend on it.
    max_epochs : int, default=40
    weight_decay : float or "auto", default="auto"
        Of AdamW, times the learning rate: a prior on the weights, without which a flow of this
        size memorises the noise of 10,000 events within ten epochs. "auto" is 2 where events and
        conditions have six columns or more together, and less where they have fewer, 0.1 for two;
        above 50,000 events it falls as the root of their number.
    schedule : {"cosine", "constant", "inverse_epoch"}, default="cosine"
        The learning rate falls to zero over `max_epochs`, or not at all, or is divided by the
        number of the epoch.
    gradient_clip : float or None, default=5.0
        Largest norm of the gradient.
    ema_decay : float or None, default=None
        Keep a running average of the weights with this decay per step.
    validation_fraction : float, default=0.05
        Share of the events held back to choose the best epoch; 0 keeps the last epoch.
    patience : int or None, default=None
        Stop after this many epochs without a better validation loss.
    checkpoint : str or None, default=None
        File written after each epoch, from which a killed `fit` with the same data and
        parameters resumes, to the same result. It needs a `random_state`.
    device : str, default="auto"
        "auto" takes CUDA where there is one at fit time.
    n_jobs : int or None, default=None
        Threads that sample; the events do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Governs `fit`, and the noise of `transform` and `score`.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    n_features_in_, n_targets_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    target_names_in_ : ndarray of str
        Columns of y; y0, y1, ... where it had no names.
    history_ : list of dict
        Losses of each epoch.
    best_epoch_ : int
        The epoch whose weights were kept.
    net_ : skorch.NeuralNet or None
        None where no column of y varies.

    References
    ----------
    .. [1] C. Durkan, A. Bekasov, I. Murray and G. Papamakarios, "Neural Spline Flows",
       arXiv:1906.04032; conditioned on the event as in arXiv:2006.06685.
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
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> energy = rng.uniform(20, 200, size=(512, 1))            # GeV
    >>> measured = energy * rng.normal(1, 0.1, size=(512, 1))
    >>> simulator = FlowSimulator(max_epochs=2, random_state=0).fit(energy, measured)
    >>> simulator.sample([[50.0], [100.0]], random_state=1).shape
    (2, 1)
    >>> simulator.sample([[50.0]], n_samples=1000, random_state=1).shape
    (1, 1000, 1)
    """

    def __init__(
        self,
        *,
        n_transforms=6,
        hidden_features=(128, 128),
        n_bins=8,
        bijection="rqs",
        structure="coupling",
        permutation="random",
        integer_columns=(),
        condition_network=(),
        learning_rate=4e-3,
        batch_size="auto",
        max_epochs=40,
        weight_decay="auto",
        schedule="cosine",
        gradient_clip=5.0,
        ema_decay=None,
        validation_fraction=0.05,
        patience=None,
        checkpoint=None,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_transforms = n_transforms
        self.hidden_features = hidden_features
        self.n_bins = n_bins
        self.bijection = bijection
        self.structure = structure
        self.permutation = permutation
        self.integer_columns = integer_columns
        self.condition_network = condition_network
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.gradient_clip = gradient_clip
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _settings(self, names, root):
        widths = check_widths(self.condition_network, "condition_network")
        return super()._settings(names, root) | {"condition_network": widths}

    def _kept_columns(self, names):
        kept = super()._kept_columns(names)
        if self.bijection == "circular":  # angles, whatever they are called
            return np.ones_like(kept)
        if isinstance(self.bijection, dict):
            for column, kind in self.bijection.items():
                if kind == "circular" or is_angle(str(column)):
                    kept |= np.isin(names, [str(column)])
        return kept

"""FlowMatchingSimulator: the density of a response, as a flow whose velocity is learnt."""

from __future__ import annotations

from skjetsim.flows._density_simulator import DensitySimulator
from skjetsim.flows._matching_settings import FlowMatchingSettings


class FlowMatchingSimulator(FlowMatchingSettings, DensitySimulator):
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
    returned as they were.

    Parameters
    ----------
    hidden_features : sequence of int, default=(128, 128, 128, 128)
        Widths of the layers of the velocity's network; a layer as wide as the one before adds to
        it. The first two are also those of the network of place and width.
    solver : {"midpoint", "heun", "rk4"}, default="midpoint"
        How the path is followed, with two, two or four calls of the network a step.
    n_steps : int, default=8
        Steps of the solver. Both may be changed by `set_params` without a new fit.
    n_distill_steps : {None, 1, 2}, default=None
        Train a second network after the first, that takes the path in so many jumps [4]_, and draw
        events with it; `distillation_loss_` says what it loses. `score_samples`
        remains the solver's. Set to None, events are drawn by the solver again.
    integer_columns : sequence of str or int, default=()
        Columns of counts, by name or position: spread over [n, n + 1) in the fit, and rounded down
        when drawn, to no less than the fit has seen; `score_samples` has their probability, zero
        below.
    learning_rate : float, default=4e-3
        Of AdamW, at its largest.
    batch_size : int or "auto", default="auto"
        Rows of a training step; "auto" makes some 64 steps an epoch, of 64 to 2048 rows. Sampling
        does not depend on it.
    max_epochs : int, default=60
        The student, too, learns for so many.
    weight_decay : float, default=0.1
        Of AdamW, times the learning rate. The network of place and width, which learns by
        likelihood and would memorise, has that of `FlowSimulator`'s "auto", whatever this.
    schedule : {"cosine", "constant", "inverse_epoch"}, default="cosine"
        The learning rate falls to zero over `max_epochs`, or not at all, or is divided by the
        number of the epoch.
    gradient_clip : float or None, default=5.0
        Largest norm of the gradient.
    ema_decay : float or None, default=0.99
        Keep a running average of the weights with this decay per step: the loss is noisy, since
        each event is seen at one time of one path. It goes on over calls of `partial_fit`.
    validation_fraction : float, default=0.05
        Share of the events held back, at most 1,024, whose likelihood chooses the best epoch: the
        loss stays flat while events still improve. 0 keeps the last epoch.
    patience : int or None, default=None
        Stop after this many epochs without a better validation loss.
    checkpoint : str or None, default=None
        File written after each epoch, from which a killed `fit` with the same data and
        parameters resumes, to the same result. It needs a `random_state`. A student has
        one more, `checkpoint`.student.
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

    def __init__(
        self,
        *,
        hidden_features=(128, 128, 128, 128),
        solver="midpoint",
        n_steps=8,
        n_distill_steps=None,
        integer_columns=(),
        learning_rate=4e-3,
        batch_size="auto",
        max_epochs=60,
        weight_decay=0.1,
        schedule="cosine",
        gradient_clip=5.0,
        ema_decay=0.99,
        validation_fraction=0.05,
        patience=None,
        checkpoint=None,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.hidden_features = hidden_features
        self.solver = solver
        self.n_steps = n_steps
        self.n_distill_steps = n_distill_steps
        self.integer_columns = integer_columns
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

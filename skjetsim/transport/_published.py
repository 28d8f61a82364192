"""The published models of Z -> ee and top pairs from unpaired events."""

from skjetsim.transport._otus import OTUSSimulator

ELECTRON_MASS = 5.11e-4  # GeV
B_MASS = 4.7
LEPTONS = ("electron", "positron")
# Parameters that both published models have in place of the defaults.
PUBLISHED = {
    "activation": "relu",
    "scale": "standard",
    "p": 2,
    "n_slices": 1000,
    "marginal_weight": 0.0,
    "observable_weight": 0.0,
    "data_weight": 1.0,
    "simulated_weight": 0.0,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "gradient_clip": None,
    "batch_size": 20_000,
}


def make_zee_otus(**parameters):
    """Make the published model of Z -> ee.

    Both maps draw six columns of noise, whose mean and width come from a network that sees the
    event. Event and noise go through one hidden layer of 128 units and become three-momenta. An
    anchor keeps the direction of the electron for the first 80 epochs, and 800 epochs without it
    follow.

    Parameters
    ----------
    **parameters
        Parameters of `OTUSSimulator`, in place of the published ones.

    Returns
    -------
    OTUSSimulator
        For columns px, py, pz and E, in GeV, of electron and positron on both levels.

    See Also
    --------
    make_zee_unpaired : Is more accurate, and faster.

    Notes
    -----
    The maps do not start at the identity, and need thousands of steps to come near it. All 880
    epochs are 6,000 steps with 140,000 events, and take half an hour on one core. A few epochs give
    events that are worse than the identity, and `fit` warns of it. With the 20,000 bundled events
    and batches of 2,000, the sliced Wasserstein distance of simulated events is 0.74, 0.10 and 0.05
    standard deviations after 2, 16 and 60 epochs. That of X itself is 0.01.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> from skjetsim.datasets import load_zee
    >>> from skjetsim.transport import make_zee_otus
    >>> X, y = load_zee(return_X_y=True)
    >>> stages = [{"max_epochs": 1, "anchor_weight": 50}, {"max_epochs": 1}]
    >>> model = make_zee_otus(stages=stages, n_slices=10, batch_size=2000, random_state=0)
    >>> model.fit(X, y).sample(X[:3], random_state=0).shape
    (3, 8)
    """
    published = PUBLISHED | {
        "masses": dict.fromkeys(LEPTONS, ELECTRON_MASS),
        "noise": "conditional",
        "n_noise": 6,
        "hidden_features": (128,),
        "latent_weight": 1.0,
        "anchors": ["electron"],
        "stages": [
            {"max_epochs": 80, "anchor_weight": 50.0},
            {"max_epochs": 800, "anchor_weight": 0.0},
        ],
    }
    return OTUSSimulator(**published | parameters)


def make_ttbar_otus(**parameters):
    """Make the published model of semileptonic top pairs.

    Both maps draw 18 columns of standard normal noise, and have a hidden layer of 64 units and a
    residual block with batch normalisation. Their output is added to the momentum at the same
    position: that of a quark for a jet, and that of the neutrino for the missing momentum. A last
    stage trains the decoder alone. The squared error only counts reconstructed events whose jets
    have 20 GeV or more.

    Parameters
    ----------
    **parameters
        Parameters of `OTUSSimulator`, in place of the published ones.

    Returns
    -------
    OTUSSimulator
        For columns px, py, pz and E, in GeV, of six objects on both levels. Jets and missing
        momentum are massless: set jet energies to the size of the momentum first.

    References
    ----------
    .. [1] J. N. Howard, S. Mandt, D. Whiteson and Y. Yang, "Learning to simulate high energy
       particle collisions from unlabeled data", Sci. Rep. 12 (2022) 7567, arXiv:2101.08944.

    Examples
    --------
    >>> import numpy as np
    >>> from skjetsim.datasets import load_ttbar
    >>> from skjetsim.transport import make_ttbar_otus
    >>> X, y = load_ttbar(return_X_y=True)
    >>> for jet in ("jet1", "jet2", "jet3", "jet4"):
    ...     momentum = y[[f"{jet}_px", f"{jet}_py", f"{jet}_pz"]]
    ...     y[f"{jet}_E"] = np.sqrt((momentum**2).sum(axis=1))
    >>> stages = [{"max_epochs": 1}, {"train": "decoder", "simulated_weight": 1, "max_epochs": 1}]
    >>> model = make_ttbar_otus(stages=stages, n_slices=10, batch_size=1000, random_state=0)
    >>> model.fit(X, y).sample(X[:3], random_state=0).shape
    (3, 24)
    """
    massless = ("antineutrino", "u", "antid", "met", "jet1", "jet2", "jet3", "jet4")
    published = PUBLISHED | {
        "masses": {
            "electron": ELECTRON_MASS,
            "b": B_MASS,
            "antib": B_MASS,
            **dict.fromkeys(massless, 0.0),
        },
        "noise": "standard",
        "n_noise": 18,
        "residual": True,
        "hidden_features": (64,),
        "n_blocks": 1,
        "latent_weight": 20.0,
        "thresholds": {f"jet{number}": 20.0 for number in range(1, 5)},
        "stages": [
            {"max_epochs": 1000},
            {"train": "decoder", "simulated_weight": 1.0, "max_epochs": 10, "learning_rate": 1e-4},
        ],
    }
    return OTUSSimulator(**published | parameters)

"""Fits that go on from the weights of an earlier one, `warm_start`."""

from dataclasses import dataclass

# Settings that are drawn at random, and so are those of the earlier fit.
DRAWN = ("orders",)
OTHER_COLUMNS = (
    "warm_start=True goes on with the network of the fit before, but the events have other "
    "columns, or other columns that vary, or need another scale inside the network. Set "
    "warm_start=False to start afresh."
)


@dataclass
class Earlier:
    """What a fit that goes on takes from the one before.

    Attributes
    ----------
    net : TrainingNet
    architecture : dict
    history : list of dict
    best_epoch : int
    stop_reason : str or None
    """

    net: object
    architecture: dict
    history: list
    best_epoch: int
    stop_reason: str | None

    def give_back(self, estimator):
        """Restore the network, after an interruption before anything new was learnt."""
        estimator.net_, estimator.history_ = self.net, self.history
        estimator.best_epoch_, estimator.stop_reason_ = self.best_epoch, self.stop_reason


def same_architecture(earlier, settings, parameters):
    """Settings of the earlier network.

    Parameters
    ----------
    earlier, settings : dict
    parameters : collection of str
        Names of the estimator's parameters. All other settings come from the events.

    Raises
    ------
    ValueError
        If the new ones differ in more than what is drawn at random.
    """
    changed = [
        name
        for name in settings
        if name not in DRAWN and repr(settings[name]) != repr(earlier.get(name))
    ]
    if named := [name for name in changed if name in parameters]:
        what = " and ".join(named)
        raise ValueError(
            f"warm_start=True goes on with the network of the fit before, but {what} changed. Set "
            "warm_start=False to start afresh."
        )
    if changed or settings.keys() != earlier.keys():
        raise ValueError(OTHER_COLUMNS)
    return earlier


def load_earlier(network, earlier):
    """Copy the weights of the earlier network.

    Raises
    ------
    ValueError
        If it is for other columns.
    """
    weights = earlier.net.module_.state_dict()
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    if shapes != {name: value.shape for name, value in weights.items()}:
        raise ValueError(OTHER_COLUMNS)
    network.load_state_dict(weights)

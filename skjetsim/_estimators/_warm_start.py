"""Fits that go on from the weights of an earlier one, `warm_start`."""

from dataclasses import dataclass
from functools import wraps

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


def gives_back(fit):
    """Let a `fit` that goes on from an earlier one leave that one as it was if it fails.

    After Ctrl-C the estimator keeps what was learnt. If nothing was, it keeps the earlier fit, too.

    Parameters
    ----------
    fit : function
        Method of an estimator with a network.

    Returns
    -------
    function
    """

    @wraps(fit)
    def fit_or_give_back(self, *args, **kwargs):
        net = vars(self).get("net_")
        before = dict(vars(self)) if self.warm_start and net is not None else None
        try:
            return fit(self, *args, **kwargs)
        except BaseException as error:
            learnt = vars(self).get("net_") not in (None, net)
            if before is not None and (isinstance(error, Exception) or not learnt):
                vars(self).clear()
                vars(self).update(before)
            raise

    return fit_or_give_back


def same_architecture(earlier, settings, parameters):
    """Settings of the earlier network.

    Parameters
    ----------
    earlier, settings : dict
    parameters : dict
        Those of the estimator. Settings that do not depend on them come from the events.

    Raises
    ------
    ValueError
        If the new ones differ in more than the orders of columns that are drawn at random.
    """
    changed = [
        cause
        for name in settings
        for cause in _causes(name, settings[name], earlier.get(name), parameters)
    ]
    if any(changed):
        what = " and ".join(filter(None, changed))
        raise ValueError(
            f"warm_start=True goes on with the network of the fit before, but {what} changed. Set "
            "warm_start=False to start afresh."
        )
    if changed or settings.keys() != earlier.keys():
        raise ValueError(OTHER_COLUMNS)
    return earlier


def _causes(name, new, old, parameters):
    """Parameters by which a setting differs from the earlier one, or None for other columns."""
    if name == "orders" and old is not None:
        if len(new) != len(old):
            return ["n_transforms"]
        if len(new[0]) != len(old[0]):
            return [None]
        drawn = parameters.get("permutation") != "reverse"  # at random
        return [] if drawn or new == old else ["permutation"]
    if isinstance(new, dict) and isinstance(old, dict):
        return [key for name in new for key in _causes(name, new[name], old.get(name), parameters)]
    if repr(new) == repr(old):
        return []
    if name in parameters:
        return [name]
    if name == "mixing":
        return ["bijection or structure"]
    alike = name == "kinds" and None not in (new, old) and len(new) == len(old)
    return ["bijection or the names of angles" if alike else None]


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

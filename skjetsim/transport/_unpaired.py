"""UnpairedMixin: marks simulators that learn from unpaired events."""

from skjetsim._estimators._unpaired_score import unpaired_score


class UnpairedMixin:
    """Mixin of simulators that learn from unpaired events.

    Row i of X and y need not be the same event. `paired_` is False, and `score` and scorers compare
    distributions. The mixin comes before `SimulatorMixin` or `BaseSimulator` in the list of bases.

    Examples
    --------
    >>> from skjetsim.base import BaseSimulator
    >>> from skjetsim.transport import UnpairedMixin
    >>> class Shift(UnpairedMixin, BaseSimulator):
    ...     pass
    >>> Shift().paired_
    False
    """

    paired_ = False
    score = unpaired_score

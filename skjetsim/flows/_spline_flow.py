"""SplineFlow: the parameters and the network of FlowGenerator and FlowSimulator."""

from skjetsim._estimators._network import NetworkEstimator
from skjetsim.flows._density import ORDERS
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import numpy_rng
from skjetsim.utils._validation import check_int, check_option
from skjetsim.utils._with_parameters import with_parameters

COLUMN_BIJECTIONS = ("rqs", "affine", "circular")
JOINT_BIJECTIONS = ("planar", "sylvester")


@with_parameters
class SplineFlow(NetworkEstimator):
    """Estimator whose network is a stack of bijections.

    Parameters
    ----------
    n_transforms : int
        Number of layers. A coupling transforms half of the columns.
    hidden_features : sequence of int
        Widths of the layers of the network in each transform.
    n_bins : int
        Number of bins of each spline.
    bijection : str or dict
        Transform of each column. "rqs" is a rational-quadratic spline. "affine" is shift and scale
        (RealNVP [2]_). "circular" is a spline of the circle [3]_, for angles in radians. A dict
        gives the transform by column. Columns named `phi` or `..._phi` are "circular" and drawn in
        (-pi, pi], with two exceptions: a dict may say otherwise, and if X has an angle close to
        one, its difference from that angle is a number. "planar" [4]_ and "sylvester" [5]_
        transform all columns together, and angles as plain numbers. To sample them, an equation is
        solved for each event.
    structure : {"coupling", "autoregressive"}
        With "coupling", half of the columns are transformed given the other half, in turn. With
        "autoregressive", each column is transformed given all columns before it. This describes
        more, but sampling goes column by column and is several times slower.
    permutation : {"random", "reverse"}
        Order of the columns in successive layers.
    integer_columns : sequence of str or int
        Columns of counts, by name or position. Counts of which most occur several times are found
        without being named. In the fit, a count n is spread over [n, n + 1). Drawn values are
        rounded down, but not below the least count of the fit. `score_samples` has the probability
        of a count, which is zero below that.
    """

    n_transforms: int = 6
    hidden_features: tuple[int, ...] = (128, 128)
    n_bins: int = 8
    bijection: str | dict = "rqs"
    structure: str = "coupling"
    permutation: str = "random"
    integer_columns: tuple = ()
    learning_rate: float = 4e-3
    max_epochs: int = 40

    def _circular(self, names):
        """Whether each column moves on a circle."""
        kinds = _kinds(self, names)
        return [False] * len(names) if kinds is None else [kind == "circular" for kind in kinds]

    def _settings(self, names, root):
        """Checked keyword arguments of `Flow`, for the columns that vary."""
        from skjetsim._nn import column_orders

        check_option(self.structure, "structure", ("coupling", "autoregressive"))
        check_option(self.permutation, "permutation", ("random", "reverse"))
        kinds = _kinds(self, names)
        if kinds is not None:
            kinds = [kind for kind, used in zip(kinds, self.encoder_.varying_, strict=True) if used]
        n_transforms = check_int(self.n_transforms, "n_transforms")
        rng = numpy_rng(root, ORDERS)
        return {
            "kinds": kinds,
            "mixing": self.bijection if kinds is None else self.structure,
            "orders": column_orders(self.encoder_.n_outputs_, n_transforms, self.permutation, rng),
            "hidden_features": check_widths(self.hidden_features, "hidden_features"),
            "n_bins": check_int(self.n_bins, "n_bins", minimum=2),
        }

    def _make_network(self, **settings):
        from skjetsim._nn import Flow

        return Flow(self.encoder_.n_outputs_, self._n_given(), **settings)


def _kinds(model, names):
    """Bijection of each column. None if all columns are transformed together."""
    bijection = model.bijection
    if isinstance(bijection, dict):
        return _kinds_by_name(bijection, names)
    check_option(bijection, "bijection", COLUMN_BIJECTIONS + JOINT_BIJECTIONS)
    if bijection in JOINT_BIJECTIONS:
        if model.structure != "coupling":
            raise ValueError(
                f"bijection={bijection!r} transforms all columns together, so it has no "
                f'structure: leave it at "coupling", got {model.structure!r}.'
            )
        return None
    return ["circular" if is_angle(str(name)) else bijection for name in names]


def _kinds_by_name(bijection, names):
    kinds = {str(name): "circular" if is_angle(str(name)) else "rqs" for name in names}
    for column, kind in bijection.items():
        check_option(kind, f"bijection[{column!r}]", COLUMN_BIJECTIONS)
        if str(column) not in kinds:
            raise ValueError(
                f"bijection: there is no column {column!r}. The columns are {list(names)}."
            )
        kinds[str(column)] = kind
    return list(kinds.values())

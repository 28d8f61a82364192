"""What FlowGenerator and FlowSimulator share: parameters of a flow, and its module."""

from __future__ import annotations

from skjetsim.flows._base import ORDERS
from skjetsim.utils._angles import is_angle
from skjetsim.utils._parameters import check_widths
from skjetsim.utils._seeds import numpy_rng
from skjetsim.utils._validation import check_int, check_option

COLUMN_BIJECTIONS = ("rqs", "affine", "circular")
JOINT_BIJECTIONS = ("planar", "sylvester")


class FlowSettings:
    """Mixin of estimators whose network is a normalizing flow."""

    def _settings(self, names, root):
        from skjetsim._nn import column_orders

        check_option(self.structure, "structure", ("coupling", "autoregressive"))
        check_option(self.permutation, "permutation", ("random", "reverse"))
        kinds = self._kinds(names)
        mixing = self.structure if kinds is not None else self.bijection
        n_transforms = check_int(self.n_transforms, "n_transforms")
        return {
            "kinds": kinds,
            "mixing": mixing,
            "orders": column_orders(
                len(names), n_transforms, self.permutation, numpy_rng(root, ORDERS)
            ),
            "hidden_features": check_widths(self.hidden_features, "hidden_features"),
            "n_bins": check_int(self.n_bins, "n_bins", minimum=2),
        }

    def _kinds(self, names):
        """Bijection of each column, None where all columns move together."""
        if isinstance(self.bijection, dict):
            return _kinds_by_name(self.bijection, names, self._is_column)
        check_option(self.bijection, "bijection", COLUMN_BIJECTIONS + JOINT_BIJECTIONS)
        if self.bijection in JOINT_BIJECTIONS:
            if self.structure != "coupling":
                raise ValueError(
                    f"bijection={self.bijection!r} moves all columns together and has no "
                    f'structure: leave it at "coupling", got {self.structure!r}.'
                )
            return None
        return ["circular" if is_angle(str(name)) else self.bijection for name in names]

    def _circular(self, names):
        kinds = self._architecture["kinds"]
        return [False] * len(names) if kinds is None else [kind == "circular" for kind in kinds]

    def _build_module(self, generator):
        from skjetsim._nn import build_flow

        return build_flow(
            int(self.varying_.sum()),
            self._n_context(),
            generator=generator,
            **self._architecture,
        )


def _kinds_by_name(bijection, names, is_column):
    kinds = {str(name): "circular" if is_angle(str(name)) else "rqs" for name in names}
    for column, kind in bijection.items():
        check_option(kind, f"bijection[{column!r}]", COLUMN_BIJECTIONS)
        if str(column) in kinds:
            kinds[str(column)] = kind
        elif not is_column(column):
            raise ValueError(f"bijection names {column!r}, which is no column: {list(names)}.")
    return list(kinds.values())

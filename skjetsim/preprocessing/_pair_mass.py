"""The mass of two particles as a column, in place of the size of their momenta."""

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._event_columns import join_name

ENERGY_CURE = "MassShellTransformer drops the energy and restores it."
MASS_CURE = (
    "Leave the column out if the mass is negligible. If it is not, KinematicFeatures adds the mass "
    "of the pair as another column."
)


class PairMassTransformer(InvertibleEventTransformer):
    r"""Replace the pT of two massless particles by the mass of the pair and the ratio of their pT.

    A resonance is a thin curved sheet in the space of two momenta, which a model blurs. With the
    mass as a column it is a peak along one axis. The directions stay as they are, and

    .. math:: m^2 = 2 \, p_{T,1} \, p_{T,2} \, (\cosh\Delta\eta - \cos\Delta\phi), \quad
              r = p_{T,1} / p_{T,2}.

    Parameters
    ----------
    first, second : str
        Names of the two objects, which have columns `pt`, `eta` and `phi`, such as
        `electron_pt`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`.

    See Also
    --------
    CartesianToCylindrical : Gives the columns that are needed.
    KinematicFeatures : Masses as additional columns, without a way back.

    Notes
    -----
    `electron_pt` and `positron_pt` become `electron_positron_mass`, in GeV, and
    `electron_positron_pt_ratio`, in their places. log |det| is log m - 2 log pT of the second.
    Two particles in the same direction have no mass, and are a ValueError. So are objects with a
    mass or an energy column, because the formula holds for massless particles only. In
    `inverse_transform` a mass or ratio <= 0 is a ValueError; a model may draw it unless it learns
    the logarithm.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import PairMassTransformer
    >>> events = pd.DataFrame({"electron_pt": [40.0], "electron_eta": [0.2], "electron_phi": [0.1],
    ...                        "positron_pt": [50.0], "positron_eta": [0.7], "positron_phi": [3.0]})
    >>> pair = PairMassTransformer("electron", "positron").fit(events)
    >>> pair.transform(events).round(2).iloc[0, [0, 3]].tolist()
    [91.62, 0.8]
    >>> pair.inverse_transform(pair.transform(events)).round(6).equals(events)
    True
    """

    def __init__(self, first, second):
        self.first = first
        self.second = second

    def _resolve(self, names):
        self._require_two(self.first, self.second, "first and second")
        self._require_names("objects are found")
        self._columns = [self._massless(name) for name in (self.first, self.second)]
        out = list(names)
        mass, ratio = (parts["pt"] for parts in self._columns)
        pair = f"{self.first}_{self.second}"
        out[mass], out[ratio] = join_name(pair, "mass"), join_name(pair, "pt_ratio")
        return out

    def _massless(self, name):
        """Columns of one object, which must be massless and cylindrical."""
        parts = self._components(name)
        self._need(name, ("pt", "eta", "phi"), "put CartesianToCylindrical in front")
        for component in ("mass", "log_mass", "E"):
            if component in parts:
                raise ValueError(
                    f"PairMassTransformer: {name!r} has the column "
                    f"{join_name(name, component)!r}, but only massless particles are paired. "
                    f"{ENERGY_CURE if component == 'E' else MASS_CURE}"
                )
        return parts

    def _check(self, values):
        for column in self._momenta():
            self._refuse_momenta(values, column)
        self._check_opening(values)

    def _check_opening(self, values):
        self._refuse(
            self._opening(values) <= 0,
            self._columns[1]["eta"],
            "{first!r} and {second!r} have the same direction, and so no mass. Select events in "
            "which they are apart.",
            first=self.first,
            second=self.second,
        )

    def _opening(self, values):
        """2 (cosh delta_eta - cos delta_phi), which does not lose digits where both are small."""
        eta, phi = (
            values[:, self._columns[0][name]] - values[:, self._columns[1][name]]
            for name in ("eta", "phi")
        )
        return 4 * (np.sinh(eta / 2) ** 2 + np.sin(phi / 2) ** 2)

    def _momenta(self):
        return [parts["pt"] for parts in self._columns]

    def _forward(self, values):
        first, second = self._momenta()
        out = values.copy(order="K")
        out[:, first] = np.sqrt(values[:, first] * values[:, second] * self._opening(values))
        out[:, second] = values[:, first] / values[:, second]
        return out

    def _inverse(self, values):
        mass, ratio = self._momenta()
        for column in (mass, ratio):
            drawn = values[:, column]
            self._refuse_drawn(drawn <= 0, column, drawn, "positive", "LogTransformer")
        self._check_opening(values)
        out = values.copy(order="K")
        # The pT are those of this geometric mean, sqrt(pT1 pT2), and of this ratio.
        mean = values[:, mass] / np.sqrt(self._opening(values))
        root = np.sqrt(values[:, ratio])
        out[:, mass], out[:, ratio] = mean * root, mean / root
        return out

    def _log_det(self, values):
        first, second = self._momenta()
        mass = self._forward(values)[:, first]
        return np.log(mass) - 2 * np.log(values[:, second])

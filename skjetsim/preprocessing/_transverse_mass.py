"""The transverse mass as a column, in place of the missing momentum."""

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._event_columns import join_name


class TransverseMassTransformer(InvertibleEventTransformer):
    r"""Replace a missing momentum by the transverse mass that it has with a particle.

    The transverse mass of a W ends at its mass. In px and py of the neutrino that edge is a
    parabola that depends on the pT of the muon, and a model blurs it. With the transverse mass as a
    column the edge is in one place. With :math:`\Delta\phi` from the particle to the missing
    momentum, between 0 and :math:`2\pi`, the new columns are

    .. math:: m_T = 2 \sqrt{p_T \, p_T^\mathrm{miss}} \, \sin(\Delta\phi / 2), \quad
              \bar m_T = 2 \sqrt{p_T \, p_T^\mathrm{miss}} \, \cos(\Delta\phi / 2).

    The size of the second is the transverse mass with a missing momentum in the opposite direction,
    and its sign says on which side of the particle the missing momentum is.

    Parameters
    ----------
    visible : str
        Name of the particle, taken as massless, which has columns `pt` and `phi`, such as
        `muon_pt`.
    missing : str, default="met"
        Name of the missing momentum, which has columns `px` and `py`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`.

    See Also
    --------
    PairMassTransformer : Does the same for a pair without missing momentum.
    KinematicFeatures : Gives `mt(muon, met)` as an additional column, without a way back.

    Notes
    -----
    `met_px` and `met_py` become `muon_met_mt` and `muon_met_opposite_mt`, in GeV, in their places.
    log |det| is log pT - log pTmiss. Events without missing momentum have no angle, and are a
    ValueError. In `inverse_transform` an mT < 0 is a ValueError; a model may draw it unless it
    learns the logarithm. Put this step in front of a `PhiRotation` about the particle, after which
    the angle between the two is lost.

    The density of (mT, opposite mT) vanishes at the origin in proportion to pTmiss. A model that is
    smooth there draws too many events with almost no missing momentum. Below a few GeV, px and py
    are the better coordinates.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import TransverseMassTransformer
    >>> events = pd.DataFrame({"muon_pt": [40.0], "muon_phi": [0.0],
    ...                        "met_px": [-39.0], "met_py": [5.0]})
    >>> mass = TransverseMassTransformer("muon").fit(events)
    >>> mass.transform(events).round(2).iloc[0, 2:].tolist()
    [79.16, 5.05]
    >>> mass.inverse_transform(mass.transform(events)).round(6).equals(events)
    True
    """

    def __init__(self, visible, *, missing="met"):
        self.visible = visible
        self.missing = missing

    def _resolve(self, names):
        self._require_two(self.visible, self.missing, "visible and missing")
        self._require_names("objects are found")
        cure = "put CartesianToCylindrical of this object in front"
        self._visible = self._need(self.visible, ("pt", "phi"), cure)
        cure = "leave the missing momentum Cartesian"
        self._missing = self._need(self.missing, ("px", "py"), cure)
        out = list(names)
        pair = f"{self.visible}_{self.missing}"
        for column, component in zip(self._missing, ("mt", "opposite_mt"), strict=True):
            out[column] = join_name(pair, component)
        return out

    def _check(self, values):
        self._refuse_momenta(values, self._visible[0])
        px, py = (values[:, column] for column in self._missing)
        self._refuse(
            (px == 0) & (py == 0),
            self._missing[0],
            "there is no missing momentum, and so no angle to it. Select events that have one.",
        )

    def _forward(self, values):
        pt, phi = (values[:, column] for column in self._visible)
        px, py = (values[:, column] for column in self._missing)
        size = 2 * np.sqrt(pt * np.hypot(px, py))
        # For small angles mT is small; half of the angle from arctan2 keeps all digits.
        across, along = py * np.cos(phi) - px * np.sin(phi), px * np.cos(phi) + py * np.sin(phi)
        half = np.arctan2(across, along) / 2
        side = np.where(half < 0, -1.0, 1.0)
        out = values.copy(order="K")
        mass, opposite = self._missing
        out[:, mass], out[:, opposite] = size * np.abs(np.sin(half)), side * size * np.cos(half)
        return out

    def _inverse(self, values):
        self._refuse_momenta(values, self._visible[0])
        mass, opposite = self._missing
        drawn = values[:, mass]
        self._refuse_drawn(drawn < 0, mass, drawn, "non-negative", "LogTransformer")
        pt, phi = (values[:, column] for column in self._visible)
        missing = np.hypot(values[:, mass], values[:, opposite]) ** 2 / (4 * pt)
        angle = phi + 2 * np.arctan2(values[:, mass], values[:, opposite])
        out = values.copy(order="K")
        out[:, mass], out[:, opposite] = missing * np.cos(angle), missing * np.sin(angle)
        return out

    def _log_det(self, values):
        px, py = (values[:, column] for column in self._missing)
        return np.log(values[:, self._visible[0]]) - np.log(np.hypot(px, py))

"""Logarithms of positive columns: momenta and masses."""

import numpy as np

from skjetsim.preprocessing._base import InvertibleEventTransformer
from skjetsim.utils._event_columns import join_name, split_name

# Components that are positive, and their units.
MAGNITUDES = {"pt": " GeV", "mass": " GeV", "mt": " GeV", "E": " GeV", "pt_ratio": ""}


class LogTransformer(InvertibleEventTransformer):
    """Replace positive columns, such as transverse momenta, by their logarithm.

    The resolution of a calorimeter or tracker is about a constant fraction of the momentum, so the
    residual of log pT has one width over the whole spectrum. Every value that a model draws for
    log pT is a momentum, whereas a residual of pT itself can lead below zero.

    Parameters
    ----------
    columns : str, int or list
        Columns by name or position.

    Attributes
    ----------
    columns_ : list of int
        Positions of the columns.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    Notes
    -----
    The logarithm is the natural one, of the value in GeV. `jet_pt` becomes `jet_log_pt`; `mass`,
    `mt`, `E` and `pt_ratio` are named in the same way. A column whose name the package does not
    know, `m_jj`, becomes `log_m_jj`. A value <= 0 is a ValueError in `fit` and `transform`.
    log |det| is minus the sum of the logarithms.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import LogTransformer
    >>> events = pd.DataFrame({"jet_pt": [40.0, 60.0], "jet_eta": [0.5, -1.2]})
    >>> LogTransformer(["jet_pt"]).fit_transform(events).round(3)
       jet_log_pt  jet_eta
    0       3.689      0.5
    1       4.094     -1.2
    """

    def __init__(self, columns):
        self.columns = columns

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _resolve(self, names):
        self.columns_ = self._chosen_columns(names)
        out = list(names)
        for column in self.columns_:
            obj, component = split_name(names[column])
            known = component in MAGNITUDES
            out[column] = join_name(obj, f"log_{component}") if known else f"log_{names[column]}"
        return out

    def _chosen_columns(self, names):
        return self._positions(self.columns)

    def _check(self, values):
        names = self._names_in()
        for column in self.columns_:
            value, quantity = values[:, column], split_name(names[column])[1] or "value"
            unit = MAGNITUDES.get(quantity, "")
            self._refuse(
                value <= 0,
                column,
                "{quantity} {value:.6g}{unit} has no logarithm. Select events with a value above "
                "zero (skjetsim.selection.select_mass, select_pt), or leave this column out of "
                "`columns`.",
                quantity=quantity,
                value=value,
                unit=unit,
            )

    def _forward(self, values):
        out = values.copy(order="K")
        out[:, self.columns_] = np.log(values[:, self.columns_])
        return out

    def _inverse(self, values):
        out = values.copy(order="K")
        out[:, self.columns_] = np.exp(values[:, self.columns_])
        return out

    def _log_det(self, values):
        return -np.log(values[:, self.columns_]).sum(axis=1)


class LogMassTransformer(LogTransformer):
    """Replace masses by their logarithm.

    Jet masses have a long tail and a hard edge at zero. Their logarithm has neither, and every
    value that a model draws for it is a mass.

    Parameters
    ----------
    columns : None, str, int or list, default=None
        The masses, by name or position. None takes every column named `*_mass` or `mass`. A table
        without names needs positions.

    Attributes
    ----------
    columns_ : list of int
        Positions of the masses.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    See Also
    --------
    LogTransformer : The same for any positive column.

    Notes
    -----
    `jet_mass` becomes `jet_log_mass`, the natural logarithm of the mass in GeV. A column of
    another name, `m_jj`, becomes `log_m_jj`. A mass <= 0 is a ValueError in `fit` and `transform`.
    log |det| is minus the sum of the log masses.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import LogMassTransformer
    >>> events = pd.DataFrame({"jet_pt": [40.0, 60.0], "jet_mass": [5.0, 12.0]})
    >>> LogMassTransformer().fit_transform(events).round(3)
       jet_pt  jet_log_mass
    0    40.0         1.609
    1    60.0         2.485
    """

    def __init__(self, columns=None):
        super().__init__(columns)

    def _chosen_columns(self, names):
        return self._chosen(self.columns, names, ("mass",), "mass")

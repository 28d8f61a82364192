"""ConditionEncoder: the condition of a network, as network inputs."""

import numpy as np

from skjetsim._encoders._column_checks import check_reach, column_reach
from skjetsim._encoders._column_maps import apply_maps, learn_maps
from skjetsim.utils._angles import is_angle


class ConditionEncoder:
    """Encode the table that a network is conditioned on. It is never decoded.

    Columns named `phi` or `..._phi` are angles. They are encoded as (cos, sin), because -pi and pi
    are the same direction. Classes are encoded as one column for each class, or as labels. Columns
    that never vary carry no information and are left out. All other columns are scaled.

    Parameters
    ----------
    names : list
        Names of the columns, or their positions if they have no names.
    what : str, default="X"
        Name of the table in error messages.
    scale : {"normal", "standard"}, default="normal"
        With "normal", a column is standardised, or mapped to a normal through its quantiles if it
        needs that. With "standard", all columns are standardised.
    classes : sequence of str or int, default=()
        Names of the columns that hold a class.
    embed : bool, default=False
        Whether `encode` leaves out classes. The network then embeds what `labels` returns.
    n_least : int, default=0
        Least number of outputs. Missing ones are filled with zeros.
    dtype : dtype, default=float64
        Type of the encoded tables, in which cosines and sines are computed.

    Attributes
    ----------
    plain_, angles_, classes_ : ndarray of int
        Numbers of the varying columns of each kind.
    values_ : list of ndarray
        Distinct values of each column of classes.
    n_outputs_ : int
        Number of columns that `encode` returns.
    maps_ : dict of ndarray
        Maps of the plain columns, from `learn_maps`.
    """

    def __init__(
        self,
        names,
        *,
        what="X",
        scale="normal",
        classes=(),
        embed=False,
        n_least=0,
        dtype=np.float64,
    ):
        self.names = list(names)
        self.what = what
        self.scale = scale
        self.classes = list(classes)
        self.embed = embed
        self.n_least = n_least
        self.dtype = np.dtype(dtype).name

    def fit(self, table, weight=None):
        """Learn which columns vary, and their scales.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)
        weight : ndarray of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `classes` names a column that does not exist.
        """
        known = [str(name) for name in self.names]
        for name in self.classes:
            if str(name) not in known:
                raise ValueError(
                    f"classes: there is no column {name!r}. The columns are {self.names}."
                )
        is_class = np.isin(known, [str(name) for name in self.classes])
        periodic = np.array([is_angle(name) for name in self.names], dtype=bool) & ~is_class
        varying = (table != table[0]).any(axis=0)
        self.classes_ = np.flatnonzero(varying & is_class)
        self.angles_ = np.flatnonzero(varying & periodic)
        self.plain_ = np.flatnonzero(varying & ~periodic & ~is_class)
        self.values_ = [np.unique(column) for column in table[:, self.classes_].T]
        plain = table[:, self.plain_]
        self.maps_ = learn_maps(plain, weight, scale=self.scale)
        self.reach_ = column_reach(self.maps_["mean"], self.maps_["std"])
        n_classes = 0 if self.embed else sum(map(len, self.values_))
        self.n_outputs_ = len(self.plain_) + 2 * len(self.angles_) + n_classes
        self.n_outputs_ = max(self.n_outputs_, self.n_least)
        return self

    def check(self, table):
        """Refuse rows that cannot be encoded.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Raises
        ------
        ValueError
            If a value lies too far from the events of the fit, or a class did not occur in them.
            The message names column and row.
        """
        names = [self.names[j] for j in self.plain_]
        check_reach(table[:, self.plain_], self.reach_, names, self.what)
        for j, values in zip(self.classes_, self.values_, strict=True):
            unknown = ~np.isin(table[:, j], values)
            if unknown.any():
                row = int(np.argmax(unknown))
                raise ValueError(
                    f"{self.what} column {self.names[j]!r}, row {row}: {table[row, j]:g} is not a "
                    f"class of the fit, which had {values.tolist()}."
                )

    def encode(self, table):
        """Network inputs of a table.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs_)
            Plain columns, cosines, sines, and classes unless they are embedded.
        """
        n_plain, n_angles = len(self.plain_), len(self.angles_)
        inputs = np.zeros((len(table), self.n_outputs_), dtype=self.dtype)
        inputs[:, :n_plain] = apply_maps(self.maps_, table[:, self.plain_])
        if n_angles:
            angles = table[:, self.angles_].astype(self.dtype, copy=False)
            np.cos(angles, out=inputs[:, n_plain : n_plain + n_angles])
            np.sin(angles, out=inputs[:, n_plain + n_angles : n_plain + 2 * n_angles])
        if not self.embed:
            start = n_plain + 2 * n_angles
            for label, values in zip(self.labels(table).T, self.values_, strict=True):
                inputs[np.arange(len(table)), start + label] = 1.0
                start += len(values)
        return inputs

    def labels(self, table):
        """Classes as integers from zero, in the order of their values.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of int64, shape (n_samples, n_classes)
        """
        labels = np.empty((len(table), len(self.classes_)), dtype=np.int64)
        for k, (j, values) in enumerate(zip(self.classes_, self.values_, strict=True)):
            labels[:, k] = np.searchsorted(values, table[:, j])
        return labels

"""ConditionEncoder: the table that a network is conditioned on."""

import numpy as np

from skjetsim._encoders._column_checks import check_reach, column_reach
from skjetsim._encoders._column_maps import apply_maps, learn_maps
from skjetsim.utils._angles import is_angle


class ConditionEncoder:
    """Encode a table that is known, and never decoded.

    Columns named `phi` or `..._phi` are angles and enter as (cos, sin), since -pi and pi are one
    direction; classes enter as one column for each class, or as labels; columns that never vary
    say nothing and are left out; the others are scaled.

    Parameters
    ----------
    names : list
        Of the columns, their positions if they have none.
    what : str, default="X"
        How errors call the table.
    scale : {"normal", "standard"}, default="normal"
        Columns are standardised, or mapped through their quantiles to a normal if they need it;
        "standard" does not take quantiles.
    classes : sequence of str or int, default=()
        Columns that hold a class, by name.
    embed : bool, default=False
        Whether classes are left to `labels`, for an embedding of the network.
    n_least : int, default=0
        Least number of outputs: zeros fill up what is missing.
    dtype : dtype, default=float64
        In which cosines and sines are computed and encoded tables come.

    Attributes
    ----------
    plain_, angles_, classes_ : ndarray of int
        Columns of each kind that vary.
    values_ : list of ndarray
        Values of each class.
    n_outputs_ : int
        Columns of what `encode` returns.
    maps_ : dict of ndarray
        As `learn_maps` returns them, of the plain columns.
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
            If `classes` names what is not a column.
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
            If a value lies too far from the events of the fit, or is a class that was not among
            them, naming column and row.
        """
        names = [self.names[j] for j in self.plain_]
        check_reach(table[:, self.plain_], self.reach_, names, self.what)
        for j, values in zip(self.classes_, self.values_, strict=True):
            unknown = ~np.isin(table[:, j], values)
            if unknown.any():
                row = int(np.argmax(unknown))
                raise ValueError(
                    f"{self.what} column {self.names[j]!r}, row {row}: {table[row, j]:g} is not a "
                    f"class of the fit. It had {values.tolist()}."
                )

    def encode(self, table):
        """Inputs of a network.

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
        """Classes as numbers from zero, in the order of their values.

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

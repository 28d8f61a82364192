"""scikit-learn's ColumnTransformer with a way back."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if

from skjetsim._sklearn_compat import BaseComposition
from skjetsim.preprocessing._base import EventTransformer, InverseMixin
from skjetsim.preprocessing._jacobian import has_log_det, log_det_jacobian
from skjetsim.utils._angle_checks import check_turns
from skjetsim.utils._event_columns import refuse_duplicates
from skjetsim.utils._validation import first_duplicate, validate_events


def _all_blocks_have_log_det(self):
    return all(has_log_det(transformer) for _, transformer, _ in self._triples())


class InvertibleColumnTransformer(InverseMixin, EventTransformer, BaseComposition):
    """Apply transformers to blocks of columns, invertibly.

    Like scikit-learn's `ColumnTransformer`, with `inverse_transform` and `log_det_jacobian`. A
    column is in one block at most, and columns in no block pass through. None can be dropped, so
    that there is always a way back.

    Parameters
    ----------
    transformers : list of (str, transformer or "passthrough", columns)
        Name of the block, an unfitted transformer with `inverse_transform`, and its columns:
        names, positions, a slice, a boolean mask, or a function of X that gives one of these.

    Attributes
    ----------
    transformers_ : list of (str, transformer or "passthrough", list of int)
        Fitted clones with the positions of their columns; at the end `"remainder"`, if some
        columns are in no block.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    Notes
    -----
    The output holds the blocks in the order given, then the remainder, under the names that the
    blocks give, without a prefix. A transformer without `get_feature_names_out` is taken to keep
    the names of its columns. `log_det_jacobian` is absent if a block has none.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skjetsim.preprocessing import InvertibleColumnTransformer, LogMassTransformer
    >>> events = pd.DataFrame({"jet_pt": [40.0, 60.0], "jet_mass": [5.0, 12.0], "w": [1.0, 2.0]})
    >>> blocks = InvertibleColumnTransformer(
    ...     [("mass", LogMassTransformer(), "jet_mass"), ("scale", StandardScaler(), ["jet_pt"])]
    ... )
    >>> blocks.fit_transform(events).round(3)
       jet_log_mass  jet_pt    w
    0         1.609    -1.0  1.0
    1         2.485     1.0  2.0
    >>> blocks.inverse_transform(blocks.transform(events))
       jet_pt  jet_mass    w
    0    40.0       5.0  1.0
    1    60.0      12.0  2.0
    """

    def __init__(self, transformers):
        self.transformers = transformers

    def get_params(self, deep=True):
        """Parameters of this estimator and, if `deep`, of its blocks.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict
        """
        return self._get_params("_named", deep=deep)

    def set_params(self, **params):
        """Set parameters: `transformers`, a block by its name, or `block__parameter`.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self : object
        """
        if "transformers" in params:
            self.transformers = params.pop("transformers")
        return self._set_params("_named", **params)

    @property
    def _named(self):
        return [(name, transformer) for name, transformer, _ in self._triples()]

    @_named.setter
    def _named(self, named):
        blocks = zip(named, self.transformers, strict=True)
        self.transformers = [(*pair, columns) for pair, (_, _, columns) in blocks]

    def _triples(self):
        """Blocks as given; none if `transformers` is not, or not yet, a list of triples."""
        blocks = self.transformers
        valid = isinstance(blocks, (list, tuple)) and all(
            isinstance(block, (list, tuple)) and len(block) == 3 for block in blocks
        )
        return blocks if valid else []

    def fit(self, X, y=None):
        """Fit a clone of each transformer on its columns.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Events.
        y : array-like, optional
            Passed on to the transformers.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        ValueError
            On bad input, overlapping blocks or duplicate output names.
        TypeError
            If a transformer has no `inverse_transform`.
        """
        values = validate_events(self, X, reset=True)
        check_turns(values, getattr(self, "feature_names_in_", None), "X", every=True)
        self._check_blocks()
        blocks, names_out = [], []
        for name, transformer, positions in self._blocks_with_positions(X):
            if not isinstance(transformer, str):
                transformer = clone(transformer).fit(self._block(values, positions), y)
            blocks.append((name, transformer, positions))
            names_out.append(self._block_names_out(transformer, positions))
        self._names_out = [name for names in names_out for name in names]
        refuse_duplicates(self._names_out, type(self).__name__)
        self._widths = [len(names) for names in names_out]
        self.transformers_ = blocks
        return self

    def _check_blocks(self):
        """Raise if a name cannot be a parameter, or if a transformer has no way back."""
        if not self._triples():
            raise ValueError(
                "transformers must be a list of (name, transformer, columns), got "
                f"{self.transformers!r}."
            )
        names = [name for name, _, _ in self.transformers]
        if (twice := first_duplicate(names)) is not None:
            raise ValueError(f"Two blocks are named {twice!r}; names must be unique.")
        for name, transformer, _ in self.transformers:
            if name in ("transformers", "remainder") or "__" in name:
                raise ValueError(
                    f"A block cannot be named {name!r}: it would clash with a parameter."
                )
            if isinstance(transformer, str) and transformer == "passthrough":
                continue
            if not hasattr(transformer, "fit") or not hasattr(transformer, "inverse_transform"):
                raise TypeError(
                    f"Block {name!r}: {transformer!r} lacks fit or inverse_transform, which every "
                    "block of an InvertibleColumnTransformer needs."
                )

    def _blocks_with_positions(self, X):
        """Blocks with the positions of their columns; columns in no block come last."""
        owner, blocks = {}, []
        for name, transformer, columns in self.transformers:
            positions = self._positions(columns(X) if callable(columns) else columns)
            for position in positions:
                if position in owner:
                    raise ValueError(
                        f"InvertibleColumnTransformer: column {self._place(position)} is in block "
                        f"{owner[position]!r} and in block {name!r}; it can be in one only."
                    )
                owner[position] = name
            if positions:
                blocks.append((name, transformer, positions))
        rest = [i for i in range(self.n_features_in_) if i not in owner]
        return [*blocks, ("remainder", "passthrough", rest)] if rest else blocks

    def _block(self, values, positions):
        """Columns of a block, with their names if X had names."""
        block = values[:, positions]
        if not hasattr(self, "feature_names_in_"):
            return block
        return pd.DataFrame(block, columns=self.feature_names_in_[positions], copy=False)

    def _block_names_out(self, transformer, positions):
        names = self._names_in()
        block_names = [names[i] for i in positions]
        if not hasattr(transformer, "get_feature_names_out"):
            return block_names
        return list(transformer.get_feature_names_out(np.asarray(block_names, dtype=object)))

    def _forward(self, values):
        parts = [
            values[:, positions]
            if isinstance(transformer, str)
            else np.asarray(transformer.transform(self._block(values, positions)))
            for _, transformer, positions in self.transformers_
        ]
        return np.concatenate(parts, axis=1)

    def _inverse(self, values):
        out = np.empty((len(values), self.n_features_in_))
        start = 0
        for (_, transformer, positions), width in zip(
            self.transformers_, self._widths, strict=True
        ):
            block = values[:, start : start + width]
            if not isinstance(transformer, str):
                names = self._names_out[start : start + width]
                if hasattr(transformer, "feature_names_in_"):
                    block = pd.DataFrame(block, columns=names)
                block = np.asarray(transformer.inverse_transform(block))
            out[:, positions] = block
            start += width
        return out

    @available_if(_all_blocks_have_log_det)
    def log_det_jacobian(self, X):
        """Sum of the blocks' log-determinants; absent if a block has none.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            Events before the transformation.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
        """
        values = self._validated(X)
        total = np.zeros(len(values))
        for _, transformer, positions in self.transformers_:
            total += log_det_jacobian(transformer, self._block(values, positions))
        return total

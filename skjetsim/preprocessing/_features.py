"""Derived kinematic quantities: masses, angles between objects, scalar sums."""

import re
from itertools import combinations

import numpy as np
from sklearn.utils.metaestimators import available_if

from skjetsim.preprocessing._base import EventTransformer, InverseMixin
from skjetsim.utils._angles import wrap_phi
from skjetsim.utils._event_columns import event_objects, join_name, label
from skjetsim.utils._event_objects import transverse_sum, vector_sum
from skjetsim.utils._four_vectors import rapidity, transverse_mass

_FEATURE = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")

# What the network of arXiv:2010.01835 computes inside from its nine inputs.
_PRESETS = {
    "wjet": (
        *("pt(muon)", "eta(muon)", "phi(muon)"),
        *("pt(jet)", "eta(jet)", "phi(jet)", "mass(jet)"),
        *("pt(met)", "phi(met)"),
        "mt(muon, met)",
        "st(muon, jet, met)",
    )
}


UNDEFINED = (
    "the quantity is not finite: eta needs pT > 0, rapidity needs E > |pz|. Select events in which "
    "it is defined first."
)


def _scalar_sum(objects):
    return sum(obj.pt for obj in objects)


def _delta_phi(first, second):
    return wrap_phi(first.phi - second.phi)


def _delta_eta(first, second):
    return first.eta - second.eta


def _mass(objects):
    first = objects[0]
    if len(objects) == 1 and not first.has_mass:
        raise ValueError(
            f"{first.owner}: {label(first.name)} has no mass and no E among its columns "
            f"{sorted(first.columns)}, so its mass is not known."
        )
    return vector_sum(objects).mass


def _rapidity(objects):
    total = vector_sum(objects)
    return rapidity(total.energy, total.pz)


_PAIRWISE = {
    "delta_eta": _delta_eta,
    "delta_phi": _delta_phi,
    "delta_r": lambda *pair: np.hypot(_delta_eta(*pair), _delta_phi(*pair)),
    "mt": lambda a, b: transverse_mass(a.pt, a.phi, b.pt, b.phi),
}
_OF_ANY = {
    "px": lambda objects: transverse_sum(objects).px,
    "py": lambda objects: transverse_sum(objects).py,
    "pt": lambda objects: transverse_sum(objects).pt,
    "phi": lambda objects: transverse_sum(objects).phi,
    "pz": lambda objects: vector_sum(objects).pz,
    "eta": lambda objects: vector_sum(objects).eta,
    "E": lambda objects: vector_sum(objects).energy,
    "mass": _mass,
    "rapidity": _rapidity,
    "st": _scalar_sum,
    "ht": _scalar_sum,
    "missing_pt": lambda objects: transverse_sum(objects).pt,
    "missing_phi": lambda objects: wrap_phi(transverse_sum(objects).phi + np.pi),
}


def pair_and_triple_masses(objects):
    """Return the features for the masses of all pairs and triples: a resonance shows in one.

    Parameters
    ----------
    objects : list of str
        Objects with three-momenta.

    Returns
    -------
    list of str
        For `KinematicFeatures`.

    Examples
    --------
    >>> from skjetsim.preprocessing import pair_and_triple_masses
    >>> pair_and_triple_masses(["b", "q", "qbar"])
    ['mass(b, q)', 'mass(b, qbar)', 'mass(q, qbar)', 'mass(b, q, qbar)']
    """
    groups = [group for size in (2, 3) for group in combinations(objects, size)]
    return [f"mass({', '.join(group)})" for group in groups]


def _passes_through(self):
    if not self.passthrough:
        raise AttributeError("KinematicFeatures has an inverse only with passthrough=True.")
    return True


class KinematicFeatures(InverseMixin, EventTransformer):
    """Compute derived quantities such as invariant masses, transverse mass, ST and delta R.

    Parameters
    ----------
    features : list of str or "wjet"
        What to compute, written `quantity(object, ...)`:

        - of one object or the vector sum of several: `px`, `py`, `pz`, `pt`, `eta`, `phi`, `E`,
          `mass`, `rapidity`;
        - between two objects: `delta_eta`, `delta_phi`, `delta_r` (in pseudorapidity), `mt`
          (transverse mass of two massless particles, such as a lepton and the missing momentum);
        - scalar sum of pT: `st` or `ht`, two names of the same quantity;
        - recoil against objects: `missing_pt`, `missing_phi`.

        "wjet" stands for the derived quantities of the W + jet fast simulation [1]_:
        cylindrical muon and jet momenta, jet mass, pT and phi of the missing momentum, MT and ST.
        Its objects are `muon`, `jet` and `met`. `pair_and_triple_masses` gives the features for
        all masses.
    passthrough : bool, default=True
        True puts the input columns in front of the features; False gives the features alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    Notes
    -----
    Columns are named `muon_pt`, `electron_positron_mass`, `muon_met_mt`. With `passthrough`, a
    quantity of one object that is already a column of the input is not added again, and
    `inverse_transform` drops the derived columns.

    Each object may have Cartesian or cylindrical columns. Its energy comes from the mass (`mass`
    or `log_mass`), else from `E`; an object with neither counts as massless in sums. The mass of a
    space-like vector is negative. A table without names is read as (px, py, pz) triples, "p0",
    "p1", ...

    References
    ----------
    .. [1] C. Chen et al., "Analysis-Specific Fast Simulation at the LHC with Deep Learning",
       Comput. Softw. Big Sci. 5 (2021) 15, arXiv:2010.01835.

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import KinematicFeatures
    >>> events = pd.DataFrame({"muon_px": [40.0], "muon_py": [0.0], "muon_pz": [10.0],
    ...                        "met_px": [-40.0], "met_py": [0.0]})
    >>> features = KinematicFeatures(["mt(muon, met)", "st(muon, met)"], passthrough=False)
    >>> features.fit_transform(events)
       muon_met_mt  muon_met_st
    0         80.0         80.0
    """

    _reads_triples = True

    def __init__(self, features, *, passthrough=True):
        self.features = features
        self.passthrough = passthrough

    def _resolve(self, names):
        self._require_triple()
        self._objects = event_objects(names)
        wanted = [self._parse(feature) for feature in self._feature_list()]
        derived = {}
        for quantity, objects in wanted:
            name = join_name("_".join(filter(None, objects)), quantity)
            if self.passthrough and len(objects) == 1 and name in names:
                continue
            if name in derived:
                raise ValueError(f"KinematicFeatures: features names {name!r} twice.")
            derived[name] = (quantity, objects)
        self._derived = derived
        self._compute(np.ones((1, len(names))))  # raises if columns are missing
        out = [*names, *derived] if self.passthrough else list(derived)
        if not out:
            raise ValueError("KinematicFeatures: features is empty and nothing passes through.")
        return out

    def _feature_list(self):
        if not isinstance(self.features, str):
            return list(self.features)
        if self.features not in _PRESETS:
            raise ValueError(
                f"features must be a list or one of {sorted(_PRESETS)}, got {self.features!r}."
            )
        return _PRESETS[self.features]

    def _parse(self, feature):
        """Return (quantity, objects) of `quantity(object, ...)`, or raise saying what is wrong."""
        match = _FEATURE.fullmatch(feature) if isinstance(feature, str) else None
        if match is None:
            raise ValueError(
                f"KinematicFeatures: {feature!r} is not of the form 'quantity(object, ...)', for "
                "example 'mass(electron, positron)'."
            )
        quantity, objects = match[1], tuple(obj.strip() for obj in match[2].split(","))
        if quantity not in _PAIRWISE and quantity not in _OF_ANY:
            raise ValueError(
                f"KinematicFeatures: unknown quantity {quantity!r} in {feature!r}; known are "
                f"{sorted([*_PAIRWISE, *_OF_ANY])}."
            )
        if quantity in _PAIRWISE and len(objects) != 2:
            raise ValueError(
                f"KinematicFeatures: {quantity} is of two objects, got {len(objects)} in "
                f"{feature!r}."
            )
        if len(set(objects)) != len(objects):
            raise ValueError(f"KinematicFeatures: {feature!r} names an object twice.")
        for obj in objects:
            self._components(obj)
        return quantity, objects

    def _compute(self, values):
        """Columns of the derived quantities, in order."""
        objects = {
            obj: self._event_object(obj, parts, values) for obj, parts in self._objects.items()
        }
        return [
            _PAIRWISE[quantity](*map(objects.get, wanted))
            if quantity in _PAIRWISE
            else _OF_ANY[quantity]([*map(objects.get, wanted)])
            for quantity, wanted in self._derived.values()
        ]

    def _forward(self, values):
        n_through = self.n_features_in_ if self.passthrough else 0
        out = np.empty((len(values), len(self._names_out)), order="F")
        out[:, :n_through] = values[:, :n_through]
        for i, column in enumerate(self._compute(values), start=n_through):
            if not np.isfinite(column.sum()):
                self._refuse(~np.isfinite(column), repr(self._names_out[i]), UNDEFINED)
            out[:, i] = column
        return out

    def _inverse(self, values):
        return values[:, : self.n_features_in_].copy(order="K")

    @available_if(_passes_through)
    def inverse_transform(self, X):
        """Drop the derived columns.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features_out)
            Transformed events.

        Returns
        -------
        DataFrame or ndarray of shape (n_samples, n_features_in_)
        """
        return super().inverse_transform(X)

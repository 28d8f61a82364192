"""Periodic angles: as (cos, sin) pairs, and measured from a reference object."""

import numpy as np

from skjetsim.preprocessing._base import EventTransformer, InverseMixin, InvertibleEventTransformer
from skjetsim.utils._angles import angle_positions, half_pair, rotated, transverse_pairs, wrap_phi
from skjetsim.utils._event_columns import (
    event_objects,
    find_object,
    is_difference,
    join_name,
    label,
    refuse_other_azimuths,
)
from skjetsim.utils._four_vectors import azimuth


class AngleEncoder(InverseMixin, EventTransformer):
    """Replace each angle phi by (cos phi, sin phi), which has no seam at +-pi.

    `jet_phi` becomes `jet_cos_phi`, `jet_sin_phi` in its place. The inverse is atan2: angles come
    back in (-pi, pi]. It takes (cos, sin) of any length, because those that a model draws do
    not have length one. There is no log-determinant: the output has more columns than the input.

    Parameters
    ----------
    columns : None, str, int or list, default=None
        The angles, in radians, by name or position. None takes every column that is an azimuth, or
        a difference of two, by its name: `phi`, `jet_phi`, `jetPhi`, `jet_met_delta_phi` and alike.

    Attributes
    ----------
    columns_ : list of int
        Positions of the angles.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import AngleEncoder
    >>> events = pd.DataFrame({"jet_pt": [40.0], "jet_phi": [np.pi / 2]})
    >>> encoder = AngleEncoder().fit(events)
    >>> encoder.transform(events).round(3)
       jet_pt  jet_cos_phi  jet_sin_phi
    0    40.0          0.0          1.0
    >>> encoder.inverse_transform(encoder.transform(events)).round(3)
       jet_pt  jet_phi
    0    40.0    1.571
    """

    def __init__(self, columns=None):
        self.columns = columns

    def _resolve(self, names):
        if self.columns is None:
            self.columns_ = angle_positions(names)
        else:
            self.columns_ = sorted(self._positions(self.columns))
        if not self.columns_:
            raise ValueError(
                f"AngleEncoder found no angle among the {self.n_features_in_} feature(s) of X: "
                "columns named 'phi', '*_phi' or alike are taken; give others in `columns`."
            )
        out = []
        for i, name in enumerate(names):
            out += [_encoded(name, "cos"), _encoded(name, "sin")] if i in self.columns_ else [name]
        return out

    def _cosines(self):
        """Columns of the output that hold the cosines; each sine is one column further on."""
        return np.add(self.columns_, np.arange(len(self.columns_)))

    def _forward(self, values):
        out = np.insert(values, np.add(self.columns_, 1), 0.0, axis=1)
        cosines = self._cosines()
        out[:, cosines] = np.cos(values[:, self.columns_])
        out[:, cosines + 1] = np.sin(values[:, self.columns_])
        return out

    def _inverse(self, values):
        cosines = self._cosines()
        out = np.delete(values, cosines + 1, axis=1)
        out[:, self.columns_] = azimuth(values[:, cosines], values[:, cosines + 1])
        return out


def _encoded(name, function):
    """Return `jet_cos_phi` for `jet_phi`; for other names `cos_<name>`."""
    if name == "phi" or name.endswith("_phi"):
        return f"{name[:-3]}{function}_phi"
    return f"{function}_{name}"


class PhiRotation(InvertibleEventTransformer):
    """Rotate each event about the beam: measure every phi from that of a reference object.

    Collisions of unpolarised beams do not depend on where phi = 0 lies; a model that sees rotated
    events need not learn that. The reference object itself is kept as it is, so the rotation can be
    undone, and the Jacobian is one.

    Parameters
    ----------
    reference : str
        Object from which phi of the others is measured, for example "muon".
    objects : list of str or None, default=None
        Objects that are rotated; None rotates all others. If the missing momentum alone is measured
        from a jet, the mismeasurement of this jet lies along one of its axes.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen in `fit`, if X had names.

    Notes
    -----
    Columns `*_phi` are shifted and wrapped into (-pi, pi]. Pairs `*_px`, `*_py` and `*_cos_phi`,
    `*_sin_phi` are rotated. Both kinds may be mixed. The inverse gives phi in (-pi, pi].

    The reference keeps its own phi, so masses, angles and transverse masses of it with other
    objects have to be computed before this step. Differences such as `*_delta_phi`, also as cosine
    and sine, and all other columns pass through. A table without names is read as (px, py, pz)
    triples, "p0", "p1", ...

    Examples
    --------
    >>> import pandas as pd
    >>> from skjetsim.preprocessing import PhiRotation
    >>> events = pd.DataFrame({"muon_phi": [1.0], "jet_px": [0.0], "jet_py": [30.0]})
    >>> PhiRotation("muon").fit_transform(events).round(3)
       muon_phi  jet_px  jet_py
    0       1.0  25.244  16.209
    """

    _reads_triples = True

    def __init__(self, reference, *, objects=None):
        self.reference = reference
        self.objects = objects

    def _resolve(self, names):
        self._require_triple()
        if self.objects is None:
            refuse_other_azimuths(names, type(self).__name__)
        objects = {
            obj: parts for obj, parts in event_objects(names).items() if not is_difference(obj)
        }
        reference = find_object(objects, self.reference, type(self).__name__)
        self._reference_phi = reference.get("phi")
        self._reference_pair = next(iter(transverse_pairs(reference)), None)
        if self._reference_phi is None and self._reference_pair is None:
            raise ValueError(
                f"PhiRotation: {label(self.reference)} has neither phi nor px and py; it has "
                f"{sorted(reference)}."
            )
        for obj, parts in objects.items():
            _refuse_half_pair(obj, parts)
        others = [objects[obj] for obj in self._rotated_objects(objects)]
        self._angles = [parts["phi"] for parts in others if "phi" in parts]
        self._rotated = [pair for parts in others for pair in transverse_pairs(parts)]
        return names

    def _rotated_objects(self, objects):
        if self.objects is None:
            return [obj for obj in objects if obj != self.reference]
        for obj in self.objects:
            find_object(objects, obj, type(self).__name__)
            if obj == self.reference:
                raise ValueError(
                    f"PhiRotation: {label(obj)} is the reference, whose own phi stays as it is; "
                    "take it out of `objects`."
                )
        return list(dict.fromkeys(self.objects))

    def _forward(self, values):
        return self._rotate(values, -self._phi(values))

    def _inverse(self, values):
        return self._rotate(values, self._phi(values))

    def _phi(self, values):
        """Azimuth of the reference; the same before and after the rotation."""
        if self._reference_phi is not None:
            return values[:, self._reference_phi]
        x, y = self._reference_pair
        return azimuth(values[:, x], values[:, y])

    def _rotate(self, values, phi):
        out = values.copy(order="K")
        for column in self._angles:
            out[:, column] = wrap_phi(values[:, column] + phi)
        if self._rotated:
            cos, sin = np.cos(phi), np.sin(phi)
            for x, y in self._rotated:
                out[:, x], out[:, y] = rotated(values[:, x], values[:, y], cos, sin)
        return out


def _refuse_half_pair(obj, parts):
    """Raise if an object has one component of a vector only, which cannot be rotated."""
    if half := half_pair(parts):
        there, missing = (join_name(obj, component) for component in half)
        raise ValueError(
            f"PhiRotation: {label(obj)} has a column {there!r} but no {missing!r}, and half a "
            "vector cannot be rotated. Add the other half, or take this column out."
        )

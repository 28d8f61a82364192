"""A simulator that sees every event in the same orientation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skjetsim._angles import wrap_phi
from skjetsim._draw import log_prob, sample
from skjetsim._validation import (
    check_int,
    check_same_events,
    check_sample_weight,
    column_names,
    refuse_count,
    validate_events,
    validate_target,
)
from skjetsim.base import SimulatorMixin, innermost, is_simulator
from skjetsim.compose._inner import is_fitted, weight_name
from skjetsim.preprocessing._columns import event_objects, find_object, join_name, label

__all__ = ["SymmetricSimulator"]

VECTORS = (("px", "py"), ("cos_phi", "sin_phi"))
ALONG = ("pz", "eta", "delta_eta")  # change sign with the direction of the beam


@dataclass
class Orientation:
    """How each event is turned: by an angle about the beam, and which axes are reflected."""

    phi: np.ndarray
    side: np.ndarray  # of the beam: 1 or -1
    hand: np.ndarray  # the way round in which phi grows: 1 or -1

    def repeated(self, n_samples):
        """The same for several draws of each event."""
        parts = (self.phi, self.side, self.hand)
        return Orientation(*(np.repeat(part, n_samples) for part in parts))


class Directions:
    """Which columns of a table have a direction, and how they turn.

    Parameters
    ----------
    names : list of str
    """

    def __init__(self, names):
        self.objects = event_objects(names)
        self.vectors, self.phi, self.along, self.across = [], [], [], []
        for obj, parts in self.objects.items():
            for pair in VECTORS:
                found = [parts[name] for name in pair if name in parts]
                if len(found) == 1:
                    raise ValueError(
                        f"SymmetricSimulator: {label(obj)} has one of "
                        f"{join_name(obj, pair[0])!r} and {join_name(obj, pair[1])!r}, and half a "
                        "vector cannot be turned. Add the other half."
                    )
                if found:
                    self.vectors.append(found)
            self.phi += [parts["phi"]] if "phi" in parts else []
            self.across += [parts["delta_phi"]] if "delta_phi" in parts else []
            self.along += [parts[name] for name in ALONG if name in parts]
        self.along += [i for i, name in enumerate(names) if name.endswith("rapidity")]

    def azimuth(self, table, name):
        """Phi of an object."""
        parts = find_object(self.objects, name, "SymmetricSimulator")
        if "phi" in parts:
            return table[:, parts["phi"]]
        for x, y in VECTORS:
            if x in parts:
                return np.arctan2(table[:, parts[y]], table[:, parts[x]])
        raise ValueError(f"SymmetricSimulator: {label(name)} has neither phi nor px and py.")

    def side(self, table, name):
        """Which way along the beam an object goes: 1 or -1."""
        parts = find_object(self.objects, name, "SymmetricSimulator")
        for component in ("pz", "eta"):
            if component in parts:
                return _sign(table[:, parts[component]])
        raise ValueError(f"SymmetricSimulator: {label(name)} has neither pz nor eta.")

    def turn(self, table, orientation):
        """Events as if their reference pointed along x and forward."""
        out = self._reflect(table, orientation)
        out[:, self.phi] = wrap_phi(
            orientation.hand[:, None] * (table[:, self.phi] - orientation.phi[:, None])
        )
        cos, sin = np.cos(orientation.phi), np.sin(orientation.phi)
        for x, y in self.vectors:
            out[:, x] = cos * table[:, x] + sin * table[:, y]
            out[:, y] = orientation.hand * (cos * table[:, y] - sin * table[:, x])
        return out

    def turn_back(self, table, orientation):
        """Undo `turn`."""
        out = self._reflect(table, orientation)
        out[:, self.phi] = wrap_phi(
            orientation.hand[:, None] * table[:, self.phi] + orientation.phi[:, None]
        )
        cos, sin = np.cos(orientation.phi), np.sin(orientation.phi)
        for x, y in self.vectors:
            across = orientation.hand * table[:, y]
            out[:, x] = cos * table[:, x] - sin * across
            out[:, y] = sin * table[:, x] + cos * across
        return out

    def _reflect(self, table, orientation):
        out = table.copy()
        out[:, self.along] *= orientation.side[:, None]
        out[:, self.across] *= orientation.hand[:, None]
        return out

    def lay_along_x(self, table, name):
        """Clear the azimuth of an object of the rounding that the turn has left."""
        parts = self.objects[name]
        for x, y in VECTORS:
            if x in parts:
                table[:, parts[x]] = np.hypot(table[:, parts[x]], table[:, parts[y]])
                table[:, parts[y]] = 0.0
        if "phi" in parts:
            table[:, parts["phi"]] = 0.0


def _sign(values):
    return np.where(values < 0, -1.0, 1.0)


def _inner_has(method):
    def check(self):
        return hasattr(getattr(self, "simulator_", self.simulator), method)

    return check


class SymmetricSimulator(SimulatorMixin, BaseEstimator):
    """Simulate every event in one orientation, and turn it back.

    A detector that is round and has two equal ends responds alike to an event, to the same event
    turned about the beam, and to its mirror images. Here the simulator inside sees each event of X
    turned so that a reference object points along x, forward, with a second object to the left of
    it; y is turned along, and what is drawn is turned back. What was four mirror images of every
    azimuth is one, so that as many events say four times as much, and the simulation has the
    symmetries exactly.

    Parameters
    ----------
    simulator : simulator
        Learns y given X in one orientation; a Pipeline that ends in one will do.
    reference : str
        Object of X that is turned to phi = 0 and, where `pz` or `eta` are below zero, reflected
        along the beam.
    second : str or None, default=None
        Object of X that is reflected to phi > 0. None leaves the way round as it is: take it where
        the field bends what is measured, for the mirror image of a solenoid bends the other way.
        Of jets and muons at the collision point it moves next to nothing; electrons that radiate
        in the field keep a side.

    Attributes
    ----------
    simulator_ : simulator
        Fitted clone, which knows events in the one orientation alone.
    n_features_in_, n_targets_ : int
    feature_names_in_, target_names_in_ : ndarray of str

    See Also
    --------
    skjetsim.preprocessing.PhiRotation : Measures phi from an object, which is the rotation alone,
        on one side.
    TransformedSimulator : Other coordinates of y.

    Notes
    -----
    Columns need names: `px`, `py`, `pz`, `eta`, `phi`, `cos_phi`, `sin_phi`, `delta_eta`,
    `delta_phi` and `rapidity`, of any object, turn; all others must be such as do not: pT, masses,
    energies, counts. A turned reference has phi = 0, and the all-equal column says nothing to a
    network. The Jacobian is one.

    With `Unfolder`, X is the measured event, and theory-level events are symmetric, too, as long as
    beams are equal and nothing violates parity. A detector with a dead region has no symmetry: the
    wrong mean of all its sides would be learnt.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skjetsim.compose import SymmetricSimulator
    >>> from skjetsim.flows import FlowSimulator
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(0, 30, (500, 3)), columns=["muon_px", "muon_py", "muon_pz"])
    >>> y = X + rng.normal(0, 1, X.shape)
    >>> flow = FlowSimulator(max_epochs=2, random_state=0)
    >>> model = SymmetricSimulator(flow, "muon").fit(X, y)
    >>> one_way = model.sample(X, random_state=1)
    >>> other_way = model.sample(X * [1, 1, -1], random_state=1)
    >>> bool(np.allclose(other_way, one_way * [1, 1, -1]))
    True
    """

    def __init__(self, simulator, reference, *, second=None):
        self.simulator = simulator
        self.reference = reference
        self.second = second

    @property
    def random_state(self):
        """Seed of the simulator inside, which draws the noise."""
        return getattr(innermost(self.simulator), "random_state", None)

    def fit(self, X, y, sample_weight=None):
        """Turn all events, and fit the simulator on them.

        Parameters
        ----------
        X : DataFrame of shape (n_samples, n_features)
        y : DataFrame of shape (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), optional
            Passed on to the simulator.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            Where `simulator` is none.
        ValueError
            On bad values (naming column and row), different lengths or indices of X and y, tables
            without names, or objects that are not there.
        """
        if not is_simulator(self.simulator):
            raise TypeError(
                f"simulator must be a simulator, got {self.simulator!r}, which would not learn y "
                "given X."
            )
        vars(self).pop("simulator_", None)  # of an earlier fit: from here on there is none
        check_same_events(X, y, sample_weight)
        for table, what in ((X, "X"), (y, "y")):
            if column_names(table) is None:
                raise ValueError(
                    f"SymmetricSimulator finds directions by column names, and {what} has none. "
                    "Pass a DataFrame with names such as 'muon_px'."
                )
        names = column_names(y)
        X = validate_events(self, X, reset=True)
        y = validate_target(self, y, n_samples=len(X), reset=True)
        weight = check_sample_weight(sample_weight, len(X))
        X, orientation = self._turned(X)
        y = pd.DataFrame(Directions(names).turn(y, orientation), columns=names)
        self.simulator_ = clone(self.simulator)
        weights = {} if weight is None else {weight_name(self.simulator_): weight}
        try:
            self.simulator_.fit(X, y, **weights)
        except BaseException as error:  # what had been learnt by Ctrl-C can be used
            if not isinstance(error, KeyboardInterrupt) or not is_fitted(self.simulator_):
                del self.simulator_
            raise
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "simulator_")

    def sample(self, X, *, n_samples=None, random_state=None):
        """Simulate detector-level events.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        n_samples : int, optional
            Draws for each event.
        random_state : None, int, Generator or RandomState
            None is fresh at each call; an int repeats the same events.

        Returns
        -------
        y : ndarray of shape (n, n_targets), or (n, n_samples, n_targets)
        """
        check_is_fitted(self)
        refuse_count(self, X)
        rows = validate_events(self, X, reset=False, min_samples=0)
        repeats = () if n_samples is None else (check_int(n_samples, "n_samples"),)
        shape = (len(rows), *repeats, self.n_targets_)
        if not len(rows):
            return self._as_target(np.empty(shape), X)
        turned, orientation = self._turned(rows)
        drawn = sample(self.simulator_, turned, n_samples=n_samples, random_state=random_state)
        if repeats:
            orientation = orientation.repeated(*repeats)
        events = self._back(drawn, orientation).reshape(shape)
        return self._as_target(events, None if repeats else X)

    @available_if(_inner_has("predict"))
    def predict(self, X):
        """Turn the simulator's point prediction back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        check_is_fitted(self)
        turned, orientation = self._turned(validate_events(self, X, reset=False))
        return self._as_target(self._back(self.simulator_.predict(turned), orientation), X)

    @available_if(_inner_has("score_samples"))
    def score_samples(self, X, y):
        """Log p(y given X), which the turn leaves as it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X, orientation = self._turned(validate_events(self, X, reset=False))
        y = validate_target(self, y, n_samples=len(X), reset=False)
        names = list(self.target_names_in_)
        y = pd.DataFrame(Directions(names).turn(y, orientation), columns=names)
        return log_prob(self.simulator_, X, y)

    def _turned(self, rows):
        """Events of X in the one orientation, and how they were turned."""
        names = list(self.feature_names_in_)
        directions = Directions(names)
        phi = directions.azimuth(rows, self.reference)
        side, hand = directions.side(rows, self.reference), np.ones(len(rows))
        if self.second is not None:
            if self.second == self.reference:
                raise ValueError(
                    "SymmetricSimulator: second must be another object than the reference, got "
                    f"{self.second!r} for both."
                )
            hand = _sign(wrap_phi(directions.azimuth(rows, self.second) - phi))
        orientation = Orientation(phi, side, hand)
        turned = directions.turn(rows, orientation)
        directions.lay_along_x(turned, self.reference)
        return pd.DataFrame(turned, columns=names), orientation

    def _back(self, drawn, orientation):
        """Rows drawn by the simulator, as the events of X were."""
        rows = np.asarray(drawn, dtype=np.float64).reshape(len(orientation.phi), -1)
        return Directions(list(self.target_names_in_)).turn_back(rows, orientation)

"""SymmetricSimulator: turns every event into the same orientation."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from skjetsim._drawing._back import BLOCK_ROWS
from skjetsim._drawing._sample import log_prob, sample
from skjetsim.base._inside import check_simulator, fit_inside, seed_inside
from skjetsim.compose._meta_simulator import MetaSimulator, all_have
from skjetsim.compose._tables import flat_rows
from skjetsim.utils._angles import half_pair, rotated, transverse_pairs, wrap_phi
from skjetsim.utils._event_columns import (
    event_objects,
    is_difference,
    join_name,
    label,
    refuse_other_azimuths,
)
from skjetsim.utils._tables import as_table
from skjetsim.utils._validation import column_names, counted
from skjetsim.utils._with_parameters import with_parameters

ALONG = ("pz", "eta", "delta_eta")  # change sign if the beam axis is reflected
ACROSS = ("delta_phi", "opposite_mt")  # change sign if phi is reflected
# Have a direction, but cannot be turned.
OTHERS = ("theta", "d0", "z0", "dxy", "dz", "vx", "vy", "vz")


@dataclass
class Orientation:
    """Angle by which each event is turned about the beam, and the axes that are reflected."""

    phi: np.ndarray
    side: np.ndarray  # 1, or -1 if the beam axis is reflected
    hand: np.ndarray  # 1, or -1 if phi is reflected

    def of_rows(self, rows):
        """Orientation of some events, which may be there several times."""
        return Orientation(*(part[rows] for part in vars(self).values()))


class Directions:
    """Columns of a table that have a direction, and how they turn.

    Parameters
    ----------
    names : list of str
    what : str
        What messages call the table.
    """

    def __init__(self, names, what):
        # A magnitude, such as `jet_abs_eta`, has no direction.
        names = ["" if "abs" in name.split("_") else name for name in names]
        self.what, self.objects = what, event_objects(names)
        self.positions = {name: i for i, name in enumerate(names)}
        self.along = [i for i, name in enumerate(names) if name.endswith("rapidity")]
        self.vectors, self.phi, self.across = [], [], []
        self._refuse_others(names)
        for obj, parts in self.objects.items():
            self.along += [parts[name] for name in ALONG if name in parts]
            self.across += [parts[name] for name in ACROSS if name in parts]
            self.phi += [(parts["phi"], sorted(parts.values()))] if "phi" in parts else []
            if is_difference(obj):  # cosine and sine of a difference do not turn
                self.across += [parts["sin_phi"]] if "sin_phi" in parts else []
            else:
                self.vectors += self._pairs(obj, parts)
        self.across += [y for _, y in self.vectors] + [column for column, _ in self.phi]

    def _refuse_others(self, names):
        for name in names:
            if name.split("_")[-1].lower() in OTHERS:
                raise ValueError(
                    f"SymmetricSimulator: column {name!r} of {self.what} has a direction, and "
                    "cannot be turned. Replace a polar angle by eta, and compute others inside."
                )
        refuse_other_azimuths(names, f"SymmetricSimulator, {self.what}")

    def _pairs(self, obj, parts):
        """Columns of an object that turn as vectors in the transverse plane."""
        if half := half_pair(parts):
            there, missing = (join_name(obj, component) for component in half)
            raise ValueError(
                f"SymmetricSimulator: {label(obj)} has a column {there!r} in {self.what} but no "
                f"{missing!r}, and half a vector cannot be turned. Add the other half, or remove "
                "this column."
            )
        return transverse_pairs(parts)

    def azimuth(self, table, name):
        """Phi of an object, and a mask of the events that have the object."""
        if name not in self.objects:
            known = ", ".join(map(repr, self.objects)) or "none"
            raise ValueError(
                f"SymmetricSimulator: there is no object {name!r} among the columns of "
                f"{self.what}; objects found: {known}. Columns are named 'muon_px', 'muon_phi' "
                "and so on."
            )
        parts = self.objects[name]
        if "phi" in parts:
            return table[:, parts["phi"]], _is_there(table, sorted(parts.values()))
        for x, y in transverse_pairs(parts):
            across = table[:, [x, y]]
            return np.arctan2(across[:, 1], across[:, 0]), across.any(axis=1)
        raise ValueError(
            f"SymmetricSimulator: {label(name)} has neither phi nor px and py in {self.what}; it "
            f"has {sorted(parts)}."
        )

    def side(self, table, name):
        """Direction of an object along the beam: 1 or -1; 1 if no column has it."""
        for component in ("pz", "eta", "rapidity"):
            column = self.positions.get(join_name(name, component))
            if column is not None:
                return _sign(table[:, column])
        return np.ones(len(table))

    def turn(self, table, orientation):
        """Events turned so that their reference points along x and forward."""
        out = table.copy()
        self._rotate(out, -orientation.phi)
        self._reflect(out, orientation)
        return self._finished(out, table)

    def turn_back(self, table, orientation):
        """Undo `turn`."""
        out = table.copy()
        self._reflect(out, orientation)
        self._rotate(out, orientation.phi)
        return self._finished(out, table)

    def _rotate(self, out, angle):
        cos, sin = np.cos(angle), np.sin(angle)
        for x, y in self.vectors:
            out[:, x], out[:, y] = rotated(out[:, x], out[:, y], cos, sin)
        for column, _ in self.phi:
            out[:, column] += angle

    def _reflect(self, out, orientation):
        out[:, self.along] *= orientation.side[:, None]
        out[:, self.across] *= orientation.hand[:, None]

    def _finished(self, out, table):
        """Wrap phi, and keep the zeros of absent objects."""
        for column, parts in self.phi:
            out[:, column] = np.where(_is_there(table, parts), wrap_phi(out[:, column]), 0.0)
        return out + 0.0  # turns -0.0 into 0.0

    def lay_along_x(self, table, name):
        """Set the azimuth of a turned object to zero, without the rounding of the turn."""
        parts = self.objects[name]
        if "px" in parts:
            table[:, parts["px"]] = np.hypot(table[:, parts["px"]], table[:, parts["py"]])
            table[:, parts["py"]] = 0.0
        if "cos_phi" in parts:
            table[:, [parts["cos_phi"], parts["sin_phi"]]] = 1.0, 0.0
        if "phi" in parts:
            table[:, parts["phi"]] = 0.0


def _is_there(table, parts):
    """Whether an object is in an event: a column is not zero, or there is only one column."""
    return table[:, parts].any(axis=1) if len(parts) > 1 else np.ones(len(table), dtype=bool)


def _sign(values):
    return np.where(values < 0, -1.0, 1.0)


@with_parameters
class SymmetricSimulator(MetaSimulator):
    """Simulate every event in one orientation, and turn it back.

    A round detector with two equal ends has the same response to an event, to the event turned
    about the beam, and to its mirror images. Here each event of X is turned so that a reference
    object points along x and forward, and a second object to the left of it. y is turned in the
    same way. The simulator inside learns these events, and drawn events are turned back. All
    azimuths, with four mirror images each (two without a second object), become one orientation:
    the same number of events says more, and the simulation has the symmetries exactly.

    Parameters
    ----------
    simulator : simulator
        Learns y given X in one orientation. It may be a Pipeline that ends in a simulator.
    reference : str
        Object of X that is turned to phi = 0. If its `pz`, `eta` or `rapidity` is below zero, the
        event is reflected along the beam. If it has none of these columns, as the missing
        momentum, no event is reflected along the beam.
    second_object : str or None
        Object of X that is reflected to phi > 0. Events without it are not reflected. None reflects
        no event: take it if the magnetic field bends what is measured, since the mirror image of a
        solenoid bends the other way. The field hardly changes jets and muons at the collision
        point, but electrons radiate to one side.

    Attributes
    ----------
    simulator_ : simulator
        Fitted clone. It only knows events in one orientation.
    n_features_in_, n_targets_ : int
    feature_names_in_, target_names_in_ : ndarray of str

    See Also
    --------
    skjetsim.preprocessing.PhiRotation : Measures phi from an object: the rotation alone, of one
        level.
    TransformedSimulator : Changes the coordinates of y.

    Notes
    -----
    Columns need names. The columns `px`, `py`, `pz`, `eta`, `phi`, `cos_phi`, `sin_phi`, `rapidity`
    and the signed `delta_eta`, `delta_phi` and `opposite_mt` of any object are turned. All other
    columns are kept, and must not have a direction: pT, masses, energies, counts, magnitudes
    (`abs_eta`). Angles in other frames have a direction: compute them inside. Polar angles, impact
    parameters and vertices are refused if their names are known (`theta`, `d0`, `vx`). Drawn phi
    are in (-pi, pi]. An object is absent from an event if all its columns are zero. It then stays
    zero, as `EfficiencySimulator` needs it, which may be the simulator inside.

    `predict` turns the point prediction of the simulator inside back.

    The reference of a turned event has exactly phi = 0: this column is constant, and networks
    ignore it. The Jacobian is one, so that log p is that of the turned event.

    Inside `Unfolder`, X is the measured event. Theory-level events are symmetric, too, if the beams
    are equal and parity is conserved. A detector with a dead region has no symmetry: the simulator
    would learn the mean of all its sides, which is wrong.

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

    simulator: BaseEstimator
    reference: str
    second_object: str | None = None

    random_state = seed_inside("simulator")

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
            If `simulator` is not a simulator, or an object is not a name.
        ValueError
            On bad values (naming column and row), different lengths or indices of X and y, tables
            without names, objects that are not there or have no azimuth, events without the
            reference, half a vector among the columns, or a column that has a direction and cannot
            be turned (`theta`, impact parameters, vertices).
        """
        check_simulator(self.simulator)
        self._check_objects()
        for table, what in ((X, "X"), (y, "y")):
            if table is not None and column_names(table) is None:
                raise ValueError(
                    f"SymmetricSimulator finds directions by column names, and {what} has none. "
                    "Pass a DataFrame with names such as 'muon_px'."
                )
        X, y, weight = self._read_events(X, y, sample_weight)
        X, orientation = self._turned(X)
        fit_inside(self, "simulator", X, self._turned_target(y, orientation), weight=weight)
        return self

    def _draw_targets(self, rows, n_samples, random_state):
        turned, orientation = self._turned(rows)
        repeats = n_samples or 1
        drawn = sample(self.simulator_, turned, n_samples=n_samples, random_state=random_state)
        drawn = flat_rows(drawn, len(rows) * repeats)
        out = np.empty((len(drawn), self.n_targets_))
        for start in range(0, len(drawn), BLOCK_ROWS):  # blocks bound the memory
            block = slice(start, start + BLOCK_ROWS)
            numbers = np.arange(start, min(start + BLOCK_ROWS, len(drawn))) // repeats
            out[block] = self._back(drawn[block], orientation.of_rows(numbers))
        return out

    def _predict_inside(self, rows):
        turned, orientation = self._turned(rows)
        return self._back(self.simulator_.predict(turned), orientation)

    @available_if(all_have("score_samples"))
    def _log_density(self, X, y):
        turned, orientation = self._turned(X)
        return log_prob(self.simulator_, turned, self._turned_target(y, orientation))

    def _check_objects(self):
        for name, optional in (("reference", False), ("second_object", True)):
            value = getattr(self, name)
            if not isinstance(value, str) and not (value is None and optional):
                raise TypeError(f"{name} must be the name of an object of X, got {value!r}.")
        if self.second_object == self.reference:
            raise ValueError(
                "SymmetricSimulator: second_object must not be the reference, got "
                f"{self.reference!r} for both."
            )

    def _turned(self, rows):
        """Events of X in the one orientation, and how they were turned."""
        names = self.feature_names_in_
        directions = Directions(names, "X")
        phi, known = directions.azimuth(rows, self.reference)
        if not known.all():
            row = int(np.flatnonzero(~known)[0])
            raise ValueError(
                f"Row {row} of X has only zeros for the reference {label(self.reference)}, which "
                f"has no azimuth ({counted((~known).sum(), 'such row')} in all). Select events "
                "that have the reference, or choose an object that every event has."
            )
        side, hand = directions.side(rows, self.reference), np.ones(len(rows))
        if self.second_object is not None:
            other, there = directions.azimuth(rows, self.second_object)
            hand = np.where(there, _sign(wrap_phi(other - phi)), 1.0)
        orientation = Orientation(phi, side, hand)
        turned = directions.turn(rows, orientation)
        directions.lay_along_x(turned, self.reference)
        return as_table(turned, names), orientation

    def _turned_target(self, rows, orientation):
        """Events of y, turned like those of X."""
        names = self.target_names_in_
        return as_table(Directions(names, "y").turn(rows, orientation), names)

    def _back(self, drawn, orientation):
        """Rows that the simulator has drawn, turned back."""
        rows = flat_rows(drawn, len(orientation.phi))
        return Directions(self.target_names_in_, "y").turn_back(rows, orientation)

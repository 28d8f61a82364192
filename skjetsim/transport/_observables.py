"""Quantities of several objects, which transport maps see and whose distributions they compare.

Each takes events as a mapping from column names to tensors, and returns a tensor with one row per
event, through which gradients flow. Any callable that does the same can be used instead.
"""

from skjetsim.utils._event_columns import event_objects, find_object, join_name
from skjetsim.utils._event_objects import EventObject
from skjetsim.utils._four_vectors import array_namespace, mass_of, pseudorapidity

LEAST_PT = 1e-3  # GeV: smallest argument of a logarithm
LEAST_SQUARE = 1e-6  # GeV^2: smallest square of a mass
# Components that an object is read from.
READ = ("px", "py", "pz", "E", "pt", "eta", "phi", "mass", "log_pt", "log_mass", "log_E")


class OfObjects:
    """Observable of objects that are given by name."""

    def __init__(self, *objects):
        if not objects or not all(isinstance(name, str) for name in objects):
            raise TypeError(
                f"{type(self).__name__} takes names of objects, such as "
                f"{type(self).__name__}('electron', 'positron'), got {objects!r}."
            )
        self.objects = objects

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.objects))})"

    def __eq__(self, other):
        return type(self) is type(other) and self.objects == other.objects

    def __hash__(self):
        return hash((type(self), self.objects))

    def _read(self, events):
        """The objects; one without a direction along the beam is transverse."""
        return [self._read_one(events, name) for name in self.objects]

    def _read_one(self, events, name):
        owner = type(self).__name__
        columns = {c: events[key] for c in READ if (key := join_name(name, c)) in events}
        if not columns:
            find_object(event_objects(list(events)), name, owner)  # raises, naming those there are
        if not {"pz", "eta"} & set(columns):
            first = next(iter(columns.values()))
            columns["pz"] = array_namespace(first).zeros_like(first)
        return EventObject(name, columns, owner)


class FourMomentum(OfObjects):
    """Four-momentum (px, py, pz, E) of the sum of objects, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, whose columns are Cartesian or cylindrical: `muon_px`, ... or `muon_pt`
        (`muon_log_pt`), `muon_eta`, `muon_phi`. The energy is computed from `muon_mass`
        (`muon_log_mass`) if it exists, else it is `muon_E`. An object with neither is massless. An
        object without a direction along the beam is transverse.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import FourMomentum
    >>> event = {"muon_pt": torch.tensor([50.0]), "muon_eta": torch.tensor([0.0]),
    ...          "muon_phi": torch.tensor([0.0])}
    >>> FourMomentum("muon")(event).tolist()
    [[50.0, 0.0, 0.0, 50.0]]
    """

    def __call__(self, events):
        """Columns px, py, pz and E, shape (n_rows, 4)."""
        return sum(map(four_momentum, self._read(events))).T


class InvariantMass(OfObjects):
    """Invariant mass of objects, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import InvariantMass
    >>> event = {"electron_pt": torch.tensor([45.0]), "electron_eta": torch.tensor([0.0]),
    ...          "electron_phi": torch.tensor([0.0]), "positron_pt": torch.tensor([45.0]),
    ...          "positron_eta": torch.tensor([0.0]), "positron_phi": torch.tensor([3.14159265])}
    >>> InvariantMass("electron", "positron")(event).tolist()
    [90.0]
    """

    def __call__(self, events):
        """Mass of each event, shape (n_rows,)."""
        return mass_of(sum(map(four_momentum, self._read(events))), least_square=LEAST_SQUARE)


class ScalarSum(OfObjects):
    """Scalar sum of the transverse momenta of objects, H_T, in GeV.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import ScalarSum
    >>> ScalarSum("jet1", "jet2")({"jet1_pt": torch.tensor([50.0]),
    ...                            "jet2_pt": torch.tensor([30.0])}).tolist()
    [80.0]
    """

    def __call__(self, events):
        """H_T of each event, shape (n_rows,)."""
        return sum(one.pt for one in self._read(events))


class OrderedMomenta(OfObjects):
    """Objects by falling pT: log pT, eta, mass if it has a column, then px, py, pz, E, in GeV.

    The names of the objects then do not matter. Jets that a model moves one by one are compared as
    the hardest jet, the second one, and so on.

    Parameters
    ----------
    *objects : str
        Names of objects, as for `FourMomentum`.

    Examples
    --------
    >>> import torch
    >>> from skjetsim.transport import OrderedMomenta
    >>> event = {f"{name}_{component}": torch.tensor([value]) for name, component, value in [
    ...     ("b", "pt", 30.0), ("b", "eta", 1.0), ("b", "phi", 0.0),
    ...     ("u", "pt", 50.0), ("u", "eta", 0.0), ("u", "phi", 1.0)]}
    >>> OrderedMomenta("b", "u")(event)[:, :2].exp().round().tolist()
    [[50.0, 30.0]]
    """

    def __call__(self, events):
        """First quantity of all objects, then the second, ...; shape (n_rows, n_quantities)."""
        import torch

        found = self._read(events)
        parts = ("px", "py", "pz", "energy")
        px, py, pz, e = (torch.stack([getattr(o, p) for o in found], dim=1) for p in parts)
        pt = torch.hypot(px, py).clamp_min(LEAST_PT)
        order = pt.detach().argsort(dim=1, descending=True)
        quantities = [pt.log(), pseudorapidity(pt, pz)]
        masses = [one.find("mass") for one in found]
        if all(mass is not None for mass in masses):
            quantities.append(torch.stack(masses, dim=1))
        quantities += [px, py, pz, e]
        return torch.cat([quantity.gather(1, order) for quantity in quantities], dim=1)


def four_momentum(one):
    """Four-momentum (px, py, pz, E) of an object, shape (4, n_rows)."""
    return array_namespace(one.pt).stack([one.px, one.py, one.pz, one.energy])
